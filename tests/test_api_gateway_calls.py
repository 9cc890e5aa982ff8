"""What `apigateway:invoke` can reach, how it is authorized, and what it may carry: each row of what AWS documents.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
"""

from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import pytest
from templates import audited, scalars, system

from policy_audit.findings import Report
from policy_audit.model.api_gateway_calls import ApiGatewayCall, every
from policy_audit.model.value import Symbols
from policy_audit.model.workflow import VERBS
from policy_audit.sources.nodes import parse_json
from policy_audit.sources.sent_values import Form, form_of

HOST = "!Sub '${Api}.execute-api.${AWS::Region}.amazonaws.com'"
WORKFLOW = "arn:aws:states:eu-west-1:111122223333:stateMachine:caller"
ROLE = "arn:aws:iam::111122223333:role/caller"
FOR_THE_WORKFLOW = f"""{{Effect: Allow, Principal: {{Service: states.amazonaws.com}}, Action: execute-api:Invoke,
          Resource: execute-api:/*, Condition: {{StringEquals: {{"aws:SourceArn": "{WORKFLOW}"}}}}}}"""
FOR_THE_ROLE = f"""{{Effect: Deny, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*,
          Condition: {{ArnNotEquals: {{"aws:PrincipalArn": "{ROLE}"}}}}}}"""
FOR_THE_VPC = """{Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*,
          Condition: {StringEquals: {"aws:SourceVpce": vpce-0123456789abcdef0}}}"""
AUTHORIZER = """
  Authorizer:
    Type: AWS::ApiGateway::Authorizer
    Properties: {RestApiId: !Ref Api, Name: a, Type: %s, IdentitySource: method.request.header.%s}
"""


class Given(NamedTuple):
    """An API with one method at its root, and the state that calls it."""

    auth: str = "NO_AUTH"
    method: str = "NONE"
    kind: str = "REGIONAL"
    policy: str = ""
    call: str = ""
    endpoint: str = HOST
    more: str = ""
    verb: str = "GET"
    integration: str = "{Type: HTTP_PROXY, IntegrationHttpMethod: GET, Uri: 'https://example.com/'}"


def template(given: Given) -> str:
    policy = f"\n      Policy: {{Version: '2012-10-17', Statement: [{given.policy}]}}" if given.policy else ""
    api = f"""
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      EndpointConfiguration: {{Types: [{given.kind}]}}{policy}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: {given.verb}
      AuthorizationType: {given.method}
      Integration: {given.integration}
  Stage: {{Type: AWS::ApiGateway::Stage, Properties: {{RestApiId: !Ref Api, StageName: live}}}}
"""
    if given.kind == "HTTP":
        api = f"""
  Api: {{Type: AWS::ApiGatewayV2::Api, Properties: {{Name: a, ProtocolType: HTTP}}}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref Api, RouteKey: GET /, AuthorizationType: {given.method}}}
  Stage: {{Type: AWS::ApiGatewayV2::Stage, Properties: {{ApiId: !Ref Api, StageName: live}}}}
"""
    call = f"ApiEndpoint: {given.endpoint}\nStage: live\nAuthType: {given.auth}\n{given.call}"
    if "Method" not in given.call:
        call += f"\nMethod: {given.verb}"
    return f"""
Resources:{api}{given.more}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: caller
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: states.amazonaws.com}}, Action: "sts:AssumeRole"}}]
      Policies:
        - PolicyName: Call
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Action: "execute-api:Invoke", Resource: "*"}}]
  Workflow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: caller
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::apigateway:invoke
            End: true
            Parameters:
{indent(call, " " * 14)}
"""


def report(folder: Path, given: Given) -> Report:
    return audited(folder, template(given))


def rules(folder: Path, given: Given, answer: str = "refuted") -> set[str]:
    """The rules with this answer on the template, those of the API alone left out."""
    return {one.rule for one in report(folder, given).requirements if one.answer == answer}


def call_of(given: Given) -> ApiGatewayCall:
    (found,) = every(system(template(given)))
    return found


# ---- facts K, who reaches what --------------------------------------------------------------------------------------

CLEAN = {
    "NO_AUTH": Given(),
    "IAM_ROLE": Given("IAM_ROLE", "AWS_IAM", policy=FOR_THE_ROLE),
    "RESOURCE_POLICY": Given("RESOURCE_POLICY", "AWS_IAM", policy=FOR_THE_WORKFLOW),
}
CUSTOM_DOMAIN = "orders.example.com"
THROUGH_A_LINK = (
    "{Type: HTTP_PROXY, IntegrationHttpMethod: GET, ConnectionType: VPC_LINK, ConnectionId: l, Uri: 'http://a/'}"
)


