"""API Gateway's APIs: methods with their paths, stages, endpoint types and the resource policy."""

from collections.abc import Sequence

from policy_audit.model.node import Node, Scalar
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api, Deployment, Method, Stage
from policy_audit.model.value import Symbols, has_letters
from policy_audit.sources.elsewhere import Unplaced
from policy_audit.sources.physical_ids import Ids, api_id, execute_api_arn
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, text, texts

REST_PARTS = tuple(f"AWS::ApiGateway::{part}" for part in ("Resource", "Method", "Stage", "Deployment"))
HTTP_PARTS = tuple(f"AWS::ApiGatewayV2::{part}" for part in ("Route", "Stage"))
_MAXIMUM_DEPTH = 100
"""How many resources may stand under one another: paths are shorter, and a cycle of parents must end."""


def read_apis(templates: Sequence[Template]) -> tuple[Api, ...]:
    """Every REST API and HTTP API, each put together from its resources in any of the templates."""
    parts = _Parts(templates)
    found: list[Api] = []
    for template in templates:
        for resource in template.of_type("AWS::ApiGateway::RestApi"):
            found.append(_rest_api(template, resource, parts))
        for resource in template.of_type("AWS::ApiGatewayV2::Api"):
            if (template.property_text(resource.logical_id, "ProtocolType") or "HTTP") == "HTTP":
                found.append(_http_api(template, resource, parts))
    if not found:
        return ()
    # One of each kind is enough to be told of.
    unseen: dict[str, str] = {}
    for one in (*parts.unplaced(), *templates[0].elsewhere.of("API")):
        unseen.setdefault(one.to, one.told)
    if not unseen:
        return tuple(found)
    return tuple(api._replace(unseen=(*api.unseen, unseen[api.kind])) if api.kind in unseen else api for api in found)


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """What belongs to an API whose id is not known, and so may belong to any: one of each kind."""
    return _Parts(templates).unplaced()


class _Parts:
    """The resources that belong to APIs, by type and by the id of their API."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._templates = templates
        self._found: dict[tuple[str, str], list[tuple[Template, Resource]]] = {}
        for template in templates:
            for resource_type in REST_PARTS + HTTP_PARTS:
                owner = "RestApiId" if resource_type in REST_PARTS else "ApiId"
                for resource in template.of_type(resource_type):
                    api = template.property_text(resource.logical_id, owner)
                    if api is not None:
                        self._found.setdefault((resource_type, api), []).append((template, resource))

    def of(self, resource_type: str, api: str) -> Sequence[tuple[Template, Resource]]:
        return self._found.get((resource_type, api), ())

    def unplaced(self) -> tuple[Unplaced, ...]:
        """By kind of API, what belongs to an API whose id is not known, and so may belong to any."""
        found: dict[str, Unplaced] = {}
        known = frozenset(
            api_id(Ids(template, resource.logical_id))
            for template in self._templates
            for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")
            for resource in template.known(kind)
        )
        for (resource_type, api), resources in self._found.items():
            kind = "REST" if resource_type in REST_PARTS else "HTTP"
            template, resource = resources[0]
            if api not in known and kind not in found and _open(api, template.symbols):
                shown = f"`{template.address(resource.logical_id)}` belongs to an API whose id is not known"
                found[kind] = Unplaced(kind, f"{shown} (`{template.symbols.show(api)}`)")
        return tuple(found.values())


def _open(api: str, symbols: Symbols) -> bool:
    """Whether an id may be any API's: not if AWS makes it for another resource of the templates."""
    return has_letters(api) and not (len(api) == 1 and symbols.of(api).generated)


# ---- REST -----------------------------------------------------------------------------------------------------------


