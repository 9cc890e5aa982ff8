"""GitLab's Code Quality report: what a merge request shows beside its lines.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from policy_audit.collect import fingerprint
from policy_audit.errors import AuditError
from policy_audit.findings import Checked, Finding, Report, Severity, Skipped
from policy_audit.formats import View
from policy_audit.formats.json import dumped
from policy_audit.formats.order import no_audit, sorted_findings, sorted_requirements, sorted_skipped, undecided_only
from policy_audit.formats.visible import visible
from policy_audit.origin import Span

_SEVERITIES: Final[Mapping[Severity, str]] = {
    "note": "info",
    "low": "minor",
    "medium": "major",
    "high": "critical",
    "critical": "blocker",
}
_NOWHERE: Final = "policy_audit.yaml"
"""Where GitLab is to show what has no place: a path is required."""


def render(report: Report, view: View) -> str:
    """An array of issues. What is undecided, and what was not audited though it should have been, are issues too:
    a report without any would tell of an audit that is complete."""
    seen: dict[str, int] = {}
    issues = []
    for issue in _issues(report, view):
        key = str(issue["fingerprint"])
        seen[key] = seen.get(key, 0) + 1
        # GitLab shows one of two issues with the same fingerprint.
        issues.append(issue if seen[key] == 1 else {**issue, "fingerprint": f"{key}-{seen[key]}"})
    return dumped(issues)


def _issues(report: Report, view: View) -> Iterator[dict[str, object]]:
    yield from map(_error, no_audit(report, view))
    yield from map(_finding, sorted_findings((*report.findings, *report.baselined)))
    yield from (_skipped(item) for item in sorted_skipped(report.skipped) if item.broken)
    yield from map(_undecided, sorted_requirements(undecided_only(report)))


def _finding(finding: Finding) -> dict[str, object]:
    return _issue(finding.message, finding.rule, finding.fingerprint, _SEVERITIES[finding.severity], finding.location)


def _undecided(checked: Checked) -> dict[str, object]:
    key = fingerprint(*checked.key)
    why = f": {'; '.join(checked.reasons)}" if checked.reasons else ""
    return _issue(f"undecided: {checked.requirement}{why}", checked.rule, key, "info", checked.span)


def _skipped(item: Skipped) -> dict[str, object]:
    key = fingerprint("incomplete", item.target, item.reason)
    return _issue(f"incomplete: {item.reason}", "incomplete", key, "critical", item.span or item.target)


def _error(error: AuditError) -> dict[str, object]:
    return _issue(f"error: {error}", "error", fingerprint("error", error.where, error.message), "blocker", _NOWHERE)


def _issue(text: str, name: str, key: str, severity: str, place: Span | str) -> dict[str, object]:
    path, line = (place, 1) if isinstance(place, str) else (place.file, place.line)
    return {
        "description": visible(text),
        "check_name": visible(name),
        "fingerprint": key,
        "severity": severity,
        "location": {"path": visible(posixpath.normpath(path)), "lines": {"begin": line}},
    }
