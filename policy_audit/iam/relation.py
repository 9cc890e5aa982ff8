"""How two sets of policies compare over a set of requests: whether one allows what the other does not.

Both are asked about in one space, so that a difference is searched for itself, not put together from two proofs.
"""

from typing import Literal

from policy_audit.iam.decide import NO_REQUEST, assumptions, caller_of, doubts, is_member
from policy_audit.iam.limits import MOST_REASONS, OverBudgetError, Steps
from policy_audit.iam.prove import EVERYTHING, NOT_VISIBLE
from policy_audit.iam.question import Question, as_taken, has_open_arns, refine
from policy_audit.iam.request import Authorization, Decision, Policies, Request, RequestSet
from policy_audit.iam.search import Cube, allowed_beyond
from policy_audit.iam.space import Space
from policy_audit.iam.symbols import condition_of, substitute, substitutions
from policy_audit.iam.unifiers import Bindings
from policy_audit.iam.ways import formula_of
from policy_audit.iam.witness import as_written, candidates
from policy_audit.model.value import Symbols
from policy_audit.record import NamedTuple

Outcome = Literal["equal", "more", "less", "neither", "undecided"]
"""What the new policies allow, compared with the old: `neither` more nor less when each allows what the other does not.
"""

WHATEVER_IDENTITY = "the caller's identity policies are not visible, and the same before and after"


class Difference(NamedTuple):
    """A request of the set that the evaluator decides otherwise for the two: one allows it, the other does not."""

    request: Request
    old: Decision
    new: Decision
    identity: Literal["", "allow", "do not allow"] = ""
    """What the caller's identity policies have to say of it, where they are not visible."""


class Doubt(NamedTuple):
    """Why it is not known whether there is a difference; `unless` is the condition under which there is one."""

    reasons: tuple[str, ...]
    unless: str = ""
    likely: Request | None = None


Side = Difference | Doubt | None
"""A request that one of two allows and the other does not; None when there certainly is none."""


