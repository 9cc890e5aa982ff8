"""The report for a program: one JSON document, as `report.schema.json` describes it."""

import json
from collections.abc import Mapping
from typing import Final

from policy_audit import __version__
from policy_audit.errors import AuditError
from policy_audit.findings import SEVERITIES, Admitted, Checked, Counterexample, Finding, Ignored, Mark, Report, Skipped
from policy_audit.formats import View
from policy_audit.formats.order import (
    forms,
    sorted_findings,
    sorted_ignored,
    sorted_requirements,
    sorted_skipped,
    undecided_only,
)
from policy_audit.formats.visible import inert
from policy_audit.origin import Span

VERSION: Final = "1"
"""Of the document's form: a key may be added, none is removed or changes its meaning within one version."""


def render(report: Report, view: View) -> str:
    """The document, newline at its end included. It is ASCII, so that every terminal and pipe takes it."""
    document: dict[str, object] = {
        "version": VERSION,
        "tool": {"name": "policy_audit", "version": __version__, "rules": dict(sorted(report.rules.items()))},
        "exit_code": view.exit_code,
        "counts": _counts(report),
        "findings": [_finding(finding) for finding in sorted_findings(report.findings)],
        "undecided": [_requirement(checked) for checked in sorted_requirements(undecided_only(report))],
        "skipped": [_skipped(item) for item in sorted_skipped(report.skipped)],
        "ignored": [_ignored(item) for item in sorted_ignored(report.ignored)],
        "baselined": [_finding(finding) for finding in sorted_findings(report.baselined)],
        "assumptions": list(report.assumptions),
        "targets": [{"path": target.path, "form": target.form} for target in sorted(report.targets)],
        "errors": [error_object(error) for error in view.errors],
    }
    if view.verbose:
        document["requirements"] = [_requirement(checked) for checked in sorted_requirements(report.requirements)]
    return dumped(document)


def dumped(document: object) -> str:
    """`document` as indented ASCII JSON. A lone surrogate (half a character, as in a file name that is not UTF-8),
    which strict readers refuse, becomes text of the form `\\udce9`. What a CI service may take for a command in its log
    is written with an escape, which changes nothing for a reader."""
    text = json.dumps(document, indent=2)
    return inert(_without_lone_surrogates(text), hash="\\u0023") + "\n"


def _without_lone_surrogates(text: str) -> str:
    if "\\ud" not in text:
        return text
    import re

    # An escaped backslash first, for what follows it is plain text; then a pair, which is a character.
    tokens = re.compile(r"(\\\\)|(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|(\\ud[89a-f][0-9a-f]{2})")
    return tokens.sub(lambda found: "\\" + found.group() if found.group(3) else found.group(), text)


def _counts(report: Report) -> dict[str, object]:
    nothing = Report().verdicts()
    by_rule = {rule: dict(nothing) for rule in sorted({*report.rules, *(one.rule for one in report.requirements)})}
    for checked in report.requirements:
        by_rule[checked.rule][checked.answer] += 1
    severities = dict.fromkeys(SEVERITIES, 0)
    for finding in report.findings:
        severities[finding.severity] += 1
    verdicts: dict[str, object] = {answer: number for answer, number in report.verdicts().items()}  # noqa: C416
    return {**verdicts, "by_rule": by_rule, "findings": severities, "targets": forms(report)}


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "verdict": finding.answer,
        "address": finding.address,
        "requirement": finding.requirement,
        "message": finding.message,
        "help": finding.help,
        "location": _mark(Mark(finding.location, finding.label)),
        "related": [_mark(mark) for mark in finding.related],
        "counterexample": _counterexample(finding.counterexample) if finding.counterexample else None,
        "admitted": [_admitted(each) for each in finding.admitted],
        "reasons": list(finding.reasons),
        "when": list(finding.when),
        "references": list(finding.references),
        "fingerprint": finding.fingerprint,
    }


def _ignored(item: Ignored) -> dict[str, object]:
    where = span_object(item.span) if item.span else None
    return {**_finding(item.finding), "ignore": {"reason": item.reason, "location": where, "in_source": item.in_source}}


def _counterexample(request: Counterexample) -> dict[str, object]:
    return {
        "principal": request.principal,
        "action": request.action,
        "resource": request.resource,
        "context": context_object(request.context),
        "decision": request.decision,
        "case": dict(request.case),
    }


def _admitted(admitted: Admitted) -> dict[str, object]:
    return {
        "principal": admitted.principal,
        "about": admitted.about,
        "resource": admitted.resource,
        "context": context_object(admitted.context),
    }


def context_object(context: Mapping[str, str | tuple[str, ...]]) -> dict[str, object]:
    """Context keys with their values, lists for those that have several."""
    return {key: value if isinstance(value, str) else list(value) for key, value in sorted(context.items())}


def _requirement(checked: Checked) -> dict[str, object]:
    return {
        "rule": checked.rule,
        "address": checked.address,
        "requirement": checked.requirement,
        "verdict": checked.answer,
        "location": span_object(checked.span),
        "because": [_mark(mark) for mark in checked.because],
        "reasons": list(checked.reasons),
        "assumptions": list(checked.assumptions),
        "when": list(checked.when),
    }


def _skipped(item: Skipped) -> dict[str, object]:
    return {
        "target": item.target,
        "reason": item.reason,
        "help": item.help,
        "incomplete": item.broken,
        "location": span_object(item.span) if item.span else None,
    }


def error_object(error: AuditError) -> dict[str, object]:
    """Why there is no report: an entry of `errors`."""
    return {"message": error.message, "where": error.where, "help": error.help}


def _mark(mark: Mark) -> dict[str, object]:
    return {**span_object(mark.span), "label": mark.label}


def span_object(span: Span) -> dict[str, object]:
    """A stretch of a file, as `span` of the schema describes it."""
    return dict(zip(("file", "line", "column", "end_line", "end_column"), span, strict=True))
