"""OpenAPI documents by themselves: an API of API Gateway of which nobody has told how it is reached.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import os
from collections.abc import Sequence
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.build import in_camel_case, listing, mapping, reference, resource, scalar, template, unread
from policy_audit.sources.document import DocumentError
from policy_audit.sources.inputs import Input
from policy_audit.sources.openapi import INTEGRATION, POLICY
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, entries

FORM: Final = "OpenAPI document"
_OPEN: Final = "EndpointType"
_ANY_NAME: Final = "AWS::Serverless-2016-10-31"
_ENDPOINTS: Final = "x-amazon-apigateway-endpoint-configuration"


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The API that the document defines, REST or HTTP; None if the file is no OpenAPI document for API Gateway.

    Only private APIs have VPC endpoints in their document; of which type an API is otherwise, and what its stages are,
    stays open. A file that is no YAML or JSON yet, for something fills it in, is none. Raises AuditError for one that
    is, and breaks a rule of ours (a key twice).
    """
    try:
        document = reach.document(path)
    except DocumentError as error:
        if error.syntax:
            return None
        raise
    if not isinstance(document, Mapping) or not isinstance(document.get("paths"), Mapping):
        return None
    if document.get("openapi") is None and document.get("swagger") is None:
        return None
    place = document.place
    properties: list[tuple[str | Scalar, Node | None]] = [("Body", document)]
    kind, parameters = "AWS::ApiGatewayV2::Api", None
    if not _is_http(document):
        kind = "AWS::ApiGateway::RestApi"
        private = child(document, _ENDPOINTS, "vpcEndpointIds") is not None
        endpoint_type = scalar("PRIVATE", place) if private else reference(_OPEN, place)
        properties.append(("EndpointConfiguration", mapping(place, [("Types", listing(place, [endpoint_type]))])))
        if document.get(POLICY) is None:
            properties.append(("Policy", unread("what takes in the OpenAPI document may give the API one", place)))
        parameters = mapping(place, [(_OPEN, mapping(place, [("Type", scalar("String", place))]))])
    api = resource(kind, place, properties)
    # What the document refers to stands in a template that takes it in: with a transform, any name may be a resource.
    transform = scalar(_ANY_NAME, place)
    whole = template(place, [(scalar(_name(path), place), api)], Transform=transform, Parameters=parameters)
    return (Input(path, whole, FORM),)


def _is_http(document: Mapping) -> bool:
    """Whether an integration says the version of its payload, as only those of HTTP APIs do.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
    """
    return any(
        child(operation.value, INTEGRATION, "payloadFormatVersion") is not None
        for path in entries(document.get("paths"))
        for operation in entries(path.value)
    )


def _name(path: str) -> str:
    """A logical id from the file's name: `orders-api.openapi.yaml` is `OrdersApi`."""
    return in_camel_case(os.path.basename(path).partition(".")[0]) or "Api"
