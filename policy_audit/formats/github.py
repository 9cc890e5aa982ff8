"""Annotations of GitHub Actions: workflow commands that the runner reads from a step's output.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Iterator, Mapping
from typing import Final

from policy_audit.findings import SEVERITIES, Finding, Report, Severity, Skipped
from policy_audit.formats import View
from policy_audit.formats.concise import finding_line
from policy_audit.formats.order import no_audit, sorted_findings, sorted_skipped
from policy_audit.formats.paint import painter
from policy_audit.formats.text import summary
from policy_audit.formats.visible import inert, visible, visible_lines
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

ANNOTATIONS: Final = 10
"""Of each kind that GitHub shows for a step; it drops the others silently.

https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations
"""
_LONGEST: Final = 4_000
"""Characters of a message; the runner cuts it at 4,096.

https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs
"""
_KINDS: Final[Mapping[Severity, str]] = {
    "note": "notice",
    "low": "notice",
    "medium": "warning",
    "high": "error",
    "critical": "error",
}


class Annotation(NamedTuple):
    """One annotation. `kind` is `error`, `warning` or `notice`."""

    kind: str
    title: str
    message: str
    place: Span | None = None


def render(report: Report, view: View) -> str:
    """The worst findings as annotations, as many as GitHub shows of each kind; the others as lines of the log."""
    left = {"error": ANNOTATIONS, "warning": ANNOTATIONS, "notice": ANNOTATIONS}
    commands, lines = [], []
    for annotation, line in _all(report, view):
        if left[annotation.kind]:
            left[annotation.kind] -= 1
            commands.append(_command(annotation))
        else:
            lines.append(line)
    if lines:
        lines.insert(0, f"not annotated, for GitHub shows {ANNOTATIONS} annotations of a kind:")
    if not no_audit(report, view):
        lines.append(summary(report, painter(False)).rstrip("\n"))
    return "".join(f"{command}\n" for command in commands) + inert("".join(f"{line}\n" for line in lines))


def _all(report: Report, view: View) -> Iterator[tuple[Annotation, str]]:
    """Each annotation, the worst first, with the line that stands in for it."""
    for error in no_audit(report, view):
        text = f"{error}\n{error.help}" if error.help else str(error)
        yield Annotation("error", "policy-audit", text), visible(text)
    for item in sorted_skipped(report.skipped):
        if item.broken:
            yield _incomplete(item)
    worst = sorted(sorted_findings(report.findings), key=lambda one: -SEVERITIES.index(one.severity))
    paint = painter(False)
    for finding in worst:
        yield (
            Annotation(
                "notice" if finding.answer == "undecided" and not view.strict else _KINDS[finding.severity],
                f"{finding.severity}[{finding.rule}]",
                _message(finding),
                finding.location,
            ),
            finding_line(finding, paint),
        )


def _incomplete(item: Skipped) -> tuple[Annotation, str]:
    text = f"{item.target}: {item.reason}"
    told = f"{text}\n{item.help}" if item.help else text
    return Annotation("error", "the audit is incomplete", told, item.span), f"incomplete: {visible(text)}"


def _message(finding: Finding) -> str:
    lines = [finding.message, *(f"why: {reason}" for reason in finding.reasons)]
    if finding.help:
        lines.append(f"help: {finding.help}")
    return "\n".join([*lines, f"address: {finding.address}"])


# ---- commands -------------------------------------------------------------------------------------------------------


def _command(annotation: Annotation) -> str:
    properties = {"title": annotation.title}
    if place := annotation.place:
        properties |= {"file": place.file, "line": str(place.line), "endLine": str(place.end_line)}
        if place.end_line == place.line:
            # GitHub takes columns of one line alone.
            properties |= {"col": str(place.column), "endColumn": str(max(place.end_column - 1, place.column))}
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{annotation.kind} {told}::{_data(annotation.message)}"


def _data(text: str) -> str:
    """A message, escaped as `escapeData` of GitHub's toolkit does; its line breaks are the only control characters.

    https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    shown = inert(visible_lines(text))
    cut = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
    return cut.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property, escaped as `escapeProperty` of GitHub's toolkit does."""
    return inert(visible(text)).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
