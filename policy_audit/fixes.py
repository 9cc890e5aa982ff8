"""Fixes of findings as edits of the audited files: only where one text is to be replaced, and stands there once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from policy_audit.findings import Finding
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.stretches import Stretches
from policy_audit.sources.template import Template

GENERATED: Final = (".template.json", "manifest.json")
"""Ends of the names of files that a program writes: their source is to be mended."""
_WORDS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*")


class Edit(NamedTuple):
    """`new` in the place of the characters `start` to `end` of a file's text."""

    start: int
    end: int
    new: str


class Fixed(NamedTuple):
    """The text of a file with fixes applied, and the findings that they are of."""

    text: str
    findings: tuple[Finding, ...]


def fixed(
    findings: Iterable[Finding], templates: Sequence[Template], texts: Mapping[str, str], *, unsafe: bool = False
) -> dict[str, Fixed]:
    """The files that fixes change, by path: safe ones, or all. Of two that overlap the first is applied.

    A fix whose text does not stand once, as it is, in what its finding points at is not applied.
    """
    by_file: dict[str, list[tuple[Edit, Finding]]] = {}
    for finding in findings:
        path = finding.location.file
        if finding.fix is None or not (finding.fix.safe or unsafe) or path not in texts or path.endswith(GENERATED):
            continue
        edit = _edit(finding, templates, texts[path])
        if edit is not None:
            by_file.setdefault(path, []).append((edit, finding))
    return {path: _applied(texts[path], edits) for path, edits in by_file.items()}


def _edit(finding: Finding, templates: Sequence[Template], text: str) -> Edit | None:
    assert finding.fix is not None
    lines = text.splitlines(keepends=True)
    stretch = Stretches(templates, finding.location.file, {finding.location.line}).outermost(finding.location.line)
    for span in (finding.location, stretch, _line(finding.location, lines)):
        if span is None:
            continue
        start, end = _offset(lines, span.line, span.column), _offset(lines, span.end_line, span.end_column)
        places = _places(text, finding.fix.old, start, end)
        if len(places) == 1:
            return _whole_line(text, Edit(places[0], places[0] + len(finding.fix.old), finding.fix.new))
        if places:
            return None
    return None


def _line(location: Span, lines: Sequence[str]) -> Span | None:
    """The rest of the line from where the finding points on."""
    if location.line > len(lines):
        return None
    return location._replace(end_line=location.line, end_column=len(lines[location.line - 1].rstrip("\r\n")) + 1)


def _offset(lines: Sequence[str], line: int, column: int) -> int:
    return sum(map(len, lines[: line - 1])) + column - 1


def _places(text: str, old: str, start: int, end: int) -> list[int]:
    """Where `old` stands within a stretch, and not as a part of a longer word."""
    found = []
    at = text.find(old, start, end)
    while at >= 0:
        begins_within = text[at - 1 : at] in _WORDS and old[:1] in _WORDS if at else False
        ends_within = text[at + len(old) : at + len(old) + 1] in _WORDS and old[-1:] in _WORDS
        if not (begins_within and text[at - 1 : at]) and not (ends_within and text[at + len(old) : at + len(old) + 1]):
            found.append(at)
        at = text.find(old, at + 1, end)
    return found


def _whole_line(text: str, edit: Edit) -> Edit:
    """The edit that leaves no empty line, and no blanks at the end of one, where something is taken out."""
    if edit.new:
        return edit
    begin = text.rfind("\n", 0, edit.start) + 1
    end = text.find("\n", edit.end)
    end = len(text) if end < 0 else end
    if text[edit.end : end].strip():
        return edit
    if not text[begin : edit.start].strip():
        return Edit(begin, min(end + 1, len(text)), "")
    kept = text[begin : edit.start].rstrip()
    return Edit(begin + len(kept), edit.end, "")


def _applied(text: str, edits: Sequence[tuple[Edit, Finding]]) -> Fixed:
    taken: list[tuple[Edit, Finding]] = []
    for edit, finding in sorted(edits, key=lambda item: item[0]):
        if (taken and taken[-1][0] == edit) or not taken or taken[-1][0].end <= edit.start:
            taken.append((edit, finding))
    for edit in reversed(dict.fromkeys(edit for edit, _ in taken)):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return Fixed(text, tuple(finding for _, finding in taken))