class Relation(NamedTuple):
    """`gained` is what new allows and old does not, `lost` the reverse. With a doubt on a side it is undecided."""

    gained: Side
    lost: Side
    assumptions: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if isinstance(self.gained, Doubt) or isinstance(self.lost, Doubt):
            return "undecided"
        if self.gained is None:
            return "equal" if self.lost is None else "less"
        return "more" if self.lost is None else "neither"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What an undecided relation hangs on."""
        found = [reason for side in (self.gained, self.lost) if isinstance(side, Doubt) for reason in side.reasons]
        return tuple(dict.fromkeys(found))


def relation(
    old: Policies,
    new: Policies,
    requests: RequestSet,
    symbols: Symbols,
    authorization: Authorization = "ordinary",
) -> Relation:
    """What `new` allows of the set compared with `old`.

    "No difference" holds for every request of the set and every value of the symbols; a difference is a request that
    the evaluator decides so, whatever the symbols are. Identity policies that are visible on neither side are taken to
    be the same on both, whichever they are; visible on one side only, they may be anything on the other.
    """
    requests = as_taken(requests, authorization)
    if requests.kind != "signed" and authorization != "api-gateway-custom":
        return _relation(old._replace(identity=()), new._replace(identity=()), requests, symbols, authorization)
    if old.identity is None and new.identity is None:
        # Of each request they say that it is allowed, that it is denied, or nothing; denied, it is so on both sides.
        allowing, silent = (
            _relation(old._replace(identity=own), new._replace(identity=own), requests, symbols, authorization)
            for own in ((EVERYTHING,), ())
        )
        return Relation(
            _either(allowing.gained, silent.gained),
            _either(allowing.lost, silent.lost),
            tuple(dict.fromkeys((*allowing.assumptions, *silent.assumptions, WHATEVER_IDENTITY))),
        )
    return _relation(_visible(old), _visible(new), requests, symbols, authorization)


def _visible(policies: Policies) -> Policies:
    return policies._replace(identity=(NOT_VISIBLE,)) if policies.identity is None else policies


def _either(allowing: Side, silent: Side) -> Side:
    if isinstance(allowing, Difference):
        return allowing._replace(identity="allow")
    if isinstance(silent, Difference):
        return silent._replace(identity="do not allow")
    return allowing or silent


def _relation(
    old: Policies, new: Policies, requests: RequestSet, symbols: Symbols, authorization: Authorization
) -> Relation:
    steps = Steps()
    try:
        before, after = _questions(old, new, requests, symbols, authorization, steps)
        known = assumptions(after)
        if before.space.region(wide=True) is None:
            return Relation(None, None, (NO_REQUEST,))
        gained, lost = _sides(before, after)
        if gained is not None and lost is not None:
            return Relation(gained, lost, known)
        tried = substitutions(before.space.patterns(), symbols, before.space.accounts, steps)
    except OverBudgetError as error:
        return Relation(Doubt((str(error),)), Doubt((str(error),)))
    hanging: list[tuple[Bindings, Side, Side]] = []
    complete = tried.complete
    for bindings in sorted(tried.found, key=lambda each: (len(each), each)):
        altered, one = substitute(requests, old, bindings)
        other = substitute(requests, new, bindings)[1]
        try:
            other_gained, other_lost = _sides(*_questions(one, other, altered, symbols, authorization, steps))
        except OverBudgetError:
            complete = False
            break
        hanging.append((bindings, other_gained, other_lost))
        if (gained or other_gained) and (lost or other_lost):
            break  # Longer conditions tell no more.
    gained = gained or _hanging([(bindings, side) for bindings, side, _ in hanging if side is not None], symbols)
    lost = lost or _hanging([(bindings, side) for bindings, _, side in hanging if side is not None], symbols)
    if not complete:
        too_many = Doubt(("too many values of the open parts would make a difference",))
        gained, lost = gained or too_many, lost or too_many
    return Relation(gained, lost, known)


def _questions(
    old: Policies, new: Policies, requests: RequestSet, symbols: Symbols, authorization: Authorization, steps: Steps
) -> tuple[Question, Question]:
    space = Space(requests, symbols, has_open_arns(requests, old) or has_open_arns(requests, new), steps)
    before = Question(requests, old, symbols, authorization, space)
    after = Question(requests, new, symbols, authorization, space)
    refine((before, after))
    return before, after


def _hanging(found: list[tuple[Bindings, Side]], symbols: Symbols) -> Doubt | None:
    """A doubt about the values of symbols, if some make a difference."""
    if not found:
        return None
    bindings, side = next((each for each in found if isinstance(each[1], Difference)), found[0])
    names = sorted({symbols.of(letter).name for letter, _ in bindings})
    likely = side.request if isinstance(side, Difference) else side.likely if side is not None else None
    reasons = tuple(f"the value of `{name}` is not known" for name in names[:MOST_REASONS])
    return Doubt(reasons, condition_of(bindings, symbols), likely)


# ---- one run over letters


def _sides(before: Question, after: Question) -> tuple[Side, Side]:
    """What is gained and what is lost for symbols that are all different from anything else."""
    gained, lost = _beyond(after, before), _beyond(before, after)
    if isinstance(lost, Difference):
        lost = lost._replace(old=lost.new, new=lost.old)
    return gained, lost


def _beyond(question: Question, other: Question) -> Side:
    """What `question` allows and `other` does not; the decision of `question` is `new`."""
    steps = question.space.steps
    wide, narrow = question.space.region(wide=True), question.space.region(wide=False)
    possible = None if wide is None else _search(wide, question, other, True, steps)
    if possible is None:
        return None
    certain = None if narrow is None else _search(narrow, question, other, False, steps)
    for request in () if certain is None else candidates(certain, question):
        request = request._replace(action=as_written(request.action, other))
        difference = _replayed(request, question, other)
        if difference is not None and is_member(request, question):
            return difference
    return _doubt(certain or possible, question, other)


def _search(cube: Cube, question: Question, other: Question, may: bool, steps: Steps) -> Cube | None:
    """A cube that may (or must) be allowed by `question` and not by `other`."""
    ours, theirs = formula_of(question, allow_may=may), formula_of(other, allow_may=not may)
    return allowed_beyond(cube, ours.alternatives, ours.denies, theirs.alternatives, theirs.denies, steps)


def _replayed(request: Request, question: Question, other: Question) -> Difference | None:
    decision, against = question.decision_on(request), other.decision_on(request)
    # With `denied_by` set an undecided request is denied in any case: only whether explicitly is open.
    refused = against.outcome.endswith("Denied") or against.denied_by is not None
    return Difference(request, against, decision) if decision.outcome == "Allowed" and refused else None


def _doubt(cube: Cube, question: Question, other: Question) -> Doubt:
    """Why a request of the cube is not surely allowed by the one and not by the other."""
    likely = next(candidates(cube, question), None)
    reasons = [*doubts(question, cube), *doubts(other, cube)]
    if likely is None:
        reasons.append("no value is known that a key would need to have")
    else:
        reasons += question.decision_on(likely).undecided_because + other.decision_on(likely).undecided_because
        if not is_member(likely, question):
            show = question.space.symbols.show
            reasons.append(f"whether `{show(caller_of(likely))}` is one of those left out")
    reasons = reasons or ["a key of the caller that nobody chooses at will"]
    return Doubt(tuple(dict.fromkeys(reasons))[:MOST_REASONS], likely=likely)
