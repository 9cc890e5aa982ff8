"""Values of symbols that matter: substitutions under which texts that differ as letters come to be the same.

A proof over letters holds for every value of the symbols as long as no two patterns that share no word come to share
one under some value. `unifiers` finds such values; the prover asks its question again for each of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from policy_audit.iam.limits import (
    MOST_SUBSTITUTIONS,
    MOST_TOKENS,
    MOST_UNIFIER_STEPS,
    MOST_UNIFIERS,
    OverBudgetError,
    Steps,
)
from policy_audit.iam.patterns import CharClass, Pattern
from policy_audit.iam.request import Key, Policies, RequestSet, Texts
from policy_audit.model.policy import Policy
from policy_audit.model.value import Symbols, has_letters, is_hole, is_letter
from policy_audit.record import NamedTuple

_ASCII: Final = "".join(map(chr, range(128)))


class Loop(NamedTuple):
    """Any number of characters of a class."""

    characters: CharClass


Token = str | CharClass | Loop
"""A character or letter, one character of a class, or any number of them."""
Bindings = tuple[tuple[str, str], ...]
"""Letters with the texts that they stand for, sorted."""


class Unifiers(NamedTuple):
    """Bindings of which each makes two texts meet; `complete` is False when there are more than were looked for."""

    found: tuple[Bindings, ...]
    complete: bool = True


def tokens_of(pattern: Pattern) -> tuple[Token, ...]:
    """The pattern as a sequence of tokens."""
    result: list[Token] = []
    loops = list(pattern.loops)
    for at, position in enumerate((*pattern.positions, "")):
        while loops and loops[0][0] == at:
            result.append(Loop(loops.pop(0)[1]))
        if position:
            result.append(position)
    return tuple(result)


def unifiers(one: Pattern, other: Pattern, symbols: Symbols, left: Steps | None = None) -> Unifiers:
    """Bindings under which the two patterns share a word that they do not share as they stand."""
    found: dict[Bindings, None] = {}
    ours, theirs = _without_common_ends(tokens_of(one), tokens_of(other))
    if len(ours) + len(theirs) > MOST_TOKENS:
        return Unifiers((), complete=False)
    if _differ(ours[:1], theirs[:1]) or _differ(ours[-1:], theirs[-1:]):
        return Unifiers(())
    rest = _after_bindable(ours, theirs, symbols), _after_bindable(theirs, ours, symbols)
    if rest == (len(ours), len(theirs)):
        return Unifiers(())
    stack: list[tuple[tuple[Token, ...], tuple[Token, ...], Bindings]] = [(ours, theirs, ())]
    seen: set[tuple[int, int, Bindings]] = set()
    steps = 0
    while stack:
        ours, theirs, bindings = stack.pop()
        if bindings:
            ours, theirs = _expanded(ours, bindings), _expanded(theirs, bindings)
        elif len(ours) <= rest[0] and len(theirs) <= rest[1]:
            continue  # Nothing is left that could be bound.
        key = (len(ours), len(theirs), bindings)
        if key in seen:
            continue
        seen.add(key)
        steps += 1
        if left is not None:
            left.take(4)
        if steps > MOST_UNIFIER_STEPS:
            return Unifiers(tuple(found), complete=False)
        if not ours and not theirs:
            if bindings:
                found.setdefault(bindings)
            if len(found) > MOST_UNIFIERS:
                return Unifiers(tuple(found), complete=False)
            continue
        stack.extend(_steps(ours, theirs, bindings, symbols))
    return Unifiers(tuple(found))


def _without_common_ends(
    ours: tuple[Token, ...], theirs: tuple[Token, ...]
) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Both without the characters and letters that they begin and end with alike: those meet in one way only."""
    start = _common(ours, theirs)
    ours, theirs = ours[start:], theirs[start:]
    end = _common(ours[::-1], theirs[::-1])
    return ours[: len(ours) - end], theirs[: len(theirs) - end]


def _common(ours: Iterable[Token], theirs: Iterable[Token]) -> int:
    """How many characters and letters both begin with."""
    at = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other or not isinstance(one, str):
            break
        at += 1
    return at


def _after_bindable(ours: tuple[Token, ...], theirs: tuple[Token, ...], symbols: Symbols) -> int:
    """How many tokens of `ours` follow the last letter that some text of `theirs` may be a value of."""
    letters = {token for token in ours if isinstance(token, str) and is_letter(token) and not is_hole(token)}
    if letters:
        # A wildcard alone gives no letter a value: it matches the letter as it stands.
        fixed = (each for each in theirs if not isinstance(each, Loop))
        solid = {each if isinstance(each, str) else _example(each) for each in fixed}
        opened = [each for each in solid if is_letter(each)]
        plain = "".join(solid.difference(opened))
        letters = {letter for letter in letters if _bindable(letter, plain, opened, symbols)}
    return next((at for at, token in enumerate(reversed(ours)) if token in letters), len(ours))


