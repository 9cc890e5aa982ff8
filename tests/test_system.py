"""The words by which rules ask: what a call reaches, and which facts hold of it: yes, no, or don't know."""

import pytest
from templates import system

from policy_audit.model.call import Definition, Field, Task
from policy_audit.model.resources import Api, Connection, Method, Missing, ResourceConfiguration, Stage, StateMachine
from policy_audit.model.rest_api import RestApi
from policy_audit.model.system import System
from policy_audit.model.urls import api_id_of, host_of, is_ip_address, is_placeholder, region_of
from policy_audit.model.value import Symbol, Symbols, has_holes
from policy_audit.model.workflow import Call, OtherThan
from policy_audit.origin import Span

SPAN = Span("a.yaml", 1, 1, 1, 2)
SYMBOLS = Symbols()
OPEN = SYMBOLS.symbol(Symbol("${Open}"))
HOLE = SYMBOLS.hole("the workflow computes it")
MADE = SYMBOLS.symbol(Symbol("${Balancer.DNSName}", generated=True))
CONNECTION = "arn:aws:events:eu-west-1:444455556666:connection/c/0f1e2d3c-0000-4000-8000-000000000000"
ID = "abcdefghij"
ARN = f"arn:aws:execute-api:eu-west-1:111122223333:{ID}"
HOST = f"{ID}.execute-api.eu-west-1.amazonaws.com"


def api(*methods: str, stages: tuple[str, ...] = ("live",), kind: str = "REST", unseen: tuple[str, ...] = ()) -> Api:
    """An API with methods as `GET /path AWS_IAM`, and `MOCK` behind it if there is no backend."""
    made = []
    for one in methods:
        words = one.removesuffix(" MOCK").split(" ")
        verb, path, authorization = (*words, "AWS_IAM")[:3]
        mocked = one.endswith(" MOCK")
        made.append(Method(f"a.yaml#{verb}{path}", SPAN, verb, path, authorization, mocked=mocked))
    found = tuple(Stage("a.yaml#S", SPAN, name) for name in stages)
    return Api(kind, "a.yaml#Api", SPAN, ID, ARN, "111122223333", ("REGIONAL",), None, tuple(made), found, unseen)  # type: ignore[arg-type]


def call(*apis: Api, **fields: str) -> Call:
    """A task with these fields, in a system with these APIs."""
    integration = fields.pop("integration", "apigateway:invoke")
    given = {name: Field(text, SPAN) for name, text in fields.items()}
    task = Task("Call", (), integration, "request-response", "", SPAN, **given)  # type: ignore[arg-type]
    machine = StateMachine("a.yaml#Machine", SPAN, "arn:m", "111122223333", Missing("no role"), Definition((task,)))
    whole = System(
        SYMBOLS, partition="aws", region="eu-west-1", account="111122223333", state_machines=(machine,), apis=apis
    )
    return whole.calls[0]


# ---- hosts and addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example/x", "a.example"),
        ("https://a.example", "a.example"),
        ("https://a.example?x=/y", "a.example"),
        ("https://user:word@a.example:8443/x", "a.example"),
        ("a.example/x", "a.example"),
        ("https://[fd00::1]:443/", "fd00::1"),
        ("", ""),
        ("https:///x", ""),
        (f"https://{OPEN}/x", OPEN),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("endpoint", "api_id", "region"),
    [
        (HOST, ID, "eu-west-1"),
        (f"https://{HOST}/live", ID, "eu-west-1"),
        (f"{ID}.execute-api.cn-north-1.amazonaws.com.cn", ID, "cn-north-1"),
        (f"{OPEN}.execute-api.{OPEN}.amazonaws.com", OPEN, OPEN),
        (f"x.{HOST}", "", "eu-west-1"),
        ("api.example.com", "", ""),
        (f"{ID}-vpce-1.execute-api.eu-west-1.amazonaws.com", f"{ID}-vpce-1", "eu-west-1"),
        (OPEN, "", ""),
        ("", "", ""),
        (".execute-api.eu-west-1.amazonaws.com", "", "eu-west-1"),
    ],
)
def test_the_api_of_an_endpoint(endpoint: str, api_id: str, region: str) -> None:
    assert (api_id_of(endpoint), region_of(endpoint)) == (api_id, region)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.1", True),
        ("fd00::1", True),
        ("a.example", False),
        ("1.2.3", False),
        ("1.2.3.4.example", False),
        ("", False),
    ],
)
def test_an_address_is_no_name(host: str, expected: bool) -> None:
    assert is_ip_address(host) is expected


