"""Private custom domain names of the templates: base path mappings and their own policies."""

from collections.abc import Iterator, Sequence

from policy_audit.model.node import Scalar
from policy_audit.model.private_domains import BasePath, PrivateDomain
from policy_audit.model.value import Shape
from policy_audit.sources.physical_ids import Ids, attribute, reference
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template

_DOMAIN = "AWS::ApiGateway::DomainNameV2"
_MAPPING = "AWS::ApiGateway::BasePathMappingV2"
_NO_MAPPING = "(none)"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-basepathmappingv2.html"""


def read_private_domains(templates: Sequence[Template]) -> tuple[PrivateDomain, ...]:
    """Every `AWS::ApiGateway::DomainNameV2`, with what is mapped to it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-domainnamev2.html
    """
    return tuple(
        _domain(template, resource, templates) for template in templates for resource in template.of_type(_DOMAIN)
    )


def _domain(template: Template, resource: Resource, templates: Sequence[Template]) -> PrivateDomain:
    logical_id = resource.logical_id
    names = (reference(template, _DOMAIN, logical_id), attribute(template, _DOMAIN, logical_id, "DomainNameArn"))
    ids = Ids(template, logical_id)
    name = ids.given("DomainName") or ""
    end = ids.made(".DomainNameId", Shape("domain name id", "a-z0-9", 1, 32))
    arn = ids.arn("execute-api", f"/domainnames/{name}+{end}")
    node = template.value(logical_id, "Policy")
    policy = None
    if node is not None and not (isinstance(node, Scalar) and node.kind == "null"):
        policy = read_policy(node, f"{logical_id} (domain name policy)", template.symbols)
        policy = policy._replace(
            statements=tuple(
                statement._replace(resources=tuple(_long_form(one, arn) for one in statement.resources))
                if statement.resources is not None
                else statement
                for statement in policy.statements
            )
        )
    return PrivateDomain(
        address=template.address(logical_id),
        span=resource.span,
        name=name,
        arn=arn,
        account=template.account,
        policy=policy,
        base_paths=tuple(_base_paths(templates, names)),
    )


def _long_form(resource: str, arn: str) -> str:
    """`execute-api:/*` is the domain name as a whole, as it is the whole API in an API's policy."""
    return arn if resource == "execute-api:/*" else resource


def _base_paths(templates: Sequence[Template], names: Sequence[str]) -> Iterator[BasePath]:
    for template in templates:
        for resource in template.of_type(_MAPPING):
            logical_id = resource.logical_id
            if template.property_text(logical_id, "DomainNameArn") in names:
                path = template.property_text(logical_id, "BasePath") or ""
                api = template.property_text(logical_id, "RestApiId") or ""
                stage = template.property_text(logical_id, "Stage") or ""
                yield BasePath("" if path == _NO_MAPPING else path, api, stage)
