"""What users leave out: what each form of ignore covers, how long, and that nothing else is left out."""

from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Finding, Report, exit_code
from policy_audit.model.ignores import Ignore
from policy_audit.model.node import Node
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.sources.stretches import Stretches

SLOW = "http-task-timeout"
TEMPLATE = """\
Resources:
  Ledger:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::123456789012:role/ledger
      Definition:
        StartAt: Read
        States:
          Read:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            TimeoutSeconds: 120
            Next: Write
          Write:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            TimeoutSeconds: 240
            End: true
"""


def audited(folder: Path, text: str, options: Options = Options(), name: str = "app.yaml") -> Report:  # noqa: B008
    (folder / name).write_text(text, encoding="utf-8")
    return audit([name], options)


def told(report: Report) -> list[str]:
    """The values that the findings of interest point at, and the rules of those about ignores."""
    return sorted(
        one.message.split(" s,")[0].split()[-1] if one.rule == SLOW else one.rule
        for one in report.findings
        if one.rule in (SLOW, "ignore-form", "ignore-expired", "ignore-unused")
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


BOTH = ["120", "240"]
COMMENTS = [
    # The comment, what stands before it in the template, whether it is on a line of its own, and what is still told.
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout] slow", ["240"]),
    ("TimeoutSeconds: 120", "  #policy-audit:ignore[http-task-timeout]", ["240"]),
    ("TimeoutSeconds: 120", "  # told # policy-audit: ignore[ http-task-timeout ,] slow", ["240"]),
    ("          Read:", "  # policy-audit: ignore[http-task-timeout] the state", ["240"]),
    ("        States:", "  # policy-audit: ignore[http-task-timeout] both states", []),
    ("  Ledger:", "  # policy-audit: ignore[http-task-timeout] the whole machine", []),
    ("Resources:", "  # policy-audit: ignore[http-task-timeout] everything", []),
    ("        States:", "\n          # policy-audit: ignore[http-task-timeout] the next line", ["240"]),
    ("        States:", "\n          # policy-audit: ignore[http-task-timeout]\n\n          # more\n", ["240"]),
    ("Next: Write", "\n            # policy-audit: ignore[http-task-timeout] of the next state", ["120"]),
    (
        "            Type: Task",
        "  # policy-audit: ignore[http-task-timeout]",
        [*BOTH, "ignore-unused", "ignore-unused"],
    ),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[rest-api-public]", [*BOTH, "ignore-unused"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout, rest-api-public]", ["240", "ignore-unused"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout, expires=2026-11-21] x", ["240"]),
    (
        "TimeoutSeconds: 120",
        "  # policy-audit: ignore[http-task-timeout, expires=2026-11-20] x",
        [*BOTH, "ignore-expired"],
    ),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout, expires=soon] x", [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout, expires=20261121]", [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout, until=2027-01-01]", [*BOTH, "ignore-form"]),
    (
        "TimeoutSeconds: 120",
        "  # policy-audit: ignore[http-task-timeout, action=states:StartExecution]",
        [*BOTH, "ignore-unused"],
    ),
    (
        "TimeoutSeconds: 120",
        '  # policy-audit: ignore[http-task-timeout, requirement="x, y"]',
        [*BOTH, "ignore-unused"],
    ),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[]", [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore http-task-timeout", [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", "  # policy-audit: ignore[http-task-timeout", [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", '  # policy-audit: ignore[http-task-timeout" x]', [*BOTH, "ignore-form"]),
    ("TimeoutSeconds: 120", "  # policy-audit: disable[http-task-timeout]", [*BOTH, "ignore-form"]),
    ("Resource: arn:aws:states:::http:invoke", "  # see policy-audit: ignore[http-task-timeout]", BOTH),
]


@pytest.mark.parametrize(("after", "comment", "left"), COMMENTS, ids=[comment.strip() for _, comment, _ in COMMENTS])
def test_comments(tmp_path: Path, after: str, comment: str, left: list[str]) -> None:
    text = TEMPLATE.replace(f"{after}\n", f"{after}{comment}\n")
    assert text != TEMPLATE
    assert told(audited(tmp_path, text, Options(today="2026-11-21"))) == left