def _bindable(letter: str, plain: str, opened: Sequence[str], symbols: Symbols) -> bool:
    """Whether a value of the letter may be empty or have one of these characters or letters in it."""
    shape = symbols.of(letter).shape
    if shape.values or not shape.shortest or not shape.characters:
        return True
    if not plain.isascii() or not _ascii_of(shape.characters).isdisjoint(plain):
        return True
    return any(other != letter and _admits(letter, other, symbols) for other in opened)


def _differ(one: tuple[Token, ...], other: tuple[Token, ...]) -> bool:
    """Whether these single tokens are two characters that no binding makes the same."""
    if not one or not other or not isinstance(one[0], str) or not isinstance(other[0], str):
        return False
    return one != other and not is_letter(one[0]) and not is_letter(other[0])


def _expanded(rest: tuple[Token, ...], bindings: Bindings) -> tuple[Token, ...]:
    """`rest`, a bound letter at its start replaced by its value."""
    while rest:
        first = rest[0]
        value = next((value for letter, value in bindings if letter == first), None)
        if value is None:
            break
        rest = (*value, *rest[1:])
    return rest


def _steps(
    ours: tuple[Token, ...], theirs: tuple[Token, ...], bindings: Bindings, symbols: Symbols
) -> Iterator[tuple[tuple[Token, ...], tuple[Token, ...], Bindings]]:
    """The ways to go on by one token; ways that bind a letter come last, and are taken last for `stack` is reversed."""
    one, other = (ours[0] if ours else None), (theirs[0] if theirs else None)
    if isinstance(one, str) and is_letter(one) and one != other:
        yield from _bind(ours, theirs, bindings, symbols)
    if isinstance(other, str) and is_letter(other) and one != other:
        for theirs_left, ours_left, extended in _bind(theirs, ours, bindings, symbols):
            yield ours_left, theirs_left, extended
    if isinstance(one, Loop):
        yield ours[1:], theirs, bindings
        if other is not None and not isinstance(other, Loop) and _meet(one.characters, other):
            yield ours, theirs[1:], bindings
    if isinstance(other, Loop):
        yield ours, theirs[1:], bindings
        if one is not None and not isinstance(one, Loop) and _meet(other.characters, one):
            yield ours[1:], theirs, bindings
    elif one is not None and other is not None and not isinstance(one, Loop):
        same = one == other if isinstance(one, str) and isinstance(other, str) else _meet(one, other)
        if same:
            yield ours[1:], theirs[1:], bindings


def _meet(one: str | CharClass, other: str | CharClass) -> bool:
    if isinstance(one, str):
        return one == other if isinstance(other, str) else other.holds(one)
    if isinstance(other, str):
        return one.holds(other)
    return one.complement or other.complement or not one.chars.isdisjoint(other.chars)


def _bind(
    ours: tuple[Token, ...], theirs: tuple[Token, ...], bindings: Bindings, symbols: Symbols
) -> Iterator[tuple[tuple[Token, ...], tuple[Token, ...], Bindings]]:
    """Gives the letter at the start of `ours` every beginning of `theirs` that its shape admits."""
    letter = ours[0]
    assert isinstance(letter, str)
    if is_hole(letter):
        return
    symbol = symbols.of(letter)
    longest = symbol.shape.longest if symbol.shape.longest >= 0 else 256
    if symbol.shape.values:
        yield from _bind_listed(ours, theirs, bindings, symbol.shape.values)
        return
    text, solid = "", not theirs or not isinstance(theirs[0], Loop)
    for at, token in enumerate((*theirs, None)):
        # A value that lies in a wildcard altogether is no news: the wildcard matches the letter as well.
        if solid and _admits(letter, text, symbols) and (text or not theirs or len(ours) > 1):
            yield ours[1:], theirs[at:], _extended(bindings, letter, text)
        if token is None or len(text) >= longest:
            return
        if isinstance(token, Loop):
            # A wildcard: the value may reach into it, and end there.
            reaching = text + _example(token.characters)
            if solid and _admits(letter, reaching, symbols):
                yield ours[1:], theirs[at:], _extended(bindings, letter, reaching)
            text = reaching
            continue
        solid = True
        text += token if isinstance(token, str) else _example(token)
        if text == letter or (isinstance(token, str) and token == letter):
            return


def _bind_listed(
    ours: tuple[Token, ...], theirs: tuple[Token, ...], bindings: Bindings, listed: Iterable[str]
) -> Iterator[tuple[tuple[Token, ...], tuple[Token, ...], Bindings]]:
    """Gives the letter each of the values that it may have; in a wildcard, those that reach beyond it."""
    letter = ours[0]
    assert isinstance(letter, str)
    first = theirs[0] if theirs else None
    for value in listed:
        extended = _extended(bindings, letter, value)
        if not isinstance(first, Loop):
            yield (*value, *ours[1:]), theirs, extended
            continue
        for inside in range(1, len(value)):
            if not first.characters.holds(value[inside - 1]):
                break
            yield (*value[inside:], *ours[1:]), theirs[1:], extended


