"""Renderers of a report: one module per output format."""

from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Report
from policy_audit.record import NamedTuple, Protocol

FORMATS: Final = {
    "text": "policy_audit.formats.text",
    "json": "policy_audit.formats.json",
}
"""Format name to the module that renders it."""


class View(NamedTuple):
    """How to show a report. `errors` is why there is none; only formats for machines are asked to tell it."""

    verbose: bool = False
    quiet: bool = False
    color: bool = False
    exit_code: int = 0
    errors: tuple[AuditError, ...] = ()


class Format(Protocol):
    """What each module of `FORMATS` provides."""

    def render(self, report: Report, view: View) -> str:
        """The whole output, newline at its end included."""


def render(name: str, report: Report, view: View) -> str:
    """`report` in the format of that name."""
    from importlib import import_module

    module: Format = import_module(FORMATS[name])
    return module.render(report, view)
