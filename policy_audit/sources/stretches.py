"""What begins on the lines of a file: entries and items of its documents, and the resources they declare."""

from collections.abc import Iterable, Sequence, Set

from policy_audit.model import node as tree
from policy_audit.model.node import Node
from policy_audit.origin import Span
from policy_audit.sources.template import Template
from policy_audit.sources.tree import entries


class Stretches:
    """What begins on some `lines` of the file at `path`, in the documents of all templates."""

    def __init__(self, templates: Iterable[Template], path: str, lines: Set[int]) -> None:
        self._path, self._lines = path, lines
        self._stretches: dict[int, Span] = {}
        self._addresses: dict[int, list[str]] = {}
        self._scalars: dict[int, list[Span]] = {}
        for template in templates:
            for entry in entries(template.document.get("Resources")):
                span = entry.key.place.span
                if span.file == path and span.line in lines:
                    self._addresses.setdefault(span.line, []).append(template.address(entry.key.text))
            for document in (template.document, *template.embedded.values()):
                self._walk(document)

    def outermost(self, line: int) -> Span | None:
        """The longest entry or item that begins on the line."""
        return self._stretches.get(line)

    def resources(self, line: int) -> Sequence[str]:
        """The addresses of the resources whose logical ids stand on the line."""
        return self._addresses.get(line, ())

    def is_text(self, line: int, column: int) -> bool:
        """Whether a place is within a text on one line."""
        return any(one.column <= column < one.end_column for one in self._scalars.get(line, ()))

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
                if span.file == self._path and span.line in self._lines and span.line == span.end_line:
                    self._scalars.setdefault(span.line, []).append(span)

    def _entry(self, entry: tree.Entry) -> None:
        begin = entry.key.place.span
        if begin.file != self._path or begin.line not in self._lines:
            return
        end = entry.value.place.span
        behind = end.file == self._path and (end.end_line, end.end_column) > (begin.end_line, begin.end_column)
        last = end if behind else begin
        self._add(begin._replace(end_line=last.end_line, end_column=last.end_column))

    def _add(self, stretch: Span) -> None:
        if stretch.file != self._path or stretch.line not in self._lines:
            return
        known = self._stretches.get(stretch.line)
        if known is None or (stretch.end_line, stretch.end_column) > (known.end_line, known.end_column):
            self._stretches[stretch.line] = stretch
