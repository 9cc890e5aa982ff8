"""The picture: the way of every call as boxes on a line, each with the control points that stand there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.findings import Answer, CallPath, Report, Stop
from policy_audit.formats.html_points import Point, Points, by_weight, counted, point_details, sign, tally, worst
from policy_audit.formats.markup import NOTHING, Html, element, name
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

_DOTS: Final = 24
"""Control points that a box shows one by one; more are only counted."""
_ICONS: Final[Mapping[str, str]] = {
    "workflow": "M4 3h6v5H4zM14 16h6v5h-6zM14 6h6v5h-6zM7 8v10.5h7M10 5.5h7v.5",
    "role": "M8 11a4 4 0 1 1 3.4 1.9L20 21M16.5 17.5l2-2M8 7h.01",
    "connection": "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
    "lattice": "M4 4h16v16H4zM4 12h16M12 4v16M4 4l16 16M20 4L4 20",
    "door": "M5 21V4h10v17M15 6h4v15M3 21h18M12 12.5h.01",
    "endpoint": "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12h.01",
    "api": "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
    "balancer": "M12 3v6M12 9L5 15M12 9l7 6M12 9v6M3 15h4v5H3zM10 15h4v5h-4zM17 15h4v5h-4z",
    "service": "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
    "name": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
}
_KINDS: Final[Mapping[str, str]] = {
    "state machine": "workflow",
    "rule": "workflow",
    "pipe": "workflow",
    "schedule": "workflow",
    "role": "role",
    "connection": "connection",
    "API destination": "connection",
    "resource configuration": "lattice",
    "resource gateway": "door",
    "VPC endpoint": "endpoint",
    "VPC link": "endpoint",
    "REST API": "api",
    "HTTP API": "api",
    "API": "api",
    "load balancer": "balancer",
    "endpoint": "name",
    "domain name": "name",
}


def _symbols() -> Html:
    symbols = [
        element("symbol", element("path", d=path), id=f"i-{name}", viewBox="0 0 24 24") for name, path in _ICONS.items()
    ]
    return element("svg", *symbols, class_="icons", aria_hidden="true", width="0", height="0")


ICONS: Final = _symbols()
"""Every icon, for `<use>`."""


class _There(NamedTuple):
    """What stands at one stop of one way: the points of its own calls, and those that every way shares which passes."""

    own: list[Point]
    shared: list[Point]
    counts: Mapping[Answer, int]
    told_before: bool
    """Whether another picture has told of those that are shared."""


class _Places:
    """Which points stand at which stop: by the call that needs them, and by the address they are about."""

    def __init__(self, report: Report, points: Points) -> None:
        calls = {path.span for path in report.paths}
        self._parts = report.parts
        self._by_call: dict[Span, list[Point]] = {}
        self._by_address: dict[str, list[Point]] = {}
        for point in points.all:
            span = point.checked.span
            if span in calls:
                self._by_call.setdefault(span, []).append(point)
            else:
                self._by_address.setdefault(self._whole(point), []).append(point)
        self._by_address = {address: by_weight(found) for address, found in self._by_address.items()}
        self._counts = {address: counted(found) for address, found in self._by_address.items()}
        self._told: set[str] = set()

    def _whole(self, point: Point) -> str:
        address = point.checked.address
        return self._parts.get(address, address)

    def at(self, stops: Sequence[Stop], calls: Sequence[CallPath]) -> list[_There]:
        """For each of `stops`, the first of which makes the `calls`: what stands there."""
        own: list[list[Point]] = [[] for _ in stops]
        index = {stop.address: number for number, stop in enumerate(stops) if stop.address}
        for span in dict.fromkeys(call.span for call in calls):
            for point in self._by_call.get(span, ()):
                own[index.get(self._whole(point), 0)].append(point)
        return [self._there(stop, by_weight(found)) for stop, found in zip(stops, own, strict=True)]

    def _there(self, stop: Stop, own: list[Point]) -> _There:
        shared = self._by_address.get(stop.address, []) if stop.address else []
        counts = counted(own)
        for answer, number in self._counts.get(stop.address, {}).items() if shared else ():
            counts[answer] += number
        there = _There(own, shared, counts, stop.address in self._told)
        self._told.add(stop.address)
        return there


def workflows(report: Report, points: Points) -> Iterator[Html]:
    """A section for each workflow, rule, pipe and schedule."""
    places = _Places(report, points)
    sections: dict[Stop, list[CallPath]] = {}
    for path in sorted(report.paths, key=lambda one: (one.origin.address, one.span, one.name)):
        sections.setdefault(path.origin, []).append(path)
    for number, (origin, paths) in enumerate(sections.items(), 1):
        yield _section(number, origin, paths, places, points)


def _section(number: int, origin: Stop, paths: Sequence[CallPath], places: _Places, points: Points) -> Html:
    lanes: dict[tuple[Stop, ...], list[CallPath]] = {}
    for path in paths:
        lanes.setdefault(path.stops, []).append(path)
    drawn = [
        _lane(f"w{number}-{index}", (origin, *stops), calls, places, points)
        for index, (stops, calls) in enumerate(lanes.items(), 1)
    ]
    heading = element(
        "h2", element("span", origin.kind, class_="kind"), " ", element("span", origin.name), id=f"w{number}"
    )
    address = element("p", element("code", origin.address), class_="address")
    return element("section", heading, address, *drawn, class_="workflow")


def _lane(anchor: str, stops: Sequence[Stop], calls: Sequence[CallPath], places: _Places, points: Points) -> Html:
    """One way: the picture, the calls that take it, and what stands at each of its stops."""
    found = list(enumerate(zip(stops, places.at(stops, calls), strict=True)))
    boxes = [_box(f"{anchor}-{index}", stop, there) for index, (stop, there) in found]
    listed = [
        element("li", element("b", call.name), " ", element("code", call.call))
        for call in calls
        if call.name or call.call
    ]
    details = [_stop(f"{anchor}-{index}", stop, there, points) for index, (stop, there) in found]
    return element(
        "article",
        element("ol", *boxes, class_="path"),
        element("ul", *listed, class_="calls"),
        *details,
        class_="lane",
    )


def _box(anchor: str, stop: Stop, there: _There) -> Html:
    verdict = worst(there.counts)
    icon = element(
        "svg", element("use", href=f"#i-{_KINDS.get(stop.kind, 'service')}"), class_="icon", aria_hidden="true"
    )
    title = element("span", element("span", stop.kind, class_="kind"), element("b", name(stop.name)), class_="title")
    lines = [element("span", text, class_="detail") for text in (stop.detail, stop.unseen) if text]
    inside = (icon, title, *lines)
    head = (
        element("a", *inside, href=f"#{anchor}", class_="head") if verdict else element("span", *inside, class_="head")
    )
    return element("li", head, _dots(there), class_=f"box {verdict or 'none'}{' unseen' if stop.unseen else ''}")


def _dots(there: _There) -> Html:
    """A sign for each point; those that are not proven lead to what is told of them."""
    number = sum(there.counts.values())
    if not number:
        return NOTHING
    first = by_weight([*there.own[:_DOTS], *there.shared[:_DOTS]])[:_DOTS]
    more = element("span", f"+{number - _DOTS}", class_="more") if number > _DOTS else NOTHING
    return element("span", *map(_dot, first), more, class_="dots")


def _dot(point: Point) -> Html:
    answer = point.checked.answer
    label = f"{answer}: {point.checked.rule}"
    if answer == "proven":
        return element("span", sign(answer), class_=f"dot {answer}", title=label)
    return element("a", sign(answer), class_=f"dot {answer}", title=label, aria_label=label, href=f"#{point.anchor}")


def _stop(anchor: str, stop: Stop, there: _There, points: Points) -> Html:
    """What stands at one stop; what an earlier picture has told of is only counted."""
    verdict = worst(there.counts)
    if verdict is None:
        return NOTHING
    told = points.claim(there.own if there.told_before else by_weight([*there.own, *there.shared]))
    before = sum(there.counts.values()) - len(told)
    note = element("p", f"{before} of these are told further up.", class_="before") if before else NOTHING
    summary = element(
        "summary", element("span", stop.kind, class_="kind"), " ", element("b", stop.name), " ", tally(there.counts)
    )
    shown = [point_details(point, points.texts) for point in told]
    is_open = worst(counted(told)) in {"refuted", "undecided"}
    return element("details", summary, note, *shown, id=anchor, class_="stop", open=is_open)


def rest(points: Points) -> Html:
    """The requirements that stand at no stop of any picture, by resource."""
    groups: dict[str, list[Point]] = {}
    for point in points.unclaimed():
        groups.setdefault(point.checked.address, []).append(point)
    if not groups:
        return NOTHING
    told = [
        _stop(f"o{number}", Stop("", address, address), _There([], by_weight(group), counted(group), False), points)
        for number, (address, group) in enumerate(sorted(groups.items()), 1)
    ]
    return element("section", element("h2", "Elsewhere"), *told, class_="workflow elsewhere")
