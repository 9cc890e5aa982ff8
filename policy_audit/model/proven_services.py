"""Which policies are proven right by rules on calls and callers: a mistake in them is found as what it does."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from policy_audit.model.resources import Role

if TYPE_CHECKING:
    from policy_audit.model.system import System

_OF_CALLS: Final = {
    "http": ("states", "events", "secretsmanager", "vpc-lattice", "vpc-lattice-svcs"),
    "apigateway": ("execute-api", "apigateway"),
}
"""The services whose actions are taken for those that a call needs, the wrong ones among them."""
_OF_DEPLOYERS: Final = ("events", "vpc-lattice", "iam", "secretsmanager")
_EVERYTHING: Final[frozenset[str]] = frozenset()


def services_of_other_rules(system: "System") -> Mapping[str, frozenset[str]]:
    """By the address of a role or an API, the services that other rules are about in its policies; none for all of
    them. Policies of other resources are not among the keys."""
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
    given = [target.role for sender in _all(system, "Sender") for target in sender.targets]
    given += [integration.credentials for integration in _all(system, "ApiIntegration")]
    roles = (system.role(field.text) for field in given if field is not None)
    everything |= {role.address for role in roles if role is not None}
    return {address: frozenset(services) for address, services in found.items()} | dict.fromkeys(
        everything, _EVERYTHING
    )


def _all(system: "System", name: str) -> Iterable[Any]:
    """The facts of a class by its name: its module is imported only where there are any."""
    return system.others.get(name, ())
