"""What AWS documents of each optimized integration: its patterns, and the permissions that the role needs for it.

`integrations.table` has a line for each integration, with `|` between its fields: the integration as a task's
`Resource` names it; its patterns (`R` request-response, `S` `.sync`, `T` `.waitForTaskToken`); the actions with the
kind of resource they are asked on; those that `.sync` adds; the managed rule of `.sync`; the argument with the role
that is passed, and to which service; and the actions that AWS's policy templates grant beside, not needed by every
use. `-` are integrations whose permissions other rules know or that need none, `?` those whose are not known here.
Which kinds of resources there are is told in `task_resources`. A test holds the table against our facts on AWS.
"""

import os
from functools import cache
from typing import Final

from policy_audit.model.call import Pattern
from policy_audit.record import NamedTuple

TABLE: Final = os.path.join(os.path.dirname(__file__), "integrations.table")
_PATTERNS: Final[dict[str, Pattern]] = {"R": "request-response", "S": "sync", "T": "wait-for-task-token"}
_FIELDS: Final = 7


class Ask(NamedTuple):
    """Actions that are asked on one resource; `resource` is the kind, a word of `task_resources`."""

    actions: tuple[str, ...]
    resource: str
    managed: bool = False
    """Asked on what Step Functions tagged as its own: `ManagedByService` is `AWSStepFunctions`."""


class Passed(NamedTuple):
    """The argument that names a role which the integration passes on, and the service it goes to, if documented."""

    argument: str
    service: str = ""


class Integration(NamedTuple):
    """One optimized integration. `needs` None means that its permissions are not known here."""

    name: str
    patterns: tuple[Pattern, ...]
    needs: Ask | None
    sync: Ask | None = None
    managed_rule: str = ""
    passed: Passed | None = None
    beside: Ask | None = None
    elsewhere: bool = False
    """Other rules ask for its permissions, or it needs none of IAM's."""


@cache
def integrations() -> dict[str, Integration]:
    """Every optimized integration of the table, by name."""
    with open(TABLE, encoding="ascii") as file:
        lines = [line for line in map(str.strip, file) if line and not line.startswith("#")]
    return {found.name: found for found in map(_integration, lines)}


def table_date() -> str:
    """The day that the table's facts are of, as `2026-01-31`."""
    with open(TABLE, encoding="ascii") as file:
        return file.readline().partition(",")[2].split(".")[0].strip()


def _integration(line: str) -> Integration:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) != _FIELDS:
        raise ValueError(f"{TABLE}: {len(fields)} fields, not {_FIELDS}: {line}")
    name, patterns, needs, sync, rule, passed, beside = fields
    argument, _, service = passed.partition(" ")
    return Integration(
        name,
        tuple(_PATTERNS[letter] for letter in patterns.split()),
        _ask(needs),
        _ask(sync),
        rule,
        Passed(argument, service) if argument else None,
        _ask(beside),
        elsewhere=needs == "-",
    )


def _ask(text: str) -> Ask | None:
    actions, at, resource = text.partition("@")
    if not at:
        return None
    kind, *flags = resource.split()
    return Ask(tuple(actions.split()), kind, "+managed" in flags)
