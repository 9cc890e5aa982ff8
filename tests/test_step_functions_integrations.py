"""Integrations of API Gateway with Step Functions: what is read of them, and what each action is authorized on."""

from pathlib import Path
from textwrap import indent

import pytest
from templates import audited, system

from policy_audit.model.resources import Missing, Role
from policy_audit.model.step_functions_integrations import RESOURCE_TYPES, StepFunctionsIntegration, every
from policy_audit.options import Options
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rules

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:watering"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:watering"
URI = "arn:aws:apigateway:eu-west-1:states:action/"
PARTS = """
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {EndpointConfiguration: {Types: [REGIONAL]}}}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live}}
  HttpApi: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  HttpStage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref HttpApi, StageName: $default}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: watering
      RoleArn: !GetAtt WorkflowRole.Arn
      Definition: {StartAt: A, States: {A: {Type: Succeed}}}
  WorkflowRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: "sts:AssumeRole"}]
"""


def role(action: str, resource: str) -> str:
    return f"""
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: apigateway.amazonaws.com}}, Action: "sts:AssumeRole"}}]
      Policies:
        - PolicyName: Call
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Action: "{action}", Resource: "{resource}"}}]
"""


def method(uri: str, templates: str = "{}", more: str = "Credentials: !GetAtt Role.Arn") -> str:
    return f"""
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: POST
      AuthorizationType: AWS_IAM
      Integration:
        Type: AWS
        IntegrationHttpMethod: POST
        Uri: {uri}
        RequestTemplates:
{indent(templates, " " * 10)}
        {more}
"""


def subtype(name: str, parameters: str, route: str = "RouteKey: POST /, AuthorizationType: AWS_IAM") -> str:
    return f"""
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref HttpApi
      IntegrationType: AWS_PROXY
      IntegrationSubtype: StepFunctions-{name}
      CredentialsArn: !GetAtt Role.Arn
      RequestParameters: {parameters}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref HttpApi, {route}, Target: !Sub "integrations/${{Integration}}"}}
"""


def text(*parts: str) -> str:
    return "Resources:" + PARTS + "".join(parts)


def read(*parts: str) -> tuple[StepFunctionsIntegration, ...]:
    return every(system(text(*parts)))


def one(*parts: str) -> StepFunctionsIntegration:
    (found,) = read(*parts)
    return found


def shown(integration: StepFunctionsIntegration) -> str:
    resource = integration.resource
    return resource.reason if isinstance(resource, Missing) else integration.system.symbols.show(resource)


# ---- facts F1 and F2: the URI ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "action"),
    [
        (URI + "StartExecution", "StartExecution"),
        ("!Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartSyncExecution", "StartSyncExecution"),
        (
            '!Join ["", ["arn:", !Ref AWS::Partition, ":apigateway:eu-west-1:states:action/StopExecution"]]',
            "StopExecution",
        ),
        ("arn:aws-cn:apigateway:cn-north-1:states:action/DescribeExecution", "DescribeExecution"),
        (URI + "Nothing", "Nothing"),
        ("arn:aws:apigateway:eu-west-1:sqs:action/SendMessage", None),
        ("arn:aws:apigateway:eu-west-1:states:path/x", None),
        ("https://states.example.com/action/StartExecution", None),
    ],
)
def test_the_action_stands_in_the_uri(uri: str, action: str | None) -> None:
    found = read(method(uri))
    assert [integration.action for integration in found] == ([action] if action else [])


@pytest.mark.parametrize("kind", ["HTTP_PROXY", "MOCK"])
def test_integrations_of_another_type_are_not_looked_at(kind: str) -> None:
    assert read(method(URI + "StartExecution").replace("Type: AWS\n", f"Type: {kind}\n")) == ()


# ---- which state machine the mapping template starts ----------------------------------------------------------------

