"""One run of the prover over letters: the verdict for symbols that are all different from anything else."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from policy_audit.iam.limits import MOST_CLASSES, MOST_REASONS, Steps
from policy_audit.iam.patterns import literal, matches
from policy_audit.iam.question import Question
from policy_audit.iam.request import ContextValue, Proven, Refuted, Request, Undecided, Verdict
from policy_audit.iam.search import Cube, allowed, meet, not_allowed
from policy_audit.iam.space import PRINCIPAL, RESOURCE
from policy_audit.iam.ways import formula_of

Side = Literal["allowed", "denied"]
"""What is to be proven of every request of the set."""

IDENTITY_NOT_VISIBLE: Final = "the caller's identity policies are not visible"
WELL_FORMED: Final = "callers are roles, users, federated users and root users, with well-formed ARNs"
NO_REQUEST: Final = "no request belongs to the set"


def decide(side: Side, question: Question) -> Verdict:
    """The verdict on one question; of a proof not what carries it (see `core`). Raises `OverBudgetError`."""
    return _denied(question) if side == "denied" else _allowed(question)


def _denied(question: Question) -> Verdict:
    steps = question.space.steps
    wide, narrow = question.space.region(wide=True), question.space.region(wide=False)
    if wide is None:
        return Proven((), (NO_REQUEST,))
    formula = formula_of(question, allow_may=True)
    possible = allowed(wide, formula.alternatives, formula.denies, steps)
    if possible is None:
        return Proven((), assumptions(question))
    certain = formula_of(question, allow_may=False)
    cube = None if narrow is None else allowed(narrow, certain.alternatives, certain.denies, steps)
    if cube is not None:
        refuted = _replayed(cube, question, "denied")
        if refuted is not None:
            return refuted
    return _doubtful(cube or possible, question, cube is not None)


def decide_broadly(question: Question) -> Verdict | None:
    """The verdict that no request is allowed, if a broad question gives it away: a proof, or a request to show it.

    Who is denied every resource of the set is denied each, and a request is replayed with all that was left out.
    """
    if question.is_whole:
        return _denied(question)
    steps = question.space.steps
    wide, narrow = question.space.region(wide=True), question.space.region(wide=False)
    if wide is None:
        return Proven((), (NO_REQUEST,))
    formula = formula_of(question, allow_may=True)
    if allowed(wide, formula.alternatives, formula.denies, steps) is None:
        return Proven((), assumptions(question))
    certain = formula_of(question, allow_may=False)
    cube = None if narrow is None else allowed(narrow, certain.alternatives, certain.denies, steps)
    return None if cube is None else _replayed(cube, question, "denied")


def classes(question: Question) -> Iterator[Refuted]:
    """A request for each kind of principal that gets through: two are of one kind if no statement tells them apart."""
    steps = question.space.steps
    certain = formula_of(question, allow_may=False)
    region = question.space.region(wide=False)
    for _ in range(MOST_CLASSES):
        cube = None if region is None else allowed(region, certain.alternatives, certain.denies, steps)
        if cube is None or region is None:
            return
        callers = question.space.dimensions[PRINCIPAL]
        atom = callers.some_of(cube[PRINCIPAL])
        refuted = _replayed(cube, question, "denied")
        if refuted is not None:
            yield refuted
            atom = callers.atom_of(caller_of(refuted.request)) or atom
        region = meet(region, ((PRINCIPAL, ~atom),))


def caller_of(request: Request) -> str:
    return request.caller.arn or "anonymous"


def _allowed(question: Question) -> Verdict:
    steps = question.space.steps
    wide = question.space.region(wide=True)
    if wide is None:
        return Undecided((NO_REQUEST,))
    certain, open_to_all = formula_of(question, allow_may=False), formula_of(question, allow_may=True)
    missed = not_allowed(wide, certain.alternatives, certain.denies, steps)
    if missed is None:
        return Proven((), assumptions(question))
    passing = allowed(wide, open_to_all.alternatives, open_to_all.denies, steps)
    if passing is None:
        return _replayed(missed, question, "allowed") or _doubtful(missed, question, True)
    return _dividing(question, missed, passing, steps)


# ---- replay


def _replayed(cube: Cube, question: Question, side: Side) -> Refuted | None:
    """A request of the cube that the evaluator decides otherwise than required, and that surely is in the set."""
    from policy_audit.iam.witness import candidates

    for request in candidates(cube, question):
        if any(matches(pattern, request.resource) for pattern in question.left_out):
            continue
        decision = question.decision_on(request)
        # With `denied_by` set an undecided request is denied in any case: only whether explicitly is open.
        refused = decision.outcome.endswith("Denied") or decision.denied_by is not None
        against = decision.outcome == "Allowed" if side == "denied" else refused
        if against and is_member(request, question):
            return Refuted(request, decision, assumptions(question))
    return None


def is_member(request: Request, question: Question) -> bool:
    """Whether no value of the symbols makes the request one of those that the set leaves out."""
    from policy_audit.iam.unifiers import unifiers

    space = question.space
    values = {PRINCIPAL: caller_of(request), RESOURCE: request.resource}
    for name, use in space.used_keys():
        value = request.context.get(name)
        if use.dimension > RESOURCE and isinstance(value, str):
            values[use.dimension] = value
    for dimension, value in values.items():
        for pattern in space.excluded(dimension):
            if dimension == PRINCIPAL and pattern in space.accounts and _is_fresh_account(value, question):
                continue
            result = unifiers(literal(value), pattern, space.symbols)
            if result.found or not result.complete:
                return False
    return True


def _is_fresh_account(arn: str, question: Question) -> bool:
    """Whether nothing speaks of the account of `arn`: then it stands for whichever account is not the resource's."""
    account = arn.split(":", 5)[4:5]
    return (
        len(account) == 1
        and account[0].isdecimal()
        and not any(
            "".join(part for part in pattern.positions if isinstance(part, str)).split(":", 5)[4:5] == account
            for pattern in question.space.dimensions[PRINCIPAL].patterns()
        )
    )


