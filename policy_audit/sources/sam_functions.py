"""`AWS::Serverless::Function`: the function, and the role that it gets.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.build import attribute, listing, mapping, reference, resource, scalar
from policy_audit.sources.sam_event_rules import of_function
from policy_audit.sources.sam_files import Surroundings
from policy_audit.sources.sam_roles import role
from policy_audit.sources.tree import child, entries, is_no_value, text

_AS_THEY_ARE: Final = ("FunctionName", "Environment", "VpcConfig")
_BASIC: Final = "service-role/AWSLambdaBasicExecutionRole"
_DURABLE: Final = "service-role/AWSLambdaBasicDurableExecutionRolePolicy"
_BY_EVENT: Final = {
    "SQS": "service-role/AWSLambdaSQSQueueExecutionRole",
    "Kinesis": "service-role/AWSLambdaKinesisExecutionRole",
    "DynamoDB": "service-role/AWSLambdaDynamoDBExecutionRole",
    "MSK": "service-role/AWSLambdaMSKExecutionRole",
}
"""The managed policy with which a function reads the source of an event."""
_NOT_READ: Final = frozenset({"DocumentDB", "MQ", "SelfManagedKafka"})
"""Events with whose settings the transform makes statements for brokers and secrets."""
_DESTINATIONS: Final = {
    "SQS": "sqs:SendMessage",
    "SNS": "sns:publish",
    "EventBridge": "events:PutEvents",
    "Lambda": "lambda:InvokeFunction",
}


def function(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """What the resource at `key` becomes."""
    properties, place = body.get("Properties"), key.place
    name = scalar(f"{key.text}Role", place)
    given = child(properties, "Role")
    own = attribute(name.text, "Arn", place)
    branches = child(given, "Fn::If")
    if isinstance(branches, Sequence) and any(is_no_value(one) for one in branches.items):
        chosen = tuple(own if is_no_value(one) else one for one in branches.items)
        given = mapping(branches.place, [("Fn::If", branches._replace(items=chosen))])
    elif given is not None:
        own = mapping(place, ())
    if own.entries:
        documents = tuple(_documents(properties))
        yield name, role(name, properties, "lambda.amazonaws.com", managed=_managed(properties), documents=documents)
    held = [(one, child(properties, one)) for one in _AS_THEY_ARE]
    yield key, resource("AWS::Lambda::Function", place, [*held, ("Role", given or own)])
    yield from of_function(key, properties)
    alias = child(properties, "AutoPublishAlias")
    if isinstance(alias, Scalar):
        name = scalar(f"{key.text}Alias{alias.text}", alias.place)
        around.aliases[f"{key.text}.Alias"] = name.text
        own_name = reference(key.text, alias.place)
        yield name, resource("AWS::Lambda::Alias", alias.place, [("Name", alias), ("FunctionName", own_name)])


def _managed(properties: Node | None) -> tuple[str, ...]:
    """The managed policies that come of themselves, by what the function is and which events it takes."""
    found = [_DURABLE if child(properties, "DurableConfig") is not None else _BASIC]
    if (text(child(properties, "Tracing")) or "Disabled") != "Disabled":
        found.append("AWSXrayWriteOnlyAccess")
    if child(properties, "VpcConfig") is not None:
        found.append("service-role/AWSLambdaVPCAccessExecutionRole")
    for event in entries(child(properties, "Events")):
        policy = _BY_EVENT.get(text(child(event.value, "Type")) or "")
        if policy is not None and policy not in found:
            found.append(policy)
    return tuple(found)


def _documents(properties: Node | None) -> Iterator[tuple[str, Mapping]]:
    """The inline policies that come of themselves, by their names."""
    queue = child(properties, "DeadLetterQueue")
    target = child(queue, "TargetArn")
    if target is not None:
        action = "sns:Publish" if text(child(queue, "Type")) == "SNS" else "sqs:SendMessage"
        yield "DeadLetterQueuePolicy", _allowing(action, target)
    for name in ("OnSuccess", "OnFailure"):
        given = child(properties, "EventInvokeConfig", "DestinationConfig", name)
        action = _DESTINATIONS.get(text(child(given, "Type")) or "", "")
        destination = child(given, "Destination")
        if action and destination is not None:
            yield f"EventInvokeConfig{name}Policy", _allowing(action, destination)
    for event in entries(child(properties, "Events")):
        given = child(event.value, "Properties", "DestinationConfig", "OnFailure")
        action = _DESTINATIONS.get(text(child(given, "Type")) or "", "")
        destination = child(given, "Destination")
        if action and destination is not None:
            yield f"{event.key.text}OnFailurePolicy", _allowing(action, destination)
        if text(child(event.value, "Type")) in _NOT_READ:
            yield f"{event.key.text}Policy", _unknown(event)


def _unknown(event: Entry) -> Mapping:
    """A policy whose statements are not known: the transform makes them of the event's settings."""
    place = event.key.place
    macro = mapping(place, [("Fn::Transform", mapping(place, [("Name", scalar(event.key.text, place))]))])
    return mapping(place, [("Statement", listing(place, [macro]))])


def _allowing(action: str, resource: Node) -> Mapping:
    place = resource.place
    statement = mapping(
        place, [("Effect", scalar("Allow", place)), ("Action", scalar(action, place)), ("Resource", resource)]
    )
    return mapping(place, [("Version", scalar("2012-10-17", place)), ("Statement", listing(place, [statement]))])


def layer(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """`AWS::Serverless::LayerVersion` is CloudFormation's under another name."""
    yield key, resource("AWS::Lambda::LayerVersion", key.place, _given(body))


def table(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """`AWS::Serverless::SimpleTable` is a table of DynamoDB."""
    yield key, resource("AWS::DynamoDB::Table", key.place, _given(body))


def _given(body: Mapping) -> list[tuple[str | Scalar, Node | None]]:
    return [(one.key, one.value) for one in entries(body.get("Properties"))]
