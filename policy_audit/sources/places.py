"""Where each character of a value was written, through quotes, folded lines and joined texts, as line and column."""

import re
from bisect import bisect_right
from typing import Final, Literal

from policy_audit.model.node import Piece, Place, Scalar, Source
from policy_audit.origin import Span
from policy_audit.sources.styles import Characters, json_characters, yaml_characters

Syntax = Literal["json", "yaml", "hcl", "value"]
"""How the scalars of a source are written: quoted as in JSON or YAML, or as they are: `value`, a text that is one
value as a whole, and `hcl`, whose reader tells the stretches between its quotes and escapes apart itself."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class File:
    """The text of a file, the outermost source."""

    __slots__ = ("_lines", "name", "syntax", "text")

    def __init__(self, name: str, text: str, syntax: Syntax) -> None:
        self.name = name
        self.text = text
        self.syntax = syntax
        self._lines: list[int] | None = None

    def __reduce__(self) -> tuple[type["File"], tuple[str, str, Syntax]]:
        return File, (self.name, self.text, self.syntax)

    def span(self, start: int, end: int) -> Span:
        """Lines and columns of characters `start` to `end`, blank space at the end left out."""
        if end > start:
            end = start + (len(self.text[start:end].rstrip()) or end - start)
        return Span(self.name, *self.position(start), *self.position(max(start, end)))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at `offset`."""
        if self._lines is None:
            self._lines = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        offset = min(offset, len(self.text))
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1


class Within:
    """The value of a scalar as a source of its own: what is found in it leads back to the file.

    `syntax` is what the value is written in: `json` or `yaml` for a document that the scalar holds, `value` for a
    stretch of it taken as it is.
    """

    __slots__ = ("_characters", "_parts", "scalar", "syntax", "text")

    def __init__(self, scalar: Scalar, syntax: Syntax = "value") -> None:
        self.scalar = scalar
        self.text = scalar.text
        self.syntax = syntax
        self._characters: Characters | None = None
        self._parts: list[tuple[int, Within]] | None = None

    def __reduce__(self) -> tuple[type["Within"], tuple[Scalar, Syntax]]:
        return Within, (self.scalar, self.syntax)

    def span(self, start: int, end: int) -> Span:
        """Where characters `start` to `end` of the value were written."""
        first = self._character(start)
        if end <= start:
            return first._replace(end_line=first.line, end_column=first.column)
        if end == start + 1:
            return first
        last = self._character(end - 1)
        if last.file != first.file or (last.line, last.column) < (first.line, first.column):
            return first
        return first._replace(end_line=last.end_line, end_column=last.end_column)

    def _character(self, offset: int) -> Span:
        """Where the character at `offset` was written; the end of the value for an offset beyond it."""
        if self.scalar.pieces:
            start, part = self._part(offset)
            return part._character(offset - start)
        place = self.scalar.place
        if self._characters is None:
            self._characters = characters(self.scalar)
        found = self._characters
        if found is None or not found.starts:
            return place.span
        if offset >= len(found.starts):
            return place.source.span(found.ends[-1], found.ends[-1])
        return place.source.span(found.starts[offset], found.ends[offset])

    def _part(self, offset: int) -> "tuple[int, Within]":
        """The piece that holds `offset`, and where it starts."""
        if self._parts is None:
            self._parts = [(piece.offset, Within(piece.scalar)) for piece in self.scalar.pieces]
        index = bisect_right(self._parts, offset, key=lambda part: part[0])
        return self._parts[max(index - 1, 0)]


def characters(scalar: Scalar) -> Characters:
    """Where in `scalar.place.source` each character of its text was written.

    Empty when the text was not written there as such: the place of an intrinsic function whose result the scalar is.
    """
    source, start, end = scalar.place
    if not isinstance(source, File | Within):
        return Characters("", [], [])
    match source.syntax:
        case "json":
            found = json_characters(source.text, start, end)
        case "yaml":
            found = yaml_characters(source.text, start, end, scalar.text)
        case "value" | "hcl":
            found = Characters(source.text[start:end], range(start, end), range(start + 1, end + 1))
    return found if found.text == scalar.text else Characters("", [], [])


def stretch(whole: Within, start: int, end: int) -> Scalar:
    """Characters `start` to `end` of a scalar (as `Within(scalar)`) as one of its own, whose place is exact."""
    return Scalar(whole.text[start:end], "string", Place(whole, start, end))


def joined(parts: list[Scalar], place: Place) -> Scalar:
    """The texts of `parts` one after the other, each leading back to where it was written; `place` is the whole's."""
    pieces: list[Piece] = []
    offset = 0
    for part in parts:
        if part.text:
            pieces.append(Piece(offset, part))
            offset += len(part.text)
    return Scalar("".join([part.text for part in parts]), "string", place, tuple(pieces))


def where(place: Place) -> str:
    """`file:line:column` of a place."""
    return str(place.span)


__all__ = ["Characters", "File", "Source", "Syntax", "Within", "characters", "joined", "stretch", "where"]
