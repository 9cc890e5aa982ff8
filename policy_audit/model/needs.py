"""What a workflow needs beside API calls: each permission of its role, joined with what it is needed for.

A need is one gap at most: its actions are asked together, on one resource. Needs come from the integrations of tasks,
from distributed Maps with what they read and write, and from the state machine's logging and tracing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.model.call import DistributedMap, Task
from policy_audit.model.integrations import Ask, Integration, integrations
from policy_audit.model.resources import Missing, Role, StateMachine
from policy_audit.model.targets import Target, TaskDefinition, may_be_granted_by_a_resource
from policy_audit.model.task_resources import KINDS, OF_ACTIONS, Named, Naming, bus_arns, is_arn
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import Call
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

Kind = Literal[
    "task",
    "sync",
    "managed-rule",
    "pass-role",
    "beside",
    "map-execution",
    "map-upkeep",
    "map-reader",
    "map-writer",
    "map-writer-parts",
    "logging",
    "tracing",
]

LOGGING: Final = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html

The page lists `logs:DeleteLogDelivery`, `logs:CreateLogStream` and `logs:PutLogEvents` as well: no delivery is set up
with the first, and earlier versions of the page, the AWS CDK and SAM do without the others.
"""

TRACING: Final = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)
"""https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html"""

MANAGED_RULE: Final = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html"""


class Need(NamedTuple):
    """Actions that a role must be allowed on one resource, for one task, Map or state machine."""

    system: "System"
    state_machine: StateMachine
    kind: str
    """One of `Kind`."""
    role: Role | Missing
    actions: tuple[str, ...] | Missing
    resource: str
    span: Span
    state: str
    """The state that needs it, with those that enclose it; empty for what the whole state machine needs."""
    integration: str = ""
    unconfirmed_resource: str | None = None
    """Another form of the resource, for which AWS's pages do not say whether a policy for it alone suffices."""
    passed_to: str | None = None
    """The service that a role is passed to: `iam:PassedToService`."""
    execution_role: str | None = None
    """The role of an EMR on EKS job: `emr-containers:ExecutionRoleArn`."""
    managed_by: str | None = None
    """The tag of what Step Functions made itself: `aws:ResourceTag/ManagedByService`."""
    prefix: str | None = None
    """What a listing of a bucket is limited to: `s3:prefix`."""
    cluster: str | None = None
    """The ECS cluster of a task: `ecs:cluster`."""

    @property
    def address(self) -> str:
        return self.state_machine.address

    @property
    def managed_rule(self) -> str:
        """The name of the managed rule of `.sync`."""
        return self.resource.rpartition("/")[2] if self.kind == "managed-rule" else ""

    @property
    def other_grants(self) -> tuple[str, ...]:
        """Policies of the resource itself that may let the role in, but that can't be asked.

        In one account it is enough that either the role's policies or the resource's own allow a request, and a
        resource policy that names the role, or everybody, grants it. So a resource that the audited files do not
        declare may have such a policy; one that they declare has those that they attach to it.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        """
        if isinstance(self.actions, Missing) or isinstance(self.role, Missing):
            return ()
        if not any(map(may_be_granted_by_a_resource, self.actions)):
            return ()
        if self.kind in ("managed-rule", "logging", "tracing") or self._is_elsewhere():
            return ()
        found = self._target()
        if found is None:
            shown = self.system.symbols.show(self.resource)
            return ("the resource policy of what it calls" if len(self.resource) == 1 else f"the policy of `{shown}`",)
        return (found.open_to_roles,) if found.open_to_roles else ()

    def _is_elsewhere(self) -> bool:
        """Whether the resource belongs to another account than the role: then the role's policies must allow it."""
        parts = self.resource.split(":", 5)
        if len(parts) < 6 or not parts[4] or isinstance(self.role, Missing):
            return False
        return parts[4] != self.role.account and not has_letters(parts[4] + self.role.account)

    def _target(self) -> Target | None:
        """The declared resource that is called: itself, or what a version, an index or an object belongs to."""
        declared = self.system.index(Target, "arn")
        if self.resource in declared or not declared:
            return declared.get(self.resource)
        parts = self.resource.split(":", 6)
        starts = [":".join(parts[:7]).partition("/")[0], "/".join(self.resource.split("/", 2)[:2])]
        starts.append(":".join(self.resource.split(":", 7)[:7]))
        return next((declared[start] for start in starts if start in declared), None)


