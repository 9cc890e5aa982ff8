"""Queues, topics and functions of an account snapshot that EventBridge sends to, with their own policies."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.account_section import Resources, Section
from policy_audit.sources.build import listing, scalar, unread
from policy_audit.sources.tree import child, items

FUNCTION_POLICY: Final = "PolicyAudit::FunctionPolicy"
"""A type of our own: the whole policy of a function, a version or an alias, which templates write by its statements."""
_STREAMS: Final = ("KinesisStreamParameters", "DynamoDBStreamParameters")


def add_targets(section: Section, resources: Resources) -> None:
    """What rules, schedules and pipes of the Region name, as far as it is of the account and there."""
    for arn in _named(section):
        fields = arn.text.split(":", 5)
        if fields[3:5] == [section.region, resources.account] and len(fields) == 6:
            add = {"sqs": _queue, "sns": _topic, "lambda": _function}.get(fields[2])
            if add is not None:
                add(section, resources, arn)


def _named(section: Section) -> Iterator[Scalar]:
    """The ARNs of targets, and of what takes what they did not take."""
    pairs: list[tuple[Node | None, Node | None]] = []
    for answer in section.answers("events.ListTargetsByRule").values():
        pairs += [(child(one, "Arn"), child(one, "DeadLetterConfig", "Arn")) for one in items(answer.get("Targets"))]
    for answer in section.answers("scheduler.GetSchedule").values():
        pairs.append((child(answer, "Target", "Arn"), child(answer, "Target", "DeadLetterConfig", "Arn")))
    for answer in section.answers("pipes.DescribePipe").values():
        pairs.append((answer.get("Target"), answer.get("Enrichment")))
        pairs += [(child(answer, "SourceParameters", one, "DeadLetterConfig", "Arn"), None) for one in _STREAMS]
    return (one for pair in pairs for one in pair if isinstance(one, Scalar))


def _queue(section: Section, resources: Resources, arn: Scalar) -> None:
    name = arn.text.rpartition(":")[2]
    why = section.why("sqs.GetQueueUrl", name)
    url = child(section.answer("sqs.GetQueueUrl", name), "QueueUrl")
    if isinstance(url, Scalar):
        why = why or section.why("sqs.GetQueueAttributes", url.text)
        attributes = child(section.answer("sqs.GetQueueAttributes", url.text), "Attributes")
    elif not why:
        return  # There is no such queue.
    else:
        attributes = None
    _declare(
        resources, arn, ("AWS::SQS::Queue", "QueueName", name), attributes, why, ("AWS::SQS::QueuePolicy", "Queues")
    )


def _topic(section: Section, resources: Resources, arn: Scalar) -> None:
    why = section.why("sns.GetTopicAttributes", arn.text)
    attributes = child(section.answer("sns.GetTopicAttributes", arn.text), "Attributes")
    if why or attributes is not None:
        name = arn.text.rpartition(":")[2]
        kind = ("AWS::SNS::Topic", "TopicName", name)
        _declare(resources, arn, kind, attributes, why, ("AWS::SNS::TopicPolicy", "Topics"))


def _function(section: Section, resources: Resources, arn: Scalar) -> None:
    """The function, and the policy of what was named: of the function itself, of a version or of an alias."""
    why = section.why("lambda.GetPolicy", arn.text)
    answer = section.answer("lambda.GetPolicy", arn.text)
    fields = arn.text.split(":")
    function = scalar(":".join(fields[:7]), arn.place)
    kind = ("AWS::Lambda::Function", "FunctionName", fields[6] if len(fields) > 6 else "?")
    _declare(resources, function, kind, answer, why, (FUNCTION_POLICY, "Functions"), arn.text)


def _declare(
    resources: Resources,
    arn: Scalar,
    declared: tuple[str, str, str],
    attributes: Node | None,
    why: str,
    attached: tuple[str, str],
    asked: str = "",
) -> None:
    """Adds a resource (its type, the property with its name, the name) and its policy (its type, what names it)."""
    place = attributes.place if isinstance(attributes, Mapping) else arn.place
    kind, property_name, name = declared
    key = unread(why, place) if why else child(attributes, "KmsMasterKeyId")
    named: list[tuple[str | Scalar, Node | None]] = [(property_name, scalar(name, place)), ("KmsMasterKeyId", key)]
    resources.add(arn.text, arn.place, kind, named if kind != "AWS::Lambda::Function" else named[:1])
    document = unread(why, place) if why else child(attributes, "Policy")
    if document is not None:
        attaching, target = attached
        to = listing(place, [scalar(arn.text, place)])
        resources.add(f"{asked or arn.text}/policy", place, attaching, [(target, to), ("PolicyDocument", document)])
