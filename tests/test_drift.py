"""Drift: what is deployed compared with its templates, told as requests that one allows and the other does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from deployed import ACCOUNT, REGION, Account, deployed

from policy_audit.comparison.changes import Change, Comparison
from policy_audit.comparison.drift import drift
from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.formats.changes import render
from policy_audit.live.snapshot import dump
from policy_audit.options import Options

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def estate(name: str) -> Account:
    """The account with what the estate declares, whose templates are below `templates`."""
    Path("templates").mkdir()
    for path in (FIXTURES / name).glob("*.yaml"):
        Path("templates", path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return deployed(*sorted(map(str, Path("templates").iterdir())))


def compared(found: Account, given: Options = Options()) -> Comparison:  # noqa: B008 - immutable
    dump(found.snapshot, "snapshot.json")
    return drift(["snapshot.json"], ["templates"], given)


def told(found: Comparison) -> list[tuple[str, str]]:
    return sorted({(one.effect, one.address.rpartition(":")[2]) for one in found.changes})


def roles(found: Account) -> list[dict[str, Any]]:
    details: Any = found.snapshot.everywhere["iam.GetAccountAuthorizationDetails"][""]
    return list(details["RoleDetailList"])


@pytest.mark.parametrize("name", ["estate", "estate-private-api", "estate-api-destination", "estate-event-targets"])
def test_what_is_deployed_as_it_is_declared_has_no_drift(name: str) -> None:
    found = compared(estate(name))
    assert found.changes == ()
    assert found.skipped == ()
    assert render(found, "text") == "the same requests are allowed as by the templates\n"


def test_a_grant_that_was_added_by_hand_is_told_with_a_request() -> None:
    found = estate("estate")
    role = next(one for one in roles(found) if one["RoleName"] == "parcels-orders-workflow")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::by-hand/*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role["RolePolicyList"].append({"PolicyName": "by-hand", "PolicyDocument": document})
    (change,) = compared(found).changes
    assert (change.effect, change.address) == ("allowed", f"arn:aws:iam::{ACCOUNT}:role/parcels-orders-workflow")
    assert (change.actions, change.resources) == (("s3:GetObject",), ("arn:aws:s3:::by-hand/*",))
    assert change.span.file == "snapshot.json"
    assert change.example is not None
    assert (change.example.old, change.example.new) == ("ImplicitlyDenied", "Allowed")
    text = render(compared(found), "text")
    assert "allowed as deployed, not by the template" in text
    assert "implicitly denied by the template, allowed as deployed" in text


def test_a_grant_that_was_taken_away_is_told() -> None:
    found = estate("estate")
    for role in roles(found):
        for policy in role["RolePolicyList"]:
            statements = policy["PolicyDocument"]["Statement"]
            policy["PolicyDocument"]["Statement"] = [one for one in statements if one["Sid"] != "ReadOrder"]
    (change,) = compared(found).changes
    assert (change.effect, change.actions) == ("denied", ("execute-api:Invoke",))
    assert change.resources[0].endswith("/live/GET/orders/*")


def test_a_policy_that_is_written_otherwise_and_says_the_same_is_no_drift() -> None:
    found = estate("estate")
    for role in roles(found):
        for policy in role["RolePolicyList"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                action = statement["Action"]
                statement["Action"] = [action] if isinstance(action, str) else list(reversed(action))
                statement.pop("Sid")
            policy["PolicyDocument"]["Statement"].reverse()
    assert compared(found).changes == ()


def test_a_trust_policy_that_lets_another_in_is_told() -> None:
    found = estate("estate")
    role = next(one for one in roles(found) if one["RoleName"] == "parcels-orders-workflow")
    role["AssumeRolePolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    )
    changes = compared(found).changes
    assert {(one.effect, one.about, one.who) for one in changes} == {
        ("allowed", "may be assumed by", "a principal of another account")
    }


def test_the_policy_and_the_methods_of_an_api_are_compared() -> None:
    found = estate("estate")
    apis: Any = found.snapshot.regions[REGION]["apigateway.GetRestApis"][""]["items"]
    apis[0].pop("policy")
    changes = compared(found).changes
    assert {one.effect for one in changes} == {"allowed"}
    assert {one.address for one in changes} == {f"arn:aws:apigateway:{REGION}::/restapis/{apis[0]['id']}"}


def test_what_the_account_has_beside_the_templates_is_not_compared() -> None:
    found = estate("estate")
    other = json.loads(json.dumps(roles(found)[0]).replace(roles(found)[0]["RoleName"], "of-others"))
    details: Any = found.snapshot.everywhere["iam.GetAccountAuthorizationDetails"][""]
    details["RoleDetailList"].append(other)
    assert compared(found).changes == ()


def test_what_is_declared_and_not_deployed_is_told_as_not_compared() -> None:
    found = estate("estate")
    details: Any = found.snapshot.everywhere["iam.GetAccountAuthorizationDetails"][""]
    details["RoleDetailList"] = [one for one in roles(found) if one["RoleName"] != "parcels-orders-workflow"]
    result = compared(found)
    assert result.changes == ()
    (skipped,) = result.skipped
    assert skipped.target == "templates/workflows.yaml#OrdersRole"
    assert "is not among what was inspected" in skipped.reason


PARAMETER = """
Parameters:
  Table: {Type: String, Default: orders}
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      RoleName: reader
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: !Sub arn:aws:dynamodb:eu-west-1:111122223333:table/${Table}
"""


def test_a_difference_that_hangs_on_the_default_of_a_parameter_is_undecided() -> None:
    Path("templates").mkdir()
    Path("templates/a.yaml").write_text(PARAMETER, encoding="utf-8")
    found = deployed("templates/a.yaml")
    assert compared(found).changes == ()
    statement = roles(found)[0]["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]
    statement["Resource"] = statement["Resource"].replace("table/orders", "table/orders-prod")
    changes = compared(found).changes
    assert {one.effect for one in changes} == {"undecided"}
    assert "Table" in changes[0].reasons[0]
    # With the value that the stack has it is decided.
    assert compared(found, Options(parameters={"Table": "orders-prod"})).changes == ()
    assert told(compared(found, Options(parameters={"Table": "orders"}))) == [
        ("allowed", "role/reader"),
        ("denied", "role/reader"),
    ]


def test_two_stacks_of_one_template_are_each_compared_with_it() -> None:
    found = estate("estate")
    document = found.snapshot.to_json()
    other = json.loads(json.dumps(document).replace(REGION, "us-east-1"))
    name = next(one["RoleName"] for one in roles(found) if one["RoleName"] != "parcels-orders-workflow")
    other = json.loads(json.dumps(other).replace(name, "another-name").replace("parcels-orders-workflow", "second"))
    details: Any = found.snapshot.everywhere["iam.GetAccountAuthorizationDetails"][""]
    for role in other["global"]["iam.GetAccountAuthorizationDetails"][""]["RoleDetailList"]:
        details["RoleDetailList"].append(role)
    found.snapshot.regions |= other["regions"]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::by-hand/*"}
    by_hand = {"PolicyName": "by-hand", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    next(one for one in details["RoleDetailList"] if one["RoleName"] == "another-name")["RolePolicyList"].append(
        by_hand
    )
    result = compared(found)
    (added,) = [one for one in result.changes if one.actions == ("s3:GetObject",)]
    assert (added.effect, added.address) == ("allowed", f"arn:aws:iam::{ACCOUNT}:role/another-name")
    # Of the first stack, whose role has another name, nothing is told.
    assert not [one for one in result.changes if one.address.endswith(name)]


def test_without_a_snapshot_or_a_template_there_is_nothing_to_compare() -> None:
    found = estate("estate")
    dump(found.snapshot, "snapshot.json")
    for one, other in ((["templates"], ["templates"]), (["snapshot.json"], ["snapshot.json"])):
        with pytest.raises(AuditError) as caught:
            drift(one, other, Options())
        assert caught.value.exit_code == NOTHING_AUDITED


def test_the_kinds_of_output_say_template_and_deployed() -> None:
    found = estate("estate")
    del roles(found)[0]["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]
    result = compared(found)
    assert {one.effect for one in result.changes} == {"denied"}
    assert "allowed by the template, not as deployed" in render(result, "markdown")
    assert json.loads(render(result, "json"))["counts"]["denied"] == len(result.changes)
    assert isinstance(result.changes[0], Change)


OPEN = """
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      RoleName: reader
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: [s3:GetObject, s3:ListBucket]
                Resource: [!ImportValue archive, "arn:aws:s3:::orders/*"]
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: arn:aws:dynamodb:eu-west-1:111122223333:table/orders
"""


def test_one_open_arn_leaves_open_what_it_is_about_and_nothing_else() -> None:
    Path("templates").mkdir()
    Path("templates/a.yaml").write_text(OPEN, encoding="utf-8")
    found = deployed("templates/a.yaml")
    (policy,) = roles(found)[0]["RolePolicyList"]
    read, get = policy["PolicyDocument"]["Statement"]
    archive = "arn:aws:s3:::archive/*"
    read["Resource"][0] = archive
    # As it was deployed, nothing but the open ARN may be another.
    open_sets = {(("s3:GetObject", "s3:ListBucket"), (one,)) for one in (archive, "${ImportValue:archive}")}
    changes = compared(found).changes
    assert {one.effect for one in changes} == {"undecided"}
    assert {(one.actions, one.resources) for one in changes} == open_sets
    assert {reason for one in changes for reason in one.reasons} == {"the resource: `${ImportValue:archive}`"}
    # What was changed by hand is told beside it.
    get["Resource"] = "arn:aws:dynamodb:eu-west-1:111122223333:table/customers"
    changes = compared(found).changes
    assert {(one.actions, one.resources) for one in changes if one.effect == "undecided"} == open_sets
    assert {(one.effect, one.actions, one.resources) for one in changes if one.effect != "undecided"} == {
        ("allowed", ("dynamodb:GetItem",), ("arn:aws:dynamodb:eu-west-1:111122223333:table/customers",)),
        ("denied", ("dynamodb:GetItem",), ("arn:aws:dynamodb:eu-west-1:111122223333:table/orders",)),
    }
    # The open ARN may be the bucket that was added: nobody knows.
    read["Resource"].append("arn:aws:s3:::customers/*")
    asked = {one for change in compared(found).changes if change.effect == "undecided" for one in change.resources}
    assert asked == {archive, "${ImportValue:archive}", "arn:aws:s3:::customers/*"}
