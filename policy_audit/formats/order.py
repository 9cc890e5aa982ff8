"""The order that every format tells things in, and what counts as told."""

from collections.abc import Iterable

from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.findings import Checked, Finding, Ignored, Report, Skipped
from policy_audit.formats import View
from policy_audit.origin import Span


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, place, rule, address and requirement."""
    return tuple(sorted(findings, key=_of_finding))


def sorted_ignored(ignored: Iterable[Ignored]) -> tuple[Ignored, ...]:
    """As their findings are, then by reason."""
    return tuple(sorted(ignored, key=lambda item: (*_of_finding(item.finding), item.reason, item.span or ())))


def sorted_requirements(requirements: Iterable[Checked]) -> tuple[Checked, ...]:
    """By file, place, rule, address and requirement."""
    return tuple(
        sorted(
            requirements, key=lambda item: (*_place(item.span), item.rule, item.address, item.requirement, item.when)
        )
    )


def sorted_skipped(skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """What makes the audit incomplete first; each by reason, target and place."""
    return tuple(
        sorted(skipped, key=lambda item: (not item.broken, item.reason, item.help, item.target, item.span or ()))
    )


def undecided_only(report: Report) -> tuple[Checked, ...]:
    """The undecided requirements that no finding tells of, be it one that is ignored."""
    findings = (*report.findings, *report.baselined, *(one.finding for one in report.ignored))
    told = {finding.key for finding in findings}
    return tuple(
        checked for checked in report.requirements if checked.answer == "undecided" and checked.key not in told
    )


def no_audit(report: Report, view: View) -> tuple[AuditError, ...]:
    """Why there is no audit: errors, or that no file was one to audit. Empty if there is one, however incomplete."""
    if view.errors or report.targets or any(item.broken for item in report.skipped):
        return view.errors
    return (AuditError("nothing was audited: no file of a known form", exit_code=NOTHING_AUDITED),)


def forms(report: Report) -> dict[str, int]:
    """How many files of which form were audited; the form of most files first."""
    counts: dict[str, int] = {}
    for target in report.targets:
        counts[target.form] = counts.get(target.form, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def audited(report: Report) -> str:
    """The same in words: `2 CloudFormation templates, 1 SAM template`."""
    return ", ".join(f"{number} {form if number == 1 else _several(form)}" for form, number in forms(report).items())


def _several(form: str) -> str:
    if form.endswith("y"):
        return f"{form[:-1]}ies"
    return form if form.endswith("s") else f"{form}s"


def _of_finding(item: Finding) -> tuple[object, ...]:
    return (*_place(item.location), item.rule, item.address, item.requirement, item.when)


def _place(span: Span) -> tuple[str, int, int]:
    return span.file, span.line, span.column