CDK = """application/json:
  Fn::Join:
    - ""
    - - "## A template\\n## \\"stateMachineArn\\": \\"another\\"\\n#set($a = '')\\n{\\n    \\"stateMachineArn\\": \\""
      - !Ref Machine
      - "\\",\\n    #if ($a)\\n    \\"input\\": \\"{$util.escapeJavaScript($a)}\\"\\n    #end\\n}\\n\""""


@pytest.mark.parametrize(
    ("templates", "resources"),
    [
        ('application/json: !Sub \'{"input": "{}", "stateMachineArn": "${Machine}"}\'', [MACHINE]),
        ('application/json: !Sub \'{"stateMachineArn":"${Machine.Arn}"}\'', [MACHINE]),
        (CDK, [MACHINE]),
        (f'application/json: \'{{"stateMachineArn" : "{MACHINE}:live"}}\'', [MACHINE]),
        (f'application/json: \'{{"stateMachineArn": "{MACHINE}:7"}}\'', [MACHINE]),
        (f'a: \'{{"stateMachineArn": "{MACHINE}"}}\'\nb: \'{{"stateMachineArn": "{MACHINE}"}}\'', [MACHINE]),
        (
            f'a: \'{{"stateMachineArn": "{MACHINE}"}}\'\nb: \'{{"stateMachineArn": "{MACHINE}-b"}}\'',
            [MACHINE, MACHINE + "-b"],
        ),
        (
            'a: \'{"stateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:$stageVariables.name"}\'',
            ["arn:aws:states:eu-west-1:111122223333:stateMachine:…"],
        ),
        ("a: '{\"stateMachineArn\": \"$input.params(''m'')\"}'", [MACHINE.replace("watering", "…")]),
        ("a: '{\"stateMachineArn\": $input.json(''$.m'')}'", [MACHINE.replace("watering", "…")]),
        ("a: '$input.body'", [MACHINE.replace("watering", "…")]),
        ("{}", [MACHINE.replace("watering", "…")]),
    ],
)
def test_the_mapping_template_names_the_state_machine(templates: str, resources: list[str]) -> None:
    found = read(method(URI + "StartExecution", templates))
    assert [shown(integration) for integration in found] == resources
    known = [integration.state_machine is not None for integration in found]
    assert known == [resource == MACHINE for resource in resources]


@pytest.mark.parametrize(
    ("name", "parameters", "resource"),
    [
        ("StartExecution", "{StateMachineArn: !Ref Machine, Input: $request.body}", MACHINE),
        ("StartSyncExecution", "{StateMachineArn: !GetAtt Machine.Arn, Region: eu-west-1}", MACHINE),
        ("StartExecution", "{StateMachineArn: $request.querystring.machine}", MACHINE.replace("watering", "…")),
        ("StopExecution", "{ExecutionArn: $request.body.executionArn}", EXECUTION.replace("watering", "…")),
        ("StopExecution", f"{{ExecutionArn: '{EXECUTION}:${{request.path.id}}'}}", EXECUTION + ":…"),
        (
            "StartExecution",
            "{Input: a}",
            "which resource `states:StartExecution` is asked on is not read from the template",
        ),
    ],
)
def test_the_parameters_of_an_http_api_name_it(name: str, parameters: str, resource: str) -> None:
    found = one(role("states:*", "*"), subtype(name, parameters))
    assert shown(found) == resource
    assert found.method_guard == "AWS_IAM"
    assert found.exists.holds is True
    assert found.uses_post.holds is True


def test_an_integration_of_a_body_is_read_with_its_method() -> None:
    body = f"""
  Whole:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Body:
        openapi: "3.0.1"
        paths:
          /waterings:
            post:
              x-amazon-apigateway-integration:
                type: aws
                httpMethod: POST
                uri: {URI}StartExecution
                credentials: !GetAtt Role.Arn
                requestTemplates: {{application/json: !Sub '{{"stateMachineArn": "${{Machine}}"}}'}}
            get: {{x-amazon-apigateway-integration: {{type: mock}}}}
            parameters: []
"""
    found = one(role("states:StartExecution", MACHINE), body)
    assert (found.action, shown(found), found.uses_post.holds) == ("StartExecution", MACHINE, True)
    assert isinstance(found.role, Role)
    assert found.may_be_open
    assert [(one.http_method, one.path) for one in found.methods] == [("POST", "/waterings")]
    assert not isinstance(found.open_requests, Missing)


