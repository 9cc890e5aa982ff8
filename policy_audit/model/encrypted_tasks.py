"""Tasks that send to a queue or topic that a KMS key encrypts: the role of the task must be able to use the key."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.message_keys import MessageKey, encrypted, keys_by_name
from policy_audit.model.needs import Need
from policy_audit.model.own_policies import own_policy
from policy_audit.model.resources import Role
from policy_audit.model.sent_tasks import sending
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_ACTIONS: Final = frozenset({"sqs:SendMessage", "sns:Publish"})


class EncryptedTask(NamedTuple):
    """A task that sends to such a queue or topic."""

    need: Need
    role: Role
    use: MessageKey

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
    def key_of_aws(self) -> bool:
        """Whether it is a key that AWS manages."""
        return self.use.of_aws

    @property
    def account(self) -> str:
        """The account of the role."""
        return self.role.account

    @property
    def queue_name(self) -> str:
        """The logical id of the queue or topic."""
        return self.use.sent_to.address.rpartition("#")[2]


def every(system: "System") -> tuple[EncryptedTask, ...]:
    """Every task that sends to an encrypted queue or topic."""
    keys = keys_by_name(system)
    found = []
    for need, _, role in sending(system, _ACTIONS):
        sent_to = encrypted(own_policy(system, need.resource))
        if sent_to is not None:
            found.append(EncryptedTask(need, role, MessageKey(system, sent_to, keys, role)))
    return tuple(found)
