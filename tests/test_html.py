"""The HTML report: what it tells, that it asks for nothing, that names are text; in a browser where there is one."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import chromium
import pytest
from sample_report import CALLS, CLEAN_REPORT, REFUTED_CALL, REPORT, hostile, many
from whole_output import HOSTILE_TEXTS

from policy_audit.audit import audit
from policy_audit.findings import CallPath, Report, Stop
from policy_audit.formats import View, render
from policy_audit.formats.visible import visible
from policy_audit.options import Options

FIXTURES = Path(__file__).parent.parent / "fixtures"
VIEW = View(exit_code=1)
ALLOWED = frozenset(
    re.findall(
        r"\w+",
        """
        a article b body button code dd details div dl dt fieldset figcaption figure footer h1 h2 head header html i
        input label legend li main meta ol output p path pre rect script search section span style summary svg symbol
        table tbody td th title tr ul use wbr
        """,
    )
)


class Document(HTMLParser):
    """The elements of a document and its text, script and style left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"input", "meta", "wbr"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.text += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a class."""
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]


def test_every_requirement_and_finding_stands_in_it_once() -> None:
    page = Document(render("html", REPORT, VIEW))
    points = page.of("point")
    assert len(points) == len(REPORT.requirements)
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    links = [attributes["href"] or "" for tag, attributes in page.elements if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    for finding in REPORT.findings:
        assert page.text.count(finding.message.replace("`", "")) == 2
    assert page.text.count("why: ") == 0


def test_a_box_shows_what_stands_at_it() -> None:
    page = Document(render("html", REPORT, VIEW))
    boxes = [attributes["class"] for attributes in page.of("box")]
    # By place: first a call of which nothing is required, whose way begins as the other's does. Its own requirement
    # makes the role red, and that on the API is everybody's.
    assert boxes[:3] == ["box undecided", "box undecided", "box none"]
    assert boxes[3:] == ["box undecided", "box refuted", "box refuted", "box none unseen"]
    assert "orders.yaml:11:27" in page.text


def test_a_part_stands_at_its_whole() -> None:
    part = REPORT.requirements[0]._replace(address="net/gateway.yaml#ListMethod", answer="undecided", requirement="x")
    report = CLEAN_REPORT._replace(requirements=(part,), paths=(CALLS,), parts=REPORT.parts)
    page = Document(render("html", report, VIEW))
    assert [attributes["class"] for attributes in page.of("box")][2] == "box undecided"
    alone = Document(render("html", report._replace(parts={}), VIEW))
    assert [attributes["class"] for attributes in alone.of("box")][2] == "box none"
    assert "Elsewhere" in alone.text


def test_what_is_told_in_one_picture_is_counted_in_the_next() -> None:
    other = CALLS._replace(
        origin=Stop("state machine", "Other", "orders.yaml#Other"), span=REFUTED_CALL.related[0].span
    )
    page = Document(render("html", REPORT._replace(paths=(CALLS, other)), VIEW))
    assert len(page.of("point")) == len(REPORT.requirements)
    assert "of these are told further up" in page.text


def test_ten_times_the_calls_make_ten_times_the_document() -> None:
    """Calls that share an API, with many requirements at it."""

    def size(number: int) -> int:
        asked = REPORT.requirements[0]._replace(address="net/gateway.yaml#OrdersApi")
        shared = [asked._replace(requirement=str(each)) for each in range(number)]
        calls = []
        for each in range(number):
            place = CALLS.span._replace(line=100 + each)
            calls.append(CALLS._replace(span=place, stops=(*CALLS.stops, Stop("service", str(each)))))
        report = REPORT._replace(requirements=tuple(shared), paths=tuple(calls), findings=(), ignored=(), baselined=())
        return len(render("html", report, VIEW))

    assert size(200) < 11 * size(20)


# ---- it asks for nothing, and names are text ------------------------------------------------------------------------


def test_it_is_one_file_that_lets_nothing_else_run() -> None:
    text = render("html", REPORT, VIEW)
    page = Document(text)
    (policy,) = [
        one["content"] or "" for tag, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        found = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(found) == 1
        assert f"{tag}-src 'sha256-{b64encode(sha256(found[0].encode()).digest()).decode()}'" in policy
        assert "http" not in found[0]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_text(text: str) -> None:
    page = Document(render("html", hostile(text), VIEW))
    assert {tag for tag, _ in page.elements} <= ALLOWED
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src", "srcdoc"}]
        link = attributes.get("href") or ""
        assert re.fullmatch(r"#[\w-]*|https://docs\.aws\.amazon\.com/[\w/.#-]*|", link)
    assert visible(text).replace("`", "") in page.text
    assert all(line.isprintable() for line in page.text.split("\n"))


def test_no_link_of_a_rule_is_a_script() -> None:
    finding = REFUTED_CALL._replace(references=("javascript:alert(1)", "https://docs.aws.amazon.com/x"))
    page = Document(render("html", REPORT._replace(findings=(finding,)), VIEW))
    assert "javascript:alert(1)" in page.text
    links = [one["href"] for tag, one in page.elements if tag == "a" and not (one["href"] or "").startswith("#")]
    assert links == ["https://docs.aws.amazon.com/x"]


# ---- the way of every call ------------------------------------------------------------------------------------------


def ways(folder: str) -> list[tuple[str, str, list[str]]]:
    """Workflow, state, and the stops of every call of a fixture."""
    report = audit([str(FIXTURES / folder)], Options(), traced=True)
    return [(path.origin.name, path.name, [_stop(stop) for stop in path.stops]) for path in report.paths]


def _stop(stop: Stop) -> str:
    return f"{stop.kind} {stop.name}{' ?' if stop.unseen else ''}"


LEDGER = [
    "role LedgerRole",
    "connection LedgerConnection",
    "resource configuration LedgerConfiguration",
    "resource gateway LedgerGateway",
    "endpoint ledger.parcels.example",
]
ORDERS = ["role OrdersRole", "REST API OrdersApi", "VPC link OrdersLink", "load balancer Backend"]
HARBOUR = [
    "role BerthsRole",
    "connection BerthsConnection",
    "resource configuration HarbourApis",
    "resource gateway HarbourGateway",
    "VPC endpoint ApiEndpoint",
    "REST API BerthsApi",
]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (
            "estate",
            [
                ("LedgerWorkflow", "ReadBalance", LEDGER),
                ("LedgerWorkflow", "PostEntry", LEDGER),
                ("OrdersWorkflow", "ListOrders", ORDERS),
                ("OrdersWorkflow", "ReadOrder", ORDERS),
            ],
        ),
        (
            "estate-private-api",
            [("BerthsWorkflow", "ListBerths", HARBOUR), ("BerthsWorkflow", "AssignBerth", HARBOUR)],
        ),
        (
            "estate-event-targets",
            [
                ("InspectWorkflow", "", ["role InspectWorkflowRole"]),
                ("ReturnRule", "inspect", ["role ReturnRole", "state machine InspectWorkflow"]),
                ("ReturnRule", "record", ["role ReturnRole", "REST API ReturnsApi"]),
                ("ReturnRule", "archive", ["role ReturnRole", "target event-bus/archive ?"]),
                ("RefundRule", "refund", ["REST API ReturnsApi"]),
                ("PickupPipe", "Enrichment", ["role PickupRole", "state machine InspectWorkflow"]),
                (
                    "PickupPipe",
                    "Target",
                    [
                        "role PickupRole",
                        "API destination CarrierDestination",
                        "connection CarrierConnection",
                        "endpoint api.carrier.example",
                    ],
                ),
                ("NightlySchedule", "Target", ["role NightlyRole", "state machine InspectWorkflow"]),
            ],
        ),
    ],
)
def test_the_way_of_every_call(folder: str, expected: list[tuple[str, str, list[str]]]) -> None:
    assert ways(folder) == expected


def test_no_way_is_looked_for_unless_asked() -> None:
    assert audit([str(FIXTURES / "estate")], Options()).paths == ()


def test_what_is_not_visible_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        """
Resources:
  Calls:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::111122223333:role/elsewhere
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters:
              Method: GET
              ApiEndpoint: https://api.example.com/x
              Authentication:
                ConnectionArn: !ImportValue connection
            End: true
