"""README says what is true: its examples are run, its tables are compared, and its commands are those of CI.

To renew outputs and tables, run `RENEW_SNAPSHOTS=1 pytest tests/test_readme.py`, and read the difference.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy_audit import errors
from policy_audit.cli import main
from policy_audit.config import read_config
from policy_audit.rulebook.read import read_rules
from policy_audit.sources.forms import SUFFIXES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
EXAMPLES = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def same_or_renewed(old: str, new: str) -> None:
    """Asserts that a part of README is as it should be, or makes it so when snapshots are being renewed."""
    if os.environ.get("RENEW_SNAPSHOTS"):
        README.write_text(README.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    else:
        assert old == new


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples(example: str) -> None:
    """A shell prints what README shows: the command after `$`, further lines of it after `>`, then its output."""
    lines = example.splitlines(keepends=True)
    typed = [line for line in lines if line.startswith(("$ ", "> "))]
    assert typed
    assert lines[: len(typed)] == typed
    shell = f'policy-audit() {{ {shlex.quote(sys.executable)} -m policy_audit "$@"; }}\n'
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    ended = subprocess.run(
        ["bash", "-c", shell + "".join(line[2:] for line in typed)],
        cwd=ROOT,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert not ended.stderr
    assert ended.stdout
    same_or_renewed(example, "".join(typed) + ended.stdout)


def test_the_examples_end_as_the_text_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = [example.splitlines()[0].removeprefix("$ policy-audit ") for example in EXAMPLES[:2]]
    assert [main(shlex.split(line)) for line in lines] == [errors.CLEAN, errors.FINDINGS]
    assert COMMANDS[0].strip().endswith(f".venv/bin/policy-audit {lines[0]}")
    assert capsys.readouterr().out


def test_the_rules_table() -> None:
    rows = [
        f"| [`{rule.id}`]({os.path.relpath(rule.file, ROOT)}) | {rule.severity} | {rule.confidence} | {rule.summary} |"
        for rule in read_rules()
    ]
    table = "\n".join(["| Rule | Severity | Confidence | Requires that |", "|---|---|---|---|", *rows])
    found = re.search(r"<!-- rules -->\n.*?<!-- end of rules -->", TEXT, re.DOTALL)
    assert found
    same_or_renewed(found.group(), f"<!-- rules -->\n{table}\n<!-- end of rules -->")


def test_the_configuration_is_one(tmp_path: Path) -> None:
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "stacks:" in block)
    (tmp_path / "01-infra.yaml").touch()
    (tmp_path / "my-rules").mkdir()
    config = read_config(text, str(tmp_path / "policy_audit.yaml"))
    assert config.fail_on == "high"
    assert config.options.callers == {"OrdersApi": ("OrdersRole",)}
    assert config.options.account == "123456789012"


def test_the_exit_codes() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE)}
    assert codes == {errors.CLEAN, errors.FINDINGS, errors.USAGE, errors.NOTHING_AUDITED, errors.INCOMPLETE}


def test_links_lead_somewhere() -> None:
    headings = {f"#{one.lower().replace(' ', '-')}" for one in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target in headings or target.startswith("https://") or (ROOT / target).exists(), target


def test_ci_runs_the_second_command_and_installs_a_browser_at_most() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    said = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    start, browser, end = said[:2], said[2:-1], said[-1]
    assert start == ["set -euo pipefail", 'cd "$(dirname "$0")/.."']
    assert end == COMMANDS[1].strip()
    # A browser for the tests of the HTML report, from Debian, and nothing if that fails.
    assert (browser[0].startswith("if "), browser[-1]) == (True, "fi")
    assert [line.split()[:2] for line in browser[1:-1]] == [["{", "apt-get"]]


# ---- hooks for pre-commit -------------------------------------------------------------------------------------------


def test_readme_names_the_hooks() -> None:
    assert [hook["id"] for hook in HOOKS] == ["policy-audit", "policy-audit-changed"]
    assert all(f"`{hook['id']}`" in TEXT for hook in HOOKS)


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hooks_run_as_pre_commit_runs_them(
    hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entry and `args`, then the changed files if they are passed, from the repository's root."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    template = "Resources: {Topic: {Type: AWS::SNS::Topic}}\n"
    Path("changed.yaml").write_text(template)
    Path("sibling.yaml").write_text(template)
    program, *words = shlex.split(hook["entry"]) + hook.get("args", [])
    assert program == "policy-audit"
    files = ["changed.yaml"] if hook.get("pass_filenames", True) else []
    assert main([*words, "--format", "json", *files]) == errors.CLEAN
    audited = capsys.readouterr().out
    assert "changed.yaml" in audited
    assert "sibling.yaml" in audited
    # One process for all files, or they are no estate.
    assert hook["require_serial"]


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hooks_run_for_every_file_that_an_audit_reads(hook: dict[str, Any]) -> None:
    assert all(re.search(hook["files"], f"folder/template{suffix}") for suffix in SUFFIXES)
    assert re.search(hook["files"], "policy_audit.yaml")
    assert not re.search(hook["files"], "README.md")
