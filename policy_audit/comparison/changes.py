"""The differences between two systems: sets of requests that one side allows and the other does not, each with one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from policy_audit.comparison.differences import DIRECTIONS, Asked, Direction, certain, plainly, uncertain
from policy_audit.comparison.sides import Pair, Sides, of_paths
from policy_audit.comparison.subjects import Changed, Compared, subjects
from policy_audit.findings import Skipped, Target
from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.prove import EVERYTHING
from policy_audit.iam.relation import Difference, Doubt
from policy_audit.iam.request import Authorization, Policies, Request, RequestSet
from policy_audit.iam.write import case_of
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.worlds import World

Effect = Literal["allowed", "denied", "undecided"]


class Example(NamedTuple):
    """One request of a set, and how each side decides it; the cases are what `policy-audit simulate` reads."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]]
    old: str
    new: str
    old_case: Mapping[str, object]
    new_case: Mapping[str, object]


class Change(NamedTuple):
    """A set of requests that is allowed now and was not (`allowed`), or was and is not (`denied`).

    `undecided`: whether anything changes is not known; `reasons` say why, `unless` when it does.
    """

    effect: Effect
    address: str
    about: str
    who: str
    """The kind of callers, where there are several."""
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    span: Span
    example: Example | None = None
    reasons: tuple[str, ...] = ()
    unless: str = ""
    when: tuple[str, ...] = ()


class Comparison(NamedTuple):
    """All changes, and what was not compared."""

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    targets: tuple[tuple[Target, ...], tuple[Target, ...]] = ((), ())
    is_drift: bool = False
    """Whether the old side are templates and the new side is what is deployed."""


def compare(old: str, new: str, options: Options, cache: str = "") -> Comparison:
    """What the templates at `new` allow, compared with those at `old` (files or folders).

    Raises AuditError when one of them holds nothing to be audited.
    """
    return compared(of_paths(old, new, options, cache))


def compared(sides: Sides, seen: Callable[[Pair], Pair] = lambda pair: pair) -> Comparison:
    """All changes between two sides, each pair of systems as `seen` makes it."""
    found: dict[object, tuple[Change, list[World]]] = {}
    worlds = []
    for pair in sides.pairs():
        worlds.append(pair.world)
        for subject in subjects(seen(pair)):
            for change in _changes(subject, sides.symbols):
                told = change._replace(example=None)
                found.setdefault(told, (change, []))[1].append(pair.world)
    possible = [world for world in worlds if sides.is_possible(world)]
    changes = []
    for change, holding in found.values():
        holds = [world for world in possible if world in holding]
        if holds:
            when = sides.new.when(holds, possible) if len(holds) < len(possible) else ()
            changes.append(change._replace(when=when))
    return Comparison(tuple(changes), sides.skipped, sides.assumptions, sides.targets)


def _changes(subject: Compared | Changed, symbols: Symbols) -> Iterator[Change]:
    if isinstance(subject, Changed):
        yield from _of_authorization(subject, symbols)
        return
    if subject.unseen:
        yield _undecided(subject, Doubt(subject.unseen), symbols)
        return
    if plainly(subject.old) == plainly(subject.new):
        return  # Letter by letter the same: there is nothing to be searched for.
    asked = Asked(subject, symbols)
    for effect in DIRECTIONS:
        whole = asked(effect, subject.requests)
        if whole is not None:
            for part, side in certain(asked, effect, whole):
                yield _change(subject, effect, part.requests, side, part.span or subject.span, symbols)
            for doubt, sets in uncertain(asked, effect, whole):
                yield _undecided(subject, doubt, symbols, sets)


# ---- methods that authorize in another way --------------------------------------------------------------------------


def _of_authorization(changed: Changed, symbols: Symbols) -> Iterator[Change]:
    """Requests that pass one way of authorizing, and would not have passed the other."""
    found = [
        *_passing("allowed", changed.new, changed.old, symbols),
        *_passing("denied", changed.old, changed.new, symbols),
    ]
    yield from found
    if not found:
        reasons = (f"{symbols.show(changed.about)}: whether anybody gets in who did not before is not known",)
        yield Change("undecided", changed.address, "may be called by", "", (), (), changed.span, reasons=reasons)


def _passing(
    effect: Direction, allowing: Sequence[Compared], refusing: Sequence[Compared], symbols: Symbols
) -> Iterator[Change]:
    """The kinds of callers of which one, at least, is allowed on one side and not on the other."""
    for one in allowing:
        side = Asked(one, symbols)(effect, one.requests)
        if not isinstance(side, Difference) or not refusing:
            continue
        other = refusing[0]
        policies = other.old if effect == "allowed" else other.new
        decision = evaluate(side.request, _of_whatever_identity(policies), other.authorization, symbols)
        if decision.outcome.endswith("Denied"):
            decided = side._replace(old=decision) if effect == "allowed" else side._replace(new=decision)
            subject = one._replace(old=policies) if effect == "allowed" else one._replace(new=policies)
            kinds = (other.authorization, one.authorization)
            yield _change(subject, effect, one.requests, decided, one.span, symbols, kinds)


def _of_whatever_identity(policies: Policies) -> Policies:
    return policies._replace(identity=(EVERYTHING,)) if policies.identity is None else policies


# ---- what is told ---------------------------------------------------------------------------------------------------


def _change(
    subject: Compared,
    effect: Effect,
    requests: RequestSet,
    side: Difference,
    span: Span,
    symbols: Symbols,
    kinds: tuple[Authorization, Authorization] | None = None,
) -> Change:
    return Change(
        effect,
        subject.address,
        subject.about,
        subject.scenario,
        tuple(map(symbols.show, requests.actions.patterns)),
        tuple(map(symbols.show, requests.resources.patterns)),
        span,
        _example(subject, side, symbols, kinds, effect),
    )


def _undecided(subject: Compared, doubt: Doubt, symbols: Symbols, sets: Sequence[RequestSet] = ()) -> Change:
    """That it is not known whether there is a difference: in these sets, or in all that is compared."""
    show = symbols.show
    return Change(
        "undecided",
        subject.address,
        subject.about,
        subject.scenario,
        tuple(dict.fromkeys(show(text) for one in sets for text in one.actions.patterns)),
        tuple(dict.fromkeys(show(text) for one in sets for text in one.resources.patterns)),
        subject.span,
        reasons=tuple(map(show, doubt.reasons)),
        unless=show(doubt.unless),
    )


def _example(
    subject: Compared,
    side: Difference,
    symbols: Symbols,
    kinds: tuple[Authorization, Authorization] | None,
    effect: Effect,
) -> Example:
    request: Request = side.request
    old, new = subject.old, subject.new
    if side.identity:
        own = (EVERYTHING,) if side.identity == "allow" else ()
        old, new = old._replace(identity=own), new._replace(identity=own)
    before, after = kinds or (subject.authorization, subject.authorization)
    if kinds and effect == "denied":
        before, after = after, before
    shown = {
        key: symbols.show(value) if isinstance(value, str) else tuple(map(symbols.show, value))
        for key, value in sorted(request.context.items())
    }
    return Example(
        symbols.show(request.caller.arn) if request.caller.kind != "anonymous" else "anonymous",
        request.action,
        symbols.show(request.resource),
        shown,
        side.old.outcome,
        side.new.outcome,
        case_of(request, old, before, symbols.sample),
        case_of(request, new, after, symbols.sample),
    )
