"""WebSocket APIs of the templates, with who may connect to each."""

from collections.abc import Sequence

from policy_audit.model.value import has_letters
from policy_audit.model.websocket_apis import WebSocketApi
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import is_true, text

_CONNECT = "$connect"


def read_websocket_apis(templates: Sequence[Template]) -> tuple[WebSocketApi, ...]:
    """Every WebSocket API that a template declares.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
    """
    routes: dict[str, tuple[Template, Resource]] = {}
    unseen = ""
    for template in templates:
        for resource in template.of_type("AWS::ApiGatewayV2::Route"):
            key = template.property_text(resource.logical_id, "RouteKey") or ""
            if has_letters(key):
                unseen = f"which route `{resource.logical_id}` is, is not known"
            elif key == _CONNECT:
                routes[template.property_text(resource.logical_id, "ApiId") or ""] = (template, resource)
    return tuple(
        _api(template, resource, routes, unseen)
        for template in templates
        for resource in template.of_type("AWS::ApiGatewayV2::Api")
        if template.property_text(resource.logical_id, "ProtocolType") == "WEBSOCKET"
    )


def _api(
    template: Template, resource: Resource, routes: dict[str, tuple[Template, Resource]], unseen: str
) -> WebSocketApi:
    own = template.reference_text(resource.logical_id)
    found = WebSocketApi(template.address(resource.logical_id), resource.span, own, unseen=unseen)
    if own not in routes:
        return found
    where, route = routes[own]
    key = where.value(route.logical_id, "ApiKeyRequired")
    known = text(key) in (None, "true", "false", "True", "False")
    return found._replace(
        connect=where.property_text(route.logical_id, "AuthorizationType") or "NONE",
        needs_api_key=is_true(key) if known else None,
    )
