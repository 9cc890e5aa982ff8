"""What sends events: rules of event buses, subscribers of custom ones, pipes and schedules, with their targets."""

from typing import Literal

from policy_audit.model.call import Field
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class Target(NamedTuple):
    """One target, or the enrichment of a pipe. A field is None when the template does not set it."""

    name: str
    """Its `Id`, or the property that names it: `Target`, `Enrichment`."""
    span: Span
    arn: Field | None = None
    role: Field | None = None
    """The role that it is invoked with: its own, or that of the rule or pipe."""
    path_values: tuple[str, ...] = ()
    """What takes the place of each `*` in the ARN of an API's method; what the event tells is a hole."""
    invocation: Field | None = None
    """How a pipe starts a state machine: `REQUEST_RESPONSE` unless said, or `FIRE_AND_FORGET`. A subscriber has `EVENT`
    in the place of the latter."""
    resource_type: str = ""
    """The type of the audited resource that the ARN is of, where its text alone does not tell."""
    dead_letters: Field | None = None
    """The queue (or a pipe's topic) for what could not be delivered; a pipe has it for its source."""


class Sender(NamedTuple):
    """A rule, pipe, schedule or subscriber.

    `source_arn` is what a role's trust policy sees as `aws:SourceArn`: the ARN of the rule or pipe, and for a schedule
    that of its group. What it is for a subscriber no page says: it is a hole.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """

    kind: Literal["rule", "pipe", "schedule", "subscriber"]
    address: str
    span: Span
    source_arn: str
    account: str
    name: str
    targets: tuple[Target, ...] = ()
    bus: str = "default"
    """The event bus of a rule."""
    unseen: str = ""
    """Why targets may be missing here."""


SERVICES = {
    "rule": "events.amazonaws.com",
    "pipe": "pipes.amazonaws.com",
    "schedule": "scheduler.amazonaws.com",
    "subscriber": "events.amazonaws.com",
}
"""Who assumes the role of each kind of sender."""
