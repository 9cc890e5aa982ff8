"""Code frames: the lines of a file that a message is about, with their places underlined."""

from collections.abc import Mapping, Sequence
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Mark
from policy_audit.formats.paint import Paint, Role
from policy_audit.formats.visible import TAB, visible, width
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

_WIDEST: Final = 100
_BEFORE: Final = 24


class Excerpt(NamedTuple):
    """A line ready to print, and where its underline goes, in terminal columns."""

    text: str
    offset: int
    length: int


def excerpt(line: str, start: int, end: int) -> Excerpt:
    """`line` around its characters `start` to `end` (from 0), cut with `…` when it is long."""
    start = max(0, min(start, len(line)))
    end = max(start, min(end, len(line)))
    left = 0 if min(end, start + _WIDEST - _BEFORE) <= _WIDEST else max(0, start - _BEFORE)
    right = min(len(line), left + _WIDEST)
    before = ("…" if left else "") + _shown(line[left:start])
    span = _shown(line[start : min(end, right)])
    after = _shown(line[min(end, right) : right]) + ("…" if right < len(line) else "")
    return Excerpt((before + span + after).rstrip(), width(before), max(1, width(span)))


def _shown(text: str) -> str:
    return visible(text.replace("\t", TAB))


def frames(marks: Sequence[Mark], texts: Mapping[str, Sequence[str]], paint: Paint, role: Role) -> list[str]:
    """The lines that show `marks`, the first as the main one (in the colour of `role`), with `   |` at the end.

    Marks on one line of one file share a frame. A mark whose file is not in `texts` is told by its place alone.
    """
    gutter = gutter_width(marks)
    bar = " " * gutter + " " + paint("|", "frame")
    places: dict[tuple[str, int], list[int]] = {}
    for index, mark in enumerate(marks):
        places.setdefault((mark.span.file, mark.span.line), []).append(index)
    lines: list[str] = []
    for (file, number), indexes in places.items():
        arrow = "-->" if indexes[0] == 0 else ":::"
        lines.append(f"{' ' * gutter}{paint(arrow, 'frame')} {visible(str(marks[indexes[0]].span))}")
        source = _line(texts, file, number)
        if source is None:
            lines.extend(f"{bar} {visible(marks[index].label)}" for index in indexes if marks[index].label)
            continue
        if indexes[0] == 0:
            lines.append(bar)
        lines.extend(_annotated(source, [marks[index] for index in indexes], indexes[0] == 0, bar, gutter, paint, role))
    return [*lines, bar]


def gutter_width(marks: Sequence[Mark]) -> int:
    """How many digits the line numbers of `marks` take."""
    return max((len(str(mark.span.line)) for mark in marks), default=1)


def _line(texts: Mapping[str, Sequence[str]], file: str, number: int) -> str | None:
    lines = texts.get(file, ())
    return lines[number - 1] if 0 < number <= len(lines) else None


def _annotated(
    source: str, marks: Sequence[Mark], main: bool, bar: str, gutter: int, paint: Paint, role: Role
) -> list[str]:
    """The source line, cut around the first of `marks`, and an underline for each that the cut leaves in sight."""
    lines: list[str] = []
    shown = ""
    for index, mark in enumerate(marks):
        part = excerpt(source, mark.span.column - 1, _end(mark.span, source))
        if part.text != shown:
            shown = part.text
            lines.append(f"{paint(f'{mark.span.line:>{gutter}} |', 'frame')} {shown}".rstrip())
        first = main and index == 0
        under = ("^" if first else "-") * part.length
        label = f"{under} {visible(mark.label)}".rstrip()
        lines.append(f"{bar} {' ' * part.offset}{paint(label, role if first else 'frame')}")
    return lines


def _end(span: Span, source: str) -> int:
    """Where the underline of `span` ends in its first line `source`."""
    return span.end_column - 1 if span.end_line == span.line else len(source.rstrip())


def note(gutter: int, name: str, text: str, paint: Paint) -> str:
    """A `= name: text` line below a frame; further lines of `text` stand below its first."""
    margin = " " * (gutter + 1) + paint("=", "frame") + f" {paint(f'{name}:', 'bold')} "
    first, *rest = [visible(line) for line in text.rstrip().split("\n")]
    return "\n".join([margin + first, *((" " * (gutter + len(name) + 5) + line).rstrip() for line in rest)])


def error(problem: AuditError, paint: Paint) -> str:
    """`problem` as it is printed, newline at its end included."""
    lines = [f"{paint('error:', 'error')} {visible(problem.message)}"]
    place = _place(problem.where)
    gutter = 1
    if place and problem.source:
        texts = {place.file: ("",) * (place.line - 1) + (problem.source,)}
        gutter = len(str(place.line))
        lines += frames([Mark(place)], texts, paint, "error")
    elif problem.where:
        lines.append(f" {paint('-->', 'frame')} {visible(problem.where)}")
    if problem.help:
        lines.append(note(gutter, "help", problem.help, paint))
    return "\n".join(lines) + "\n"


def _place(where: str) -> Span | None:
    file, line, column = (*where.rsplit(":", 2), "", "")[:3]
    if not (line.isdecimal() and column.isdecimal()):
        return None
    return Span(file, int(line), int(column), int(line), int(column) + 1)
