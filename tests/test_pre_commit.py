"""A commit that a gap stops, and that passes once it is mended: pre-commit with this package's own hooks, offline.

pre-commit comes with the extra `hooks`; without it these tests are skipped.
"""

import os
import shutil
import site
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from test_fixtures import ESTATE

ROOT = Path(__file__).parent.parent
PRE_COMMIT = shutil.which("pre-commit", path=os.path.dirname(sys.executable)) or ""
GRANT = "Action: states:InvokeHTTPEndpoint"
PARTS = ("policy_audit", "rules", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")

pytestmark = pytest.mark.skipif(not PRE_COMMIT, reason="pre-commit is not installed: `pip install '.[hooks]'`")


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """What keeps git to itself, and pip from the network: what the package needs is taken from the tests' own."""
    return {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one the other way round
        "PIP_NO_COMPILE": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "PYTHONPATH": os.pathsep.join(site.getsitepackages()),
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
    }


@pytest.fixture
def gap(tmp_path: Path, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, the current folder: the estate, with a role that may not call its endpoint; all of it staged."""
    folder = tmp_path / "estate"
    folder.mkdir()
    for file in ESTATE.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(text.replace(GRANT, "Action: states:DescribeStateMachine"), encoding="utf-8")
    monkeypatch.chdir(folder)
    run(environment, "git", "init", "-q")
    run(environment, "git", "add", "-A")
    return folder


def run(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def published(folder: Path, environment: Mapping[str, str]) -> str:
    """The package as a repository of its own in `folder`, as it is in this checkout; the commit."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "as it is")):
        assert run(environment, "git", "-C", str(folder), *command).returncode == 0
    return run(environment, "git", "-C", str(folder), "rev-parse", "HEAD").stdout.strip()


def mend(environment: Mapping[str, str]) -> None:
    found = run(
        environment, sys.executable, "-m", "policy_audit", "check", "--no-cache", "--fix", "--unsafe-fixes", "."
    )
    assert (found.returncode, found.stderr) == (0, "2 findings mended in 1 file\n"), found.stdout


def test_a_commit_is_stopped_until_it_is_mended(gap: Path, environment: Mapping[str, str], tmp_path: Path) -> None:
    commit = published(tmp_path / "hooks", environment)
    (gap / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {tmp_path / 'hooks'}\n    rev: {commit}\n    hooks: [{{id: policy-audit}}]\n"
    )
    run(environment, "git", "add", "-A")
    assert run(environment, PRE_COMMIT, "install").returncode == 0
    stopped = run(environment, "git", "commit", "-q", "-m", "orders")
    assert stopped.returncode == 1, stopped.stderr
    assert "high[http-task-invoke]" in stopped.stdout + stopped.stderr
    assert run(environment, "git", "rev-parse", "-q", "--verify", "HEAD").returncode != 0
    mend(environment)
    run(environment, "git", "add", "-A")
    passed = run(environment, "git", "commit", "-q", "-m", "orders")
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_try_repo(gap: Path, environment: Mapping[str, str], request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("`--long` tries the hooks of this checkout in environments of their own, for half a minute")
    trying = (PRE_COMMIT, "try-repo", str(ROOT), "policy-audit", "--all-files")
    stopped = run(environment, *trying)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "high[http-task-invoke]" in stopped.stdout
    mend(environment)
    run(environment, "git", "add", "-A")
    passed = run(environment, *trying)
    assert passed.returncode == 0, passed.stdout + passed.stderr
