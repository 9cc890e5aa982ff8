"""The Serverless transform: what its resources become, at the lines where the user wrote them."""

import json
from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.model.node import Place
from policy_audit.sources.build import mapping, scalar
from policy_audit.sources.places import File
from policy_audit.sources.sam_policies import from_template, templates
from policy_audit.sources.tree import child, items, text

PLACE = Place(File("made", "", "value"), 0, 0)
HEAD = "Transform: AWS::Serverless-2016-10-31\n"
FLOW = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::http:invoke",
            "Parameters": {
                "ApiEndpoint": "https://${Host}/x",
                "Method": "GET",
                "InvocationConfig": {"ConnectionArn": "${Connection}"},
            },
            "End": True,
        }
    },
}
MACHINE = """
Parameters: {Connection: {Type: String}}
Resources:
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      %s
      DefinitionSubstitutions: {Host: ledger.example, Connection: !Ref Connection}
      Policies: %s
"""
ENDPOINT = "{StringLike: {'states:HTTPEndpoint': 'https://ledger.example/*'}}"
CALL = f"{{Effect: Allow, Action: 'states:InvokeHTTPEndpoint', Resource: '*', Condition: {ENDPOINT}}}"
CREDENTIALS = "{Effect: Allow, Action: 'events:RetrieveConnectionCredentials', Resource: !Ref Connection}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "flow.asl.json").write_text(json.dumps(FLOW, indent=1), encoding="utf-8")
    (tmp_path / "flows" / "flow.asl.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path


YAML = """
StartAt: Call
States:
  Call:
    Type: Task
    Resource: arn:aws:states:::http:invoke
    Parameters:
      ApiEndpoint: https://${Host}/x
      Method: GET
      InvocationConfig: {ConnectionArn: "${Connection}"}
    End: true
"""


def audited(given: str, *others: str) -> Report:
    Path("template.yaml").write_text(HEAD + given, encoding="utf-8")
    return audit(["template.yaml", *others])


def answers(report: Report) -> dict[str, str]:
    return {one.rule: one.answer for one in report.requirements}


@pytest.mark.parametrize(
    "definition",
    [
        "DefinitionUri: flows/flow.asl.json",
        "DefinitionUri: ./flows/flow.asl.yaml",
        f"Definition: {json.dumps(FLOW)}",
    ],
)
def test_a_state_machine_is_audited_with_the_role_that_it_gets(definition: str) -> None:
    report = audited(MACHINE % (definition, f"[{{Statement: [{CALL}, {CREDENTIALS}]}}]"))
    assert report.targets[0].form == "SAM template"
    found = answers(report)
    assert found["http-task-invoke"] == "proven"
    assert found["connection-credentials"] == "proven"
    assert found["state-machine-trust"] == "proven"
    assert found["connection-secret"] == "refuted"
    assert {one.address for one in report.findings} == {"template.yaml#FlowRole"}
    assert {one.location.line for one in report.findings} == {5}


def test_a_finding_in_a_definition_file_is_shown_there() -> None:
    Path("flows/flow.asl.json").write_text(json.dumps(FLOW, indent=1).replace("https://", "http://"), encoding="utf-8")
    report = audited(MACHINE % ("DefinitionUri: flows/flow.asl.json", "[]"))
    (finding,) = [one for one in report.findings if one.rule == "http-task-https"]
    assert (finding.address, finding.location.file) == ("template.yaml#Flow", "flows/flow.asl.json")
    assert '"ApiEndpoint": "http://' in report.texts[finding.location.file][finding.location.line - 1]


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname", "flows/none.asl.json"])
def test_a_definition_that_can_not_be_opened_is_told(name: str, folder: Path) -> None:
    (folder.parent / "outside.json").write_text(json.dumps(FLOW), encoding="utf-8")
    report = audited(MACHINE % (f"DefinitionUri: {name}", "[]"))
    assert [one.broken for one in report.skipped] == [True]


@pytest.mark.parametrize(
    "policies",
    [
        "AWSStepFunctionsFullAccess",
        "[AWSStepFunctionsFullAccess]",
        "[arn:aws:iam::aws:policy/AWSStepFunctionsFullAccess]",
        "[!Sub 'arn:${AWS::Partition}:iam::aws:policy/AWSStepFunctionsFullAccess']",
        f"{{Statement: {CALL}}}",
        f"[{{Version: '2012-10-17', Statement: [{CALL}]}}, DynamoDBReadPolicy: {{TableName: t}}]",
        f"[!If [Always, {{Statement: {CALL}}}, !Ref 'AWS::NoValue']]",
        f"[!If [Always, AWSStepFunctionsFullAccess, {CALL}]]",
    ],
)
def test_policies_in_every_form(policies: str) -> None:
    given = MACHINE % ("DefinitionUri: flows/flow.asl.json", policies)
    given += "Conditions: {Always: !Equals [a, a]}\n"
    assert answers(audited(given))["http-task-invoke"] == "proven"


@pytest.mark.parametrize("policies", ["[]", "[Nobody's policy]", "[SQSSendMessagePolicy: {QueueName: q}]"])
def test_policies_that_do_not_allow_it(policies: str) -> None:
    expected = "undecided" if "Nobody" in policies else "refuted"
    assert answers(audited(MACHINE % ("DefinitionUri: flows/flow.asl.json", policies)))["http-task-invoke"] == expected


def test_a_policy_template_that_is_not_known_may_allow_anything() -> None:
    found = answers(audited(MACHINE % ("DefinitionUri: flows/flow.asl.json", "[FuturePolicy: {Name: x}]")))
    assert found["http-task-invoke"] == "undecided"


def test_every_policy_template_grants_something() -> None:
    names = templates()
    assert len(names) > 75
    for name in names:
        document = from_template(mapping(PLACE, [(name, mapping(PLACE, ()))]))
        statements = items(child(document, "Statement"))
        assert statements
        assert {text(child(one, "Effect")) for one in statements} == {"Allow"}


def test_a_placeholder_of_a_policy_template_is_filled_in() -> None:
    given = mapping(PLACE, [("SecretArn", scalar("arn:x", PLACE))])
    document = from_template(mapping(PLACE, [("AWSSecretsManagerGetSecretValuePolicy", given)]))
    (statement,) = items(child(document, "Statement"))
    _, variables = items(child(statement, "Resource", "Fn::Sub"))
    assert text(child(variables, "secretArn")) == "arn:x"


def test_globals_are_beneath_the_resources_own_properties() -> None:
    given = "Globals: {StateMachine: {PermissionsBoundary: 'arn:aws:iam::111122223333:policy/b', Policies: [%s]}}\n"
    given = given % "AWSStepFunctionsFullAccess" + MACHINE % ("DefinitionUri: flows/flow.asl.json", "[]")
    report = audited(given)
    (one,) = [one for one in report.requirements if one.rule == "http-task-invoke"]
    assert one.answer == "undecided"
    assert "permissions boundary is not visible" in one.reasons[0]


def test_the_files_of_a_template_are_not_read_by_themselves() -> None:
    Path("template.yaml").write_text(HEAD + MACHINE % ("DefinitionUri: flows/flow.asl.json", "[]"), encoding="utf-8")
    report = audit(["."])
    assert [one.path for one in report.targets] == ["template.yaml", "flows/flow.asl.yaml"]
