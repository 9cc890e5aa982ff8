"""The list of rules, for a person and for a program."""

from collections.abc import Sequence

from policy_audit.formats.visible import visible
from policy_audit.rulebook.rule import Rule


def render(rules: Sequence[Rule], output: str) -> str:
    """A line for each rule with id, severity, confidence, its kind of fix and summary; or, for `json`, an array of
    objects."""
    return _objects(rules) if output == "json" else _lines(rules)


def _lines(rules: Sequence[Rule]) -> str:
    rows = [
        [visible(text) for text in (rule.id, rule.severity, rule.confidence, rule.fix, rule.summary)] for rule in rules
    ]
    rows.insert(0, ["rule", "severity", "confidence", "fix", "requires that"])
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "".join(
        "  ".join([*(f"{row[column]:<{widths[column]}}" for column in range(4)), row[4]]).rstrip() + "\n"
        for row in rows
    )


def _objects(rules: Sequence[Rule]) -> str:
    from policy_audit.formats.json import dumped

    return dumped(
        [
            {
                "id": rule.id,
                "summary": rule.summary,
                "severity": rule.severity,
                "confidence": rule.confidence,
                "since": rule.since,
                "fix": rule.fix or None,
                "references": list(rule.references),
            }
            for rule in rules
        ]
    )
