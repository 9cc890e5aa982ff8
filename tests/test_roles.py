"""Roles with every policy that is attached to them, from whichever side and by whichever name."""

from textwrap import indent

import pytest
from templates import PINNED, system

from policy_audit.model.policy import Policy
from policy_audit.model.resources import Missing, Role
from policy_audit.sources.estate import Given

DOCUMENT = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s:%s", Resource: "*"}]}'
TRUST = "AssumeRolePolicyDocument: {Statement: []}"


def roles(*texts: str, given: Given = PINNED) -> dict[str, Role]:
    """The roles of these templates by logical id."""
    return {role.address.rpartition("#")[2]: role for role in system(*texts, given=given).roles}


def granted(role: Role) -> set[str]:
    return {action for policy in role.policies for statement in policy.statements for action in statement.actions}


def declared(*resources: str) -> str:
    return "Resources:\n" + "\n".join(indent(one, "  ") for one in resources)


ROLE = f"Role: {{Type: AWS::IAM::Role, Properties: {{{TRUST}%s}}}}"
OTHER = f"Other: {{Type: AWS::IAM::Role, Properties: {{{TRUST}}}}}"


def attached(kind: str, properties: str) -> str:
    given = f"PolicyName: p, PolicyDocument: {DOCUMENT % 'Added'}{properties}"
    return f"Added: {{Type: AWS::IAM::{kind}, Properties: {{{given}}}}}"


@pytest.mark.parametrize(
    ("role", "other"),
    [
        (", RoleName: r", attached("Policy", ", Roles: [!Ref Role]")),
        (", RoleName: r", attached("Policy", ", Roles: [r]")),
        (", RoleName: r", attached("Policy", ", Roles: r")),
        ("", attached("Policy", ", Roles: [!Ref Role]")),
        (", RoleName: !Sub '${AWS::StackName}-r'", attached("Policy", ", Roles: [!Sub '${AWS::StackName}-r']")),
        ("", attached("ManagedPolicy", ", Roles: [!Ref Role]")),
        ("", attached("RolePolicy", ", RoleName: !Ref Role")),
        (", Path: /team/, RoleName: r", attached("RolePolicy", ", RoleName: r")),
        (", ManagedPolicyArns: [!Ref Added]", attached("ManagedPolicy", "")),
        (", ManagedPolicyArns: !Ref Added", attached("ManagedPolicy", "")),
        (", ManagedPolicyArns: [!GetAtt Added.PolicyArn]", attached("ManagedPolicy", ", Path: /x/")),
        (
            ", ManagedPolicyArns: [!Sub 'arn:aws:iam::${AWS::AccountId}:policy/x/m']",
            attached("ManagedPolicy", ", ManagedPolicyName: m, Path: /x/"),
        ),
        (", ManagedPolicyArns: [!Ref Added]", attached("ManagedPolicy", ", Roles: [!Ref Role]")),
    ],
)
def test_a_policy_is_found_from_either_side(role: str, other: str) -> None:
    found = roles(declared(ROLE % role, OTHER, other))
    assert granted(found["Role"]) == {"s:Added"}
    assert len(found["Role"].policies) == 1
    assert not found["Role"].unseen
    assert not granted(found["Other"])


def test_inline_and_attached_policies_stand_together() -> None:
    inline = f", Policies: [{{PolicyName: one, PolicyDocument: {DOCUMENT % 'One'}}}]"
    found = roles(declared(ROLE % inline, attached("Policy", ", Roles: [!Ref Role]")))["Role"]
    assert granted(found) == {"s:One", "s:Added"}
    assert [policy.name for policy in found.policies] == ["Role/one", "Added"]


@pytest.mark.parametrize(
    "name", ["r", "!ImportValue role-name", "{Fn::GetStackOutput: {StackName: s, OutputName: Name}}"]
)
def test_a_policy_of_another_template(name: str) -> None:
    first = declared(ROLE % ", RoleName: r") + "\nOutputs: {Name: {Value: !Ref Role, Export: {Name: role-name}}}"
    found = roles(first, declared(attached("Policy", f", Roles: [{name}]")))["Role"]
    assert granted(found) == {"s:Added"}


# ---- what is not visible --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "other", "says"),
    [
        ("", attached("Policy", ", Roles: [!Ref Name]"), "`Added`"),
        ("", attached("Policy", ", Roles: !Ref Names"), "`Added`"),
        ("", attached("Policy", ", Roles: [!ImportValue anywhere]"), "`Added`"),
        (", RoleName: !Ref Name", attached("Policy", ", Roles: [live-role]"), "`Added`"),
        (", RoleName: !Sub '${Name}-role'", attached("Policy", ", Roles: [live-role]"), "`Added`"),
        ("", attached("Policy", ", Roles: [app-Role-ABCDEF012345]"), "`Added`"),
        (", ManagedPolicyArns: !Ref Names", OTHER, "the list of managed policies"),
        (", ManagedPolicyArns: ['arn:aws:iam::111122223333:policy/elsewhere']", OTHER, "policy/elsewhere`"),
        (", ManagedPolicyArns: ['arn:aws:iam::aws:policy/NoSuchPolicyOfAws']", OTHER, "NoSuchPolicyOfAws`"),
        (", ManagedPolicyArns: [!Ref Name]", OTHER, "`${Name}`"),
        (", Policies: !Ref Names", OTHER, "the list of inline policies"),
        (", Policies: [!Ref Name]", OTHER, "an inline policy"),
        (", Policies: [{PolicyName: x}]", OTHER, "it has no `PolicyDocument`"),
    ],
)
def test_a_policy_that_may_be_there_is_told(role: str, other: str, says: str) -> None:
    parameters = "Parameters: {Name: {Type: String}, Names: {Type: CommaDelimitedList}}\n"
    found = roles(parameters + declared(ROLE % role, other))["Role"]
    assert not granted(found)
    assert [says in one for one in found.unseen] == [True]


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (", RoleName: r", "another"),
        ("", "short"),  # no name that CloudFormation makes
        (", RoleName: !Sub '${Name}-role'", "live-group"),
        (", RoleName: !Ref Stage", "dev"),
    ],
)
def test_a_policy_of_a_role_with_another_name_is_no_doubt(role: str, name: str) -> None:
    parameters = "Parameters: {Name: {Type: String}, Stage: {Type: String, AllowedValues: [live]}}\n"
    found = roles(parameters + declared(ROLE % role, attached("Policy", f", Roles: [{name}]")))["Role"]
    assert (granted(found), found.unseen) == (set(), ())


