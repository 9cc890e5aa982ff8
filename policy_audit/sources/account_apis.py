"""API Gateway of an account snapshot: REST and HTTP APIs with their parts, and private domain names."""

from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.account_section import Resources, Section, name_of, objects, place_of, renamed
from policy_audit.sources.build import scalar, unread
from policy_audit.sources.tree import child, text, texts

_DEPLOYED: Final = "no call of AWS's tells which version of the policy a stage was deployed with"
"""`GetStage` and `GetDeployment` of botocore have no member for it."""


def add_apis(section: Section, resources: Resources) -> None:
    """REST APIs, HTTP APIs and private custom domain names."""
    start = f"arn:{section.partition}:apigateway:{section.region}::"
    for one in section.listed("apigateway.GetRestApis", "items"):
        _rest_api(section, resources, one, start)
    for one in section.listed("apigatewayv2.GetApis", "Items"):
        _http_api(section, resources, one, start)
    for one in section.listed("apigateway.GetDomainNames", "items"):
        if "PRIVATE" in texts(child(one, "endpointConfiguration", "types")):
            _domain_name(section, resources, one, start)


# ---- REST -----------------------------------------------------------------------------------------------------------


def _rest_api(section: Section, resources: Resources, api: Mapping, start: str) -> None:
    id, arn = text(api.get("id")) or "?", f"{start}/restapis/{text(api.get('id'))}"
    owner = ("RestApiId", api.get("id"))
    unseen = _unseen(section, id, ("apigateway.GetResources", "apigateway.GetStages"))
    configuration = renamed(api.get("endpointConfiguration"), Types="types", VpcEndpointIds="vpcEndpointIds")
    properties: list[tuple[str | Scalar, Node | None]] = [
        ("Name", api.get("name")),
        ("EndpointConfiguration", configuration),
        ("Policy", api.get("policy")),
        ("PartsUnread", scalar(unseen, api.place) if unseen else None),
        ("DeploymentUnread", scalar(_DEPLOYED, api.place)),
    ]
    ids = {"": id, ".RootResourceId": text(api.get("rootResourceId"))}
    resources.add(arn, place_of(api, "id"), "AWS::ApiGateway::RestApi", properties, ids, (id,))
    for one in section.listed("apigateway.GetResources", "items", id):
        _resource(resources, one, arn, owner)
    for one in section.listed("apigateway.GetStages", "item", id):
        name = text(one.get("stageName")) or "?"
        stage = [owner, ("StageName", one.get("stageName")), ("DeploymentId", one.get("deploymentId"))]
        resources.add(
            f"{arn}/stages/{name}", place_of(one, "stageName"), "AWS::ApiGateway::Stage", stage, names=(name,)
        )
    for one in section.listed("apigateway.GetDeployments", "items", id):
        own = text(one.get("id"))
        at = place_of(one, "id")
        resources.add(f"{arn}/deployments/{own}", at, "AWS::ApiGateway::Deployment", [owner], {"": own}, (own,))
    for one in section.listed("apigateway.GetAuthorizers", "items", id):
        own = text(one.get("id"))
        authorizer = [owner, ("Type", one.get("type")), ("IdentitySource", one.get("identitySource"))]
        at = place_of(one, "id")
        resources.add(f"{arn}/authorizers/{own}", at, "AWS::ApiGateway::Authorizer", authorizer, {"": own}, (own,))


def _unseen(section: Section, id: str, operations: tuple[str, ...]) -> str:
    """Why methods or stages of an API may be missing; empty if none can."""
    return "; ".join(why for operation in operations if (why := section.why(operation, id)))


def _resource(resources: Resources, one: Mapping, arn: str, owner: tuple[str, Node | None]) -> None:
    """A resource of a REST API with its methods. The root has no parent, and CloudFormation no resource for it."""
    own = text(one.get("id")) or "?"
    address = f"{arn}/resources/{own}"
    if one.get("parentId") is not None:
        properties = [owner, ("ParentId", one.get("parentId")), ("PathPart", one.get("pathPart"))]
        resources.add(address, place_of(one, "id"), "AWS::ApiGateway::Resource", properties, {"": own}, (own,))
    for verb, method in objects(one.get("resourceMethods")):
        resources.add(
            f"{address}/methods/{verb.text}",
            verb.place,
            "AWS::ApiGateway::Method",
            [owner, ("ResourceId", one.get("id")), ("HttpMethod", verb), *_method(verb, method)],
        )


