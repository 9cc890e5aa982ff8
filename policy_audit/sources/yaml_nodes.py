"""YAML to nodes, from the parser's events and without recursion; CloudFormation's short tags become long names."""

import re
from collections.abc import Iterator
from sys import intern
from typing import Any, Final, Literal

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.document import (
    MAXIMUM_DEPTH,
    MAXIMUM_EXPANSION,
    DocumentError,
    Text,
    failure,
    refuse_planes,
)
from policy_audit.sources.json_nodes import duplicate_key

Kind = Literal["string", "number", "boolean", "null"]

FUNCTIONS: Final = frozenset(
    ("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "ForEach",
     "GetAtt", "GetAZs", "GetStackOutput", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select",
     "Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll")
)  # fmt: skip
"""Functions of CloudFormation whose short form is `!` and this name, and whose long form is `Fn::` and this name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""
_SHORT: Final = 64
_STANDARD: Final = "tag:yaml.org,2002:"
_KINDS: Final[dict[str, Kind]] = {"int": "number", "float": "number", "bool": "boolean", "null": "null"}
_PROPERTIES: Final = re.compile(
    r"(?:(?:!<[^>\s]*+>|[!&][^\s,\[\]{}]*+)(?:[ \t\r\n]|#[^\r\n]*+[\r\n])*+)++"
)  # tags and anchors before a node, with the blanks and comments behind them
_NUMBER: Final = re.compile(
    r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+|0o[0-7]++|0x[0-9a-fA-F]++|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_WORDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **{
        form: "boolean"
        for word in ("true", "false", "yes", "no", "on", "off")
        for form in (word, word.capitalize(), word.upper())
    },
}


class _Frame:
    """A sequence or mapping that is not closed yet; `keys` is None for a sequence."""

    __slots__ = ("anchor", "before", "entries", "flow", "height", "items", "key", "keys", "merged", "merging", "start",
                 "stop", "tag")  # fmt: skip

    def __init__(self, event: Any, before: int, keys: dict[str, int] | None) -> None:
        self.anchor: str | None = event.anchor
        self.tag: str | None = event.tag
        self.flow: bool = event.flow_style
        self.start: int = event.start_mark.index
        self.stop: int = event.end_mark.index
        self.before = before
        self.keys = keys
        self.items: list[Node] = []
        self.entries: list[Entry] = []
        self.key: Scalar | None = None
        self.merging = False
        self.merged: list[Entry] = []
        self.height = 0


class _Anchored:
    """A node that an alias can repeat: how many nodes it expands to, and how deep it nests."""

    __slots__ = ("height", "node", "size")

    def __init__(self, node: Node, size: int, height: int) -> None:
        self.node = node
        self.size = size
        self.height = height


class _Composer:
    """Builds the nodes of one document from its events."""

    def __init__(self, source: Text) -> None:
        self.source = source
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.root: Node | None = None
        self.expanded = 0
        self.kinds: dict[str, Kind] = {}

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        # Keys, types and actions stand in every template: each is kept once.
        text: str = intern(event.value) if len(event.value) <= _SHORT else event.value
        tag: str | None = event.tag
        at = start if tag is None and event.anchor is None else self._content(start, end)
        if not text.isascii():
            refuse_planes(self.source, text, start, end)
        kind: Kind = "string"
        if event.implicit[0] and tag is None:
            kind = self.kinds.get(text) or self._kind(text)
        elif tag is not None and tag.startswith(_STANDARD):
            kind = _KINDS.get(tag[len(_STANDARD) :], "string")
        node: Node = Scalar("" if kind == "null" else text, kind, Place(self.source, at, end))
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.keys is not None and frame.key is None and not frame.merging:
            if tag is not None and tag.startswith("!") and tag != "!":
                raise failure(
                    self.source, start, f"`{tag}` stands where a key is expected", "write the key as plain text"
                )
            node = Scalar(text, "string", node.place)
            self._anchor(event.anchor, node, self.expanded - 1, 0)
            self._key(frame, node, merge=text == "<<" and event.implicit[0])
            return
        height = 0
        if tag is not None:
            node, height = self._tagged(tag, node, start, 0)
        self.expanded += 1
        self._anchor(event.anchor, node, self.expanded - 1, height)
        self._add(node, end, height)

    def alias(self, event: Any) -> None:
        anchored = self.anchors.get(event.anchor)
        at = event.start_mark.index
        if anchored is None:
            inside = event.anchor in self.anchors
            problem = "repeats the node that it stands in" if inside else "has no anchor before it"
            raise failure(
                self.source,
                at,
                f"the alias `*{event.anchor}` {problem}",
                f"mark a node before it with `&{event.anchor}`",
            )
        self.expanded += anchored.size
        if self.expanded > MAXIMUM_EXPANSION:
            raise failure(
                self.source,
                at,
                f"the aliases of this document add more than {MAXIMUM_EXPANSION:,} nodes",
                "repeat less",
            )
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.keys is not None and frame.key is None and not frame.merging:
            if not isinstance(anchored.node, Scalar):
                raise self._no_key(at)
            self._key(frame, anchored.node._replace(kind="string", place=self._place(event)), merge=False)
            return
        self._add(anchored.node, event.end_mark.index, anchored.height)

    def start(self, event: Any, keys: dict[str, int] | None) -> None:
        at = event.start_mark.index
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.keys is not None and frame.key is None and not frame.merging:
            raise self._no_key(at)
        if len(self.stack) >= MAXIMUM_DEPTH:
            raise self._too_deep(at)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame(event, self.expanded, keys))

    def end(self, event: Any) -> None:
        frame = self.stack.pop()
        end = event.end_mark.index if frame.flow else frame.stop
        start = frame.start
        if frame.tag is not None or frame.anchor is not None:
            start = self._content(start, end)
        place = Place(self.source, start, end)
        node: Node = Sequence(tuple(frame.items), place) if frame.keys is None else Mapping(_with_merged(frame), place)
        height = frame.height
        if frame.tag is not None:
            node, height = self._tagged(frame.tag, node, frame.start, height)
        self.expanded += 1
        self._anchor(frame.anchor, node, frame.before, height)
        self._add(node, end, height)

    def _content(self, start: int, end: int) -> int:
        """Where the node itself starts behind its tag and anchor."""
        found = _PROPERTIES.match(self.source.text, start)
        return min(found.end(), max(end, start)) if found is not None else start

    def _kind(self, text: str) -> Kind:
        kind: Kind = _WORDS.get(text) or ("number" if _NUMBER.fullmatch(text) else "string")
        self.kinds[text] = kind
        return kind

    def _tagged(self, tag: str, node: Node, start: int, height: int) -> tuple[Node, int]:
        """The long form of a node under a tag: `{"Fn::Sub": node}`; an unknown tag stays visible as a key."""
        if tag == "!":
            return node, height
        if tag.startswith(_STANDARD):
            name = tag[len(_STANDARD) :]
            known = (
                name in _KINDS or name in ("str", "timestamp") if isinstance(node, Scalar) else name in ("map", "seq")
            )
            if known:
                return node, height
            key = f"!!{name}"
        else:
            name = tag.removeprefix("!")
            key = name if name in ("Ref", "Condition") else f"Fn::{name}" if name in FUNCTIONS else tag
        name_end = start + 1
        while name_end < len(self.source.text) and self.source.text[name_end] not in " \t\r\n,[]{}":
            name_end += 1
        label = Scalar(key, "string", Place(self.source, start, name_end))
        return Mapping((Entry(label, node),), Place(self.source, start, max(node.place.end, name_end))), height + 1

    def _anchor(self, name: str | None, node: Node, before: int, height: int) -> None:
        if name is not None:
            self.anchors[name] = _Anchored(node, self.expanded - before, height)

    def _key(self, frame: _Frame, key: Scalar, *, merge: bool) -> None:
        if merge:
            frame.merging = True
            return
        keys = frame.keys
        assert keys is not None
        first = keys.setdefault(key.text, key.place.start)
        if first != key.place.start:
            raise duplicate_key(self.source, key, first)
        frame.key = key

    def _add(self, node: Node, end: int, height: int) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.stop = end
        if height >= frame.height:
            frame.height = height + 1
            if frame.height > MAXIMUM_DEPTH:
                raise self._too_deep(frame.start)
        if frame.keys is None:
            frame.items.append(node)
        elif frame.merging:
            frame.merging = False
            self._merge(frame, node)
        else:
            assert frame.key is not None
            frame.entries.append(Entry(frame.key, node))
            frame.key = None

    def _merge(self, frame: _Frame, node: Node) -> None:
        """`<<`: the entries of a mapping, or of each in a list, that the mapping does not have itself."""
        sources = node.items if isinstance(node, Sequence) else (node,)
        for source in sources:
            if not isinstance(source, Mapping):
                raise failure(
                    self.source, node.place.start, "`<<` merges something that is no mapping", "merge a mapping"
                )
            frame.merged.extend(source.entries)

    def _place(self, event: Any) -> Place:
        return Place(self.source, event.start_mark.index, event.end_mark.index)

    def _no_key(self, at: int) -> DocumentError:
        text = self.source.text
        if text.startswith("{{", max(at - 1, 0)) or text.startswith("{{", at) or text.startswith("{%", max(at - 1, 0)):
            return _foreign(self.source, at)
        return failure(
            self.source, at, "a list or mapping stands where a key is expected", "write the key as plain text"
        )

    def _too_deep(self, at: int) -> DocumentError:
        return failure(
            self.source,
            at,
            f"nested deeper than {MAXIMUM_DEPTH} levels",
            "split the document: no AWS service reads this",
        )


def _with_merged(frame: _Frame) -> tuple[Entry, ...]:
    """The entries of a mapping, those that `<<` brings first; its own win, then those merged first."""
    if not frame.merged:
        return tuple(frame.entries)
    own = frame.keys or {}
    merged: dict[str, Entry] = {}
    for entry in frame.merged:
        if entry.key.text not in own:
            merged.setdefault(entry.key.text, entry)
    return (*merged.values(), *frame.entries)


def read_yaml(source: Text) -> Iterator[Node]:
    """The documents that `source` holds, one after the other. Raises AuditError where it is not YAML."""
    import yaml

    control = yaml.reader.Reader.NON_PRINTABLE.search(source.text)
    if control is not None:
        raise failure(
            source,
            control.start(),
            f"the control character U+{ord(control.group()):04X} stands here",
            "remove it: YAML allows none but tabs and line breaks",
        )
    try:
        yield from _documents(source, _events(source.text))
    except yaml.YAMLError as error:
        raise _not_yaml(source, error) from None


def _events(text: str) -> Any:
    """PyYAML's parser: libyaml's where it is built in."""
    import yaml

    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        return CParser(text)
    return yaml.SafeLoader(text)


def _documents(source: Text, parser: Any) -> Iterator[Node]:
    from yaml import events

    scalar_event, alias_event = events.ScalarEvent, events.AliasEvent
    mapping_start, sequence_start = events.MappingStartEvent, events.SequenceStartEvent
    collection_end = (events.MappingEndEvent, events.SequenceEndEvent)
    composer = _Composer(source)
    get_event = parser.get_event
    while True:
        event = get_event()
        form = type(event)
        if form is scalar_event:
            composer.scalar(event)
        elif form is mapping_start:
            composer.start(event, {})
        elif form is sequence_start:
            composer.start(event, None)
        elif form in collection_end:
            composer.end(event)
        elif form is alias_event:
            composer.alias(event)
        elif form is events.DocumentEndEvent:
            if composer.root is not None:
                yield composer.root
            composer = _Composer(source)
        elif event is None or form is events.StreamEndEvent:
            return


_HELP: Final = (
    ("that cannot start any token", "quote the text, or indent with spaces: YAML allows no tabs there"),
    ("unexpected end of stream", "close the quote or bracket that opens here"),
    ("could not find expected ':'", "a key needs a colon and a blank behind it; check the indentation"),
    ("mapping values are not allowed", "quote the text that holds `: `, or check the indentation"),
    ("block end", "check the indentation of this line and the ones above"),
    ("flow", "check the brackets and commas"),
)


def _not_yaml(source: Text, error: Any) -> DocumentError:
    """What PyYAML complains of, at its place."""
    problem: str = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    mark = getattr(error, "problem_mark", None)
    if "end of stream" in problem:
        mark = getattr(error, "context_mark", None) or mark
    at = mark.index if mark is not None else 0
    if _is_foreign(source.text, at):
        return _foreign(source, at)
    help = next((text for part, text in _HELP if part in problem), "check the indentation and quotes around this place")
    return failure(source, at, f"this is not YAML: {problem}", help, syntax=True)


def _is_foreign(text: str, at: int) -> bool:
    """Whether the line at `at`, or the one above it, holds marks of a template language."""
    start = text.rfind("\n", 0, max(text.rfind("\n", 0, at), 0)) + 1
    end = text.find("\n", at)
    lines = text[max(start, at - 400) : min(at + 400, end if end >= 0 else len(text))]
    return re.search(r"\{\{(?!resolve:)|\{%|<%|\$\{\{", lines) is not None


def _foreign(source: Text, at: int) -> DocumentError:
    return failure(
        source,
        at,
        "this is not YAML: a template language (`{{ }}`, `{% %}` or `<% %>`) stands here",
        "render the file first, and audit the result",
    )
