"""The code is as the house wants it: linted, formatted and typed, by the tools' own verdicts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy --strict"])
def test_tool_has_nothing_to_say(command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command.split(), "policy_audit", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