def assumptions(question: Question) -> tuple[str, ...]:
    requests = question.requests
    if requests.kind != "signed" or all("*" not in text and "?" not in text for text in requests.callers.patterns):
        return ()
    return (WELL_FORMED,)


# ---- doubt


def _doubtful(cube: Cube, question: Question, certain: bool) -> Undecided:
    """Why a request of the cube is neither surely allowed nor surely denied."""
    from policy_audit.iam.witness import candidates

    likely = next(candidates(cube, question), None)
    unclear = list(doubts(question, cube))
    reasons = list(unclear)
    if likely is None:
        reasons.append("no value is known that a key would need to have")
    else:
        decision = question.decision_on(likely)
        reasons += decision.undecided_because
        if not is_member(likely, question):
            reasons.append(f"whether `{question.space.symbols.show(caller_of(likely))}` is one of those left out")
        if not reasons and decision.outcome != "Undecided":
            names = sorted(likely.context) or ["the statements that apply"]
            reasons.append(f"the prover and the evaluator read {', '.join(f'`{name}`' for name in names)} differently")
    if not certain and not reasons:
        reasons.append("a key of the caller that nobody chooses at will")
    # The letters say no, and only their values could say otherwise.
    likelier: Literal["refuted", ""] = "refuted" if certain and likely is not None and not unclear else ""
    return Undecided(tuple(dict.fromkeys(reasons))[:MOST_REASONS], likely=likely, likelier=likelier)


def doubts(question: Question, cube: Cube) -> Iterator[str]:
    """The reasons of statements that may apply within the cube and need not."""
    for draft in question.drafts():
        may, must = draft.box(may=True), draft.box(may=False)
        if may != must and may is not None and meet(cube, may) is not None:
            yield from draft.reasons()


def _dividing(question: Question, missed: Cube, passing: Cube, steps: Steps) -> Undecided:
    """Undecided because some requests of the set are allowed and others not: what tells them apart."""
    from policy_audit.iam.witness import candidates, point

    formula = formula_of(question, allow_may=True)
    outside, inside = point(missed, question), point(passing, question)
    if outside is None or inside is None:
        return Undecided(("no value is known that a key would need to have",))
    refused = tuple(atom for _, atom in outside)
    if allowed(refused, formula.alternatives, formula.denies, steps) is not None:
        return _doubtful(missed, question, False)
    mixed = [atom for _, atom in inside]
    differing: list[int] = []
    for index, atom in enumerate(refused):
        own = mixed[index]
        mixed[index] = atom
        if allowed(tuple(mixed), formula.alternatives, formula.denies, steps) is None:
            mixed[index] = own
            differing.append(index)
    show = question.space.symbols.show
    reasons = []
    for index in differing[:MOST_REASONS]:
        name = question.space.dimensions[index].name
        reasons.append(
            f"it hangs on {name}: allowed {_told(inside[index][0], show)}, not {_told(outside[index][0], show)}"
        )
    return Undecided(tuple(reasons), likely=next(candidates(missed, question), None))


def _told(value: ContextValue | None, show: Callable[[str], str]) -> str:
    if value is None:
        return "when it is absent"
    if isinstance(value, tuple):
        return "with " + ", ".join(f"`{show(each)}`" for each in value)
    return f"with `{show(value)}`"