# ---- which method a call reaches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "verb", "path", "expected"),
    [
        (["GET /"], "GET", None, "GET /"),
        (["GET /"], "GET", "", "GET /"),
        (["GET /"], "GET", "/", "GET /"),
        (["GET /a"], "GET", "a", "GET /a"),
        (["GET /a"], "GET", "/a/", "GET /a"),
        (["GET /a"], "GET", "/a?x=1", "GET /a"),
        (["GET /a"], "get", "/a", "GET /a"),
        (["GET /a"], "POST", "/a", None),
        (["GET /a"], "GET", "/b", None),
        (["GET /a"], "GET", "/a/b", None),
        (["GET /a/b"], "GET", "/a", None),
        (["ANY /a"], "PUT", "/a", "ANY /a"),
        (["GET /{id}"], "GET", "/x", "GET /{id}"),
        (["GET /{id}"], "GET", "/", None),
        (["GET /{id}/b"], "GET", "/x/b", "GET /{id}/b"),
        (["GET /{proxy+}"], "GET", "/a/b/c", "GET /{proxy+}"),
        (["GET /{proxy+}"], "GET", "/", None),
        (["GET /a/{proxy+}"], "GET", "/a", None),
        (["GET /a/{proxy+}"], "GET", "/b/c", None),
        # The path decides before the verb, a literal before a parameter, that before the rest.
        (["GET /{proxy+}", "ANY /a"], "GET", "/a", "ANY /a"),
        (["ANY /a", "GET /a"], "GET", "/a", "GET /a"),
        (["GET /{proxy+}", "GET /{id}", "GET /a"], "GET", "/a", "GET /a"),
        (["GET /{proxy+}", "GET /{id}", "GET /a"], "GET", "/b", "GET /{id}"),
        (["GET /{a}/x", "GET /b/{y}"], "GET", "/b/x", "GET /b/{y}"),
        # Open parts.
        (["GET /a/{id}"], "GET", f"/a/{HOLE}", "GET /a/{id}"),
        (["GET /a"], "GET", HOLE, "GET /a"),
        (["GET /a", "GET /b"], "GET", HOLE, "GET /a"),
        (["GET /a", "GET /b NONE"], "GET", HOLE, "?"),
        (["GET /a", "POST /a NONE"], HOLE, "/a", "?"),
        (["GET /a", "POST /a"], HOLE, "/a", "GET /a"),
        (["GET /b"], HOLE, "/a", "?"),
        (["GET /b"], "GET", f"/a{HOLE}", None),
        (["GET /ab", "GET /b NONE"], "GET", f"/a{HOLE}", "GET /ab"),
        (["GET /a"], "GET", f"/a{HOLE}", "GET /a"),
        ([], "GET", "/a", "?"),
    ],
)
def test_which_method_a_call_reaches(methods: list[str], verb: str, path: str | None, expected: str | None) -> None:
    fields = {"endpoint": HOST, "method": verb} | ({} if path is None else {"url_path": path})
    one = call(api(*methods), **fields)
    found = one.api_method
    if isinstance(found, Missing):
        assert expected == "?" or has_open_path(path)
        assert one.reaches_a_method.holds is None
    else:
        assert (f"{found.http_method} {found.path}" if found else None) == expected
        assert one.reaches_a_method.holds is (found is not None)


def has_open_path(path: str | None) -> bool:
    return path is not None and HOLE in path


def test_a_method_that_may_stand_elsewhere_is_not_denied() -> None:
    one = call(api("GET /a", unseen=("the body is not read",)), endpoint=HOST, method="GET", url_path="/b")
    assert one.reaches_a_method.holds is None


