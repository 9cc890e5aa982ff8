"""Queues, topics, functions and buses with the policies of their own, which let services and other accounts in."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.call import Field
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Missing
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


SENDING: Final = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
}
"""By service, the action by which something is sent to a resource of it."""


class OwnPolicy(NamedTuple):
    """A queue, topic, function or bus that the audited files declare, with all that they attach to it as one policy.

    `arn` is the unqualified ARN. `policy` has no statement where nothing is attached: then no service gets in, for the
    policy that AWS makes for a topic admits its own account alone.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """

    address: str
    span: Span
    arn: str
    account: str
    policy: Policy
    unseen: tuple[str, ...] = ()
    """Policies that may be attached to it as well, as they are named."""
    key: Field | None = None
    """The KMS key that a queue or topic is encrypted with, as the template names it."""


def own_policy(system: "System", arn: str | Missing) -> OwnPolicy | Missing:
    """The declared resource with this ARN, or that a version or alias with this ARN belongs to."""
    if isinstance(arn, Missing):
        return arn
    declared = system.index(OwnPolicy, "arn")
    found = declared.get(arn) or declared.get(":".join(arn.split(":", 7)[:7]))
    if found is not None:
        return found
    reasons = system.symbols.reasons(arn)
    if reasons:
        return Missing(reasons[0])
    return Missing(f"the policy of `{system.symbols.show(arn)}` is not among the audited files")


def action_on(arn: str) -> tuple[str, ...] | Missing:
    """By which action an event is sent to a queue, topic, function or bus, as the third field of its ARN tells.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    parts = arn.split(":", 5)
    if len(parts) < 6 or has_letters(parts[2]):
        return Missing("whether it is a queue, a topic or a function is not known")
    found = SENDING.get(parts[2])
    return (found,) if found else Missing(f"nothing is known of sending to `{parts[2]}`")
