"""Queues and topics that events are sent to and that a KMS key encrypts: who sends must be able to use the key."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.dead_letters import every as dead_letter_queues
from policy_audit.model.event_targets import EventTarget
from policy_audit.model.event_targets import every as event_targets
from policy_audit.model.own_policies import OwnPolicy, own_policy
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Absent, Key, Missing, Role
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_NOT_TOLD: Final = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
"""The page says that `aws:SourceArn` and `aws:SourceAccount` are not supported for EventBridge and encrypted topics."""
_OF_AWS: Final = "alias/aws/"


class EncryptedTarget(NamedTuple):
    """A queue or topic with a `KmsMasterKeyId`, as a target or for what a target did not take.

    Whoever sends to it needs `kms:GenerateDataKey` and `kms:Decrypt` on the key.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """

    target: EventTarget
    sent_to: OwnPolicy
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
    def uses_a_key_of_aws(self) -> bool:
        """Whether AWS manages the key: its policy lets every principal of the account in, and no service."""
        return self._named.rpartition(":")[2].startswith(_OF_AWS)

    @property
    def key(self) -> Key | Missing:
        """The key, if it is the customer's."""
        system = self.target.system
        found = next((one for one in system.all(Key) if self._named in one.names), None)
        reasons = system.symbols.reasons(self._named)
        shown = system.symbols.show(self._named)
        return found or Missing(reasons[0] if reasons else f"the key `{shown}` is not among the audited files")

    @property
    def key_arn(self) -> str | Missing:
        """The ARN of the key."""
        key = self.key
        if isinstance(key, Missing):
            return self._named if self.uses_a_key_of_aws else key
        return key.arn

    @property
    def key_policy(self) -> OwnPolicy | Missing:
        """The key's policy, as what lets services in. A key that AWS manages has one that nobody can change.

        https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
        """
        if self.uses_a_key_of_aws:
            closed = Policy((), "2012-10-17", f"{self._named} (key policy)")
            return OwnPolicy(self.sent_to.address, self.sent_to.span, self._named, self.sent_to.account, closed)
        key = self.key
        return key if isinstance(key, Missing) else OwnPolicy(key.address, key.span, key.arn, key.account, key.policy)

    @property
    def role(self) -> Role | Missing:
        """The role that sends."""
        return self.target.role

    @property
    def source_arn(self) -> str | Absent:
        """The ARN of the rule, which the use of a queue's key tells, and that of a topic's key does not."""
        return Absent(_NOT_TOLD) if self._service == "sns" else self.target.source_arn

    @property
    def source_account(self) -> str | Absent:
        """The account of the rule, likewise."""
        return Absent(_NOT_TOLD) if self._service == "sns" else self.target.account

    @property
    def account(self) -> str:
        """The account of the rule, pipe or schedule."""
        return self.target.account

    @property
    def through(self) -> str | None:
        """What `kms:ViaService` is when the queue or topic uses the key on somebody's behalf.

        Like the encryption context it is told where a policy asks for it: else all that is sent to with one key asks
        for the same.
        """
        told = f"{self._service}.{self.target.system.at(self.sent_to.arn).region}.amazonaws.com"
        return told if self._is_asked_for("kms:viaservice") else None

    @property
    def queue_context(self) -> str | None:
        """The queue, as the encryption context names it."""
        return self.sent_to.arn if self._service == "sqs" and self._is_asked_for("kms:encryptioncontext") else None

    @property
    def topic_context(self) -> str | None:
        """The topic, as the encryption context names it."""
        return self.sent_to.arn if self._service == "sns" and self._is_asked_for("kms:encryptioncontext") else None

    def _is_asked_for(self, start: str) -> bool:
        """Whether a condition of the key's policy, or of the role's, is on a key whose name starts like this."""
        key, role = self.key_policy, self.role if self.sent_as == "role" else None
        policies = (
            *(() if isinstance(key, Missing) else (key.policy,)),
            *(role.policies if isinstance(role, Role) else ()),
        )
        return any(
            condition.key.lower().startswith(start)
            for policy in policies
            for statement in policy.statements
            for condition in statement.conditions
        )

    @property
    def _service(self) -> str:
        return self.sent_to.arn.split(":", 3)[2]

    @property
    def _named(self) -> str:
        return self.sent_to.key.text if self.sent_to.key else ""


def every(system: "System") -> tuple[EncryptedTarget, ...]:
    """Every encrypted queue and topic that is a target, or has what a target did not take."""
    found = []
    for target in event_targets(system):
        sent_to = _encrypted(target.own_policy)
        if sent_to is not None:
            found.append(EncryptedTarget(target, sent_to, False, target.span))
    for queue in dead_letter_queues(system):
        sent_to = _encrypted(own_policy(system, queue.arn))
        if sent_to is not None:
            found.append(EncryptedTarget(queue.target, sent_to, True, queue.span))
    return tuple(found)


def _encrypted(found: OwnPolicy | Missing) -> OwnPolicy | None:
    """What is sent to, if a key is named for it."""
    return found if isinstance(found, OwnPolicy) and found.key is not None and found.key.text else None
