"""Nested stacks: parameters go down, outputs come up, and a template is audited once for each stack made from it."""

from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.sources.nested import DEEPEST

PARENT = """
Parameters: {Host: {Type: String, Default: ledger.example}, Wanted: {Type: String, AllowedValues: [a, b]}}
Conditions: {IsWanted: !Equals [!Ref Wanted, a]}
Resources:
  Flow:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./flow.yaml
      Parameters: {Endpoint: !Sub "https://${Host}/x", Role: !GetAtt Roles.Outputs.Arn}
  Roles: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: deeper/roles.yaml, Parameters: {Allowed: %s}}}
"""
FLOW = """
Parameters: {Endpoint: {Type: String, Default: http://nowhere.example/}, Role: {Type: String}}
Resources:
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !Ref Role
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters: {ApiEndpoint: !Ref Endpoint, Method: GET}
            End: true
"""
ROLES = """
Parameters: {Allowed: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: call
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: states:InvokeHTTPEndpoint
                Resource: "*"
                Condition: {StringLike: {states:HTTPEndpoint: !Ref Allowed}}
Outputs: {Arn: {Value: !GetAtt Role.Arn}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("main.yaml", PARENT % "'https://ledger.example/*'")
    write("flow.yaml", FLOW)
    write("deeper/roles.yaml", ROLES)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def answers(report: Report) -> dict[str, str]:
    return {one.rule: one.answer for one in report.requirements}


@pytest.mark.parametrize("given", [["."], ["main.yaml"], ["flow.yaml", "main.yaml"]])
def test_what_a_parent_passes_counts_and_what_a_child_gives_comes_back(given: list[str]) -> None:
    report = audit(given)
    assert not report.skipped
    assert {one.path for one in report.targets} == {"main.yaml", "flow.yaml", "deeper/roles.yaml"}
    found = answers(report)
    assert found["http-task-https"] == "proven"
    assert found["http-task-invoke"] == "proven"
    assert found["state-machine-trust"] == "proven"


def test_a_value_that_does_not_fit_is_found_in_the_child() -> None:
    write("main.yaml", PARENT % "'https://other.example/*'")
    report = audit(["main.yaml"])
    found = [one for one in report.findings if one.rule == "http-task-invoke"]
    assert [one.address for one in found] == ["deeper/roles.yaml#Role"]


def test_a_default_counts_only_where_the_parent_passes_nothing() -> None:
    write("main.yaml", PARENT.replace('Endpoint: !Sub "https://${Host}/x", ', "") % "'*'")
    assert answers(audit(["main.yaml"]))["http-task-https"] == "refuted"


def test_a_stack_exists_only_where_its_condition_holds() -> None:
    changed = PARENT.replace("  Flow:\n", "  Flow:\n    Condition: IsWanted\n")
    write("main.yaml", changed % "'https://other.example/*'")
    report = audit(["main.yaml"])
    (finding,) = [one for one in report.findings if one.rule == "http-task-invoke"]
    assert finding.when == ("Wanted is `a`",)


def test_one_template_in_two_stacks_is_audited_with_both() -> None:
    two = (
        PARENT + "  Other:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: flow.yaml, Parameters: "
    )
    two += "{Endpoint: 'http://other.example/', Role: !GetAtt Roles.Outputs.Arn}}\n"
    write("main.yaml", two % "'*'")
    report = audit(["main.yaml"])
    assert {one.answer for one in report.requirements if one.rule == "http-task-invoke"} == {"proven"}
    assert [one.rule for one in report.findings if one.rule == "http-task-https"] == ["http-task-https"]


@pytest.mark.parametrize(
    ("location", "broken"),
    [
        ("https://bucket.s3.amazonaws.com/flow.yaml", False),
        ("s3://bucket/flow.yaml", False),
        ("!Sub 'https://${Host}/flow.yaml'", False),
        ("!Ref Host", False),
        ("none.yaml", True),
        ("../outside.yaml", True),
        ("/etc/passwd", True),
    ],
)
def test_a_template_elsewhere_is_told_as_not_read(location: str, broken: bool, folder: Path) -> None:
    (folder.parent / "outside.yaml").write_text(FLOW, encoding="utf-8")
    write("main.yaml", PARENT.replace("./flow.yaml", location) % "'*'")
    report = audit(["main.yaml"])
    assert [one.broken for one in report.skipped if "main.yaml" in one.target][:1] == [broken]
    assert any(one.span is not None and one.span.file == "main.yaml" for one in report.skipped)
    assert "http-task-invoke" not in answers(report)


def test_a_template_that_nests_itself_ends() -> None:
    itself = "Resources:\n" + "".join(
        f"  S{number}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: loop.yaml}}}}\n"
        for number in range(3)
    )
    write("loop.yaml", itself)
    report = audit(["loop.yaml"])
    assert any("nest too deeply" in one.reason for one in report.skipped)
    assert DEEPEST < 20


def test_an_application_of_sam_is_a_nested_stack() -> None:
    text = PARENT.replace("AWS::CloudFormation::Stack", "AWS::Serverless::Application").replace(
        "TemplateURL", "Location"
    )
    write("main.yaml", "Transform: AWS::Serverless-2016-10-31\n" + text % "'https://ledger.example/*'")
    assert answers(audit(["main.yaml"]))["http-task-invoke"] == "proven"