@pytest.mark.parametrize("auth", CLEAN)
def test_a_regional_rest_api_is_reached(auth: str, tmp_path: Path) -> None:
    answers = {one.answer for one in report(tmp_path, CLEAN[auth]).requirements}
    assert answers == {"proven"}


@pytest.mark.parametrize("auth", CLEAN)
def test_a_private_rest_api_is_not_reached(auth: str, tmp_path: Path) -> None:
    given = CLEAN[auth]._replace(kind="PRIVATE")
    # Where it has no policy, it can't be deployed either.
    assert rules(tmp_path, given) - {"private-api-policy"} == {"api-gateway-call-private-api"}


@pytest.mark.parametrize("auth", CLEAN)
def test_a_private_custom_domain_is_not_reached(auth: str, tmp_path: Path) -> None:
    assert rules(tmp_path, CLEAN[auth]._replace(endpoint=CUSTOM_DOMAIN)) == {"api-gateway-call-endpoint"}


@pytest.mark.parametrize(
    ("auth", "method", "refuted"),
    [
        ("NO_AUTH", "NONE", set()),
        ("IAM_ROLE", "AWS_IAM", set()),
        ("RESOURCE_POLICY", "NONE", {"resource-policy-call-http-api"}),
    ],
)
def test_an_http_api_is_reached_but_by_a_resource_policy(
    auth: str, method: str, refuted: set[str], tmp_path: Path
) -> None:
    assert rules(tmp_path, Given(auth, method, "HTTP")) == refuted


@pytest.mark.parametrize("auth", CLEAN)
def test_a_service_in_a_vpc_is_reached_through_a_private_integration(auth: str, tmp_path: Path) -> None:
    given = CLEAN[auth]._replace(integration=THROUGH_A_LINK)
    assert {one.answer for one in report(tmp_path, given).requirements} == {"proven"}


def test_without_authorization_a_call_has_no_identity(tmp_path: Path) -> None:
    assert rules(tmp_path, Given("NO_AUTH", "AWS_IAM")) == {"execute-api-auth-type"}


def test_a_signed_call_has_the_identity_of_the_role(tmp_path: Path) -> None:
    other = FOR_THE_ROLE.replace("role/caller", "role/other")
    assert "execute-api-invoke" in rules(tmp_path, CLEAN["IAM_ROLE"]._replace(policy=other))


def test_a_call_by_a_resource_policy_has_the_identity_of_the_service_and_its_state_machine(tmp_path: Path) -> None:
    for policy in (
        FOR_THE_WORKFLOW.replace("states.", "events."),
        FOR_THE_WORKFLOW.replace("stateMachine:caller", "stateMachine:other"),
        FOR_THE_ROLE,
    ):
        given = CLEAN["RESOURCE_POLICY"]._replace(policy=policy)
        assert "resource-policy-call-admitted" in rules(tmp_path, given)


# ---- facts K, which method's authorization works with which call ----------------------------------------------------


@pytest.mark.parametrize("auth", ["IAM_ROLE", "RESOURCE_POLICY"])
def test_an_open_method_that_a_vpc_endpoint_guards_is_out_of_reach(auth: str, tmp_path: Path) -> None:
    found = rules(tmp_path, Given(auth, "NONE", "PRIVATE", FOR_THE_VPC))
    assert "api-gateway-call-private-api" in found


@pytest.mark.parametrize(
    ("auth", "proven", "open_to_all"),
    [
        ("IAM_ROLE", "execute-api-invoke", "rest-api-iam-authorization"),
        ("RESOURCE_POLICY", "resource-policy-call-admitted", "resource-policy-call-account-only"),
    ],
)
def test_an_open_method_without_a_policy_works_for_all(
    auth: str, proven: str, open_to_all: str, tmp_path: Path
) -> None:
    assert proven in rules(tmp_path, Given(auth, "NONE"), "proven")
    assert open_to_all in rules(tmp_path, Given(auth, "NONE"))


KEY_REQUIRED = "NONE\n      ApiKeyRequired: true"


@pytest.mark.parametrize("auth", ["IAM_ROLE", "RESOURCE_POLICY"])
def test_a_method_with_an_api_key_works_with_the_header(auth: str, tmp_path: Path) -> None:
    given = Given(auth, KEY_REQUIRED)
    assert "api-gateway-call-api-key" in rules(tmp_path, given)
    assert "api-gateway-call-api-key" in rules(tmp_path, given._replace(call="Headers: {x-api-key: [k]}"), "proven")


