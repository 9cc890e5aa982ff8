"""Tasks that send to a queue, topic, function or bus of another account: that one's own policy has a say as well."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.needs import Need, of_task
from policy_audit.model.own_policies import SENDING, OwnPolicy, own_policy
from policy_audit.model.resources import Missing, Role
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_SERVICES: Final = ("events", "eventbridge", "lambda", "sns", "sqs")
"""How the services of integrations end that send to what has a policy of its own."""


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
    return tuple(
        SentTask(need, actions, role)
        for need, actions, role in sending(system, frozenset(SENDING.values()))
        if _is_of_another_account(need.resource, role)
    )


def sending(system: "System", wanted: frozenset[str]) -> Iterator[tuple[Need, tuple[str, ...], Role]]:
    """What tasks need for one of the actions `wanted`, with that action and the role."""
    for call in system.calls:
        if not call.integration.rpartition(":")[0].endswith(_SERVICES):
            continue
        for need in of_task(call):
            actions, role = need.actions, need.role
            if need.kind != "task" or isinstance(actions, Missing) or isinstance(role, Missing):
                continue
            if len(actions) == 1 and actions[0] in wanted:
                yield need, actions, role


def _is_of_another_account(resource: str, role: Role) -> bool:
    account = [*resource.split(":", 5), "", "", "", ""][4]
    return bool(account) and account != role.account and not has_letters(account + role.account)
