"""Values that a symbol may have, of those that a part of a pattern leaves room for."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from policy_audit.iam.patterns import PLAIN, CharClass, Pattern
from policy_audit.model.value import Shape, Symbols, has_letters, is_hole, is_letter
from policy_audit.record import NamedTuple

_ASCII: Final = "".join(map(chr, range(128)))
_READABLE: Final = ("x", "0", "-")
_RANDOM: Final = 13
"""The longest run of characters that AWS appends to the names that it generates."""


class Loop(NamedTuple):
    """Any number of characters of a class."""

    characters: CharClass


Token = str | CharClass | Loop
"""A character or letter, one character of a class, or any number of them."""


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


def language(tokens: Iterable[Token]) -> Pattern:
    """The pattern that is this sequence of tokens."""
    positions: list[str | CharClass] = []
    loops: list[tuple[int, CharClass]] = []
    for token in tokens:
        if isinstance(token, Loop):
            loops.append((len(positions), token.characters))
        else:
            positions.append(token)
    return Pattern(positions, loops)


def admits(letter: str, text: str, symbols: Symbols) -> bool:
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


def may_hold(letter: str, tokens: Iterable[Token], symbols: Symbols) -> bool:
    """Whether a value of the symbol may be empty, or have a character or letter in it that one of `tokens` is.

    A wildcard alone gives no symbol a value: it matches the symbol's letter as it stands.
    """
    shape = symbols.of(letter).shape
    if shape.values or not shape.shortest or not shape.characters:
        return True
    ascii = _ascii_of(shape.characters)
    for token in set(tokens):
        if isinstance(token, Loop):
            continue
        if isinstance(token, CharClass):
            if example(token, shape):
                return True
        elif is_letter(token):
            if token != letter and admits(letter, token, symbols):
                return True
        elif token in ascii or not token.isascii():
            return True
    return False


def example(characters: CharClass, shape: Shape) -> str:
    """A character of the class that a value of this shape may have in it; empty if there is none."""
    own = _ascii_of(shape.characters) if shape.characters else _ASCII
    for each in (*_READABLE, *sorted(characters.chars)):
        if characters.holds(each) and (each in own or not each.isascii()):
            return each
    return next((each for each in sorted(own) if characters.holds(each)), "" if shape.characters else "~")


class Part:
    """A beginning of a pattern that a symbol may stand for, read token by token."""

    __slots__ = ("_fillers", "_letter", "_longest", "_shape", "_symbols", "_text", "open", "solid")

    def __init__(self, letter: str, symbols: Symbols) -> None:
        self._letter = letter
        self._symbols = symbols
        self._shape = symbols.of(letter).shape
        self._longest = self._shape.longest if self._shape.longest >= 0 else 256
        self._text: list[str] = []
        self._fillers: list[tuple[int, str]] = []
        """Where a wildcard stands in the text, with a character for it."""
        self.solid = False
        """Whether anything but wildcards has been read."""
        self.open = False
        """Whether the part has several values: some wildcard is in it."""

    def take(self, token: Token) -> bool:
        """Reads on; False when no value begins so."""
        if isinstance(token, Loop):
            filler = example(token.characters, self._shape)
            self.open = True
            if filler:
                self._fillers.append((len(self._text), filler))
            return True
        self.solid = True
        if isinstance(token, CharClass):
            self.open = True
            character = example(token, self._shape)
        else:
            character = token
        self._text.append(character)
        if not character or len(self._text) > self._longest or character == self._letter:
            return False
        plain = not is_letter(character) and bool(self._shape.characters)
        return not plain or not character.isascii() or character in _ascii_of(self._shape.characters)

    def value(self) -> str | None:
        """One value of the part that the symbol may have, with a character for every wildcard if there is room."""
        free = self._longest - len(self._text)
        if free < 0:
            return None
        counts = dict.fromkeys(range(len(self._fillers))[::-1][:free], 1)
        lack = self._shape.shortest - len(self._text) - len(counts)
        if lack > 0 and not has_letters("".join(self._text)):
            if not counts:
                return None
            counts[len(self._fillers) - 1] += lack
        value = self._filled({index: self._fillers[index][1] * count for index, count in counts.items()})
        if admits(self._letter, value, self._symbols):
            return value
        return self._with_suffix() if self._shape.suffix else None

    def _filled(self, fillings: dict[int, str]) -> str:
        parts, start = [], 0
        for index, (at, _) in enumerate(self._fillers):
            parts += [*self._text[start:at], fillings.get(index, "")]
            start = at
        return "".join((*parts, *self._text[start:]))

    def _with_suffix(self) -> str | None:
        """A value that ends in what AWS appends, some or all of it in a wildcard."""
        for index in range(len(self._fillers))[::-1]:
            for end in ("-" + "x" * number for number in range(_RANDOM, -1, -1)):
                head = "x" * max(0, self._shape.shortest - len(self._text) - len(end))
                value = self._filled({index: head + end})
                if admits(self._letter, value, self._symbols):
                    return value
        return None


def forms(shape: Shape) -> tuple[Pattern, ...]:
    """Patterns for all values of a shape, and for longer ones; none where everything is a value."""
    if shape.values:
        return tuple(map(Pattern, shape.values))
    if not shape.characters and not shape.shortest and not shape.suffix:
        return ()
    characters = CharClass(_ascii_of(shape.characters)) if shape.characters else PLAIN
    ends: Iterable[tuple[CharClass | str, ...]] = ((),)
    if shape.suffix:
        random = CharClass(_ascii_of("A-Za-z0-9"))
        ends = (("-", *(random,) * number) for number in range(_RANDOM + 1))
    return tuple(
        Pattern((*(characters,) * max(0, shape.shortest - len(end)), *end), ((0, characters),)) for end in ends
    )
