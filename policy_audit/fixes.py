"""Fixes of findings as edits of the audited files: only where one text is to be replaced, and stands there once."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from policy_audit.findings import Edit, Edited, Finding
from policy_audit.model.fix import Fix
from policy_audit.origin import Span
from policy_audit.sources.stretches import Stretches
from policy_audit.sources.template import Template

GENERATED: Final = frozenset({"CDK stack", "Terraform plan", "Terraform state", "account snapshot"})
"""Forms that a program writes: their source is to be mended."""
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_WORD: Final = re.compile(r"[A-Za-z0-9_*]")


def edits_of(
    findings: Iterable[Finding], templates: Sequence[Template], texts: Mapping[str, str], *, unsafe: bool = False
) -> dict[str, Edited]:
    """What fixes change in the files `texts`, by path: safe ones, or all. Of two that overlap the first is applied.

    A fix whose text does not stand once, as it is, in what its finding points at is not applied.
    """
    fixable: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.location.file in texts and finding.fix is not None and (finding.fix.safe or unsafe):
            fixable.setdefault(finding.location.file, []).append(finding)
    stretches = Stretches(templates, {path: {one.location.line for one in each} for path, each in fixable.items()})
    found: dict[str, Edited] = {}
    for path, each in fixable.items():
        starts = _line_starts(texts[path])
        edits = [(edit, one) for one in each if (edit := _edit(one, stretches, texts[path], starts)) is not None]
        if edits:
            found[path] = _in_order(edits)
    return found


def edited(text: str, edits: Sequence[Edit]) -> str:
    """`text` with the edits, which are in order and do not overlap."""
    starts = _line_starts(text)
    for edit in reversed(edits):
        start, end = _offset(starts, text, edit.span.line, edit.span.column), _end(starts, text, edit.span)
        text = text[:start] + edit.new + text[end:]
    return text


def _edit(finding: Finding, stretches: Stretches, text: str, starts: Sequence[int]) -> Edit | None:
    """The one edit that the finding's fix is; None if what it would replace is not there once."""
    assert finding.fix is not None
    location = finding.location
    stretch = stretches.outermost(location.file, location.line)
    rest = location._replace(end_line=location.line + 1, end_column=1)
    for span in (location, stretch, rest):
        if span is None:
            continue
        begin, end = _offset(starts, text, span.line, span.column), _end(starts, text, span)
        places = _places(text, finding.fix, begin, end)
        if places:
            at = places[0]
            edit = (at, at + len(finding.fix.old)) if finding.fix.new else _whole(text, at, len(finding.fix.old))
            return Edit(_span(location.file, starts, *edit), finding.fix.new) if len(places) == 1 else None
    return None


def _line_starts(text: str) -> list[int]:
    """Where each line begins, as places count lines: ended by CR, LF or both."""
    begin = 1 if text.startswith("\ufeff") else 0
    lengths = (len(found.group()) for found in _LINE.finditer(text, begin) if found.group())
    return [*accumulate(lengths, initial=begin)]


def _offset(starts: Sequence[int], text: str, line: int, column: int) -> int:
    return min(starts[min(line, len(starts)) - 1] + column - 1, len(text))


def _end(starts: Sequence[int], text: str, span: Span) -> int:
    return _offset(starts, text, span.end_line, span.end_column)


def _span(path: str, starts: Sequence[int], begin: int, end: int) -> Span:
    def position(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    return Span(path, *position(begin), *position(end))


def _places(text: str, fix: Fix, start: int, end: int) -> list[int]:
    """Where what is to be replaced stands within a stretch, not as a part of a longer word, and not mended already."""
    old, found = fix.old, []
    at = text.find(old, start, end)
    while at >= 0:
        after = at + len(old)
        goes_on = _WORD.match(text, after) and _WORD.match(old[-1:])
        began = at > 0 and _WORD.match(text, at - 1) and _WORD.match(old[:1])
        is_mended = fix.new.startswith(old) and text.startswith(fix.new, at)
        if not (goes_on or began or is_mended):
            found.append(at)
        at = text.find(old, at + 1, end)
    return found


def _whole(text: str, at: int, length: int) -> tuple[int, int]:
    """Begin and end of what is taken out: with the blanks before it, and the line, if nothing else stands on it."""
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    end = at + length
    found = _LINE.match(text, end)
    line_end = found.end() if found else end
    if text[end:line_end].strip():
        return at, end
    if not text[begin:at].strip():
        return begin, line_end
    return begin + len(text[begin:at].rstrip()), end


def _in_order(edits: Sequence[tuple[Edit, Finding]]) -> Edited:
    taken: list[Edit] = []
    findings: list[Finding] = []
    for edit, finding in sorted(edits, key=lambda item: item[0]):
        last = taken[-1].span if taken else None
        if taken and taken[-1] == edit:
            findings.append(finding)
        elif last is None or (last.end_line, last.end_column) <= (edit.span.line, edit.span.column):
            taken.append(edit)
            findings.append(finding)
    return Edited(tuple(taken), tuple(findings))
