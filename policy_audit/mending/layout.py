"""A file as text and as nodes: what stands where, how it is laid out, and edits of it that keep the layout."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from policy_audit.mending import written
from policy_audit.model.node import Entry, Node
from policy_audit.model.node import Mapping as Object
from policy_audit.model.node import Sequence as List
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import parse
from policy_audit.sources.places import File

_LEVEL: Final = "  "
_BLANKS: Final = re.compile(r"[ \t]*")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TO_LINE_END: Final = re.compile(r"[^\r\n]*")


class Cut(NamedTuple):
    """`new` in the place of the characters from `start` to `end`."""

    start: int
    end: int
    new: str


class Found(NamedTuple):
    """A node with the way to it: its parents with the entry or the number of the item that leads on, from the root."""

    node: Node
    parents: tuple[tuple[Node, Entry | int], ...]


class Layout:
    """The document of one file, with the places of its nodes as offsets. Raises AuditError for a text that is none."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self.skipped = len(text) - len(self.text)
        self.document = parse(text, path)
        source = self.document.place.source
        self._source = source if isinstance(source, File) else File(path, self.text, "yaml")
        self.is_json = self._source.syntax == "json"
        self._starts: dict[tuple[int, int], list[Found]] | None = None
        self._entries: dict[int, dict[str, Entry]] = {}
        first = _LINE_END.search(self.text)
        self.newline = first.group() if first else "\n"

    def at(self, span: Span) -> Found | None:
        """The node at `span`, the outermost if there are several; an entry by its key. None if none stands there."""
        if self._starts is None:
            self._starts = {}
            self._index()
        for found in self._starts.get((span.line, span.column), ()):
            step = found.parents[-1][1] if found.parents else 0
            if self._span(found.node) == span or (isinstance(step, Entry) and self._span(step.key) == span):
                return found
        return None

    def _index(self) -> None:
        assert self._starts is not None
        pending = [Found(self.document, ())]
        while pending:
            found = pending.pop()
            node, parents = found
            for place in (node.place, *(step.key.place for _, step in parents[-1:] if isinstance(step, Entry))):
                if place.source is self._source:
                    self._starts.setdefault(self._source.position(place.start), []).append(found)
            if isinstance(node, Object):
                pending += [Found(one.value, (*parents, (node, one))) for one in reversed(node.entries)]
            elif isinstance(node, List):
                pending += [Found(one, (*parents, (node, index))) for index, one in reversed([*enumerate(node.items)])]

    def _span(self, node: Node) -> Span:
        return self._source.span(node.place.start, node.place.end)

    def is_taken(self, logical_id: str) -> bool:
        """Whether a resource of this name is declared."""
        declared = self.document.get("Resources") if isinstance(self.document, Object) else None
        return isinstance(declared, Object) and declared.get(logical_id) is not None

    def child(self, found: Found, name: str) -> Found | None:
        """The value under a key of a mapping, or the item of a list by its number."""
        node = found.node
        if isinstance(node, Object):
            if id(node) not in self._entries:
                self._entries[id(node)] = {one.key.text: one for one in node.entries}
            entry = self._entries[id(node)].get(name)
            return None if entry is None else Found(entry.value, (*found.parents, (node, entry)))
        if isinstance(node, List) and name.isdigit() and int(name) < len(node.items):
            return Found(node.items[int(name)], (*found.parents, (node, int(name))))
        return None

    # ---- edits ------------------------------------------------------------------------------------------------------

    def with_entries(self, node: Object, entries: Mapping[str, object]) -> Cut | None:
        """What adds `entries` at the end of a mapping."""
        if self._is_flow(node):
            texts = [self._entry_in_flow(key, value, node) for key, value in entries.items()]
            last = node.entries[-1].value if node.entries else None
            return self._in_brackets(node, last, node.entries[0].key if node.entries else None, texts)
        if not node.entries:
            return None
        indent = " " * (self._column(node.entries[0].key.place.start))
        unit = self._unit(node)
        lines = "".join(
            f"{self.newline}{indent}{self._broken(written.entry(key, value, indent, unit))}"
            for key, value in entries.items()
        )
        at = self._line_end(self._end(node.entries[-1].value))
        return Cut(at, at, lines)

    def with_items(self, node: List, items: Sequence[object]) -> Cut | None:
        """What adds `items` at the end of a list."""
        if self._is_flow(node):
            texts = [self._json(one, node) if self.is_json else written.in_flow(one) for one in items]
            last = node.items[-1] if node.items else None
            return self._in_brackets(node, last, node.items[0] if node.items else None, texts)
        if not node.items:
            return None
        indent = " " * self._column(node.place.start)
        at = self._line_end(self._end(node.items[-1]))
        return Cut(at, at, "".join(f"{self.newline}{indent}{self._item(one, indent, node)}" for one in items))

    def as_list(self, node: Node, items: Sequence[object]) -> Sequence[Cut] | None:
        """What makes a list of a single value and `items`; None where that can't be written around what is there."""
        start, end = node.place.start, self._end(node)
        old = self.text[start:end]
        if self.is_json:
            whole = ", ".join((old, *(written.in_json(one, "", "") for one in items)))
            return (Cut(start, end, f"[{whole}]"),)
        if isinstance(node, Object) and not self._is_flow(node) and not old.startswith("!"):
            return self._as_block_list(node, items)
        if _LINE_END.search(old) or "#" in old:
            return None
        plain = old[:1] not in "\"'{[!" and not re.fullmatch(r"[\w./:@+=-]+", old)
        tagged = re.fullmatch(r"(![A-Za-z]+) +([^\"'\[{].*)", old)
        if tagged is not None:
            old = f"{tagged.group(1)} {written.in_flow(tagged.group(2))}"
        elif plain:
            old = written.in_flow(old)
        return (Cut(start, end, f"[{', '.join((old, *map(written.in_flow, items)))}]"),)

    def _as_block_list(self, node: Object, items: Sequence[object]) -> Sequence[Cut]:
        """A mapping on lines of its own as the first of several items: all of it moves to the right."""
        column = self._column(node.place.start)
        start, end = node.place.start, self._line_end(self._end(node))
        moved = [Cut(start, start, "- ")]
        for found in _LINE_END.finditer(self.text, start, end):
            if self.text[found.end() : found.end() + 1] not in ("\n", "\r"):
                moved.append(Cut(found.end(), found.end(), "  "))
        indent = " " * column
        more = "".join(f"{self.newline}{indent}{self._item(one, indent, node)}" for one in items)
        return (*moved, Cut(end, end, more))

    def instead(self, node: Node, value: object) -> Cut | None:
        """What puts `value` in the place of a node."""
        start, end = node.place.start, self._end(node)
        if self.is_json:
            return Cut(start, end, self._json(value, node))
        old = self.text[start:end]
        if isinstance(value, str):
            if old[:1] in "\"'" and "'" not in value and '"' not in value and "\\" not in value:
                return Cut(start, end, f"{old[0]}{value}{old[0]}")
            return Cut(start, end, written.in_flow(value))
        if isinstance(node, Object | List) and not self._is_flow(node) and _LINE_END.search(old):
            if start != self._line_start(start) + self._column(start) or isinstance(value, bool):
                return None
            indent = " " * self._column(start)
            return Cut(start, end, self._broken(written.in_block(value, indent, self._unit(node))))
        return Cut(start, end, written.in_flow(value))

    def renamed(self, found: Found, name: str) -> Cut | None:
        """What gives the key of an entry another name, in the quotes that it has."""
        step = found.parents[-1][1] if found.parents else 0
        if not isinstance(step, Entry) or '"' in name or "'" in name:
            return None
        start, end = step.key.place.start, step.key.place.end
        quote = self.text[start] if self.text[start] in "\"'" else ""
        return Cut(start, end, f"{quote}{name}{quote}")

    def without(self, found: Found) -> Cut | None:
        """What takes out an entry or an item, and the ones around it that are empty without it."""
        while len(found.parents) > 1 and self._is_alone(found):
            found = Found(found.parents[-1][0], found.parents[:-1])
        if not found.parents:
            return None
        parent, step = found.parents[-1]
        siblings = self._stretches(parent)
        index = parent.entries.index(step) if isinstance(parent, Object) and isinstance(step, Entry) else step
        assert isinstance(index, int)
        start, end = siblings[index]
        if self._is_flow(parent):
            if index + 1 < len(siblings):
                return Cut(start, siblings[index + 1][0], "")
            return Cut(siblings[index - 1][1], end, "") if index else Cut(start, end, "")
        begin = self._line_start(start)
        before = self.text[begin:start]
        if before.strip(" \t") in ("", "-") and (isinstance(parent, List) or not before.strip()):
            return Cut(begin, self._next_line(self._line_end(end)), "")
        return Cut(start, siblings[index + 1][0], "") if index + 1 < len(siblings) else None

    def _is_alone(self, found: Found) -> bool:
        parent = found.parents[-1][0]
        return len(parent.entries if isinstance(parent, Object) else parent.items) == 1  # type: ignore[union-attr]

    def _stretches(self, parent: Node) -> list[tuple[int, int]]:
        """Where each entry or item of a node starts and ends."""
        if isinstance(parent, Object):
            return [(one.key.place.start, self._end(one.value)) for one in parent.entries]
        assert isinstance(parent, List)
        return [(one.place.start, self._end(one)) for one in parent.items]

    def _in_brackets(self, node: Node, last: Node | None, first: Node | None, texts: Sequence[str]) -> Cut:
        """What adds `texts` before the bracket that closes a node, on lines of their own where its content is so."""
        if last is None or first is None:
            at = node.place.start + 1
            return Cut(at, at, ", ".join(texts))
        at = self._end(last)
        rest = self.text[at : self._end(node)]
        comma = "," in re.sub(r"#[^\r\n]*", "", rest)
        if _LINE_END.search(self.text, node.place.start, first.place.start):
            begin = self._line_start(first.place.start)
            indent = (_BLANKS.match(self.text, begin) or first).group()  # type: ignore[union-attr]
            joint = f",{self.newline}{indent}"
        else:
            joint = ", "
        if comma:
            at += rest.index(",") + 1
            return Cut(at, at, joint[1:] + joint.join(texts))
        return Cut(at, at, joint + joint.join(texts))

    def _entry_in_flow(self, key: str, value: object, node: Node) -> str:
        if self.is_json:
            return f"{self._json(key, node)}: {self._json(value, node)}"
        return written.in_flow({key: value, "": ""})[1:].removesuffix(', "": ""}')

    def _item(self, value: object, indent: str, node: Node) -> str:
        return self._broken(f"- {written.in_block(value, indent + _LEVEL, self._unit(node))}")

    def _json(self, value: object, node: Node) -> str:
        """`value` as JSON, laid out as the node is that it comes into."""
        begin = self._line_start(node.place.start)
        indent = (_BLANKS.match(self.text, begin)).group()  # type: ignore[union-attr]
        inner = _LINE_END.search(self.text, node.place.start, self._end(node))
        if inner is None or isinstance(value, str):
            return written.in_json(value, "", "")
        found = _BLANKS.match(self.text, inner.end())
        below = found.group() if found else ""
        unit = below[len(indent) :] or _LEVEL
        return self._broken(written.in_json(value, below, unit))

    def _broken(self, text: str) -> str:
        """`text` with the file's own line ends."""
        return text.replace("\n", self.newline)

    def _unit(self, node: Node) -> str:
        """The blanks that one level of a block adds: those of the first nested block of the document."""
        for outer in (node, self.document):
            if isinstance(outer, Object) and not self._is_flow(outer):
                for one in outer.entries:
                    if isinstance(one.value, Object) and not self._is_flow(one.value):
                        more = self._column(one.value.place.start) - self._column(one.key.place.start)
                        if 0 < more <= 8 and _LINE_END.search(self.text, one.key.place.start, one.value.place.start):
                            return " " * more
        return _LEVEL

    def _is_flow(self, node: Node) -> bool:
        return self.text[node.place.start : node.place.start + 1] in ("{", "[")

    def _end(self, node: Node) -> int:
        start, end = node.place.start, node.place.end
        return start + len(self.text[start:end].rstrip()) if end > start else end

    def _line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def _line_end(self, at: int) -> int:
        found = _TO_LINE_END.match(self.text, at)
        return found.end() if found else at

    def _next_line(self, at: int) -> int:
        found = _LINE_END.match(self.text, at)
        return found.end() if found else at

    def _column(self, at: int) -> int:
        return at - self._line_start(at)