def test_an_integration_of_a_websocket_api_is_read() -> None:
    parts = f"""
  Socket: {{Type: AWS::ApiGatewayV2::Api, Properties: {{Name: a, ProtocolType: WEBSOCKET}}}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Socket
      IntegrationType: AWS
      IntegrationMethod: POST
      IntegrationUri: {URI}StartExecution
      CredentialsArn: !GetAtt Role.Arn
      RequestTemplates: {{$default: !Sub '{{"stateMachineArn": "${{Machine}}"}}'}}
"""
    found = one(role("states:StartExecution", MACHINE), parts)
    assert (found.kind, found.action, shown(found)) == ("WEBSOCKET", "StartExecution", MACHINE)
    assert isinstance(found.api, Missing)


# ---- facts F3: credentials ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "guard", "holds"),
    [
        ("Credentials: !GetAtt Role.Arn", "NONE", True),
        ("Credentials: arn:aws:iam::*:user/*", "AWS_IAM", True),
        ("Credentials: arn:aws-cn:iam::*:user/*", "AWS_IAM", True),
        ("Credentials: arn:aws:iam::*:user/*", "NONE", False),
        ("Credentials: arn:aws:iam::*:user/*", "CUSTOM", False),
        ("PassthroughBehavior: NEVER", "AWS_IAM", False),
    ],
)
def test_somebody_signs(credentials: str, guard: str, holds: bool) -> None:
    parts = method(URI + "StartExecution", more=credentials).replace("AWS_IAM", guard)
    found = one(role("states:*", "*"), parts)
    assert found.has_credentials.holds is holds
    assert found.has_a_role is ("GetAtt" in credentials)


# ---- facts F7: types of state machines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sync", "stop"), [("STANDARD", False, True), ("EXPRESS", True, False), ("", False, True)]
)
def test_actions_go_with_types(kind: str, sync: bool, stop: bool) -> None:
    typed = PARTS.replace("StateMachineName: watering", f"StateMachineName: watering\n      StateMachineType: {kind}")
    parts = "Resources:" + (typed if kind else PARTS) + role("states:*", "*")
    started = method(URI + "StartSyncExecution", 'a: !Sub \'{"stateMachineArn": "${Machine}"}\'')
    stopped = method(URI + "StopExecution", f'a: \'{{"executionArn": "{EXECUTION}:$input.params(0)"}}\'')
    assert [one.runs_synchronously.holds for one in every(system(parts + started))] == [sync]
    assert [one.can_be_stopped.holds for one in every(system(parts + stopped))] == [stop]


def test_of_an_execution_that_the_request_names_the_type_is_not_known() -> None:
    found = one(role("states:*", "*"), method(URI + "StopExecution", 'a: \'{"executionArn": "$input.params(0)"}\''))
    assert found.can_be_stopped.holds is None


# ---- the table of facts F: what each action is authorized on --------------------------------------------------------

ROWS = {
    "stateMachine": [
        *("StartExecution", "StartSyncExecution", "DescribeStateMachine", "ListExecutions", "UpdateStateMachine"),
        *("DeleteStateMachine", "CreateStateMachineAlias"),
    ],
    "execution": [
        *(
            "StopExecution",
            "RedriveExecution",
            "GetExecutionHistory",
            "DescribeStateMachineForExecution",
            "ListMapRuns",
        ),
        "DescribeExecution",
    ],
    "mapRun": ["DescribeMapRun", "UpdateMapRun"],
    "token": ["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"],
    "none": ["TestState", "ValidateStateMachineDefinition", "ListStateMachines", "ListActivities"],
}
ARNS = {
    "stateMachine": ("stateMachineArn", MACHINE),
    "execution": ("executionArn", EXECUTION + ":monday"),
    "mapRun": ("mapRunArn", "arn:aws:states:eu-west-1:111122223333:mapRun:watering/Each:0f1e2d3c"),
    "token": ("taskToken", "arn:aws:states:eu-west-1:111122223333:activity:watering"),
    "none": ("taskToken", "*"),
}
EACH = [(resource_type, action) for resource_type, actions in ROWS.items() for action in actions]


