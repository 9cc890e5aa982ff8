"""Universal targets of schedules: the operation of an AWS service that EventBridge Scheduler calls with a role.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from typing import TYPE_CHECKING, Final

from policy_audit.model.event_targets import EventTarget
from policy_audit.model.event_targets import every as event_targets
from policy_audit.model.resources import Fact, Missing, Role
from policy_audit.model.sdk_operations import Unknown, actions_of_operation
from policy_audit.model.targets import may_be_granted_by_a_resource
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_START: Final = "aws-sdk:"
_READING: Final = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover"),
    *("validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration"),
    *("retrieve", "testConnection", "translateDocument", "isAuthorized", "invokeModel"),
)
"""How the operations begin that EventBridge Scheduler does not call, by that page."""


class ScheduleOperation(NamedTuple):
    """The target `arn:aws:scheduler:::aws-sdk:SERVICE:operation` of a schedule."""

    target: EventTarget
    service: str
    operation: str

    @property
    def address(self) -> str:
        return self.target.address

    @property
    def span(self) -> Span:
        return self.target.span

    @property
    def part(self) -> str:
        return self.target.part

    @property
    def name(self) -> str:
        """The logical id of the schedule."""
        return self.target.name

    @property
    def called(self) -> str:
        """The operation with its service: `sfn:startExecution`."""
        return self.target.system.symbols.show(f"{self.service}:{self.operation}")

    @property
    def role(self) -> Role | Missing:
        """The role that it is called with."""
        return self.target.role

    @property
    def actions(self) -> tuple[str, ...] | Missing:
        """What the role must be allowed."""
        if has_letters(self.service + self.operation):
            return Missing("which operation the schedule calls is not known")
        found = actions_of_operation(self.service, self.operation)
        return Missing(found.reason) if isinstance(found, Unknown) else found

    @property
    def resource(self) -> str:
        """What it is called on: its parameters are text in `Input`, which is not read."""
        return self.target.system.symbols.hole("`Input` tells which resource it is asked on", "any resource")

    @property
    def other_grants(self) -> tuple[str, ...]:
        """The policy of what is called, where such a resource may have one."""
        actions = self.actions
        if isinstance(actions, Missing) or not any(map(may_be_granted_by_a_resource, actions)):
            return ()
        return ("the resource policy of what it calls",)

    @property
    def is_called(self) -> Fact:
        """Whether EventBridge Scheduler calls the operation: it calls none that only reads."""
        if has_letters(self.operation[:1]):
            return Fact(None, "which operation the schedule calls is not known", span=self.span)
        beginning = next((one for one in _READING if self.operation.startswith(one)), "")
        return Fact(not beginning, f"calls `{self.called}`, which begins with `{beginning}`", span=self.span)


def every(system: "System") -> tuple[ScheduleOperation, ...]:
    """Every universal target of a schedule."""
    found = []
    for target in event_targets(system):
        arn = target.arn
        parts = arn.split(":", 5) if target.sent_by == "schedule" and isinstance(arn, str) else []
        if len(parts) == 6 and parts[2] == "scheduler" and parts[5].startswith(_START):
            service, _, operation = parts[5].removeprefix(_START).partition(":")
            found.append(ScheduleOperation(target, service, operation))
    return tuple(found)
