"""OpenAPI documents of APIs: methods with their authorization, at the lines where they stand."""

import json
from pathlib import Path

import pytest
from templates import PINNED, system

from policy_audit.findings import Skipped
from policy_audit.model.authorizers import Authorizer
from policy_audit.model.resources import Api, Method
from policy_audit.model.value import has_letters
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.worlds import World

SCHEMES = {
    "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "key": {"type": "apiKey", "name": "X-Api-Key", "in": "header"},
    "token": {
        "type": "apiKey",
        "name": "Auth",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": "arn:x"},
    },
    "request": {
        "type": "apiKey",
        "x-amazon-apigateway-authorizer": {"type": "request", "identitySource": "method.request.header.A, context.b"},
    },
    "pool": {"type": "apiKey", "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools"}},
    "jwt": {"type": "oauth2", "x-amazon-apigateway-authorizer": {"type": "jwt", "identitySource": "$request.header.A"}},
    "oauth": {"type": "oauth2"},
}
IAM = {"x-amazon-apigateway-auth": {"type": "aws_iam"}}
OPEN = {"x-amazon-apigateway-auth": {"type": "NONE"}}


def api(
    paths: object,
    kind: str = "AWS::ApiGateway::RestApi",
    swagger: bool = False,
    more: dict[str, object] | None = None,
) -> Api:
    """The API whose body has these paths, and everything else of `more` beside them."""
    version = {"swagger": "2.0", "securityDefinitions": SCHEMES}
    if not swagger:
        version = {"openapi": "3.0.1", "components": {"securitySchemes": SCHEMES}}
    properties = {"Body": {**version, "paths": paths, **(more or {})}, "ProtocolType": "HTTP"}
    (found,) = system(json.dumps({"Resources": {"Api": {"Type": kind, "Properties": properties}}})).apis
    return found


def operation(operation: object, swagger: bool = False, more: dict[str, object] | None = None) -> Method:
    (found,) = api({"/a": {"get": operation}}, swagger=swagger, more=more).methods
    return found


@pytest.mark.parametrize("swagger", [False, True])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("NONE", "", False)),
        (IAM, ("AWS_IAM", "", False)),
        (OPEN, ("NONE", "", False)),
        ({"security": []}, ("NONE", "", False)),
        ({"security": [{"NONE": []}]}, ("NONE", "", False)),
        ({"security": [{"sigv4": []}]}, ("AWS_IAM", "sigv4", False)),
        ({"security": [{"sigv4": []}], **IAM}, ("AWS_IAM", "sigv4", False)),
        ({"security": [{"key": []}]}, ("NONE", "", True)),
        ({"security": [{"key": []}, {"sigv4": []}]}, ("AWS_IAM", "sigv4", True)),
        ({"security": [{"key": [], "sigv4": []}]}, ("AWS_IAM", "sigv4", True)),
        ({"security": [{"key": []}], **IAM}, ("AWS_IAM", "", True)),
        ({"security": [{"token": []}]}, ("CUSTOM", "token", False)),
        ({"security": [{"request": []}]}, ("CUSTOM", "request", False)),
        ({"security": [{"pool": ["a/b"]}]}, ("COGNITO_USER_POOLS", "pool", False)),
        ({"security": [{"jwt": []}]}, ("JWT", "jwt", False)),
    ],
)
def test_the_authorization_of_an_operation(
    given: dict[str, object], expected: tuple[str, str, bool], swagger: bool
) -> None:
    found = operation(given, swagger)
    assert (found.authorization, found.authorizer.rpartition("/")[2], found.needs_api_key) == expected
    assert (found.span.file, found.http_method, found.path) == ("a.yaml", "GET", "/a")


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ({"security": [{"oauth": []}]}, {}),
        ({"security": [{"nobody": []}]}, {}),
        ({"security": {"Ref": "P"}}, {}),
        ({"security": [{"sigv4": []}], **OPEN}, {}),
        ({"security": [{"sigv4": []}, {"token": []}]}, {}),
        ({}, {"security": [{"sigv4": []}]}),
        ({}, IAM),
    ],
    ids=["scheme of no known kind", "undeclared", "open", "contradiction", "two kinds", "root security", "root auth"],
)
def test_an_authorization_that_aws_does_not_tell_is_neither_open_nor_closed(
    given: dict[str, object], whole: dict[str, object]
) -> None:
    assert has_letters(operation(given, more=whole).authorization)


def test_an_operation_may_refuse_what_stands_for_the_whole() -> None:
    assert operation({"security": []}, more={"security": [{"sigv4": []}]}).authorization == "NONE"
    assert operation({"security": [{"sigv4": []}]}, more={"security": [{"token": []}]}).authorization == "AWS_IAM"
    assert operation({"security": [{"key": []}], **OPEN}, more={"security": [{"sigv4": []}]}).authorization == "NONE"