PERMISSION = [rule for rule in read_rules() if rule.id == "start-execution-permission"]


def answers(*parts: str) -> set[str]:
    """The answers to what the role may do."""
    whole = system(text(*parts))
    return {decide(requirement, whole.symbols).answer for requirement in derive(PERMISSION, whole)}


def call_of(action: str) -> str:
    """An integration that calls `action` on a resource of its type."""
    key, arn = ARNS[RESOURCE_TYPES[action]]
    key = "stateMachineVersionArn" if action == "CreateStateMachineAlias" else key
    return method(URI + action, f'a: \'{{"{key}": "{arn}"}}\'')


@pytest.mark.parametrize(("resource_type", "action"), EACH)
def test_an_action_is_authorized_on_resources_of_its_type(resource_type: str, action: str) -> None:
    assert RESOURCE_TYPES[action] == resource_type
    for other, (_, arn) in ARNS.items():
        # Of a token nobody knows beforehand what it is for: what names less than everything may name that.
        narrower = "undecided" if resource_type == "token" else "proven" if other == resource_type else "refuted"
        expected = "proven" if other == "none" else narrower
        assert answers(role(f"states:{action}", arn), call_of(action)) == {expected}, arn


def test_describing_an_execution_of_an_express_state_machine_is_asked_on_that() -> None:
    arn = MACHINE.replace("stateMachine", "express") + ":monday:0f1e2d3c"
    parts = method(URI + "DescribeExecution", f'a: \'{{"executionArn": "{arn}"}}\'')
    assert shown(one(role("states:*", "*"), parts)) == arn


@pytest.mark.parametrize("action", ["InvokeHTTPEndpoint", "RevealSecrets"])
def test_what_is_only_a_permission_is_no_action(action: str) -> None:
    assert one(role("states:*", "*"), method(URI + action)).exists.holds is False


def test_creating_a_state_machine_is_undecided(tmp_path: Path) -> None:
    parts = method(URI + "CreateStateMachine", 'a: \'{"name": "watering"}\'')
    report = audited(tmp_path, text(role("states:CreateStateMachine", MACHINE), parts))
    (found,) = [one for one in report.requirements if one.rule == "start-execution-permission"]
    assert found.answer == "undecided"


# ---- facts F8: versions and aliases ---------------------------------------------------------------------------------


@pytest.mark.parametrize("qualifier", ["7", "PROD"])
def test_a_role_that_names_a_version_or_alias_may_not_start_it(qualifier: str) -> None:
    parts = method(URI + "StartExecution", f'a: \'{{"stateMachineArn": "{MACHINE}:{qualifier}"}}\'')
    for resource, answer in ((MACHINE, "proven"), (f"{MACHINE}:{qualifier}", "refuted")):
        assert answers(role("states:StartExecution", resource), parts) == {answer}


# ---- hostile input --------------------------------------------------------------------------------------------------


def test_a_long_mapping_template_is_read_once() -> None:
    long = '"stateMachineArn"' * 20_000 + " ## \\n" * 1_000
    found = read(role("states:*", "*"), method(URI + "StartExecution", f"a: '{long}'"))
    assert len(found) == 1


def test_secrets_of_a_mapping_template_are_not_shown(tmp_path: Path) -> None:
    parts = method(URI + "StartExecution", 'a: \'{"input": "swordfish", "stateMachineArn": "$x"}\'')
    report = audited(tmp_path, text(role("states:StopExecution", "*"), parts), options=Options(strict=True))
    assert report.findings
    assert "swordfish" not in repr((report.findings, report.requirements))
