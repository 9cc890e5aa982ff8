"""APIs put together from their resources: methods with paths, stages, endpoint types, resource policy."""

from textwrap import dedent

import pytest
from templates import PINNED, system

from policy_audit.model.resources import Api
from policy_audit.sources.estate import Given

ARN = "arn:aws:execute-api:eu-west-1:111122223333:${Api}"
API = """
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
  Root:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: GET}
"""


def apis(*texts: str, given: Given = PINNED) -> dict[str, Api]:
    return {api.address.rpartition("#")[2]: api for api in system(*texts, given=given).apis}


def one(text: str, given: Given = PINNED) -> Api:
    return apis(text, given=given)["Api"]


def with_policy(properties: str) -> Api:
    return one(f"Resources: {{Api: {{Type: AWS::ApiGateway::RestApi, Properties: {{{properties}}}}}}}")


def methods(api: Api) -> set[tuple[str, str, str]]:
    return {(method.http_method, method.path, method.authorization) for method in api.methods}


def resource(name: str, parent: str, part: str) -> str:
    properties = f"{{RestApiId: !Ref Api, ParentId: {parent}, PathPart: '{part}'}}"
    return f"  {name}: {{Type: AWS::ApiGateway::Resource, Properties: {properties}}}\n"


def method(name: str, at: str, verb: str = "GET", more: str = "") -> str:
    properties = f"{{RestApiId: !Ref Api, ResourceId: {at}, HttpMethod: {verb}{more}}}"
    return f"  {name}: {{Type: AWS::ApiGateway::Method, Properties: {properties}}}\n"


ROOT = "!GetAtt Api.RootResourceId"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (method("M", ROOT, "ANY"), {("ANY", "/", "NONE")}),
        (method("M", ROOT, "get"), {("GET", "/", "NONE")}),
        (method("M", ROOT, "GET", ", AuthorizationType: AWS_IAM"), {("GET", "/", "AWS_IAM")}),
        (resource("A", ROOT, "a") + method("M", "!Ref A"), {("GET", "/a", "NONE")}),
        (resource("A", ROOT, "a") + method("M", "!GetAtt A.ResourceId"), {("GET", "/a", "NONE")}),
        (
            resource("B", "!Ref A", "{id}") + resource("A", ROOT, "a") + method("M", "!Ref B"),
            {("GET", "/a/{id}", "NONE")},
        ),
        (resource("P", ROOT, "{proxy+}") + method("M", "!Ref P", "ANY"), {("ANY", "/{proxy+}", "NONE")}),
    ],
)
def test_the_paths_of_methods(parts: str, expected: set[tuple[str, str, str]]) -> None:
    api = one("Resources:\n  Api: {Type: AWS::ApiGateway::RestApi}\n" + parts)
    assert methods(api) == expected
    assert not api.unseen


@pytest.mark.parametrize(
    "parts",
    [
        method("M", "!ImportValue elsewhere"),
        method("M", "!Ref Nowhere"),
        resource("A", "!Ref B", "a") + resource("B", "!Ref A", "b") + method("M", "!Ref A"),
        resource("A", "!Ref A", "a") + method("M", "!Ref A"),
        resource("A", "!ImportValue elsewhere", "a") + method("M", "!Ref A"),
        "".join(resource(f"A{n}", f"!Ref A{n - 1}" if n else ROOT, "a") for n in range(102)) + method("M", "!Ref A101"),
    ],
    ids=["import", "undeclared", "cycle", "own parent", "imported parent", "too deep"],
)
def test_a_method_whose_path_is_not_known_is_told(parts: str) -> None:
    api = one("Resources:\n  Api: {Type: AWS::ApiGateway::RestApi}\n" + parts)
    assert api.methods == ()
    assert api.unseen == ("the path of the method `M` is not known",)


