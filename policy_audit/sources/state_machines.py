"""State machines of the templates: the definition in whichever of its shapes, and the role that runs it."""

from collections.abc import Sequence

from policy_audit.errors import AuditError
from policy_audit.model.call import Definition
from policy_audit.model.nearest import Nearest
from policy_audit.model.node import Node, Scalar
from policy_audit.model.resources import Missing, Role, StateMachine
from policy_audit.sources.physical_ids import Ids, state_machine_arn
from policy_audit.sources.states import read_definition
from policy_audit.sources.substitutions import substitute
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, entries, text, unknown


def read_state_machines(templates: Sequence[Template], roles: Sequence[Role]) -> tuple[StateMachine, ...]:
    """Every `AWS::StepFunctions::StateMachine` with its tasks.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html
    """
    by_arn: Nearest[Role] = Nearest()
    for role in roles:
        by_arn.add(role.arn, role.address.partition("#")[0], role)
    return tuple(
        _state_machine(template, resource, by_arn)
        for template in templates
        for resource in template.of_type("AWS::StepFunctions::StateMachine")
    )


def _state_machine(template: Template, resource: Resource, roles: Nearest[Role]) -> StateMachine:
    definition, unseen = definition_of(template, resource)
    return StateMachine(
        address=template.address(resource.logical_id),
        span=resource.span,
        arn=state_machine_arn(Ids(template, resource.logical_id)),
        account=template.account,
        role=_role(template, resource, roles),
        definition=definition,
        type=template.property_text(resource.logical_id, "StateMachineType") or "STANDARD",
        unseen=unseen,
        log_level=_setting(template, resource, "LoggingConfiguration", "Level") or "OFF",
        tracing=(_setting(template, resource, "TracingConfiguration", "Enabled") or "false").lower(),
    )


def _setting(template: Template, resource: Resource, configuration: str, name: str) -> str | None:
    """A text of one of the machine's configurations; the hole, where the whole of it is not known."""
    node = template.value(resource.logical_id, configuration)
    return text(node) if unknown(node, template.symbols) else text(child(node, name))


def _role(template: Template, resource: Resource, roles: Nearest[Role]) -> Role | Missing:
    arn = template.property_text(resource.logical_id, "RoleArn")
    if arn is None:
        return Missing("the state machine has no `RoleArn`")
    reasons = template.symbols.reasons(arn)
    shown = template.symbols.show(arn)
    found = roles.of(arn, template.path)
    if found:
        return found[-1]
    return Missing(reasons[0] if reasons else f"the role `{shown}` is not among the audited files")


def definition_of(template: Template, resource: Resource) -> tuple[Definition, tuple[str, ...]]:
    """The definition of a state machine, and why it can't be read, or not all of it."""
    logical_id = resource.logical_id
    given = template.value(logical_id, "DefinitionSubstitutions")
    substitutions = None
    if given is not None:
        # Of a list that is not known no name is known either: every placeholder is then open.
        substitutions = {one.key.text: one.value for one in entries(given) if isinstance(one.value, Scalar)}
    # `DefinitionFile` is the text of a file, from forms that name one beside the template; `DefinitionUnread` is why
    # there is no such text.
    named = ("Definition", "DefinitionString", "DefinitionFile")
    node = next((found for name in named if (found := template.value(logical_id, name)) is not None), None)
    if node is None:
        # `DefinitionAsIs` comes from forms without intrinsic functions: what looks like one is text.
        node = child(resource.properties, "DefinitionAsIs")
    if node is None:
        unread = template.property_text(logical_id, "DefinitionUnread")
        if unread is not None:
            return Definition(()), (unread,)
        location = template.value(logical_id, "DefinitionS3Location")
        if location is None:
            return Definition(()), ("the state machine has no definition",)
        return Definition(()), ("its definition lies in S3 (`DefinitionS3Location`), which the audit does not read",)
    return _read(node, substitutions, template)


def _read(
    node: Node, substitutions: dict[str, Scalar] | None, template: Template
) -> tuple[Definition, tuple[str, ...]]:
    reason = unknown(node, template.symbols)
    if reason:
        return Definition(()), (f"its definition is not known: {reason}",)
    if substitutions is not None:
        node = substitute(node, substitutions, template.symbols)
    if isinstance(node, Scalar):
        try:
            node = template.embedded_document(node)
        except AuditError as error:
            return Definition(()), (f"its definition can't be parsed: {error.message} ({error.where})",)
    else:
        template.embedded[node.place.start, ""] = node
    return read_definition(node, template.symbols), ()
