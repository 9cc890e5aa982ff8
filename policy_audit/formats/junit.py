"""JUnit XML: a suite for each rule, a test case for each requirement, so that what was proven is counted too.

The form is the one that Jenkins' xUnit plugin publishes as a schema (`junit-10.xsd`):
https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal
from xml.etree import ElementTree

from policy_audit.findings import Checked, Finding, Report, Skipped, fails
from policy_audit.formats import View
from policy_audit.formats.order import no_audit, sorted_findings, sorted_ignored, sorted_requirements, sorted_skipped
from policy_audit.formats.requests import columns, decision, elements
from policy_audit.formats.visible import inert, visible, visible_lines
from policy_audit.record import NamedTuple

_COVERAGE: Final = "coverage"
"""The suite of what was not audited."""


class Case(NamedTuple):
    """A test case: `outcome` is an element of JUnit's, empty for one that passed."""

    suite: str
    name: str
    outcome: Literal["", "failure", "error", "skipped"] = ""
    message: str = ""
    details: str = ""


def render(report: Report, view: View) -> str:
    """The document. A requirement fails if its finding fails the audit; one that is undecided, ignored, in the baseline
    or milder than `--fail-on` is skipped, with the reason. So the document fails where the exit code does."""
    suites: dict[str, list[Case]] = {}
    for case in _cases(report, view):
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", {"name": "policy-audit", **_totals(_all(suites.values()))})
    for name, cases in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": visible(name), **_totals(cases)})
        skipped = sum(case.outcome == "skipped" for case in cases)
        suite.set("skipped", str(skipped))
        for case in cases:
            _append(suite, case)
    ElementTree.indent(root)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'
    return inert(text, "&#58;", "&#35;")


def _all(suites: Iterable[list[Case]]) -> list[Case]:
    return [case for cases in suites for case in cases]


def _totals(cases: list[Case]) -> dict[str, str]:
    failures = sum(case.outcome == "failure" for case in cases)
    errors = sum(case.outcome == "error" for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors)}


def _append(suite: ElementTree.Element, case: Case) -> None:
    # Jenkins takes what stands before the last full stop for a package.
    test = ElementTree.SubElement(
        suite, "testcase", {"classname": visible(f"policy-audit.{case.suite}"), "name": visible(case.name)}
    )
    if case.outcome:
        told = ElementTree.SubElement(test, case.outcome, {"message": visible(case.message)})
        told.text = case.details or None


# ---- what is a test case --------------------------------------------------------------------------------------------


def _cases(report: Report, view: View) -> Iterator[Case]:
    for error in no_audit(report, view):
        yield Case(_COVERAGE, "the audit", "error", str(error), visible(error.help))
    for item in sorted_skipped(report.skipped):
        yield _uncovered(item)
    settled = {item.finding.key: item.reason for item in report.ignored}
    settled |= {finding.key: "in the baseline" for finding in report.baselined}
    findings = {finding.key: finding for finding in report.findings}
    told = set()
    for checked in sorted(sorted_requirements(report.requirements), key=lambda one: one.rule):
        told.add(checked.key)
        yield _case(checked, findings.get(checked.key), settled.get(checked.key, ""), view)
    # A finding that is about no requirement, such as one about an ignore.
    for finding in sorted_findings(report.findings):
        if finding.key not in told:
            yield _of_finding(finding, view)
    for ignored in sorted_ignored(report.ignored):
        if ignored.finding.key not in told:
            yield _skipping(ignored.finding, f"ignored: {ignored.reason}")
    for finding in sorted_findings(report.baselined):
        if finding.key not in told:
            yield _skipping(finding, "in the baseline")


def _case(checked: Checked, finding: Finding | None, settled: str, view: View) -> Case:
    case = Case(checked.rule, f"{checked.address}: {checked.requirement}")
    if checked.answer == "proven":
        return case
    if settled:
        return case._replace(outcome="skipped", message=f"{checked.answer}, {settled}")
    if finding is not None:
        return _of_finding(finding, view)
    why = "; ".join(checked.reasons)
    return case._replace(outcome="skipped", message=f"{checked.answer}: {why}" if why else checked.answer)


def _of_finding(finding: Finding, view: View) -> Case:
    case = Case(finding.rule, f"{finding.address}: {finding.requirement}", details=_details(finding))
    if fails(finding, view.fail_on, view.strict):
        return case._replace(outcome="failure", message=f"{finding.severity}: {finding.message}")
    limit = "undecided" if finding.answer == "undecided" else f"below --fail-on {view.fail_on}"
    return case._replace(outcome="skipped", message=f"{finding.severity}, {limit}: {finding.message}")


def _skipping(finding: Finding, why: str) -> Case:
    name = f"{finding.address}: {finding.requirement}"
    return Case(finding.rule, name, "skipped", f"{finding.severity}, {why}: {finding.message}")


def _details(finding: Finding) -> str:
    lines = [visible(str(finding.location))]
    if finding.counterexample:
        lines += [f"{decision(finding.counterexample)}:", columns(elements(finding.counterexample))]
    lines += [f"why: {visible(reason)}" for reason in finding.reasons]
    lines += [f"when: {visible(combination)}" for combination in finding.when]
    lines += [f"help: {visible_lines(finding.help)}"] if finding.help else []
    return "\n".join(lines)


def _uncovered(item: Skipped) -> Case:
    where = str(item.span) if item.span and item.target == item.span.file else item.target
    return Case(_COVERAGE, where, "error" if item.broken else "skipped", item.reason, visible(item.help))
