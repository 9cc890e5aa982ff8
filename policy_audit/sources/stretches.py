"""What begins on the lines of files: entries and items of their documents, and the resources they declare."""

from collections.abc import Iterable, Mapping, Sequence, Set

from policy_audit.model import node as tree
from policy_audit.model.node import Node
from policy_audit.origin import Span
from policy_audit.sources.template import Template
from policy_audit.sources.tree import entries

Line = tuple[str, int]
"""A file's path, and the number of a line in it."""


class Stretches:
    """What begins on some lines of some files, by `wanted`, in the documents of all templates, which are read once."""

    def __init__(self, templates: Iterable[Template], wanted: Mapping[str, Set[int]]) -> None:
        self._wanted = wanted
        self._stretches: dict[Line, Span] = {}
        self._addresses: dict[Line, list[str]] = {}
        self._scalars: dict[Line, list[Span]] = {}
        for template in templates if wanted else ():
            for entry in entries(template.document.get("Resources")):
                span = entry.key.place.span
                if self._is_wanted(span):
                    self._addresses.setdefault(span[:2], []).append(template.address(entry.key.text))
            for document in (template.document, *template.embedded.values()):
                self._walk(document)

    def outermost(self, path: str, line: int) -> Span | None:
        """The longest entry or item that begins on the line."""
        return self._stretches.get((path, line))

    def resources(self, path: str, line: int) -> Sequence[str]:
        """The addresses of the resources whose logical ids stand on the line."""
        return self._addresses.get((path, line), ())

    def is_text(self, path: str, line: int, column: int) -> bool:
        """Whether a place is within a text on one line."""
        return any(one.column <= column < one.end_column for one in self._scalars.get((path, line), ()))

    def _is_wanted(self, span: Span) -> bool:
        return span.line in self._wanted.get(span.file, ())

    def _walk(self, document: Node) -> None:
        pending = [document]
        while pending:
            node = pending.pop()
            if isinstance(node, tree.Mapping):
                for entry in node.entries:
                    self._entry(entry)
                    pending.append(entry.value)
            elif isinstance(node, tree.Sequence):
                for item in node.items:
                    self._add(item.place.span)
                    pending.append(item)
            else:
                span = node.place.span
                if self._is_wanted(span) and span.line == span.end_line:
                    self._scalars.setdefault(span[:2], []).append(span)

    def _entry(self, entry: tree.Entry) -> None:
        begin = entry.key.place.span
        if not self._is_wanted(begin):
            return
        end = entry.value.place.span
        behind = end.file == begin.file and (end.end_line, end.end_column) > (begin.end_line, begin.end_column)
        last = end if behind else begin
        self._add(begin._replace(end_line=last.end_line, end_column=last.end_column))

    def _add(self, stretch: Span) -> None:
        if not self._is_wanted(stretch):
            return
        known = self._stretches.get(stretch[:2])
        if known is None or (stretch.end_line, stretch.end_column) > (known.end_line, known.end_column):
            self._stretches[stretch[:2]] = stretch
