"""Notifications of a SARIF run: what was not audited, what could not be decided, what was assumed, and errors."""

from collections.abc import Iterator
from typing import Final

from policy_audit.findings import Mark, Report
from policy_audit.formats import View
from policy_audit.formats.order import no_audit, sorted_requirements, sorted_skipped, undecided_only
from policy_audit.formats.sarif_places import located, message, plain
from policy_audit.formats.sarif_rules import RuleList
from policy_audit.formats.visible import visible
from policy_audit.origin import Span

NOTICES: Final = {
    "incomplete": "something that should have been audited could not be",
    "not-audited": "something was not audited",
    "undecided": "a requirement is neither proven nor refuted",
    "assumption": "something that the verdicts rest on beside the files",
    "omitted": "there are more results than a log may hold",
    "error": "why there is no audit",
}
"""What kinds of notifications there are."""


def notices(report: Report, view: View, rules: RuleList, omitted: int) -> tuple[list[object], list[object]]:
    """Those about the audit, and those about its configuration. `omitted` results are left out of the log."""
    return list(_execution(report, rules, omitted)), [
        _of_error(str(error), error.help) for error in no_audit(report, view)
    ]


def _execution(report: Report, rules: RuleList, omitted: int) -> Iterator[object]:
    for item in sorted_skipped(report.skipped):
        name, level = ("incomplete", "error") if item.broken else ("not-audited", "note")
        help = f"; {item.help}" if item.help else ""
        yield _notice(name, level, f"{item.target}: {item.reason}{help}", item.span, report)
    for checked in sorted_requirements(undecided_only(report)):
        why = f": {'; '.join(checked.reasons)}" if checked.reasons else ""
        text = f"undecided: {checked.requirement}{why}"
        notice = _notice("undecided", "note", text, checked.span, report)
        yield {**notice, "associatedRule": rules.reference(checked.rule)}
    for text in report.assumptions:
        yield _notice("assumption", "note", text, None, report)
    if omitted:
        yield _notice("omitted", "warning", f"{omitted} results are left out, the mildest", None, report)


def _of_error(text: str, help: str) -> dict[str, object]:
    return _notice("error", "error", f"{text}; {help}" if help else text, None, Report())


def _notice(name: str, level: str, text: str, span: Span | None, report: Report) -> dict[str, object]:
    notice: dict[str, object] = {
        "descriptor": {"id": name, "index": list(NOTICES).index(name)},
        "level": level,
        "message": message(plain(visible(text))),
    }
    if span:
        notice["locations"] = [located(Mark(span), report.texts)]
    return notice
