"""What creating a connection needs, and what its key must allow: the tables of AWS's pages, row by row."""

import re
from pathlib import Path

import pytest
from templates import audited, system

from policy_audit.findings import Report
from policy_audit.model.encrypted_connections import every
from policy_audit.model.resources import Key, Missing
from policy_audit.model.statements import documents
from policy_audit.options import Options

CONFIGURATION = "arn:aws:vpc-lattice:eu-west-1:111122223333:resourceconfiguration/rcfg-0123456789abcdef0"
SECRETS = "arn:aws:secretsmanager:*:*:secret:events!*"
SERVICE_ROLE = (
    "arn:aws:iam::*:role/aws-service-role/apidestinations.events.amazonaws.com/"
    "AWSServiceRoleForAmazonEventBridgeApiDestinations"
)
PINNED = Options(partition="aws", region="eu-west-1", account="111122223333", deployers=("Deploy",))


def deployed(folder: Path, action: str, resource: str, condition: str = "{}", private: bool = True) -> Report:
    """The report on a connection and a role that may do one thing."""
    connectivity = f"{{ResourceParameters: {{ResourceConfigurationArn: '{CONFIGURATION}'}}}}"
    more = f"InvocationConnectivityParameters: {connectivity}" if private else ""
    return audited(
        folder,
        f"""
        Resources:
          Connection: {{Type: AWS::Events::Connection, Properties: {{Name: orders, {more}}}}}
          Configuration: {{Type: AWS::VpcLattice::ResourceConfiguration}}
          Deploy:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument: {{Statement: []}}
              Policies:
                - PolicyName: p
                  PolicyDocument:
                    Statement: {{Effect: Allow, Action: "{action}", Resource: "{resource}", Condition: {condition}}}
        """,
        options=PINNED,
    )


def answers(report: Report, *says: str) -> set[str]:
    return {one.answer for one in report.requirements if all(word in one.requirement for word in says)}


# ---- B.2: what the creator of a private connection needs ----

LATTICE = ("vpc-lattice:CreateServiceNetworkResourceAssociation", "vpc-lattice:AssociateViaAWSService-EventsAndStates")
SECRET_ACTIONS = ("CreateSecret", "UpdateSecret", "DeleteSecret", "GetSecretValue", "PutSecretValue")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("events:CreateConnection", "*"),
        ("vpc-lattice:CreateServiceNetworkResourceAssociation", "*"),
        ("vpc-lattice:AssociateViaAWSService-EventsAndStates", "*"),
        *((f"secretsmanager:{action}", SECRETS) for action in SECRET_ACTIONS),
        ("iam:CreateServiceLinkedRole", SERVICE_ROLE),
    ],
)
def test_each_permission_of_the_table_is_asked_and_is_enough(action: str, resource: str, tmp_path: Path) -> None:
    report = deployed(tmp_path, action, resource)
    asked = [one for one in report.requirements if one.rule.startswith("connection-deployer")]
    assert {one.requirement.split("`")[3]: one.answer for one in asked if one.answer == "proven"} == {action: "proven"}
    refuted = {one.requirement.split("`")[3] for one in asked if one.answer == "refuted"}
    assert action not in refuted
    assert len(refuted) == 9


@pytest.mark.parametrize(("resource", "answer"), [("*", "proven"), (CONFIGURATION, "proven"), ("arn:x", "refuted")])
def test_the_configuration_is_read_by_whoever_deploys(resource: str, answer: str, tmp_path: Path) -> None:
    """It may be shared by another account: its ARN is enough."""
    report = deployed(tmp_path, "vpc-lattice:GetResourceConfiguration", resource)
    assert answers(report, "vpc-lattice:GetResourceConfiguration") == {answer}


def test_either_of_the_two_associations_via_a_service_is_enough(tmp_path: Path) -> None:
    """B10"""
    for name in ("vpc-lattice:AssociateViaAWSService", LATTICE[1]):
        assert answers(deployed(tmp_path, name, "*"), LATTICE[1]) == {"proven"}
        assert answers(deployed(tmp_path, name, CONFIGURATION), LATTICE[1]) == {"refuted"}


def test_a_public_connection_needs_nothing_of_lattice(tmp_path: Path) -> None:
    report = deployed(tmp_path, "events:*", "*", private=False)
    assert answers(report, "vpc-lattice") == set()
    assert answers(report, "secretsmanager:CreateSecret") == {"refuted"}


@pytest.mark.parametrize(
    ("service", "answer"), [("apidestinations.events.amazonaws.com", "proven"), ("events.amazonaws.com", "refuted")]
)
def test_the_service_linked_role_is_made_for_its_service(service: str, answer: str, tmp_path: Path) -> None:
    condition = f"{{StringEquals: {{iam:AWSServiceName: {service}}}}}"
    report = deployed(tmp_path, "iam:CreateServiceLinkedRole", SERVICE_ROLE, condition)
    assert answers(report, "iam:CreateServiceLinkedRole") == {answer}


