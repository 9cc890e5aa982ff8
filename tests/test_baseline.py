"""The baseline: written, read and pruned; only new findings count, and a fixed one does not come back unseen."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from policy_audit.audit import audit
from policy_audit.baseline import read_baseline, written
from policy_audit.cli import commands, main
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, USAGE, AuditError
from policy_audit.findings import exit_code
from policy_audit.options import Options

ESTATE = Path(__file__).parent.parent / "fixtures" / "estate"
SLOW = ("TimeoutSeconds: 30", "TimeoutSeconds: 120")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The estate in a folder of its own, the current one, with a timeout that is too long."""
    (tmp_path / ".git").mkdir()
    for file in ESTATE.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    edit(*SLOW)
    return tmp_path


def edit(old: str, new: str, name: str = "workflows.yaml") -> None:
    text = Path(name).read_text(encoding="utf-8")
    assert old in text
    Path(name).write_text(text.replace(old, new), encoding="utf-8")


def run(*arguments: str) -> int:
    return main(arguments)


def entries() -> list[dict[str, str]]:
    document = json.loads(Path("policy_audit_baseline.json").read_text(encoding="utf-8"))
    assert document["version"] == "1"
    return list(document["findings"])


def test_only_new_findings_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--fail-on", "low") == FINDINGS
    assert run("baseline", "write") == CLEAN
    (entry,) = entries()
    assert (entry["rule"], entry["address"]) == ("http-task-timeout", "workflows.yaml#LedgerWorkflow")
    capsys.readouterr()
    assert run("check", "--fail-on", "low") == CLEAN
    assert "no findings in 2 CloudFormation templates · 1 in the baseline" in capsys.readouterr().out
    edit("AuthorizationType: AWS_IAM", "AuthorizationType: NONE", "network.yaml")
    assert run("check", "--fail-on", "low") == FINDINGS
    assert "http-task-timeout" not in capsys.readouterr().out
    assert run("check", "--fail-on", "low", "--no-baseline") == FINDINGS
    assert "low[http-task-timeout]" in capsys.readouterr().out


def test_lines_may_move(folder: Path) -> None:
    run("baseline", "write")
    for name in ("workflows.yaml", "network.yaml"):
        Path(name).write_text("# one more\n# line\n" + Path(name).read_text(encoding="utf-8"), encoding="utf-8")
    assert run("check", "--fail-on", "low") == CLEAN


def test_a_fixed_finding_may_not_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    run("baseline", "write")
    edit(*reversed(SLOW))
    assert run("check") == FINDINGS
    assert "medium[baseline-fixed]" in capsys.readouterr().out
    assert run("baseline", "prune") == CLEAN
    assert "holds 0 now, 1 less than before" in capsys.readouterr().out
    assert run("check", "--fail-on", "low") == CLEAN
    edit(*SLOW)
    assert run("check", "--fail-on", "low") == FINDINGS


def test_prune_adds_nothing_and_keeps_what_is_found() -> None:
    run("baseline", "write")
    edit("AuthorizationType: AWS_IAM", "AuthorizationType: NONE", "network.yaml")
    before = entries()
    run("baseline", "prune")
    assert entries() == before


def test_as_many_as_the_baseline_holds() -> None:
    (one,) = (finding for finding in audit(["."]).findings)
    Path("twice.json").write_text(written([one, one], ""), encoding="utf-8")
    assert len(audit(["."], Options(baseline="twice.json")).baselined) == 1
    Path("none.json").write_text(written([], ""), encoding="utf-8")
    assert audit(["."], Options(baseline="none.json")).findings == (one,)