def _method(verb: Scalar, method: Mapping) -> list[tuple[str | Scalar, Node | None]]:
    if method.get("authorizationType") is None:
        # Without `embed` the API names methods and says nothing of them.
        why = "`apigateway.GetResources` was answered without the methods themselves"
        return [(name, unread(why, verb.place)) for name in ("AuthorizationType", "ApiKeyRequired", "Integration")]
    integration = renamed(
        method.get("methodIntegration"),
        Type="type",
        IntegrationHttpMethod="httpMethod",
        Uri="uri",
        Credentials="credentials",
        ConnectionType="connectionType",
        ConnectionId="connectionId",
        RequestTemplates="requestTemplates",
        IntegrationTarget="integrationTarget",
    )
    return [
        ("AuthorizationType", method.get("authorizationType")),
        ("AuthorizerId", method.get("authorizerId")),
        ("ApiKeyRequired", method.get("apiKeyRequired")),
        ("Integration", integration),
    ]


# ---- HTTP -----------------------------------------------------------------------------------------------------------


def _http_api(section: Section, resources: Resources, api: Mapping, start: str) -> None:
    id = text(api.get("ApiId")) or "?"
    arn = f"{start}/apis/{id}"
    owner = ("ApiId", api.get("ApiId"))
    unseen = _unseen(section, id, ("apigatewayv2.GetRoutes", "apigatewayv2.GetStages"))
    properties: list[tuple[str | Scalar, Node | None]] = [
        ("Name", api.get("Name")),
        ("ProtocolType", api.get("ProtocolType")),
        ("PartsUnread", scalar(unseen, api.place) if unseen else None),
    ]
    resources.add(arn, place_of(api, "ApiId"), "AWS::ApiGatewayV2::Api", properties, {"": id}, (id,))
    parts = (
        ("Routes", "RouteId", "Route", ("RouteKey", "AuthorizationType", "AuthorizerId", "Target")),
        ("Stages", "StageName", "Stage", ("StageName",)),
        ("Authorizers", "AuthorizerId", "Authorizer", ("AuthorizerType", "IdentitySource")),
        ("Integrations", "IntegrationId", "Integration", _INTEGRATION),
    )
    for operation, name, kind, members in parts:
        for one in section.listed(f"apigatewayv2.Get{operation}", "Items", id):
            own = text(one.get(name))
            resources.add(
                f"{arn}/{operation.lower()}/{own}",
                place_of(one, name),
                f"AWS::ApiGatewayV2::{kind}",
                [owner, *((member, one.get(member)) for member in members)],
                {"": own},
                (own,),
            )


_INTEGRATION: Final = (
    "IntegrationType",
    "IntegrationSubtype",
    "IntegrationMethod",
    "IntegrationUri",
    "CredentialsArn",
    "RequestParameters",
    "RequestTemplates",
)


# ---- private domain names -------------------------------------------------------------------------------------------


def _domain_name(section: Section, resources: Resources, one: Mapping, start: str) -> None:
    name, id = text(one.get("domainName")) or "?", text(one.get("domainNameId")) or ""
    arn = text(one.get("domainNameArn")) or f"{start}/domainnames/{name}+{id}"
    policy = one.get("policy")
    properties = [("DomainName", one.get("domainName")), ("Policy", policy)]
    ids = {"": arn, ".DomainNameArn": arn, ".DomainNameId": id}
    place = place_of(one, "domainName")
    resources.add(arn, place, "AWS::ApiGateway::DomainNameV2", properties, ids, (name,))
    for each in section.listed("apigateway.GetBasePathMappings", "items", name, id):
        base = text(each.get("basePath")) or ""
        resources.add(
            f"{arn}/basepathmappings/{base or name_of(arn)}",
            each.place,
            "AWS::ApiGateway::BasePathMappingV2",
            [
                ("DomainNameArn", scalar(arn, place)),
                ("BasePath", each.get("basePath")),
                ("RestApiId", each.get("restApiId")),
                ("Stage", each.get("stage")),
            ],
        )
