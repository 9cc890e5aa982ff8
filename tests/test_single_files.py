"""Definitions, policy documents and account details in files of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy_audit.audit import audit
from policy_audit.errors import AuditError
from policy_audit.findings import Report
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.tree import child, text

TRUST = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
CALL = {"Effect": "Allow", "Action": "states:InvokeHTTPEndpoint", "Resource": "*"}
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::http:invoke",
    "Parameters": {
        "ApiEndpoint": "https://ledger.example/x",
        "Method": "GET",
        "InvocationConfig": {"ConnectionArn": "arn:aws:events:eu-west-1:111122223333:connection/ledger/1-2"},
    },
    "End": True,
}
DEFINITION = {"StartAt": "Call", "States": {"Call": TASK}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: object) -> str:
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return name


def policy(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def forms(loaded: Loaded) -> list[tuple[str, str]]:
    return [(one.path, one.form) for one in loaded.targets]


def answers(report: Report, rule: str) -> list[str]:
    return [one.answer for one in report.requirements if one.rule == rule]


# ---- Amazon States Language -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["order-flow.asl.json", "order-flow.json", "order-flow.asl.yaml"])
def test_a_definition_is_audited_without_its_role(name: str) -> None:
    report = audit([write(name, DEFINITION)])
    assert report.targets == ((name, "state machine definition"),)
    assert {one.address for one in report.requirements} == {f"{name}#OrderFlow"}
    assert answers(report, "http-task-https") == ["proven"]
    assert answers(report, "http-task-invoke") == ["undecided"]


def test_what_a_definition_gets_wrong_by_itself_is_found_where_it_stands() -> None:
    text = '{"StartAt": "Call", "States": {"Call": {"Type": "Task",\n "Resource": "arn:aws:states:::http:invoke",\n'
    text += ' "Parameters": {"ApiEndpoint": "http://${Host}/x", "Method": "GET", "Retries": ${Retries}}, "End": true}}}'
    report = audit([write("a.asl.json", text)])
    (finding,) = report.findings
    assert finding.rule == "http-task-https"
    assert "`http://${Host}/x`" in finding.message
    assert (finding.location.line, finding.location.column) == (3, 32)


def test_a_placeholder_is_open() -> None:
    task = {**TASK, "Parameters": {**TASK["Parameters"], "ApiEndpoint": "${Endpoint}"}}  # type: ignore[dict-item]
    report = audit([write("a.json", {"StartAt": "Call", "States": {"Call": task}})])
    assert answers(report, "http-task-https") == ["undecided"]


@pytest.mark.parametrize(
    ("name", "content", "broken"),
    [
        ("a.asl.json", '{"StartAt": "A", "States": {', True),
        ("a.json", '{"StartAt": "A", "States": {', False),
        ("a.json", {"StartAt": "A", "States": {}, "is": "one"}, False),
        ("a.json", {"StartAt": "A", "words": "States"}, False),
        ("a.json", [{"StartAt": "A", "States": {}}], False),
    ],
)
def test_other_files_with_such_words_are_passed_over(name: str, content: object, broken: bool) -> None:
    write("template.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\n")
    write(name, content)
    assert [one.broken for one in load(["."]).skipped] == [True] * broken


# ---- policy documents -----------------------------------------------------------------------------------------------

KINDS = [
    (policy(CALL), "", "AWS::IAM::ManagedPolicy", "PolicyDocument", "identity policy"),
    (policy(TRUST), "", "AWS::IAM::Role", "AssumeRolePolicyDocument", "trust policy"),
    (policy({**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession"]}), "", "AWS::IAM::Role", None, "trust policy"),
    (policy({**TRUST, "Action": "execute-api:Invoke"}), "", "AWS::ApiGateway::RestApi", "Policy", "resource policy"),
    (policy({**TRUST, "Action": "kms:*"}), "", "AWS::KMS::Key", "KeyPolicy", "resource policy"),
    (policy({**TRUST, "Action": "*"}), "", "AWS::S3::BucketPolicy", "PolicyDocument", "resource policy"),
    (policy({**TRUST, "Action": "sqs:SendMessage"}), "", "AWS::SQS::QueuePolicy", "PolicyDocument", "resource policy"),
    (policy(TRUST), "resource", "AWS::S3::BucketPolicy", "PolicyDocument", "resource policy"),
    (policy(TRUST), "endpoint", "AWS::EC2::VPCEndpoint", "PolicyDocument", "VPC endpoint policy"),
    (policy(CALL), "scp", "AWS::Organizations::Policy", "Content", "service control policy"),
    (policy(CALL), "rcp", "AWS::Organizations::Policy", "Content", "resource control policy"),
    (policy(CALL), "trust", "AWS::IAM::Role", "AssumeRolePolicyDocument", "trust policy"),
    ({"Statement": CALL}, "", "AWS::IAM::ManagedPolicy", "PolicyDocument", "identity policy"),
]


@pytest.mark.parametrize(("document", "given", "kind", "place", "form"), KINDS)
def test_a_document_is_the_policy_of_a_resource(
    document: object, given: str, kind: str, place: str | None, form: str
) -> None:
    loaded = load([write("lambda-role.json", document)], given)
    assert forms(loaded) == [("lambda-role.json", form)]
    (made,) = loaded.inputs
    resource = child(made.body, "Resources", "LambdaRole")
    assert text(child(resource, "Type")) == kind
    if place is not None:
        assert child(resource, "Properties", place, "Statement") is not None
    wanted = {"scp": "SERVICE_CONTROL_POLICY", "rcp": "RESOURCE_CONTROL_POLICY"}.get(given)
    assert text(child(resource, "Properties", "Type")) == wanted


@pytest.mark.parametrize(
    "content",
    [
        {"Statement": [], "Effect": "none"},
        {"Statement": "Effect"},
        {**policy(CALL), "Name": "a wrapper of another tool's"},
        [policy(CALL)],
    ],
)
def test_what_is_no_policy_is_passed_over_in_a_folder_and_told_when_named(content: object) -> None:
    write("template.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\n")
    write("a.json", content)
    assert forms(load(["."])) == [("template.yaml", "CloudFormation template")]
    with pytest.raises(AuditError, match="no CloudFormation template"):
        load(["a.json"])


# ---- account details ------------------------------------------------------------------------------------------------

ARN = "arn:aws:iam::111122223333"


def details(**more: object) -> dict[str, Any]:
    return {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [
            {
                "Path": "/flows/",
                "RoleName": "orders",
                "Arn": f"{ARN}:role/flows/orders",
                "AssumeRolePolicyDocument": policy({**TRUST, "Principal": {"Service": "events.amazonaws.com"}}),
                "RolePolicyList": [{"PolicyName": "call", "PolicyDocument": policy(CALL)}],
                "AttachedManagedPolicies": [{"PolicyName": "more", "PolicyArn": f"{ARN}:policy/more"}],
                "PermissionsBoundary": {
                    "PermissionsBoundaryType": "Policy",
                    "PermissionsBoundaryArn": f"{ARN}:policy/b",
                },
            }
        ],
        "Policies": [
            {
                "PolicyName": "more",
                "Path": "/",
                "Arn": f"{ARN}:policy/more",
                "PolicyVersionList": [
                    {"VersionId": "v1", "IsDefaultVersion": False, "Document": policy()},
                    {"VersionId": "v2", "IsDefaultVersion": True, "Document": policy(CALL, CALL)},
                ],
            },
            {"PolicyName": "AdministratorAccess", "Arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ],
        **more,
    }


def roles_of(content: object) -> Any:
    from policy_audit.sources.cloudformation import read_system
    from policy_audit.sources.estate import Estate, Given
    from policy_audit.sources.worlds import World

    loaded = load([write("details.json", content)])
    estate = Estate(loaded.inputs, Given())
    estate.assume(World({}))
    return loaded, read_system(estate, {}).roles


def test_the_roles_of_an_account_have_all_their_policies() -> None:
    loaded, (role,) = roles_of(details())
    assert forms(loaded) == [("details.json", "account authorization details")]
    assert role.address == f"details.json#{ARN}:role/flows/orders"
    assert (role.arn, role.account) == (f"{ARN}:role/flows/orders", "111122223333")
    assert [len(one.statements) for one in role.policies] == [1, 2]
    assert role.trust.statements[0].principals[0].value == "events.amazonaws.com"
    assert "policy/b" in role.boundary.reason


def test_a_document_in_percent_encoding_is_decoded() -> None:
    from urllib.parse import quote

    content = details()
    content["RoleDetailList"][0]["AssumeRolePolicyDocument"] = quote(json.dumps(policy(TRUST)))
    _, (role,) = roles_of(content)
    assert role.trust.statements[0].principals[0].value == "states.amazonaws.com"
    content["RoleDetailList"][0]["AssumeRolePolicyDocument"] = quote('{"Version": "\U000f0000"}')
    (skipped,) = load([write("details.json", content)]).skipped
    assert skipped.broken


def test_a_page_of_several_says_so() -> None:
    report = audit([write("details.json", details(IsTruncated=True))])
    assert any("one page of several" in one.reason for one in report.skipped)


def test_roles_of_the_account_serve_the_templates_beside_them() -> None:
    content = details()
    content["RoleDetailList"][0]["AssumeRolePolicyDocument"] = policy(TRUST)
    del content["RoleDetailList"][0]["PermissionsBoundary"]
    write("details.json", content)
    write(
        "machine.json",
        {
            "Resources": {
                "M": {
                    "Type": "AWS::StepFunctions::StateMachine",
                    "Properties": {"RoleArn": f"{ARN}:role/flows/orders", "Definition": DEFINITION},
                }
            }
        },
    )
    report = audit(["."])
    assert answers(report, "http-task-invoke") == ["proven"]
    assert answers(report, "connection-secret") == ["refuted"] * 2
    assert {one.address for one in report.findings if one.rule == "connection-secret"} == {
        f"details.json#{ARN}:role/flows/orders"
    }


def test_whether_the_api_of_a_policy_by_itself_is_private_is_not_known() -> None:
    statement = {**TRUST, "Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}
    report = audit([write("policy.json", policy({**statement, "Condition": condition}))])
    assert not report.findings
    assert set(answers(report, "vpc-keys-on-public-api")) <= {"undecided"}


def test_a_definition_with_a_key_twice_is_a_broken_definition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(
        "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n  A: {Type: Fail}\n", encoding="utf-8"
    )
    (told,) = load(["flow.yaml"]).skipped
    assert told.broken
    assert "the key `A` stands here and on line 3" in told.reason
