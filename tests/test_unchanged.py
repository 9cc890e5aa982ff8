"""A run over what has not changed prints what it printed, and one over anything else is made anew."""

import builtins
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from policy_audit import cli, unchanged
from policy_audit.errors import CLEAN, FINDINGS, USAGE
from policy_audit.unchanged import Printed, Watch, looked_at, printed

FIXTURES = Path(__file__).parent.parent / "fixtures"
LATER = 10_000_000_000
"""Nanoseconds after which no file of a test has just been written."""


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current folder, and a command that keeps what it prints, as it does outside the tests, a while later."""
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.setattr(cli, "printed", printed)
    monkeypatch.setattr(cli, "Watch", Watch)
    monkeypatch.setattr(unchanged, "time_ns", lambda: time_ns() + LATER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def again(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `check` and returns what it printed; with `audits`, tells as well that it was made anew, or was not."""

    def run(*arguments: str, audits: bool, code: int = CLEAN) -> str:
        made: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cli, "_check", _counting(cli._check, made))
            assert cli.main(["check", *arguments]) == code
        assert bool(made) is audits
        return capsys.readouterr().out

    return run


def _counting(check: Callable[..., Printed], made: list[int]) -> Callable[..., Printed]:
    def counted(*arguments: Any, **named: Any) -> Printed:
        made.append(1)
        return check(*arguments, **named)

    return counted