def every(system: "System") -> tuple[Need, ...]:
    """Every need of every state machine but for calls of APIs, which are `call`'s."""
    found: list[Need] = []
    for call in system.calls:
        if not has_letters(call.integration):
            found += of_task(call)
    for machine in system.state_machines:
        for one in machine.definition.maps:
            found += _of_map(system, machine, one)
        found += _of_machine(system, machine)
    return tuple(found)


# ---- tasks ----------------------------------------------------------------------------------------------------------


def of_task(call: Call) -> Iterator[Need]:
    """Every need of one task, whose integration is known."""
    if call.integration.startswith("aws-sdk:"):
        yield from _of_sdk(call)
        return
    found = integrations().get(call.integration)
    if found is None or found.elsewhere:
        # What no table has is the business of the rules about integrations themselves.
        return
    if found.needs is None:
        actions = Missing(f"which permissions `{call.integration}` needs is not known")
        yield _need(call, "task", actions, Named(_naming(call).any()))
        return
    yield from _asked(call, "task", found.needs)
    if call.task.pattern == "sync":
        if found.sync is not None:
            yield from _asked(call, "sync", found.sync)
        if found.managed_rule and call.task.credentials_role is None:
            yield _rule(call, found.managed_rule)
    if found.beside is not None:
        yield from _asked(call, "beside", found.beside)
    yield from _passed(call, found)


def _of_sdk(call: Call) -> Iterator[Need]:
    from policy_audit.model.sdk_operations import Unknown, actions_of_operation, is_not_offered

    _, _, rest = call.integration.partition(":")
    service, _, operation = rest.partition(":")
    actions = actions_of_operation(service, operation)
    if isinstance(actions, Unknown) or is_not_offered(service, operation):
        # The business of the rule about the SDK's operations.
        return
    naming = _naming(call)
    kind = OF_ACTIONS.get(actions[0], "any") if len(actions) == 1 else "any"
    if actions == ("events:PutEvents",):
        yield from (_need(call, "task", actions, Named(arn)) for arn in bus_arns(naming))
    else:
        yield _need(call, "task", actions, KINDS[kind](naming))


def _naming(call: Call) -> Naming:
    """What the task names is in the account of the role that it runs with, which `Credentials` may make another."""
    role = call.role
    account = role.account if isinstance(role, Role) else call.state_machine.account
    return Naming(call.system, call.task, call.region, account)


def _asked(call: Call, kind: Kind, ask: Ask) -> Iterator[Need]:
    naming = _naming(call)
    found = [Named(arn) for arn in bus_arns(naming)] if ask.resource == "bus" else [KINDS[ask.resource](naming)]
    for named in found:
        need = _need(call, kind, ask.actions, named)
        if ask.managed:
            need = need._replace(managed_by="AWSStepFunctions")
        if ask.actions == ("emr-containers:StartJobRun",):
            need = need._replace(execution_role=naming.text("ExecutionRoleArn"))
        if ask.actions == ("ecs:RunTask",):
            cluster = naming.text("Cluster")
            need = need._replace(cluster=cluster if cluster and is_arn(cluster) else None)
        yield need


def _rule(call: Call, name: str) -> Need:
    """The rule by which Step Functions learns that what it started has ended: in the machine's own account.

    A task with `Credentials` is not asked for it. What it starts in another account is polled, and "the Amazon
    EventBridge permissions from the example policy are not required"; of a role of the own account no page tells.
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cross-acct-sync-pattern.html
    """
    system, machine = call.system, call.state_machine
    arn = f"arn:{system.partition}:events:{call.region}:{machine.account}:rule/{name}"
    return _need(call, "managed-rule", MANAGED_RULE, Named(arn))


