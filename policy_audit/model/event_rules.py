"""A rule of an event bus as a whole: how many targets it has."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.resources import Fact
from policy_audit.model.senders import Sender
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

TARGETS: Final = 5
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html"""


class EventRule(NamedTuple):
    """A rule of an event bus."""

    system: "System"
    sender: Sender

    @property
    def address(self) -> str:
        return self.sender.address

    @property
    def span(self) -> Span:
        return self.sender.span

    @property
    def has_few_enough_targets(self) -> Fact:
        """Whether the rule has no more targets than a rule can have."""
        count = len(self.sender.targets)
        if count > TARGETS:
            return Fact(False, f"has {count} targets", span=self.sender.targets[TARGETS].span)
        return Fact(None if self.sender.unseen else True, self.sender.unseen)


def every(system: "System") -> tuple[EventRule, ...]:
    """Every rule."""
    return tuple(EventRule(system, sender) for sender in system.all(Sender) if sender.kind == "rule")