@pytest.mark.parametrize(
    ("auth", "rule"), [("IAM_ROLE", "execute-api-invoke"), ("RESOURCE_POLICY", "resource-policy-call-admitted")]
)
def test_a_method_of_aws_iam_works_with_a_policy(auth: str, rule: str, tmp_path: Path) -> None:
    assert rule in rules(tmp_path, CLEAN[auth], "proven")


@pytest.mark.parametrize("auth", ["IAM_ROLE", "RESOURCE_POLICY"])
@pytest.mark.parametrize(
    ("kind", "header", "answer"),
    [
        ("TOKEN", "x-token", "proven"),
        ("TOKEN", "Authorization", "refuted"),
        ("REQUEST", "x-token", "proven"),
        ("REQUEST", "Authorization", "undecided"),
    ],
)
def test_a_lambda_authorizer_works_within_limits(
    auth: str, kind: str, header: str, answer: str, tmp_path: Path
) -> None:
    given = Given(auth, "CUSTOM\n      AuthorizerId: !Ref Authorizer", more=AUTHORIZER % (kind, header))
    assert "api-gateway-call-authorizer" in rules(tmp_path, given, answer)


@pytest.mark.parametrize("auth", ["IAM_ROLE", "RESOURCE_POLICY"])
def test_a_user_pool_does_not_work(auth: str, tmp_path: Path) -> None:
    assert "api-gateway-call-authorizer" in rules(tmp_path, Given(auth, "COGNITO_USER_POOLS"))


# ---- facts D.1 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "holds", "says"),
    [
        ("a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", True, ""),
        ("a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn", True, ""),
        (HOST, True, ""),
        ("https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", False, "a scheme"),
        ("!Sub 'https://${Api}.execute-api.eu-west-1.amazonaws.com'", False, "a scheme"),
        ("a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/live", False, "a path"),
        ("a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com:443", False, "a port"),
        ("a1b2c3d4e5-vpce-0a1b.execute-api.eu-west-1.amazonaws.com", False, "VPC endpoint"),
        ("vpce-0a1b-c2d3.execute-api.eu-west-1.vpce.amazonaws.com", False, "VPC endpoint"),
        ("orders.example.com", False, "not the host name of an API"),
        ("!Ref Elsewhere", None, "Elsewhere"),
    ],
)
def test_the_endpoint_is_the_host_of_an_api_alone(endpoint: str, holds: bool | None, says: str) -> None:
    given = Given(endpoint=endpoint, more="  Unused: {Type: 'AWS::SNS::Topic'}\n")
    text = template(given).replace("\nResources:", "\nParameters: {Elsewhere: {Type: String}}\nResources:", 1)
    (call,) = every(system(text))
    assert call.endpoint_is_a_host.holds is holds
    assert says in call.system.symbols.show(call.endpoint_is_a_host.detail)


@pytest.mark.parametrize("verb", [*VERBS, "ANY", "FETCH", "get", ""])
def test_the_seven_methods(verb: str) -> None:
    assert call_of(Given(call=f"Method: '{verb}'")).calls_with_a_verb.holds is (verb in VERBS)


@pytest.mark.parametrize("auth", ["NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY", "AWS_IAM", "NONE", "iam_role"])
def test_the_three_auth_types(auth: str) -> None:
    known = ("NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY")
    assert call_of(Given(auth)).has_an_auth_type.holds is (auth in known)


@pytest.mark.parametrize("verb", VERBS)
def test_a_body_goes_with_three_methods(verb: str) -> None:
    call = call_of(Given(call=f"Method: {verb}\nRequestBody: {{secret: 1}}"))
    assert call.has_a_body
    assert call.sends_its_body.holds is (verb in ("PATCH", "POST", "PUT"))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "X-Forwarded-For",
            "X-Forwarded",
            "X-Amz-Date",
            "X-Amzn-Trace-Id",
            "Authorization",
            "Connection",
            "Content-md5",
        ),
        *("Expect", "Host", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "Transfer-Encoding", "Trailer"),
        *("Upgrade", "Via", "Www-Authenticate"),
    ],
)
def test_a_header_that_a_call_may_not_set(name: str) -> None:
    for written in (name, name.lower(), name.upper()):
        fact = call_of(Given(call=f"Headers: {{{written}: [a]}}")).sends_allowed_headers
        assert fact.holds is False
        assert f"`{written}`" in fact.detail


@pytest.mark.parametrize("name", ["Accept", "x-api-key", "X-Am", "Content-Type", "Via-Us", "TaskToken", "Forwarded"])
def test_a_header_that_a_call_may_set(name: str) -> None:
    assert call_of(Given(call=f"Headers: {{{name}: [a]}}")).sends_allowed_headers.holds is True


