"""Linear patterns: every language of texts that policies can write — literals, globs, ARN globs, shapes — in one form."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from policy_audit.model.value import is_hole, is_letter


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

    `text` is the pattern as a glob (folded to lower case if it ignores case), for matching words quickly and for
    unification; `literal` and `prefix` tell the two simplest forms.
    """

    positions: tuple[Position, ...]
    loops: tuple[tuple[int, CharClass], ...] = ()
    text: str = ""
    kind: str = "linear"
    """`literal` (text alone), `prefix` (text and then anything), or `linear`."""


def literal(text: str) -> Pattern:
    """The one word `text`, wildcards standing for themselves."""
    return Pattern(tuple(text), text=text, kind="literal")


def glob(text: str) -> Pattern:
    """`*` stands for any text, `?` for one plain character; a symbol is matched by `*` and by itself alone."""
    star = text.find("*")
    if "?" not in text:
        if star < 0:
            return Pattern(tuple(text), text=text, kind="literal")
        if star == len(text) - 1:
            return Pattern(tuple(text[:-1]), ((star, ANY),), text[:-1], "prefix")
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    for character in text:
        if character == "*":
            if not loops or loops[-1][0] != len(positions):
                loops.append((len(positions), ANY))
        else:
            positions.append(PLAIN if character == "?" else character)
    return Pattern(tuple(positions), tuple(loops), text)


def arn_glob(text: str) -> Pattern | None:
    """An ARN pattern whose six parts are matched one by one, or None if it has not six parts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    if text.count(":") < 5:
        return None
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    colons = 0
    for character in text:
        if character == "*":
            if not loops or loops[-1][0] != len(positions):
                loops.append((len(positions), ANY if colons >= 5 else NOT_COLON))
        elif character == "?":
            positions.append(PLAIN if colons >= 5 else PLAIN_NOT_COLON)
        else:
            colons += character == ":"
            positions.append(character)
    if not loops and "?" not in text:
        return Pattern(tuple(text), text=text, kind="literal")
    return Pattern(tuple(positions), tuple(loops), text)


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
    return Pattern(positions, pattern.loops, pattern.text, "linear")


def concatenate(parts: Iterable[Pattern | str]) -> Pattern:
    """The words made of one word of each part, in order; a `str` is a literal part."""
    positions: list[Position] = []
    loops: list[tuple[int, CharClass]] = []
    text = ""
    for part in parts:
        if isinstance(part, str):
            positions.extend(part)
            text += part
            continue
        start = len(positions)
        for at, loop in part.loops:
            loops.append((start + at, loop))
        positions.extend(part.positions)
        text += part.text + ("*" if part.kind == "prefix" else "")
    return Pattern(tuple(positions), tuple(loops), text)


def some(characters: CharClass, exactly: int = 0) -> Pattern:
    """One or more of `characters`, or `exactly` so many."""
    if exactly:
        return Pattern((characters,) * exactly)
    return Pattern((characters,), ((1, characters),), "*")


def widest(text: str) -> str:
    """`text` with every hole as wide as it can be: as `*`."""
    return "".join("*" if is_hole(character) else character for character in text)


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
