"""Which policies are proven right by rules on calls and callers: a mistake in them is found as what it does."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from policy_audit.model.resources import Role
from policy_audit.origin import Span

if TYPE_CHECKING:
    from policy_audit.model.system import System

_OF_CALLS: Final = {
    "http": ("states", "events", "secretsmanager", "vpc-lattice", "vpc-lattice-svcs"),
    "apigateway": ("execute-api", "apigateway"),
}
"""The services whose actions are taken for those that a call needs, the wrong ones among them."""
_OF_DEPLOYERS: Final = ("events", "vpc-lattice", "iam", "secretsmanager")
_EVERYTHING: Final[frozenset[str]] = frozenset()


def services_of_other_rules(system: "System") -> Mapping[str | Span, frozenset[str]]:
    """By the address of a role or an API, the services that other rules are about in its policies; none for all of
    them. Policies that are resources of their own are there by their places, if every role that has them is there."""
    found = {one.role.address: {"sts"} for one in system.state_machines if isinstance(one.role, Role)}
    everything = {api.address for api in system.rest_apis() if api.restricted}
    for call in system.calls:
        if isinstance(call.role, Role):
            service = call.integration.partition(":")[0]
            found.setdefault(call.role.address, {"sts"}).update(_OF_CALLS.get(service, (service,)))
            if service not in _OF_CALLS:  # Which services its permissions are of is the matter of other rules.
                everything.add(call.role.address)
    for deployer in _all(system, "Deployer"):
        found.setdefault(deployer.role.address, set()).update(_OF_DEPLOYERS)
    given = [(target.role, sender.address) for sender in _all(system, "Sender") for target in sender.targets]
    given += [(integration.credentials, integration.address) for integration in _all(system, "ApiIntegration")]
    roles = (system.role(field.text, address) for field, address in given if field is not None)
    everything |= {role.address for role in roles if role is not None}
    proven: dict[str | Span, frozenset[str]] = {address: frozenset(services) for address, services in found.items()}
    proven.update((address, _EVERYTHING) for address in everything)
    proven.update(_attached(system, proven))
    return proven


def _attached(
    system: "System", by_role: Mapping[str | Span, frozenset[str]]
) -> tuple[tuple[Span, frozenset[str]], ...]:
    """The same of policies by their places: what is true of them at each of the roles that have them."""
    of_each: dict[Span, list[frozenset[str] | None]] = {}
    for role in system.roles:
        for policy in role.policies:
            if policy.span is not None:
                of_each.setdefault(policy.span, []).append(by_role.get(role.address))
    return tuple((span, told) for span, services in of_each.items() if (told := _common(services)) is not None)


def _common(services: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """The services that all of these have in common; None if there are none, or nothing is known of one."""
    listed = [one for one in services if one]
    if None in services or not listed:
        return None if None in services else _EVERYTHING
    return frozenset.intersection(*listed) or None


def _all(system: "System", name: str) -> Iterable[Any]:
    """The facts of a class by its name: its module is imported only where there are any."""
    return system.others.get(name, ())
