"""Values of symbols that matter: substitutions under which texts that differ as letters come to be the same.

A proof over letters holds for every value of the symbols as long as no two patterns that share no word come to share
one under some value. `unifiers` finds such values; the prover asks its question again for each of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy_audit.iam.automata import atoms
from policy_audit.iam.limits import MOST_STATES, MOST_SUBSTITUTIONS, OverBudgetError, Steps
from policy_audit.iam.patterns import Pattern
from policy_audit.iam.request import Key, Policies, RequestSet, Texts
from policy_audit.iam.space import PRINCIPAL
from policy_audit.iam.symbol_values import forms, language
from policy_audit.iam.unifiers import Bindings, Sources, unifiers
from policy_audit.model.policy import Policy
from policy_audit.model.value import Symbols, has_letters, is_hole, is_letter
from policy_audit.record import NamedTuple


class Substitutions(NamedTuple):
    """Bindings under which a question is asked again; `complete` is False when others might make a difference too."""

    found: tuple[Bindings, ...]
    complete: bool


def substitutions(
    patterns: Iterable[Sequence[Pattern]],
    symbols: Symbols,
    accounts: Sequence[Pattern] = (),
    steps: Steps | None = None,
    alone: Mapping[int, Pattern] = {},
) -> Substitutions:
    """The bindings to try: every unifier of two patterns of one dimension, and unions of those that agree.

    `accounts` are patterns for all ARNs of an account; that an open ARN belongs to it is given, not to be found out.
    `alone` has, by the number of a dimension, the one text of the set: what other patterns share there without it is
    not asked about.
    """
    patterns = list(patterns)
    listed = ((letter, value) for letter, value in _colons(patterns, symbols) if symbols.of(letter).shape.values)
    found: dict[Bindings, None] = {(binding,): None for binding in listed}
    sources: Sources = {}
    # What is left has to do for asking the question again.
    account = Steps() if steps is None else Steps(steps.left // 2)
    try:
        complete = _unify_all(found, sources, patterns, symbols, accounts, account, alone)
        complete = _spread(found, sources, symbols, account) and complete
    except OverBudgetError:
        complete = False
    if steps is not None:
        steps.left = min(steps.left, steps.left - steps.left // 2 + max(account.left, 0))
    return _closed(found, complete)


def _unify_all(
    found: dict[Bindings, None],
    sources: Sources,
    patterns: Iterable[Sequence[Pattern]],
    symbols: Symbols,
    accounts: Sequence[Pattern],
    steps: Steps,
    alone: Mapping[int, Pattern],
) -> bool:
    """Adds the unifiers of every two patterns of a dimension to `found`, and where they come from to `sources`.

    Returns whether there are no others.
    """
    complete = True
    for number, group in enumerate(patterns):
        told = [pattern for pattern in group if not _is_for_letters(pattern)]
        for one, other in _pairs(told, alone.get(number)):
            if (other in accounts and _is_letter(one)) or (one in accounts and _is_letter(other)):
                continue
            steps.take(len(one.positions) + len(other.positions))
            result = unifiers(one, other, symbols, steps)
            complete = complete and result.complete
            found.update(dict.fromkeys(result.found))
            for binding, parts in result.sources.items():
                sources.setdefault(binding, set()).update(parts)
    return complete


def _pairs(patterns: Sequence[Pattern], alone: Pattern | None) -> Iterator[tuple[Pattern, Pattern]]:
    """Every two of the patterns of which one is open; with `alone`, every one with that."""
    opened = [pattern for pattern in patterns if _is_open(pattern)]
    closed = [pattern for pattern in patterns if not _is_open(pattern)]
    if alone is not None:
        others = patterns if _is_open(alone) else opened
        yield from ((alone, other) for other in others if other != alone)
        return
    for index, one in enumerate(opened):
        yield from ((one, other) for other in (*opened[index + 1 :], *closed))


def _spread(found: dict[Bindings, None], sources: Sources, symbols: Symbols, steps: Steps) -> bool:
    """Adds bindings so that each letter has a value of each kind that the parts it may stand for tell apart.

    Values that lie in `eu-*` alone, in `*-1` alone, and in both are of three kinds. Returns whether all are found.
    """
    taken: dict[str, dict[Pattern, set[str]]] = {}
    for bindings in found:
        for letter, value in bindings:
            for tokens in sources.get((letter, value), ((*value,),)):
                taken.setdefault(letter, {}).setdefault(language(tokens), set()).add(value)
    complete = True
    for letter, values in taken.items():
        if len(values) < 2 or all(pattern.kind == "literal" for pattern in values):
            continue
        kinds = _kinds(tuple(values), letter, symbols, steps)
        if kinds is None:
            complete = False
            continue
        for bindings in tuple(found):
            own = dict(bindings).get(letter)
            if own is None:
                continue
            for word, members in kinds:
                if any(own in values[pattern] for pattern in members):
                    found.setdefault(tuple(sorted({**dict(bindings), letter: word}.items())))
            if len(found) > MOST_SUBSTITUTIONS:
                return False
    return complete


def _kinds(
    patterns: Sequence[Pattern], letter: str, symbols: Symbols, steps: Steps
) -> list[tuple[str, list[Pattern]]] | None:
    """For each combination of the patterns that some value of the symbol matches, such a value; None if not known."""
    if any(map(_is_open, patterns)):
        return None
    shape = symbols.of(letter).shape
    own = forms(shape)
    words = atoms(patterns, (own,) if own else (), MOST_STATES, steps)
    if words is None:
        return None
    kinds = []
    for vector, word in words.items():
        if shape.admits(word):
            kinds.append((word, [pattern for index, pattern in enumerate(patterns) if vector >> index & 1]))
        elif len(word) <= shape.longest or shape.longest < 0:
            return None
    return kinds


def _closed(found: dict[Bindings, None], complete: bool) -> Substitutions:
    """The bindings with all unions of those that agree, unless there are too many."""
    if len(found) > MOST_SUBSTITUTIONS:
        return Substitutions(tuple(found), False)
    singles = list(found)
    fresh = singles
    while fresh:
        if len(found) > MOST_SUBSTITUTIONS:
            return Substitutions(tuple(found), False)
        unions = (_union((one, other)) for one in fresh for other in singles)
        fresh = [union for union in dict.fromkeys(unions) if union is not None and union not in found]
        found.update(dict.fromkeys(fresh))
    return Substitutions(tuple(found), complete)


def _is_open(pattern: Pattern) -> bool:
    if pattern.kind != "linear":
        return any(map(has_letters, pattern.chunks))
    return any(
        isinstance(position, str) and position > "\uffff" and is_letter(position) for position in pattern.positions
    )


def with_colons(patterns: Iterable[Sequence[Pattern]], symbols: Symbols) -> list[Bindings]:
    """For each symbol that stands in an ARN before its sixth part, a value that has a colon in it, if it may have one.

    A `*` that keeps to one part of an ARN matches the symbol's letter, and would not match such a value. Neither AWS
    nor a template's author makes such ARNs, so that a proof takes it for granted that there are none, and says so.
    """
    return [((letter, value),) for letter, value in _colons(patterns, symbols) if not symbols.of(letter).shape.values]


def _colons(patterns: Iterable[Sequence[Pattern]], symbols: Symbols) -> Iterator[tuple[str, str]]:
    """Symbols that a `*` within a part of an ARN may match, with values that have colons.

    Names of principals have none: what is asked of the callers is asked of those that are well formed.
    """
    for dimension, group in enumerate(patterns):
        if dimension != PRINCIPAL and any(map(_keeps_to_parts, group)):
            for letter in dict.fromkeys(each for pattern in group for each in _within_parts(pattern)):
                shape = symbols.of(letter).shape
                for value in shape.values or (":" * max(1, shape.shortest),):
                    if ":" in value and shape.admits(value):
                        yield letter, value


def _keeps_to_parts(pattern: Pattern) -> bool:
    """Whether a `*` of the pattern matches letters, but no colon."""
    return pattern.kind == "linear" and any(loop.letters and not loop.holds(":") for _, loop in pattern.loops)


def _within_parts(pattern: Pattern) -> Iterator[str]:
    """The symbols that stand before the sixth part."""
    colons = 0
    for position in pattern.positions if _is_open(pattern) else ():
        colons += position == ":"
        if colons < 5 and isinstance(position, str) and is_letter(position) and not is_hole(position):
            yield position


def _is_letter(pattern: Pattern) -> bool:
    first = pattern.positions[0] if pattern.positions else ""
    return isinstance(first, str) and bool(first) and is_letter(first)


def _is_for_letters(pattern: Pattern) -> bool:
    """Whether the pattern stands for open texts alone, of which it tells nothing."""
    return pattern.kind == "linear" and any(
        not isinstance(each, str) and not each.chars and not each.complement for each in pattern.positions
    )


def _union(chosen: Iterable[Bindings]) -> Bindings | None:
    joint: dict[str, str] = {}
    for bindings in chosen:
        for letter, value in bindings:
            if joint.setdefault(letter, value) != value:
                return None
    return tuple(sorted(joint.items()))


# ---- substitution


def substitute(requests: RequestSet, policies: Policies, bindings: Bindings) -> tuple[RequestSet, Policies]:
    """The question with the letters' values in their place."""
    table = {ord(letter): value for letter, value in bindings}

    def text(value: str) -> str:
        for _ in bindings:
            if value.isascii():
                break
            value = value.translate(table)
        return value

    def texts(values: Texts) -> Texts:
        return Texts(tuple(map(text, values.patterns)), tuple(map(text, values.but)))

    def policy(given: Policy) -> Policy:
        return given._replace(
            statements=tuple(
                each._replace(
                    actions=tuple(map(text, each.actions)),
                    resources=None if each.resources is None else tuple(map(text, each.resources)),
                    principals=None
                    if each.principals is None
                    else tuple(principal._replace(value=text(principal.value)) for principal in each.principals),
                    conditions=tuple(
                        condition._replace(values=tuple(map(text, condition.values))) for condition in each.conditions
                    ),
                )
                for each in given.statements
            )
        )

    def documents(given: tuple[Policy, ...] | None) -> tuple[Policy, ...] | None:
        return None if given is None else tuple(map(policy, given))

    def levels(given: tuple[tuple[Policy, ...], ...] | None) -> tuple[tuple[Policy, ...], ...] | None:
        return None if given is None else tuple(tuple(map(policy, level)) for level in given)

    context = {
        name: key if key.values is None else Key(texts(key.values), key.maybe_absent)
        for name, key in requests.context.items()
    }
    return (
        requests._replace(
            callers=texts(requests.callers),
            actions=texts(requests.actions),
            resources=texts(requests.resources),
            resource_account=text(requests.resource_account),
            context=context,
        ),
        Policies(
            documents(policies.identity),
            documents(policies.boundaries),
            None if policies.session is None else policy(policies.session),
            None if policies.resource is None else policy(policies.resource),
            documents(policies.endpoint),
            levels(policies.scps),
            levels(policies.rcps),
        ),
    )


def condition_of(bindings: Bindings, symbols: Symbols) -> str:
    """The bindings as a person reads them: `${AWS::AccountId}` is `123456789012`, in backticks."""
    return " and ".join(f"`{symbols.show(letter)}` is `{symbols.show(value)}`" for letter, value in bindings)
