"""Reports in files: written beside standard output, whatever becomes of it, and over nothing that is audited."""

# ruff: noqa: F811 - a fixture that is imported is named like the argument it becomes

import os
from pathlib import Path

import pytest
from sample_report import CLEAN_REPORT, REPORT
from test_cli import Audits, Run, audits, run  # noqa: F401

from policy_audit.errors import AuditError
from policy_audit.findings import Report, Skipped, Target
from policy_audit.formats import FORMATS, View, render

VIEW = View(exit_code=1)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_every_format_can_be_written_in_one_run(run: Run, audits: Audits) -> None:
    audits(REPORT)
    ended = run("check", "--color", "always", *(word for name in FORMATS for word in ("--output", f"{name}=a.{name}")))
    assert (ended.code, ended.err) == (1, "")
    assert ended.out == render("text", REPORT, View(exit_code=1, color=True))
    for name in FORMATS:
        assert Path(f"a.{name}").read_bytes().decode() == render(name, REPORT, VIEW)


def test_standard_output_gets_the_format(run: Run, audits: Audits) -> None:
    audits(REPORT)
    ended = run("check", "--format", "sarif", "--output", "text=a=b.txt", "--fail-on", "critical")
    assert ended.out == render("sarif", REPORT, View(exit_code=1, fail_on="critical"))
    assert Path("a=b.txt").read_text().startswith("critical[api-callers]")


def test_a_report_is_written_anew(run: Run, audits: Audits) -> None:
    audits(REPORT)
    Path("a.json").write_text("x" * 999_999)
    run("check", "--output", "json=a.json")
    assert Path("a.json").read_text() == render("json", REPORT, VIEW)


def test_an_error_stands_in_every_report(run: Run, audits: Audits) -> None:
    audits(AuditError("unknown key `regoin`", where="policy_audit.yaml:3:1"))
    ended = run("check", *(word for name in FORMATS for word in ("--output", f"{name}=a.{name}")))
    assert (ended.code, ended.out) == (2, "")
    for name in FORMATS:
        assert "regoin" in Path(f"a.{name}").read_text(), name


def test_an_error_is_told_once_to_a_person(run: Run, audits: Audits) -> None:
    audits(AuditError("no"))
    for name in FORMATS:
        ended = run("check", "--format", name)
        assert (ended.code, ended.err) == (2, "error: no\n")
        assert bool(ended.out) == (name not in {"text", "concise"})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_report_that_cannot_be_written_is_an_error_and_keeps_no_other_from_it(run: Run, audits: Audits) -> None:
    audits(REPORT)
    ended = run("check", "--output", "sarif=/dev/full", "--output", "json=a.json")
    assert ended.code == 4
    assert ended.err == "error: the report cannot be written: no space left on device\n --> /dev/full\n"
    assert ended.out == render("text", REPORT, VIEW)
    assert Path("a.json").read_text() == render("json", REPORT, VIEW)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_a_folder_without_permission_is_told_before_the_audit(run: Run, audits: Audits) -> None:
    asked = audits(REPORT)
    Path("locked").mkdir(mode=0o500)
    ended = run("check", "--output", "sarif=locked/a.json")
    assert (ended.code, ended.out) == (2, "")
    assert "`locked/a.json` cannot be written" in ended.err
    assert not asked.calls


@pytest.mark.parametrize(
    "report", [CLEAN_REPORT._replace(targets=(Target("a.yaml", "CloudFormation template"),)), None]
)
def test_no_template_is_written_over(run: Run, audits: Audits, report: Report | None) -> None:
    Path("a.yaml").write_text("Resources: {}\n")
    audits(report or Report(skipped=(Skipped("a.yaml", "this is not YAML", broken=True),)))
    for paths in ((), ("a.yaml",)):
        ended = run("check", *paths, "--output", "json=./a.yaml")
        assert (ended.code, ended.out) == (2, "")
        assert "would be written over `./a.yaml`, which is audited" in ended.err
    assert Path("a.yaml").read_text() == "Resources: {}\n"


def test_a_template_is_not_written_over_by_an_error(run: Run, audits: Audits) -> None:
    Path("a.yaml").write_text("Resources: {}\n")
    audits(AuditError("no"))
    assert run("check", "a.yaml", "--output", "json=a.yaml").code == 2
    assert Path("a.yaml").read_text() == "Resources: {}\n"


# ---- the summary of a job -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("--format", "github"), True),
        (("--output", "github=log.txt"), True),
        (("--format", "markdown"), False),
        ((), False),
    ],
)
def test_github_gets_a_summary_of_the_job(
    run: Run, audits: Audits, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], written: bool
) -> None:
    audits(REPORT)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("# another step\n")
    assert run("check", *arguments).code == 1
    expected = render("markdown", REPORT, VIEW) if written else ""
    assert Path("summary.md").read_text() == f"# another step\n{expected}"


def test_a_file_name_of_half_characters_is_written(run: Run, audits: Audits) -> None:
    audits(CLEAN_REPORT._replace(targets=(Target("a\udce9.yaml", "CloudFormation template"),)))
    assert run("check", "--output", "text=a.txt", "--output", "markdown=a.md").code == 0
    assert Path("a.txt").read_text().startswith("1 requirement")
