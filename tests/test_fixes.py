"""Fixes in place: afterwards the finding is gone, no other appears, and the file differs only where it must."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_fixtures import FIXTURES, read

from policy_audit.audit import audit
from policy_audit.cli import main
from policy_audit.errors import CLEAN, FINDINGS
from policy_audit.findings import Edit, Finding, Report
from policy_audit.fixes import edited
from policy_audit.options import Options
from policy_audit.origin import Span

FIXABLE = {
    "http-task-timeout": "safe",
    "ignore-unused": "safe",
    "execute-api-root-slash": "unsafe",
    "execute-api-any-method": "unsafe",
    "policy-action-typo": "unsafe",
}
"""The rules that have fixes, and of which kind."""
NO_FIX = {"metadata.yaml", "in-a-key-policy.yaml", "eventsv2.yaml", "from-the-input.yaml"}
BAD = [path for rule in FIXABLE for path in sorted((FIXTURES / rule / "bad").glob("*.yaml"))]


def findings(report: Report) -> list[tuple[str, str, str]]:
    return sorted((one.rule, one.address, one.requirement) for one in report.findings)


@pytest.mark.parametrize("path", BAD, ids=[f"{path.parent.parent.name}/{path.stem}" for path in BAD])
def test_every_bad_fixture_of_a_rule_with_fixes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = path.parent.parent.name
    fixture = read(path)
    for name, text in fixture.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = fixture.options._replace(fixes="unsafe")
    before = audit(["."], options)
    mended = [one for edits in before.edits.values() for one in edits.findings]
    if not mended:
        assert path.name in NO_FIX
        return
    assert {one.rule for one in mended} == {rule}
    assert all(one.fix is not None and one.fix.safe == (FIXABLE[rule] == "safe") for one in mended)
    # Safe fixes alone change nothing of a rule whose fixes are not.
    assert bool(audit(["."], fixture.options._replace(fixes="safe")).edits) == (FIXABLE[rule] == "safe")
    for name, edits in before.edits.items():
        text = Path(name).read_text(encoding="utf-8")
        after = edited(text, edits.edits)
        changed = [pair for pair in zip(text.splitlines(), after.splitlines(), strict=False) if pair[0] != pair[1]]
        if len(text.splitlines()) == len(after.splitlines()):
            assert len(changed) == len(edits.edits)
        Path(name).write_text(after, encoding="utf-8")
    now = audit(["."], options)
    gone = {(one.rule, one.address, one.requirement) for one in mended}
    assert not gone & set(findings(now))
    assert set(findings(now)) <= set(findings(before))


# ---- edits ----------------------------------------------------------------------------------------------------------


def span(line: int, column: int, end_line: int, end_column: int) -> Span:
    return Span("a", line, column, end_line, end_column)


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("ab\ncd\n", [Edit(span(2, 1, 2, 2), "X")], "ab\nXd\n"),
        ("ab\r\ncd\r\n", [Edit(span(2, 1, 2, 2), "X")], "ab\r\nXd\r\n"),
        ("\ufeffab\ncd", [Edit(span(1, 1, 1, 2), "X")], "\ufeffXb\ncd"),
        ("ab\rcd", [Edit(span(1, 3, 2, 1), "")], "abcd"),
        ("a\x0bb\u2028c\nd", [Edit(span(2, 1, 2, 2), "X")], "a\x0bb\u2028c\nX"),
        ("abc", [Edit(span(1, 1, 1, 2), "1"), Edit(span(1, 3, 1, 4), "3")], "1b3"),
        ("a", [Edit(span(1, 2, 1, 2), "b")], "ab"),
        ("a\nb\nc", [Edit(span(2, 1, 3, 1), "")], "a\nc"),
    ],
)
def test_edits(text: str, edits: list[Edit], expected: str) -> None:
    assert edited(text, edits) == expected


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The estate with two timeouts that are too long, one of them ignored in vain; the current folder."""
    for file in (FIXTURES / "estate").glob("*.yaml"):
        shutil.copy(file, tmp_path)
    path = tmp_path / "workflows.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("TimeoutSeconds: 30") == 1
    path.write_text(text.replace("TimeoutSeconds: 30", "TimeoutSeconds: 120  # seconds"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return main(["check", "--no-cache", "--fail-on", "low", *arguments])


def test_fix_mends_in_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("workflows.yaml").read_text(encoding="utf-8")
    assert run() == FINDINGS
    capsys.readouterr()
    assert run("--fix") == CLEAN
    assert capsys.readouterr().err == "1 finding mended in 1 file\n"
    after = Path("workflows.yaml").read_text(encoding="utf-8")
    assert after == before.replace("TimeoutSeconds: 120  # seconds", "TimeoutSeconds: 60  # seconds")
    assert run("--fix") == CLEAN


def test_line_ends_and_a_byte_order_mark_stay(folder: Path) -> None:
    path = Path("workflows.yaml")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    assert run("--fix") == CLEAN
    assert path.read_bytes() == before.replace(b"TimeoutSeconds: 120", b"TimeoutSeconds: 60")


def test_diff_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("workflows.yaml").read_text(encoding="utf-8")
    assert run("--diff") == FINDINGS
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["--- workflows.yaml", "+++ workflows.yaml"]
    assert [line.strip() for line in out.splitlines()[3:]] == [
        "-            TimeoutSeconds: 120  # seconds",
        "+            TimeoutSeconds: 60  # seconds",
    ]
    assert Path("workflows.yaml").read_text(encoding="utf-8") == before
    assert run("--fix") == CLEAN
    capsys.readouterr()
    assert run("--diff") == CLEAN
    assert capsys.readouterr().out == ""


def test_mending_one_thing_brings_another_to_light(folder: Path) -> None:
    """The ignore covers the finding; without the finding, it covers nothing."""
    path = Path("workflows.yaml")
    text = path.read_text(encoding="utf-8").replace(
        "# seconds", "# policy-audit: ignore[http-task-timeout, expires=2001-01-01]"
    )
    path.write_text(text, encoding="utf-8")
    assert run("--fix") == FINDINGS  # An ignore that has expired is for people to decide on.
    assert "TimeoutSeconds: 60" in path.read_text(encoding="utf-8")


STATE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::http:invoke",
    "Parameters": {"Headers": {"X-Key": "hunter2hunter2"}},
    "TimeoutSeconds": 120,
    "End": True,
}


def test_secrets_are_masked_in_a_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All on one line, and so in the diff."""
    definition = {"StartAt": "Call", "States": {"Call": STATE}}
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/x", "Definition": definition}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    (tmp_path / "app.json").write_text(json.dumps({"Resources": {"Machine": machine}}), encoding="utf-8")
    assert run("--diff", str(tmp_path)) == FINDINGS
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert '"TimeoutSeconds": 120' in out
    assert '"TimeoutSeconds": 60' in out


def test_a_hook_stops_a_commit_until_it_is_mended(folder: Path) -> None:
    """A real repository, and a real hook of git's that runs the command as pre-commit would."""
    git("init", "-q")
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m policy_audit check --no-cache --fail-on low --changed *.yaml\n'
    )
    hook.chmod(0o755)
    git("add", "*.yaml")
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "orders"]
    stopped = subprocess.run(commit, capture_output=True, text=True)
    assert stopped.returncode == 1
    assert "low[http-task-timeout]" in stopped.stdout + stopped.stderr
    assert run("--fix") == CLEAN
    git("add", "*.yaml")
    assert subprocess.run(commit, capture_output=True, text=True).returncode == 0


def git(*arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    files = [str(path.name) for path in Path().glob("*.yaml")] if "*.yaml" in arguments else []
    plain = [one for one in arguments if one != "*.yaml"]
    subprocess.run(["git", *plain, *files], check=True, capture_output=True, env=environment)


def fixable(report: Report) -> list[Finding]:
    return [one for edits in report.edits.values() for one in edits.findings]


def test_what_a_program_wrote_is_not_mended() -> None:
    from policy_audit.fixes import GENERATED
    from policy_audit.sources import account, cdk

    assert {cdk.FORM, account.FORM} <= GENERATED
    assert fixable(audit([str(FIXTURES / "forms" / "cdk")], Options(fixes="unsafe"))) == []
