"""Queues for events that could not be delivered, as rules ask about them: who sends there, and by whose leave."""

from typing import TYPE_CHECKING

from policy_audit.model.api_destinations import ApiDestination
from policy_audit.model.call import Field
from policy_audit.model.event_targets import EventTarget
from policy_audit.model.own_policies import OwnPolicy, action_on, own_policy
from policy_audit.model.resources import Fact, Missing
from policy_audit.model.senders import Sender
from policy_audit.model.targets import Target
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class DeadLetterQueue(NamedTuple):
    """What `DeadLetterConfig` of a rule's target, of a schedule or of a pipe's source names."""

    target: EventTarget
    """Whose undelivered events it takes."""
    queue: Field

    @property
    def address(self) -> str:
        return self.target.address

    @property
    def span(self) -> Span:
        return self.queue.span

    @property
    def part(self) -> str:
        """What a reader knows the target by within its rule, pipe or schedule."""
        return self.target.part

    @property
    def name(self) -> str:
        """The logical id of the rule, pipe or schedule."""
        return self.target.name

    @property
    def sent_by(self) -> str:
        """`rule`, `pipe` or `schedule`. A rule sends as EventBridge, the others with their role.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html
        """
        return self.target.sent_by

    @property
    def arn(self) -> str:
        """The ARN of the queue."""
        return self.queue.text

    @property
    def action(self) -> tuple[str, ...] | Missing:
        """By which action it is sent to: that of a queue, or of a topic, which a pipe may have."""
        if self.sent_by == "rule":
            return ("sqs:SendMessage",)
        if len(self.arn) == 1 and has_letters(self.arn):
            reasons = self.target.system.symbols.reasons(self.arn)
            return Missing(reasons[0]) if reasons else ("sqs:SendMessage",)
        return action_on(self.arn)

    @property
    def own_policy(self) -> OwnPolicy | Missing:
        """The policies of the queue."""
        return own_policy(self.target.system, self.arn)

    @property
    def shows_own_policy(self) -> bool:
        """Whether the queue is among the audited files."""
        return not isinstance(self.own_policy, Missing)

    @property
    def is_standard(self) -> Fact:
        """Whether it is a standard queue: EventBridge does not send to FIFO queues, whose names end in `.fifo`.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fifo-queue-message-identifiers.html
        """
        if self.arn.endswith(".fifo"):
            shown = self.target.system.symbols.show(self.arn)
            return Fact(False, f"names `{shown}`, a FIFO queue", span=self.span)
        if has_letters(self.arn[-1:]):
            symbol = self.target.system.symbols.of(self.arn[-1])
            if not symbol.generated:
                shown = self.target.system.symbols.show(self.arn)
                return Fact(None, symbol.reason or f"how the name of `{shown}` ends is not known", span=self.span)
        return Fact(True, "")

    @property
    def other_grants(self) -> tuple[str, ...]:
        """The policy of the queue, where it may let the role in.

        In one account it is enough that either the role's policies or the queue's own allow a request.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        """
        found = self.target.system.index(Target, "arn").get(self.arn)
        if found is None:
            return (f"the policy of `{self.target.system.symbols.show(self.arn)}`",)
        return (found.open_to_roles,) if found.open_to_roles else ()


def every(system: "System") -> tuple[DeadLetterQueue, ...]:
    """The queue of every target that has one."""
    names = frozenset(one.name_arn.partition(":api-destination/")[2] for one in system.all(ApiDestination))
    return tuple(
        DeadLetterQueue(EventTarget(system, sender, target, names), target.dead_letters)
        for sender in system.all(Sender)
        for target in sender.targets
        if target.dead_letters is not None
    )
