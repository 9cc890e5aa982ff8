"""SARIF 2.1.0, for code scanning: results with the trace that shows them, the rules with their pages, what is left out.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
What GitHub reads of it, and how much: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from collections.abc import Iterable, Mapping
from typing import Final

from policy_audit import __version__
from policy_audit.findings import SEVERITIES, Checked, Counterexample, Finding, Key, Mark, Report
from policy_audit.formats import View
from policy_audit.formats.json import dumped
from policy_audit.formats.order import sorted_findings, sorted_ignored
from policy_audit.formats.requests import columns, decision, elements
from policy_audit.formats.sarif_notices import NOTICES, notices
from policy_audit.formats.sarif_places import cut, located, message, physical, plain
from policy_audit.formats.sarif_rules import LEVELS, RuleList
from policy_audit.formats.visible import visible
from policy_audit.origin import Span

RESULTS: Final = 25_000
"""Results per run: GitHub rejects a file with more, and stores the 5,000 that are worst.

https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
"""
LOCATIONS: Final = 100
"""Locations per result that GitHub includes; it rejects more than 1,000."""
STEPS: Final = 1_000
"""Locations of a thread flow that GitHub includes; it rejects more than 10,000."""
_LABEL: Final = 400
"""Characters of a label beside a link."""
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SUCCESS: Final = frozenset({0, 1})

Object = dict[str, object]
Trace = Mapping[Key, Checked]


def render(report: Report, view: View) -> str:
    """The log, with one run. Ignored findings are results with a suppression; those of the baseline are `unchanged`."""
    rules = RuleList(report)
    results, omitted = _results(report, rules)
    run: Object = {
        "tool": {
            "driver": {
                "name": "policy-audit",
                "semanticVersion": __version__,
                "rules": rules.descriptors(),
                "notifications": [{"id": name, "shortDescription": {"text": text}} for name, text in NOTICES.items()],
            }
        },
        "invocations": [_invocation(report, view, rules, omitted)],
        # Python counts code points; SARIF's default is UTF-16.
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": report.verdicts(),
    }
    return dumped({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _invocation(report: Report, view: View, rules: RuleList, omitted: int) -> Object:
    execution, configuration = notices(report, view, rules, omitted)
    return {
        "executionSuccessful": view.exit_code in _SUCCESS and not any(item.broken for item in report.skipped),
        "exitCode": view.exit_code,
        "toolExecutionNotifications": execution,
        "toolConfigurationNotifications": configuration,
    }


# ---- results --------------------------------------------------------------------------------------------------------


def _results(report: Report, rules: RuleList) -> tuple[list[Object], int]:
    """The results in the order of every format, and how many are left out because there are too many: the mildest."""
    trace = {one.key: one for one in report.requirements}
    texts = report.texts
    given: list[tuple[Finding, Object]] = [(finding, {}) for finding in sorted_findings(report.findings)]
    given += [(finding, {"baselineState": "unchanged"}) for finding in sorted_findings(report.baselined)]
    for item in sorted_ignored(report.ignored):
        suppression: Object = {
            "kind": "inSource" if item.in_source else "external",
            "justification": cut(visible(item.reason)),
        }
        if item.span:
            suppression["location"] = {"physicalLocation": physical(item.span, texts)}
        given.append((item.finding, {"suppressions": [suppression]}))
    kept = _worst(given)
    if report.baselined:
        # Appendix of `baselineState`: where one result has it, all have.
        kept = [(finding, {"baselineState": "new", **more}) for finding, more in kept]
    return [{**_result(finding, rules, trace, texts), **more} for finding, more in kept], len(given) - len(kept)


def _worst(given: list[tuple[Finding, Object]]) -> list[tuple[Finding, Object]]:
    if len(given) <= RESULTS:
        return given

    def mildness(index: int) -> tuple[bool, int]:
        finding, more = given[index]
        return "suppressions" in more, -SEVERITIES.index(finding.severity)

    return [given[index] for index in sorted(sorted(range(len(given)), key=mildness)[:RESULTS])]


def _result(finding: Finding, rules: RuleList, trace: Trace, texts: Mapping[str, tuple[str, ...]]) -> Object:
    related = finding.related[: LOCATIONS - 1]
    result: Object = {
        "ruleId": visible(finding.rule),
        "ruleIndex": rules.index(finding),
        "level": LEVELS[finding.severity],
        "message": message(_text(finding, related)),
        "locations": [
            {
                **located(Mark(finding.location, finding.label), texts),
                "logicalLocations": [{"fullyQualifiedName": visible(finding.address), "kind": "resource"}],
            }
        ],
        # GitHub takes this one alone, and two results of a rule on one line, as for two states that one statement
        # shuts out, for one alert if it has to make it up. Its action warns that it would have made up another one,
        # and takes ours: https://github.com/github/codeql-action/issues/4052
        "partialFingerprints": {
            "primaryLocationLineHash": visible(finding.fingerprint),
            "policyAudit/v1": visible(finding.fingerprint),
        },
        "properties": _properties(finding),
    }
    if related:
        result["relatedLocations"] = [{"id": number, **located(mark, texts)} for number, mark in enumerate(related, 1)]
    if steps := _steps(finding, trace):
        flow = [_step(mark, finding, index == len(steps) - 1, texts) for index, mark in enumerate(steps)]
        result["codeFlows"] = [{"message": {"text": "how it is decided"}, "threadFlows": [{"locations": flow}]}]
    return result


def _text(finding: Finding, related: Iterable[Mark]) -> str:
    """The message, first by itself: GitHub shows its first sentence where space is short."""
    lines = [visible(finding.message)]
    if finding.counterexample:
        lines += ["", f"{decision(finding.counterexample)}:", columns(elements(finding.counterexample))]
    lines += [f"why: {visible(reason)}" for reason in finding.reasons]
    lines += [f"when: {visible(combination)}" for combination in finding.when]
    # Links to related locations, which GitHub follows only from the message.
    links = [
        f"[line {mark.span.line}]({number}) {plain(visible(mark.label), _LABEL)}".rstrip()
        for number, mark in enumerate(related, 1)
    ]
    helping = [plain(f"help: {finding.help}")] if finding.help else []
    return "\n".join([plain("\n".join(lines)), *links, *helping])


def _properties(finding: Finding) -> Object:
    bag: Object = {
        "severity": finding.severity,
        "confidence": finding.confidence,
        "verdict": finding.answer,
        "requirement": cut(visible(finding.requirement)),
    }
    if finding.counterexample:
        bag["counterexample"] = _request(finding.counterexample)
    if finding.admitted:
        bag["admitted"] = [
            cut(visible(f"{each.principal or '(anonymous)'}: {each.about}")) for each in finding.admitted
        ]
    return bag


def _request(request: Counterexample) -> Object:
    named = {visible(name): plain(visible(value)) for name, value in elements(request)}
    return {**named, "decision": visible(request.decision)}


# ---- the trace ------------------------------------------------------------------------------------------------------


def _steps(finding: Finding, trace: Trace) -> list[Mark]:
    """What leads to the verdict: where the requirement comes from, what comes near, the statements that decide."""
    checked = trace.get(finding.key)
    required = [Mark(checked.span, f"required: {checked.requirement}")] if checked else []
    labels: dict[Span, list[str]] = {}
    for mark in (*required, *finding.related, *(checked.because if checked else ())):
        labels.setdefault(mark.span, []).append(mark.label)
    here = [*labels.pop(finding.location, ()), finding.label]
    steps = [Mark(span, _joined(told)) for span, told in labels.items()][: STEPS - 1]
    return [*steps, Mark(finding.location, _joined(here))] if steps else []


def _joined(labels: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(label for label in labels if label))


def _step(mark: Mark, finding: Finding, last: bool, texts: Mapping[str, tuple[str, ...]]) -> Object:
    step: Object = {
        "location": located(mark._replace(label=mark.label or finding.message), texts),
        "importance": "essential" if last else "important",
    }
    if last and finding.counterexample:
        step["state"] = {name: {"text": text} for name, text in _request(finding.counterexample).items()}
    return step