def test_verbs_paths_and_mocks() -> None:
    found = api(
        {
            "/": {"x-amazon-apigateway-any-method": {}},
            "/a/{id}/": {"post": {}, "parameters": [], "summary": "x"},
            "/b": {"options": {"x-amazon-apigateway-integration": {"type": "mock"}}, "get": None},
            "x-note": {"get": {}},
        }
    )
    assert [(one.http_method, one.path, one.mocked) for one in found.methods] == [
        ("ANY", "/", False),
        ("POST", "/a/{id}", False),
        ("OPTIONS", "/b", True),
    ]
    assert not found.unseen


def test_the_default_route_of_an_http_api_takes_every_request() -> None:
    found = api({"/$default": {"x-amazon-apigateway-any-method": IAM}}, "AWS::ApiGatewayV2::Api")
    assert [(one.http_method, one.path, one.by_default, one.authorization) for one in found.methods] == [
        ("ANY", "/", True, "AWS_IAM"),
        ("ANY", "/{proxy+}", True, "AWS_IAM"),
    ]


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ({"/a": {"Ref": "P"}}, "the operations of the path `/a` are not known"),
        ({"/a": {"$ref": "#/x"}}, "the operations of the path `/a` are not known"),
        ({"/a": {"get": {"Ref": "P"}}}, "the operation `get /a` is not known"),
        ({"/a": {"Fn::Transform": {"Name": "X"}, "get": {}}}, "`Fn::Transform` writes operations of the path `/a`"),
        ({"/a": {}, "Fn::Transform": {"Name": "X"}}, "`Fn::Transform` writes paths of an API's document"),
        ({"Ref": "P"}, "the paths of an API's document are not known"),
    ],
)
def test_what_of_a_document_is_not_known_is_told(paths: object, told: str) -> None:
    text = json.dumps(
        {
            "Parameters": {"P": {"Type": "String"}},
            "Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": {"paths": paths}}}},
        }
    )
    (found,) = system(text).apis
    assert found.unseen[0].startswith(told)


@pytest.mark.parametrize("kind", ["AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"])
def test_a_base_path_that_counts_is_told(kind: str) -> None:
    property = "BasePath: prepend" if "V2" in kind else "Parameters: {basepath: prepend}"
    (found,) = system(f"Resources: {{Api: {{Type: '{kind}', Properties: {{Body: {{paths: {{}}}}, {property}}}}}}}").apis
    assert found.unseen == ("the base path of the `Body` of `Api` counts (`prepend`)",)


def test_a_body_as_text_is_read_at_its_own_lines() -> None:
    text = """
    Resources:
      Api:
        Type: AWS::ApiGateway::RestApi
        Properties:
          Body: !Sub |
            {"paths": {
              "/a": {"get": {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}}
            }}
    """
    (method,) = system(text).apis[0].methods
    assert (method.authorization, method.span.line, method.span.column) == ("AWS_IAM", 8, 18)
    (broken,) = system(text.replace("}}\n    ", "}\n    ", 1)).apis
    assert broken.unseen[0].startswith("the `Body` of `Api` is no JSON")
    assert broken.policy is not None
    assert broken.policy.unknown


def test_methods_beside_a_body_are_methods_too() -> None:
    text = """
    Resources:
      Api: {Type: AWS::ApiGateway::RestApi, Properties: {Body: {paths: {/a: {get: {}}}}}}
      M:
        Type: AWS::ApiGateway::Method
        Properties: {RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: PUT}
    """
    (found,) = system(text).apis
    assert {(one.http_method, one.path) for one in found.methods} == {("GET", "/a"), ("PUT", "/")}


def test_api_gateway_fills_in_its_variables() -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/r"},
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    }
    found = api({}, more={"x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": [statement]}})
    assert found.policy is not None
    assert "arn:aws:iam::111122223333:role/r" in str(found.policy.statements[0])


def test_the_authorizers_of_a_document() -> None:
    body = {"paths": {"/a": {"get": {"security": [{"request": []}]}}}, "securityDefinitions": SCHEMES}
    resources = {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}}}
    found = system(json.dumps({"Resources": resources}))
    authorizers = {one.id.rpartition("/")[2]: one for one in found.all(Authorizer)}
    assert {name: (one.kind, one.identity_sources) for name, one in authorizers.items()} == {
        "token": ("TOKEN", ("method.request.header.Auth",)),
        "request": ("REQUEST", ("method.request.header.A", "context.b")),
        "pool": ("COGNITO_USER_POOLS", ()),
        "jwt": ("JWT", ("$request.header.A",)),
    }
    assert found.apis[0].methods[0].authorizer == authorizers["request"].id


# ---- documents in files of their own ------------------------------------------------------------------------------


WITH_FILE = """
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {%s}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live}}
"""
FILE = """
openapi: "3.0.1"
paths:
  /a:
    get:
      x-amazon-apigateway-auth: {type: AWS_IAM}
"""


def of_files(folder: Path, properties: str, kind: str = "CloudFormation template") -> tuple[Api, Loaded]:
    (folder / "template.yaml").write_text(WITH_FILE % properties, encoding="utf-8")
    (folder / "api.yaml").write_text(FILE, encoding="utf-8")
    loaded = load([str(folder / "template.yaml")])
    assert [one.form for one in loaded.targets] == [kind]
    estate = Estate(loaded.inputs, PINNED)
    estate.assume(World({}))
    (found,) = read_system(estate, {}).apis
    return found, loaded