@pytest.mark.parametrize(
    ("stages", "stage", "path", "kind", "holds"),
    [
        (["live"], "live", "/", "REST", True),
        (["live"], "test", "/", "REST", False),
        (["live"], None, "/", "REST", None),
        (["live"], None, "/live/a", "REST", None),
        (["live"], None, f"/{HOLE}", "REST", None),
        (["live"], None, "/", "HTTP", True),
        (["$default"], "$default", "/", "HTTP", True),
        (["live"], HOLE, "/", "REST", None),
        ([OPEN], "live", "/", "REST", None),
        ([OPEN], OPEN, "/", "REST", True),
        # A stage that no template declares was made by hand, or by another one.
        ([], "live", "/", "REST", None),
        ([], None, "/", "REST", None),
    ],
)
def test_which_stage_a_call_reaches(
    stages: list[str], stage: str | None, path: str, kind: str, holds: bool | None
) -> None:
    fields = {"endpoint": HOST, "method": "GET", "url_path": path} | ({"stage": stage} if stage else {})
    fact = call(api("GET /", stages=tuple(stages), kind=kind), **fields).reaches_a_stage
    assert fact.holds is holds
    assert fact.detail or fact.holds


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stage": "live", "url_path": "/a/1"}, f"{ARN}/live/GET/a/1"),
        ({"stage": "live"}, f"{ARN}/live/GET/"),
        ({"stage": "live", "url_path": "a?b=c"}, f"{ARN}/live/GET/a"),
        ({"stage": "live", "endpoint": f"https://{HOST}"}, f"{ARN}/live/GET/"),
        (
            {"stage": "s", "endpoint": "zzzzzzzzzz.execute-api.us-east-2.amazonaws.com"},
            "arn:aws:execute-api:us-east-2:111122223333:zzzzzzzzzz/s/GET/",
        ),
    ],
)
def test_the_arn_that_a_call_asks_for(fields: dict[str, str], expected: str) -> None:
    assert call(api("GET /"), **({"endpoint": HOST, "method": "GET"} | fields)).request_arn == expected


@pytest.mark.parametrize(("kind", "is_known"), [("HTTP", True), ("REST", False)])
def test_the_arn_of_a_call_without_a_stage(kind: str, is_known: bool) -> None:
    """An HTTP API has the stage `$default`; what a REST API makes of such a call is written nowhere."""
    arn = call(api("GET /", kind=kind), endpoint=HOST, method="GET").request_arn
    assert isinstance(arn, str)
    assert (arn == f"{ARN}/$default/GET/") is is_known
    assert has_holes(arn) is not is_known


@pytest.mark.parametrize("fields", [{}, {"endpoint": HOST}, {"endpoint": "api.example.com", "method": "GET"}])
def test_no_arn_without_api_and_method(fields: dict[str, str]) -> None:
    assert isinstance(call(api("GET /"), **fields).request_arn, Missing)


@pytest.mark.parametrize(("by_default", "expected"), [(True, f"{ARN}/$default/$default"), (False, None)])
def test_the_arn_of_a_default_route(by_default: bool, expected: str | None) -> None:
    method = Method("a.yaml#R", SPAN, "ANY", "/{proxy+}", "AWS_IAM", by_default)
    one = call(api(kind="HTTP")._replace(methods=(method,)), endpoint=HOST, method="GET", url_path="/x")
    assert one.default_route_arn == expected


@pytest.mark.parametrize(
    ("auth_type", "authorization", "holds"),
    [
        (None, "AWS_IAM", False),
        ("NO_AUTH", "AWS_IAM", False),
        ("NO_AUTH", "NONE", True),
        ("NO_AUTH", "CUSTOM", True),
        ("IAM_ROLE", "AWS_IAM", True),
        ("IAM_ROLE", "NONE", False),
        ("RESOURCE_POLICY", "AWS_IAM", True),
        ("NO_AUTH", OPEN, None),
        (HOLE, "AWS_IAM", None),
    ],
)
def test_whether_call_and_method_agree(auth_type: str | None, authorization: str, holds: bool | None) -> None:
    fields = {"endpoint": HOST, "method": "GET"} | ({"auth_type": auth_type} if auth_type else {})
    assert call(api(f"GET / {authorization}"), **fields).agrees_with_the_method.holds is holds


