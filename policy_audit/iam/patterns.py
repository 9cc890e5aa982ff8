"""Linear patterns: every language of texts that a policy can write — literals, globs, ARN globs — in one form."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from policy_audit.model.value import is_letter


class CharClass(NamedTuple):
    """A set of characters: `chars` or, with `complement`, all plain characters but these.

    Letters (symbols and holes) belong to it when they are listed, or when `letters` says that all do.
    """

    chars: frozenset[str]
    complement: bool = False
    letters: bool = False

    def holds(self, character: str) -> bool:
        if is_letter(character):
            return self.letters or (not self.complement and character in self.chars)
        return (character in self.chars) != self.complement


NOTHING: Final[frozenset[str]] = frozenset()
ANY: Final = CharClass(NOTHING, complement=True, letters=True)
PLAIN: Final = CharClass(NOTHING, complement=True)
NOT_COLON: Final = CharClass(frozenset(":"), complement=True, letters=True)
PLAIN_NOT_COLON: Final = CharClass(frozenset(":"), complement=True)

Position = str | CharClass


class Pattern(NamedTuple):
    """A linear regular expression: `positions` are read one by one; state i may read `loops[i]` any number of times.

    The two simplest forms are told by `kind`, so that they can be matched quickly: there `text` is the literal text.
    """

    positions: tuple[Position, ...]
    loops: tuple[tuple[int, CharClass], ...] = ()
    text: str = ""
    kind: str = "linear"
    """`literal` (text alone), `prefix` (text and then anything), or `linear`."""


def literal(text: str) -> Pattern:
    """The one word `text`, wildcards standing for themselves."""
    return Pattern(tuple(text), text=text, kind="literal")


STAR: Final = "<*>"
QUESTION: Final = "<?>"
"""Tokens for wildcards, apart from the characters `*` and `?`; every other token is one character."""


def tokens(text: str) -> list[str]:
    """The tokens of `text`, in which every `*` and `?` is a wildcard."""
    return [STAR if one == "*" else QUESTION if one == "?" else one for one in text]


def glob(text: str) -> Pattern:
    """`*` stands for any text, `?` for one plain character; a symbol is matched by `*` and by itself alone."""
    if "?" not in text:
        star = text.find("*")
        if star < 0:
            return Pattern(tuple(text), text=text, kind="literal")
        if star == len(text) - 1:
            return Pattern(tuple(text[:-1]), ((star, ANY),), text[:-1], "prefix")
    return glob_of(tokens(text))


def glob_of(parts: Sequence[str]) -> Pattern:
    """The glob of these tokens."""
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    for part in parts:
        if part == STAR:
            if not loops or loops[-1][0] != len(positions):
                loops.append((len(positions), ANY))
        else:
            positions.append(PLAIN if part == QUESTION else part)
    return _named(positions, loops)


def arn_glob_of(parts: Sequence[str]) -> Pattern | None:
    """An ARN pattern whose six parts are matched one by one, or None if it has not six parts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    if parts.count(":") < 5:
        return None
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    colons = 0
    for part in parts:
        if part == STAR:
            if not loops or loops[-1][0] != len(positions):
                loops.append((len(positions), ANY if colons >= 5 else NOT_COLON))
        elif part == QUESTION:
            positions.append(PLAIN if colons >= 5 else PLAIN_NOT_COLON)
        else:
            colons += part == ":"
            positions.append(part)
    return _named(positions, loops)


def _named(positions: list[Position], loops: list[tuple[int, CharClass]]) -> Pattern:
    """The pattern, told to be a literal or a prefix if it is one."""
    characters = [position for position in positions if isinstance(position, str)]
    if len(characters) == len(positions):
        if not loops:
            return Pattern(tuple(positions), (), "".join(characters), "literal")
        if loops == [(len(positions), ANY)]:
            return Pattern(tuple(positions), tuple(loops), "".join(characters), "prefix")
    return Pattern(tuple(positions), tuple(loops))


def fold(pattern: Pattern) -> Pattern:
    """`pattern`, ignoring the case of ASCII letters."""
    positions = tuple(
        CharClass(frozenset((position.lower(), position.upper())))
        if isinstance(position, str) and position.isascii() and position.isalpha()
        else position
        for position in pattern.positions
    )
    if positions == pattern.positions:
        return pattern
    return Pattern(positions, pattern.loops)


def concatenate(parts: Iterable[Pattern | str]) -> Pattern:
    """The words made of one word of each part, in order; a `str` is a literal part."""
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    for part in parts:
        if isinstance(part, str):
            positions.extend(part)
            continue
        loops.extend((len(positions) + at, loop) for at, loop in part.loops)
        positions.extend(part.positions)
    return _named(positions, loops)


def some(characters: CharClass, exactly: int = 0) -> Pattern:
    """One or more of `characters`, or `exactly` so many."""
    if exactly:
        return Pattern((characters,) * exactly)
    return Pattern((characters,), ((1, characters),))


def matches(pattern: Pattern, word: str) -> bool:
    """Whether `word` belongs to `pattern`. Takes at most `len(word)` steps on one integer."""
    if pattern.kind == "literal":
        return word == pattern.text
    if pattern.kind == "prefix":
        return word.startswith(pattern.text)
    state = 1
    positions, loops = pattern.positions, pattern.loops
    for character in word:
        following = 0
        for at, loop in loops:
            if state >> at & 1 and loop.holds(character):
                following |= 1 << at
        live = state
        while live:
            low = live & -live
            at = low.bit_length() - 1
            live ^= low
            if at < len(positions):
                position = positions[at]
                if position == character if isinstance(position, str) else position.holds(character):
                    following |= low << 1
        if not following:
            return False
        state = following
    return bool(state >> len(positions) & 1)
