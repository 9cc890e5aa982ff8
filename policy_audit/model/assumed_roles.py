"""Roles that tasks run with instead of their state machine's own (`Credentials`): how the one gets at the other.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from typing import TYPE_CHECKING

from policy_audit.model.call import Field
from policy_audit.model.policy import Statement
from policy_audit.model.resources import Fact, Missing, Role, StateMachine
from policy_audit.model.task_resources import is_arn
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import Call
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class AssumedRole(NamedTuple):
    """One task with `Credentials`: the state machine's role assumes another one, which then makes the call."""

    system: "System"
    call: Call
    credentials: Field

    @property
    def address(self) -> str:
        return self.call.address

    @property
    def span(self) -> Span:
        return self.credentials.span

    @property
    def state(self) -> str:
        return self.call.state

    @property
    def state_machine(self) -> StateMachine:
        return self.call.state_machine

    @property
    def role(self) -> Role | Missing:
        """The role that assumes: the state machine's own."""
        return self.call.state_machine.role

    @property
    def target_arn(self) -> str:
        """The ARN of the role that is assumed, as `Credentials` gives it; a hole where the workflow computes it."""
        return self.credentials.text

    @property
    def target(self) -> Role | Missing:
        """The role that is assumed."""
        return self.call.role

    @property
    def needs_permission(self) -> bool:
        """Whether the role's own policies must allow it: not where a role of the same account is trusted by name.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        """
        own, target = self.role, self.target
        if isinstance(own, Missing) or isinstance(target, Missing) or own.account != target.account:
            return True
        return not any(
            statement.effect == "Allow" and any(one.value in ("*", own.arn) for one in statement.principals or ())
            for statement in target.trust.statements
        )

    @property
    def other_grants(self) -> tuple[str, ...]:
        """The trust policy of the assumed role, where it is not visible and may suffice: see `needs_permission`."""
        own, account = self.role, self.target_arn.split(":", 5)[4:5]
        if isinstance(own, Missing) or isinstance(self.target, Role):
            return ()
        if account and account[0] != own.account and not has_letters(account[0] + own.account):
            return ()
        return (f"the trust policy of `{self.system.symbols.show(self.target_arn)}`",)

    @property
    def trust_asks_for_external_id(self) -> Fact:
        """Whether the assumed role lets the state machine's role in only with `sts:ExternalId`."""
        own, target = self.role, self.target
        for missing in (own, target):
            if isinstance(missing, Missing):
                return Fact(None, missing.reason)
        assert isinstance(own, Role) and isinstance(target, Role)
        for statement in target.trust.statements:
            asked = any(condition.key.lower() == "sts:externalid" for condition in statement.conditions)
            if statement.effect == "Allow" and not asked and _names(statement, own.arn):
                detail = f"the trust policy of `{target.address.rpartition('#')[2]}` asks for no `sts:ExternalId`"
                return Fact(False, detail, target.address, statement.span or target.span)
        return Fact(True, "")

    @property
    def stays_in_region(self) -> Fact:
        """Whether role and resources are of the partition and the Region of the state machine, as AWS requires."""
        own = self.state_machine.arn.split(":")
        role = self.target_arn.split(":", 5)
        if is_arn(self.target_arn) and not has_letters(role[1] + own[1]) and role[1] != own[1]:
            return Fact(False, f"assumes a role of the partition `{role[1]}`", span=self.span)
        for name, field in self.call.task.arguments:
            parts = field.text.split(":", 5)
            if not is_arn(field.text) or not parts[3] or has_letters(parts[3] + own[3]):
                continue
            if parts[3] != own[3]:
                return Fact(False, f"`{name}` is a resource of the Region `{parts[3]}`", span=field.span)
        return Fact(True, "")


def _names(statement: Statement, arn: str) -> bool | None:
    """Whether the statement names the role (or everybody, or its account); None where a principal is open."""
    if statement.not_principal:
        return None
    account = arn.split(":", 5)[4]
    texts = [one.value for one in statement.principals or () if one.type in ("AWS", "*")]
    if any(text in ("*", arn, account) or text.endswith(f"::{account}:root") for text in texts):
        return True
    return None if any(map(has_letters, texts)) else False


def every(system: "System") -> tuple[AssumedRole, ...]:
    """Every task with `Credentials`."""
    return tuple(
        AssumedRole(system, call, call.task.credentials_role)
        for call in system.calls
        if call.task.credentials_role is not None
    )
