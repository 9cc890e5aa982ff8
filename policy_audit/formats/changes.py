"""A comparison as text, as JSON, and as Markdown for a pull request: what is allowed now, and what is not any more."""

from collections.abc import Iterator
from typing import Final

from policy_audit.comparison.changes import Change, Comparison, Effect, Example
from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.formats.json import context_object, dumped, error_object, span_object
from policy_audit.formats.markdown import code, prose
from policy_audit.formats.order import sorted_skipped
from policy_audit.formats.paint import Paint, Role, painter
from policy_audit.formats.requests import DECISIONS, columns, elements
from policy_audit.formats.visible import inert, visible

FORMATS: Final = ("text", "json", "markdown")
VERSION: Final = "1"
_ROLES: Final[dict[Effect, Role]] = {"allowed": "refuted", "denied": "proven", "undecided": "undecided"}
_EFFECTS: Final[tuple[Effect, ...]] = ("allowed", "denied", "undecided")
_WORDS: Final[dict[Effect, str]] = {
    "allowed": "newly allowed",
    "denied": "no longer allowed",
    "undecided": "undecided",
}
_OF_DRIFT: Final[dict[Effect, str]] = {
    "allowed": "allowed as deployed, not by the template",
    "denied": "allowed by the template, not as deployed",
    "undecided": "undecided",
}


def render(comparison: Comparison, output: str, *, color: bool = False, exit_code: int = 0) -> str:
    """The whole output in one of `FORMATS`, newline at its end included."""
    if output == "json":
        return _json(comparison, exit_code)
    return _markdown(comparison) if output == "markdown" else _text(comparison, painter(color))


def _counts(comparison: Comparison) -> dict[Effect, int]:
    return {effect: sum(one.effect == effect for one in comparison.changes) for effect in _EFFECTS}


def _ordered(comparison: Comparison) -> list[Change]:
    return sorted(
        comparison.changes,
        key=lambda one: (_EFFECTS.index(one.effect), one.address, one.about, one.who, one.actions, one.resources),
    )


def _title(change: Change) -> str:
    """What changes, in one clause."""
    who = f" {change.who}" if change.who else ""
    if change.effect == "undecided":
        return f"{change.address}: what it {change.about}{who} is not known to be the same"
    return f"{change.address} {change.about}{who}"


# ---- text -----------------------------------------------------------------------------------------------------------


def _text(comparison: Comparison, paint: Paint) -> str:
    blocks = [_change(change, comparison, paint) for change in _ordered(comparison)]
    blocks += [_skipped(item, paint) for item in sorted_skipped(comparison.skipped)]
    blocks.append(_summary(comparison) + "\n")
    return inert("\n".join(blocks))


def _words(comparison: Comparison) -> dict[Effect, str]:
    return _OF_DRIFT if comparison.is_drift else _WORDS


def _change(change: Change, comparison: Comparison, paint: Paint) -> str:
    words = _words(comparison)
    lines = [f"{paint(words[change.effect] + ':', _ROLES[change.effect])} {paint(visible(_title(change)), 'bold')}"]
    lines.append(f"  {paint('-->', 'frame')} {visible(str(change.span))}")
    rows = [("actions", ", ".join(change.actions)), ("on", ", ".join(change.resources))]
    rows += [("why", reason) for reason in change.reasons]
    rows += [("unless", change.unless)] * bool(change.unless) + [("when", one) for one in change.when]
    if rows := [row for row in rows if row[1]]:
        lines += [f"  {line}" for line in columns(rows).split("\n")]
    if change.example is not None:
        lines.append(f"  for example, {_before_and_now(change.example, comparison)}:")
        lines += [f"    {line}" for line in columns(elements(change.example)).split("\n")]
    return "\n".join(lines) + "\n"


def _before_and_now(example: Example, comparison: Comparison) -> str:
    old, new = (DECISIONS.get(one, "denied") for one in (example.old, example.new))
    return f"{old} by the template, {new} as deployed" if comparison.is_drift else f"{old} before, {new} now"


def _skipped(item: Skipped, paint: Paint) -> str:
    title = paint("incomplete:", "error") if item.broken else paint("not compared:", "bold")
    return f"{title} {visible(item.reason)}\n  {paint('-->', 'frame')} {visible(item.target)}\n"


def _summary(comparison: Comparison) -> str:
    numbers = _counts(comparison)
    if not any(numbers.values()):
        return f"the same requests are allowed as {'by the templates' if comparison.is_drift else 'before'}"
    return ", ".join(f"{number} {_words(comparison)[effect]}" for effect, number in numbers.items())


# ---- JSON -----------------------------------------------------------------------------------------------------------


def _json(comparison: Comparison, exit_code: int) -> str:
    return dumped(
        {
            "version": VERSION,
            "exit_code": exit_code,
            "counts": _counts(comparison),
            "changes": [_entry(change) for change in _ordered(comparison)],
            "skipped": [
                {"target": item.target, "reason": item.reason, "help": item.help, "incomplete": item.broken}
                for item in sorted_skipped(comparison.skipped)
            ],
            "assumptions": list(comparison.assumptions),
            "targets": dict(
                zip(
                    ("old", "new"),
                    ([{"path": one.path, "form": one.form} for one in side] for side in comparison.targets),
                    strict=True,
                )
            ),
        }
    )


def _entry(change: Change) -> dict[str, object]:
    example = change.example
    return {
        "effect": change.effect,
        "address": change.address,
        "about": change.about,
        "who": change.who,
        "actions": list(change.actions),
        "resources": list(change.resources),
        "location": span_object(change.span),
        "reasons": list(change.reasons),
        "unless": change.unless,
        "when": list(change.when),
        "example": None
        if example is None
        else {
            "principal": example.principal,
            "action": example.action,
            "resource": example.resource,
            "context": context_object(example.context),
            "old": {"decision": example.old, "case": dict(example.old_case)},
            "new": {"decision": example.new, "case": dict(example.new_case)},
        },
    }


def errors(problem: AuditError) -> str:
    """The JSON document that tells why there is no comparison."""
    return dumped(
        {
            "version": VERSION,
            "exit_code": problem.exit_code,
            "errors": [error_object(problem)],
        }
    )


# ---- Markdown -------------------------------------------------------------------------------------------------------


def _markdown(comparison: Comparison) -> str:
    lines = [f"### Access: {_summary(comparison)}", ""]
    for change in _ordered(comparison):
        lines += [*_item(change, comparison)]
    if comparison.skipped:
        lines += ["", "Not compared:", ""]
        lines += [f"- {_code(item.target)}: {_code(item.reason)}" for item in sorted_skipped(comparison.skipped)]
    return "\n".join(lines).rstrip() + "\n"


def _item(change: Change, comparison: Comparison) -> Iterator[str]:
    who = f" {change.who}" if change.who else ""
    yield f"- **{_words(comparison)[change.effect]}**: {_code(change.address)} {change.about} {prose(who)}".rstrip()
    if change.actions:
        yield f"  {', '.join(map(_code, change.actions))} on {', '.join(map(_code, change.resources))}"
    yield from (f"  - why: {prose(reason)}" for reason in change.reasons)
    if change.unless:
        yield f"  - unless {prose(change.unless)}"
    yield from (f"  - when {prose(one)}" for one in change.when)
    if change.example is not None:
        told = "; ".join(f"{_code(name)} {_code(value)}" for name, value in elements(change.example))
        yield f"  - for example ({_before_and_now(change.example, comparison)}): {told}"


def _code(text: str) -> str:
    return code(visible(text))