def _passed(call: Call, found: Integration) -> Iterator[Need]:
    """The roles that the task hands on: an argument with the role's ARN, or those of an ECS task definition."""
    passed = found.passed
    if passed is None:
        return
    naming = _naming(call)
    if passed.argument == "TaskDefinition":
        roles: Iterable[str] = _task_roles(naming)
    else:
        role = naming.text(passed.argument)
        if role is None and call.task.computed is None:
            return
        roles = (naming.any() if role is None else role if is_arn(role) or naming.is_open(role) else _role(call, role),)
    for arn in dict.fromkeys(roles):
        yield _need(call, "pass-role", ("iam:PassRole",), Named(arn))._replace(passed_to=passed.service or None)


def _role(call: Call, name: str) -> str:
    """The ARN of a role that is given by name, as EMR takes it: its path is not told."""
    system = call.system
    return f"arn:{system.partition}:iam::{call.state_machine.account}:role/{name}"


def _task_roles(naming: Naming) -> Iterator[str]:
    """The roles of the task that is run: of its definition, unless the state overrides them."""
    definition = naming.task_definition()
    system = naming.system
    found = system.index(TaskDefinition, "arn").get(definition.arn)
    if found is None and definition.unconfirmed:
        found = system.index(TaskDefinition, "family_arn").get(definition.unconfirmed)
    if found is None:
        yield naming.any("the roles of the task definition are not among the audited files")
    else:
        yield from found.roles
    for name in ("TaskRoleArn", "ExecutionRoleArn"):
        yield from naming.texts(f"Overrides.{name}")


def _need(call: Call, kind: Kind, actions: tuple[str, ...] | Missing, named: Named) -> Need:
    return Need(
        call.system,
        call.state_machine,
        kind,
        call.role,
        actions,
        named.arn,
        call.span,
        call.state,
        call.integration,
        named.unconfirmed,
    )


# ---- distributed Maps -----------------------------------------------------------------------------------------------


def _of_map(system: "System", machine: StateMachine, one: DistributedMap) -> Iterator[Need]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html"""

    def need(kind: Kind, actions: tuple[str, ...], resource: str) -> Need:
        return Need(system, machine, kind, machine.role, actions, resource, one.span, one.name)

    yield need("map-execution", ("states:StartExecution",), machine.arn)
    start, _, name = machine.arn.partition(":stateMachine:")
    run = system.symbols.hole("the name of an execution is made when it starts", "execution")
    label = one.label.text if one.label else system.symbols.hole("Step Functions makes the Map's label", "label")
    yield need("map-upkeep", ("states:DescribeExecution",), f"{start}:execution:{name}:{run}")
    yield need("map-upkeep", ("states:RedriveExecution",), f"{start}:execution:{name}/{label}:{run}")
    if one.reader is not None:
        yield from _read(system, one.reader, need)
    if one.writer is not None:
        written = Naming(system, one.writer).written().arn
        yield need("map-writer", ("s3:PutObject",), written)
        parts = ("s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
        yield need("map-writer-parts", parts, written)


_Make = Callable[[Kind, tuple[str, ...], str], Need]


def _read(system: "System", reader: Task, need: _Make) -> Iterator[Need]:
    naming = Naming(system, reader)
    if reader.integration == "s3:listObjectsV2":
        found = need("map-reader", ("s3:ListBucket",), naming.bucket().arn)
        yield found._replace(prefix=naming.text("Prefix"))
    elif reader.integration == "s3:getObject":
        yield need("map-reader", ("s3:GetObject",), naming.object().arn)


# ---- the state machine itself ---------------------------------------------------------------------------------------


def _of_machine(system: "System", machine: StateMachine) -> Iterator[Need]:
    def need(kind: Kind, actions: tuple[str, ...] | Missing) -> Need:
        return Need(system, machine, kind, machine.role, actions, "*", machine.span, "")

    if has_letters(machine.log_level):
        yield need("logging", Missing("whether the state machine writes logs is not known"))
    elif machine.log_level.upper() != "OFF":
        yield need("logging", LOGGING)
    if has_letters(machine.tracing):
        yield need("tracing", Missing("whether the state machine sends traces is not known"))
    elif machine.tracing == "true":
        yield need("tracing", TRACING)
