"""A request in the words that every format tells it with: a counterexample or an example, element by element."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from policy_audit.findings import Counterexample
from policy_audit.formats.visible import visible

if TYPE_CHECKING:
    from policy_audit.comparison.changes import Example

DECISIONS: Final = {
    "Allowed": "allowed",
    "ImplicitlyDenied": "implicitly denied",
    "ExplicitlyDenied": "explicitly denied",
}
"""What IAM decides, in words."""


def decision(request: Counterexample) -> str:
    """What IAM decides of it: `implicitly denied`."""
    return DECISIONS.get(request.decision, visible(request.decision))


def elements(request: "Counterexample | Example") -> list[tuple[str, str]]:
    """Name and value of each element, context keys last, as they stand in the request."""
    context = sorted(request.context.items())
    return [
        ("principal", request.principal or "(anonymous)"),
        ("action", request.action),
        ("resource", request.resource),
        *((key, value if isinstance(value, str) else ", ".join(value)) for key, value in context),
    ]


def columns(rows: Sequence[tuple[str, str]]) -> str:
    """A line for each row. A line break inside a value does not look like the next one."""
    widest = max(len(visible(name)) for name, _ in rows)
    return "\n".join(f"{visible(name):<{widest}}  {visible(value)}" for name, value in rows)
