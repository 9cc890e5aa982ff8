"""An event bus with a policy, as rules ask about it: whether any account may put events on it."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.operators import key_of
from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.patterns import glob
from policy_audit.model.policy import Statement
from policy_audit.model.resources import Fact
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_ABOUT_CALLERS: Final = (
    "aws:principal",
    "aws:source",
    "aws:vpc",
    "aws:userid",
    "aws:username",
)
"""How the names of keys begin that tell who puts an event, or on whose behalf; others tell what it is."""


class EventBus(NamedTuple):
    """An event bus that the audited files declare, or give a policy."""

    system: "System"
    owner: OwnPolicy

    @property
    def address(self) -> str:
        return self.owner.address

    @property
    def span(self) -> Span:
        return self.owner.policy.span or self.owner.span

    @property
    def name(self) -> str:
        """The bus, as a reader knows it."""
        return self.system.symbols.show(self.owner.arn.rpartition("/")[2])

    @property
    def admits_known_accounts(self) -> Fact:
        """Whether the policy lets nobody put events but principals, accounts or an organization that it tells.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
        """
        policy = self.owner.policy
        denies = any(statement.effect == "Deny" for statement in policy.statements)
        for statement in policy.statements:
            if _is_open(statement) and denies:
                return Fact(
                    None, "whether its Denies keep all others out is not asked", span=statement.span or self.span
                )
            if _is_open(statement):
                detail = "lets everybody put events, of whatever account"
                return Fact(False, detail, span=statement.span or self.span)
        doubts = (policy.unknown, *(doubt for one in policy.statements for doubt in one.unknown), *self.owner.unseen)
        doubt = next(filter(None, doubts), "")
        return Fact(None if doubt else True, doubt)


def _is_open(statement: Statement) -> bool:
    """Whether a statement allows `events:PutEvents` to everybody, and asks nothing about who it is."""
    if statement.effect != "Allow" or statement.unknown or statement.not_principal:
        return False
    invokes = any(glob(action.lower()).matches("events:putevents") for action in statement.actions)
    everybody = any(one.type in ("AWS", "*") and one.value == "*" for one in statement.principals or ())
    limited = any(key_of(one).startswith(_ABOUT_CALLERS) for one in statement.conditions)
    return everybody and invokes is not statement.not_action and not limited


def every(system: "System") -> tuple[EventBus, ...]:
    """Every event bus that has a policy."""
    return tuple(
        EventBus(system, one)
        for one in system.all(OwnPolicy)
        if one.arn.split(":", 3)[2] == "events" and (one.policy.statements or one.policy.unknown or one.unseen)
    )
