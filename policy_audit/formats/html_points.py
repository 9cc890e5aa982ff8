"""Control points: one requirement each, with its verdict, the statement that decides it, and what breaks it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.findings import Answer, Checked, Counterexample, Finding, Key, Mark, Report
from policy_audit.formats.markup import NOTHING, Html, element, joined, prose
from policy_audit.formats.order import sorted_findings, sorted_requirements
from policy_audit.formats.requests import decision, elements

_LINES: Final = 14
"""Of a statement; a longer one is cut."""
_WIDEST: Final = 160
_SIGNS: Final[Mapping[Answer, str]] = {"proven": "✓", "refuted": "✗", "undecided": "?"}
_ORDER: Final[tuple[Answer, ...]] = ("refuted", "undecided", "proven")


class Point:
    """One requirement, with its finding if it has one, and its place in the document."""

    __slots__ = ("anchor", "checked", "finding", "settled")

    def __init__(self, checked: Checked, finding: Finding | None, settled: str, anchor: str) -> None:
        self.checked = checked
        self.finding = finding
        self.settled = settled
        """Why its finding is none: `ignored: …`, or empty."""
        self.anchor = anchor


class Points:
    """Every requirement of a report. Each is told once in full; `claim` says which of them are not told yet."""

    def __init__(self, report: Report) -> None:
        self.texts = report.texts
        self._anchors: dict[Key, str] = {}
        self._claimed: set[str] = set()
        findings = {one.key: one for one in report.findings}
        settled = {one.key: "in the baseline" for one in report.baselined}
        settled |= {one.finding.key: f"ignored: {one.reason}" for one in report.ignored}
        shown = {**{one.key: one for one in report.baselined}, **findings}
        shown |= {one.finding.key: one.finding for one in report.ignored if one.finding.key not in findings}
        told = {one.key for one in report.requirements}
        others = (_checked(one) for one in sorted_findings(report.findings) if one.key not in told)
        self.all: tuple[Point, ...] = tuple(
            self._point(checked, shown.get(checked.key), settled.get(checked.key, ""))
            for checked in (*sorted_requirements(report.requirements), *others)
        )

    def _point(self, checked: Checked, finding: Finding | None, settled: str) -> Point:
        anchor = f"r{len(self._anchors) + 1}"
        self._anchors[checked.key] = anchor
        return Point(checked, finding, settled, anchor)

    def anchor(self, finding: Finding) -> str:
        """The id of the element that tells of `finding`."""
        return self._anchors[finding.key]

    def count(self, answer: Answer) -> int:
        """How many there are with this answer."""
        return sum(point.checked.answer == answer for point in self.all)

    def claim(self, points: Iterable[Point]) -> list[Point]:
        """Those of `points` that nobody has claimed before."""
        found = [point for point in points if point.anchor not in self._claimed]
        self._claimed.update(point.anchor for point in found)
        return found

    def unclaimed(self) -> list[Point]:
        """Those that nobody has claimed."""
        return [point for point in self.all if point.anchor not in self._claimed]


def _checked(finding: Finding) -> Checked:
    """A finding about no requirement that the report lists, as one."""
    return Checked(finding.rule, finding.address, finding.requirement, finding.answer, finding.location)


def by_weight(points: Iterable[Point]) -> list[Point]:
    """Refuted first, proven last."""
    return sorted(points, key=lambda point: _ORDER.index(point.checked.answer))


def counted(points: Iterable[Point]) -> dict[Answer, int]:
    """How many there are of each answer."""
    found: dict[Answer, int] = dict.fromkeys(_ORDER, 0)
    for point in points:
        found[point.checked.answer] += 1
    return found


def worst(counts: Mapping[Answer, int]) -> Answer | None:
    """The answer that matters most; None if there are no points."""
    return next((answer for answer in _ORDER if counts[answer]), None)


def tally(counts: Mapping[Answer, int]) -> Html:
    """How many there are of each answer, those that are none left out."""
    told = [
        element("span", f"{_SIGNS[answer]} {counts[answer]}", class_=answer, title=f"{counts[answer]} {answer}")
        for answer in _ORDER
        if counts[answer]
    ]
    return element("span", *told, class_="tally") if told else NOTHING


def badge(answer: Answer) -> Html:
    """The answer with its sign: colours alone tell nothing to some readers."""
    return element("span", f"{_SIGNS[answer]} {answer}", class_=f"badge {answer}")


def sign(answer: Answer) -> str:
    """`✓`, `✗` or `?`."""
    return _SIGNS[answer]


# ---- one point ------------------------------------------------------------------------------------------------------


def point_details(point: Point, texts: Mapping[str, Sequence[str]]) -> Html:
    """The requirement as a line that opens; one that is not proven stands open."""
    checked, finding = point.checked, point.finding
    severity = element("span", finding.severity, class_=f"severity {finding.severity}") if finding else NOTHING
    summary = element(
        "summary",
        badge(checked.answer),
        severity,
        element("span", prose(checked.requirement), class_="sentence"),
        element("code", checked.rule, class_="rule"),
    )
    return element(
        "details",
        summary,
        element("div", *_told(point, texts), class_="told"),
        id=point.anchor,
        class_=f"point {checked.answer}",
        data_verdict=checked.answer,
        open=checked.answer != "proven" and not point.settled,
    )


def _told(point: Point, texts: Mapping[str, Sequence[str]]) -> Iterator[Html]:
    checked, finding = point.checked, point.finding
    if point.settled:
        yield element("p", element("b", prose(point.settled)), class_="settled")
    if finding is not None:
        yield element("p", prose(finding.message), class_="message")
    figures = [_excerpt(mark, texts) for mark in _marks(checked, finding)]
    request = finding.counterexample if finding else None
    shown = _request(request) if request is not None else NOTHING
    yield element("div", *figures, class_="where")
    yield element("div", shown, _rows(checked, finding), class_="why")


def _request(request: Counterexample) -> Html:
    rows = [
        element("tr", element("th", name, scope="row"), element("td", element("code", value)))
        for name, value in elements(request)
    ]
    return element(
        "figure",
        element("figcaption", f"One request that shows it, {decision(request)}:"),
        element("table", element("tbody", *rows)),
        class_="request",
    )


def _rows(checked: Checked, finding: Finding | None) -> Html:
    admitted = finding.admitted if finding and len(finding.admitted) > 1 else ()
    rows: list[tuple[str, list[str | Html]]] = [
        ("why", [prose(text) for text in (finding.reasons if finding else checked.reasons)]),
        ("when", [prose(text) for text in checked.when]),
        ("gets in", [joined([element("code", one.principal or "(anonymous)"), f" {one.about}"]) for one in admitted]),
        ("help", [prose(finding.help)] if finding and finding.help else []),
        ("at", [element("code", checked.address)]),
        ("assuming", [_assumptions(checked)] if checked.assumptions else []),
        ("see", [_link(reference) for reference in (finding.references if finding else ())]),
    ]
    told = [
        element("div", element("dt", name), element("dd", *(element("p", one) for one in texts)))
        for name, texts in rows
        if texts
    ]
    return element("dl", *told)


def _assumptions(checked: Checked) -> Html:
    number = len(checked.assumptions)
    summary = element("summary", "1 assumption" if number == 1 else f"{number} assumptions")
    return element("details", summary, *(element("p", prose(text)) for text in checked.assumptions))


def _link(reference: str) -> Html | str:
    if not reference.startswith("https://"):
        return reference
    return element("a", reference, href=reference, rel="noreferrer noopener")


def _marks(checked: Checked, finding: Finding | None) -> list[Mark]:
    """The statements that decide, then where the finding points; each place once."""
    marks = [*checked.because]
    if finding is not None:
        marks += [Mark(finding.location, finding.label), *finding.related]
    if not marks:
        marks = [Mark(checked.span)]
    labels: dict[object, list[str]] = {}
    for mark in marks:
        labels.setdefault(mark.span, []).append(mark.label)
    spans = {mark.span: mark for mark in marks}
    return [mark._replace(label="; ".join(dict.fromkeys(filter(None, labels[span])))) for span, mark in spans.items()]


def _excerpt(mark: Mark, texts: Mapping[str, Sequence[str]]) -> Html:
    """The lines of a place, with their numbers."""
    span = mark.span
    last = max(span.line, min(span.end_line, span.line + _LINES - 1))
    lines = texts.get(span.file, ())[span.line - 1 : last]
    shown = [
        element(
            "span",
            element("i", str(span.line + index), class_="n"),
            line[:_WIDEST] + ("…" if len(line) > _WIDEST else ""),
        )
        for index, line in enumerate(lines)
    ]
    if lines and span.end_line > last:
        shown.append(element("span", element("i", "…", class_="n")))
    caption = joined([element("code", str(span)), " ", prose(mark.label)])
    code = element("pre", element("code", *_with_breaks(shown))) if shown else NOTHING
    return element("figure", element("figcaption", caption), code, class_="excerpt")


def _cut(line: str) -> str:
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…"


def _with_breaks(lines: Sequence[Html]) -> Iterator[Html]:
    for line in lines:
        yield Html(f"{line.text}\n")