def test_a_deployer_that_no_file_declares_is_told(tmp_path: Path) -> None:
    arn = "arn:aws:iam::111122223333:role/elsewhere"
    report = audited(
        tmp_path,
        "Resources: {Connection: {Type: 'AWS::Events::Connection'}}",
        options=Options(deployers=("Deploy", arn)),
    )
    assert [one.target for one in report.skipped] == ["Deploy", arn]
    assert not [one for one in report.requirements if "deployer" in one.rule]


def test_without_deployers_nothing_is_asked_of_anybody(tmp_path: Path) -> None:
    report = audited(tmp_path, "Resources: {Connection: {Type: 'AWS::Events::Connection'}}")
    assert not [one for one in report.requirements if "deployer" in one.rule]
    assert not report.skipped


# ---- B.3: a key of the customer's ----

KEYS = """
Resources:
  Connection: {Type: AWS::Events::Connection, Properties: {Name: orders, KmsKeyIdentifier: NAMED}}
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy: {Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "kms:*", Resource: "*"}}
      Tags: TAGS
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/orders, TargetKeyId: !Ref Key}}
"""  # noqa: E501


def keys(named: str, tags: str = "[{Key: EventBridgeApiDestinations, Value: 'true'}]") -> str:
    return KEYS.replace("NAMED", named).replace("TAGS", tags)


@pytest.mark.parametrize(
    "named",
    ["!GetAtt Key.Arn", "!Ref Key", "!GetAtt Key.KeyId", "alias/orders", "!Ref Alias",
     "!Sub 'arn:aws:kms:${AWS::Region}:${AWS::AccountId}:alias/orders'"],
)  # fmt: skip
def test_a_connection_names_its_key_in_any_of_four_ways(named: str) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnection.html"""
    whole = system(keys(named))
    (found,) = every(whole)
    assert found.key == whole.all(Key)[0]
    assert found.key_has_the_tag.holds


@pytest.mark.parametrize(
    ("tags", "holds"),
    [
        ("[{Key: EventBridgeApiDestinations, Value: 'true'}, {Key: a, Value: b}]", True),
        ("[{Key: EventBridgeApiDestinations, Value: 'false'}]", False),
        ("[{Key: EventBridgeApiDestinations, Value: 'True'}]", False),
        ("[]", False),
        ("!Ref AWS::NoValue", False),
        ("[{Key: EventBridgeApiDestinations, Value: !ImportValue x}]", None),
        ("[{Key: !ImportValue x, Value: 'true'}]", None),
        ("!ImportValue x", None),
    ],
)
def test_the_key_has_the_tag(tags: str, holds: bool | None) -> None:
    """B17"""
    (found,) = every(system(keys("!Ref Key", tags)))
    assert found.key_has_the_tag.holds is holds


ROOT = "AWS: 'arn:aws:iam::111122223333:root'"
LINKED = "AWS: '" + SERVICE_ROLE.replace("*", "111122223333") + "'"
APPLICATION = "AWS: 'arn:aws:iam::111122223333:role/application'"
EVENTS = "Service: events.amazonaws.com"


def grant(principal: str, action: str) -> str:
    return f"{{Effect: Allow, Principal: {{{principal}}}, Action: '{action}', Resource: '*'}}"


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([grant(ROOT, "kms:*")], "proven"),
        ([grant(LINKED, "kms:*")], "proven"),
        ([grant(ROOT, "kms:*"), grant(APPLICATION, "kms:Decrypt")], "proven"),
        ([grant(ROOT, "kms:Put*")], "refuted"),
        ([grant(ROOT, "kms:Put*"), grant(APPLICATION, "kms:List*")], "refuted"),
        ([grant(ROOT, "kms:Put*"), grant(APPLICATION, "kms:Decrypt")], "undecided"),
        ([grant(ROOT, "kms:Put*"), grant(EVENTS, "kms:GenerateDataKey*")], "undecided"),
        ([grant(ROOT, "kms:Put*"), grant(LINKED, "kms:Decrypt"), grant(EVENTS, "kms:Decrypt")], "refuted"),
    ],
)
def test_aws_does_not_say_as_whom_eventbridge_uses_a_key(statements: list[str], answer: str, tmp_path: Path) -> None:
    """Refuted is only what lets nobody use the key but, maybe, the account or the service-linked role."""
    text = re.sub(r"KeyPolicy: .*", f"KeyPolicy: {{Statement: [{', '.join(statements)}]}}", keys("!Ref Key"))
    report = audited(tmp_path, text)
    found = {one.answer for one in report.requirements if one.rule == "connection-key-policy"}
    assert found - {"proven"} == ({answer} - {"proven"})


def test_a_key_of_another_stack_is_not_known() -> None:
    (found,) = every(system(keys("alias/shared")))
    assert isinstance(found.key, Missing)
    assert found.key_has_the_tag.holds is None


def test_the_policy_of_a_key_is_a_document_like_others() -> None:
    whole = system(keys("!Ref Key"))
    (document,) = (one for one in documents(whole) if one.kind == "key")
    assert document.owner == whole.all(Key)[0]
