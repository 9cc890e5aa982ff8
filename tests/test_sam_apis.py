"""SAM's APIs, functions, events and connectors: what they become, at the lines where the user wrote them."""

import gc
import json
from pathlib import Path
from textwrap import dedent
from time import process_time

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.model.authorizers import Authorizer
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api
from policy_audit.model.step_functions_integrations import ApiIntegration
from policy_audit.model.system import System
from policy_audit.options import Options
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.files import load
from policy_audit.sources.worlds import World

GIVEN = Given(partition="aws", region="eu-west-1", account="111122223333")
HEAD = "Transform: AWS::Serverless-2016-10-31\n"
FUNCTION = """
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Events:
"""
AUTH = """
        Authorizers:
          Token: {FunctionArn: 'arn:x', Identity: {Header: Auth}}
          Request: {FunctionArn: 'arn:x', FunctionPayloadType: REQUEST, Identity: {Headers: [A], QueryStrings: [b]}}
          Pool: {UserPoolArn: 'arn:y'}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def system(resources: str, sections: str = "", world: dict[str, str] | None = None) -> System:
    Path("template.yaml").write_text(HEAD + dedent(sections) + "Resources:\n" + resources, encoding="utf-8")
    found = Estate(load(["template.yaml"]).inputs, GIVEN)
    found.assume(World(world or {}))
    return read_system(found, {})


def one(resources: str, sections: str = "") -> Api:
    (found,) = system(resources, sections).apis
    return found


def event(name: str, method: str = "get", path: str = "/a", more: str = "", kind: str = "Api") -> str:
    return f"        {name}: {{Type: {kind}, Properties: {{Path: '{path}', Method: {method}{more}}}}}\n"


def api(auth: str = "", more: str = "") -> str:
    held = f"      Auth:{auth}\n" if auth else ""
    return f"  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: live\n{held}{more}"


def methods(api: Api) -> set[tuple[str, str, str]]:
    return {(one.http_method, one.path, one.authorization) for one in api.methods}


OF_API = ", RestApiId: !Ref Api"


def test_events_that_name_no_api_make_one() -> None:
    found = one(FUNCTION + event("Get") + event("Put", "PUT", "/b/") + event("Any", "any", "/{proxy+}"))
    assert found.address == "template.yaml#ServerlessRestApi"
    assert methods(found) == {("GET", "/a", "NONE"), ("PUT", "/b", "NONE"), ("ANY", "/{proxy+}", "NONE")}
    assert {one.name for one in found.stages} == {"Prod", "Stage"}
    assert [one.span.line for one in found.methods] == [9, 10, 11]
    assert not found.unseen


def test_events_that_name_no_http_api_make_one() -> None:
    found = one(FUNCTION + "        All: {Type: HttpApi}\n" + event("Get", kind="HttpApi"))
    assert (found.kind, found.address) == ("HTTP", "template.yaml#ServerlessHttpApi")
    assert methods(found) == {("ANY", "/", "NONE"), ("ANY", "/{proxy+}", "NONE"), ("GET", "/a", "NONE")}
    assert [one.name for one in found.stages] == ["$default"]


@pytest.mark.parametrize(
    ("auth", "of_event", "expected"),
    [
        ("", "", "NONE"),
        (" {DefaultAuthorizer: AWS_IAM}", "", "AWS_IAM"),
        (" {DefaultAuthorizer: AWS_IAM}", ", Auth: {Authorizer: NONE}", "NONE"),
        (" {ApiKeyRequired: true}", "", "NONE"),
        ("", ", Auth: {Authorizer: AWS_IAM}", "AWS_IAM"),
        (AUTH, "", "NONE"),
        (AUTH, ", Auth: {Authorizer: Pool}", "COGNITO_USER_POOLS"),
        (AUTH + "        DefaultAuthorizer: Token", "", "CUSTOM"),
        (AUTH + "        DefaultAuthorizer: Token", ", Auth: {Authorizer: AWS_IAM}", "AWS_IAM"),
        (AUTH + "        DefaultAuthorizer: Request", ", Auth: {ApiKeyRequired: true}", "CUSTOM"),
    ],
)
def test_the_authorization_of_events(auth: str, of_event: str, expected: str) -> None:
    found = one(api(auth) + FUNCTION + event("Get", more=OF_API + of_event))
    assert methods(found) == {("GET", "/a", expected)}
    assert [one.needs_api_key for one in found.methods] == ["ApiKeyRequired: true" in auth + of_event]


def test_authorizers_are_told_by_what_they_read() -> None:
    found = system(api(AUTH + "        DefaultAuthorizer: Request") + FUNCTION + event("Get", more=OF_API))
    assert {(one.kind, one.identity_sources) for one in found.all(Authorizer)} == {
        ("TOKEN", ("method.request.header.Auth",)),
        ("REQUEST", ("method.request.header.A", "method.request.querystring.b")),
        ("COGNITO_USER_POOLS", ()),
    }


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{DefaultAuthorizer: AWS_IAM, EnableIamAuthorizer: true}", "AWS_IAM"),
        (
            "{DefaultAuthorizer: J, Authorizers: {J: {JwtConfiguration: {issuer: x}, IdentitySource: $request.h}}}",
            "JWT",
        ),
        ("{DefaultAuthorizer: L, Authorizers: {L: {FunctionArn: x, AuthorizerPayloadFormatVersion: 2.0}}}", "CUSTOM"),
    ],
)
def test_the_authorization_of_an_http_api(auth: str, expected: str) -> None:
    resources = f"  Web: {{Type: AWS::Serverless::HttpApi, Properties: {{StageName: v1, Auth: {auth}}}}}\n"
    found = one(resources + FUNCTION + event("Get", kind="HttpApi", more=", ApiId: !Ref Web"))
    assert methods(found) == {("GET", "/a", expected)}
    assert [one.name for one in found.stages] == ["v1"]


def test_cors_adds_preflights_that_the_default_authorizer_is_asked_of_as_well() -> None:
    found = one(api(" {DefaultAuthorizer: AWS_IAM}", "      Cors: \"'*'\"\n") + FUNCTION + event("Get", more=OF_API))
    assert methods(found) == {("GET", "/a", "AWS_IAM"), ("OPTIONS", "/a", "AWS_IAM")}
    no = " {DefaultAuthorizer: AWS_IAM, AddDefaultAuthorizerToCorsPreflight: false}"
    found = one(api(no, "      Cors: \"'*'\"\n") + FUNCTION + event("Get", more=OF_API))
    assert [one.http_method for one in found.methods if one.is_preflight] == ["OPTIONS"]


BODY = """
      DefinitionBody:
        openapi: 3.0.1
        paths:
          /a:
            get: {x-amazon-apigateway-integration: {type: http}}
            put: {security: [NONE: []], x-amazon-apigateway-integration: {type: http}}
          /b: !If [Always, {get: {x-amazon-apigateway-integration: {type: mock}}}, !Ref 'AWS::NoValue']