def told(loaded: Loaded) -> list[Skipped]:
    return [one for given in loaded.inputs for one in (*given.skipped, *loaded.skipped)]


@pytest.mark.parametrize(
    "properties",
    [
        "BodyS3Location: api.yaml",
        "BodyS3Location: ./api.yaml",
        "Body: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}",
        "Body: {openapi: '3.0.1', Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}",
    ],
)
def test_a_local_file_is_read_where_it_stands(tmp_path: Path, properties: str) -> None:
    found, loaded = of_files(tmp_path, properties)
    (method,) = found.methods
    assert (method.path, method.authorization) == ("/a", "AWS_IAM")
    assert (method.span.file, method.span.line) == (str(tmp_path / "api.yaml"), 5)
    assert not found.unseen
    assert not told(loaded)


@pytest.mark.parametrize(
    ("properties", "broken"),
    [
        ("BodyS3Location: nowhere.yaml", True),
        ("BodyS3Location: ../outside.yaml", True),
        ("Body: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: nowhere.yaml}}}", True),
        ("BodyS3Location: s3://bucket/api.yaml", False),
        ("Body: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/api.yaml}}}", False),
        ("Body: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Ref Where}}}", False),
    ],
)
def test_a_file_that_can_not_be_had_is_told(tmp_path: Path, properties: str, broken: bool) -> None:
    (tmp_path.parent / "outside.yaml").write_text(FILE, encoding="utf-8")
    found, loaded = of_files(tmp_path, properties)
    assert not found.methods
    assert found.unseen
    assert found.policy is not None
    assert found.policy.unknown
    assert [one.broken for one in told(loaded)] == ([True] if broken else [])


def test_files_are_put_in_only_so_often(tmp_path: Path) -> None:
    include = "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}"
    _, loaded = of_files(tmp_path, "Tags: [" + f"{include}, " * 101 + "]")
    assert [one.reason[:19] for one in told(loaded)] == ["more than 100 files"]


# ---- documents by themselves ----------------------------------------------------------------------------------------


def alone(document: object, folder: Path, name: str = "orders-api.openapi.json") -> tuple[Loaded, Api]:
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    loaded = load([str(folder)])
    estate = Estate(loaded.inputs, PINNED)
    estate.assume(World({}))
    (found,) = read_system(estate, {}).apis
    assert not estate.problems()
    return loaded, found


def test_a_document_by_itself_is_an_api_whose_type_and_policy_are_open(tmp_path: Path) -> None:
    paths = {"/a": {"get": {**IAM, "x-amazon-apigateway-integration": {"credentials": {"Ref": "Elsewhere"}}}}}
    loaded, found = alone({"openapi": "3.0.1", "paths": paths}, tmp_path)
    assert [one.form for one in loaded.targets] == ["OpenAPI document"]
    assert (found.kind, found.address.rpartition("#")[2]) == ("REST", "OrdersApi")
    assert [(one.http_method, one.path, one.authorization) for one in found.methods] == [("GET", "/a", "AWS_IAM")]
    assert all(map(has_letters, found.endpoint_types)) and found.policy is not None
    assert "what takes in the OpenAPI document" in found.policy.unknown


def test_what_the_document_says_of_endpoints_policy_and_payload_counts(tmp_path: Path) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    private = {
        "swagger": "2.0",
        "paths": {},
        "x-amazon-apigateway-endpoint-configuration": {"vpcEndpointIds": ["vpce-1"]},
        "x-amazon-apigateway-policy": {"Statement": [statement]},
    }
    _, found = alone(private, tmp_path)
    assert found.endpoint_types == ("PRIVATE",) and found.policy is not None
    assert [one.effect for one in found.policy.statements] == ["Deny"]
    http = {"/": {"get": {"x-amazon-apigateway-integration": {"payloadFormatVersion": "1.0"}}}}
    assert alone({"openapi": "3.0.1", "paths": http}, tmp_path)[1].kind == "HTTP"


def test_a_document_that_a_template_takes_in_is_no_api_of_its_own(tmp_path: Path) -> None:
    document = {"openapi": "3.0.1", "paths": {"/a": {"get": IAM}}}
    template = "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::Api, Properties: %s}}"
    told = template % "{StageName: live, DefinitionUri: orders-api.openapi.json}"
    (tmp_path / "template.yaml").write_text(told, encoding="utf-8")
    assert [one.form for one in alone(document, tmp_path)[0].targets] == ["SAM template"]


def test_what_is_filled_in_before_it_is_a_document_is_none(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("Resources: {Q: {Type: AWS::SQS::Queue}}", encoding="utf-8")
    text = "openapi: 3.0.1\npaths: {$PATHS x-amazon-apigateway-auth: {}\n"
    (tmp_path / "api.yaml").write_text(text, encoding="utf-8")
    loaded = load([str(tmp_path)])
    assert [one.form for one in loaded.targets] == ["CloudFormation template"] and not loaded.skipped