def _rest_api(template: Template, resource: Resource, parts: _Parts) -> Api:
    ids = Ids(template, resource.logical_id)
    own_id, arn = api_id(ids), execute_api_arn(ids)
    root = template.attribute_text(resource.logical_id, "RootResourceId")
    methods: list[Method] = []
    unseen: list[str] = []
    _add_body(template, resource, own_id, methods, unseen)
    paths = _paths(parts.of("AWS::ApiGateway::Resource", own_id), root)
    for other, one in parts.of("AWS::ApiGateway::Method", own_id):
        method = _method(other, one, paths)
        if isinstance(method, Method):
            methods.append(method)
        else:
            unseen.append(method)
    unseen += _unread(template, resource)
    stages = _stages(parts, own_id)
    policy = _resource_policy(template, resource, arn)
    return Api(
        kind="REST",
        address=template.address(resource.logical_id),
        span=resource.span,
        id=own_id,
        arn=arn,
        account=template.account,
        endpoint_types=endpoint_types(template, resource),
        policy=policy,
        methods=tuple(methods),
        stages=tuple({stage.name: stage for stage in stages}.values()),
        unseen=tuple(unseen),
        deployments=tuple(
            Deployment(one.logical_id, other.address(one.logical_id), one.span)
            for other, one in parts.of("AWS::ApiGateway::Deployment", own_id)
        ),
        deployed=template.property_text(resource.logical_id, "DeploymentUnread") or "",
    )


def _add_body(template: Template, resource: Resource, api: str, methods: list[Method], unseen: list[str]) -> None:
    """Adds the methods of the API's OpenAPI document, and why some may be missing."""
    what = "methods" if resource.type == "AWS::ApiGateway::RestApi" else "routes"
    for body in _bodies(template, resource):
        if body == "Body":
            # Few templates have bodies, and the others start faster without.
            from policy_audit.sources import openapi

            found, missing = openapi.methods(template, resource.logical_id, api)
            methods += found
            unseen += missing
        else:
            unseen.append(f"the {what} of `{resource.logical_id}` stand in its `{body}`, which is not read")


def _unread(template: Template, resource: Resource) -> tuple[str, ...]:
    """Why parts of the API may be missing, where the form of input says so (`PartsUnread`)."""
    found = template.property_text(resource.logical_id, "PartsUnread")
    return (found,) if found else ()


def endpoint_types(template: Template, resource: Resource) -> tuple[str, ...]:
    """`EDGE`, `REGIONAL`, `PRIVATE`: those that the API is reached by, as the template says."""
    node = template.value(resource.logical_id, "EndpointConfiguration")
    # SAM writes a plain string here, and so do some hand-written templates.
    return texts(child(node, "Types")) or texts(node)


def _paths(resources: Sequence[tuple[Template, Resource]], root: str) -> dict[str, str]:
    """The path of each resource of the API, by the resource's id."""
    parents: dict[str, tuple[str, str]] = {}
    for template, resource in resources:
        parent = template.property_text(resource.logical_id, "ParentId") or ""
        part = template.property_text(resource.logical_id, "PathPart") or ""
        parents[template.reference_text(resource.logical_id)] = (parent, part)
    paths = {root: "/"}
    for resource_id in parents:
        parts: list[str] = []
        at = resource_id
        while at in parents and len(parts) <= _MAXIMUM_DEPTH:
            at, part = parents[at]
            parts.append(part)
        if at == root:
            paths[resource_id] = "/" + "/".join(reversed(parts))
    return paths


def _method(template: Template, resource: Resource, paths: dict[str, str]) -> Method | str:
    """The method, or why its place in the API is not known."""
    logical_id = resource.logical_id
    resource_id = template.property_text(logical_id, "ResourceId") or ""
    path = paths.get(resource_id)
    if path is None:
        return f"the path of the method `{logical_id}` is not known"
    verb = template.property_text(logical_id, "HttpMethod") or ""
    authorization = template.property_text(logical_id, "AuthorizationType") or "NONE"
    mocked = text(child(template.value(logical_id, "Integration"), "Type")) == "MOCK"
    authorizer = template.property_text(logical_id, "AuthorizerId") or ""
    address, key = template.address(logical_id), _yes(template.value(logical_id, "ApiKeyRequired"))
    return Method(
        address,
        resource.span,
        verb.upper(),
        path,
        authorization,
        mocked=mocked,
        authorizer=authorizer,
        needs_api_key=key,
    )


def _yes(node: Node | None) -> bool | None:
    """Whether a yes or no is yes; None when it is open."""
    written = text(node) or "false"
    return None if has_letters(written) else written.lower() == "true"


def _stages(parts: _Parts, own_id: str) -> list[Stage]:
    """Stages of their own, and those that a deployment makes on its way."""
    found = []
    for template, resource in parts.of("AWS::ApiGateway::Stage", own_id):
        name = Ids(template, resource.logical_id).name("StageName")
        found.append(Stage(template.address(resource.logical_id), resource.span, name))
    for template, resource in parts.of("AWS::ApiGateway::Deployment", own_id):
        given = template.property_text(resource.logical_id, "StageName")
        if given:
            found.append(Stage(template.address(resource.logical_id), resource.span, given))
    return found


