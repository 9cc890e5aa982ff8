"""What code hosts read: JUnit, GitHub's commands, GitLab's code quality, and Markdown; by their schemas and limits."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from sample_report import CLEAN_REPORT, FINDINGS, REFUTED_CALL, REPORT, UNDECIDED_FINDING, hostile, many
from test_formats import ANY_TEXT, SNAPSHOT_CASES
from whole_output import HOSTILE_TEXTS

from policy_audit.errors import CLEAN
from policy_audit.findings import SEVERITIES, FailOn, Finding, Report, exit_code
from policy_audit.formats import FORMATS, View, render
from policy_audit.formats.markdown import LIMIT, code, prose
from policy_audit.formats.visible import inert, visible

# ---- JUnit ----------------------------------------------------------------------------------------------------------

XSD = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit-10.xsd")


def junit(report: Report, view: View) -> ElementTree.Element:
    """The document, which is as the schema says."""
    text = render("junit", report, view)
    XSD.validate(text)
    return ElementTree.fromstring(text)


def test_junit_of_every_case_is_as_the_schema_says() -> None:
    for _, _, report, view in SNAPSHOT_CASES:
        junit(report, view)


def test_the_schema_refuses_what_is_not_junit() -> None:
    text = render("junit", REPORT, View())
    for wrong in (text.replace(' tests="4"', ""), text.replace("<testcase ", "<case ").replace("</testcase", "</case")):
        assert wrong != text
        assert not XSD.is_valid(wrong)


@settings(max_examples=15, deadline=None)
@given(ANY_TEXT)
def test_junit_of_any_text_is_as_the_schema_says(text: str) -> None:
    junit(hostile(text), View(exit_code=1))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_text_in_junit(text: str) -> None:
    root = junit(hostile(text), View(exit_code=1))
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
    }
    assert visible(f"high: {text}") in {each.get("message") for each in root.iter("failure")}


def outcomes(root: ElementTree.Element) -> dict[str, str]:
    """By the first words of a test case's name: what became of it."""
    return {
        f"{case.get('classname')} {case.get('name', '').partition(':')[0]}": case[0].tag if len(case) else ""
        for case in root.iter("testcase")
    }


def test_a_requirement_is_a_test_case() -> None:
    root = junit(REPORT, View(exit_code=1))
    assert outcomes(root) == {
        "policy-audit.coverage broken.yaml": "error",
        "policy-audit.coverage b/notes.yaml": "skipped",
        "policy-audit.coverage notes.yaml": "skipped",
        "policy-audit.coverage orders.yaml#Queue": "skipped",
        "policy-audit.api-callers net/gateway.yaml#OrdersApi": "failure",
        "policy-audit.connection-secret orders.yaml#OrdersRole": "skipped",
        "policy-audit.execute-api-invoke orders.yaml#OrdersRole": "failure",
        "policy-audit.http-task-timeout orders.yaml#Orders": "skipped",
        "policy-audit.http-task-timeout orders.yaml#OrdersRole": "skipped",
        "policy-audit.rest-api-public net/gateway.yaml#OrdersApi": "skipped",
        "policy-audit.task-role-trust orders.yaml#OrdersRole": "",
    }


@given(
    st.sampled_from([*SEVERITIES, "never"]),
    st.booleans(),
    st.lists(st.sampled_from(FINDINGS), max_size=3, unique_by=id),
)
def test_junit_fails_where_the_exit_code_does(fail_on: FailOn, strict: bool, findings: list[Finding]) -> None:
    report = REPORT._replace(findings=tuple(findings), skipped=())
    ended = exit_code(report, fail_on, strict)
    root = junit(report, View(exit_code=ended, fail_on=fail_on, strict=strict))
    assert (root.get("failures") == "0") == (ended == CLEAN)
    for suite in root:
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(name) == str(len(list(suite.iter(tag))))
        assert suite.get("tests") == str(len(suite))


# ---- GitHub's commands ----------------------------------------------------------------------------------------------

RUNNERS_COMMANDS = re.compile(r"^\s*::(?P<name>[A-Za-z-]+)(?: (?P<properties>.*?))?::(?P<message>.*)$")


def commands(text: str) -> list[dict[str, str]]:
    """What GitHub's runner takes for commands in a log, decoded as it does."""
    found = []
    for line in text.splitlines():
        assert not re.search(r"##\w*\[", line)
        if match := RUNNERS_COMMANDS.match(line):
            told = {"command": match["name"], "message": unescaped(match["message"])}
            for property in (match["properties"] or "").split(","):
                name, _, value = property.partition("=")
                told[name] = unescaped(value).replace("%3A", ":").replace("%2C", ",")
            found.append(told)
    return found


def unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_github_is_shown_the_worst_at_their_places() -> None:
    told = commands(render("github", REPORT, View(exit_code=1)))
    assert [(each["command"], each["title"]) for each in told] == [
        ("error", "the audit is incomplete"),
        ("error", "critical[api-callers]"),
        ("error", "high[execute-api-invoke]"),
        ("notice", "medium[connection-secret]"),
    ]
    assert (told[1]["file"], told[1]["line"], told[1]["col"]) == ("net/gateway.yaml", "5", "7")
    assert told[1]["message"].startswith("anybody may call `execute-api:Invoke` on `OrdersApi`\n")


def test_an_undecided_finding_is_a_warning_when_it_fails_the_audit() -> None:
    report = REPORT._replace(findings=(UNDECIDED_FINDING,), skipped=())
    assert [each["command"] for each in commands(render("github", report, View()))] == ["notice"]
    assert [each["command"] for each in commands(render("github", report, View(strict=True)))] == ["warning"]