"""
    )
    report = audit([str(tmp_path)], Options(), traced=True)
    (path,) = report.paths
    assert isinstance(path, CallPath)
    assert [(stop.kind, bool(stop.unseen)) for stop in path.stops] == [
        ("role", True),
        ("connection", True),
        ("resource configuration", True),
        ("endpoint", False),
    ]


# ---- in a browser ---------------------------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    with chromium.chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def opened(browser: chromium.Page, folder: Path, report: Report) -> Path:
    """Opens the report; nothing may be said on the console, and nothing be asked for but the file."""
    file = folder / "report.html"
    file.write_text(render("html", report, VIEW), encoding="utf-8")
    browser.open(file)
    return file


def quiet(browser: chromium.Page, file: Path) -> None:
    assert browser.said == []
    assert browser.asked == [file.as_uri()]


@needs_chromium
def test_a_reader_follows_links_searches_and_filters(browser: chromium.Page, tmp_path: Path) -> None:
    file = opened(browser, tmp_path, REPORT)
    count = "document.getElementById('shown').textContent"
    points = "[...document.querySelectorAll('.point')]"
    seen = f"{points}.filter((one) => one.checkVisibility()).map((one) => one.dataset.verdict)"
    assert browser.do("document.title") == "policy-audit: 3 findings"
    assert browser.do(count) == "5 requirements"
    assert sorted(browser.do(seen)) == ["proven", "refuted", "refuted", "undecided", "undecided"]
    assert browser.do("[...document.querySelectorAll('.box')].every((one) => one.getBoundingClientRect().width > 60)")

    anchor = browser.do("document.querySelector('.dot.refuted').getAttribute('href')")
    browser.do(f"document.querySelector('{anchor}').open = false")
    browser.click(".dot.refuted")
    assert browser.do("location.hash") == anchor
    browser.until(f"document.querySelector('{anchor}').open")

    # Without a mouse: the slash goes to the search, Tab to the boxes, the space bar switches one.
    browser.press("/", "/")
    assert browser.do("document.activeElement.id") == "query"
    for letter in "task-role":
        browser.press(letter, letter)
    assert browser.do(count) == "1 of 5 requirements"
    assert browser.do(seen) == ["proven"]
    browser.press("Escape")
    assert browser.do(count) == "5 requirements"
    browser.press("Tab")
    browser.press(" ", " ")
    assert browser.do(count) == "3 of 5 requirements"
    assert "refuted" not in browser.do(seen)
    assert browser.do("[...document.querySelectorAll('.finding')].filter((one) => !one.hidden).length") == 1
    # A link leads to what is filtered out, too.
    browser.do(f"location.hash = '{anchor}x'; location.hash = '{anchor}'")
    browser.until(f"document.querySelector('{anchor}').checkVisibility()")
    quiet(browser, file)


@needs_chromium
def test_it_is_shown_in_light_and_dark_on_paper_and_on_a_telephone(browser: chromium.Page, tmp_path: Path) -> None:
    file = opened(browser, tmp_path, many(30)._replace(paths=REPORT.paths))
    color = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"
    schemes = []
    for scheme in ("light", "dark"):
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        schemes.append(browser.do(color))
    assert schemes == ["rgb(251, 251, 250)rgb(27, 31, 36)", "rgb(20, 23, 27)rgb(230, 233, 237)"]
    browser.send("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.do(color) == "rgb(255, 255, 255)rgb(0, 0, 0)"
    assert browser.do("getComputedStyle(document.querySelector('.toolbar')).display") == "none"
    closed = "document.querySelectorAll('details:not([open])').length"
    before = browser.do(closed)
    assert before
    browser.do("dispatchEvent(new Event('beforeprint'))")
    assert browser.do(closed) == 0
    browser.do("dispatchEvent(new Event('afterprint'))")
    assert browser.do(closed) == before
    browser.send("Emulation.setEmulatedMedia", media="")
    for width in (360, 800, 1400):
        browser.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        assert browser.do("document.documentElement.scrollWidth <= innerWidth"), width
    browser.send("Emulation.clearDeviceMetricsOverride")
    quiet(browser, file)


@needs_chromium
def test_hostile_names_are_text_in_the_browser(browser: chromium.Page, tmp_path: Path) -> None:
    for text in (each for each in HOSTILE_TEXTS if set(each) & set("<`")):
        file = opened(browser, tmp_path, hostile(text))
        assert browser.do("typeof window.pwned") == "undefined"
        assert browser.do("document.querySelectorAll('img, iframe, object, [onload]').length") == 0
        assert browser.do("document.scripts.length") == 1
        shown = visible(text).replace("`", "").strip()
        assert shown in browser.do("document.querySelector('main').textContent"), json.dumps(text)
        quiet(browser, file)


@needs_chromium
def test_nothing_that_gets_in_runs_or_loads(browser: chromium.Page, tmp_path: Path) -> None:
    """Should a name become markup all the same, the policy of the document stops it."""
    file = opened(browser, tmp_path, REPORT)
    browser.do(
        "document.body.insertAdjacentHTML('beforeend', '<img src=https://evil.example/x onerror=\"window.pwned = 1\">"
        '<div style="background: url(https://evil.example/y)"></div>\')'
    )
    browser.do(
        "(() => { const one = document.createElement('script'); one.text = 'window.pwned = 1';"
        " document.body.append(one) })()"
    )
    browser.do("new Promise((done) => setTimeout(done, 50))")
    assert browser.do("typeof window.pwned") == "undefined"
    assert browser.asked == [file.as_uri()]
    assert len(browser.said) >= 3


@needs_chromium
def test_it_is_whole_without_its_script(browser: chromium.Page, tmp_path: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    file = opened(browser, tmp_path, REPORT)
    # The page's own script does not run; that of the tools does.
    assert browser.do("document.querySelector('.toolbar').checkVisibility()") is False
    assert browser.do("document.querySelectorAll('.point.refuted[open]').length") == 2
    browser.click(".stop:not([open]) > summary")
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    quiet(browser, file)
