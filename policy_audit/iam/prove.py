"""Whether all requests of a set are allowed, or none is: proven, refuted with a request, or undecided with the reason.

What is proven holds for every request of the set and every value of the symbols. A refutation is a request that the
evaluator decides so. Whatever lies between is undecided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from policy_audit.iam.core import carrying
from policy_audit.iam.decide import IDENTITY_NOT_VISIBLE, Side, classes, decide, decide_broadly
from policy_audit.iam.limits import BROAD_SHARE, MANY_NAMES, MOST_REASONS, OverBudgetError, Steps
from policy_audit.iam.question import Question, is_closed
from policy_audit.iam.request import (
    Authorization,
    Policies,
    Proven,
    Refuted,
    Request,
    RequestSet,
    Undecided,
    Verdict,
)
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import Symbols

if TYPE_CHECKING:
    from collections.abc import Callable

    from policy_audit.iam.unifiers import Bindings

EVERYTHING: Final = Policy((Statement("Allow", ("*",), ("*",)),), name="any identity policy")
WORST_CASE: Final = f"{IDENTITY_NOT_VISIBLE}: they may allow everything"
WORST_ANSWER: Final = "what the Lambda authorizer answers is not known: it may allow everything"
NOT_VISIBLE: Final = Policy((), name="identity policies that are not visible", unknown=IDENTITY_NOT_VISIBLE)


def prove_denied(
    requests: RequestSet, policies: Policies, symbols: Symbols, authorization: Authorization = "ordinary"
) -> Verdict:
    """Whether no request of the set is allowed, whichever the caller chooses.

    `Proven` when none is, for every value of the symbols; `Refuted` with a request that the evaluator allows, whatever
    the symbols are; else `Undecided`. Identity policies that are not visible are taken to allow everything.
    """
    verdict = _for_all_symbols("denied", requests, _worst_case(policies), symbols, authorization)
    if policies.identity is None and not isinstance(verdict, Undecided):
        if authorization == "api-gateway-custom":
            return verdict._replace(assumptions=(*verdict.assumptions, WORST_ANSWER))
        if requests.kind == "signed":
            return verdict._replace(assumptions=(*verdict.assumptions, WORST_CASE))
    return verdict


def prove_allowed(
    requests: RequestSet, policies: Policies, symbols: Symbols, authorization: Authorization = "ordinary"
) -> Verdict:
    """Whether the request is allowed of which nothing is known but that it is in the set.

    `Proven` when every request of the set is allowed, `Refuted` when none is, else `Undecided` with what it hangs on.
    """
    if policies.identity is None and (requests.kind == "signed" or authorization == "api-gateway-custom"):
        policies = policies._replace(identity=(NOT_VISIBLE,))
    if not symbols.is_empty and sum(len(policy.statements) for policy in policies.identity or ()) > MANY_NAMES:
        from policy_audit.iam.narrowing import narrowed

        fewer = narrowed(requests, policies, MANY_NAMES)
        if fewer is not None:
            verdict = _for_all_symbols("allowed", requests, fewer.policies, symbols, authorization)
            if isinstance(verdict, Proven):
                return fewer.restored(verdict)
    return _for_all_symbols("allowed", requests, policies, symbols, authorization)


def members_allowed(
    requests: RequestSet, policies: Policies, symbols: Symbols, authorization: Authorization = "ordinary"
) -> tuple[Refuted, ...]:
    """A request for each kind of principal that gets through, at most `MOST_CLASSES`.

    Two principals are of one kind when no statement tells them apart.
    """
    found: list[Refuted] = []
    try:
        found.extend(classes(Question(requests, _worst_case(policies), symbols, authorization)))
    except OverBudgetError:
        return tuple(found)
    return tuple(found)


def _worst_case(policies: Policies) -> Policies:
    return policies._replace(identity=(EVERYTHING,)) if policies.identity is None else policies


def _for_all_symbols(
    side: Side, requests: RequestSet, policies: Policies, symbols: Symbols, authorization: Authorization
) -> Verdict:
    """The verdict that holds for every value of the symbols, or what it hangs on."""
    steps = Steps()
    try:
        closed = symbols.is_empty or is_closed(requests, policies)
        if closed and side == "denied":
            share = Steps(steps.left // BROAD_SHARE)
            broadly = _broadly_denied(requests, policies, symbols, authorization, share)
            if broadly is not None:
                return broadly
        question = Question(requests, policies, symbols, authorization, steps=steps)
        verdict = decide(side, question)
        if isinstance(verdict, Refuted) and side == "denied":
            return verdict  # Replayed with the letters in it: it holds whatever they stand for.
        if closed:
            return _carried(verdict, side, [question])
        return _with_values(verdict, side, question)
    except OverBudgetError as error:
        return Undecided((str(error),))


def _with_values(verdict: Verdict, side: Side, question: Question) -> Verdict:
    """The verdict over letters, if it is the same for each of their values that may make a difference."""
    from policy_audit.iam.symbols import substitute, substitutions, with_colons

    requests, policies, symbols, steps = (
        question.requests,
        question.policies,
        question.space.symbols,
        question.space.steps,
    )
    patterns = list(question.space.patterns())
    tried = substitutions(patterns, symbols, question.space.accounts, steps, question.space.alone())

    def asked_with(bindings: Bindings) -> Question:
        changed = substitute(requests, policies, bindings)
        return Question(*changed, symbols, question.authorization, steps=steps)

    questions = [question]
    flipping: list[tuple[Bindings, Verdict]] = []
    is_whole = complete = tried.complete
    for size, bindings in sorted((len(each), each) for each in tried.found):
        if flipping and size > len(flipping[0][0]):
            is_whole = False
            break  # A shorter condition is known that makes a difference.
        try:
            questions.append(asked_with(bindings))
            other = decide(side, questions[-1])
        except OverBudgetError:
            is_whole = complete = False
            break
        if type(other) is not type(verdict):
            flipping.append((bindings, other))
    if flipping:
        return _hanging(verdict, flipping, symbols, is_whole)
    if not complete:
        return Undecided(("too many values of the open parts would make a difference",), likely=_request_of(verdict))
    carried = _carried(verdict, side, questions)
    if not isinstance(carried, Proven):
        return carried
    relied = [bindings for bindings in with_colons(patterns, symbols) if _relies_on(side, asked_with, bindings)]
    without = (f"`{symbols.show(letter)}` holds no colon" for bindings in relied for letter, _ in bindings)
    return carried._replace(assumptions=(*carried.assumptions, *without))


def _relies_on(side: Side, asked_with: Callable[[Bindings], Question], bindings: Bindings) -> bool:
    """Whether the proof does not hold, as far as can be told, for these values."""
    try:
        return not isinstance(decide(side, asked_with(bindings)), Proven)
    except OverBudgetError:
        return True


def _broadly_denied(
    requests: RequestSet, policies: Policies, symbols: Symbols, authorization: Authorization, steps: Steps
) -> Verdict | None:
    """The verdict on a question without open texts, if it can be told without telling resources apart.

    Most can: one statement denies everything to all but the role, or nothing denies what no path of it mentions.
    """
    try:
        question = Question(requests, policies, symbols, authorization, steps=steps, broad=True)
        verdict = decide_broadly(question)
    except OverBudgetError:
        return None
    if not isinstance(verdict, Proven):
        return verdict
    verdict = _carried(verdict, "denied", [question])
    # With too much allowed, more may seem to be needed than is: what too little allowed needs as well is.
    if question.understate() and _carried(verdict, "denied", [question]) != verdict:
        return None
    return verdict if steps.left >= 0 else None


def _carried(verdict: Verdict, side: Side, questions: list[Question]) -> Verdict:
    """A proof with the statements that carry it."""
    if isinstance(verdict, Proven):
        return verdict._replace(because=carrying("Deny" if side == "denied" else "Allow", questions))
    return verdict


def _hanging(verdict: Verdict, flipping: list[tuple[Bindings, Verdict]], symbols: Symbols, is_whole: bool) -> Verdict:
    """Undecided, with the shortest conditions under which the verdict is another."""
    from policy_audit.iam.symbols import condition_of

    definite = [bindings for bindings, other in flipping if not isinstance(other, Undecided)]
    shortest = sorted(definite or [bindings for bindings, _ in flipping], key=len)
    least = [one for one in shortest if not any(set(other) < set(one) for other in shortest)]
    conditions = list(dict.fromkeys(condition_of(bindings, symbols) for bindings in least))
    names = sorted({symbols.of(letter).name for bindings in least for letter, _ in bindings})
    reasons = tuple(f"the value of `{name}` is not known" for name in names[:MOST_REASONS])
    likely = _request_of(verdict) or next((found for _, other in flipping if (found := _request_of(other))), None)
    likelier: Literal["proven", "refuted", ""] = "proven" if isinstance(verdict, Proven) else "refuted"
    if isinstance(verdict, Undecided):
        likelier = verdict.likelier
    is_whole = is_whole and len(conditions) <= MOST_REASONS
    return Undecided(reasons, " or ".join(conditions[:MOST_REASONS]), likely, likelier, is_whole)


def _request_of(verdict: Verdict) -> Request | None:
    if isinstance(verdict, Refuted):
        return verdict.request
    return verdict.likely if isinstance(verdict, Undecided) else None


__all__ = ["EVERYTHING", "members_allowed", "prove_allowed", "prove_denied"]