def test_headers_that_the_workflow_computes_are_not_known() -> None:
    call = call_of(Given(call="Headers.$: $.headers"))
    assert call.has_headers
    assert call.sends_allowed_headers.holds is None
    assert not call.has_sent_values


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ("Headers: {a: [b]}\nQueryParameters: {c: [d, e], f: []}", True),
        ("Headers: {a: b}", False),
        ("QueryParameters: {a: 1}", False),
        ("QueryParameters: {a: {b: c}}", False),
        ("Headers: {TaskToken.$: States.Array($$.Task.Token)}", True),
        ("Headers: {TaskToken.$: $$.Task.Token}", False),
        ("Headers: {a: [b]}\nQueryParameters: {c.$: $.d}", None),
        ("Headers: {a.$: $.b, c: d}", False),
    ],
)
def test_headers_and_query_parameters_are_lists(values: str, holds: bool | None) -> None:
    assert call_of(Given(call=values)).sends_lists.holds is holds


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("States.Array($.a)", "list"),
        ("States.StringSplit($.a, ',')", "list"),
        ("States.Format('{}', $.a)", "single"),
        ("States.UUID()", "single"),
        ("States.ArrayGetItem($.a, 0)", "open"),
        ("States.StringToJson($.a)", "open"),
        ("$$.Execution.Id", "single"),
        ("$$.Execution.Input.a", "open"),
        ("$.a", "open"),
        ("$variable", "open"),
    ],
)
def test_what_a_path_gives(text: str, form: Form) -> None:
    assert form_of(parse_json(f'"{text}"', "x"), "JSONPath", dynamic=True) == form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{% [$a] %}", "list"),
        ("{% [$a, ['b'], ']'] %}", "list"),
        ("{% [$a][0] %}", "open"),
        ("{% [$a] & [$b] %}", "open"),
        ("{% [$a %}", "open"),
        ("{% 'a' %}", "single"),
        ("{% 'a\\\\' b' %}", "single"),
        ("{% 'a' & $b %}", "open"),
        ("{% $states.context.Task.Token %}", "single"),
        ("{% $states.input.a %}", "open"),
        ("plain", "single"),
    ],
)
def test_what_an_expression_gives(text: str, form: Form) -> None:
    assert form_of(parse_json(f'"{text}"', "x"), "JSONata", dynamic=False) == form


def test_of_a_language_that_is_not_known_nothing_is_said() -> None:
    assert form_of(parse_json('"a"', "x"), "", dynamic=False) == "open"
    (quoted,) = scalars(parse_json('"a"', "x"))
    assert form_of(quoted._replace(text=Symbols().hole("why")), "JSONPath", dynamic=False) == "open"


def test_values_of_headers_and_bodies_are_not_kept() -> None:
    found = call_of(Given(call="Headers: {x-api-key: [swordfish]}\nRequestBody: {password: swordfish}")).call.task
    assert "swordfish" not in repr(found)


@pytest.mark.parametrize("kind", ["EDGE", "REGIONAL", "PRIVATE"])
def test_edge_optimized_apis(kind: str, tmp_path: Path) -> None:
    assert ("api-gateway-call-edge" in rules(tmp_path, Given(kind=kind))) is (kind == "EDGE")


# ---- whom the resource policy lets in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "refuted"),
    [
        (f'StringEquals: {{"aws:SourceArn": "{WORKFLOW}"}}', set()),
        (f'StringEqualsIfExists: {{"aws:SourceArn": "{WORKFLOW}"}}', set()),
        (f'ArnLike: {{"aws:SourceArn": ["{WORKFLOW}", "{WORKFLOW}:*"]}}', set()),
        (f'ArnLike: {{"aws:SourceArn": "{WORKFLOW}*"}}', {"workflow"}),
        ('ArnLike: {"aws:SourceArn": "arn:aws:states:*:111122223333:*"}', {"workflow"}),
        ('ArnLike: {"aws:SourceArn": "arn:aws:states:*:*:stateMachine:caller"}', {"account"}),
        ('StringEquals: {"aws:SourceAccount": "111122223333"}', {"workflow"}),
        ('StringNotEquals: {"aws:SourceArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:enemy"}', {"account"}),
        ('Bool: {"aws:SecureTransport": "true"}', {"account"}),
    ],
)
def test_other_workflows_are_kept_out(condition: str, refuted: set[str], tmp_path: Path) -> None:
    policy = f"""{{Effect: Allow, Principal: {{Service: states.amazonaws.com}}, Action: execute-api:Invoke,
          Resource: execute-api:/*, Condition: {{{condition}}}}}"""
    found = rules(tmp_path, CLEAN["RESOURCE_POLICY"]._replace(policy=policy))
    only = {f"resource-policy-call-{one}-only" for one in refuted}
    if condition.startswith("StringNotEquals"):  # A positive list of enemies names an account all the same.
        only |= {"resource-policy-call-workflow-only"}
    assert found - {"rest-api-unsupported-key"} == only


