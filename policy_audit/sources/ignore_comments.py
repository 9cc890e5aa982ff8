"""Ignores in comments: `# policy-audit: ignore[rule-id] reason`, at the end of a line or above what they are about."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.model import node as tree
from policy_audit.model.ignores import Ignore
from policy_audit.model.node import Node
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.ignore_items import ignores
from policy_audit.sources.template import Template

_BEGIN: Final = re.compile(r"(?:^|(?<=[ \t]))(#|//)[ \t]{0,9}policy-audit:[ \t]{0,9}", re.M)
_FORM: Final = re.compile(r"ignore\[([^\]\n]*)\](.*)")
_ITEM: Final = re.compile(r'[ \t]*(?:(\w+)=(?:"([^"]*)"|([^",]*))|([^",=]*))(?:,|$)')
_MALFORMED: Final = "is not of the form `policy-audit: ignore[rule-id, …] reason`"
_PROGRAMS: Final = (".tf", ".hcl")
"""Files in which a comment may begin with `//`."""


class Comment(NamedTuple):
    """A comment at `column` of `line`, with `text` after `policy-audit:`, about what begins on the line `target`."""

    line: int
    column: int
    text: str
    target: int


def comment_ignores(templates: Sequence[Template], texts: Mapping[str, str], known: frozenset[str]) -> Iterator[Ignore]:
    """The ignores in comments of all files, for the rules that are `known`.

    A comment at the end of a line is about what begins on this line: a property, a statement, a state, a resource, and
    everything within it. A comment on a line of its own is about the next line.
    """
    for path, text in texts.items():
        if "policy-audit:" not in text:
            continue
        found = list(_comments(text, path.endswith(_PROGRAMS)))
        starts = _starting(templates, path, {one.target for one in found} | {one.line for one in found})
        for comment in found:
            if not starts.is_text(comment):
                yield from _read(comment, path, starts, known)


def _comments(text: str, program: bool) -> Iterator[Comment]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        begin = _BEGIN.search(line) if "policy-audit:" in line else None
        if begin is None or (begin.group(1) == "//" and not program):
            continue
        alone = not line[: begin.start()].strip()
        target = _next(lines, number, program) if alone else number
        yield Comment(number, begin.start() + 1, line[begin.end() :].rstrip(), target)


def _next(lines: Sequence[str], number: int, program: bool) -> int:
    """The next line after `number` that holds more than a comment."""
    marks = ("#", "//") if program else ("#",)
    for at in range(number, len(lines)):
        content = lines[at].strip()
        if content and not content.startswith(marks):
            return at + 1
    return number


# ---- what stands on a line ------------------------------------------------------------------------------------------


class _Starts:
    """What begins on the lines of a file that comments are about: the outermost stretch, and the resources."""

    def __init__(self) -> None:
        self.stretches: dict[int, Span] = {}
        self.addresses: dict[int, list[str]] = {}
        self.scalars: dict[int, list[Span]] = {}

    def add(self, stretch: Span) -> None:
        known = self.stretches.get(stretch.line)
        if known is None or (stretch.end_line, stretch.end_column) > (known.end_line, known.end_column):
            self.stretches[stretch.line] = stretch

    def is_text(self, comment: Comment) -> bool:
        """Whether it only looks like a comment, and is within a text on one line."""
        return any(one.column <= comment.column < one.end_column for one in self.scalars.get(comment.line, ()))


def _starting(templates: Iterable[Template], path: str, lines: set[int]) -> _Starts:
    starts = _Starts()
    for template in templates:
        for entry in _entries(template.document.get("Resources")):
            span = entry.key.place.span
            if span.file == path and span.line in lines:
                starts.addresses.setdefault(span.line, []).append(template.address(entry.key.text))
        for document in (template.document, *template.embedded.values()):
            _walk(document, path, lines, starts)
    return starts


def _entries(node: Node | None) -> Iterable[tree.Entry]:
    return node.entries if isinstance(node, tree.Mapping) else ()


def _walk(document: Node, path: str, lines: set[int], starts: _Starts) -> None:
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, tree.Mapping):
            for entry in node.entries:
                begin, end = entry.key.place.span, entry.value.place.span
                if begin.file == path and begin.line in lines:
                    behind = end.file == path and (end.end_line, end.end_column) > (begin.end_line, begin.end_column)
                    last = end if behind else begin
                    starts.add(begin._replace(end_line=last.end_line, end_column=last.end_column))
                pending.append(entry.value)
        elif isinstance(node, tree.Sequence):
            for item in node.items:
                span = item.place.span
                if span.file == path and span.line in lines:
                    starts.add(span)
                pending.append(item)
        else:
            span = node.place.span
            if span.file == path and span.line in lines and span.line == span.end_line:
                starts.scalars.setdefault(span.line, []).append(span)


# ---- what a comment says --------------------------------------------------------------------------------------------


def _read(comment: Comment, path: str, starts: _Starts, known: frozenset[str]) -> Iterator[Ignore]:
    span = Span(path, comment.line, comment.column, comment.line, comment.column + 1)
    stretch = starts.stretches.get(comment.target)
    addresses = starts.addresses.get(comment.target, ())
    about = Ignore("", path, span, tuple(addresses), (stretch,) if stretch else ())
    form = _FORM.match(comment.text)
    if form is None:
        yield about._replace(problem=_MALFORMED)
        return
    rules: list[tuple[str, Span]] = []
    said: dict[str, str] = {}
    at = 0
    while at < len(form.group(1)):
        item = _ITEM.match(form.group(1), at)
        if item is None:
            yield about._replace(problem=_MALFORMED)
            return
        if item.group(1):
            said[item.group(1)] = item.group(2) if item.group(2) is not None else item.group(3).strip()
        elif name := item.group(4).strip():
            rules.append((name, span))
        at = item.end()
    yield from ignores(rules, said, form.group(2).strip(), about, known)
