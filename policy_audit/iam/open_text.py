"""Matching texts that hold letters (open parts): for certain, possibly, or not at all.

A letter stands for one fixed text. A match is certain when it holds whatever the letters stand for: letters are then
read as characters of their own that only `*` and they themselves match. It is out of the question when it fails even
with every letter read as a wildcard, as far as the letter's shape lets it. What lies between is unknown.
"""

import re
from typing import Final

from policy_audit.iam.globs import ANY, ANY_IN_SEGMENT, ONE, ONE_IN_SEGMENT, Part, Parts, joined, parse_glob
from policy_audit.iam.truth import Truth
from policy_audit.model.value import ANYTHING, LAST, Shape, Symbol, Symbols, has_letters, is_hole, is_letter

UNKNOWN: Final = chr(LAST)
"""The letter for text of which nothing is known, not even that it equals itself: what `Symbols` gives when full."""
_LONG: Final = 256
"""A symbol that may be longer than this is taken for unbounded: a wider set of texts, so nothing is lost but detail."""


def matches(pattern: str, text: str, wildcards: bool, symbols: Symbols | None = None) -> Truth:
    """Whether `text` matches `pattern` in which `*` and `?` are `wildcards`, letters possible on either side."""
    return matches_parts(parse_glob(pattern) if wildcards else (pattern,) if pattern else (), text, symbols)


def matches_parts(parts: Parts, text: str, symbols: Symbols | None = None) -> Truth:
    """Whether `text` matches the glob `parts`, letters possible on either side. Takes time text times glob."""
    if _certainly(parts, text, symbols):
        return True
    if _differ(parts, text, symbols) or not _possibly(parts, text, symbols):
        return False
    return None


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


def _admits(characters: str, character: str) -> bool:
    try:
        return re.match(f"[{characters}]", character) is not None
    except re.error:
        return True


def _certainly(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0] == text and UNKNOWN not in text
    automaton = _Automaton(parts, None)
    states = 1
    for character in text:
        if not is_letter(character):
            states = automaton.read(states, character)
            continue
        step = automaton.by_character.get(character, 0) if character != UNKNOWN else 0
        loop = automaton.loop
        if automaton.loop_in_segment and not may_hold(":", character, symbols):
            loop |= automaton.loop_in_segment
        states = ((states & step) << 1) | (states & loop)
    return bool(states & automaton.accepting)


def _possibly(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    automaton = _Automaton(parts, symbols)
    states = 1
    for character in text:
        if is_letter(character):
            states = _read_symbol(automaton, states, symbol_of(character, symbols).shape)
        else:
            states = automaton.read(states, character)
        if not states:
            return False
    return bool(states & automaton.accepting)


class _Automaton:
    """A glob as an automaton whose states are the bits of one integer.

    With `opened`, letters of the glob are wildcards, limited to the characters of their shape; they are marked as a
    loop that the shape's characters take.
    """

    def __init__(self, parts: Parts, symbols: Symbols | None) -> None:
        self.by_character: dict[str, int] = {}
        self.one = self.one_in_segment = self.loop = self.loop_in_segment = 0
        self.symbol_loops: list[tuple[Shape, int]] = []
        self._loops: dict[str, int] = {}
        at = 1
        for part in parts:
            at = self._add(part, at, symbols)
        self.accepting = at

    def _add(self, part: Part, at: int, symbols: Symbols | None) -> int:
        if isinstance(part, str):
            for character in part:
                self.by_character[character] = self.by_character.get(character, 0) | at
                at <<= 1
            return at
        if part == ANY:
            self.loop |= at
            return at
        if part == ANY_IN_SEGMENT:
            self.loop_in_segment |= at
            return at
        self.one |= at if part == ONE else 0
        self.one_in_segment |= at if part == ONE_IN_SEGMENT else 0
        return at << 1

    def read(self, states: int, character: str) -> int:
        """The states after one plain character."""
        step = self.by_character.get(character, 0) | self.one
        loop = self._loops.get(character)
        if loop is None:
            loop = self.loop
            for shape, at in self.symbol_loops:
                if _may_have(shape, character):
                    loop |= at
            if character != ":":
                loop |= self.loop_in_segment
            self._loops[character] = loop
        if character != ":":
            step |= self.one_in_segment
        return ((states & step) << 1) | (states & loop)
