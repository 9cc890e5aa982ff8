"""Stack sets: the template is audited in each Region and account, with the parameters that the set gives."""

from pathlib import Path
from textwrap import indent

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.sources.stack_sets import MOST

FLOW = """\
Parameters: {Region: {Type: String, Default: nowhere}, Calls: {Type: String, Default: ledger.example}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: states.amazonaws.com}
            Action: sts:AssumeRole
            Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}
      Policies:
        - PolicyName: call
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: states:InvokeHTTPEndpoint
                Resource: !Sub arn:aws:states:${Region}:${AWS::AccountId}:stateMachine:*
                Condition: {StringLike: {states:HTTPEndpoint: !Sub "https://${Calls}/*"}}
  Flow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters: {ApiEndpoint: https://ledger.example/x, Method: GET}
            End: true
"""
SET = """\
Parameters: {Home: {Type: String, Default: eu-west-1}}
Resources:
  Everywhere:
    Type: AWS::CloudFormation::StackSet
    Properties:
      StackSetName: everywhere
      PermissionModel: SELF_MANAGED
      %s
      Parameters: [{ParameterKey: Region, ParameterValue: !Ref Home}]
      StackInstancesGroup:
        - DeploymentTargets: {Accounts: ["111122223333"]}
          Regions: [eu-west-1]
        - DeploymentTargets: {Accounts: ["444455556666"]}
          Regions: [us-east-1]
          ParameterOverrides: [%s]
"""
OVERRIDE = "{ParameterKey: Region, ParameterValue: us-east-1}"
BY_FILE = "TemplateURL: flow.yaml"
BY_BODY = "TemplateBody: |\n" + indent(FLOW, " " * 8).rstrip()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def audited(template: str) -> Report:
    Path("set.yaml").write_text(template, encoding="utf-8")
    return audit(["set.yaml"])


def invoked(report: Report) -> dict[str, str]:
    """The verdict on the permission to call, by the Region of the state machine."""
    return {
        region: one.answer
        for one in report.requirements
        if one.rule == "http-task-invoke"
        for region in ("eu-west-1", "us-east-1", "nowhere")
        if f":{region}:" in one.requirement
    }


@pytest.mark.parametrize("template", [BY_FILE, BY_BODY], ids=["file", "body"])
@pytest.mark.parametrize(("override", "expected"), [(OVERRIDE, "proven"), ("", "refuted")])
def test_each_stack_has_its_region_and_what_its_group_overrides(template: str, override: str, expected: str) -> None:
    report = audited(SET % (template, override))
    assert invoked(report) == {"eu-west-1": "proven", "us-east-1": expected}
    assert not report.skipped
    assert {one.path for one in report.targets} == {"set.yaml"} | ({"flow.yaml"} if template == BY_FILE else set())


def test_what_stands_in_the_body_is_named_after_the_set_and_found_in_its_lines() -> None:
    report = audited(SET % (BY_BODY, ""))
    (finding,) = [one for one in report.findings if one.rule == "http-task-invoke"]
    assert finding.address == "set.yaml#Everywhere/Role"
    line = Path("set.yaml").read_text(encoding="utf-8").splitlines()[finding.location.line - 1]
    assert "Effect: Allow" in line


def test_a_set_whose_accounts_are_not_known_says_so() -> None:
    units = SET.replace('Accounts: ["111122223333"]', "OrganizationalUnitIds: [ou-1234-56789012]")
    report = audited(units % (BY_FILE, OVERRIDE))
    assert [one.reason for one in report.skipped] == [
        "the accounts of `Everywhere` are not known: its stacks are audited as if they were in this one"
    ]
    assert invoked(report) == {"eu-west-1": "proven", "us-east-1": "proven"}


def test_a_set_of_many_stacks_is_audited_in_some_and_says_so() -> None:
    regions = ", ".join(f"eu-west-{number}" for number in range(1, MOST + 9))
    report = audited(SET.replace("Regions: [eu-west-1]", f"Regions: [{regions}]") % (BY_FILE, OVERRIDE))
    (told,) = report.skipped
    assert f"`Everywhere` makes {MOST + 9} stacks, of which {MOST} are audited" in told.reason


@pytest.mark.parametrize(
    ("template", "reason", "broken"),
    [
        ("TemplateURL: https://bucket.s3.amazonaws.com/x.yaml", "is a stack set: its template is not read", False),
        ("TemplateURL: ../outside.yaml", "outside the audited folders", True),
        ("TemplateURL: none.yaml", "no such file", True),
        ("TemplateBody: 'Resources: {'", "the template of `Everywhere` can't be read", True),
        ("TemplateBody: 'a: b'", "the template of `Everywhere` declares no resources", False),
        ("TemplateBody: !Sub 'Resources: {}'", "is a stack set: its template is not read", False),
    ],
)
def test_a_template_that_can_not_be_had_is_told(template: str, reason: str, broken: bool) -> None:
    report = audited(SET % (template, ""))
    assert [(reason in one.reason, one.broken) for one in report.skipped if reason in one.reason] == [(True, broken)]


def test_a_hostile_set_makes_no_more_stacks_than_any_other() -> None:
    regions, accounts = ", ".join(map(str, range(3000))), ", ".join(f'"{number}"' for number in range(3000))
    many = SET.replace("Regions: [eu-west-1]", f"Regions: [{regions}]").replace('"111122223333"', accounts)
    (told,) = audited(many % (BY_FILE, OVERRIDE)).skipped
    assert f"makes 9000001 stacks, of which {MOST} are audited" in told.reason
