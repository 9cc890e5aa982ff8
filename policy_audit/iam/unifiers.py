"""Values of symbols under which two patterns come to share a word that they do not share as they stand."""

from collections.abc import Iterable, Iterator

from policy_audit.iam.limits import MOST_TOKENS, MOST_UNIFIER_STEPS, MOST_UNIFIERS, Steps
from policy_audit.iam.patterns import CharClass, Pattern
from policy_audit.iam.symbol_values import Loop, Part, Token, may_hold, tokens_of
from policy_audit.model.value import Symbols, is_hole, is_letter
from policy_audit.record import NamedTuple

Bindings = tuple[tuple[str, str], ...]
"""Letters with the texts that they stand for, sorted."""
Sources = dict[tuple[str, str], set[tuple[Token, ...]]]
"""Where a letter with its value comes from: the parts of patterns, with wildcards in them, of which it is one value."""


class Unifiers(NamedTuple):
    """Bindings of which each makes two texts meet; `complete` is False when there are more than were looked for."""

    found: tuple[Bindings, ...]
    complete: bool
    sources: Sources


class _Pair(NamedTuple):
    """What is left to be read of two patterns, and the values that letters have so far."""

    ours: tuple[Token, ...]
    theirs: tuple[Token, ...]
    bindings: Bindings = ()

    def turned(self) -> "_Pair":
        return _Pair(self.theirs, self.ours, self.bindings)


def unifiers(one: Pattern, other: Pattern, symbols: Symbols, left: Steps | None = None) -> Unifiers:
    """Bindings under which the two patterns share a word that they do not share as they stand."""
    pair = _without_common_ends(tokens_of(one), tokens_of(other))
    ours, theirs, _ = pair
    if len(ours) + len(theirs) > MOST_TOKENS:
        return Unifiers((), False, {})
    if _differ(ours[:1], theirs[:1]) or _differ(ours[-1:], theirs[-1:]):
        return Unifiers((), True, {})
    rest = _after_bindable(ours, theirs, symbols), _after_bindable(theirs, ours, symbols)
    if rest == (len(ours), len(theirs)):
        return Unifiers((), True, {})
    return _search(pair, rest, symbols, left)


def _search(pair: _Pair, rest: tuple[int, int], symbols: Symbols, left: Steps | None) -> Unifiers:
    """All that the pair leads to; of its `rest` last tokens no letter can be bound."""
    found: dict[Bindings, None] = {}
    sources: Sources = {}
    stack = [pair]
    seen: set[tuple[int, int, Bindings]] = set()
    while stack:
        ours, theirs, bindings = stack.pop()
        if bindings:
            ours, theirs = _expanded(ours, bindings), _expanded(theirs, bindings)
        elif len(ours) <= rest[0] and len(theirs) <= rest[1]:
            continue
        key = (len(ours), len(theirs), bindings)
        if key in seen:
            continue
        seen.add(key)
        if left is not None:
            left.take(4)
        if len(seen) > MOST_UNIFIER_STEPS:
            return Unifiers(tuple(found), False, sources)
        if ours or theirs:
            stack.extend(_steps(_Pair(ours, theirs, bindings), symbols, sources))
            continue
        if bindings:
            found.setdefault(bindings)
        if len(found) > MOST_UNIFIERS:
            return Unifiers(tuple(found), False, sources)
    return Unifiers(tuple(found), True, sources)


def _without_common_ends(ours: tuple[Token, ...], theirs: tuple[Token, ...]) -> _Pair:
    """Both without the characters and letters that they begin and end with alike: those meet in one way only."""
    start = _common(ours, theirs)
    ours, theirs = ours[start:], theirs[start:]
    end = _common(ours[::-1], theirs[::-1])
    return _Pair(ours[: len(ours) - end], theirs[: len(theirs) - end])


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
    letters = {letter for letter in letters if may_hold(letter, theirs, symbols)}
    return next((at for at, token in enumerate(reversed(ours)) if token in letters), len(ours))


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


