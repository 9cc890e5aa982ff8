"""No credential of a template is in anything that an audit says: excerpts, messages, counterexamples, errors."""

from pathlib import Path
from textwrap import dedent, indent

import pytest
from templates import audited, estate

from policy_audit.findings import Report
from policy_audit.formats import FORMATS, View, render
from policy_audit.options import Options
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.excerpts import masked
from policy_audit.sources.template import Template

SECRET = "hunter2"
HTTP = "arn:aws:states:::http:invoke"
TRUST = "AssumeRolePolicyDocument: {Statement: []}"


def lines_of(template: Template, text: str) -> tuple[str, ...]:
    """The masked lines of the template's file."""
    return masked((template,), {template.path: text})[template.path]


def machine(definition: str) -> str:
    """A template whose only finding is about the state machine with this definition."""
    return f"""
Parameters:
  Open: {{Type: String}}
Resources:
  Role: {{Type: AWS::IAM::Role, Properties: {{RoleName: r, {TRUST}}}}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
{indent(dedent(definition), "      ")}
"""


def asl(headers: str, more: str = "") -> str:
    return (
        '{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"' + HTTP + '","End":true,"Parameters":{"ApiEndpoint":'
        '"https://a.example","Method":"GET","Headers":' + headers + more + "}}}}"
    )


KEY = f'{{"X-Key":"{SECRET}"}}'
TREE = f"""
Definition:
  StartAt: S
  States:
    S:
      Type: Task
      Resource: {HTTP}
      Parameters:
        ApiEndpoint: https://a.example
        Method: GET
        %s
"""
DEFINITIONS = {
    "object": TREE % f"Headers: {{X-Key: {SECRET}}}",
    "object, flow": "Definition: " + asl(KEY),
    "object, list": TREE % f"Headers: {{X-Key: [{SECRET}, b]}}",
    "object, block": TREE % f"Headers:\n          X-Key: >-\n            Bearer\n            {SECRET}\n          Y: z",
    "string": f"DefinitionString: '{asl(KEY)}'",
    "string, double": 'DefinitionString: "' + asl(KEY).replace('"', '\\"') + '"',
    "block": f"DefinitionString: |\n  {asl(KEY)}",
    "folded": f"DefinitionString: >\n  {asl(KEY)}",
    "sub": f"DefinitionString: !Sub '{asl(KEY)}'",
    "sub, partly": "DefinitionString: !Sub '" + asl(f'{{"X-Key":"${{Open}} {SECRET} ${{Open}}"}}') + "'",
    "join": "DefinitionString: !Join ['', ['" + asl(KEY).replace(SECRET, f"hun', '{SECRET[3:]}") + "']]",
    "join, another line": "DefinitionString:\n  Fn::Join:\n    - ''\n    - - '"
    + asl(KEY).replace(SECRET, f"'\n      - {SECRET}\n      - '")
    + "'",
    "substitution": "DefinitionString: '"
    + asl('{"X-Key":"Bearer ${Key}"}')
    + f"'\nDefinitionSubstitutions: {{Key: {SECRET}}}",
    "substitution before": f"DefinitionSubstitutions: {{Key: {SECRET}}}\nDefinitionString: '"
    + asl('{"X-Key":"Bearer ${Key} x"}')
    + "'",
    "substitution in an object": f"DefinitionSubstitutions: {{Key: {SECRET}}}\n" + TREE % "Headers: {X-Key: '${Key}'}",
    "query": "DefinitionString: '" + asl("{}", f',"QueryParameters":{{"key":"{SECRET}"}}') + "'",
    "body": "DefinitionString: '" + asl("{}", f',"RequestBody":{{"key":"{SECRET}"}}') + "'",
    "computed headers": TREE % f"Headers.$: States.StringToJson('{SECRET}')",
    "headers as text": TREE % f"Headers: '{SECRET}'",
    "headers as text with a value": TREE % f"Headers: !Sub '{SECRET}${{Open}}'",
    "arguments as a whole": f"""
Definition:
  QueryLanguage: JSONata
  StartAt: S
  States:
    S:
      Type: Task
      Resource: {HTTP}
      Arguments: "{{% {{'Headers': {{'X': '{SECRET}'}}}} %}}"
""",
    "not json": f"DefinitionString: '{asl(KEY)[:-1]}'",
    "not json, sub": f"DefinitionString: !Sub '{asl(KEY)[:-1]}${{Open}}'",
    "a key twice": "DefinitionString: '" + asl(KEY, f',"Method":"{SECRET}"') + "'",
}


