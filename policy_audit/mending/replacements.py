"""Texts that are to be replaced: where they stand, in what a finding points at, and once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from policy_audit.findings import Finding
from policy_audit.model.fix import Replace, Rewrite
from policy_audit.origin import Span
from policy_audit.sources.stretches import Stretches
from policy_audit.sources.template import Template

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_NAME: Final = re.compile(r"\w+", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_*]")


class Replacements:
    """Finds what texts are to be replaced where findings point: in the files `texts`, by path."""

    def __init__(self, findings: Iterable[Finding], templates: Sequence[Template], texts: Mapping[str, str]) -> None:
        wanted: dict[str, set[int]] = {}
        for one in findings:
            wanted.setdefault(one.location.file, set()).add(one.location.line)
        self._texts = texts
        self._stretches = Stretches(templates, wanted)
        self._starts: dict[str, list[int]] = {}

    def at(self, span: Span, new: str) -> Rewrite | None:
        """The edit that writes `new` in the place of one text, in the quotes that it has; None where none fits."""
        text = self._texts.get(span.file)
        if text is None:
            return None
        starts = self._lines(span.file, text)
        begin, end = _offset(starts, text, span.line, span.column), _end(starts, text, span)
        old = text[begin:end]
        quote = old[:1] if old[:1] in ("'", '"') and old[:1] == old[-1:] and len(old) > 1 else ""
        if not _NAME.fullmatch(new) or not _NAME.fullmatch(old.removeprefix(quote).removesuffix(quote)):
            return None
        return Rewrite(span.file, begin, end, f"{quote}{new}{quote}")

    def _lines(self, path: str, text: str) -> list[int]:
        if path not in self._starts:
            self._starts[path] = _line_starts(text)
        return self._starts[path]

    def of(self, finding: Finding, change: Replace) -> Rewrite | None:
        """The one edit that the change is; None if what it would replace does not stand there once, as it is."""
        location = finding.location
        text = self._texts.get(location.file)
        if text is None:
            return None
        starts = self._lines(location.file, text)
        stretch = self._stretches.outermost(location.file, location.line)
        rest = location._replace(end_line=location.line + 1, end_column=1)
        for span in (location, stretch, rest):
            if span is None:
                continue
            begin, end = _offset(starts, text, span.line, span.column), _end(starts, text, span)
            places = _places(text, change, begin, end)
            if places:
                at, length = places[0], len(change.old)
                start, stop = (at, at + length) if change.new else _whole(text, at, length)
                return Rewrite(location.file, start, stop, change.new) if len(places) == 1 else None
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


def _places(text: str, change: Replace, start: int, end: int) -> list[int]:
    """Where what is to be replaced stands within a stretch, not as a part of a longer word, and not mended already."""
    old, found = change.old, []
    at = text.find(old, start, end)
    while at >= 0:
        after = at + len(old)
        goes_on = _WORD.match(text, after) and _WORD.match(old[-1:])
        began = at > 0 and _WORD.match(text, at - 1) and _WORD.match(old[:1])
        is_mended = change.new.startswith(old) and text.startswith(change.new, at)
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
