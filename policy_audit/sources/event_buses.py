"""Event buses with the statements of their policies: who may put events on them."""

from collections.abc import Sequence
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.model.node import Node, Scalar
from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.sources.build import mapping, scalar
from policy_audit.sources.elsewhere import Unplaced
from policy_audit.sources.nodes import parse_embedded
from policy_audit.sources.physical_ids import Ids, event_bus_name
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, text

BUS: Final = "AWS::Events::EventBus"
POLICY: Final = "AWS::Events::EventBusPolicy"
DEFAULT: Final = "default"


def read_event_buses(templates: Sequence[Template]) -> tuple[OwnPolicy, ...]:
    """Every declared event bus, and the default bus of an account where a policy of it is declared.

    A bus has one policy, to which every `AWS::Events::EventBusPolicy` adds a statement.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbus.html
    """
    attached: dict[str, list[Policy]] = {}
    defaults: dict[str, tuple[Template, Resource]] = {}
    for template in templates:
        for resource in template.of_type(POLICY):
            arn = arn_of_bus(template, resource)
            attached.setdefault(arn, []).append(policy_of(template, resource))
            if arn.endswith(f":event-bus/{DEFAULT}"):
                defaults.setdefault(arn, (template, resource))
    declared = {_arn(template, one): (template, one) for template in templates for one in template.of_type(BUS)}
    buses = defaults | declared
    elsewhere = templates[0].elsewhere.of("bus") if buses else ()
    unseen = [f"the policy `{one.told}`, which may be attached to it," for one in (*unplaced(templates), *elsewhere)]
    return tuple(_bus(*bus, arn, attached.get(arn, ()), unseen[:3]) for arn, bus in buses.items())


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """The policies that may be attached to any bus: the name of theirs is open, and no bus's here."""
    declared = {_arn(template, one) for template in templates for one in template.known(BUS)}
    return tuple(
        Unplaced("", resource.logical_id)
        for template in templates
        for resource in template.of_type(POLICY)
        for arn in (arn_of_bus(template, resource),)
        if arn not in declared and has_letters(arn.rpartition(":event-bus/")[2])
    )


def _arn(template: Template, resource: Resource) -> str:
    ids = Ids(template, resource.logical_id)
    return ids.arn("events", f"event-bus/{ids.name('Name')}")


def _bus(
    template: Template, resource: Resource, arn: str, attached: Sequence[Policy], unseen: Sequence[str]
) -> OwnPolicy:
    name = f"{resource.logical_id} (own policy)"
    own = template.value(resource.logical_id, "Policy") if resource.type == BUS else None
    policies = [*([] if own is None else [read_policy(own, name, template.symbols)]), *attached]
    joined = _joined(policies, name, resource.span)
    return OwnPolicy(template.address(resource.logical_id), resource.span, arn, template.account, joined, tuple(unseen))


def _joined(policies: Sequence[Policy], name: str, span: Span) -> Policy:
    if len(policies) == 1:
        return policies[0]
    unknown = next((one.unknown for one in policies if one.unknown), "")
    statements = tuple(statement for one in policies for statement in one.statements)
    return Policy(statements, "2012-10-17", name, unknown, span if policies else None)


def arn_of_bus(template: Template, resource: Resource) -> str:
    """The ARN of the bus that a policy is of."""
    ids = Ids(template, resource.logical_id)
    return ids.arn("events", f"event-bus/{event_bus_name(ids)}")


def policy_of(template: Template, resource: Resource) -> Policy:
    """What an `AWS::Events::EventBusPolicy` says."""
    logical_id = resource.logical_id
    document = template.value(logical_id, "PolicyDocument")
    statement = template.value(logical_id, "Statement")
    if document is not None:  # The whole policy, which Terraform gives.
        return read_policy(document, logical_id, template.symbols)
    if statement is not None:
        return _of_statement(template, statement, logical_id)._replace(span=resource.span)
    return Policy((_of_properties(template, resource),), "2012-10-17", logical_id, "", resource.span)


def _of_statement(template: Template, statement: Node, name: str) -> Policy:
    """The policy of one statement, which is given as an object or as text in JSON."""
    if isinstance(statement, Scalar) and statement.text.lstrip().startswith("{"):
        try:
            statement = parse_embedded(statement)
        except AuditError as error:
            return Policy((), name=name, unknown=f"the statement is not JSON: {error.message}")
    version = scalar("2012-10-17", statement.place)
    document = mapping(statement.place, [("Version", version), ("Statement", statement)])
    return read_policy(document, name, template.symbols)


def _of_properties(template: Template, resource: Resource) -> Statement:
    """The statement that `Principal`, `Action` and `Condition` make: `*` is anybody, else it is an account's id.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
    """
    given = {name: template.property_text(resource.logical_id, name) or "" for name in ("Action", "Principal")}
    node = template.value(resource.logical_id, "Condition")
    told = [text(child(node, name)) or "" for name in ("Type", "Key", "Value")]
    unknown = tuple(f"its `{name}` is not known" for name, value in given.items() if not value or has_letters(value))
    if node is not None and not all(told):
        unknown += ("its `Condition` is not known",)
    principal = given["Principal"]
    return Statement(
        "Allow",
        (given["Action"],),
        ("*",),
        (Principal("*" if principal == "*" else "AWS", principal),),
        (Condition(told[0], told[1], (told[2],)),) if node is not None else (),
        sid=template.property_text(resource.logical_id, "StatementId") or resource.logical_id,
        unknown=unknown,
        span=resource.span,
    )
