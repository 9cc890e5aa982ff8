"""Matching texts that hold letters (open parts): for certain, possibly, or not at all.

A letter stands for one fixed text. A match is certain when it holds whatever the letters stand for: letters are then
read as characters of their own that only `*` and they themselves match. It is out of the question when it fails even
with every letter read as a wildcard, as far as the letter's shape lets it. What lies between is unknown.
"""

import re
from typing import Final

from policy_audit.iam.globs import (
    ANY,
    ANY_IN_SEGMENT,
    LONGEST,
    ONE,
    ONE_IN_SEGMENT,
    Part,
    Parts,
    is_simple,
    is_too_long,
    joined,
    matcher,
    parse_glob,
)
from policy_audit.iam.truth import Truth
from policy_audit.model.value import LAST, Shape, Symbol, Symbols, has_letters, is_hole, is_letter

UNKNOWN: Final = chr(LAST)
"""The letter for text of which nothing is known, not even that it equals itself: what `Symbols` gives when full."""
_LONG: Final = 256
"""A symbol that may be longer than this is taken for unbounded: a wider set of texts, so nothing is lost but detail."""


def matches(pattern: str, text: str, wildcards: bool, symbols: Symbols | None = None) -> Truth:
    """Whether `text` matches `pattern` in which `*` and `?` are `wildcards`, letters possible on either side."""
    return matches_parts(parse_glob(pattern) if wildcards else (pattern,) if pattern else (), text, symbols)


def matches_parts(parts: Parts, text: str, symbols: Symbols | None = None) -> Truth:
    """Whether `text` matches the glob `parts`, letters possible on either side.

    Takes time text times glob where there are letters or `?`; unknown when that would be too long.
    """
    if not has_letters(text) and not any(isinstance(part, str) and has_letters(part) for part in parts):
        if len(text) <= LONGEST or is_simple(parts):
            return None if is_too_long(parts) else matcher(parts)(text)
        return None
    if len(text) > LONGEST or sum(len(part) if isinstance(part, str) else 1 for part in parts) > LONGEST:
        return True if parts == (text,) and UNKNOWN not in text else None
    if _certainly(parts, text, symbols):
        return True
    parts, text = _without_common_ends(parts, text, symbols)
    if _differ(parts, text, symbols) or not _possibly(parts, text, symbols):
        return False
    return None


def is_open_text(text: str) -> bool:
    """Whether `text` has letters, or is too long to be matched as if it had none."""
    return len(text) > LONGEST or has_letters(text)


def symbol_of(letter: str, symbols: Symbols | None) -> Symbol:
    """What is known of `letter`; nothing without a table, or for a letter that is not in it."""
    if symbols is None:
        return Symbol("…")
    try:
        return symbols.of(letter)
    except IndexError:
        return Symbol("…")


def may_hold(character: str, letter: str, symbols: Symbols | None) -> bool:
    """Whether the value of `letter` may have `character` in it."""
    shape = symbol_of(letter, symbols).shape
    if shape.values:
        return any(character in value for value in shape.values)
    return not shape.characters or _admits(shape.characters, character)


def _may_be_glob(letter: str, symbols: Symbols | None) -> bool:
    """Whether the value of `letter` may have a wildcard in it, which then counts as one in a pattern."""
    return may_hold("*", letter, symbols) or may_hold("?", letter, symbols)


def _admits(characters: str, character: str) -> bool:
    try:
        return re.match(f"[{characters}]", character) is not None
    except re.error:
        return True


class _Automaton:
    """A glob as an automaton whose states are the bits of one integer.

    With `opened`, a letter of the glob is a wildcard for the characters of its shape; without, a character.
    """

    def __init__(self, parts: Parts, symbols: Symbols | None, opened: bool) -> None:
        self.by_character: dict[str, int] = {}
        self.one = self.one_in_segment = self.loop = self.loop_in_segment = 0
        self.accepting = 1
        self._symbols = symbols
        self._opened: dict[str, int] = {}
        self._loops: dict[str, int] = {}
        for part in parts:
            if not isinstance(part, str):
                self._add_wildcard(part)
                continue
            for character in part:
                if opened and is_letter(character):
                    self._opened[character] = self._opened.get(character, 0) | self.accepting
                else:
                    self.by_character[character] = self.by_character.get(character, 0) | self.accepting
                    self.accepting <<= 1

    def _add_wildcard(self, part: Part) -> None:
        at = self.accepting
        if part == ANY:
            self.loop |= at
        elif part == ANY_IN_SEGMENT:
            self.loop_in_segment |= at
        else:
            self.one |= at if part == ONE else 0
            self.one_in_segment |= at if part == ONE_IN_SEGMENT else 0
            self.accepting = at << 1

    def read(self, states: int, character: str) -> int:
        """The states after one plain character."""
        loop = self._loops.get(character)
        if loop is None:
            loop = self.loop if character == ":" else self.loop | self.loop_in_segment
            for letter, at in self._opened.items():
                if may_hold(character, letter, self._symbols) or _may_be_glob(letter, self._symbols):
                    loop |= at
            self._loops[character] = loop
        step = self.by_character.get(character, 0) | self.one | (0 if character == ":" else self.one_in_segment)
        return ((states & step) << 1) | (states & loop)

    def read_same(self, states: int, letter: str) -> int:
        """The states after `letter` read as a character: itself and `*` match it, `?` does not."""
        step = self.by_character.get(letter, 0) if letter != UNKNOWN else 0
        loop = self.loop
        if self.loop_in_segment and not may_hold(":", letter, self._symbols):
            loop |= self.loop_in_segment
        return ((states & step) << 1) | (states & loop)

    def read_any(self, states: int, shape: Shape) -> int:
        """Every state that some text of `shape` leads to."""
        if shape.values:
            return self._read_one_of(states, shape.values)
        if not shape.characters:
            return -(states & -states) & ((self.accepting << 1) - 1)
        step = self.one | self.one_in_segment
        for character, at in self.by_character.items():
            if _admits(shape.characters, character):
                step |= at
        loop = self.loop | self.loop_in_segment
        for at in self._opened.values():
            loop |= at
        for _ in range(min(shape.shortest, _LONG)):
            states = ((states & step) << 1) | (states & loop)
        bounded = 0 <= shape.longest <= _LONG
        for _ in range(shape.longest - shape.shortest if bounded else self.accepting.bit_length()):
            more = states | ((states & step) << 1)
            if more == states:
                break
            states = more
        return states

    def _read_one_of(self, states: int, values: tuple[str, ...]) -> int:
        reached = 0
        for value in values:
            after = states
            for character in value:
                after = self.read(after, character)
            reached |= after
        return reached