def test_many_policies_that_may_be_there_are_one_clause() -> None:
    parameters = "Parameters: {Name: {Type: String}}\n"
    many = [attached("Policy", ", Roles: [!Ref Name]").replace("Added:", f"Added{number}:") for number in range(6)]
    (clause,) = roles(parameters + declared(ROLE % "", *many))["Role"].unseen
    assert clause == "the policy `Added0`, `Added1`, `Added2` and 3 more, which may be attached to this role,"


def test_policies_of_aws_are_known() -> None:
    arn = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    found = roles(declared(ROLE % f", ManagedPolicyArns: [!Sub '{arn}']"))["Role"]
    assert "logs:PutLogEvents" in granted(found)
    assert not found.unseen


@pytest.mark.parametrize(
    ("boundary", "expected"),
    [
        ("", None),
        (", PermissionsBoundary: !Ref AWS::NoValue", None),
        (", PermissionsBoundary: !Ref Added", {"s:Added"}),
        (", PermissionsBoundary: !Sub 'arn:aws:iam::${AWS::AccountId}:policy/m'", {"s:Added"}),
        (", PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess'", {"*"}),
        (", PermissionsBoundary: 'arn:aws:iam::111122223333:policy/other'", "policy/other"),
        (", PermissionsBoundary: !Ref Anything", "${Anything}"),
        (", PermissionsBoundary: [a]", "not an ARN"),
    ],
)
def test_the_forms_of_a_boundary(boundary: str, expected: set[str] | str | None) -> None:
    parameters = "Parameters: {Anything: {Type: String}}\n"
    added = attached("ManagedPolicy", ", ManagedPolicyName: m")
    found = roles(parameters + declared(ROLE % boundary, added))["Role"].boundary
    if isinstance(found, Missing):
        assert isinstance(expected, str)
        assert expected in found.reason
    elif isinstance(found, Policy):
        assert {action for statement in found.statements for action in statement.actions} == expected
        assert found.name
    else:
        assert expected is None


# ---- documents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "actions"),
    [
        (DOCUMENT % "A", {"s:A"}),
        ("{Statement: {Effect: Allow, Action: 's:A', Resource: '*'}}", {"s:A"}),
        ("{Statement: [{Effect: Allow, Action: ['s:A', !If [Never, x, !Ref AWS::NoValue]], Resource: '*'}]}", {"s:A"}),
        ("{Statement: [!If [Never, {Effect: Allow, Action: 's:B', Resource: '*'}, !Ref AWS::NoValue]]}", set()),
        ("!If [Never, {Statement: []}, {Statement: [{Effect: Allow, Action: 's:A', Resource: '*'}]}]", {"s:A"}),
        ("""'{"Statement": [{"Effect": "Allow", "Action": "s:A", "Resource": "*"}]}'""", {"s:A"}),
    ],
)  # fmt: skip
def test_the_forms_of_a_document(document: str, actions: set[str]) -> None:
    conditions = "Conditions: {Never: !Equals [a, b]}\n"
    found = roles(conditions + declared(ROLE % f", Policies: [{{PolicyName: p, PolicyDocument: {document}}}]"))["Role"]
    assert granted(found) == actions
    assert not [policy.unknown for policy in found.policies if policy.unknown]


@pytest.mark.parametrize(
    "document", ["{Version: '2012-10-17'}", "!Ref Anything", "[]", "'{not json'", "{Statement: !Ref Anything}"]
)
def test_a_document_that_cannot_be_read_may_hold_anything(document: str) -> None:
    parameters = "Parameters: {Anything: {Type: String}}\n"
    found = roles(parameters + declared(ROLE % f", Policies: [{{PolicyName: p, PolicyDocument: {document}}}]"))["Role"]
    (policy,) = found.policies
    assert policy.unknown


def test_a_role_without_properties_is_read() -> None:
    found = roles("Resources: {Role: {Type: AWS::IAM::Role}}")["Role"]
    assert found.arn.startswith("arn:aws:iam::111122223333:role/")
    assert found.trust.unknown
    assert found.policies == ()


@pytest.mark.parametrize(
    ("connector", "may"),
    [
        ("Link: {Type: AWS::Serverless::Connector}", True),
        ("Rule: {Type: AWS::Events::Rule, Connectors: {Link: {Properties: {Permissions: [Write]}}}}", True),
        ("Rule: {Type: AWS::Events::Rule}", False),
    ],
)
def test_a_connector_of_sam_may_allow_any_role_something(connector: str, may: bool) -> None:
    """It writes policies when SAM expands it, for the role of its source, whichever that is."""
    whole = system(
        f"""
        Transform: AWS::Serverless-2016-10-31
        Resources:
          {connector}
          Role: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{Statement: []}}}}}}
        """
    )
    (role,) = whole.roles
    assert any("connector" in one for one in role.unseen) == may