# ---- HTTP Tasks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "https", "name"),
    [
        ("https://a.example/", True, True),
        ("HTTPS://a.example/", True, True),
        ("http://a.example/", False, True),
        ("a.example/", False, True),
        ("https://10.0.0.1/", True, False),
        ("https://[fd00::1]/", True, False),
        (f"https://{OPEN}/", True, None),
        (f"https://{OPEN}.example/", True, True),
        (f"https://{MADE}/", True, True),
        (f"https://{HOLE}/", True, None),
        (f"{OPEN}/x", None, None),
        (HOLE, None, None),
        (f"http{OPEN}://a.example", None, True),
        (None, None, None),
    ],
)
def test_what_is_known_of_an_endpoint(endpoint: str | None, https: bool | None, name: bool | None) -> None:
    fields = {"endpoint": endpoint} if endpoint else {}
    one = call(integration="http:invoke", connection=CONNECTION, **fields)
    assert one.uses_https.holds is https
    assert one.uses_a_domain_name.holds is (None if name is False else name)
    private = in_private(one)
    assert private.uses_a_domain_name.holds is name


def in_private(one: Call) -> Call:
    """The same call through a private connection."""
    configuration = ResourceConfiguration("a.yaml#C", SPAN, "arn:c", "rcfg-1")
    private = Connection("a.yaml#P", SPAN, CONNECTION, "", "", "444455556666", configuration)
    machine = one.state_machine
    return System(SYMBOLS, state_machines=(machine,), connections=(private,)).calls[0]


@pytest.mark.parametrize(
    ("timeout", "holds"),
    [
        (None, True),
        ("60", True),
        ("1", True),
        ("61", False),
        ("0060", True),
        ("9" * 5000, False),
        ("²", None),
        ("٦٠", None),
        ("-1", None),
        ("", None),
        (HOLE, None),
    ],
)
def test_whether_a_timeout_is_possible(timeout: str | None, holds: bool | None) -> None:
    one = call(integration="http:invoke", **({} if timeout is None else {"timeout_seconds": timeout}))
    assert one.has_a_possible_timeout.holds is holds


@pytest.mark.parametrize(
    ("arn", "secret"),
    [
        (CONNECTION, "arn:aws:secretsmanager:eu-west-1:444455556666:secret:events!connection/c/"),
        (CONNECTION.rpartition("/")[0], "arn:aws:secretsmanager:eu-west-1:444455556666:secret:events!connection/c/"),
        ("c", None),
        ("arn:aws:events:eu-west-1:444455556666:api-destination/c/x", None),
        (OPEN, "arn:aws:secretsmanager:"),
        (HOLE, None),
        ("", None),
    ],
)
def test_a_connection_that_no_template_declares(arn: str, secret: str | None) -> None:
    found = call(integration="http:invoke", connection=arn).connection
    if secret is None:
        assert isinstance(found, Missing)
        assert found.reason
    else:
        assert isinstance(found, Connection)
        assert found.secret_arn.startswith(secret)
        assert isinstance(found.resource_configuration, Missing)


ESTATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      AssumeRolePolicyDocument: {Statement: []}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement: {Effect: Allow, Action: "states:InvokeHTTPEndpoint", Resource: "*"%s}
  Connection: {Type: AWS::Events::Connection, Properties: {Name: c}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: A
        States:
          A:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Next: B
            Parameters: {ApiEndpoint: %s, Method: GET, Authentication: {ConnectionArn: %s}}
          B:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            End: true
            Parameters: {ApiEndpoint: https://b.example/, Method: GET}
"""


@pytest.mark.parametrize(
    ("name", "visible"),
    [
        ("!GetAtt Connection.Arn", True),
        ("!GetAtt Connection.ArnForPolicy", True),
        ("!Ref Connection", False),  # its name
        ("!Sub 'arn:aws:events:${AWS::Region}:${AWS::AccountId}:connection/c'", True),
    ],
)
def test_the_forms_of_a_connection(name: str, visible: bool) -> None:
    found = system(ESTATE % ("", "https://a.example/", name)).calls[0].connection
    assert isinstance(found, Connection) == visible


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", False),
        (", Condition: {StringLike: {'states:HTTPEndpoint': x}}", True),
        (", Condition: {StringLike: {'STATES:httpendpoint': x}}", True),
        (", Condition: {StringLike: {'states:HTTPMethod': x}}", False),
    ],
)
def test_whether_a_role_names_endpoints(condition: str, expected: bool) -> None:
    calls = system(ESTATE % (condition, "https://a.example/", "x")).calls
    assert [one.role_names_endpoints for one in calls] == [expected, expected]


def test_the_hosts_that_a_role_calls_are_its_own() -> None:
    found = system(ESTATE % ("", "https://a.example:8443/x", "x")).calls[0].other_endpoints
    assert isinstance(found, OtherThan)
    assert {"https://a.example/*", "https://b.example"} <= set(found.but)
    assert "https://a.example.attacker.example/" in found.telling
    # A colon that no port follows ends a user's name: the host is another one.
    assert not any(one.endswith(":*") for one in found.but)


def test_hosts_that_the_workflow_computes_are_not_known() -> None:
    found = system(ESTATE % ("", "'{% $x %}'", "x")).calls[0]
    assert isinstance(found.other_endpoints, OtherThan)  # text in JSONPath
    computed = system((ESTATE % ("", "x", "x")).replace("ApiEndpoint: x", "ApiEndpoint.$: $.url")).calls[1]
    assert isinstance(computed.other_endpoints, Missing)


# ---- REST APIs ------------------------------------------------------------------------------------------------------


def rest(*methods: str, stages: tuple[str, ...] = ("live",)) -> RestApi:
    return RestApi(System(SYMBOLS), api(*methods, stages=stages))


@pytest.mark.parametrize(
    ("methods", "stages", "expected"),
    [
        (["GET /"], ("live",), {"live/GET/"}),
        (["GET /a/{id}"], ("live", "test"), {"live/GET/a/*", "test/GET/a/*"}),
        (["POST /{proxy+}"], (), {"*/POST/*"}),
        (["ANY /a"], ("s",), {f"s/{verb}/a" for verb in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")}),
    ],
)
def test_the_requests_of_an_api(methods: list[str], stages: tuple[str, ...], expected: set[str]) -> None:
    found = rest(*methods, stages=stages).requests
    assert not isinstance(found, Missing)
    assert {one.arn.removeprefix(f"{ARN}/") for one in found} == expected


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (["GET /"], [True]),
        (["GET /", "PUT / NONE"], [True, False]),
        (["GET / CUSTOM"], [False]),
        (["GET /", "OPTIONS / NONE"], [True, False]),
        (["GET /", "OPTIONS / NONE MOCK"], [True]),  # a preflight
        (["OPTIONS / NONE MOCK"], [None]),
        (["GET / NONE MOCK"], [False]),
        ([f"GET / {OPEN}"], [None]),
        ([], [None]),
    ],
)
def test_whether_every_method_uses_iam(methods: list[str], expected: list[bool | None]) -> None:
    assert [fact.holds for fact in rest(*methods).every_method_uses_iam] == expected


def test_an_api_without_methods_has_no_known_requests() -> None:
    assert isinstance(rest().requests, Missing)


@pytest.mark.parametrize(
    ("url", "placeholder"),
    [("<YOUR_URL>", True), ("<>", True), ("<YOUR_URL>/*", True), ("https://a.example/<id>", False), ("", False)],
)
def test_a_url_that_somebody_has_to_fill_in(url: str, placeholder: bool) -> None:
    assert is_placeholder(url) is placeholder