def small(project: Path) -> Path:
    """A template with a workflow and its definition in a file of its own."""
    template = project / "flow.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Flow:\n    Type: AWS::Serverless::StateMachine\n"
        "    Properties: {DefinitionUri: flow.asl.json, Type: STANDARD}\n",
        encoding="utf-8",
    )
    (project / "flow.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}', encoding="utf-8")
    return template


# ---- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["text", "json", "sarif", "markdown"])
def test_the_same_run_prints_the_same_without_an_audit(keeping: Path, again: Callable[..., str], output: str) -> None:
    small(keeping)
    first = again("--format", output, audits=True)
    assert first
    assert again("--format", output, audits=False) == first
    assert again("--format", output, "--no-cache", audits=True) == first


def test_findings_keep_their_exit_code(keeping: Path, again: Callable[..., str]) -> None:
    # Its role is SAM's own, which may not set up its logs.
    _rewritten(small(keeping), "Type: STANDARD}", "Logging: {Level: ALL}}")
    first = again(audits=True, code=FINDINGS)
    assert "state-machine-logging" in first
    assert again(audits=False, code=FINDINGS) == first


@pytest.mark.parametrize(
    "arguments",
    [
        ("--parameter", "Secret=hunter2", "--fail-on", "never"),
        ("--changed", "flow.yaml"),
        ("--fix",),
        ("--output", "json=report.json"),
    ],
    ids=lambda given: given[0],
)
def test_a_run_that_does_more_than_print_is_not_kept(
    keeping: Path, again: Callable[..., str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    small(keeping)
    again(*arguments, audits=True)
    again(*arguments, audits=True)
    kept = [one for one in (tmp_path / "cache").rglob("*") if one.is_file()]
    assert not [one for one in kept if one.name.startswith("run-") or b"hunter2" in one.read_bytes()]


def test_an_error_is_not_kept(keeping: Path) -> None:
    (keeping / "policy_audit.yaml").write_text("regoin: eu-west-1\n", encoding="utf-8")
    small(keeping)
    assert cli.main(["check"]) == USAGE
    assert not list((keeping.parent / "cache").rglob("run-*"))


def test_what_was_written_just_now_may_change_unseen_and_is_not_kept(
    keeping: Path, again: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    template = small(keeping)
    changed = template.stat().st_ctime_ns
    monkeypatch.setattr(unchanged, "time_ns", lambda: changed + 50_000_000)
    again(audits=True)
    again(audits=True)


def test_a_coarse_clock_takes_longer_to_tell_two_changes_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = (0o100000, 3, 7_000_000_000, 7_000_000_000, 1)
    monkeypatch.setattr(unchanged, "_stamp", lambda *_: stamp)
    for later, kept in ((2_000_000_000, None), (3_000_000_000, Printed("text", 0))):
        monkeypatch.setattr(unchanged, "time_ns", lambda later=later: stamp[2] + later)
        with Watch(str(tmp_path / "cache"), ("asked",)) as watch:
            looked_at("file")
        watch.keep(Printed("text", 0))
        assert printed(str(tmp_path / "cache"), ("asked",)) == kept


def test_a_run_is_of_the_day_on_which_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ignore may have expired at midnight, after the audit had looked at it."""
    monkeypatch.setattr(unchanged, "time_ns", lambda: time_ns() + LATER)
    monkeypatch.setattr(unchanged, "strftime", lambda _: "2026-12-31")
    with Watch(str(tmp_path), ("asked",)) as watch:
        monkeypatch.setattr(unchanged, "strftime", lambda _: "2027-01-01")
    watch.keep(Printed("text", 0))
    assert printed(str(tmp_path), ("asked",)) is None
    monkeypatch.setattr(unchanged, "strftime", lambda _: "2026-12-31")
    assert printed(str(tmp_path), ("asked",)) == Printed("text", 0)


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "time_ns", lambda: time_ns() + LATER)
    monkeypatch.setattr(unchanged, "_MOST_KEPT", 3)
    folder = str(tmp_path / "cache")
    for number in range(5):
        with Watch(folder, (number,)) as watch:
            pass
        watch.keep(Printed(str(number), 0))
    assert len(os.listdir(folder)) == 3
    assert printed(folder, (4,)) == Printed("4", 0)
    assert printed(folder, (0,)) is None


# ---- what makes an audit anew ----------------------------------------------------------------------------------------


def test_another_option_folder_day_or_colour_is_another_run(
    keeping: Path, again: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(keeping)
    again(audits=True)
    again("-v", audits=True)
    again("--color", "always", audits=True)
    (keeping / "below").mkdir()
    again(audits=True)
    again(audits=False)
    monkeypatch.setattr(unchanged, "strftime", lambda _: "2099-01-01")
    again(audits=True)
    monkeypatch.chdir(keeping / "below")
    again("..", audits=True)


EDITS: dict[str, Callable[[Path], object]] = {
    "a template": lambda here: (here / "flow.yaml").write_text(small(here).read_text() + "# more", encoding="utf-8"),
    "a template of the same size and time": lambda here: _rewritten(here / "flow.yaml", "STANDARD", "EXPRESS"),
    "a definition": lambda here: _rewritten(here / "flow.asl.json", "Succeed", "Fail"),
    "a definition is gone": lambda here: (here / "flow.asl.json").unlink(),
    "a new template": lambda here: (here / "more.yaml").write_text("Resources: {}", encoding="utf-8"),
    "a new folder": lambda here: (here / "more").mkdir(),
    "a configuration here": lambda here: (here / "policy_audit.yaml").write_text("strict: true", encoding="utf-8"),
    "a configuration above": lambda here: (here.parent / "setup.cfg").write_text("[policy_audit]\n", encoding="utf-8"),
    "a repository": lambda here: (here / ".git").mkdir(),
    "a baseline": lambda here: (here / "policy_audit_baseline.json").write_text(
        '{"version": 1, "findings": []}', encoding="utf-8"
    ),
    "what git leaves out": lambda here: (here / ".gitignore").write_text("none", encoding="utf-8"),
    "what git leaves out above": lambda here: (here.parent / ".gitignore").write_text("none", encoding="utf-8"),
}


def _rewritten(path: Path, old: str, new: str) -> None:
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace(old, new.ljust(len(old))), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_the_audit_anew(keeping: Path, again: Callable[..., str], edit: str) -> None:
    small(keeping)
    if "git leaves" in edit:
        (keeping.parent / ".git").mkdir()
    again("--fail-on", "never", audits=True)
    again("--fail-on", "never", audits=False)
    EDITS[edit](keeping)
    again("--fail-on", "never", audits=True, code=4 if edit == "a definition is gone" else CLEAN)


FORMS = {
    "CloudFormation": "forms/cloudformation",
    "SAM": "forms/sam",
    "CDK": "forms/cdk",
    "Terraform": "forms/terraform",
    "Terraform modules": "forms/terraform-modules",
    "a plan": "forms/terraform-plan",
    "ignores": "ignore-unused",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Every path that Python asks the system about, or opens."""
    found: set[str] = set()

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(path: Any, *arguments: Any, **named: Any) -> Any:
            if isinstance(path, str):
                found.add(os.path.abspath(path))
            return function(path, *arguments, **named)

        return noted

    with monkeypatch.context() as patch:
        for module, name in ((os, "stat"), (os, "lstat"), (os, "scandir"), (os, "listdir"), (builtins, "open")):
            patch.setattr(module, name, noting(getattr(module, name)))
        yield found


@pytest.mark.parametrize("form", FORMS)
def test_all_that_is_asked_of_the_system_is_watched(
    keeping: Path, asked: set[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """So that no way of reading is forgotten: each path was noted, or is in a folder whose list was."""
    watches: list[Watch] = []

    class Watching(Watch):
        def __init__(self, folder: str, asked: Sequence[Any]) -> None:
            super().__init__(folder, asked)
            watches.append(self)

    monkeypatch.setattr(cli, "Watch", Watching)
    shutil.copytree(FIXTURES / FORMS[form], keeping, dirs_exist_ok=True)
    asked.clear()
    cli.main(["check", "-q"])
    (watch,) = watches
    files = {os.path.abspath(path) for path in watch._files}
    folders = {os.path.abspath(path) for path in watch._folders}
    above = {parent for path in files | folders for parent in map(str, Path(path).parents)}
    here = {path for path in asked if path.startswith(str(keeping.parent)) and "cache" not in Path(path).parts}
    assert str(keeping) in folders
    assert len(here) > 3
    missed = {path for path in here if path not in files | folders | above and os.path.dirname(path) not in folders}
    assert not missed
