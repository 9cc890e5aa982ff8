"""Events of SAM's state machines and functions: rules and schedules, and the roles with which they start executions.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-statemachine-statemachineeventsource.html
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar
from policy_audit.sources.build import attribute, listing, mapping, reference, resource, scalar
from policy_audit.sources.sam_roles import trust
from policy_audit.sources.tree import child, entries, text

Made = Iterator[tuple[Scalar, Mapping]]
_EVENTS: Final = "events.amazonaws.com"
_RULES: Final = frozenset({"Schedule", "CloudWatchEvent", "EventBridgeRule"})
_START: Final = "states:StartExecution"
_OF_TARGET: Final = ("Input", "InputPath", "InputTransformer", "RetryPolicy")


def of_state_machine(machine: Scalar, properties: Node | None) -> Made:
    """What the events of a state machine become, beside the methods of an API."""
    boundary = child(properties, "PermissionsBoundary")
    for event in entries(child(properties, "Events")):
        kind, given = text(child(event.value, "Type")), child(event.value, "Properties")
        arn = reference(machine.text, event.key.place)
        if kind == "Api":
            yield _role(machine, event, "apigateway.amazonaws.com", arn, boundary)
        elif kind in _RULES:
            own = child(given, "RoleArn") if kind == "Schedule" else None
            if own is None:
                yield _role(machine, event, _EVENTS, arn, boundary)
                own = attribute(f"{machine.text}{event.key.text}Role", "Arn", event.key.place)
            yield from _rule_or_schedule(machine, event, given, kind or "", arn, own)
        elif kind == "ScheduleV2":
            yield from _schedule(machine, event, given, arn)


def of_function(function: Scalar, properties: Node | None) -> Made:
    """What the rules and schedules of a function become."""
    for event in entries(child(properties, "Events")):
        kind, given = text(child(event.value, "Type")), child(event.value, "Properties")
        arn = attribute(function.text, "Arn", event.key.place)
        if kind in _RULES:
            yield from _rule_or_schedule(function, event, given, kind or "", arn, None)
            yield _permission(function, event)
        elif kind == "ScheduleV2":
            yield from _schedule(function, event, given, arn, "lambda:InvokeFunction")


def _permission(function: Scalar, event: Entry) -> tuple[Scalar, Mapping]:
    """By which the rule invokes the function: it has no role for that."""
    place = event.key.place
    rule = f"{function.text}{event.key.text}"
    return scalar(f"{rule}Permission", place), resource(
        "AWS::Lambda::Permission",
        place,
        [
            ("Action", scalar("lambda:InvokeFunction", place)),
            ("FunctionName", reference(function.text, place)),
            ("Principal", scalar(_EVENTS, place)),
            ("SourceArn", attribute(rule, "Arn", place)),
        ],
    )


def _schedule(owner: Scalar, event: Entry, given: Node | None, arn: Node, action: str = _START) -> Made:
    """A schedule, and the role with which it calls its target when it names none."""
    own = child(given, "RoleArn")
    if own is None:
        queue, limit = child(given, "DeadLetterConfig", "Arn"), child(given, "PermissionsBoundary")
        yield _role(owner, event, "scheduler.amazonaws.com", arn, limit, queue, action)
        own = attribute(f"{owner.text}{event.key.text}Role", "Arn", event.key.place)
    yield from _rule_or_schedule(owner, event, given, "ScheduleV2", arn, own)


def _role(
    owner: Scalar,
    event: Entry,
    service: str,
    arn: Node,
    boundary: Node | None,
    queue: Node | None = None,
    action: str = _START,
) -> tuple[Scalar, Mapping]:
    """The role with which a service starts the state machine, or calls the function."""
    place = event.key.place
    name = scalar(f"{owner.text}{event.key.text}Role", place)
    policies = [_allowing(f"{name.text}{action.rpartition(':')[2]}Policy", action, arn, place)]
    if queue is not None:
        policies.append(_allowing(f"{owner.text}{event.key.text}SQSPolicy", "sqs:SendMessage", queue, place))
    return name, resource(
        "AWS::IAM::Role",
        place,
        [
            ("AssumeRolePolicyDocument", trust(service, place)),
            ("Policies", listing(place, policies)),
            ("PermissionsBoundary", boundary),
        ],
    )


def _allowing(name: str, action: str, resource: Node, place: Place) -> Mapping:
    statement = mapping(
        place, [("Action", scalar(action, place)), ("Effect", scalar("Allow", place)), ("Resource", resource)]
    )
    document = mapping(place, [("Version", scalar("2012-10-17", place)), ("Statement", listing(place, [statement]))])
    return mapping(place, [("PolicyName", scalar(name, place)), ("PolicyDocument", document)])


def _rule_or_schedule(owner: Scalar, event: Entry, given: Node | None, kind: str, arn: Node, role: Node | None) -> Made:
    """The rule of EventBridge, or the schedule of its scheduler, with the one target."""
    place = event.key.place
    name = scalar(f"{owner.text}{event.key.text}", place)
    queue = child(given, "DeadLetterConfig", "Arn")
    own_queue = queue is None and text(child(given, "DeadLetterConfig", "Type")) == "SQS" and kind in _RULES
    if own_queue:
        queue_id = text(child(given, "DeadLetterConfig", "QueueLogicalId")) or f"{name.text}Queue"
        queue = attribute(queue_id, "Arn", place)
        yield from _queue(scalar(queue_id, place), scalar(f"{name.text}QueuePolicy", place), name)
    target = mapping(
        place,
        [
            ("Arn", arn),
            ("Id", child(given, "Target", "Id") or scalar(f"{name.text}StepFunctionsTarget", place)),
            ("RoleArn", role),
            *((one, child(given, one)) for one in _OF_TARGET),
            ("DeadLetterConfig", mapping(place, [("Arn", queue)]) if queue is not None else None),
        ],
    )
    if kind == "ScheduleV2":
        schedule = [("ScheduleExpression", child(given, "ScheduleExpression")), ("Target", target)]
        yield name, resource("AWS::Scheduler::Schedule", place, [("Name", child(given, "Name")), *schedule])
        return
    yield (
        name,
        resource(
            "AWS::Events::Rule",
            place,
            [
                ("Name", child(given, "Name") if kind == "Schedule" else child(given, "RuleName")),
                ("EventBusName", child(given, "EventBusName")),
                ("EventPattern", child(given, "Pattern")),
                ("ScheduleExpression", child(given, "Schedule")),
                ("State", _state(given)),
                ("Targets", listing(place, [target])),
            ],
        ),
    )


def _state(given: Node | None) -> Node | None:
    """`State`, or what `Enabled` says instead."""
    enabled = child(given, "Enabled")
    if isinstance(enabled, Scalar) and enabled.text.lower() in ("true", "false"):
        return scalar("ENABLED" if enabled.text.lower() == "true" else "DISABLED", enabled.place)
    return child(given, "State")


def _queue(queue: Scalar, policy: Scalar, rule: Scalar) -> Made:
    """The queue for what can't be delivered, and its policy, which lets the rule send to it."""
    place = queue.place
    yield queue, resource("AWS::SQS::Queue", place, [])
    condition = mapping(place, [("ArnEquals", mapping(place, [("aws:SourceArn", attribute(rule.text, "Arn", place))]))])
    statement = mapping(
        place,
        [
            ("Effect", scalar("Allow", place)),
            ("Principal", mapping(place, [("Service", scalar(_EVENTS, place))])),
            ("Action", scalar("sqs:SendMessage", place)),
            ("Resource", attribute(queue.text, "Arn", place)),
            ("Condition", condition),
        ],
    )
    document = mapping(place, [("Version", scalar("2012-10-17", place)), ("Statement", listing(place, [statement]))])
    queues = listing(place, [reference(queue.text, place)])
    yield policy, resource("AWS::SQS::QueuePolicy", place, [("PolicyDocument", document), ("Queues", queues)])
