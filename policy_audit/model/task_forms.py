"""Whether a task's `Resource` is one that Step Functions has: the integration, its pattern, the SDK's operation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import replaced
from policy_audit.model.integrations import integrations
from policy_audit.model.resources import Fact, StateMachine
from policy_audit.model.task_resources import plain_machine
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import Call
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.suggest import did_you_mean

if TYPE_CHECKING:
    from policy_audit.model.system import System

_SDK: Final = "aws-sdk:"
_SUFFIXES: Final = {"sync": ".sync", "wait-for-task-token": ".waitForTaskToken"}
_SDK_PATTERNS: Final = ("request-response", "wait-for-task-token")
_EITHER_WAY: Final = "eks:"
"""AWS's pages disagree whether these wait for a task token.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-eks.html
"""


class TaskForm(NamedTuple):
    """One task, by the form of its `Resource`."""

    system: "System"
    call: Call
    machines: Mapping[str, StateMachine]
    """The state machines of the audited files by their ARNs."""

    @property
    def address(self) -> str:
        return self.call.address

    @property
    def span(self) -> Span:
        return self.call.span

    @property
    def state(self) -> str:
        return self.call.state

    @property
    def integration(self) -> str:
        """`lambda:invoke`, `aws-sdk:s3:putObject`, …"""
        return self.call.integration

    @property
    def uses_sdk(self) -> bool:
        """Whether it is an integration of the AWS SDK."""
        return self.integration.startswith(_SDK)

    @property
    def known(self) -> bool:
        """Whether the patterns of the integration are known."""
        return self.uses_sdk or self.integration in integrations()

    @property
    def is_known(self) -> Fact:
        """Whether Step Functions has an optimized integration of this name."""
        if self.known or self.integration == "activity":
            return Fact(True, "")
        hint = did_you_mean(self.integration, integrations())
        if hint:
            fix = replaced(f":::{self.integration}", f":::{hint.split('`')[1]}")
            return Fact(False, f"calls `{self.integration}`, {hint}", fix=fix)
        service = self.integration.partition(":")[0]
        known = any(name.startswith(f"{service}:") for name in integrations())
        of = f"none of `{service}` has this name" if known else f"none of a service `{service}`"
        return Fact(None, f"`{self.integration}` is not among the optimized integrations that the audit knows: {of}")

    @property
    def operation_is_known(self) -> Fact:
        """Whether the operation of an `aws-sdk` integration exists, and which permission it needs is known."""
        from policy_audit.model.sdk_operations import Unknown, actions_of_operation, is_not_offered

        service, _, operation = self.integration.removeprefix(_SDK).partition(":")
        if is_not_offered(service, operation):
            return Fact(False, f"calls `{service}:{operation}`, which Step Functions does not offer")
        found = actions_of_operation(service, operation)
        return Fact(None, found.reason) if isinstance(found, Unknown) else Fact(True, "")

    @property
    def supports_pattern(self) -> Fact:
        """Whether the integration has the pattern, and the type of state machine takes it: Express only the plain one.

        https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
        """
        pattern = self.call.task.pattern
        if pattern == "request-response":
            return Fact(True, "")
        suffix = _SUFFIXES[pattern]
        if pattern == "wait-for-task-token" and self.integration.startswith(_EITHER_WAY):
            return Fact(None, f"AWS's pages disagree whether `{self.integration}` has `{suffix}`")
        patterns = _SDK_PATTERNS if self.uses_sdk else integrations()[self.integration].patterns
        if pattern not in patterns:
            return Fact(False, f"uses `{suffix}`, which `{self.integration}` does not have")
        kind = self.call.state_machine.type
        if has_letters(kind):
            return Fact(None, f"whether the state machine is an Express one, which has no `{suffix}`, is not known")
        return Fact(kind != "EXPRESS", f"uses `{suffix}`, which Express workflows do not have")

    @property
    def waits_for_a_workflow(self) -> bool:
        """Whether it starts another state machine and waits for its end (`.sync`)."""
        return self.integration == "states:startExecution" and self.call.task.pattern == "sync"

    @property
    def started_machine_is_standard(self) -> Fact:
        """Whether the state machine that is started is a Standard one: Express ones can't be waited for.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
        """
        field = next((field for name, field in self.call.task.arguments if name == "StateMachineArn"), None)
        arn = plain_machine(field.text) if field else ""
        found = self.machines.get(arn)
        if found is None:
            return Fact(None, "the state machine that is started is not among the audited files")
        if has_letters(found.type):
            return Fact(None, "whether the state machine that is started is an Express one is not known")
        name = found.address.rpartition("#")[2]
        return Fact(found.type != "EXPRESS", f"waits for `{name}`, an Express workflow", span=field.span)  # type: ignore[union-attr]


def every(system: "System") -> tuple[TaskForm, ...]:
    """Every task that tells what it calls, but for plain calls of APIs: of these there is nothing to be asked."""
    machines = {machine.arn: machine for machine in system.state_machines}
    return tuple(
        TaskForm(system, call, machines)
        for call in system.calls
        if not has_letters(call.integration) and not call.is_plain
    )
