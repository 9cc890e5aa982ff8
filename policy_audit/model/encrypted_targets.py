"""Queues and topics that events are sent to and that a KMS key encrypts: who sends must be able to use the key."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.dead_letters import every as dead_letter_queues
from policy_audit.model.event_targets import EventTarget
from policy_audit.model.event_targets import every as event_targets
from policy_audit.model.message_keys import MessageKey, encrypted, keys_by_name
from policy_audit.model.own_policies import OwnPolicy, own_policy
from policy_audit.model.resources import Absent, Key, Missing, Role
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_NOT_TOLD: Final = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
"""The page says that `aws:SourceArn` and `aws:SourceAccount` are not supported for EventBridge and encrypted topics."""


class EncryptedTarget(NamedTuple):
    """A queue or topic with a `KmsMasterKeyId`, as a target or for what a target did not take."""

    target: EventTarget
    sent_to: OwnPolicy
    keys: Mapping[str, Key]
    is_for_dead_letters: bool
    sent_at: Span

    @property
    def address(self) -> str:
        return self.target.address

    @property
    def span(self) -> Span:
        return self.sent_at

    @property
    def part(self) -> str:
        """What a reader knows the target by within its rule, pipe or schedule."""
        return self.target.part

    @property
    def name(self) -> str:
        """The logical id of the rule, pipe or schedule."""
        return self.target.name

    @property
    def queue_name(self) -> str:
        """The logical id of the queue or topic."""
        return self.sent_to.address.rpartition("#")[2]

    @property
    def sent_as(self) -> str | Missing:
        """`service`: EventBridge itself sends; `role`: the role of the pipe, schedule or rule; else `nobody`."""
        if self.is_for_dead_letters:
            return "service" if self.target.sent_by == "rule" else "role"
        with_role = self.target.delivers_with_role
        if isinstance(with_role, Missing):
            return with_role
        if with_role:
            return "role"
        return "nobody" if self.target.has_role or self.target.sent_by != "rule" else "service"

    @property
    def use(self) -> MessageKey:
        """The key, and who uses it."""
        role = self.role if self.sent_as == "role" else None
        return MessageKey(self.target.system, self.sent_to, self.keys, role if isinstance(role, Role) else None)

    @property
    def key_of_aws(self) -> bool:
        """Whether it is a key that AWS manages."""
        return self.use.of_aws

    @property
    def role(self) -> Role | Missing:
        """The role that sends."""
        return self.target.role

    @property
    def source_arn(self) -> str | Absent:
        """The ARN of the rule, which the use of a queue's key tells, and that of a topic's key does not."""
        return Absent(_NOT_TOLD) if self.use.service == "sns" else self.target.source_arn

    @property
    def source_account(self) -> str | Absent:
        """The account of the rule, likewise."""
        return Absent(_NOT_TOLD) if self.use.service == "sns" else self.target.account

    @property
    def account(self) -> str:
        """The account of the rule, pipe or schedule."""
        return self.target.account


def every(system: "System") -> tuple[EncryptedTarget, ...]:
    """Every encrypted queue and topic that is a target, or has what a target did not take."""
    keys = keys_by_name(system)
    found = []
    for target in event_targets(system):
        sent_to = encrypted(target.own_policy)
        if sent_to is not None:
            found.append(EncryptedTarget(target, sent_to, keys, False, target.span))
    for queue in dead_letter_queues(system):
        sent_to = encrypted(own_policy(system, queue.arn))
        if sent_to is not None:
            found.append(EncryptedTarget(queue.target, sent_to, keys, True, queue.span))
    return tuple(found)
