"""Rule × fact → requirement: what must be allowed, denied or true, asked of the audited system."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.resources import Fact, Missing
from policy_audit.model.system import System
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import Call
from policy_audit.rulebook.facts import facts
from policy_audit.rulebook.permissions import allow
from policy_audit.rulebook.requirement import Requirement, about, place, undecidable
from policy_audit.rulebook.restrictions import deny
from policy_audit.rulebook.rule import Permission, Property, Rule

_ARN_COLONS: Final = 5
_MOST_ALSO: Final = 5
"""Further places that need the same, of which a finding tells."""


def derive(rules: Sequence[Rule], system: System) -> tuple[Requirement, ...]:
    """Every requirement of `rules` on `system`, each once.

    Two that are told in the same words are one only if they ask the same: a template may stand in two stacks.
    """
    found: dict[tuple[str, str, str], list[Requirement]] = {}
    subjects: dict[str, Sequence[object]] = {}
    for rule in rules:
        if rule.about not in subjects:
            subjects[rule.about] = facts(rule.about, system)
        for subject in subjects[rule.about]:
            for requirement in _ask(rule, subject, _home(subject, system)):
                same = found.setdefault((rule.id, requirement.address, requirement.sentence), [])
                known = next((index for index, one in enumerate(same) if _is_one(one, requirement)), None)
                if known is None:
                    same.append(requirement)
                elif (also := same[known].also) is not None and len(also) < _MOST_ALSO:
                    same[known] = same[known]._replace(also=(*also, (subject, requirement.needed_at)))
    return tuple(one for same in found.values() for one in same)


def _is_one(first: Requirement, second: Requirement) -> bool:
    return (first.is_closed and second.is_closed) or first.asks == second.asks


def _home(subject: object, system: System) -> System:
    """The system as it is seen from where the subject is: what it belongs to by its ARN, or the workflow that calls."""
    if not system.is_spread:
        return system
    call = getattr(subject, "call", subject)
    if isinstance(call, Call):
        return call.system
    for name in ("arn", "state_machine", "machine", "api", "connection", "sender", "role"):
        owner = getattr(subject, name, None)
        arn = getattr(owner, "arn", owner)
        if isinstance(arn, str) and arn.count(":") >= _ARN_COLONS:
            return system.at(arn)
    return system


def _ask(rule: Rule, subject: object, system: System) -> Iterator[Requirement]:
    doubt = ""
    for path, values in rule.where:
        value = path.of(subject)
        word = _word(value)
        if isinstance(value, Missing):
            doubt = doubt or value.reason
        elif has_letters(word):
            if _may_be_one_of(word, values, system):
                reasons = system.symbols.reasons(word)
                doubt = doubt or (reasons[0] if reasons else f"`{system.symbols.show(word)}` is not known")
            else:
                return
        elif word not in values:
            return
    if doubt:
        yield undecidable(rule, subject, rule.summary, f"whether this is asked is not known: {doubt}", system)
        return
    for clause in rule.require:
        match clause:
            case Property():
                yield from _property(rule, clause, subject, system)
            case Permission(effect="allow"):
                yield from allow(rule, clause, subject, system)
            case Permission():
                yield from deny(rule, clause, subject, system)


def _may_be_one_of(word: str, values: Sequence[str], system: System) -> bool:
    """Whether an open text may be one of `values`."""
    return len(word) > 1 or any(system.symbols.of(word).shape.admits(value) for value in values)


def _word(value: object) -> str:
    """A property's value as a rule file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    field = getattr(value, "text", value)
    return "" if field is None else str(field)


def _property(rule: Rule, clause: Property, subject: object, system: System) -> Iterator[Requirement]:
    value = clause.path.of(subject)
    if isinstance(value, Missing):
        yield undecidable(rule, subject, rule.summary, value.reason, system)
        return
    address, span = place(subject)
    found = value if isinstance(value, tuple) and not isinstance(value, Fact) else (value,)
    for fact in found:
        if not isinstance(fact, Fact):
            continue
        at = fact.address or address
        part = f"`{system.symbols.show(fact.part)}` of " if fact.part else ""
        sentence = f"{part}{about(subject, at, system)}: {rule.summary}"
        yield Requirement(rule, subject, sentence, at, fact.span or span, span, fact=fact, effect="holds")
