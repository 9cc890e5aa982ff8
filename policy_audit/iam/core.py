"""The statements that carry a proof: a set from which none can be taken away, for all values of the symbols at once.

Each value of the symbols that makes a difference is a question of its own. What carries the answer to one of them need
not carry it to another, so statements are tried with all of them.
"""

from collections.abc import Callable, Mapping, Sequence

from policy_audit.iam.limits import MOST_IN_CORE, OverBudgetError
from policy_audit.iam.question import Question
from policy_audit.iam.request import Deciding, Policies
from policy_audit.iam.search import allowed, not_allowed
from policy_audit.iam.ways import denies_of, formula_of
from policy_audit.model.policy import Effect

Key = tuple[int, int]
"""A statement: the number of its document, -1 for what AWS itself reserves, and its place there."""


def carrying(effect: Effect, questions: Sequence[Question]) -> tuple[Deciding, ...]:
    """The statements of this effect that carry the proof of all `questions`, which differ in their symbols' values.

    Denies carry that no request is allowed, Allows that every one is. Without any one of them some question is not
    proven any more; empty when the proof needs none. All of them when they are too many to be tried one by one.
    """
    canonical = _same_documents(questions[0].policies)
    tables = [_statements(effect, question, canonical) for question in questions]
    keys: dict[Key, Deciding] = {}
    for table in tables:
        for key, deciding in table.items():
            keys.setdefault(key, deciding)
    checks = [
        _check(effect, question, {key: id(deciding) for key, deciding in table.items()})
        for question, table in zip(questions, tables, strict=True)
    ]
    kept = _kept(tuple(keys), lambda without: all(holds(without) for holds in checks))
    originals = tuple(questions[0].policies.documents())
    return tuple(
        found._replace(policy=originals[key[0]]) if key[0] >= 0 else found for key, found in keys.items() if key in kept
    )


def _kept(keys: Sequence[Key], holds: Callable[[set[Key]], bool]) -> set[Key]:
    """The keys without any of which `holds` is false."""
    without = set(keys)
    try:
        if not keys or holds(without):
            return set()
        without.clear()
        if len(keys) <= MOST_IN_CORE:
            _halve(tuple(reversed(keys)), without, holds)
    except OverBudgetError:
        without.clear()
    return set(keys) - without


def _leave_out(keys: Sequence[Key], without: set[Key], holds: Callable[[set[Key]], bool]) -> None:
    """Adds to `without` what can be left out of `keys`: all at once or, if that is too much, of either half."""
    without.update(keys)
    if holds(without):
        return
    without.difference_update(keys)
    _halve(keys, without, holds)


def _halve(keys: Sequence[Key], without: set[Key], holds: Callable[[set[Key]], bool]) -> None:
    """The same for keys that cannot all be left out."""
    if len(keys) > 1:
        half = len(keys) // 2
        _leave_out(keys[:half], without, holds)
        _leave_out(keys[half:], without, holds)


def _same_documents(policies: Policies) -> list[int]:
    """For each document in force the number of the first that is the same one."""
    first: dict[int, int] = {}
    return [first.setdefault(id(document), number) for number, document in enumerate(policies.documents())]


def _statements(effect: Effect, question: Question, canonical: Sequence[int]) -> Mapping[Key, Deciding]:
    """The statements of this effect that may apply in the question."""
    numbers: dict[int, int] = {}
    for number, document in enumerate(question.policies.documents()):
        numbers.setdefault(id(document), canonical[number])
    found: dict[Key, Deciding] = {}
    for draft in question.drafts():
        if draft.effect == effect and draft.deciding is not None:
            deciding = draft.deciding
            found[numbers.get(id(deciding.policy), -1), deciding.index] = deciding
    return found


def _check(effect: Effect, question: Question, ids: Mapping[Key, int]) -> Callable[[set[Key]], bool]:
    """Whether the proof of the question holds without some statements."""
    steps, region = question.space.steps, question.space.region(wide=True)
    # Who is allowed but for the Denies is the same whichever of those are left out.
    alternatives = formula_of(question, allow_may=True).alternatives if effect == "Deny" else ()

    def holds(without: set[Key]) -> bool:
        if region is None:
            return True
        left_out = {ids[key] for key in without if key in ids}
        if effect == "Deny":
            return allowed(region, alternatives, denies_of(question, allow_may=True, without=left_out), steps) is None
        formula = formula_of(question, allow_may=False, without=left_out)
        return not_allowed(region, formula.alternatives, formula.denies, steps) is None

    return holds
