"""The differences between two systems: sets of requests that one side allows and the other does not, each with one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from policy_audit.comparison.sides import Pair, Sides, of_paths
from policy_audit.comparison.subjects import NOBODY, Changed, Compared, subjects
from policy_audit.findings import Skipped, Target
from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.prove import EVERYTHING
from policy_audit.iam.relation import Difference, Doubt, Side, relation
from policy_audit.iam.request import Authorization, Policies, Request, RequestSet, Texts, literal
from policy_audit.iam.write import case_of
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.estate import World

Effect = Literal["allowed", "denied", "undecided"]
MOST_SETS: Final = 64
"""Sets that are told of one role, or of one API and one kind of callers; beyond, one more stands for the rest."""


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
    if _plainly(subject.old) == _plainly(subject.new):
        return  # Letter by letter the same: there is nothing to be searched for.
    found = _related(subject, subject.requests, symbols)
    for effect, side in (("allowed", found[0]), ("denied", found[1])):
        if isinstance(side, Doubt):
            yield _undecided(subject, side, symbols)
        elif side is not None:
            yield from _sets(subject, effect, side, symbols)  # type: ignore[arg-type]


def _related(subject: Compared, requests: RequestSet, symbols: Symbols) -> tuple[Side, Side]:
    found = relation(subject.old, subject.new, requests, symbols, subject.authorization)
    return found.gained, found.lost


# ---- the sets that a difference is made of --------------------------------------------------------------------------


class Part(NamedTuple):
    """A smaller set to ask about: what one statement is about."""

    requests: RequestSet
    span: Span | None


def _sets(subject: Compared, effect: Effect, whole: Difference, symbols: Symbols) -> Iterator[Change]:
    """The sets that are told: what each statement that makes a difference is about, as far as it makes one."""
    told: set[str] = set()
    for parts in _parts(subject, effect):
        for part in parts:
            for requests, side in _narrowed(subject, effect, part.requests, symbols):
                if repr(requests) in told:
                    continue
                told.add(repr(requests))
                if len(told) > MOST_SETS:
                    yield _change(subject, effect, subject.requests, whole, subject.span, symbols)
                    return
                yield _change(subject, effect, requests, side, part.span or subject.span, symbols)
        if told:
            return
    yield _change(subject, effect, subject.requests, whole, subject.span, symbols)


def _parts(subject: Compared, effect: Effect) -> Iterator[list[Part]]:
    """What may make the difference: first statements that one side has alone, then all that allow."""
    allowing, refusing = (subject.new, subject.old) if effect == "allowed" else (subject.old, subject.new)
    ours, theirs = _statements(allowing), _statements(refusing)
    own = [one for key, one in ours.items() if one.effect == "Allow" and key not in theirs]
    gone = [one for key, one in theirs.items() if one.effect == "Deny" and key not in ours]
    yield [part for one in (*own, *gone) for part in _part(subject.requests, one)]
    yield [part for one in ours.values() if one.effect == "Allow" for part in _part(subject.requests, one)]


def _statements(policies: Policies) -> dict[Statement, Statement]:
    """The statements by what they say: without places and names."""
    written = (policy for policy in policies.documents() if policy not in (EVERYTHING, NOBODY))
    return {_plain(one): one for policy in written for one in policy.statements}


def _plainly(policies: Policies) -> object:
    """Everything that the policies say, without places and names."""

    def document(policy: Policy | None) -> object:
        if policy is None:
            return None
        return policy.version, policy.unknown, tuple(map(_plain, policy.statements))

    def documents(found: Sequence[Policy] | None) -> object:
        return None if found is None else tuple(map(document, found))

    return documents(policies.identity), documents(policies.boundaries), document(policies.resource)


def _plain(statement: Statement) -> Statement:
    conditions = tuple(one._replace(span=None) for one in statement.conditions)
    return statement._replace(span=None, sid=None, conditions=conditions)


def _part(requests: RequestSet, statement: Statement) -> Iterator[Part]:
    """The requests of the set that a statement is about; as far as a set can say so, else all."""
    actions, resources = requests.actions, requests.resources
    if actions.patterns == ("*",) and not statement.not_action:
        actions = Texts(statement.actions)
    if resources.patterns == ("*",) and statement.resources is not None and not statement.not_resource:
        resources = Texts(statement.resources)
    narrower = requests._replace(actions=actions, resources=resources)
    if statement.principals is None or statement.not_principal:
        yield Part(narrower, statement.span)
        return
    for principal in statement.principals:
        callers = _callers(principal.type, principal.value, requests)
        if callers is not None:
            yield Part(narrower._replace(callers=callers), statement.span)


def _callers(kind: str, value: str, requests: RequestSet) -> Texts | None:
    """The callers of the set that a principal of a policy stands for; None if they are of another kind."""
    if value == "*" or requests.kind == "anonymous":
        return requests.callers
    if kind == "Service":
        return Texts((literal(value),)) if requests.kind == "service" else None
    if kind != "AWS" or requests.kind != "signed":
        return None
    account = value.split(":")[4] if value.startswith("arn:") and value.endswith(":root") else value
    if not account.startswith("arn:"):
        return Texts((f"arn:*:*::{literal(account)}:*",))
    return Texts((literal(value),))


def _narrowed(
    subject: Compared, effect: Effect, requests: RequestSet, symbols: Symbols
) -> Iterator[tuple[RequestSet, Difference]]:
    """The set, or the parts of it by action and resource in which there is a difference."""
    whole = _difference(subject, effect, requests, symbols)
    if whole is None:
        return

    def differing(patterns: Sequence[str], alone: Callable[[Texts], RequestSet]) -> list[tuple[str, Difference]]:
        """The patterns in which there is a difference, asked about `alone`; a single one has that of the whole."""
        if len(patterns) == 1:
            return [(patterns[0], whole)]
        asked = ((one, _difference(subject, effect, alone(Texts((one,))), symbols)) for one in patterns)
        return [(one, found) for one, found in asked if found is not None]

    actions = differing(requests.actions.patterns, lambda one: requests._replace(actions=one))
    resources = differing(requests.resources.patterns, lambda one: requests._replace(resources=one))
    if actions and resources:
        narrowed = requests._replace(
            actions=Texts(tuple(one for one, _ in actions)), resources=Texts(tuple(one for one, _ in resources))
        )
        yield narrowed, actions[0][1]


def _difference(subject: Compared, effect: Effect, requests: RequestSet, symbols: Symbols) -> Difference | None:
    side = _related(subject, requests, symbols)[effect == "denied"]
    return side if isinstance(side, Difference) else None


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
    effect: Effect, allowing: Sequence[Compared], refusing: Sequence[Compared], symbols: Symbols
) -> Iterator[Change]:
    """The kinds of callers of which one, at least, is allowed on one side and not on the other."""
    for one in allowing:
        side = _related(one, one.requests, symbols)[effect == "denied"]
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


def _undecided(subject: Compared, doubt: Doubt, symbols: Symbols) -> Change:
    return Change(
        "undecided",
        subject.address,
        subject.about,
        subject.scenario,
        (),
        (),
        subject.span,
        reasons=tuple(map(symbols.show, doubt.reasons)),
        unless=symbols.show(doubt.unless),
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