"""


def test_the_authorizer_of_an_api_is_asked_in_its_own_document() -> None:
    sections = "Conditions: {Always: !Equals [a, a]}\n"
    found = one(api(" {DefaultAuthorizer: AWS_IAM}", BODY), sections)
    assert methods(found) == {("GET", "/a", "AWS_IAM"), ("PUT", "/a", "NONE"), ("GET", "/b", "AWS_IAM")}
    assert methods(one(api("", BODY), sections)) == {
        ("GET", "/a", "NONE"),
        ("PUT", "/a", "NONE"),
        ("GET", "/b", "NONE"),
    }
    # Events add nothing to a document of the user's, unless both are to be merged.
    more = FUNCTION + event("New", path="/new", more=OF_API)
    assert len(one(api("", BODY) + more, sections).methods) == 3
    merged = one(api("", BODY + "      MergeDefinitions: true\n") + more, sections)
    assert ("GET", "/new", "NONE") in methods(merged)


@pytest.mark.parametrize("kind", ["Api", "HttpApi"])
def test_a_definition_in_a_local_file(kind: str) -> None:
    Path("api.yaml").write_text("paths: {/x: {get: {x-amazon-apigateway-auth: {type: AWS_IAM}}}}", encoding="utf-8")
    resources = f"  A: {{Type: AWS::Serverless::{kind}, Properties: {{StageName: s, DefinitionUri: %s}}}}\n"
    found = one(resources % "./api.yaml")
    assert methods(found) == {("GET", "/x", "AWS_IAM")}
    assert found.methods[0].span.file == "api.yaml"
    assert one(resources % "s3://bucket/api.yaml").unseen
    assert one(resources % "nowhere.yaml").unseen


def statements(policy: Policy | None) -> list[tuple[str, tuple[str, ...], str]]:
    assert policy is not None
    return [
        (
            one.effect,
            tuple(name.partition("execute-api:")[2].partition("/")[2] for name in one.resources or ()),
            " ".join(f"{c.operator}:{c.key}:{','.join(c.values)}" for c in one.conditions),
        )
        for one in policy.statements
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("AwsAccountWhitelist: ['111122223333']", [("Allow", "")]),
        ("AwsAccountBlacklist: ['111122223333']", [("Deny", "")]),
        ("IpRangeWhitelist: [10.0.0.0/8]", [("Allow", ""), ("Deny", "NotIpAddress:aws:SourceIp:10.0.0.0/8")]),
        ("IpRangeBlacklist: [10.0.0.0/8]", [("Allow", ""), ("Deny", "IpAddress:aws:SourceIp:10.0.0.0/8")]),
        (
            "SourceVpcWhitelist: [vpc-1, vpce-2]",
            [("Allow", ""), ("Deny", "StringNotEquals:aws:SourceVpc:vpc-1 StringNotEquals:aws:SourceVpce:vpce-2")],
        ),
        ("SourceVpcBlacklist: [vpce-2]", [("Allow", ""), ("Deny", "StringEquals:aws:SourceVpce:vpce-2")]),
        ("IntrinsicVpcWhitelist: [vpc-3]", [("Allow", ""), ("Deny", "StringNotEquals:aws:SourceVpc:vpc-3")]),
        ("IntrinsicVpcBlacklist: [vpc-3]", [("Allow", ""), ("Deny", "StringEquals:aws:SourceVpc:vpc-3")]),
        ("IntrinsicVpceWhitelist: [vpce-3]", [("Allow", ""), ("Deny", "StringNotEquals:aws:SourceVpce:vpce-3")]),
        ("IntrinsicVpceBlacklist: [vpce-3]", [("Allow", ""), ("Deny", "StringEquals:aws:SourceVpce:vpce-3")]),
    ],
)
def test_each_list_of_a_resource_policy(given: str, expected: list[tuple[str, str]]) -> None:
    resources = api(f" {{ResourcePolicy: {{{given}}}}}") + FUNCTION + event("Get", path="/a/{id}", more=OF_API)
    found = one(resources)
    assert found.policy is not None
    assert statements(found.policy) == [(effect, ("live/GET/a/*",), why) for effect, why in expected]
    assert {one.span.line for one in found.policy.statements if one.span} == {7}


def test_the_statements_of_a_resource_policy_are_about_each_path() -> None:
    own = "{Effect: Deny, Principal: '*', Action: 'execute-api:Invoke', Resource: 'execute-api:/*'}"
    auth = f" {{ResourcePolicy: {{AwsAccountWhitelist: ['1'], CustomStatements: {own}}}}}"
    events = event("Get", more=OF_API) + event("Put", "put", more=OF_API) + event("Any", "any", "/b", more=OF_API)
    assert statements(one(api(auth) + FUNCTION + events).policy) == [
        ("Allow", ("live/GET/a", "live/PUT/a"), ""),
        ("Allow", ("live/*/b",), ""),
        ("Deny", ("*",), ""),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("PRIVATE", ("PRIVATE",)),
        ("{Type: REGIONAL}", ("REGIONAL",)),
        ("{Type: PRIVATE, VPCEndpointIds: [a]}", ("PRIVATE",)),
    ],
)
def test_endpoints_stages_and_what_refers_to_them(given: str, expected: tuple[str, ...]) -> None:
    outputs = (
        "Outputs: {S: {Value: !Ref Api.Stage}, T: {Value: !Sub 'x/${Api.Stage}'}, U: {Value: !Ref ApiliveStage}}\n"
    )
    more = f"      EndpointConfiguration: {given}\n      OpenApiVersion: 3.0.1\n"
    Path("template.yaml").write_text(HEAD + outputs + "Resources:\n" + api("", more), encoding="utf-8")
    estate = Estate(load(["template.yaml"]).inputs, GIVEN)
    estate.assume(World({}))
    (found,) = read_system(estate, {}).apis
    assert found.endpoint_types == expected
    assert [one.name for one in found.stages] == ["live"]
    values = [estate.templates[0].output_value(name) for name in "STU"]
    assert [getattr(one, "text", None) for one in values] == ["live", "x/live", "live"]


def test_globals_are_those_of_implicit_apis_too() -> None:
    sections = "Globals: {Api: {Auth: {DefaultAuthorizer: AWS_IAM}, OpenApiVersion: 3.0.1}}\n"
    found = one(FUNCTION + event("Get"), sections)
    assert methods(found) == {("GET", "/a", "AWS_IAM")}
    assert [one.name for one in found.stages] == ["Prod"]
    ignoring = api().replace("    Properties", "    IgnoreGlobals: '*'\n    Properties") + FUNCTION
    assert methods(one(ignoring + event("Get", more=OF_API), sections)) == {("GET", "/a", "NONE")}


def test_a_method_is_there_when_its_function_is() -> None:
    sections = "Parameters: {P: {Type: String, Default: n}}\nConditions: {C: !Equals [!Ref P, y]}\n"
    conditional = FUNCTION.replace("    Properties", "    Condition: C\n    Properties") + event("Get")
    assert not system(conditional, sections).apis
    other = FUNCTION.replace("Fn:", "Other:", 1) + event("Put", "put")
    assert methods(one(conditional + other, sections)) == {("PUT", "/a", "NONE")}


@pytest.mark.parametrize(
    ("properties", "granted"),
    [
        ("Tracing: Active", "xray:PutTraceSegments"),
        ("VpcConfig: {SubnetIds: [a]}", "ec2:CreateNetworkInterface"),
        ("Events: {Q: {Type: SQS, Properties: {Queue: 'arn:q'}}}", "sqs:ReceiveMessage"),
        ("DeadLetterQueue: {Type: SNS, TargetArn: 'arn:t'}", "sns:Publish"),
        ("EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: 'arn:q'}}}", "sqs:SendMessage"),
        ("Policies: [SNSPublishMessagePolicy: {TopicName: t}]", "sns:Publish"),
    ],
)
def test_the_role_of_a_function(properties: str, granted: str) -> None:
    found = system(f"  Fn: {{Type: AWS::Serverless::Function, Properties: {{{properties}}}}}\n")
    (role,) = found.roles
    assert role.address == "template.yaml#FnRole"
    assert "lambda.amazonaws.com" in str(role.trust)
    actions = {action for policy in role.policies for statement in policy.statements for action in statement.actions}
    assert {granted, "logs:PutLogEvents"} <= actions
    assert not role.unseen


def test_a_function_with_a_role_gets_none() -> None:
    assert not system("  Fn: {Type: AWS::Serverless::Function, Properties: {Role: 'arn:aws:iam::1:role/r'}}\n").roles


FLOW = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
MACHINE = f"""
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {json.dumps(FLOW)}
      PermissionsBoundary: arn:aws:iam::111122223333:policy/b
      Events:
