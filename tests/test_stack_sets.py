"""Templates of several Regions, by stack sets or as the user says: each is audited where it is deployed."""

from pathlib import Path
from textwrap import indent

import pytest

from policy_audit.audit import audit
from policy_audit.errors import USAGE, AuditError
from policy_audit.findings import Report
from policy_audit.options import Options
from policy_audit.sources.estate import said
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


# ---- as the user says -----------------------------------------------------------------------------------------------

EU, US = "eu-west-1", "us-east-1"
BY_MAP = FLOW.replace(
    "Resources:", "Mappings: {Calls: {eu-west-1: {To: ledger.example}, us-east-1: {To: x.example}}}\nResources:", 1
)
BY_MAP = BY_MAP.replace("${Region}", "${AWS::Region}").replace(
    '!Sub "https://${Calls}/*"', "!Sub ['https://${To}/*', {To: !FindInMap [Calls, !Ref AWS::Region, To]}]"
)


def deployed(*paths: str, **places: object) -> Report:
    return audit(paths, Options(account="111122223333", partition="aws", **places))  # type: ignore[arg-type]


def told(report: Report, rule: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.answer, one.when) for one in report.requirements if one.rule == rule]


@pytest.mark.parametrize("several", [{"": (EU, US)}, {"flow.yaml": (EU, US)}, {".": (EU, US)}])
def test_a_template_is_audited_once_for_each_region(several: dict[str, tuple[str, ...]]) -> None:
    Path("flow.yaml").write_text(BY_MAP, encoding="utf-8")
    report = deployed("flow.yaml", several=several)
    assert told(report, "http-task-invoke") == [
        ("proven", (f"AWS::Region is `{EU}`",)),
        ("refuted", (f"AWS::Region is `{US}`",)),
    ]
    (found,) = [one for one in report.findings if one.rule == "http-task-invoke"]
    assert found.when == (f"AWS::Region is `{US}`",)
    assert f":{US}:" in (found.counterexample.resource if found.counterexample else "")


def test_what_is_equal_in_all_regions_is_told_once_with_their_names() -> None:
    Path("flow.yaml").write_text(BY_MAP.replace("To: ledger.example", "To: x.example"), encoding="utf-8")
    both = deployed("flow.yaml", several={"": (EU, US)})
    alone = deployed("flow.yaml", region=EU)
    assert len(both.requirements) == len(alone.requirements)
    assert {one.when for one in both.requirements} == {(f"AWS::Region is `{EU}` or `{US}`",)}
    assert [one.fingerprint for one in both.findings] == [one.fingerprint for one in alone.findings]


SHARED = "Outputs: {Calls: {Value: %s, Export: {Name: calls}}}\nResources: {Topic: {Type: AWS::SNS::Topic}}\n"


def test_templates_find_those_of_their_own_region_beside_them() -> None:
    Path("shared.yaml").write_text(
        "Conditions: {Eu: !Equals [!Ref AWS::Region, eu-west-1]}\n" + SHARED % "!If [Eu, ledger.example, x.example]",
        encoding="utf-8",
    )
    flow = BY_MAP.replace("!FindInMap [Calls, !Ref AWS::Region, To]", "!ImportValue calls")
    Path("flow.yaml").write_text(flow, encoding="utf-8")
    Path("home.yaml").write_text(flow, encoding="utf-8")
    report = deployed(".", several={"shared.yaml": (EU, US), "flow.yaml": (EU, US)}, regions={"home.yaml": US})
    asked = [one for one in report.requirements if one.rule == "http-task-invoke"]
    assert [(one.address, one.answer, one.when) for one in asked] == [
        ("flow.yaml#Role", "proven", (f"AWS::Region is `{EU}`",)),
        ("flow.yaml#Role", "refuted", (f"AWS::Region is `{US}`",)),
        ("home.yaml#Role", "refuted", ()),
    ]
    assert not [one.reason for one in report.skipped]


# ---- mappings by an open Region -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ("ledger.example", [("proven", ())]),
        ("x.example", [("refuted", (f"AWS::Region is `{US}`",))]),
    ],
)
def test_a_mapping_by_an_open_region_is_tried_with_each_of_its_keys(
    there: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    told_there = f"To: {there}, Same: a"
    Path("flow.yaml").write_text(BY_MAP.replace("To: x.example", told_there), encoding="utf-8")
    report = deployed("flow.yaml")
    assert told(report, "http-task-invoke") == expected
    assert not report.skipped


TOPIC = """\
Mappings: {Places: {eu-west-1: {At: a}, sa-east-1: {At: b}}}
Resources: {T: {Type: AWS::SNS::Topic, Properties: {TopicName: !FindInMap [Places, !Ref AWS::Region, At]}}}
Outputs: {A: {Value: !GetAtt T.TopicName, Export: {Name: a}}}
"""


def test_a_key_that_a_mapping_lacks_is_none_that_a_stack_is_made_with() -> None:
    Path("flow.yaml").write_text(BY_MAP.replace("GET}", "GET, Headers: {a: !ImportValue a}}"), encoding="utf-8")
    assert told(deployed("flow.yaml"), "http-task-invoke") == [("refuted", (f"AWS::Region is `{US}`",))]
    Path("topic.yaml").write_text(TOPIC, encoding="utf-8")
    report = deployed(".")
    assert told(report, "http-task-invoke") == [("proven", ())]  # Of the Regions, eu-west-1 alone is in both.
    assert not report.skipped


def test_a_default_stands_for_every_other_region() -> None:
    text = BY_MAP.replace("!Ref AWS::Region, To]", "!Ref AWS::Region, To, {DefaultValue: ledger.example}]")
    Path("flow.yaml").write_text("Transform: AWS::LanguageExtensions\n" + text, encoding="utf-8")
    assert told(deployed("flow.yaml"), "http-task-invoke") == [("refuted", (f"AWS::Region is `{US}`",))]
    Path("flow.yaml").write_text(
        Path("flow.yaml").read_text(encoding="utf-8").replace("x.ex", "ledger.ex"), encoding="utf-8"
    )
    assert told(deployed("flow.yaml"), "http-task-invoke") == [("proven", ())]


def test_a_key_that_a_condition_compares_too_is_one_and_the_same() -> None:
    text = "Conditions: {Eu: !Equals [!Ref AWS::Region, eu-west-1]}\n" + BY_MAP.replace("To: x.", "To: ledger2.")
    text = text.replace("Calls, !Ref AWS::Region, To]", "Calls, !If [Eu, us-east-1, !Ref AWS::Region], To]")
    Path("flow.yaml").write_text(text, encoding="utf-8")
    found = {when: answer for answer, when in told(deployed("flow.yaml"), "http-task-invoke")}
    assert found == {(f"AWS::Region is `{EU}`",): "refuted", (f"AWS::Region is `{US}`",): "refuted"}


def test_other_commands_want_one_region() -> None:
    with pytest.raises(AuditError, match=r"`flow.yaml` is in several Regions") as caught:
        said(Options(several={"flow.yaml": (EU, US)}))
    assert caught.value.exit_code == USAGE
