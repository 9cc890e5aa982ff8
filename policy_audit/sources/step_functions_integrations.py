"""Integrations of APIs with Step Functions: what they call, with which role, about which state machine."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from policy_audit.model.call import Field
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.step_functions_integrations import RESOURCE_TYPES, ApiIntegration
from policy_audit.model.value import Symbols
from policy_audit.sources import openapi
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, entries, field, text

_KEYS: Final = {"stateMachine": "stateMachineArn", "execution": "executionArn", "mapRun": "mapRunArn"}
"""Where an action's input names the resource that it is authorized on.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
"""
_SUBTYPE: Final = "StepFunctions-"
_REQUEST: Final = "a request to the API names it"
Kind = Literal["REST", "HTTP", "WEBSOCKET"]


def read_method_integrations(templates: Sequence[Template]) -> tuple[ApiIntegration, ...]:
    """The integrations with Step Functions of the methods of REST APIs.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-method-integration.html
    """
    return tuple(
        found
        for template in templates
        for resource in template.of_type("AWS::ApiGateway::Method")
        for found in _of_method(template, resource)
    )


def read_integrations(templates: Sequence[Template]) -> tuple[ApiIntegration, ...]:
    """The integrations with Step Functions of HTTP and WebSocket APIs.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
    """
    routes: dict[str, list[str]] = {}
    for template in templates:
        for route in template.of_type("AWS::ApiGatewayV2::Route"):
            target = template.property_text(route.logical_id, "Target") or ""
            routes.setdefault(target.removeprefix("integrations/"), []).append(template.address(route.logical_id))
    return tuple(
        found
        for template in templates
        for resource in template.of_type("AWS::ApiGatewayV2::Integration")
        for found in _of_integration(template, resource, routes)
    )


def read_body_integrations(templates: Sequence[Template]) -> tuple[ApiIntegration, ...]:
    """The integrations with Step Functions of the OpenAPI documents that stand in templates.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
    """
    kinds: tuple[tuple[str, Kind], ...] = (("AWS::ApiGateway::RestApi", "REST"), ("AWS::ApiGatewayV2::Api", "HTTP"))
    return tuple(
        found
        for template in templates
        for resource_type, kind in kinds
        for resource in template.of_type(resource_type)
        for found in _of_body(template, resource, kind)
    )


def _of_method(template: Template, resource: Resource) -> Iterator[ApiIntegration]:
    node = template.value(resource.logical_id, "Integration")
    action = _action_of_uri(child(node, "Uri"))
    if action is None:
        return
    address = template.address(resource.logical_id)
    for target in _targets_of_templates(action, child(node, "RequestTemplates"), template.symbols):
        yield ApiIntegration(
            address,
            resource.span,
            "REST",
            template.property_text(resource.logical_id, "RestApiId") or "",
            action,
            target,
            field(child(node, "Credentials")),
            field(child(node, "IntegrationHttpMethod")),
            _arn_start(template),
            (address,),
        )


def _of_integration(template: Template, resource: Resource, routes: dict[str, list[str]]) -> Iterator[ApiIntegration]:
    properties = template.properties(resource.logical_id)
    subtype = field(child(properties, "IntegrationSubtype"))
    by_uri = _action_of_uri(child(properties, "IntegrationUri"))
    targets: tuple[Field | None, ...]
    if subtype is not None and subtype.text.startswith(_SUBTYPE):
        action = subtype._replace(text=subtype.text.removeprefix(_SUBTYPE))
        targets = (_target_of_parameters(action, child(properties, "RequestParameters"), template.symbols),)
    elif by_uri is not None:
        action = by_uri
        targets = _targets_of_templates(action, child(properties, "RequestTemplates"), template.symbols)
    else:
        return
    own = (template.reference_text(resource.logical_id), template.attribute_text(resource.logical_id, "IntegrationId"))
    for target in targets:
        yield ApiIntegration(
            template.address(resource.logical_id),
            resource.span,
            "HTTP" if subtype is not None else "WEBSOCKET",
            text(child(properties, "ApiId")) or "",
            action,
            target,
            field(child(properties, "CredentialsArn")),
            field(child(properties, "IntegrationMethod")),
            _arn_start(template),
            tuple(route for one in own for route in routes.get(one, ())) if subtype is not None else None,
        )


def _of_body(template: Template, resource: Resource, kind: Kind) -> Iterator[ApiIntegration]:
    body = openapi.document(template, resource.logical_id)
    address = template.address(resource.logical_id)
    for operation in body.operations() if isinstance(body, openapi.Document) else ():
        node = operation.integration
        subtype, by_uri = field(child(node, "integrationSubtype")), _action_of_uri(child(node, "uri"))
        targets: tuple[Field | None, ...]
        if subtype is not None and subtype.text.startswith(_SUBTYPE):
            action = subtype._replace(text=subtype.text.removeprefix(_SUBTYPE))
            targets = (_target_of_parameters(action, child(node, "requestParameters"), template.symbols),)
        elif by_uri is not None:
            action = by_uri
            targets = _targets_of_templates(action, child(node, "requestTemplates"), template.symbols)
        else:
            continue
        for target in targets:
            yield ApiIntegration(
                address,
                operation.span,
                kind,
                template.reference_text(resource.logical_id),
                action,
                target,
                field(child(node, "credentials")),
                field(child(node, "httpMethod")),
                _arn_start(template),
                None if kind == "WEBSOCKET" else (address,),
                operation.span,
            )


def _arn_start(template: Template) -> str:
    return f"arn:{template.partition}:states:{template.region}:{template.account}"


def _action_of_uri(node: Node | None) -> Field | None:
    """The action in `arn:P:apigateway:R:states:action/StartExecution`; None for a URI of anything else."""
    found = field(node)
    if found is None:
        return None
    parts = found.text.split(":", 5)
    if len(parts) < 6 or parts[2] != "apigateway" or parts[4] != "states" or not parts[5].startswith("action/"):
        return None
    return found._replace(text=parts[5].removeprefix("action/"))


# ---- which state machine or execution -------------------------------------------------------------------------------


def _key_of(action: Field) -> str | None:
    if action.text == "CreateStateMachineAlias":
        return "stateMachineVersionArn"
    return _KEYS.get(RESOURCE_TYPES.get(action.text, ""))


def _target_of_parameters(action: Field, node: Node | None, symbols: Symbols) -> Field | None:
    """The ARN that an HTTP API's parameter mapping gives: literal, or up to where the request goes on."""
    key = _key_of(action)
    if key is None or not isinstance(node, Mapping):
        return None
    given = field(node.get(key[0].upper() + key[1:]))
    return given._replace(text=_literal_start(given.text, symbols)) if given else None


