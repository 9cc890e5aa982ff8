"""Renderers of a report: one module per output format."""

from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import FailOn, Report
from policy_audit.record import NamedTuple, Protocol

FORMATS: Final = {
    "text": "policy_audit.formats.text",
    "concise": "policy_audit.formats.concise",
    "json": "policy_audit.formats.json",
    "sarif": "policy_audit.formats.sarif",
    "junit": "policy_audit.formats.junit",
    "github": "policy_audit.formats.github",
    "gitlab": "policy_audit.formats.gitlab",
    "markdown": "policy_audit.formats.markdown",
    "html": "policy_audit.formats.html",
}
"""Format name to the module that renders it."""
TRACED: Final = frozenset({"html"})
"""Those that show the way of every call, which an audit finds out when it is asked to."""
FOR_PEOPLE: Final = frozenset({"text", "concise"})
"""Those that a person reads beside standard error, where an error is told: they do not repeat it there."""


class View(NamedTuple):
    """How to show a report.

    `errors` is why there is none; `fail_on` and `strict` tell which findings fail the audit.
    """

    verbose: bool = False
    quiet: bool = False
    color: bool = False
    exit_code: int = 0
    errors: tuple[AuditError, ...] = ()
    fail_on: FailOn = "medium"
    strict: bool = False


class Format(Protocol):
    """What each module of `FORMATS` provides."""

    def render(self, report: Report, view: View) -> str:
        """The whole output, newline at its end included."""


def render(name: str, report: Report, view: View) -> str:
    """`report` in the format of that name."""
    from importlib import import_module

    module: Format = import_module(FORMATS[name])
    return module.render(report, view)