def test_a_part_of_the_estate_says_nothing_of_the_rest(folder: Path) -> None:
    """With one file alone, requirements that need the other are not asked: their findings are not fixed."""
    edit("AuthorizationType: AWS_IAM", "AuthorizationType: NONE", "network.yaml")
    run("baseline", "write")
    known = entries()
    assert {one["address"].split("#")[0] for one in known} == {"network.yaml", "workflows.yaml"}
    for name in ("workflows.yaml", "network.yaml"):
        report = audit([name], Options(baseline="policy_audit_baseline.json"))
        assert "baseline-fixed" not in {one.rule for one in report.findings}
        run("baseline", "prune", name)
        assert entries() == known


def test_a_resource_and_a_file_that_are_gone_are_fixed(folder: Path) -> None:
    run("baseline", "write")
    edit("LedgerWorkflow", "BalanceWorkflow")
    report = audit(["."], Options(baseline="policy_audit_baseline.json"))
    assert [one.rule for one in report.findings if one.rule.startswith("baseline")] == ["baseline-fixed"]
    Path("workflows.yaml").unlink()
    run("baseline", "prune")
    assert entries() == []


def test_it_is_the_same_from_every_folder_of_the_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("baseline", "write")
    (folder / "inner").mkdir()
    monkeypatch.chdir(folder / "inner")
    assert run("check", "..", "--fail-on", "low") == CLEAN
    before = (folder / "policy_audit_baseline.json").read_text()
    assert run("baseline", "write", "..") == CLEAN
    assert (folder / "policy_audit_baseline.json").read_text() == before


def test_what_is_ignored_stays_out() -> None:
    edit(SLOW[1], f"{SLOW[1]}  # policy-audit: ignore[http-task-timeout] slow")
    run("baseline", "write")
    assert entries() == []


def test_an_incomplete_audit_changes_no_baseline(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("baseline", "write")
    (folder / "broken.yaml").write_text("Resources: {Type: '::\n")
    before = entries()
    assert run("baseline", "write") == INCOMPLETE
    assert run("baseline", "prune") == INCOMPLETE
    assert entries() == before
    assert "the audit is incomplete" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("{", "b.json:1:2", None),
        ("[]", "b.json:1:1", "this is no baseline of version 1"),
        ('{"version": "2", "findings": []}', "b.json:1:13", "this is no baseline of version 1"),
        ('{"version": "1", "findings": [1]}', "b.json:1:31", None),
        ('{"version": "1", "findings": [{"rule": "x"}]}', "b.json:1:31", None),
    ],
)
def test_what_is_no_baseline(text: str, where: str, message: str | None) -> None:
    Path("b.json").write_text(text)
    with pytest.raises(AuditError) as caught:
        read_baseline("b.json")
    assert (caught.value.exit_code, caught.value.where) == (USAGE, where)
    assert message is None or caught.value.message == message
    assert run("check", "--baseline", "b.json") == USAGE


def test_a_baseline_that_is_not_there() -> None:
    assert run("check", "--baseline", "none.json") == USAGE


def test_the_configuration_names_it(folder: Path) -> None:
    (folder / "policy_audit.yaml").write_text("baseline: known/findings.json\nfail-on: low\n")
    (folder / "known").mkdir()
    assert run("baseline", "write") == CLEAN
    assert run("check") == CLEAN
    assert not (folder / "policy_audit_baseline.json").exists()


def test_what_the_baseline_holds_is_in_the_report() -> None:
    run("baseline", "write")
    found = CliRunner().invoke(commands, ["check", "--format", "json"])
    document = json.loads(found.output)
    assert [one["rule"] for one in document["baselined"]] == ["http-task-timeout"]
    assert document["findings"] == []
    assert exit_code(audit(["."], Options(baseline="policy_audit_baseline.json")), "low") == CLEAN


def test_what_the_baseline_holds_is_not_mended() -> None:
    fixing = Options(fixes="unsafe")
    report = audit(["."], fixing)
    assert {one.finding.rule for one in report.repairs} == {"http-task-timeout"}
    Path("known.json").write_text(written(report.findings, ""), encoding="utf-8")
    assert audit(["."], fixing._replace(baseline="known.json")).repairs == ()
