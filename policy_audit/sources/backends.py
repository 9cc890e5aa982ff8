"""What stands behind APIs: VPC links and load balancers. No rule asks about them; a reader of a path does."""

from collections.abc import Iterator, Sequence

from policy_audit.findings import Stop
from policy_audit.model.call_paths import Backends
from policy_audit.model.node import Node
from policy_audit.model.urls import host_of
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, text, texts

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_METHOD = "AWS::ApiGateway::Method"
_LINKS = ("AWS::ApiGatewayV2::VpcLink", "AWS::ApiGateway::VpcLink")
_INTEGRATION = "AWS::ApiGatewayV2::Integration"


def read_backends(templates: Sequence[Template]) -> Backends:
    """The load balancers of the templates, and the methods and HTTP APIs that lead to one through a VPC link.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-private-integration.html
    """
    names = {name: stop for template in templates for name, stop in _balancers(template)}
    for template in templates:
        for listener in template.of_type(_LISTENER):
            balancer = names.get(template.property_text(listener.logical_id, "LoadBalancerArn") or "")
            if balancer is not None:
                names[template.reference_text(listener.logical_id)] = balancer
    links = {
        template.reference_text(link.logical_id): (_stop("VPC link", template, link), _targets(template, link))
        for template in templates
        for kind in _LINKS
        for link in template.of_type(kind)
    }
    behind: dict[str, tuple[Stop, ...]] = {}
    for key, integration in _integrations(templates):
        link, targets = links.get(text(child(integration, "ConnectionId")) or "", (None, ()))
        uris = [text(child(integration, name)) or "" for name in ("IntegrationTarget", "Uri", "IntegrationUri")]
        reached = [names[one] for one in (*uris, *map(host_of, uris), *targets) if one in names]
        stops = (*((link,) if link else ()), *reached[:1])
        if stops:
            behind.setdefault(key, stops)
    return Backends(behind, names)


def _balancers(template: Template) -> Iterator[tuple[str, Stop]]:
    """Each load balancer by the two texts that name it: its ARN and its DNS name."""
    for resource in template.of_type(_BALANCER):
        scheme = template.property_text(resource.logical_id, "Scheme") or "internet-facing"
        kind = template.property_text(resource.logical_id, "Type") or "application"
        stop = _stop("load balancer", template, resource, template.symbols.show(f"{kind}, {scheme}"))
        yield template.reference_text(resource.logical_id), stop
        yield template.attribute_text(resource.logical_id, "DNSName"), stop


def _targets(template: Template, link: Resource) -> tuple[str, ...]:
    return texts(template.value(link.logical_id, "TargetArns"))


def _integrations(templates: Sequence[Template]) -> Iterator[tuple[str, Node | None]]:
    """Each integration with the address of its method, or the id of its HTTP API."""
    for template in templates:
        for method in template.of_type(_METHOD):
            yield template.address(method.logical_id), template.value(method.logical_id, "Integration")
        for integration in template.of_type(_INTEGRATION):
            yield (
                template.property_text(integration.logical_id, "ApiId") or "",
                template.properties(integration.logical_id),
            )


def _stop(kind: str, template: Template, resource: Resource, detail: str = "") -> Stop:
    return Stop(kind, resource.logical_id, template.address(resource.logical_id), resource.span, detail)