def test_methods_of_another_template() -> None:
    outputs = """
    Outputs:
      Id: {Value: !Ref Api, Export: {Name: api}}
      Root: {Value: !GetAtt Api.RootResourceId, Export: {Name: root}}
    """
    other = """
    Resources:
      A:
        Type: AWS::ApiGateway::Resource
        Properties: {RestApiId: !ImportValue api, ParentId: !ImportValue root, PathPart: a}
      M: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !ImportValue api, ResourceId: !Ref A, HttpMethod: PUT}}
      S: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !ImportValue api, StageName: live}}
    """
    api = apis(API + dedent(outputs), other)["Api"]
    assert methods(api) == {("GET", "/", "NONE"), ("PUT", "/a", "NONE")}
    assert [(stage.name, stage.address) for stage in api.stages] == [("live", "b.yaml#S")]


@pytest.mark.parametrize(
    ("api_id", "told"),
    [("!Ref ApiId", True), ("!ImportValue elsewhere", True), ("abc1234567", False), ("!Ref Sam", False)],
)
def test_a_method_of_an_api_that_is_not_known_may_be_of_this_one(api_id: str, told: bool) -> None:
    other = f"""
    Transform: AWS::Serverless-2016-10-31
    Parameters: {{ApiId: {{Type: String}}}}
    Resources:
      Sam: {{Type: AWS::Serverless::Api, Properties: {{StageName: x}}}}
      Web: {{Type: AWS::ApiGatewayV2::Api, Properties: {{ProtocolType: HTTP}}}}
      M: {{Type: AWS::ApiGateway::Method, Properties: {{RestApiId: {api_id}, ResourceId: x, HttpMethod: PUT}}}}
    """
    found = apis(API, other)
    assert bool(found["Api"].unseen) == told
    assert not found["Web"].unseen


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ("S: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live}}", ["live"]),
        ("D: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api, StageName: live}}", ["live"]),
        ("D: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}}", []),
        ("S: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: !Ref Name}}", ["${Name}"]),
        (
            "S: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live}}\n"
            "      D: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api, StageName: live}}\n"
            "      T: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: test}}",
            ["live", "test"],
        ),
    ],
)
def test_stages_each_once(parts: str, names: list[str]) -> None:
    text = f"""
    Parameters: {{Name: {{Type: String}}}}
    Resources:
      Api: {{Type: AWS::ApiGateway::RestApi}}
      {parts}
    """
    found = system(text)
    assert [found.symbols.show(stage.name) for stage in found.apis[0].stages] == names


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("{Types: [REGIONAL]}", ("REGIONAL",)),
        ("{Types: PRIVATE}", ("PRIVATE",)),
        ("REGIONAL", ("REGIONAL",)),
        ("[EDGE]", ("EDGE",)),
        ("{}", ()),
    ],
)
def test_endpoint_types_in_each_form(configuration: str, expected: tuple[str, ...]) -> None:
    assert with_policy(f"EndpointConfiguration: {configuration}").endpoint_types == expected


# ---- resource policy ------------------------------------------------------------------------------------------------

