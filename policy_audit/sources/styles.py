"""Reads one scalar again, as YAML or JSON writes it, to learn which characters of the text gave each of its own."""

import re
from collections.abc import Sequence
from struct import pack
from typing import Final

from policy_audit.record import NamedTuple


class Characters(NamedTuple):
    """A decoded text; its character `i` was written at characters `starts[i]` to `ends[i]` of the source."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def _compact(offsets: list[int]) -> Sequence[int]:
    """The same numbers in four bytes each, or in none where each is one more than the last: they are kept for long."""
    if offsets and offsets[-1] - offsets[0] == len(offsets) - 1:
        run = range(offsets[0], offsets[-1] + 1)
        if offsets == list(run):
            return run
    return memoryview(pack(f"{len(offsets)}I", *offsets)).cast("I")


class _Reader:
    """Collects characters with their offsets."""

    __slots__ = ("characters", "ends", "starts")

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, character: str, start: int, end: int) -> None:
        self.characters.append(character)
        self.starts.append(start)
        self.ends.append(end)

    def result(self) -> Characters:
        return Characters("".join(self.characters), _compact(self.starts), _compact(self.ends))


_JSON_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def json_characters(text: str, start: int, end: int) -> Characters:
    """The JSON string, number or word at `start`, read to `end`."""
    reader = _Reader()
    if text[start : start + 1] != '"':
        for at in range(start, end):
            reader.add(text[at], at, at + 1)
        return reader.result()
    at, end = start + 1, end - 1
    while at < end:
        if text[at] != "\\":
            reader.add(text[at], at, at + 1)
            at += 1
            continue
        after = at + 2
        character = text[at + 1 : after]
        if character == "u":
            character, after = _json_unicode(text, after)
        else:
            character = _JSON_ESCAPES.get(character, character)
        reader.add(character, at, after)
        at = after
    return reader.result()


def _json_unicode(text: str, at: int) -> tuple[str, int]:
    """The character of the four hexadecimal digits at `at` (and a low surrogate behind them), and where it ends."""
    code = _hexadecimal(text[at : at + 4])
    if 0xD800 <= code < 0xDC00 and text[at + 4 : at + 6] == "\\u":
        low = _hexadecimal(text[at + 6 : at + 10])
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00), at + 10
    return ("�" if 0xD800 <= code < 0xE000 else chr(code)), at + 4


def _hexadecimal(digits: str) -> int:
    found = re.match("[0-9a-fA-F]*", digits)
    return int(found.group(), 16) if found is not None and found.group() else 0


_BREAKS: Final = "\r\n\x85\u2028\u2029"
_BLANKS: Final = " \t"


def yaml_characters(text: str, start: int, end: int, value: str) -> Characters:
    """The YAML scalar of any style at `start`, read to `end`; `value` helps to find the indentation of a block."""
    match text[start : start + 1]:
        case "'":
            return _flow(text, start + 1, end - 1, "'")
        case '"':
            return _flow(text, start + 1, end - 1, '"')
        case "|" | ">":
            return _block(text, start, end, value)
        case _:
            return _flow(text, start, end, "")


def _line_break(text: str, at: int) -> tuple[str, int]:
    """The character that YAML makes of the line break at `at`, and where it ends."""
    if text.startswith("\r\n", at):
        return "\n", at + 2
    return (text[at] if text[at] in "\u2028\u2029" else "\n"), at + 1


def _flow(text: str, at: int, end: int, quote: str) -> Characters:
    """A plain or quoted scalar: escapes by `quote`, lines folded."""
    reader = _Reader()
    while at < end:
        character = text[at]
        if character in _BLANKS or character in _BREAKS:
            at = _fold(text, at, end, reader, escaped=False)
        elif quote == "'" and character == "'":
            reader.add("'", at, at + 2)
            at += 2
        elif quote == '"' and character == "\\":
            if text[at + 1] in _BREAKS:
                at = _fold(text, _line_break(text, at + 1)[1], end, reader, escaped=True)
            else:
                decoded, after = _yaml_escape(text, at + 1)
                reader.add(decoded, at, after)
                at = after
        else:
            reader.add(character, at, at + 1)
            at += 1
    return reader.result()


def _fold(text: str, at: int, end: int, reader: _Reader, *, escaped: bool) -> int:
    """Blank space at `at`: kept in a line, folded around line breaks. `escaped`: an escaped break stands before it."""
    blanks: list[int] = []
    breaks: list[tuple[str, int, int]] = []
    while at < end and (text[at] in _BLANKS or text[at] in _BREAKS):
        if text[at] in _BREAKS:
            character, after = _line_break(text, at)
            breaks.append((character, at, after))
            at = after
        else:
            blanks.append(at)
            at += 1
    if not breaks and not escaped:
        for blank in blanks:
            reader.add(text[blank], blank, blank + 1)
    elif escaped or breaks[0][0] != "\n":
        for line in breaks:
            reader.add(*line)
    elif len(breaks) == 1:
        reader.add(" ", breaks[0][1], breaks[0][2])
    else:
        for line in breaks[1:]:
            reader.add(*line)
    return at


_YAML_ESCAPES: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_YAML_WIDTHS: Final = {"x": 2, "u": 4, "U": 8}


def _yaml_escape(text: str, at: int) -> tuple[str, int]:
    """The character that the escape whose letter stands at `at` means, and where it ends."""
    letter = text[at]
    width = _YAML_WIDTHS.get(letter)
    if width is None:
        return _YAML_ESCAPES.get(letter, letter), at + 1
    code = _hexadecimal(text[at + 1 : at + 1 + width])
    return chr(min(code, 0x10FFFF)), at + 1 + width


def _block(text: str, start: int, end: int, value: str) -> Characters:
    """A literal or folded block scalar, its header at `start`."""
    line = start
    while line < end and text[line] not in _BREAKS:
        line += 1
    header = text[start + 1 : line].split("#")[0]
    body = _line_break(text, line)[1] if line < end else end
    chomping = "+" if "+" in header else "-" if "-" in header else ""
    if not any(character.isdigit() for character in header):
        return _block_lines(text, body, end, _indentation(text, body, end), text[start] == ">", chomping)
    # The indentation that a header gives counts from the parent's, which is not known here: at most that of any line.
    most = max((len(found.group()) for found in re.finditer("^ *", text[body:end], re.MULTILINE)), default=1)
    for indent in range(1, min(most, 256) + 1):
        found = _block_lines(text, body, end, indent, text[start] == ">", chomping)
        if found.text == value:
            return found
    return Characters("", [], [])


def _indentation(text: str, at: int, end: int) -> int:
    """The deepest of the blank lines that lead the body and its first line with text, at least 1."""
    deepest = 1
    while at < end:
        line = at
        while at < end and text[at] == " ":
            at += 1
        deepest = max(deepest, at - line)
        if at >= end or text[at] not in _BREAKS:
            break
        at = _line_break(text, at)[1]
    return deepest


def _block_lines(text: str, at: int, end: int, indent: int, folded: bool, chomping: str) -> Characters:
    """The lines of a block scalar's body, joined or kept as its header says."""
    reader = _Reader()
    leading: tuple[str, int, int] | None = None
    after_blank = False
    at, column, trailing = _blank_lines(text, at, end, indent)
    while column == indent and at < end:
        blank = text[at] in _BLANKS
        if folded and leading is not None and leading[0] == "\n" and not after_blank and not blank:
            if not trailing:
                reader.add(" ", leading[1], leading[2])
        elif leading is not None:
            reader.add(*leading)
        for empty in trailing:
            reader.add(*empty)
        after_blank = blank
        while at < end and text[at] not in _BREAKS:
            reader.add(text[at], at, at + 1)
            at += 1
        leading = None
        if at < end:
            character, after = _line_break(text, at)
            leading = (character, at, after)
            at = after
        at, column, trailing = _blank_lines(text, at, end, indent)
    if chomping != "-" and leading is not None:
        reader.add(*leading)
    if chomping == "+":
        for empty in trailing:
            reader.add(*empty)
    return reader.result()


def _blank_lines(text: str, at: int, end: int, indent: int) -> tuple[int, int, list[tuple[str, int, int]]]:
    """Passes indentation and empty lines: where the next text starts, its column, and the breaks of the empty lines."""
    breaks: list[tuple[str, int, int]] = []
    while True:
        column = 0
        while column < indent and at < end and text[at] == " ":
            at += 1
            column += 1
        if at >= end or text[at] not in _BREAKS:
            return at, column, breaks
        character, after = _line_break(text, at)
        breaks.append((character, at, after))
        at = after
