"""What each format prints: whole outputs, and laws that hold for any report."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_report import (
    CLEAN_REPORT,
    HOSTILE,
    REFUTED_CALL,
    REPORT,
    UNDECIDED,
    UNDECIDED_FINDING,
    hostile,
)
from whole_output import SNAPSHOTS, same_as_snapshot

import policy_audit
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, NOTHING_AUDITED, AuditError
from policy_audit.findings import (
    SEVERITIES,
    Checked,
    FailOn,
    Finding,
    Report,
    Skipped,
    Target,
    exit_code,
)
from policy_audit.formats import FORMATS, View, render
from policy_audit.formats.frame import error, excerpt
from policy_audit.formats.json import dumped
from policy_audit.formats.paint import painter
from policy_audit.formats.visible import encodable, visible, width

SCHEMA = json.loads((Path(policy_audit.__file__).parent / "report.schema.json").read_text())


# ---- whole outputs --------------------------------------------------------------------------------------------------

MANY = REPORT._replace(
    findings=(REFUTED_CALL._replace(related=REFUTED_CALL.related * 12),),
    requirements=tuple(UNDECIDED._replace(address=f"orders.yaml#Orders{number:02}") for number in range(40)),
    skipped=tuple(Skipped(f"notes-{number:02}.txt", "not a template of a known form") for number in range(30)),
)

ENDINGS = {"text": "txt", "concise": "txt", "json": "json", "sarif": "json", "junit": "xml", "github": "txt"}
ENDINGS |= {"gitlab": "json", "markdown": "md", "html": "html"}
NOTHING = REPORT._replace(findings=(), requirements=(), targets=(), assumptions=(), skipped=REPORT.skipped[:2])
NOTHING = NOTHING._replace(ignored=(), baselined=())
ERROR = View(exit_code=2, errors=(AuditError("unknown key `regoin`", where="policy_audit.yaml:3:1", help="…"),))

SNAPSHOT_CASES = [
    ("text-verbose.txt", "text", REPORT, View(verbose=True)),
    ("text-quiet.txt", "text", REPORT, View(quiet=True)),
    ("text-color.txt", "text", REPORT, View(color=True)),
    ("text-many.txt", "text", MANY, View()),
    ("concise-verbose.txt", "concise", REPORT, View(verbose=True)),
    ("concise-color.txt", "concise", REPORT, View(color=True)),
    ("json-verbose.json", "json", REPORT, View(verbose=True, exit_code=1)),
    ("junit-strict.xml", "junit", REPORT, View(exit_code=4, strict=True, fail_on="critical")),
    ("markdown-verbose.md", "markdown", REPORT, View(verbose=True)),
]
for output, ending in ENDINGS.items():
    SNAPSHOT_CASES += [
        (f"{output}.{ending}", output, REPORT, View(exit_code=1)),
        (f"{output}-clean.{ending}", output, CLEAN_REPORT, View()),
        (f"{output}-nothing.{ending}", output, NOTHING, View(exit_code=3)),
        (f"{output}-error.{ending}", output, Report(), ERROR),
        (f"{output}-hostile.{ending}", output, hostile(HOSTILE), View(verbose=True, exit_code=1)),
    ]


@pytest.mark.parametrize(("name", "output", "report", "view"), SNAPSHOT_CASES, ids=[case[0] for case in SNAPSHOT_CASES])
def test_whole_output(name: str, output: str, report: Report, view: View) -> None:
    same_as_snapshot(name, without_files(render(output, report, view)))


def without_files(text: str) -> str:
    """HTML without the style and the script that it carries, and without their hashes; other text as it is."""
    bare = re.sub(r"(<(style|script)>).*?(</\2>)", r"\1\3", text, flags=re.DOTALL)
    return re.sub(r"sha256-[\w+/=]+", "sha256-…", bare) if bare != text else text


def test_every_format_has_its_snapshots() -> None:
    assert list(ENDINGS) == list(FORMATS)


def test_every_snapshot_is_of_a_case() -> None:
    assert {file.name for file in SNAPSHOTS.iterdir()} == {case[0] for case in SNAPSHOT_CASES} | {
        "action.txt",
        "diff.json",
        "diff.md",
        "diff.txt",
        "help.txt",
    }


ERRORS = [
    (AuditError("no such thing"), "error: no such thing\n"),
    (
        AuditError("no such thing", where="a.yaml:2:3", help="make one\nor two"),
        "error: no such thing\n --> a.yaml:2:3\n  = help: make one\n          or two\n",
    ),
    (
        AuditError("unknown key `b`", where="a.yaml:12:3").showing("\n" * 11 + "  b: 1\n"),
        "error: unknown key `b`\n  --> a.yaml:12:3\n   |\n12 |   b: 1\n   |   ^\n   |\n",
    ),
    (AuditError("bad", where="--account").showing("one\n"), "error: bad\n --> --account\n"),
    (AuditError("bad", where="a.yaml:9:1").showing("one\n"), "error: bad\n --> a.yaml:9:1\n"),
    (AuditError("\x1b[2J", where="\x1b]0;x:1:1").showing("\x1b[2J"), None),
]


@pytest.mark.parametrize(("problem", "expected"), ERRORS)
def test_errors(problem: AuditError, expected: str | None) -> None:
    text = error(problem, painter(False))
    assert "\x1b" not in text
    assert expected is None or text == expected


# ---- exit codes -----------------------------------------------------------------------------------------------------

BROKEN = Skipped("a.yaml", "this is not YAML", broken=True)
EXITS: list[tuple[int, tuple[Finding, ...], tuple[Skipped, ...], FailOn, bool]] = [
    (CLEAN, (), (), "note", True),
    (CLEAN, (), (BROKEN._replace(broken=False),), "note", True),
    (INCOMPLETE, (), (BROKEN,), "never", False),
    (FINDINGS, (REFUTED_CALL,), (), "medium", False),
    (FINDINGS, (REFUTED_CALL,), (), "high", False),
    (CLEAN, (REFUTED_CALL,), (), "critical", False),
    (CLEAN, (REFUTED_CALL,), (), "never", True),
    (FINDINGS, (REFUTED_CALL,), (BROKEN,), "medium", False),
    (INCOMPLETE, (REFUTED_CALL,), (BROKEN,), "medium", True),
    (INCOMPLETE, (REFUTED_CALL,), (BROKEN,), "critical", False),
    (CLEAN, (UNDECIDED_FINDING,), (), "medium", False),
    (FINDINGS, (UNDECIDED_FINDING,), (), "medium", True),
    (CLEAN, (UNDECIDED_FINDING,), (), "high", True),
]


@pytest.mark.parametrize(("code", "findings", "skipped", "fail_on", "strict"), EXITS)
def test_exit_code(
    code: int, findings: tuple[Finding, ...], skipped: tuple[Skipped, ...], fail_on: FailOn, strict: bool
) -> None:
    report = Report(findings=findings, skipped=skipped, targets=(Target("a.yaml", "CloudFormation template"),))
    assert exit_code(report, fail_on, strict) == code


def test_exit_code_without_targets() -> None:
    assert exit_code(Report(skipped=(BROKEN._replace(broken=False),))) == NOTHING_AUDITED
    assert exit_code(Report(skipped=(BROKEN,))) == INCOMPLETE


# ---- laws -----------------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from("\\ud8dc\ud83c\udf89\x1b\n\t\x00é漢\"'a"), max_size=12
)


@given(ANY_TEXT)
def test_visible_text_is_printable(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert visible(shown) == shown
    assert shown == text or not text.isprintable()


@given(ANY_TEXT, st.sampled_from(["utf-8", "ascii", "latin-1", "cp437", "shift_jis", "no-such-encoding"]))
def test_encodable_text_is_encodable(text: str, encoding: str) -> None:
    encodable(text, encoding).encode("ascii" if encoding.startswith("no-") else encoding)


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, st.booleans(), st.booleans())
def test_text_holds_no_hostile_character(text: str, verbose: bool, quiet: bool) -> None:
    output = render("text", hostile(text), View(verbose=verbose, quiet=quiet))
    assert all(line.isprintable() for line in output.split("\n"))
    assert all(line == line.rstrip() for line in output.split("\n") if "^" in line or "---" in line)


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, st.booleans())
def test_json_is_strict_and_as_its_schema_says(text: str, verbose: bool) -> None:
    output = render("json", hostile(text), View(verbose=verbose, exit_code=1))
    assert output.isascii()
    document = json.loads(output)
    document_text = json.dumps(document, ensure_ascii=False)
    assert document_text.encode("utf-8")  # which refuses lone surrogates
    VALIDATOR.validate(document)


@given(ANY_TEXT)
def test_dumped_text_comes_back(text: str) -> None:
    back = json.loads(dumped(text))
    in_pairs = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert back == in_pairs.encode("utf-8", "backslashreplace").decode("utf-8")


def closed(schema: object) -> object:
    """`schema` with no key allowed that it does not name: what is printed must be documented."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if inner.get("type") == "object" and "properties" in inner:
        inner.setdefault("additionalProperties", False)
    return inner


VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))  # type: ignore[arg-type]


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("report", "view"), [case[2:] for case in SNAPSHOT_CASES])
def test_json_of_every_case_is_as_its_schema_says(report: Report, view: View) -> None:
    VALIDATOR.validate(json.loads(render("json", report, view)))


def removals(document: object) -> Iterator[object]:
    """`document` without one of its keys, for each key of the top level and of the first finding."""
    assert isinstance(document, dict)
    for key in document:
        yield {name: value for name, value in document.items() if name != key}
    for key in document["findings"][0]:
        yield {
            **document,
            "findings": [{name: value for name, value in document["findings"][0].items() if name != key}],
        }


def test_schema_requires_every_key() -> None:
    document = json.loads(render("json", REPORT, View(exit_code=1)))
    for without in removals(document):
        assert not VALIDATOR.is_valid(without)


def test_requirements_are_in_json_when_verbose() -> None:
    assert "requirements" not in json.loads(render("json", REPORT, View()))
    document = json.loads(render("json", REPORT, View(verbose=True)))
    assert len(document["requirements"]) == len(REPORT.requirements)
    assert [item["address"] for item in document["undecided"]] == ["orders.yaml#Orders"]


@settings(max_examples=30, deadline=None)
@given(st.permutations(REPORT.findings), st.permutations(REPORT.requirements), st.permutations(REPORT.skipped))
def test_output_does_not_depend_on_order(
    findings: list[Finding], requirements: list[Checked], skipped: list[Skipped]
) -> None:
    shuffled = REPORT._replace(findings=tuple(findings), requirements=tuple(requirements), skipped=tuple(skipped))
    for name in FORMATS:
        assert render(name, shuffled, View(verbose=True)) == render(name, REPORT, View(verbose=True))