def everything(report: Report) -> str:
    """All that any format prints of a report, and the report itself."""
    printed = [render(form, report, View(verbose=True)) for form in FORMATS]
    return "\n".join((*printed, repr(report)))


@pytest.mark.parametrize("form", DEFINITIONS)
@pytest.mark.parametrize("strict", [False, True])
def test_header_values_of_a_workflow_are_nowhere(form: str, strict: bool, tmp_path: Path) -> None:
    report = audited(tmp_path, machine(DEFINITIONS[form]), options=Options(strict=strict))
    assert report.requirements
    texts = "".join("".join(lines) for lines in report.texts.values())
    parts = [SECRET, SECRET[3:]] if form == "join" else [SECRET]
    for part in parts:
        assert part not in texts
        assert part not in everything(report)


@pytest.mark.parametrize(
    "properties",
    [
        "AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: k, ApiKeyValue: %s}}",
        "AuthParameters: {BasicAuthParameters: {Username: u, Password: %s}}",
        "AuthParameters: {OAuthParameters: {ClientParameters: {ClientID: i, ClientSecret: %s}}}",
        "AuthParameters: {InvocationHttpParameters: {HeaderParameters: [{Key: k, Value: %s}]}}",
        "AuthParameters: {InvocationHttpParameters: {QueryStringParameters: [{Key: k, Value: %s}]}}",
        "AuthParameters: {InvocationHttpParameters: {BodyParameters: [{Key: k, Value: %s}]}}",
        "AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: k, ApiKeyValue: !Sub %s}}",
        "AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: k, ApiKeyValue: !Join ['', [%s, !Ref AWS::Region]]}}",
        "SecretString: %s",
        "MasterUserPassword: %s",
    ],
)
@pytest.mark.parametrize("quote", ["{}", '"{}"', "'{}'"])
def test_credentials_of_a_template_are_masked(properties: str, quote: str) -> None:
    text = f"Resources:\n  X:\n    Type: AWS::Events::Connection\n    Properties: {{{properties}}}\n" % quote.format(
        SECRET
    )
    found = estate(text)
    read_system(found, {})
    lines = lines_of(found.templates[0], text)
    assert SECRET not in "\n".join(lines)
    assert [len(line) for line in lines] == [len(line) for line in text.split("\n")]


@pytest.mark.parametrize(
    ("echo", "shown"), [("true", False), ("'true'", False), ("True", False), ("false", True), ("null", True)]
)
def test_the_default_of_a_parameter_without_echo_is_masked(echo: str, shown: bool, tmp_path: Path) -> None:
    text = f"""
    Parameters: {{Key: {{Type: String, NoEcho: {echo}, Default: {SECRET}}}}}
    Resources:
      Role: {{Type: AWS::IAM::Role, Properties: {{RoleName: !Ref Key, {TRUST}}}}}
      Machine:
        Type: AWS::StepFunctions::StateMachine
        Properties: {{RoleArn: !GetAtt Role.Arn, DefinitionString: x}}
    """
    report = audited(tmp_path, text)
    assert report.findings
    assert (SECRET in everything(report)) == shown


def test_a_given_value_of_a_parameter_without_echo_is_nowhere(tmp_path: Path) -> None:
    text = f"""
    Parameters: {{Key: {{Type: String, NoEcho: true}}}}
    Resources:
      Role: {{Type: AWS::IAM::Role, Properties: {{RoleName: !Ref Key, {TRUST}}}}}
      Machine:
        Type: AWS::StepFunctions::StateMachine
        Properties: {{RoleArn: !GetAtt Role.Arn, DefinitionString: x}}
    """
    report = audited(tmp_path, text, options=Options(parameters={"Key": SECRET}, strict=True))
    assert report.findings
    assert SECRET not in everything(report)


def test_a_secret_over_several_lines_is_masked_to_its_end() -> None:
    value = f"|\n        {SECRET} one\n        {SECRET} two\n"
    text = f"Resources:\n  X:\n    Type: T::T::T\n    Properties:\n      Password: {value}      Name: shown\n"
    lines = lines_of(estate(text).templates[0], text)
    assert SECRET not in "\n".join(lines)
    assert lines[-2] == "      Name: shown"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_are_counted_as_editors_do(ends: str, mark: str) -> None:
    text = f"Resources:\n  X: {{Type: T::T::T, Properties: {{Password: {SECRET}, Name: n}}}}\n"
    lines = lines_of(estate(text).templates[0], mark + text.replace("\n", ends))
    assert lines == (
        "Resources:",
        f"  X: {{Type: T::T::T, Properties: {{Password: {'*' * len(SECRET)}, Name: n}}}}",
        "",
    )
