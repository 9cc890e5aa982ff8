"""The action for GitHub does what it says, without one input becoming part of a script."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]


def test_no_input_is_part_of_a_script() -> None:
    """What stands in `${{ }}` of a script is run: inputs may be a stranger's text.

    https://docs.github.com/en/actions/concepts/security/script-injections
    """
    assert all("${{" not in step["run"] for step in STEPS)
    given = {value for step in STEPS for value in step.get("env", {}).values()}
    assert given == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}


def test_it_uses_no_other_action() -> None:
    assert all("uses" not in step for step in STEPS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("--no-config", 0), ("--parameter OrdersRoleName=nobody --partition aws", 1), ("--regoin x", 2)],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the action runs in bash")
def test_the_audit_step(tmp_path: Path, arguments: str, code: int) -> None:
    """The script as GitHub runs it, with the command where the first step puts it."""
    command = tmp_path / "policy-audit" / "bin" / "policy-audit"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m policy_audit "$@"\n')
    command.chmod(0o755)
    summary = tmp_path / "summary.md"
    environment = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(summary),
        "PATHS": "fixtures/estate",
        "FAIL_ON": "medium",
        "ARGUMENTS": arguments,
        "SARIF_FILE": str(tmp_path / "report.sarif"),
    }
    script = STEPS[1]["run"]
    ended = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == code, ended.stderr
    if code < 2:
        assert (tmp_path / "report.sarif").stat().st_size > 0
        assert summary.exists()
    assert ("::error" in ended.stdout) == (code == 1)
