"""The report at a line a finding, in the form that editors and `grep` read: `file:line:column: severity[rule] …`."""

from collections.abc import Iterator

from policy_audit.findings import Checked, Finding, Report, Skipped
from policy_audit.formats import View
from policy_audit.formats.order import sorted_findings, sorted_requirements, sorted_skipped, undecided_only
from policy_audit.formats.paint import Paint, Role, painter
from policy_audit.formats.text import summary
from policy_audit.formats.visible import inert, visible


def render(report: Report, view: View) -> str:
    """Findings, then what makes the audit incomplete, then the line that sums it up.

    With `view.verbose` also what is undecided and what was not audited; with `view.quiet` no summary.
    """
    paint = painter(view.color)
    if view.errors:
        return inert("".join(f"{visible(f'error: {problem}')}\n" for problem in view.errors))
    lines = [f"{line}\n" for line in _lines(report, view, paint)]
    if not view.quiet:
        lines.append(summary(report, paint))
    return inert("".join(lines))


def _lines(report: Report, view: View, paint: Paint) -> Iterator[str]:
    yield from (finding_line(finding, paint) for finding in sorted_findings(report.findings))
    if view.verbose:
        yield from (_undecided(checked, paint) for checked in sorted_requirements(undecided_only(report)))
    for item in sorted_skipped(report.skipped):
        if item.broken or view.verbose:
            yield _skipped(item, paint)


def finding_line(finding: Finding, paint: Paint) -> str:
    """The one line that tells a finding."""
    role: Role = finding.severity if finding.answer == "refuted" else "undecided"
    title = paint(f"{role}[{visible(finding.rule)}]", role)
    return f"{visible(str(finding.location))}: {title} {visible(finding.message)} ({visible(finding.address)})"


def _undecided(checked: Checked, paint: Paint) -> str:
    title = paint(f"undecided[{visible(checked.rule)}]", "undecided")
    why = visible(f": {'; '.join(checked.reasons)}") if checked.reasons else ""
    return f"{visible(str(checked.span))}: {title} {visible(checked.requirement)}{why} ({visible(checked.address)})"


def _skipped(item: Skipped, paint: Paint) -> str:
    where = str(item.span) if item.span else item.target
    about = f" ({item.target})" if item.span and item.target != item.span.file else ""
    title = paint("incomplete:", "error") if item.broken else paint("not audited:", "bold")
    return f"{visible(where)}: {title} {visible(item.reason + about)}"
