"""State machines of templates: the definition in each of its shapes, and the role that runs it."""

import pytest
from templates import system

from policy_audit.model.resources import Missing, Role, StateMachine

ROLE = "Role: {Type: AWS::IAM::Role, Properties: {RoleName: r, Path: /p/, AssumeRolePolicyDocument: {Statement: []}}}"
TASK = (
    '{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:states:::http:invoke","End":true,'
    '"Parameters":{"ApiEndpoint":"%s","Method":"GET"}}}}'
)
TREE = """
          StartAt: S
          States:
            S:
              Type: Task
              Resource: arn:aws:states:::http:invoke
              End: true
              Parameters: {ApiEndpoint: %s, Method: GET}
"""
URL = "https://a.example/"


def text(properties: str, role: str = "!GetAtt Role.Arn") -> str:
    return f"""
Parameters: {{Open: {{Type: String}}, Url: {{Type: String, Default: "{URL}"}}}}
Conditions: {{Never: !Equals [a, b]}}
Resources:
  {ROLE}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: {role}
      {properties}
"""


def machine(properties: str, role: str = "!GetAtt Role.Arn") -> StateMachine:
    (found,) = system(text(properties, role)).state_machines
    return found


def endpoints(properties: str) -> list[str]:
    found = system(text(properties))
    return [found.symbols.show(call.task.endpoint.text) for call in found.calls if call.task.endpoint]


def quoted(json: str) -> str:
    return "'" + json + "'"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (f"DefinitionString: {quoted(TASK % URL)}", URL),
        (f"DefinitionString: |\n        {TASK % URL}", URL),
        ("DefinitionString: !Sub " + quoted(TASK % "${Url}x"), f"{URL}x"),
        ("DefinitionString: !Sub " + quoted(TASK % "https://${Open}/"), "https://${Open}/"),
        (
            "DefinitionString: !Join ['', ["
            + quoted(TASK.partition("%s")[0])
            + ", !Ref Url, "
            + quoted(TASK.partition("%s")[2])
            + "]]",
            URL,
        ),
        (f"Definition: {TREE % URL}", URL),
        (f"Definition: {TREE % '!Ref Url'}", URL),
        (f"Definition: {TASK % URL}", URL),
        (f"DefinitionString: {quoted(TASK % '${U}')}\n      DefinitionSubstitutions: {{U: !Ref Url}}", URL),
        (f"Definition: {TREE % quoted('${U}')}\n      DefinitionSubstitutions: {{U: !Ref Url}}", URL),
        (f"DefinitionString: {quoted(TASK % '${U}/y')}\n      DefinitionSubstitutions: {{U: 1}}", "1/y"),
        (f"DefinitionString: {quoted(TASK % '${V}')}\n      DefinitionSubstitutions: {{U: a}}", "${V}"),
        (f"DefinitionString: !If [Never, x, {quoted(TASK % URL)}]", URL),
        ("DefinitionString: {Fn::ToJsonString: " + (TASK % URL) + "}", URL),
    ],
)
def test_the_shapes_of_a_definition(properties: str, expected: str) -> None:
    assert endpoints(properties) == [expected]
    assert machine(properties).unseen == ()


def test_a_placeholder_without_substitutions_is_text() -> None:
    (call,) = system(text(f"DefinitionString: {quoted(TASK % '${V}')}")).calls
    assert call.endpoint == "${V}"


def test_placeholders_of_substitutions_that_are_not_known_are_open() -> None:
    found = system(text(f"DefinitionString: {quoted(TASK % '${V}')}\n      DefinitionSubstitutions: !ImportValue all"))
    endpoint = found.calls[0].endpoint
    assert isinstance(endpoint, str)
    assert found.symbols.reasons(endpoint)


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ("StateMachineName: x", "no definition"),
        ("DefinitionS3Location: {Bucket: b, Key: k}", "S3"),
        ("DefinitionString: 'not json'", "not JSON"),
        ("DefinitionString: !ImportValue definition", "not known"),
        ("DefinitionString: !Ref Open", "not known"),
        ("Definition: {Fn::Transform: {Name: AWS::Include}}", "macro"),
        ("DefinitionString: '{\"StartAt\": 1'", "not JSON"),
    ],
)
def test_a_definition_that_cannot_be_read_is_told(properties: str, says: str) -> None:
    found = machine(properties)
    assert found.definition.tasks == ()
    assert [says in reason for reason in found.unseen] == [True]


@pytest.mark.parametrize("properties", ["Definition: [a]", "Definition: {States: [a]}", "DefinitionString: '[]'"])
def test_what_is_amiss_within_a_definition_is_told_with_its_place(properties: str) -> None:
    found = machine(properties)
    assert found.unseen == ()
    assert [span.file for _, span in found.definition.problems] == ["a.yaml"]


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("!GetAtt Role.Arn", ""),
        ("!Sub '${Role.Arn}'", ""),
        ("!Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/p/${Role}'", ""),
        ("arn:aws:iam::111122223333:role/p/r", ""),
        ("!Join ['', ['arn:aws:iam::', !Ref AWS::AccountId, ':role/p/r']]", ""),
        ("arn:aws:iam::111122223333:role/r", "not among the audited files"),
        ("arn:aws:iam::444455556666:role/p/r", "not among the audited files"),
        ("!Ref Role", "not among the audited files"),
        ("!Ref Open", "`${Open}`"),
        ("!ImportValue role", "`${ImportValue:role}`"),
        ("!Ref AWS::NoValue", "no `RoleArn`"),
    ],
)
def test_the_role_in_each_form(role: str, says: str) -> None:
    found = machine(f"DefinitionString: {quoted(TASK % URL)}", role).role
    if says:
        assert isinstance(found, Missing)
        assert says in found.reason
    else:
        assert isinstance(found, Role)
        assert found.address == "a.yaml#Role"
