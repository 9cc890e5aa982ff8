"""Roles that a VPC endpoint's policy names, with what their own policies let them call through the endpoint."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Role
from policy_audit.model.vpc_endpoints import VpcEndpoint
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class EndpointCaller(NamedTuple):
    """One action on one resource that a role's own policies allow, at an endpoint whose policy names the role."""

    system: "System"
    endpoint: VpcEndpoint
    role: Role
    action: str
    resource: str
    span: Span
    """The statement of the role's policies that allows it."""

    @property
    def address(self) -> str:
        return self.role.address

    @property
    def label(self) -> str:
        """What a reader knows it by: the role's name, and the endpoint's."""
        names = (one.address.rpartition("#")[2] for one in (self.role, self.endpoint))
        return "`{}` at the endpoint `{}`".format(*names)

    @property
    def actions(self) -> tuple[str, ...]:
        """The one action, as a rule's `allow` takes it."""
        return (self.action,)


def every(system: "System") -> tuple[EndpointCaller, ...]:
    """Every role that an endpoint's policy names, with each action and resource that its own policies name exactly.

    Wildcards in a role's policies say that it may call more than anybody planned: nothing is asked of those.
    """
    return tuple(
        EndpointCaller(system, endpoint, role, action, resource, span or role.span)
        for endpoint in system.all(VpcEndpoint)
        if endpoint.policy is not None
        for role in _named(system, endpoint.policy, endpoint.address)
        for action, resource, span in _grants(role, endpoint)
    )


def _named(system: "System", policy: Policy, endpoint: str) -> tuple[Role, ...]:
    """The audited roles that an Allow of an endpoint's policy names, by `Principal` or by `aws:PrincipalArn`."""
    found: dict[str, Role] = {}
    for statement in policy.statements:
        for arn in _principals(statement) if statement.effect == "Allow" else ():
            role = system.role(arn, endpoint)
            if role is not None:
                found[role.arn] = role
    return tuple(found.values())


def _principals(statement: Statement) -> Iterator[str]:
    if not statement.not_principal:
        yield from (one.value for one in statement.principals or () if one.type == "AWS")
    for condition in statement.conditions:
        if condition.key.lower() == "aws:principalarn" and "Not" not in condition.operator:
            yield from condition.values


def _grants(role: Role, endpoint: VpcEndpoint) -> Iterator[tuple[str, str, Span | None]]:
    for policy in role.policies:
        for statement in policy.statements:
            if statement.effect != "Allow" or statement.not_action or statement.not_resource:
                continue
            for action in statement.actions:
                if "*" in action or "?" in action or not endpoint.takes(action):
                    continue
                for resource in statement.resources or ():
                    if "*" not in resource and "?" not in resource:
                        yield action, resource, statement.span
