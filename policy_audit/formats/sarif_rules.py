"""Rules in SARIF's words: what each requires, its page as help, how severe it is in GitHub's numbers."""

import os
from collections.abc import Mapping
from typing import Final

from policy_audit.findings import Confidence, Finding, Report, Severity
from policy_audit.formats.sarif_places import cut, plain
from policy_audit.formats.visible import visible
from policy_audit.rulebook.pages import page_beside
from policy_audit.rulebook.rule import Rule

LEVELS: Final[Mapping[Severity, str]] = {
    "note": "note",
    "low": "note",
    "medium": "warning",
    "high": "error",
    "critical": "error",
}
_SECURITY: Final[Mapping[Severity, str]] = {"low": "2.5", "medium": "5.5", "high": "8.0", "critical": "9.5"}
"""GitHub's `security-severity`: over 9.0 is critical, from 7.0 high, from 4.0 medium; a note has none.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning#reportingdescriptor-object
"""
_PRECISION: Final[Mapping[Confidence, str]] = {"low": "low", "medium": "medium", "high": "high"}
NAME: Final = 255
DESCRIPTION: Final = 1_024
"""Characters of a rule's name and descriptions, as GitHub limits them."""


class RuleList:
    """The rules of a run, each with its index: those that were asked, and whatever else the findings name."""

    def __init__(self, report: Report) -> None:
        asked = {rule.id: rule for rule in report.asked}
        told = (*report.findings, *report.baselined, *(item.finding for item in report.ignored))
        first: dict[str, Finding] = {}
        for finding in sorted(told, key=lambda one: (one.rule, one.message, one.severity)):
            first.setdefault(finding.rule, finding)
        self._rules = asked
        self._findings = first
        names = sorted({*asked, *first, *report.rules, *(one.rule for one in report.requirements)})
        self._indexes = {name: index for index, name in enumerate(names)}

    def index(self, finding: Finding) -> int:
        """Where the rule of `finding` stands in `descriptors`."""
        return self._indexes[finding.rule]

    def reference(self, rule: str) -> dict[str, object]:
        """A reportingDescriptorReference object to `rule`."""
        return {"id": visible(rule), "index": self._indexes[rule]}

    def descriptors(self) -> list[dict[str, object]]:
        """A reportingDescriptor object for each rule."""
        return [self._descriptor(name) for name in self._indexes]

    def _descriptor(self, name: str) -> dict[str, object]:
        if name in self._rules:
            return _of_rule(self._rules[name])
        if name in self._findings:
            return _of_finding(self._findings[name])
        return _described(name, name, "medium", "high", f"policy-audit explain {name}")


def _of_rule(rule: Rule) -> dict[str, object]:
    references = "\n".join(rule.references)
    help = f"{rule.summary}\n\npolicy-audit explain {rule.id}\n{references}"
    family = os.path.basename(os.path.dirname(rule.file))
    found = _described(rule.id, rule.summary, rule.severity, rule.confidence, help, family)
    if page := page_beside(rule.file):
        found["help"] = {"text": plain(help), "markdown": page}
    if rule.references and rule.references[0].startswith("https://"):
        found["helpUri"] = rule.references[0]
    return found


def _of_finding(finding: Finding) -> dict[str, object]:
    """What is known of a rule by its finding alone."""
    return _described(finding.rule, finding.rule, finding.severity, finding.confidence, finding.help or finding.rule)


def _described(
    name: str, summary: str, severity: Severity, confidence: Confidence, help: str, family: str = ""
) -> dict[str, object]:
    properties: dict[str, object] = {
        # GitHub shows 10 tags of a rule, and rejects more than 20.
        "tags": ["security", "aws", "iam", *([visible(family)] if family else [])],
        "precision": _PRECISION[confidence],
        "problem.severity": {"error": "error", "warning": "warning"}.get(LEVELS[severity], "recommendation"),
    }
    if severity in _SECURITY:
        properties["security-severity"] = _SECURITY[severity]
    text = {"text": plain(visible(summary), DESCRIPTION) or "(a rule without a name)"}
    return {
        "id": visible(name),
        "name": cut(visible(name), NAME),
        "shortDescription": text,
        "fullDescription": text,
        "help": {"text": plain(help)},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": properties,
    }