def test_a_second_workflow_that_calls_is_no_other(tmp_path: Path) -> None:
    text = template(
        CLEAN["RESOURCE_POLICY"]._replace(
            policy=FOR_THE_WORKFLOW.replace(f'"{WORKFLOW}"', f'["{WORKFLOW}", "{WORKFLOW}-2"]')
        )
    )
    start = text.index("  Workflow:")
    second = (
        text[start:]
        .replace("  Workflow:", "  Second:", 1)
        .replace("StateMachineName: caller", "StateMachineName: caller-2")
    )
    assert [one.rule for one in audited(tmp_path, text).findings] == ["resource-policy-call-workflow-only"]
    assert audited(tmp_path, text + second).findings == ()


BOTH = f"""{{Effect: Deny, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*, Condition:
          {{ArnNotEquals: {{"aws:PrincipalArn": "{ROLE}", "aws:SourceArn": "{WORKFLOW}-2"}}}}}}"""
SIGNED_ONLY = f"""{{Effect: Deny, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*, Condition:
          {{ArnNotEquals: {{"aws:PrincipalArn": "{ROLE}"}}, "Null": {{"aws:PrincipalArn": "false"}}}}}}"""
FOR_ANY_WORKFLOW = """{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: execute-api:Invoke,
          Resource: execute-api:/*}"""


@pytest.mark.parametrize(
    ("policy", "refuted"),
    [
        (f"{FOR_THE_WORKFLOW}, {BOTH}", set()),
        (f"{FOR_ANY_WORKFLOW}, {BOTH}", set()),
        (f"{FOR_THE_WORKFLOW}, {SIGNED_ONLY}", set()),
        (f"{FOR_ANY_WORKFLOW}, {SIGNED_ONLY}", {"rest-api-callers-only"}),
        (
            f"{FOR_ANY_WORKFLOW.replace('states.', 'events.')}, {FOR_THE_WORKFLOW}, {SIGNED_ONLY}",
            {"rest-api-callers-only"},
        ),
    ],
)
def test_an_api_for_a_role_and_a_workflow_keeps_all_others_out(policy: str, refuted: set[str], tmp_path: Path) -> None:
    """The workflow that calls by the resource policy is no stranger; whoever else gets in is told once."""
    text = template(CLEAN["IAM_ROLE"]._replace(policy=policy.replace(f'"{WORKFLOW}"', f'"{WORKFLOW}-2"')))
    second = text[text.index("  Workflow:") :].replace("  Workflow:", "  Second:", 1)
    second = second.replace("StateMachineName: caller", "StateMachineName: caller-2").replace(
        "IAM_ROLE", "RESOURCE_POLICY"
    )
    assert {one.rule for one in audited(tmp_path, text + second).findings} == refuted


def test_a_policy_that_is_not_known_is_no_answer(tmp_path: Path) -> None:
    text = template(CLEAN["RESOURCE_POLICY"]._replace(policy="")).replace(
        "EndpointConfiguration: {Types: [REGIONAL]}", "Policy: !ImportValue policy"
    )
    found = {one.rule: one.answer for one in audited(tmp_path, text).requirements}
    assert found["resource-policy-call-admitted"] == found["resource-policy-call-account-only"] == "undecided"


@pytest.mark.parametrize(("path", "answer"), [("/orders/{id}", "refuted"), ("/orders/*", "proven")])
def test_a_path_that_the_workflow_computes_is_let_in_by_a_wildcard(path: str, answer: str, tmp_path: Path) -> None:
    """A request's path has values, never the names of a resource's parameters."""
    more = """
  Orders:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: orders}
  Order: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !Ref Orders, PathPart: "{id}"}}
  ReadOrder:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: !Ref Order, HttpMethod: GET, AuthorizationType: AWS_IAM}
"""
    policy = FOR_THE_WORKFLOW.replace("execute-api:/*", f'"execute-api:/live/GET{path}"')
    call = "Path.$: States.Format('/orders/{}', $.id)"
    given = Given("RESOURCE_POLICY", "AWS_IAM", policy=policy, call=call, more=more)
    assert "resource-policy-call-admitted" in rules(tmp_path, given, answer)