def _steps(pair: _Pair, symbols: Symbols, sources: Sources) -> Iterator[_Pair]:
    """The ways to go on by one token; ways that bind a letter come last, and are taken last for `stack` is reversed."""
    ours, theirs, bindings = pair
    one, other = (ours[0] if ours else None), (theirs[0] if theirs else None)
    if isinstance(one, str) and is_letter(one) and one != other:
        yield from _bind(pair, symbols, sources)
    if isinstance(other, str) and is_letter(other) and one != other:
        for turned in _bind(pair.turned(), symbols, sources):
            yield turned.turned()
    if isinstance(one, Loop):
        yield _Pair(ours[1:], theirs, bindings)
        if other is not None and not isinstance(other, Loop) and _meet(one.characters, other):
            yield _Pair(ours, theirs[1:], bindings)
    if isinstance(other, Loop):
        yield _Pair(ours, theirs[1:], bindings)
        if one is not None and not isinstance(one, Loop) and _meet(other.characters, one):
            yield _Pair(ours[1:], theirs, bindings)
    elif one is not None and other is not None and not isinstance(one, Loop):
        same = one == other if isinstance(one, str) and isinstance(other, str) else _meet(one, other)
        if same:
            yield _Pair(ours[1:], theirs[1:], bindings)


def _meet(one: str | CharClass, other: str | CharClass) -> bool:
    if isinstance(one, str):
        return one == other if isinstance(other, str) else other.holds(one)
    if isinstance(other, str):
        return one.holds(other)
    return one.complement or other.complement or not one.chars.isdisjoint(other.chars)


def _bind(pair: _Pair, symbols: Symbols, sources: Sources) -> Iterator[_Pair]:
    """Gives the letter at the start of `ours` every beginning of `theirs` that its shape admits."""
    ours, theirs, bindings = pair
    letter = ours[0]
    assert isinstance(letter, str)
    if is_hole(letter):
        return
    listed = symbols.of(letter).shape.values
    if listed:
        yield from _bind_listed(pair, letter, listed)
        return
    part = Part(letter, symbols)
    part.solid = not theirs or not isinstance(theirs[0], Loop)
    for at, token in enumerate((*theirs, None)):
        # A value that lies in a wildcard altogether is no news: the wildcard matches the letter as well.
        if part.solid and (at or len(ours) > 1 or not theirs):
            yield from _valued(part, theirs[:at], _Pair(ours[1:], theirs[at:], bindings), letter, sources)
        if token is None or not part.take(token):
            return
        if isinstance(token, Loop) and part.solid:
            # The value may reach into a wildcard, and end there.
            yield from _valued(part, theirs[: at + 1], _Pair(ours[1:], theirs[at:], bindings), letter, sources)


def _valued(part: Part, tokens: tuple[Token, ...], rest: _Pair, letter: str, sources: Sources) -> Iterator[_Pair]:
    """The pair that is left when the letter has a value of the part, which is made of these tokens."""
    value = part.value()
    if value is not None:
        if part.open:
            sources.setdefault((letter, value), set()).add(tokens)
        yield rest._replace(bindings=_extended(rest.bindings, letter, value))


def _bind_listed(pair: _Pair, letter: str, listed: Iterable[str]) -> Iterator[_Pair]:
    """Gives the letter each of the values that it may have; in a wildcard, those that reach beyond it."""
    ours, theirs, bindings = pair
    first = theirs[0] if theirs else None
    for value in listed:
        extended = _extended(bindings, letter, value)
        if not isinstance(first, Loop):
            yield _Pair((*value, *ours[1:]), theirs, extended)
            continue
        for inside in range(1, len(value)):
            if not first.characters.holds(value[inside - 1]):
                break
            yield _Pair((*value[inside:], *ours[1:]), theirs[1:], extended)


def _extended(bindings: Bindings, letter: str, value: str) -> Bindings:
    if len(value) == 1 and is_letter(value) and value > letter and not is_hole(value):
        letter, value = value, letter  # Two symbols that are equal: one way of saying so is enough.
    return tuple(sorted((*bindings, (letter, value))))