def _targets_of_templates(action: Field, node: Node | None, symbols: Symbols) -> tuple[Field | None, ...]:
    """The different ARNs that mapping templates give, each once. Without a template the request's body gives it."""
    key = _key_of(action)
    if key is None:
        return (None,)
    written = [one.value for one in entries(node) if isinstance(one.value, Scalar)]
    found: dict[str, Field] = {}
    for template in written:
        for given in _values(template.text, key):
            target = given if "$" not in given else _literal_start(given, symbols)
            found.setdefault(given, Field(target, template.place.span))
    if not found:
        place = written[0].place.span if written else action.span
        return (Field(symbols.hole(_REQUEST), place),)
    return tuple(found.values())


def _values(template: str, key: str) -> Iterator[str]:
    """The texts that a mapping template in JSON gives for `key`, its comments left out.

    The template is one of Velocity, and no document of its own: the text between the quotes after the key counts.
    """
    lines = (line for line in template.split("\n") if not line.lstrip().startswith("##"))
    for part in re.split(f'"{key}"', "\n".join(lines))[1:]:
        value = part.lstrip().removeprefix(":").lstrip()
        if value.startswith('"'):
            yield value[1:].partition('"')[0]
        else:
            yield "$"


def _literal_start(given: str, symbols: Symbols) -> str:
    """`given` up to where a request's own value goes on, with a hole from there."""
    start, dollar, _ = given.partition("$")
    return start + symbols.hole(_REQUEST) if dollar else given
