"""Roles that whoever deploys the templates gives to EventBridge: that must be allowed too."""

from typing import TYPE_CHECKING

from policy_audit.model.deployments import Deployer
from policy_audit.model.event_targets import EventTarget
from policy_audit.model.event_targets import every as every_target
from policy_audit.model.resources import Missing, Role
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class PassedRole(NamedTuple):
    """A role that a rule, pipe or schedule is given, and a role that gives it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    """

    system: "System"
    deployer: Deployer
    target: EventTarget

    @property
    def address(self) -> str:
        return self.target.address

    @property
    def span(self) -> Span:
        return self.target.target.role.span if self.target.target.role else self.target.span

    @property
    def part(self) -> str:
        """The role that gives it, as the configuration names it."""
        return self.deployer.name

    @property
    def name(self) -> str:
        """The logical id of the rule, pipe or schedule."""
        return self.target.name

    @property
    def role(self) -> Role:
        return self.deployer.role

    @property
    def passed_arn(self) -> str | Missing:
        """The ARN of the role that is given."""
        field = self.target.target.role
        return Missing("the target names no role") if field is None else field.text

    @property
    def service(self) -> str:
        """Who is to assume it."""
        return self.target.service


def every(system: "System") -> tuple[PassedRole, ...]:
    """Every role of a target with every role that passes it."""
    return tuple(
        PassedRole(system, deployer, target)
        for deployer in system.all(Deployer)
        for target in every_target(system)
        if target.has_role
    )
