"""Authorizers of the APIs of the templates."""

from collections.abc import Sequence

from policy_audit.model.authorizers import Authorizer
from policy_audit.model.value import has_letters
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import texts, unknown


def read_authorizers(templates: Sequence[Template]) -> tuple[Authorizer, ...]:
    """Every authorizer of a REST or HTTP API.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-authorizer.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-authorizer.html
    """
    return tuple(
        _authorizer(template, resource, kind)
        for template in templates
        for name, kind in (("AWS::ApiGateway::Authorizer", "Type"), ("AWS::ApiGatewayV2::Authorizer", "AuthorizerType"))
        for resource in template.of_type(name)
    )


def read_body_authorizers(templates: Sequence[Template]) -> tuple[Authorizer, ...]:
    """The authorizers among the security schemes of the OpenAPI documents that stand in templates.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
    """
    from policy_audit.sources import openapi

    found = []
    for template in templates:
        for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
            for resource in template.of_type(kind):
                document = openapi.document(template, resource.logical_id)
                for scheme in document.schemes().values() if isinstance(document, openapi.Document) else ():
                    if scheme.type:
                        found.append(
                            Authorizer(
                                template.address(resource.logical_id),
                                scheme.span,
                                openapi.authorizer_id(template.reference_text(resource.logical_id), scheme.name),
                                scheme.type.upper(),
                                scheme.identity_sources,
                            )
                        )
    return tuple(found)


def _authorizer(template: Template, resource: Resource, kind: str) -> Authorizer:
    return Authorizer(
        template.address(resource.logical_id),
        resource.span,
        template.reference_text(resource.logical_id),
        template.property_text(resource.logical_id, kind) or "",
        _identity_sources(template, resource),
    )


def _identity_sources(template: Template, resource: Resource) -> tuple[str, ...] | None:
    """The sources, of a list or of the text with commas that REST APIs take; a token is in `Authorization` if not said.

    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
    """
    node = template.value(resource.logical_id, "IdentitySource")
    if unknown(node, template.symbols) or any(map(has_letters, texts(node))):
        return None
    return tuple(part.strip() for one in texts(node) for part in one.split(","))
