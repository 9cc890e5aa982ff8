"""SARIF: by its published schema, within what GitHub takes, and complete."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from sample_report import BASELINED, CLEAN_REPORT, IGNORED, REFUTED_CALL, REPORT, hostile, many
from test_formats import ANY_TEXT, SNAPSHOT_CASES
from whole_output import HOSTILE_TEXTS

from policy_audit.errors import AuditError
from policy_audit.findings import Mark, Report
from policy_audit.formats import View, render, sarif
from policy_audit.formats.sarif_places import physical, uri
from policy_audit.origin import Span
from policy_audit.rulebook.read import read_rules

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def log(report: Report, view: View = View(exit_code=1)) -> dict[str, Any]:  # noqa: B008 - immutable
    """The only run of the report's log, which is as the schema says."""
    document = json.loads(render("sarif", report, view))
    VALIDATOR.validate(document)
    (run,) = document["runs"]
    return dict(run)


def test_every_case_is_as_the_schema_says() -> None:
    for _, _, report, view in SNAPSHOT_CASES:
        log(report, view)


@settings(max_examples=12, deadline=None)
@given(ANY_TEXT)
def test_any_text_is_as_the_schema_says(text: str) -> None:
    log(hostile(text))


def test_the_schema_refuses_what_is_not_sarif() -> None:
    document = json.loads(render("sarif", REPORT, View()))
    for key in ("version", "runs"):
        assert not VALIDATOR.is_valid({name: value for name, value in document.items() if name != key})
    document["runs"][0]["results"][0]["message"] = "no object"
    assert not VALIDATOR.is_valid(document)


# ---- what it tells --------------------------------------------------------------------------------------------------


def by_rule(run: Mapping[str, Any]) -> dict[str, Any]:
    return {result["ruleId"]: result for result in run["results"]}


