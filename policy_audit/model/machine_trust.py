"""Whether a state machine's role is for its own account alone: Step Functions acts on behalf of others as well."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import Fix, Put
from policy_audit.model.policy import Statement
from policy_audit.model.resources import Fact, Missing, StateMachine
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_SOURCES: Final = frozenset(("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"))


class MachineTrust(NamedTuple):
    """The trust policy of one state machine's role."""

    system: "System"
    state_machine: StateMachine

    @property
    def address(self) -> str:
        return self.state_machine.address

    @property
    def span(self) -> Span:
        return self.state_machine.span

    @property
    def names_a_source(self) -> Fact:
        """Whether what lets Step Functions in asks on whose behalf it comes.

        The role that the Serverless transform makes has no such condition, and takes none: it is left out.
        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
        """
        role = self.state_machine.role
        if isinstance(role, Missing):
            return Fact(None, role.reason)
        for statement in role.trust.statements:
            if statement.span != self.span and _admits_step_functions(statement) and not _asks(statement):
                detail = "lets Step Functions in on anybody's behalf"
                return Fact(False, detail, role.address, statement.span or role.span, fix=_with_a_source(statement))
        return Fact(True, "")


def _with_a_source(statement: Statement) -> Fix | None:
    """The role's own account as the one on whose behalf Step Functions comes: only narrower than it was.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    """
    named = [one.value for one in statement.principals or ()]
    if statement.span is None or len(named) != 1 or not named[0].startswith("states."):
        return None
    path = ("Condition", "StringEquals", "aws:SourceAccount")
    return Fix((Put(statement.span, path, {"Ref": "AWS::AccountId"}),), safe=True)


def _admits_step_functions(statement: Statement) -> bool:
    names = [one.value for one in statement.principals or () if one.type == "Service"]
    return statement.effect == "Allow" and any(name.startswith("states.") or name == "*" for name in names)


def _asks(statement: Statement) -> bool:
    return any(condition.key.lower() in _SOURCES for condition in statement.conditions)


def every(system: "System") -> tuple[MachineTrust, ...]:
    """The trust of every state machine's role."""
    return tuple(MachineTrust(system, machine) for machine in system.state_machines)