"""


@pytest.mark.parametrize(
    ("given", "service"),
    [
        ("{Type: Api, Properties: {Path: /a, Method: post}}", "apigateway.amazonaws.com"),
        ("{Type: Schedule, Properties: {Schedule: rate(1 day)}}", "events.amazonaws.com"),
        ("{Type: EventBridgeRule, Properties: {Pattern: {source: [a]}}}", "events.amazonaws.com"),
        ("{Type: CloudWatchEvent, Properties: {Pattern: {source: [a]}}}", "events.amazonaws.com"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}", "scheduler.amazonaws.com"),
    ],
)
def test_the_role_of_a_state_machines_event(given: str, service: str) -> None:
    found = system(MACHINE + f"        Start: {given}\n")
    roles = {role.address: role for role in found.roles}
    assert set(roles) == {"template.yaml#FlowRole", "template.yaml#FlowStartRole"}
    role = roles["template.yaml#FlowStartRole"]
    assert service in str(role.trust)
    ((statement,),) = [policy.statements for policy in role.policies]
    assert (statement.actions, statement.resources) == (("states:StartExecution",), (found.state_machines[0].arn,))
    assert (role.boundary is None) == ("ScheduleV2" in given)
    assert role.span.line == 10


def test_an_event_that_starts_a_state_machine_is_an_integration_with_its_method() -> None:
    events = event("Open", "post") + event("Signed", "post", "/b", ", Auth: {Authorizer: AWS_IAM}")
    machine = MACHINE.replace("      PermissionsBoundary: arn:aws:iam::111122223333:policy/b\n", "")
    found = system(machine + events)
    assert methods(found.apis[0]) == {("POST", "/a", "NONE"), ("POST", "/b", "AWS_IAM")}
    arn = found.state_machines[0].arn
    assert [(one.action.text, one.target.text if one.target else "") for one in found.all(ApiIntegration)] == [
        ("StartExecution", arn)
    ] * 2
    report = audited(machine + events)
    answers = {(one.rule, one.answer) for one in report.requirements if one.rule.startswith("start-execution")}
    assert {("start-execution-permission", "proven"), ("start-execution-trust", "proven")} <= answers
    (finding,) = [one for one in report.findings if one.rule == "start-execution-callers-only"]
    assert (finding.address, finding.location.line) == ("template.yaml#ServerlessRestApi", 9)


def audited(resources: str, sections: str = "") -> Report:
    Path("template.yaml").write_text(HEAD + sections + "Resources:\n" + resources, encoding="utf-8")
    return audit(["template.yaml"], Options(partition="aws", region="eu-west-1", account="111122223333"))


OF_FLOW = f"Properties: {{Definition: {json.dumps(FLOW)}}}"
ENDS = {
    "AWS::StepFunctions::StateMachine": f"{{Type: AWS::Serverless::StateMachine, {OF_FLOW}}}",
    "AWS::Lambda::Function": "{Type: AWS::Serverless::Function, Properties: {Handler: a}}",
    "AWS::SQS::Queue": "{Type: AWS::SQS::Queue}",
    "AWS::SNS::Topic": "{Type: AWS::SNS::Topic}",
    "AWS::DynamoDB::Table": "{Type: AWS::Serverless::SimpleTable}",
    "AWS::Events::EventBus": "{Type: AWS::Events::EventBus, Properties: {Name: b}}",
}


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("AWS::StepFunctions::StateMachine", "states:StartExecution"),
        ("AWS::Lambda::Function", "lambda:InvokeFunction"),
        ("AWS::SQS::Queue", "sqs:SendMessage"),
        ("AWS::SNS::Topic", "sns:Publish"),
        ("AWS::DynamoDB::Table", "dynamodb:PutItem"),
        ("AWS::Events::EventBus", "events:PutEvents"),
    ],
)
def test_what_a_connector_lets_a_state_machine_do(kind: str, action: str, embedded: bool) -> None:
    access = "[Read, Write]" if "StepFunctions" in kind else "[Write]"
    connects = f"Properties: {{Destination: {{Id: Other}}, Permissions: {access}}}"
    source = ENDS["AWS::StepFunctions::StateMachine"]
    resources = f"  Other: {ENDS[kind]}\n"
    if embedded:
        resources += f"  Flow: {source[:-1]}, Connectors: {{Way: {{{connects}}}}}}}\n"
    else:
        full = connects.replace("Destination", "Source: {Id: Flow}, Destination", 1)
        resources += f"  Flow: {source}\n  FlowWay: {{Type: AWS::Serverless::Connector, {full}}}\n"
    found = system(resources)
    (role,) = [one for one in found.roles if one.address.endswith("#FlowRole")]
    assert not role.unseen
    assert action in {each for policy in role.policies for one in policy.statements for each in one.actions}
    assert not audited(resources).skipped


@pytest.mark.parametrize(
    "connector",
    [
        "{Source: {Id: Flow}, Destination: {Id: Nowhere}, Permissions: [Write]}",
        "{Source: {Id: Flow}, Destination: {Type: AWS::New::Type, Arn: x}, Permissions: [Write]}",
        "{Source: {Type: AWS::Lambda::Function}, Destination: {Type: AWS::SQS::Queue, Arn: b}, Permissions: [Write]}",
    ],
)
def test_a_connector_that_can_not_be_followed_is_told(connector: str) -> None:
    resources = f"  Flow: {ENDS['AWS::StepFunctions::StateMachine']}\n"
    report = audited(resources + f"  Way: {{Type: AWS::Serverless::Connector, Properties: {connector}}}\n")
    assert [one.target for one in report.skipped] == ["template.yaml#Way"]


def test_a_workflow_may_call_an_api_that_the_transform_makes() -> None:
    """The whole way: a role's permission, the stage, the method and its authorization, and who is kept out."""
    call = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::apigateway:invoke",
                "Parameters": {
                    "ApiEndpoint": "${Api}.execute-api.eu-west-1.amazonaws.com",
                    "Method": "GET",
                    "Stage": "live",
                    "Path": "/a",
                    "AuthType": "IAM_ROLE",
                },
                "End": True,
            }
        },
    }
    allow = "{Effect: Allow, Action: 'execute-api:Invoke', Resource: !Sub 'arn:aws:execute-api:*:*:${Api}/live/GET/a'}"
    machine = f"""
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {json.dumps(call)}
      DefinitionSubstitutions: {{Api: !Ref Api}}
      Policies: [{{Statement: [{allow}]}}]
"""
    signed = api(" {DefaultAuthorizer: AWS_IAM}", "      EndpointConfiguration: REGIONAL\n")
    report = audited(signed + FUNCTION + event("Get", more=OF_API) + machine)
    answers = {one.rule: one.answer for one in report.requirements}
    for rule in ("execute-api-invoke", "execute-api-method", "execute-api-stage", "rest-api-iam-authorization"):
        assert answers[rule] == "proven", rule
    assert answers["rest-api-callers-only"] == "refuted"
    report = audited(api() + FUNCTION + event("Get", more=OF_API) + machine)
    (finding,) = [one for one in report.findings if one.rule == "rest-api-iam-authorization"]
    assert (finding.address, finding.location.line) == ("template.yaml#Api", 13)