def _example(characters: CharClass) -> str:
    return next(each for each in ("x", "0", *sorted(characters.chars), "~") if characters.holds(each))


def _admits(letter: str, text: str, symbols: Symbols) -> bool:
    """Whether the symbol may have this value, which may be another symbol."""
    symbol = symbols.of(letter)
    if not has_letters(text):
        return symbol.shape.admits(text)
    if len(text) > 1:
        return not symbol.shape.values and symbol.shape.longest < 0 and not symbol.shape.characters
    if is_hole(text):
        return True
    other = symbols.of(text)
    if symbol.generated and other.generated:
        return False
    if symbol.shape.values and other.shape.values:
        return bool(set(symbol.shape.values) & set(other.shape.values))
    if symbol.shape.values:
        return any(other.shape.admits(value) for value in symbol.shape.values)
    if other.shape.values:
        return any(symbol.shape.admits(value) for value in other.shape.values)
    shortest = max(symbol.shape.shortest, other.shape.shortest)
    if shortest and not _share_characters(symbol.shape.characters, other.shape.characters):
        return False
    longest = [shape.longest for shape in (symbol.shape, other.shape) if shape.longest >= 0]
    return not longest or shortest <= min(longest)


def _share_characters(one: str, other: str) -> bool:
    """Whether texts of these classes of characters, empty for any, can be the same and not empty."""
    if not one or not other or one[0] == "^" or other[0] == "^":
        return True
    return not _ascii_of(one).isdisjoint(_ascii_of(other))


@cache
def _ascii_of(characters: str) -> frozenset[str]:
    """The members of a class of characters. Beyond ASCII none has others than `\\w` and `\\d`, or a negated one."""
    return frozenset(re.findall(f"[{characters}]", _ASCII))


def _extended(bindings: Bindings, letter: str, value: str) -> Bindings:
    if len(value) == 1 and is_letter(value) and value > letter and not is_hole(value):
        letter, value = value, letter  # Two symbols that are equal: one way of saying so is enough.
    return tuple(sorted((*bindings, (letter, value))))


def substitutions(
    patterns: Iterable[Sequence[Pattern]],
    symbols: Symbols,
    accounts: Sequence[Pattern] = (),
    steps: Steps | None = None,
) -> Unifiers:
    """The bindings to try: every unifier of two patterns of one dimension, and unions of those that agree.

    `accounts` are patterns for all ARNs of an account; that an open ARN belongs to it is given, not to be found out.
    """
    found: dict[Bindings, None] = {}
    # What is left has to do for asking the question again.
    account = Steps() if steps is None else Steps(steps.left // 2)
    try:
        complete = _unify_all(found, patterns, symbols, accounts, account)
    except OverBudgetError:
        complete = False
    if steps is not None:
        steps.left = min(steps.left, steps.left - steps.left // 2 + max(account.left, 0))
    return _closed(found, complete)


def _unify_all(
    found: dict[Bindings, None],
    patterns: Iterable[Sequence[Pattern]],
    symbols: Symbols,
    accounts: Sequence[Pattern],
    steps: Steps,
) -> bool:
    """Adds the unifiers of every two patterns of a dimension to `found`; whether there are no others."""
    complete = True
    for group in patterns:
        told = [pattern for pattern in group if not _is_for_letters(pattern)]
        opened = [pattern for pattern in told if _is_open(pattern)]
        closed = [pattern for pattern in told if not _is_open(pattern)]
        for index, one in enumerate(opened):
            for other in (*opened[index + 1 :], *closed):
                if (other in accounts and _is_letter(one)) or (one in accounts and _is_letter(other)):
                    continue
                steps.take(len(one.positions) + len(other.positions))
                result = unifiers(one, other, symbols, steps)
                complete = complete and result.complete
                found.update(dict.fromkeys(result.found))
    return complete


def _closed(found: dict[Bindings, None], complete: bool) -> Unifiers:
    """The bindings with all unions of those that agree, unless there are too many."""
    if len(found) > MOST_SUBSTITUTIONS:
        return Unifiers(tuple(found), complete=False)
    singles = list(found)
    fresh = singles
    while fresh:
        if len(found) > MOST_SUBSTITUTIONS:
            return Unifiers(tuple(found), complete=False)
        unions = (_union((one, other)) for one in fresh for other in singles)
        fresh = [union for union in dict.fromkeys(unions) if union is not None and union not in found]
        found.update(dict.fromkeys(fresh))
    return Unifiers(tuple(found), complete)


def _is_open(pattern: Pattern) -> bool:
    if pattern.kind != "linear":
        return any(map(has_letters, pattern.chunks))
    return any(
        isinstance(position, str) and position > "\uffff" and is_letter(position) for position in pattern.positions
    )


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
