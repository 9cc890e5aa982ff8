"""Finds what an estate attaches to something that is not known, with the functions of those who read such things."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from policy_audit.record import NamedTuple
from policy_audit.sources import apis, event_buses, own_policies, private_connections, roles, targets
from policy_audit.sources.elsewhere import Kind, Unplaced, in_any
from policy_audit.sources.estate import Estate
from policy_audit.sources.template import Template


class _Finding(NamedTuple):
    """The types of what is attached, and what finds those that are unplaced."""

    types: frozenset[str]
    find: Callable[[Sequence[Template]], tuple[Unplaced, ...]]


_FINDING: Final[dict[Kind, _Finding]] = {
    "API": _Finding(frozenset((*apis.REST_PARTS, *apis.HTTP_PARTS)), apis.unplaced),
    "bus": _Finding(frozenset((event_buses.POLICY,)), event_buses.unplaced),
    "grant": _Finding(frozenset(targets.ATTACHING), targets.unplaced),
    "group": _Finding(private_connections.RULES, private_connections.unplaced),
    "own policy": _Finding(own_policies.ATTACHING, own_policies.unplaced),
    "role": _Finding(frozenset(roles.ATTACHING), roles.unplaced),
}


def unplaced(templates: Sequence[Template]) -> Mapping[Kind, tuple[Unplaced, ...]]:
    """What an estate's templates attach, in their present world, to something that is not known."""
    types = {resource.type for template in templates for resource in template.resources.values()}
    found = {kind: one.find(templates) for kind, one in _FINDING.items() if not types.isdisjoint(one.types)}
    return {kind: each for kind, each in found.items() if each}


def ever_unplaced(estate: Estate) -> Mapping[Kind, tuple[Unplaced, ...]]:
    """The same of an estate, in any of its worlds."""
    found: Mapping[Kind, tuple[Unplaced, ...]] = {}
    for _ in estate.worlds():
        found = in_any((found, unplaced(estate.templates)))
    return found


def is_private(templates: Sequence[Template]) -> bool:
    """Whether they have a private API, or a private domain name, in their present world."""
    return any(
        "PRIVATE" in apis.endpoint_types(template, resource)
        for template in templates
        for resource in template.of_type("AWS::ApiGateway::RestApi")
    ) or any(template.of_type("AWS::ApiGateway::DomainNameV2") for template in templates)
