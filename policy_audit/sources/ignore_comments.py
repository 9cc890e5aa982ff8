"""Ignores in comments: `# policy-audit: ignore[rule-id] reason`, at the end of a line or above what they are about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.model.ignores import Ignore
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.ignore_items import ignores
from policy_audit.sources.stretches import Stretches
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
    whole: str
    """From its mark to the end of the line."""
    target: int


def comment_ignores(templates: Sequence[Template], texts: Mapping[str, str], known: frozenset[str]) -> Iterator[Ignore]:
    """The ignores in comments of all files, for the rules that are `known`.

    A comment at the end of a line is about what begins on this line: a property, a statement, a state, a resource, and
    everything within it. A comment on a line of its own is about the next line.
    """
    found = {
        path: [*_comments(text, path.endswith(_PROGRAMS))] for path, text in texts.items() if "policy-audit:" in text
    }
    starts = Stretches(
        templates, {path: {line for one in each for line in (one.line, one.target)} for path, each in found.items()}
    )
    for path, comments in found.items():
        for comment in comments:
            if not starts.is_text(path, comment.line, comment.column):
                yield from _read(comment, path, starts, known)


def _comments(text: str, program: bool) -> Iterator[Comment]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        begin = _BEGIN.search(line) if "policy-audit:" in line else None
        if begin is None or (begin.group(1) == "//" and not program):
            continue
        alone = not line[: begin.start()].strip()
        target = _next(lines, number, program) if alone else number
        yield Comment(number, begin.start() + 1, line[begin.end() :].rstrip(), line[begin.start() :].rstrip(), target)


def _next(lines: Sequence[str], number: int, program: bool) -> int:
    """The next line after `number` that holds more than a comment."""
    marks = ("#", "//") if program else ("#",)
    for at in range(number, len(lines)):
        content = lines[at].strip()
        if content and not content.startswith(marks):
            return at + 1
    return number


# ---- what a comment says --------------------------------------------------------------------------------------------


def _read(comment: Comment, path: str, starts: Stretches, known: frozenset[str]) -> Iterator[Ignore]:
    span = Span(path, comment.line, comment.column, comment.line, comment.column + 1)
    stretch = starts.outermost(path, comment.target)
    addresses = starts.resources(path, comment.target)
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
    if len(rules) == 1:
        about = about._replace(written=comment.whole)
    yield from ignores(rules, said, form.group(2).strip(), about, known)