def test_an_event_may_override_what_the_api_asks_for_in_its_document() -> None:
    sections = "Conditions: {Always: !Equals [a, a]}\n"
    override = event("Get", more=OF_API + ", Auth: {Authorizer: NONE, OverrideApiAuth: true}")
    found = one(api(" {DefaultAuthorizer: AWS_IAM}", BODY) + FUNCTION + override, sections)
    assert ("GET", "/a", "NONE") in methods(found)
    kept = event("Get", more=OF_API + ", Auth: {Authorizer: NONE}")
    assert ("GET", "/a", "AWS_IAM") in methods(
        one(api(" {DefaultAuthorizer: AWS_IAM}", BODY) + FUNCTION + kept, sections)
    )


def test_secrets_in_included_files_are_masked() -> None:
    part = "Type: AWS::Events::ApiDestination\nProperties: {InvocationEndpoint: 'http://x', ApiKeyValue: hunter2}\n"
    Path("part.yaml").write_text(part, encoding="utf-8")
    include = "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: part.yaml}}}"
    report = audited(f"  Destination: {include}\n  Queue: {{Type: AWS::SQS::Queue}}\n")
    assert "http://x" in str(report.texts["part.yaml"])
    assert "hunter2" not in str(report.texts)


def test_a_large_api_takes_no_longer_than_its_size() -> None:
    """Six times the events take about six times the time, and not thirty-six times."""
    lists = " {DefaultAuthorizer: AWS_IAM, ResourcePolicy: {IpRangeWhitelist: [10.0.0.0/8]}}"

    def seconds(count: int) -> float:
        events = "".join(event(f"E{n}", "post", f"/p{n}", OF_API) for n in range(count))
        started = process_time()
        found = one(api(lists) + MACHINE + events)
        assert len(found.methods) == count
        assert len(statements(found.policy)) == 2 * count
        return process_time() - started

    # As an audit does: what else lives in this process would be looked through again and again.
    gc.disable()
    try:
        few = min(seconds(100) for _ in range(3))
        assert seconds(600) < 18 * few
    finally:
        gc.enable()
