"""A document as a tree of scalars, sequences and mappings, each with its place in the file it was written in."""

from collections.abc import Iterator
from typing import Literal

from policy_audit.origin import Span
from policy_audit.record import NamedTuple, Protocol


class Source(Protocol):
    """A text that nodes were parsed from: a file, or a string inside one."""

    def span(self, start: int, end: int) -> Span:
        """The stretch of the *file* that characters `start` to `end` of this text were written at."""


class Place(NamedTuple):
    """Characters `start` to `end` of `source`; lines and columns are worked out only when they are asked for."""

    source: Source
    start: int
    end: int

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)


class Piece(NamedTuple):
    """A part of a text that was put together from several: `scalar`'s text stands at `offset` in the whole."""

    offset: int
    scalar: "Scalar"


class Scalar(NamedTuple):
    """A string, number, boolean or null, as written: `text` of `0123` is `0123`. A null has the text ``.

    `kind` is what the document says it is: a quoted `"true"` is a string, a plain `true` a boolean. `pieces`, when not
    empty, says where the parts of a joined text were written.
    """

    text: str
    kind: Literal["string", "number", "boolean", "null"]
    place: Place
    pieces: tuple[Piece, ...] = ()


class Sequence(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    place: Place


class Entry(NamedTuple):
    """One key of a mapping with its value."""

    key: Scalar
    value: "Node"


class Mapping(NamedTuple):
    """An object: its entries in the order written, no key twice."""

    entries: tuple[Entry, ...]
    place: Place

    def get(self, name: str) -> "Node | None":
        """The value under `name`, or None."""
        for entry in self.entries:
            if entry.key.text == name:
                return entry.value
        return None

    def keys(self) -> Iterator[str]:
        return (entry.key.text for entry in self.entries)


Node = Scalar | Sequence | Mapping