def _certainly(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0] == text and UNKNOWN not in text
    automaton = _Automaton(parts, symbols, opened=False)
    states = 1
    for character in text:
        states = (automaton.read_same if is_letter(character) else automaton.read)(states, character)
    return bool(states & automaton.accepting)


def _possibly(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    automaton = _Automaton(parts, symbols, opened=True)
    states = 1
    for character in text:
        if not states:
            return False
        if is_letter(character):
            states = automaton.read_any(states, symbol_of(character, symbols).shape)
        else:
            states = automaton.read(states, character)
    return bool(states & automaton.accepting)


def _without_common_ends(parts: Parts, text: str, symbols: Symbols | None) -> tuple[Parts, str]:
    """Glob and text without what both literally begin and end with: the same letters are the same text, unless it may
    be a glob."""
    if parts and isinstance(parts[0], str):
        same = _same(parts[0], text, symbols)
        parts, text = joined((parts[0][same:], *parts[1:])), text[same:]
    if parts and isinstance(parts[-1], str):
        last = parts[-1]
        same = _same(last[::-1], text[::-1], symbols)
        parts, text = joined((*parts[:-1], last[: len(last) - same])), text[: len(text) - same]
    return parts, text


def _same(one: str, other: str, symbols: Symbols | None) -> int:
    """The number of characters that both begin with, up to a letter that may not match itself alone."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right or left == UNKNOWN or (is_letter(left) and _may_be_glob(left, symbols)):
            return index
    return min(len(one), len(other))


def _differ(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    """Whether what a symbol may be rules a match out at the start, where glob and text differ or are not known to be
    the same."""
    if symbols is None or not text or not parts or not isinstance(parts[0], str):
        return False
    ours, whole = parts[0], len(parts) == 1
    if UNKNOWN in (ours[0], text[0]) or (is_letter(ours[0]) and _may_be_glob(ours[0], symbols)):
        return False
    if is_letter(ours[0]) and is_letter(text[0]):
        return _are_two_generated(ours, text, whole, symbols)
    if is_letter(ours[0]):
        return _is_not(ours, text, whole, symbols)
    return is_letter(text[0]) and _is_not(text, ours, whole, symbols)


def _are_two_generated(ours: str, theirs: str, whole: bool, symbols: Symbols) -> bool:
    """Whether both begin with a generated value, not the same one, that reaches equally far in both."""
    one, other = symbol_of(ours[0], symbols), symbol_of(theirs[0], symbols)
    if ours[0] == theirs[0] or not (one.generated and other.generated) or is_hole(ours[0]) or is_hole(theirs[0]):
        return False
    if 0 <= one.shape.longest == one.shape.shortest == other.shape.shortest == other.shape.longest:
        return True
    if len(ours) == 1 or len(theirs) == 1:
        return whole and len(ours) == len(theirs)
    return ours[1] == theirs[1] and _ends_at(ours[1], ours[0], symbols) and _ends_at(ours[1], theirs[0], symbols)


def _is_not(opened: str, plain: str, whole: bool, symbols: Symbols) -> bool:
    """Whether `opened` begins with a symbol that cannot have the value which `plain` has in its place."""
    if len(opened) == 1:
        value = plain if whole else ""
    elif _ends_at(opened[1], opened[0], symbols):
        value, delimiter, _ = plain.partition(opened[1])
        value = value if delimiter else ""
    else:
        return False
    return bool(value) and not has_letters(value) and not symbol_of(opened[0], symbols).shape.admits(value)


def _ends_at(character: str, letter: str, symbols: Symbols) -> bool:
    return not is_letter(character) and not may_hold(character, letter, symbols)
