"""Linear patterns: every language of texts that a policy can write — literals, globs, ARN globs — in one form."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final, Literal

from policy_audit.model.value import is_letter
from policy_audit.record import NamedTuple


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


class Pattern:
    """A linear regular expression: `positions` are read one by one; state i may read `loops` of i any number of times.

    The simpler forms are told by `kind`, so that they can be matched quickly: there `chunks` are the literal texts.
    Patterns are equal when they are written alike.
    """

    __slots__ = ("_hash", "_loops", "_positions", "_steps", "chunks", "kind")

    def __init__(self, positions: Iterable[Position], loops: Iterable[tuple[int, CharClass]] = ()) -> None:
        self._positions: tuple[Position, ...] | None = tuple(positions)
        self._loops: tuple[tuple[int, CharClass], ...] = tuple(loops)
        self._steps: dict[str, tuple[int, int]] = {}
        if all(loop is ANY for _, loop in self._loops) and {*map(type, self._positions)} <= {str}:
            text = "".join(map(str, self._positions))
            cuts = [0, *(at for at, _ in self._loops), len(text)]
            self._simplify(tuple(text[one:other] for one, other in pairwise(cuts)))
            return
        self.kind: Literal["literal", "prefix", "chunks", "linear"] = "linear"
        """`literal` (one text), `prefix` (a text and then anything), `chunks` (texts with anything between), or any."""
        self.chunks: tuple[str, ...] = ()
        self._hash = hash((self._positions, self._loops))

    @classmethod
    def of_chunks(cls, chunks: tuple[str, ...]) -> "Pattern":
        """Texts with anything between. Its positions are laid out when they are asked for: most never are."""
        pattern = cls.__new__(cls)
        pattern._positions = None
        pattern._steps = {}
        pattern._simplify(chunks)
        return pattern

    def _simplify(self, chunks: tuple[str, ...]) -> None:
        self.chunks = chunks
        self._hash = hash(chunks)
        if len(chunks) == 1:
            self.kind = "literal"
        elif len(chunks) == 2 and not chunks[-1]:
            self.kind = "prefix"
        else:
            self.kind = "chunks"

    @property
    def positions(self) -> tuple[Position, ...]:
        if self._positions is None:
            self._lay_out()
        return self._positions or ()

    @property
    def loops(self) -> tuple[tuple[int, CharClass], ...]:
        if self._positions is None:
            self._lay_out()
        return self._loops

    def _lay_out(self) -> None:
        self._positions = tuple("".join(self.chunks))
        self._loops = tuple((at, ANY) for at in accumulate(map(len, self.chunks[:-1])))

    @property
    def text(self) -> str:
        """The text of a literal, or of a prefix without its wildcard; else nothing."""
        return self.chunks[0] if self.kind in ("literal", "prefix") else ""

    def step(self, character: str) -> tuple[int, int]:
        """As masks of states: from which `character` leads on, and in which it stays."""
        found = self._steps.get(character)
        if found is None:
            on = stay = 0
            for at, position in enumerate(self.positions):
                if position == character if isinstance(position, str) else position.holds(character):
                    on |= 1 << at
            for at, loop in self.loops:
                if loop.holds(character):
                    stay |= 1 << at
            found = self._steps[character] = (on, stay)
        return found

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Pattern)
            and self._hash == other._hash
            and self.chunks == other.chunks
            and (bool(self.chunks) or (self.positions == other.positions and self.loops == other.loops))
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Pattern({self.positions!r}, {self.loops!r})"


def literal(text: str) -> Pattern:
    """The one word `text`, wildcards standing for themselves."""
    return Pattern.of_chunks((text,))


STAR: Final = "<*>"
QUESTION: Final = "<?>"
"""Tokens for wildcards, apart from the characters `*` and `?`; every other token is one character."""


def tokens(text: str) -> list[str]:
    """The tokens of `text`, in which every `*` and `?` is a wildcard."""
    return [STAR if one == "*" else QUESTION if one == "?" else one for one in text]


def glob(text: str) -> Pattern:
    """`*` stands for any text, `?` for one plain character; a symbol is matched by `*` and by itself alone."""
    if "?" in text or "**" in text:
        return glob_of(tokens(text))
    return Pattern.of_chunks((*text.split("*"),))


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
    return Pattern(positions, loops)


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
    return Pattern(positions, loops)


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


def segmented(pattern: Pattern) -> Pattern:
    """The part of a pattern among texts of six parts: where it has all five colons, wildcards do not cross another."""
    if pattern.positions.count(":") != 5:
        return pattern
    return Pattern(pattern.positions, ((at, NOT_COLON if loop is ANY else loop) for at, loop in pattern.loops))


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
    return Pattern(positions, loops)


def some(characters: CharClass, exactly: int = 0) -> Pattern:
    """One or more of `characters`, or `exactly` so many."""
    if exactly:
        return Pattern((characters,) * exactly)
    return Pattern((characters,), ((1, characters),))


def matches(pattern: Pattern, word: str) -> bool:
    """Whether `word` belongs to `pattern`, in time that grows with the word and not with ways to match it."""
    if pattern.kind == "literal":
        return word == pattern.chunks[0]
    if pattern.kind == "prefix":
        return word.startswith(pattern.chunks[0])
    if pattern.kind == "chunks":
        return _matches_chunks(pattern.chunks, word)
    state = 1
    for character in word:
        on, stay = pattern.step(character)
        state = (state & on) << 1 | state & stay
        if not state:
            return False
    return bool(state >> len(pattern.positions) & 1)


def _matches_chunks(chunks: tuple[str, ...], word: str) -> bool:
    first, last = chunks[0], chunks[-1]
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    at, end = len(first), len(word) - len(last)
    for chunk in chunks[1:-1]:
        at = word.find(chunk, at, end)
        if at < 0:
            return False
        at += len(chunk)
    return True


_FRESH: Final = "\ufffe"
"""A character that no text has: a pattern that does mention it is not looked at so."""


def sample_of(pattern: Pattern) -> str:
    """The pattern with a fresh character in place of each of its wildcards."""
    loops = {at for at, _ in pattern.loops}
    parts = [position if isinstance(position, str) else _FRESH for position in pattern.positions]
    return "".join((_FRESH if at in loops else "") + part for at, part in enumerate((*parts, "")))


def matches_all(pattern: Pattern, sample: str) -> bool:
    """Whether `pattern` certainly matches all words of the one that `sample` was made of.

    A glob does when it matches the other with a character in place of each wildcard that it does not mention itself,
    for only a `*` can have read that.
    """
    if _FRESH not in sample:
        return matches(pattern, sample)
    return pattern.kind != "linear" and matches(pattern, sample) and _FRESH not in pattern.positions