@pytest.mark.parametrize("number", [29, 30, 31, 500])
def test_github_gets_no_more_annotations_than_it_shows(number: int) -> None:
    report = many(number)._replace(skipped=())
    text = render("github", report, View(exit_code=1))
    told = [each["command"] for each in commands(text)]
    assert all(told.count(kind) <= 10 for kind in ("error", "warning", "notice"))
    shown = len({found[1] for found in re.finditer(r"#Role(\d+)", text)})
    assert shown == number  # the others are lines of the log


def test_a_message_is_no_longer_than_the_runner_takes() -> None:
    (told,) = commands(render("github", Report(findings=(REFUTED_CALL._replace(message="m" * 99_999),)), View()))[1:]
    assert len(told["message"]) <= 4_096


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_no_commands(text: str) -> None:
    report = hostile(text)
    told = commands(render("github", report, View(exit_code=1, verbose=True)))
    assert [each["command"] for each in told] == ["error", "error"]
    assert [each["title"] for each in told] == ["the audit is incomplete", "high[execute-api-invoke]"]
    assert {each["file"] for each in told} == {inert(visible(text))}
    for name in set(FORMATS) - {"github"}:
        assert not commands(render(name, report, View(verbose=True)))


@given(st.lists(st.sampled_from([":", "::", "#", "##", "[", "a", "\n", " ", "\x1b[1m"]), max_size=30).map("".join))
def test_inert_lines_hold_no_command(text: str) -> None:
    assert not commands(inert(text))
    assert inert(inert(text)) == inert(text)


# ---- GitLab ---------------------------------------------------------------------------------------------------------

CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^\./"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""As GitLab's page has it; it publishes no schema. https://docs.gitlab.com/ci/testing/code_quality/"""


def issues(report: Report, view: View) -> list[dict[str, Any]]:
    text = render("gitlab", report, view)
    assert text.isascii()
    assert not text.startswith("\ufeff")
    document = json.loads(text)
    jsonschema.validate(document, CODE_QUALITY)
    prints = [issue["fingerprint"] for issue in document]
    assert len(set(prints)) == len(prints)
    return list(document)


def test_gitlab_of_every_case_is_as_its_page_says() -> None:
    for _, _, report, view in SNAPSHOT_CASES:
        issues(report, view)
    for text in HOSTILE_TEXTS:
        issues(hostile(text or "x"), View())


def test_gitlab_is_told_of_all_that_is_no_pass() -> None:
    told = [(issue["check_name"], issue["severity"]) for issue in issues(REPORT, View())]
    assert told == [
        ("api-callers", "blocker"),
        ("rest-api-public", "blocker"),
        ("connection-secret", "major"),
        ("execute-api-invoke", "critical"),
        ("incomplete", "critical"),
        ("http-task-timeout", "info"),
    ]
    assert issues(CLEAN_REPORT, View()) == []
    assert issues(Report(), View(exit_code=3))


def test_gitlab_keeps_two_findings_with_one_fingerprint_apart() -> None:
    report = CLEAN_REPORT._replace(findings=(REFUTED_CALL, REFUTED_CALL._replace(message="another")))
    assert len(issues(report, View())) == 2


# ---- Markdown -------------------------------------------------------------------------------------------------------

COMMON_MARK = MarkdownIt("commonmark", {"linkify": True}).enable(["table", "strikethrough", "linkify"])


class Page(HTMLParser):
    """The tags of a page, its text outside of code, and all of its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.prose = ""
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not attrs or attrs == [("class", "language-text")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not {"code", "pre"} & set(self.open):
            self.prose += data


def page(markdown: str) -> Page:
    """What GitHub would show, links of its own included."""
    found = Page()
    found.feed(COMMON_MARK.render(markdown))
    found.close()
    assert not found.open
    return found


TAGS = {"h3", "p", "ul", "li", "code", "pre", "strong", "details", "summary", "b"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_text_in_markdown(text: str) -> None:
    shown = page(render("markdown", hostile(text), View(exit_code=1, verbose=True)))
    assert shown.tags <= TAGS
    assert not re.search(r"[@#<>\[\]]|://|www\.", shown.prose)
    assert inert(visible(text)).strip() in shown.text


MARKUP = st.lists(st.sampled_from(["`", "``", "a", " ", "*", "<b>", "[x](y)", "@a", "\\", "|", "_", "(", "'"]))


@settings(max_examples=60, deadline=None)
@given(MARKUP.map("".join))
def test_any_text_is_text_in_markdown(text: str) -> None:
    for shown in (page(f"- x {prose(text)} y"), page(f"- x {code(text)} y")):
        assert shown.tags <= {"ul", "li", "code", "pre"}
        assert not re.search(r"[@<\[*|_]", shown.prose)
        assert re.sub(r"[\s`]", "", shown.text) == re.sub(r"[\s`]", "", f"x{text}y")


def test_sentences_read_as_before() -> None:
    assert prose(REFUTED_CALL.message) == REFUTED_CALL.message
    assert prose("a principal of the API's account gets in (unsigned), or not.") == (
        "a principal of the API's account gets in (unsigned), or not."
    )


@pytest.mark.parametrize("number", [1, 50, 1_000])
def test_markdown_fits_in_a_comment(number: int) -> None:
    text = render("markdown", many(number), View(exit_code=1, verbose=True))
    assert len(text) <= LIMIT == 65_536
    told = text.count("<details>")
    left = re.search(r"… and (\d+) more entries", text)
    assert page(text).tags <= TAGS
    assert told == number or left
    if left:
        # The others are what stands below findings: one undecided, three not audited, two assumptions.
        assert told + int(left[1]) >= number


def test_every_format_grows_no_faster_than_its_findings() -> None:
    small, large = many(40), many(400)
    for name in FORMATS:
        assert len(render(name, large, View(exit_code=1))) < 11 * len(render(name, small, View(exit_code=1)))