@given(st.lists(st.sampled_from(["proven", "refuted", "undecided"]), max_size=60), st.booleans())
def test_nothing_is_dropped(answers: list[str], verbose: bool) -> None:
    requirements = tuple(
        UNDECIDED._replace(answer=answer, address=f"orders.yaml#R{number:03}")  # type: ignore[arg-type]
        for number, answer in enumerate(answers)
    )
    output = render("text", REPORT._replace(requirements=requirements, findings=()), View(verbose=verbose))
    told = sum(f"#R{number:03}" in output for number in range(len(answers)))
    if verbose:
        assert told == len(answers)
    else:
        hidden = output.partition("… and ")[2].partition(" more, -v")[0]
        assert told + int(hidden or 0) == answers.count("undecided")
    verdicts = ", ".join(f"{answers.count(answer)} {answer}" for answer in ("proven", "refuted", "undecided"))
    assert f": {verdicts} · no findings in 2 CloudFormation templates" in output


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=400),
    st.integers(-3, 410),
    st.integers(-3, 410),
)
def test_excerpt_underlines_what_it_should(line: str, start: int, end: int) -> None:
    part = excerpt(line, start, end)
    first, last = max(0, min(start, len(line))), max(0, min(end, len(line)))
    assert len(part.text) <= 102
    assert part.length >= 1
    under = part.text[part.offset : part.offset + part.length]
    expected = line[first : max(first, last)]
    assert expected.startswith(under.rstrip("…")) or not expected
    assert len(under.rstrip("…")) == len(part.text) - part.offset or len(under) >= min(len(expected.rstrip()), 70)


@pytest.mark.parametrize(
    ("line", "start", "end", "offset", "length"),
    [
        ("a漢字b", 3, 4, 5, 1),
        ("a漢字b", 1, 3, 1, 4),
        ("\uff21bc", 1, 2, 2, 1),
        ("\tkey: x", 1, 4, 4, 3),
        ("\x1b[0mkey", 4, 7, 7, 3),
        ("é" * 3 + "x", 3, 4, 3, 1),
        ("e\u0301x", 2, 3, 1, 1),
        ("short", 5, 5, 5, 1),
        ("", 0, 9, 0, 1),
    ],
)
def test_excerpt_counts_terminal_columns(line: str, start: int, end: int, offset: int, length: int) -> None:
    part = excerpt(line, start, end)
    assert (part.offset, part.length) == (offset, length)
    assert width(part.text) <= 102


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (20, 20), (21, 21), (22, 20)])
def test_a_list_is_cut_when_that_saves_lines(number: int, shown: int) -> None:
    requirements = tuple(UNDECIDED._replace(address=f"orders.yaml#R{index}") for index in range(number))
    output = render("text", Report(requirements=requirements), View())
    assert output.count("orders.yaml#R") == shown
    assert (f"… and {number - shown} more" in output) == (shown < number)


def test_severities_are_counted_in_the_last_line() -> None:
    findings = tuple(REFUTED_CALL._replace(severity=severity, address=severity) for severity in SEVERITIES)
    last = render("text", REPORT._replace(findings=findings), View()).rstrip().split("\n")[-1]
    assert "5 findings (1 critical, 1 high, 1 medium, 1 low, 1 note) in 2 CloudFormation templates" in last
