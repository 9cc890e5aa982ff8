"""How fast a folder of many templates is audited, beside cfn-lint on the same files, and what that takes of memory.

    python -m tests.folder_benchmark [TEMPLATES]

The folder has TEMPLATES files (1,000 unless given): copies of the fixtures' correct estates, each with its own names
and in a folder of its own. Every number is of a whole process; of times it is the processor's, for a machine may have
other work. The rules are remembered from an earlier run, what it printed is not. cfn-lint is asked where it is
installed, on a tenth of the files, in the same run. `growth` is what ten times the files take.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

FIXTURES = Path(__file__).parent.parent / "fixtures"
ESTATES = (
    ("estate", "parcels", ("network.yaml", "workflows.yaml")),
    ("estate-private-api", "harbour", ("berths.yaml", "network.yaml")),
    ("forms/cloudformation", "harbour", ("flows.yaml", "network.yaml")),
    ("estate-api-destination", "parcels", ("api.yaml", "events.yaml")),
)
"""Folders of two templates each, with the word that all names in them begin with."""


class Ran(NamedTuple):
    seconds: float
    """Of the processor, user and system."""
    wall: float
    peak: int
    """Largest memory of the process, in kB."""
    code: int


def copies(folder: Path, count: int) -> None:
    """Writes `count` templates: estates with the same shape and other names, each in a folder of its own."""
    for number in range(count // 2):
        source, word, files = ESTATES[number % len(ESTATES)]
        below = folder / f"{number:04}"
        below.mkdir(parents=True, exist_ok=True)
        for file in files:
            text = (FIXTURES / source / file).read_text(encoding="utf-8").replace(word, f"{word}{number}")
            (below / file).write_text(text, encoding="utf-8")


def ran(command: Sequence[str], cache: Path) -> Ran:
    """One run of a command, its output dropped; `cache` is the user's folder for such, without what runs printed."""
    for file in cache.rglob("run-*"):
        file.unlink()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "LOCALAPPDATA": str(cache)}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss, process.returncode)


def told(name: str, files: int, found: Ran) -> None:
    print(
        f"{name:28}{files:6} files  {found.seconds:8.2f} s  {files / found.seconds:7.1f} files/s"
        f"  ({found.wall:7.2f} s by the clock)  {found.peak / 1024:7.1f} MB at most  exit {found.code}"
    )


def compare(count: int) -> None:
    check = [sys.executable, "-m", "policy_audit", "check", "--no-config", "--fail-on", "never", "-q"]
    with TemporaryDirectory() as made:
        few, many, cache = Path(made, "few"), Path(made, "many"), Path(made, "cache")
        copies(few, count // 10)
        copies(many, count)
        ran([*check, str(few)], cache)  # The rules' cache and the bytecode are there from now on.
        small, large = ran([*check, str(few)], cache), ran([*check, str(many)], cache)
        told("policy-audit check", count // 10, small)
        told("policy-audit check", count, large)
        print(f"{'growth':28}{large.seconds / small.seconds:14.1f} x time {large.peak / small.peak:10.1f} x memory")
        print(f"{'each file more':28}{(large.peak - small.peak) / (count - count // 10):14.0f} kB")
        linter = shutil.which("cfn-lint")
        if linter is None:
            print("cfn-lint is not installed: `pip install cfn-lint` to have it compared")
            return
        theirs = ran([linter, f"{few}/**/*.yaml"], cache)
        told("cfn-lint", count // 10, theirs)
        print(f"{'cfn-lint takes':28}{theirs.seconds / small.seconds:14.1f} x the time")


if __name__ == "__main__":
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