def test_a_comment_in_a_text_is_none(tmp_path: Path) -> None:
    text = TEMPLATE.replace(
        "TimeoutSeconds: 120",
        'TimeoutSeconds: 120\n            Comment: "say # policy-audit: ignore[http-task-timeout]"',
    )
    assert told(audited(tmp_path, text)) == BOTH


def test_what_is_ignored_is_told_with_reason_and_place(tmp_path: Path) -> None:
    report = audited(
        tmp_path, TEMPLATE.replace("120\n", "120  # policy-audit: ignore[http-task-timeout]  slow, told\n")
    )
    (one,) = report.ignored
    assert (one.finding.rule, one.reason, one.in_source) == (SLOW, "slow, told", True)
    assert one.span == Span("app.yaml", 12, 34, 12, 35)
    assert one.finding not in report.findings
    # The requirement itself is told as it is: not met.
    assert sum(line.rule == SLOW and line.answer == "refuted" for line in report.requirements) == 2


METADATA = [
    ("{ignore: [{rule: http-task-timeout, reason: slow}]}", []),
    ("{ignore: {rule: [http-task-timeout], reason: slow}}", []),
    ("{ignore: http-task-timeout}", []),
    ("{ignore: [{rule: http-task-timeout, expires: 2026-11-20}]}", [*BOTH, "ignore-expired"]),
    ("{ignore: [{rule: http-task-timeout, expires: '2026-11-21'}]}", []),
    ("{ignore: [{rule: rest-api-public}]}", [*BOTH, "ignore-unused"]),
    ("{ignore: [{rule: http-task-timout}]}", [*BOTH, "ignore-form"]),
    ("{ignore: [{rules: http-task-timeout}]}", [*BOTH, "ignore-form"]),
    ("{ignore: [{rule: http-task-timeout, reason: [a]}]}", [*BOTH, "ignore-form"]),
    ("{ignore: [[http-task-timeout]]}", [*BOTH, "ignore-form"]),
    ("{ignored: [http-task-timeout]}", [*BOTH, "ignore-form"]),
    ("http-task-timeout", [*BOTH, "ignore-form"]),
    ("{ignore: []}", BOTH),
]


@pytest.mark.parametrize(("said", "left"), METADATA)
@pytest.mark.parametrize("where", ["resource", "template"])
def test_metadata(tmp_path: Path, said: str, left: list[str], where: str) -> None:
    if where == "resource":
        text = TEMPLATE.replace("  Ledger:\n", f"  Ledger:\n    Metadata: {{policy-audit: {said}}}\n")
    else:
        text = f"Metadata: {{policy-audit: {said}}}\n" + TEMPLATE
    assert told(audited(tmp_path, text, Options(today="2026-11-21"))) == left


def test_metadata_of_another_resource_covers_nothing(tmp_path: Path) -> None:
    other = "  Topic: {Type: 'AWS::SNS::Topic', Metadata: {policy-audit: {ignore: http-task-timeout}}}\n"
    assert told(audited(tmp_path, TEMPLATE + other)) == [*BOTH, "ignore-unused"]


def entry(address: str, expires: str = "", requirement: str = "") -> Ignore:
    place = Span("policy_audit.yaml", 2, 3, 2, 9)
    return Ignore(SLOW, address, place, (address,), (), "slow", expires, "", requirement, in_source=False)


CONFIGURED = [
    (entry("app.yaml#Ledger"), []),
    (entry("app.yaml#*"), []),
    (entry("*#Ledger"), []),
    (entry("app.yaml#Ledge"), [*BOTH, "ignore-unused"]),
    (entry("app.yaml#Ledger", expires="2026-11-20"), [*BOTH, "ignore-expired"]),
    (entry("app.yaml#Ledger", requirement="state `Read`: an HTTP Task's timeout is at most 60 seconds"), ["240"]),
    # Of files that are not audited here nothing is known.
    (entry("other.yaml#Ledger"), BOTH),
    (entry("arn:aws:states:eu-west-1:123456789012:stateMachine:ledger"), BOTH),
]


@pytest.mark.parametrize(("said", "left"), CONFIGURED, ids=[one.address for one, _ in CONFIGURED])
def test_entries_of_the_configuration(tmp_path: Path, said: Ignore, left: list[str]) -> None:
    (tmp_path / "policy_audit.yaml").write_text("ignore:\n  - {address: app.yaml, rule: http-task-timeout}\n")
    (tmp_path / "policy_audit.yaml").write_text("ignore:\n  - {address: app.yaml, rule: http-task-timeout}\n")
    assert told(audited(tmp_path, TEMPLATE, Options(today="2026-11-21", ignores=(said,)))) == left


