"""What an ignore in an audited file says: rules, a reason, and what narrows it. Comments and `Metadata` share it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.model.ignores import Ignore
from policy_audit.origin import Span
from policy_audit.suggest import did_you_mean

NARROWING: Final = ("action", "expires", "requirement")
"""What may be said beside rules and a reason."""


def ignores(
    rules: Sequence[tuple[str, Span]],
    said: Mapping[str, str],
    reason: str,
    covers: Ignore,
    known: frozenset[str],
) -> Iterator[Ignore]:
    """One ignore for each of `rules` (with their places), which covers what `covers` does."""
    problem = _problem(rules, said)
    if problem:
        yield covers._replace(problem=problem)
        return
    for rule, span in rules:
        yield covers._replace(
            rule=rule,
            span=span,
            reason=reason,
            expires=said.get("expires", ""),
            action=said.get("action", ""),
            requirement=said.get("requirement", ""),
            problem="" if rule in known else _unknown(rule, known),
        )


def _problem(rules: Sequence[tuple[str, Span]], said: Mapping[str, str]) -> str:
    if not rules:
        return "names no rule"
    for key in said:
        if key not in NARROWING:
            return f"has an unknown key `{key}`" + _hint(did_you_mean(key, NARROWING))
    return date_problem(said["expires"]) if "expires" in said else ""


def date_problem(text: str) -> str:
    """What is wrong with `text` as the last day of an ignore; empty when nothing is."""
    from datetime import date

    try:
        written = date.fromisoformat(text).isoformat()
    except ValueError:
        written = ""
    return "" if written == text else f"expires on `{text}`, which is no date like 2027-01-31"


def _unknown(rule: str, known: frozenset[str]) -> str:
    return f"names `{rule}`, which is no rule" + _hint(did_you_mean(rule, known))


def _hint(hint: str) -> str:
    return f": {hint}" if hint else ""