def test_a_result_is_traced_from_what_needs_it_to_what_decides() -> None:
    run = log(REPORT)
    result = by_rule(run)["execute-api-invoke"]
    (flow,) = result["codeFlows"]
    (thread,) = flow["threadFlows"]
    steps = [step["location"] for step in thread["locations"]]
    told = [(step["physicalLocation"]["region"]["startLine"], step["message"]["text"]) for step in steps]
    assert told[-1] == (16, f"required: {REFUTED_CALL.requirement}; state `ListOrders` calls it")
    assert told[:-1] == [(11, "grants another path")]
    request = thread["locations"][-1]["state"]
    assert request["action"]["text"] == "execute-api:Invoke"
    assert request["decision"]["text"] == "ImplicitlyDenied"
    assert [place["id"] for place in result["relatedLocations"]] == [1]
    assert "[line 11](1) grants another path" in result["message"]["text"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "execute-api-invoke"


def test_findings_on_one_line_are_two_alerts() -> None:
    """GitHub tells alerts of a rule and a file apart by this fingerprint alone."""
    other = REFUTED_CALL._replace(requirement="another", fingerprint="another")
    run = log(REPORT._replace(findings=(REFUTED_CALL, other), ignored=(), baselined=()))
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert sorted(prints) == sorted([REFUTED_CALL.fingerprint, "another"])


def test_ignored_findings_are_suppressed_and_say_why() -> None:
    results = by_rule(log(REPORT))
    (suppression,) = results[IGNORED.finding.rule]["suppressions"]
    assert (suppression["kind"], suppression["justification"]) == ("inSource", IGNORED.reason)
    assert suppression["location"]["physicalLocation"]["region"]["startLine"] == 12
    told = {rule: result["baselineState"] for rule, result in results.items()}
    assert told.pop(BASELINED.rule) == "unchanged"
    assert set(told.values()) == {"new"}
    external = REPORT._replace(ignored=(IGNORED._replace(in_source=False, span=None),), baselined=())
    results = by_rule(log(external))
    assert results[IGNORED.finding.rule]["suppressions"] == [{"kind": "external", "justification": IGNORED.reason}]
    assert not any("baselineState" in result for result in results.values())


def notices(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    (invocation,) = run["invocations"]
    told = invocation["toolExecutionNotifications"] + invocation["toolConfigurationNotifications"]
    kinds = run["tool"]["driver"]["notifications"]
    assert all(kinds[each["descriptor"]["index"]]["id"] == each["descriptor"]["id"] for each in told)
    return [(each["descriptor"]["id"], each["message"]["text"]) for each in told]


def test_what_is_no_result_is_a_notification() -> None:
    run = log(REPORT)
    told = notices(run)
    assert [kind for kind, _ in told] == [
        "incomplete",
        "not-audited",
        "not-audited",
        "not-audited",
        "undecided",
        "assumption",
        "assumption",
    ]
    assert told[0][1] == "broken.yaml: this is not YAML: a quote is not closed; close it"
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (1, False)


@pytest.mark.parametrize(
    ("report", "view", "successful", "kinds"),
    [
        (CLEAN_REPORT, View(), True, []),
        (CLEAN_REPORT, View(exit_code=1), True, []),
        (Report(), View(exit_code=3), False, ["error"]),
        (Report(), View(exit_code=2, errors=(AuditError("no"),)), False, ["error"]),
    ],
)
def test_an_audit_that_failed_says_so(report: Report, view: View, successful: bool, kinds: list[str]) -> None:
    run = log(report, view)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is successful
    assert [kind for kind, _ in notices(run)] == kinds


# ---- rules ----------------------------------------------------------------------------------------------------------


def test_every_rule_has_its_page_and_fits() -> None:
    rules = read_rules()
    run = log(REPORT._replace(asked=rules))
    descriptors = {each["id"]: each for each in run["tool"]["driver"]["rules"]}
    for rule in rules:
        found = descriptors[rule.id]
        page = Path(rule.file).with_suffix(".md").read_text(encoding="utf-8")
        assert found["help"]["markdown"] == page
        assert found["helpUri"] == rule.references[0]
        assert len(found["shortDescription"]["text"]) <= 1024
        assert found["properties"]["precision"] == rule.confidence
        scores = {"critical": (9.0, 10), "high": (7, 8.9), "medium": (4, 6.9), "low": (0.1, 3.9)}
        if rule.severity in scores:
            least, most = scores[rule.severity]
            assert least < float(found["properties"]["security-severity"]) <= most
        else:
            assert "security-severity" not in found["properties"]


# ---- what GitHub takes ----------------------------------------------------------------------------------------------


def within_limits(run: Mapping[str, Any], text: str) -> None:
    """https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit"""
    assert len(gzip.compress(text.encode())) < 10_000_000
    assert len(run["results"]) <= 25_000
    rules = run["tool"]["driver"]["rules"]
    assert len(rules) <= 25_000
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert len(rule["properties"]["tags"]) <= 10
        assert len(rule["name"]) <= 255
        for name in ("shortDescription", "fullDescription"):
            assert 0 < len(rule[name]["text"]) <= 1024
        assert rule["help"]["text"]
    for result in run["results"]:
        assert 1 <= len(result["locations"]) + len(result.get("relatedLocations", ())) <= 100
        steps = [step for flow in result.get("codeFlows", ()) for step in flow["threadFlows"][0]["locations"]]
        assert len(steps) <= 1_000
        assert result["message"]["text"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == region["endLine"]
        assert region["startColumn"] <= region["endColumn"]


def test_a_page_of_2000_findings_is_within_limits() -> None:
    report = many(2_000)._replace(asked=read_rules())
    text = render("sarif", report, View(exit_code=1))
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) == 2_000
    within_limits(run, text)
    assert not [kind for kind, _ in notices(run) if kind == "omitted"]


def test_one_monstrous_finding_is_within_limits() -> None:
    places = tuple(Mark(Span("a.yaml", line, 1, line, 2), "x" * 9_999) for line in range(1, 3_000))
    finding = REFUTED_CALL._replace(related=places, message="m" * 1_000_000, rule="r" * 9_999)
    report = REPORT._replace(findings=(finding,), asked=())
    text = render("sarif", report, View(exit_code=1))
    (run,) = json.loads(text)["runs"]
    within_limits(run, text)
    steps = by_rule(run)[finding.rule]["codeFlows"][0]["threadFlows"][0]["locations"]
    assert steps[-1]["location"]["physicalLocation"]["region"]["startLine"] == finding.location.line


def test_more_results_than_github_takes_lose_the_mildest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULTS", 3)
    mild = [REFUTED_CALL._replace(severity="low", requirement=str(number)) for number in range(5)]
    run = log(REPORT._replace(findings=(*mild, *REPORT.findings)))
    assert len(run["results"]) == 3
    assert {"api-callers", "execute-api-invoke"} < set(by_rule(run))
    assert [text for kind, text in notices(run) if kind == "omitted"] == ["7 results are left out, the mildest"]


# ---- hostile names --------------------------------------------------------------------------------------------------


def texts(document: object) -> Iterator[str]:
    """Every `text` of a message."""
    if isinstance(document, list):
        for item in document:
            yield from texts(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_text(text: str) -> None:
    run = log(hostile(text), View(exit_code=1, verbose=True))
    for told in texts(run):
        assert all(line.isprintable() for line in told.split("\n"))
        links = [part.partition(")")[0] for part in told.split("](")[1:]]
        assert set(links) <= {"1"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.yaml", "a.yaml"),
        ("./a//b.yaml", "a/b.yaml"),
        ("../a.yaml", "../a.yaml"),
        ("/tmp/a b.yaml", "file:///tmp/a%20b.yaml"),
        ("C:\\a\\b.yaml", "file:///C%3A/a/b.yaml"),
        ("a\\b.yaml", "a%5Cb.yaml"),
        ("https://evil/x", "https%3A/evil/x"),
        ("ä#?%.yaml", "%C3%A4%23%3F%25.yaml"),
        ("\udce9", "%ED%B3%A9"),
    ],
)
def test_paths_are_uris(path: str, expected: str) -> None:
    assert uri(path) == expected


def test_a_long_span_is_told_by_its_first_line() -> None:
    """GitHub shows an alert in a pull request only if all of its lines are in the difference."""
    place = physical(Span("a.yaml", 1, 3, 4, 9), {"a.yaml": ("  key:", "    x")})
    assert place["region"] == {"startLine": 1, "startColumn": 3, "endLine": 1, "endColumn": 7}
    assert place["contextRegion"] == {"startLine": 1, "startColumn": 3, "endLine": 4, "endColumn": 9}