def test_an_ignore_of_what_is_undecided_is_in_use(tmp_path: Path) -> None:
    """With --strict it hides a finding; without, it is not told to be of no use."""
    text = TEMPLATE.replace(
        "TimeoutSeconds: 120", "TimeoutSecondsPath: $.seconds  # policy-audit: ignore[http-task-timeout]"
    )
    assert told(audited(tmp_path, text)) == ["240"]
    report = audited(tmp_path, text, Options(strict=True))
    assert [one.finding.answer for one in report.ignored] == ["undecided"]


def test_an_ignore_of_a_disabled_rule_is_not_held_against_it(tmp_path: Path) -> None:
    text = TEMPLATE.replace("  Ledger:", "  Ledger:  # policy-audit: ignore[http-task-timeout]")
    assert told(audited(tmp_path, text, Options(disabled=frozenset([SLOW])))) == []


def test_what_is_ignored_fails_no_audit(tmp_path: Path) -> None:
    text = TEMPLATE.replace("Resources:", "Resources:  # policy-audit: ignore[http-task-timeout] slow")
    report = audited(tmp_path, text)._replace(skipped=())
    assert exit_code(only(report, SLOW), "low") == 0
    assert exit_code(only(audited(tmp_path, TEMPLATE), SLOW), "low") == 1


def only(report: Report, rule: str) -> Report:
    return report._replace(findings=tuple(one for one in report.findings if one.rule == rule), skipped=())


def test_severities_of_the_configuration(tmp_path: Path) -> None:
    report = audited(tmp_path, TEMPLATE, Options(severities={SLOW: "critical"}))
    assert {one.severity for one in report.findings if one.rule == SLOW} == {"critical"}


def test_a_fingerprint_is_the_same_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "app.yaml").write_text(TEMPLATE)

    def fingerprints(path: str, root: str) -> set[str]:
        return {one.fingerprint for one in audit([path], Options(root=root)).findings}

    expected = fingerprints("templates/app.yaml", "")
    assert fingerprints(str(tmp_path / "templates" / "app.yaml"), str(tmp_path)) == expected
    monkeypatch.chdir(tmp_path / "templates")
    assert fingerprints("app.yaml", "..") == expected
    assert fingerprints("app.yaml", "") != expected


def test_comments_of_an_asl_file_count(tmp_path: Path) -> None:
    (tmp_path / "ledger.asl.yaml").write_text(
        "StartAt: Read\nStates:\n  Read:\n    Type: Task\n    Resource: arn:aws:states:::http:invoke\n"
        "    TimeoutSeconds: 120  # policy-audit: ignore[http-task-timeout] slow\n    End: true\n"
    )
    report = audit(["ledger.asl.yaml"])
    assert [one.finding.rule for one in report.ignored] == [SLOW]


def located(report: Report) -> list[Finding]:
    return [one for one in report.findings if one.rule.startswith("ignore-")]


def test_a_finding_about_an_ignore_shows_where_it_stands(tmp_path: Path) -> None:
    report = audited(
        tmp_path, TEMPLATE.replace("Next: Write", "Next: Write  # policy-audit: ignore[rest-api-public] old")
    )
    (one,) = located(report)
    assert str(one.location) == "app.yaml:13:26"
    assert "ignore[rest-api-public]" in report.texts["app.yaml"][12]


def test_documents_are_searched_once_for_all_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a comment is about is looked for in every document: once for all of them, or the work is squared."""
    for number in range(5):
        text = TEMPLATE.replace("TimeoutSeconds: 120", "TimeoutSeconds: 120  # policy-audit: ignore[http-task-timeout]")
        (tmp_path / f"app{number}.yaml").write_text(text.replace("Ledger", f"Ledger{number}"), encoding="utf-8")
    searched: list[int] = []
    walk = Stretches._walk

    def counted(self: Stretches, document: Node) -> None:
        searched.append(id(document))
        walk(self, document)

    monkeypatch.setattr(Stretches, "_walk", counted)
    assert len(audit(["."]).ignored) == 5
    assert len(searched) == len(set(searched)) > 0
