"""Tasks that send to a queue, topic, function or bus of another account: that one's own policy has a say as well."""

from typing import TYPE_CHECKING

from policy_audit.model.needs import Need
from policy_audit.model.needs import every as every_need
from policy_audit.model.own_policies import SENDING, OwnPolicy, own_policy
from policy_audit.model.resources import Missing, Role
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class SentTask(NamedTuple):
    """A task's permission for sending to a resource of another account than the role that it runs with.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """

    need: Need
    actions: tuple[str, ...]
    role: Role

    @property
    def address(self) -> str:
        return self.need.address

    @property
    def span(self) -> Span:
        return self.need.span

    @property
    def state(self) -> str:
        """The state, with those that enclose it."""
        return self.need.state

    @property
    def resource(self) -> str:
        """The ARN of what it sends to."""
        return self.need.resource

    @property
    def own_policy(self) -> OwnPolicy | Missing:
        """The policies of the queue, topic, function or bus."""
        return own_policy(self.need.system, self.need.resource)


def every(system: "System") -> tuple[SentTask, ...]:
    """Every task that sends to another account."""
    found = []
    for need in every_need(system):
        actions, role = need.actions, need.role
        if need.kind != "task" or isinstance(actions, Missing) or isinstance(role, Missing):
            continue
        if len(actions) == 1 and actions[0] in SENDING.values() and _is_of_another_account(need.resource, role):
            found.append(SentTask(need, actions, role))
    return tuple(found)


def _is_of_another_account(resource: str, role: Role) -> bool:
    account = [*resource.split(":", 5), "", "", "", ""][4]
    return bool(account) and account != role.account and not has_letters(account + role.account)
