"""How long the command, the evaluator and the prover take, each also on ten times the input.

    python -m tests.benchmark [ROUNDS]

Times are medians of ROUNDS (9 unless given). `growth` is the time on more input over the time on the input itself.
`loops` compares a time with one turn of a plain Python loop, so that it says something on any machine.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from engine_benchmark import engine

ESTATE = Path(__file__).parent.parent / "fixtures" / "estate"
TIMES = 10


# ---- whole processes ------------------------------------------------------------------------------------------------


class Ran(NamedTuple):
    seconds: float
    """Of the processor, as the machine may do other things beside."""
    peak: int
    """Largest memory of the process, in kB."""


def ran(arguments: Sequence[str], bytecode: str, cache: str = "") -> Ran:
    """One run of Python with these arguments and these folders for bytecode, and for what is remembered, if any is.

    Raises ValueError unless it ends with 0.
    """
    # As an installed program has it, whatever the caller's environment says.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    environment |= {"XDG_CACHE_HOME": cache, "LOCALAPPDATA": cache} if cache else {}
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"`python {' '.join(arguments)}` ended with {process.returncode}")
    return Ran(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def estates(folder: Path) -> list[str]:
    """Ten estates beside each other in `folder`, and the arguments to audit them as one."""
    arguments = [str(folder)]
    for number in range(TIMES):
        copy = folder / f"estate{number}"
        copy.mkdir()
        for file in sorted(ESTATE.glob("*.yaml")):
            text = file.read_text(encoding="utf-8").replace("parcels", f"parcels{number}")
            (copy / file.name).write_text(text, encoding="utf-8")
        arguments += ["--stack", f"parcels{number}-network={copy / 'network.yaml'}"]
    return arguments


def processes(rounds: int) -> None:
    # As the installed command starts; `-m` would import more, and `-q` makes click look for words like it.
    check = ["-c", "import sys; from policy_audit.cli import run; sys.exit(run())", "check", "--no-config"]
    with TemporaryDirectory() as folder, TemporaryDirectory() as bytecode, TemporaryDirectory() as cache:
        every = [*check, *estates(Path(folder))]
        commands = {
            "import click, yaml": ["-c", "import click, yaml"],
            "check fixtures/estate": [*check, str(ESTATE)],
            f"check {TIMES} x the estate": every,
            "the same, nothing changed": every,
        }
        time.sleep(1)  # Files that were written just now may change unseen, and what they come to is not kept.

        def one(name: str, arguments: Sequence[str]) -> Ran:
            if not name.endswith("nothing changed"):
                for kept in Path(cache).rglob("run-*"):
                    kept.unlink()
            return ran(arguments, bytecode, cache)

        for name, arguments in commands.items():
            one(name, arguments)
        # In turns, so that a slow spell of the machine falls on all of them.
        runs = [{name: one(name, arguments) for name, arguments in commands.items()} for _ in range(rounds)]
    medians = [median(run[name].seconds for run in runs) for name in commands]
    libraries, single, ten, _ = medians
    for name, seconds in zip(commands, medians, strict=True):
        peak = median(run[name].peak for run in runs) / 1024
        print(f"{name:32}{seconds * 1e3:9.1f} ms   {seconds / libraries:5.2f} x libraries   {peak:6.1f} MB at most")
    print(f"{'growth':32}{ten / single:9.1f}\n")


def imports(rounds: int) -> None:
    """The engine's own share of a process, over that of Python alone and of the libraries that it stands on.

    click and yaml import those libraries too, so that a command never waits for them on the engine's account.
    """
    with TemporaryDirectory() as bytecode:
        commands = {
            "python -c pass": ["-c", "pass"],
            "import re, typing": ["-c", "import collections.abc, re, typing"],
            "import the prover": ["-c", "import policy_audit.iam.prove"],
            "import the evaluator": ["-c", "import policy_audit.iam.evaluate"],
        }
        for arguments in commands.values():
            ran(arguments, bytecode)
        runs = [{name: ran(arguments, bytecode) for name, arguments in commands.items()} for _ in range(rounds)]
    python, libraries, *engine = (median(run[name].seconds for run in runs) for name in commands)
    print("import of the engine: at most 10 ms over Python's own")
    print(f"  {'Python with re and typing':30}{libraries * 1e3:9.1f} ms, {python * 1e3:.1f} ms without")
    for name, seconds in zip(list(commands)[2:], engine, strict=True):
        own = seconds - libraries
        print(f"  {name:30}{own * 1e3:9.1f} ms over that, {own / libraries:.2f} of it")
    print()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    processes(count)
    imports(max(count, 21))
    engine(count)
