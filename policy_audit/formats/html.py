"""The report as one HTML file: the way of every call as a picture, with what is proven, refuted and undecided on it.

The file asks for nothing outside: its style, script and icons stand in it, and its security policy allows no other.
"""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

from policy_audit import __version__
from policy_audit.findings import SEVERITIES, Answer, Finding, Report
from policy_audit.formats import View
from policy_audit.formats.html_paths import ICONS, rest, workflows
from policy_audit.formats.html_points import Points, badge
from policy_audit.formats.markup import NOTHING, Child, Html, element, prose
from policy_audit.formats.order import no_audit, sorted_findings, sorted_ignored, sorted_skipped
from policy_audit.formats.visible import inert

_ANSWERS: Final[tuple[Answer, ...]] = ("refuted", "undecided", "proven")


def render(report: Report, view: View) -> str:
    """The document. It needs no script: that only searches, filters, and opens what a link leads to."""
    style, script = _beside("report.css"), _beside("report.js")
    points = Points(report)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", _title(report, view)),
        Html(f"<style>{style}</style>"),
    )
    body = element("body", *_body(report, view, points), Html(f"<script>{script}</script>"))
    text = f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"
    return inert(text, "&#58;", "&#35;")


def _beside(name: str) -> str:
    """The text of a file of ours, without its first line, which says what it is for."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read().partition("\n")[2]


def _policy(style: str, script: str) -> str:
    """What the browser may run and load: the style and the script of this file, and nothing else.

    https://www.w3.org/TR/CSP3/#framework-directive-source-list
    """

    def source(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; base-uri 'none'; "
        "form-action 'none'"
    )


# ---- parts of the page ----------------------------------------------------------------------------------------------


def _title(report: Report, view: View) -> str:
    if no_audit(report, view):
        return "policy-audit: there is no audit"
    return f"policy-audit: {_count(len(report.findings), 'finding')}"


def _body(report: Report, view: View, points: Points) -> Iterator[Html]:
    yield element("a", "to the findings", href="#findings", class_="skip")
    yield ICONS
    yield _header(report, view)
    yield _toolbar(points)
    yield element(
        "main",
        _problems(report, view),
        _findings(report, points),
        *workflows(report, points),
        rest(points),
        *_notes(report),
    )
    yield element("footer", f"policy-audit {__version__}, exit code {view.exit_code}")


def _header(report: Report, view: View) -> Html:
    severities = [(name, sum(one.severity == name for one in report.findings)) for name in reversed(SEVERITIES)]
    told = ", ".join(f"{number} {name}" for name, number in severities if number)
    line = f"{_count(len(report.findings), 'finding')}{f' ({told})' if told else ''}"
    verdicts = report.verdicts()
    tiles = [
        element(
            "li",
            element("b", str(number := verdicts[answer])),
            element("span", answer),
            class_=f"tile {answer if number else 'none'}",
        )
        for answer in _ANSWERS
    ]
    return element(
        "header",
        element("h1", "policy-audit"),
        element(
            "p", line, f" in {_count(len(report.targets), 'file')}, {_count(len(report.requirements), 'requirement')}"
        ),
        element("ul", *tiles, class_="tiles"),
        _bar(verdicts),
    )


def _bar(verdicts: Mapping[Answer, int]) -> Html:
    """How the verdicts share the requirements, as one line."""
    whole = sum(verdicts.values())
    if not whole:
        return NOTHING
    parts, start = [], 0.0
    for answer in _ANSWERS:
        width = 1000 * verdicts[answer] / whole
        parts.append(element("rect", x=f"{start:.1f}", y="0", width=f"{width:.1f}", height="8", class_=answer))
        start += width
    return element("svg", *parts, class_="bar", viewBox="0 0 1000 8", preserveAspectRatio="none", aria_hidden="true")


def _toolbar(points: Points) -> Html:
    """Shown where the script runs."""
    boxes = [
        element(
            "label",
            element("input", type="checkbox", name="verdict", value=answer, checked=True),
            badge(answer),
            f" {points.count(answer)}",
        )
        for answer in _ANSWERS
    ]
    return element(
        "search",
        element("label", "Search ", element("input", type="search", id="query", placeholder="role, action, rule …")),
        element("fieldset", element("legend", "Show"), *boxes),
        element("output", id="shown", aria_live="polite"),
        element("button", "open all", type="button", id="open"),
        class_="toolbar",
        hidden=True,
    )


def _problems(report: Report, view: View) -> Html:
    """What the reader must know before anything else: errors, and what is missing in the audit."""
    told = [element("li", "there is no audit: ", prose(str(error))) for error in no_audit(report, view)]
    for item in sorted_skipped(report.skipped):
        if item.broken:
            where = str(item.span) if item.span else item.target
            told.append(element("li", "incomplete: ", element("code", where), " ", prose(item.reason)))
    return element("section", element("ul", *told), class_="problems", role="alert") if told else NOTHING


def _findings(report: Report, points: Points) -> Html:
    worst = sorted(sorted_findings(report.findings), key=lambda one: -SEVERITIES.index(one.severity))
    items = [_finding(finding, points) for finding in worst]
    told = element("ol", *items, class_="findings") if items else element("p", "None.")
    return element("section", element("h2", "Findings"), told, id="findings")


def _finding(finding: Finding, points: Points) -> Html:
    return element(
        "li",
        element("span", finding.severity, class_=f"severity {finding.severity}"),
        element("a", prose(finding.message), href=f"#{points.anchor(finding)}"),
        element("span", finding.address, class_="address"),
        class_=f"finding {finding.answer}",
        data_verdict=finding.answer,
    )


def _notes(report: Report) -> Iterator[Html]:
    """What is no requirement."""
    ignored = [
        element("li", element("code", one.finding.rule), " ", prose(one.finding.message), ": ", prose(one.reason))
        for one in sorted_ignored(report.ignored)
    ]
    ignored += [
        element("li", element("code", one.rule), " ", prose(one.message), ": in the baseline")
        for one in sorted_findings(report.baselined)
    ]
    skipped = [
        element("li", element("code", str(item.span) if item.span else item.target), " ", prose(item.reason))
        for item in sorted_skipped(report.skipped)
        if not item.broken
    ]
    yield _list("Ignored", ignored)
    yield _list("Not audited", skipped)
    yield _list("Assumptions", [element("li", prose(text)) for text in report.assumptions])
    targets = [element("li", element("code", one.path), f" {one.form}") for one in sorted(report.targets)]
    yield _list("Files", targets)


def _list(title: str, items: list[Html]) -> Html:
    if not items:
        return NOTHING
    heading: Child = element("summary", element("h2", title), element("span", str(len(items)), class_="number"))
    return element("details", heading, element("ul", *items), class_="notes")


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