JSON = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "a:B", "Resource": "execute-api:/*"}]}'


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("execute-api:/*", f"{ARN}/*"),
        ("execute-api:/live/GET/", f"{ARN}/live/GET/"),
        (
            "!Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Other}/*'",
            "arn:aws:execute-api:eu-west-1:111122223333:${Other}/*",
        ),
        ("'*'", "*"),
        ("execute-api:*", "execute-api:*"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("element", ["Resource", "NotResource"])
def test_short_resource_forms_are_written_out(resource: str, expected: str, element: str) -> None:
    found = system(f"""
    Parameters: {{Other: {{Type: String}}}}
    Resources:
      Api:
        Type: AWS::ApiGateway::RestApi
        Properties:
          Policy:
            Statement: {{Effect: Deny, Principal: "*", Action: "a:B", {element}: {resource}}}
    """)
    policy = found.apis[0].policy
    assert policy is not None
    assert [found.symbols.show(text) for text in policy.statements[0].resources or ()] == [expected]


@pytest.mark.parametrize("policy", ["''", "!Ref AWS::NoValue", "null", "'  '"])
def test_an_empty_policy_is_none(policy: str) -> None:
    assert with_policy(f"Policy: {policy}").policy is None


@pytest.mark.parametrize("policy", [f"'{JSON}'", f"!Sub '{JSON}'", JSON])
def test_a_policy_as_object_or_text(policy: str) -> None:
    found = with_policy(f"Policy: {policy}").policy
    assert found is not None
    assert not found.unknown
    assert [statement.effect for statement in found.statements] == ["Allow"]


@pytest.mark.parametrize(
    "properties",
    [
        "Policy: !ImportValue policy",
        "Policy: '{not json'",
        "Policy: {Fn::Transform: {Name: AWS::Include}}",
        "Fn::Transform: {Name: AWS::Include}",
        "BodyS3Location: {Bucket: b, Key: k}",
        "CloneFrom: abc",
        "Body: {Fn::Transform: {Name: AWS::Include}}",
        "Body: {openapi: 3.0.1, Fn::Transform: {Name: AWS::Include}}",
        f"Body: {{x-amazon-apigateway-policy: {JSON}}}, Policy: {JSON}",
        f"BodyS3Location: {{Bucket: b}}, Policy: {JSON}",
    ],
)
def test_a_policy_that_cannot_be_seen_may_hold_anything(properties: str) -> None:
    policy = with_policy(properties).policy
    assert policy is not None
    assert policy.unknown


@pytest.mark.parametrize(
    ("properties", "count"),
    [
        ("Body: {openapi: 3.0.1}", 0),
        (f"Body: {{x-amazon-apigateway-policy: {JSON}}}", 1),
        (f"Body: {{a: b}}, Policy: {JSON}", 1),
    ],
)
def test_a_body_in_the_template_tells_its_policy(properties: str, count: int) -> None:
    api = with_policy(properties)
    assert len(api.policy.statements if api.policy else ()) == count
    assert not (api.policy and api.policy.unknown)
    assert api.unseen == ()


# ---- HTTP APIs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "more", "expected"),
    [
        ("GET /a/{id}", "", {("GET", "/a/{id}", "NONE")}),
        ("ANY /a", ", AuthorizationType: AWS_IAM", {("ANY", "/a", "AWS_IAM")}),
        ("$default", "", {("ANY", "/", "NONE"), ("ANY", "/{proxy+}", "NONE")}),
    ],
)
def test_routes(key: str, more: str, expected: set[tuple[str, str, str]]) -> None:
    api = one(f"""
    Resources:
      Api: {{Type: AWS::ApiGatewayV2::Api, Properties: {{ProtocolType: HTTP}}}}
      R: {{Type: AWS::ApiGatewayV2::Route, Properties: {{ApiId: !Ref Api, RouteKey: "{key}"{more}}}}}
      S: {{Type: AWS::ApiGatewayV2::Stage, Properties: {{ApiId: !GetAtt Api.ApiId, StageName: $default}}}}
    """)
    assert methods(api) == expected
    assert all(method.by_default == (key == "$default") for method in api.methods)
    assert [stage.name for stage in api.stages] == ["$default"]


@pytest.mark.parametrize(("key", "paths"), [("", {"/", "/{proxy+}"}), (", RouteKey: GET /a", {"/a"})])
def test_quick_create_makes_a_route_and_a_stage(key: str, paths: set[str]) -> None:
    api = one(
        f"Resources: {{Api: {{Type: AWS::ApiGatewayV2::Api, Properties: {{ProtocolType: HTTP, Target: x{key}}}}}}}"
    )
    assert {method.path for method in api.methods} == paths
    assert [stage.name for stage in api.stages] == ["$default"]


def test_a_websocket_api_is_no_api_that_a_workflow_calls() -> None:
    assert apis("Resources: {Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}}") == {}