def _bodies(template: Template, resource: Resource) -> list[str]:
    """The properties that describe the API as a whole, in OpenAPI or as the copy of another."""
    return [name for name in ("Body", "BodyS3Location", "CloneFrom") if template.value(resource.logical_id, name)]


def _resource_policy(template: Template, resource: Resource, arn: str) -> Policy | None:
    """The API's resource policy with its short resource forms written out, as API Gateway does when it saves it.

    An OpenAPI body may hold one as well (`x-amazon-apigateway-policy`), and no page says which of two counts.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
    """
    node = template.value(resource.logical_id, "Policy")
    name = f"{resource.logical_id} (resource policy)"
    bodies = _bodies(template, resource)
    if bodies:
        from policy_audit.sources import openapi

        body = openapi.document(template, resource.logical_id) if bodies == ["Body"] else None
        if not isinstance(body, openapi.Document) or body.body.get("Fn::Transform") is not None:
            return Policy((), name=name, unknown=f"`{bodies[-1]}` may give one, and is not read", span=resource.span)
        within = body.body.get("x-amazon-apigateway-policy")
        if within is not None and node is not None:
            return Policy((), name=name, unknown="`Policy` and `Body` both give one", span=resource.span)
        node = within or node
    if node is None or (isinstance(node, Scalar) and (node.kind == "null" or not node.text.strip())):
        return None
    policy = read_policy(node, name, template.symbols)
    statements = tuple(
        statement._replace(resources=tuple(_long_form(one, arn) for one in statement.resources))
        if statement.resources is not None
        else statement
        for statement in policy.statements
    )
    return policy._replace(statements=statements)


def _long_form(resource: str, arn: str) -> str:
    return f"{arn}/{resource.removeprefix('execute-api:/')}" if resource.startswith("execute-api:/") else resource


# ---- HTTP -----------------------------------------------------------------------------------------------------------


def _http_api(template: Template, resource: Resource, parts: _Parts) -> Api:
    ids = Ids(template, resource.logical_id)
    own_id = api_id(ids)
    methods: list[Method] = []
    stages: list[Stage] = []
    unseen: list[str] = [*_unread(template, resource)]
    _add_body(template, resource, own_id, methods, unseen)
    if template.property_text(resource.logical_id, "Target"):
        # Quick create: one `$default` route without authorization, and a `$default` stage.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
        key = template.property_text(resource.logical_id, "RouteKey") or "$default"
        methods += _methods(template.address(resource.logical_id), resource, key, "NONE")
        stages.append(Stage(template.address(resource.logical_id), resource.span, "$default"))
    for other, one in parts.of("AWS::ApiGatewayV2::Route", own_id):
        methods += _route(other, one)
    for other, one in parts.of("AWS::ApiGatewayV2::Stage", own_id):
        name = Ids(other, one.logical_id).name("StageName")
        stages.append(Stage(other.address(one.logical_id), one.span, name))
    return Api(
        "HTTP",
        template.address(resource.logical_id),
        resource.span,
        own_id,
        execute_api_arn(ids),
        template.account,
        ("REGIONAL",),
        None,
        tuple(methods),
        tuple(stages),
        tuple(unseen),
    )


def _route(template: Template, resource: Resource) -> list[Method]:
    """`GET /pets/{id}`, or `$default`, which takes every request that no other route does."""
    key = template.property_text(resource.logical_id, "RouteKey") or ""
    authorization = template.property_text(resource.logical_id, "AuthorizationType") or "NONE"
    authorizer = template.property_text(resource.logical_id, "AuthorizerId") or ""
    methods = _methods(template.address(resource.logical_id), resource, key, authorization)
    return [method._replace(authorizer=authorizer) for method in methods] if authorizer else methods


def _methods(address: str, resource: Resource, key: str, authorization: str) -> list[Method]:
    verb, _, path = key.partition(" ")
    if key == "$default":
        # The root is not a `{proxy+}`: that needs at least one character.
        return [
            Method(address, resource.span, "ANY", path, authorization, by_default=True) for path in ("/", "/{proxy+}")
        ]
    return [Method(address, resource.span, verb.upper(), path or "/", authorization)]
