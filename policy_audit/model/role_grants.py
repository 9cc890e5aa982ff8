"""What the role of a workflow may do beside what the workflow does: grants for nothing, and grants on everything."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.policy import Statement
from policy_audit.model.resources import Connection, Fact, Role
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import Call
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_SERVICES: Final = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html; the last two are for private endpoints
    "http:invoke": ("states", "events", "secretsmanager", "vpc-lattice-svcs", "vpc-lattice"),
    "apigateway:invoke": ("execute-api", "apigateway"),
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
    "lambda:invoke": ("lambda",),
    "sns:publish": ("sns",),
    "sqs:sendMessage": ("sqs",),
    "events:putEvents": ("events",),
    "states:startExecution": ("states", "events"),
    "activity": ("states",),
    **{f"dynamodb:{name}Item": ("dynamodb",) for name in ("get", "put", "update", "delete")},
}
"""By integration, the services of the actions that its permissions are of, or are taken to be of: a wrong prefix is
found where the permission lacks. A role with any other integration is not judged."""
_OF_EVERY_WORKFLOW: Final = frozenset({"logs", "xray", "cloudwatch", "kms", "sts", "states"})
"""Logging, tracing, customer managed keys and roles of tasks: what a definition's tasks do not tell.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html, …/concepts-xray-tracing.html,
…/encryption-at-rest.html
"""
_NAMED_BY: Final = {
    "lambda:invokefunction": ("lambda:invoke", "FunctionName"),
    "sns:publish": ("sns:publish", "TopicArn"),
    "sqs:sendmessage": ("sqs:sendMessage", "QueueUrl"),
    "events:putevents": ("events:putEvents", ""),
    **{f"dynamodb:{name}item": (f"dynamodb:{name}Item", "TableName") for name in ("get", "put", "update", "delete")},
}
"""By action, the integration that needs it, and the parameter that names the resource."""


class RoleGrants(NamedTuple):
    """A role that state machines run with, and the calls that they make."""

    system: "System"
    role: Role
    calls: tuple[Call, ...]
    is_told: bool
    """Whether the calls are all that the role is for: its workflows are known in full, and nobody else has it."""

    @property
    def address(self) -> str:
        return self.role.address

    @property
    def span(self) -> Span:
        return self.role.span

    @property
    def is_used(self) -> tuple[Fact, ...]:
        """Whether the role may do nothing in services that its workflows do not use; nothing where that is not told."""
        if not self.is_told or any(call.integration not in _SERVICES for call in self.calls):
            return ()
        used = _OF_EVERY_WORKFLOW.union(*(_SERVICES[call.integration] for call in self.calls))
        if any(call.task.pattern == "sync" for call in self.calls):
            used |= {"events"}
        for statement in self._allowing():
            idle = [one for one in statement.actions if not has_letters(one) and _service(one) not in used]
            if idle and not statement.not_action:
                more = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
                return (Fact(False, f"`{idle[0]}`{more}", span=statement.span or self.span),)
        return (Fact(True, ""),)

    @property
    def names_its_resources(self) -> tuple[Fact, ...]:
        """Whether what the workflow calls is named where it could be, and not granted on everything."""
        asked = False
        for statement in self._allowing():
            for action in () if statement.not_action else statement.actions:
                narrower = self._narrower(action.lower())
                asked = asked or bool(narrower)
                if narrower and "*" in (statement.resources or ()) and not _is_limited(statement, action.lower()):
                    detail = f"`{action}` on `*`, where the workflow only needs {narrower}"
                    return (Fact(False, detail, span=statement.span or self.span),)
        return (Fact(True, ""),) if asked else ()

    def _allowing(self) -> Iterator[Statement]:
        for policy in self.role.policies:
            # AWS's own policies have no place in a file: nobody can change them.
            yield from (one for one in policy.statements if one.effect == "Allow" and one.span and not one.unknown)

    def _narrower(self, action: str) -> str:
        """What the workflow needs of an action, in words; empty where it does not tell."""
        if action == "states:invokehttpendpoint":
            hosts = [call.endpoint for call in self._of("http:invoke") if isinstance(call.endpoint, str)]
            return f"the endpoint `{self.system.symbols.show(hosts[0])}`" if hosts else ""
        if action in ("secretsmanager:getsecretvalue", "secretsmanager:describesecret"):
            return self._connection("secret_arn")
        if action == "events:retrieveconnectioncredentials":
            return self._connection("arn")
        integration, parameter = _NAMED_BY.get(action, ("", ""))
        named = dict(next((call.task.arguments for call in self._of(integration)), ()))
        value = named.get(parameter)
        return f"`{self.system.symbols.show(value.text)}`" if value and len(value.text) > 1 else ""

    def _connection(self, arn: str) -> str:
        for call in self._of("http:invoke"):
            connection = call.connection
            if isinstance(connection, Connection):
                return f"`{self.system.symbols.show(getattr(connection, arn))}`"
        return ""

    def _of(self, integration: str) -> list[Call]:
        return [call for call in self.calls if call.integration == integration]


def _service(action: str) -> str:
    return action.partition(":")[0].lower()


def _is_limited(statement: Statement, action: str) -> bool:
    """Whether conditions limit what the statement grants: for HTTP Tasks, only one on the endpoint does."""
    if action == "states:invokehttpendpoint":
        return any(condition.key.lower() == "states:httpendpoint" for condition in statement.conditions)
    return bool(statement.conditions)


def every(system: "System") -> tuple[RoleGrants, ...]:
    """The roles of the audited files that state machines run with."""
    machines: dict[str, list[bool]] = {}
    for machine in system.state_machines:
        if isinstance(machine.role, Role):
            definition = machine.definition
            known = not (machine.unseen or definition.problems or definition.distributed_maps)
            machines.setdefault(machine.role.arn, []).append(known)
    calls: dict[str, list[Call]] = {}
    for call in system.calls:
        if isinstance(call.role, Role):
            calls.setdefault(call.role.arn, []).append(call)
    return tuple(
        RoleGrants(
            system, role, tuple(calls.get(role.arn, ())), all(machines[role.arn]) and _is_for_workflows_only(role)
        )
        for role in system.roles
        if role.arn in machines
    )


def _is_for_workflows_only(role: Role) -> bool:
    """Whether the trust policy admits Step Functions and nobody else."""
    principals = [one for each in role.trust.statements if each.effect == "Allow" for one in each.principals or ()]
    return bool(principals) and all(
        one.type == "Service" and one.value.startswith("states.") and not has_letters(one.value.partition(".")[0])
        for one in principals
    )
