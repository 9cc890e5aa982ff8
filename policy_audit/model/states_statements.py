"""Statements for actions of Step Functions whose resources are of a type that those actions are never asked on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import Fix, replaced
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Fact, Role
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_ON_MACHINES: Final = frozenset(("states:startexecution", "states:startsyncexecution"))
_ON_EXECUTIONS: Final = frozenset(
    (
        "states:describeexecution",
        "states:describestatemachineforexecution",
        "states:getexecutionhistory",
        "states:redriveexecution",
        "states:stopexecution",
    )
)
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html"""


_CALLERS: Final = frozenset(("apigateway", "events", "pipes", "scheduler"))
"""Services that start and stop executions by a method, a rule, a pipe or a schedule."""


class StatesStatement(NamedTuple):
    """One Allow statement of a role for actions of Step Functions, by name and with resources."""

    role: Role
    policy: Policy
    statement: Statement

    @property
    def address(self) -> str:
        return self.role.address

    @property
    def span(self) -> Span:
        return self.statement.span or self.policy.span or self.role.span

    @property
    def starts_plain_machines(self) -> Fact:
        """Whether a statement for starting executions names state machines without version or alias.

        A statement that has the plain ARN as well loses nothing.
        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        resources = self.statement.resources or ()
        parts = [resource.split(":") for resource in resources]
        if not resources or not all(len(one) == 8 and one[5] == "stateMachine" for one in parts):
            return Fact(True, "")
        (name, qualifier), *more = [one[6:8] for one in parts]
        fix = None if more else _renamed(f":{name}:{qualifier}", f":{name}")
        return Fact(False, "names only versions or aliases of state machines", span=self.span, fix=fix)

    @property
    def names_executions(self) -> Fact:
        """Whether a statement for actions on executions names any: the ARN of a state machine matches none."""
        resources = self.statement.resources or ()
        parts = [resource.split(":") for resource in resources]
        if not resources or not all(len(one) >= 7 and one[2] == "states" and one[5] == "stateMachine" for one in parts):
            return Fact(True, "")
        actions = [action for action in self.statement.actions if action.lower() in _ON_EXECUTIONS]
        if all(any(_grants(one, action) for one in self._others()) for action in actions):
            return Fact(True, "")
        listed = ", ".join(f"`{action}`" for action in actions)
        (name, *_), *more = [one[6:] for one in parts]
        alone = not more and len(actions) == len(self.statement.actions)
        fix = _renamed(f":stateMachine:{name}", f":execution:{name}:*") if alone else None
        return Fact(False, f"allows {listed} on nothing but state machines", span=self.span, fix=fix)

    @property
    def starts(self) -> bool:
        """Whether it allows starting executions, by the action's name."""
        return any(action.lower() in _ON_MACHINES for action in self.statement.actions)

    @property
    def follows(self) -> bool:
        """Whether it allows an action on executions, by the action's name."""
        return any(action.lower() in _ON_EXECUTIONS for action in self.statement.actions)

    def _others(self) -> Iterator[Statement]:
        for policy in self.role.policies:
            yield from (one for one in policy.statements if one is not self.statement)


def _renamed(old: str, new: str) -> Fix | None:
    """The other form of an ARN, where its end is written out."""
    return None if has_letters(old) else replaced(old, new)


def _grants(statement: Statement, action: str) -> bool:
    """Whether another statement allows the action on executions, as far as names tell."""
    named = any(one.lower() in (action.lower(), "states:*", "*") for one in statement.actions)
    resources = statement.resources or ()
    return (
        statement.effect == "Allow"
        and named
        and any(":execution:" in one or ":express:" in one or one.endswith("*") for one in resources)
    )


def every(system: "System") -> tuple[StatesStatement, ...]:
    """The statements of every role, each once, that name such an action.

    Left out are roles whose own tasks start state machines, and those of services that start them: what they may not
    do is told with the task, or with the method or target that needs it.
    """
    found: dict[Span | None, StatesStatement] = {}
    asked = {
        call.role.arn
        for call in system.calls
        if call.integration.endswith(":startExecution") and isinstance(call.role, Role)
    }
    for role in system.roles:
        if role.arn in asked or _is_for_a_caller(role):
            continue
        for policy in role.policies:
            for statement in policy.statements:
                if statement.effect == "Allow" and statement.span is not None and _is_about(statement):
                    found.setdefault(statement.span, StatesStatement(role, policy, statement))
    return tuple(found.values())


def _is_for_a_caller(role: Role) -> bool:
    """Whether a service that the audit reads the calls of assumes the role."""
    return any(
        one.type == "Service" and one.value.partition(".")[0] in _CALLERS
        for statement in role.trust.statements
        for one in statement.principals or ()
    )


def _is_about(statement: Statement) -> bool:
    names = {action.lower() for action in statement.actions}
    return not statement.not_action and not names.isdisjoint(_ON_MACHINES | _ON_EXECUTIONS)
