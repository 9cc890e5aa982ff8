"""A connection whose secret is encrypted with a key of the customer's: what EventBridge must be able to do with it."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import Append, Fix
from policy_audit.model.patterns import glob
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Connection, Fact, Key, Missing, Role
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

TAG: Final = "EventBridgeApiDestinations"
SERVICE_ROLE: Final = (
    "role/aws-service-role/apidestinations.events.amazonaws.com/AWSServiceRoleForAmazonEventBridgeApiDestinations"
)
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/using-service-linked-roles-service-action-1.html"""

_USE: Final = ("kms:decrypt", "kms:generatedatakey")
_ANY_IDENTITY_POLICY: Final = Policy((Statement("Allow", ("*",), ("*",)),), "2012-10-17", "(assumed identity policy)")


class EncryptedConnection(NamedTuple):
    """A connection with a `KmsKeyIdentifier`."""

    system: "System"
    connection: Connection
    key: Key | Missing

    @property
    def address(self) -> str:
        return self.connection.address

    @property
    def span(self) -> Span:
        return self.connection.key.span if self.connection.key else self.connection.span

    @property
    def name(self) -> str:
        """The connection's logical id."""
        return self.connection.address.rpartition("#")[2]

    @property
    def key_arn(self) -> str | Missing:
        """The ARN of that key."""
        key = self.key
        return key if isinstance(key, Missing) else key.arn

    @property
    def key_has_the_tag(self) -> Fact:
        """Whether the key has the tag without which EventBridge can't use it.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-connections.html
        """
        key = self.key
        if isinstance(key, Missing):
            return Fact(None, key.reason)
        values = [value for name, value in key.tags if name == TAG]
        if "true" in values:
            return Fact(True, "")
        if values and not has_letters(values[0]):
            detail = f"has the tag `{TAG}` with the value `{values[0]}`"
            return Fact(False, detail, key.address, key.span)
        unsure = any(map(has_letters, values)) or any(has_letters(name) for name, _ in key.tags)
        if unsure or key.unseen:
            return Fact(None, key.unseen or "the value of a tag is not known", key.address, key.span)
        file, _, logical_id = key.address.partition("#")
        tags = ("Resources", logical_id, "Properties", "Tags")
        fix = Fix((Append(file, tags, {"Key": TAG, "Value": "true"}),))
        return Fact(False, f"has no tag `{TAG}`", key.address, key.span, fix=fix)

    @property
    def user(self) -> Role | Missing:
        """EventBridge's service-linked role, as which it reads the secret, with whatever its own policies allow.

        AWS names no principal for the key policy, and its example allows the account. Where a policy lets somebody else
        use the key, another role or a service, and neither the account nor this role, it can't be told whether that is
        who is meant.
        """
        key = self.key
        if isinstance(key, Missing):
            return key
        arn = f"arn:{self.system.partition}:iam::{self.connection.account}:{SERVICE_ROLE}"
        users = _users(key.policy)
        others = [one for one in users if not self._is_known(one, arn)]
        if others and len(others) == len(users):
            shown = self.system.symbols.show(others[0])
            return Missing(f"the key policy allows `{shown}`, and AWS does not say as whom EventBridge uses the key")
        name = arn.rpartition("/")[2]
        return Role(key.address, key.span, arn, name, self.connection.account, Policy(()), (_ANY_IDENTITY_POLICY,))

    def _is_known(self, principal: str, arn: str) -> bool:
        account = self.connection.account
        return principal in {"*", account, arn, f"arn:{self.system.partition}:iam::{account}:root"}

    @property
    def account(self) -> str:
        return self.connection.account

    @property
    def secret_arn(self) -> str:
        """The secret, as the encryption context names it."""
        return self.connection.secret_arn

    @property
    def through(self) -> str:
        """What `kms:ViaService` is when Secrets Manager uses the key on somebody's behalf."""
        return f"secretsmanager.{self.system.at(self.connection.arn).region}.amazonaws.com"

    @property
    def tag_value(self) -> str:
        """The value that the key's tag must have."""
        return "true"


def _users(policy: Policy) -> tuple[str, ...]:
    """Whom a key policy allows to use the key, and not to administer it alone."""
    return tuple(
        principal.value
        for statement in policy.statements
        if statement.effect == "Allow" and not statement.not_principal and _is_for_use(statement)
        for principal in statement.principals or ()
    )


def _is_for_use(statement: Statement) -> bool:
    named = [glob(action.lower()) for action in statement.actions]
    return any(statement.not_action != any(one.matches(action) for one in named) for action in _USE)


def every(system: "System") -> tuple[EncryptedConnection, ...]:
    """Every connection that names a key."""
    keys = {name: key for key in system.all(Key) for name in key.names}

    def named(name: str) -> Key | Missing:
        reasons = system.symbols.reasons(name)
        outside = f"the key `{system.symbols.show(name)}` is not among the audited files"
        return keys.get(name) or Missing(reasons[0] if reasons else outside)

    return tuple(
        EncryptedConnection(system, one, named(one.key.text))
        for one in system.encrypted_connections
        if one.key is not None
    )
