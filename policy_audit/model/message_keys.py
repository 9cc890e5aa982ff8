"""The KMS key of a queue or topic, as those who send messages there must be able to use it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Key, Missing, Role
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_OF_AWS: Final = "alias/aws/"


class MessageKey(NamedTuple):
    """The key of a queue or topic with a `KmsMasterKeyId`. `role` is what sends there; None where a service does.

    Whoever sends needs `kms:GenerateDataKey` and `kms:Decrypt` on it.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """

    system: "System"
    sent_to: OwnPolicy
    keys: Mapping[str, Key]
    """Every key of the audited files by its names."""
    role: Role | None = None

    @property
    def of_aws(self) -> bool:
        """Whether AWS manages the key: its policy lets every principal of the account in, and no service."""
        return self._named.rpartition(":")[2].startswith(_OF_AWS)

    @property
    def key(self) -> Key | Missing:
        """The key, if it is the customer's."""
        found = self.keys.get(self._named)
        reasons = self.system.symbols.reasons(self._named)
        shown = self.system.symbols.show(self._named)
        return found or Missing(reasons[0] if reasons else f"the key `{shown}` is not among the audited files")

    @property
    def arn(self) -> str | Missing:
        """The ARN of the key."""
        key = self.key
        if isinstance(key, Missing):
            return self._named if self.of_aws else key
        return key.arn

    @property
    def policy(self) -> OwnPolicy | Missing:
        """The key's policy, as what lets services in. A key that AWS manages has one that nobody can change.

        https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
        """
        if self.of_aws:
            closed = Policy((), "2012-10-17", f"{self._named} (key policy)")
            return OwnPolicy(self.sent_to.address, self.sent_to.span, self._named, self.sent_to.account, closed)
        key = self.key
        return key if isinstance(key, Missing) else OwnPolicy(key.address, key.span, key.arn, key.account, key.policy)

    @property
    def through(self) -> str | None:
        """What `kms:ViaService` is when the queue or topic uses the key on somebody's behalf.

        Like the encryption context it is told where a policy asks for it: else all that is sent to with one key asks
        for the same.
        """
        told = f"{self.service}.{self.system.at(self.sent_to.arn).region}.amazonaws.com"
        return told if self._is_asked_for("kms:viaservice") else None

    @property
    def queue_context(self) -> str | None:
        """The queue, as the encryption context names it."""
        return self.sent_to.arn if self.service == "sqs" and self._is_asked_for("kms:encryptioncontext") else None

    @property
    def topic_context(self) -> str | None:
        """The topic, as the encryption context names it."""
        return self.sent_to.arn if self.service == "sns" and self._is_asked_for("kms:encryptioncontext") else None

    @property
    def service(self) -> str:
        """`sqs` or `sns`."""
        return self.sent_to.arn.split(":", 3)[2]

    def _is_asked_for(self, start: str) -> bool:
        """Whether a condition of the key's policy, or of the role's, is on a key whose name starts like this."""
        held = self.policy
        statements = (
            [] if isinstance(held, Missing) else [one for one in held.policy.statements if self._may_be_meant(one)]
        )
        statements += [one for policy in (self.role.policies if self.role else ()) for one in policy.statements]
        return any(each.key.lower().startswith(start) for one in statements for each in one.conditions)

    def _may_be_meant(self, statement: Statement) -> bool:
        """Whether a statement may be about who sends: a role, or a service."""
        if statement.not_principal:
            return True
        others = "Service" if self.role else "AWS"
        return any(one.type != others or one.value == "*" for one in statement.principals or ())

    @property
    def _named(self) -> str:
        return self.sent_to.key.text if self.sent_to.key else ""


def keys_by_name(system: "System") -> dict[str, Key]:
    """Every key of the audited files, by its ARN, its id and its aliases."""
    return {name: key for key in system.all(Key) for name in key.names}


def encrypted(found: OwnPolicy | Missing) -> OwnPolicy | None:
    """What is sent to, if a key is named for it."""
    return found if isinstance(found, OwnPolicy) and found.key is not None and found.key.text else None
