"""Rules of event buses, pipes and schedules of the templates, with their targets."""

from collections.abc import Sequence
from typing import Final

from policy_audit.model.call import Field
from policy_audit.model.node import Node
from policy_audit.model.senders import Sender, Target
from policy_audit.model.value import has_letters
from policy_audit.sources.physical_ids import Ids, attribute, event_bus_name, event_rule_arn, schedule_group_arn
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, field, items, text, texts, unknown

RULE: Final = "AWS::Events::Rule"
PIPE: Final = "AWS::Pipes::Pipe"
SCHEDULE: Final = "AWS::Scheduler::Schedule"
SUBSCRIBER: Final = "AWS::EventsV2::Subscriber"


def read_senders(templates: Sequence[Template]) -> tuple[Sender, ...]:
    """Every rule, pipe, schedule, and subscriber of a custom event bus.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-pipes-pipe.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eventsv2-subscriber.html
    """
    readers = ((RULE, _rule), (PIPE, _pipe), (SCHEDULE, _schedule), (SUBSCRIBER, _subscriber))
    return tuple(
        read(template, resource)
        for template in templates
        for kind, read in readers
        for resource in template.of_type(kind)
    )


def _rule(template: Template, resource: Resource) -> Sender:
    ids = Ids(template, resource.logical_id)
    node = template.value(resource.logical_id, "Targets")
    own = field(template.value(resource.logical_id, "RoleArn"))
    return Sender(
        "rule",
        template.address(resource.logical_id),
        resource.span,
        event_rule_arn(ids),
        template.account,
        ids.name("Name"),
        _of_rule(template, node, own),
        bus=event_bus_name(ids),
        unseen=next((reason for one in (node, *items(node)) if (reason := unknown(one, template.symbols))), ""),
    )


def _of_rule(template: Template, node: Node | None, own: Field | None) -> tuple[Target, ...]:
    """The targets of a rule by their ids, or by their places where an id is missing or not its own."""
    found: dict[str, Target] = {}
    for index, item in enumerate(items(node)):
        name = text(child(item, "Id"))
        if not unknown(item, template.symbols):
            key = name if name and name not in found else f"Targets[{index}]"
            found[key] = _target(template, item, key, own)
    return tuple(found.values())


def _target(template: Template, node: Node, name: str, own: Field | None) -> Target:
    arn = field(child(node, "Arn"))
    return Target(
        name,
        arn.span if arn else node.place.span,
        arn,
        field(child(node, "RoleArn")) or own,
        _path_values(template, child(node, "HttpParameters")),
        resource_type=_resource_type(template, arn),
        dead_letters=field(child(node, "DeadLetterConfig", "Arn")),
    )


def _pipe(template: Template, resource: Resource) -> Sender:
    ids = Ids(template, resource.logical_id)
    role = field(template.value(resource.logical_id, "RoleArn"))
    names = [one for one in ("Enrichment", "Target") if template.value(resource.logical_id, one) is not None]
    return Sender(
        "pipe",
        template.address(resource.logical_id),
        resource.span,
        attribute(template, PIPE, resource.logical_id, "Arn"),
        template.account,
        ids.name("Name"),
        tuple(_of_pipe(template, resource, name, role) for name in names),
    )


def _of_pipe(template: Template, resource: Resource, name: str, role: Field | None) -> Target:
    arn = field(template.value(resource.logical_id, name))
    parameters = template.value(resource.logical_id, f"{name}Parameters")
    span = arn.span if arn else resource.span
    values = _path_values(template, child(parameters, "HttpParameters"))
    invocation = field(child(parameters, "StepFunctionStateMachineParameters", "InvocationType"))
    queue = _dead_letters_of_source(template, resource) if name == "Target" else None
    return Target(name, span, arn, role, values, invocation, _resource_type(template, arn), queue)


def _dead_letters_of_source(template: Template, resource: Resource) -> Field | None:
    """Where a pipe puts what it could not read from a stream: only streams have that."""
    parameters = template.value(resource.logical_id, "SourceParameters")
    streams = ("KinesisStreamParameters", "DynamoDBStreamParameters")
    found = (field(child(parameters, stream, "DeadLetterConfig", "Arn")) for stream in streams)
    return next((one for one in found if one is not None), None)


def _schedule(template: Template, resource: Resource) -> Sender:
    ids = Ids(template, resource.logical_id)
    node = template.value(resource.logical_id, "Target")
    arn = field(child(node, "Arn"))
    span = arn.span if arn else resource.span
    target = Target(
        "Target",
        span,
        arn,
        field(child(node, "RoleArn")),
        resource_type=_resource_type(template, arn),
        dead_letters=field(child(node, "DeadLetterConfig", "Arn")),
    )
    reason = unknown(node, template.symbols)
    return Sender(
        "schedule",
        template.address(resource.logical_id),
        resource.span,
        schedule_group_arn(ids),
        template.account,
        ids.name("Name"),
        () if node is None or reason else (target,),
        unseen=reason,
    )


def _subscriber(template: Template, resource: Resource) -> Sender:
    node = template.value(resource.logical_id, "InvokeConfiguration")
    arn = field(child(node, "TargetArn"))
    target = Target(
        "InvokeConfiguration",
        arn.span if arn else resource.span,
        arn,
        field(child(node, "RoleArn")),
        _path_values(template, child(node, "HttpParameters")),
        field(child(node, "StepFunctionsParameters", "InvocationType")),
        _resource_type(template, arn),
    )
    reason = unknown(node, template.symbols)
    return Sender(
        "subscriber",
        template.address(resource.logical_id),
        resource.span,
        template.symbols.hole("AWS does not say what `aws:SourceArn` is for a subscriber"),
        template.account,
        Ids(template, resource.logical_id).name("Name"),
        () if node is None or reason else (target,),
        unseen=reason,
    )


def _path_values(template: Template, parameters: Node | None) -> tuple[str, ...]:
    """The values of an API's path parameters; a JSON path stands for what only the event tells."""
    return tuple(
        template.symbols.hole("the event tells this part of the path") if "$." in value else value
        for value in texts(child(parameters, "PathParameterValues"))
    )


def _resource_type(template: Template, arn: Field | None) -> str:
    """The type of the resource of this template that AWS makes the whole `arn` for; else empty."""
    if arn is None or len(arn.text) != 1 or not has_letters(arn.text):
        return ""
    whole = template.symbols.of(arn.text).name.removeprefix("${").removesuffix("}")
    logical_id, _, name = whole.partition(".")
    if logical_id not in template.resources:
        # A logical id that is an address of Terraform's has dots itself.
        logical_id, name = (whole, "") if whole in template.resources else whole.rpartition(".")[::2]
    if logical_id not in template.resources:
        return ""
    made = template.attribute_text(logical_id, name) if name else template.reference_text(logical_id)
    return template.resources[logical_id].type if made == arn.text else ""
