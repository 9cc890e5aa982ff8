"""How long the command, the evaluator and the prover take, each also on ten times the input.

    python -m tests.benchmark [ROUNDS]

Times are medians of ROUNDS (9 unless given). `growth` is the time on ten times the input over the time on the input
itself: 10 is linear growth.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from policy_audit.iam.evaluate import Evaluator, evaluate
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Caller, Key, Policies, Proven, Request, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Symbols

ESTATE = Path(__file__).parent.parent / "fixtures" / "estate"
TIMES = 10
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
API = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3d4e5"


# ---- whole processes ------------------------------------------------------------------------------------------------


class Ran(NamedTuple):
    seconds: float
    peak: int
    """Largest memory of the process, in kB."""


def ran(arguments: Sequence[str], bytecode: str) -> Ran:
    """One run of Python with these arguments and this folder for bytecode. Raises ValueError unless it ends with 0."""
    # As an installed program has it, whatever the caller's environment says.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"`python {' '.join(arguments)}` ended with {process.returncode}")
    return Ran(seconds, usage.ru_maxrss)


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
    check = ["-m", "policy_audit", "check", "--no-config", "-q"]
    with TemporaryDirectory() as folder, TemporaryDirectory() as bytecode:
        commands = {
            "import click, yaml": ["-c", "import click, yaml"],
            "check fixtures/estate": [*check, str(ESTATE)],
            f"check {TIMES} x the estate": [*check, *estates(Path(folder))],
        }
        for arguments in commands.values():
            ran(arguments, bytecode)
        # In turns, so that a slow spell of the machine falls on all of them.
        runs = [{name: ran(arguments, bytecode) for name, arguments in commands.items()} for _ in range(rounds)]
    libraries, one, ten = (median(run[name].seconds for run in runs) for name in commands)
    for name, seconds in zip(commands, (libraries, one, ten), strict=True):
        peak = median(run[name].peak for run in runs) / 1024
        print(f"{name:32}{seconds * 1e3:9.1f} ms   {seconds / libraries:5.2f} x libraries   {peak:6.1f} MB at most")
    print(f"{'growth':32}{ten / one:9.1f}\n")


# ---- evaluator and prover -------------------------------------------------------------------------------------------


def seconds_each(work: Callable[[], object], rounds: int) -> float:
    """The median time of one call, over `rounds` batches of at least 20 ms."""
    start = time.perf_counter()
    work()
    calls = max(1, int(0.02 / max(time.perf_counter() - start, 1e-7)))
    batches = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        batches.append((time.perf_counter() - start) / calls)
    return median(batches)


def identity(size: int) -> Policies:
    """A role that may call an API's stages: `size` statements, every second one under a condition."""
    limited = (Condition("StringEquals", "aws:RequestedRegion", ("eu-west-1", "eu-central-1")),)
    statements = tuple(
        Statement(
            "Allow",
            ("execute-api:Invoke",) if number % 2 else ("states:StartExecution", "states:Describe*"),
            (f"{API}/stage{number}/*/orders/*", f"{API}/stage{number}/GET/items"),
            conditions=limited if number % 2 else (),
        )
        for number in range(size)
    )
    return Policies(identity=(Policy(statements, "2012-10-17", "role"),))


def resource(size: int) -> Policies:
    """An API that admits everybody but for denials: `size` stages, of which each keeps out all roles but one."""
    everybody = (Principal("*", "*"),)
    admits = Statement("Allow", ("execute-api:Invoke",), (f"{API}/*",), everybody)
    keeps_out = tuple(
        Statement(
            "Deny",
            ("execute-api:Invoke",),
            (f"{API}/stage{number}/*",),
            everybody,
            (Condition("StringNotEquals", "aws:PrincipalArn", (ROLE,)),),
        )
        for number in range(size)
    )
    return Policies(identity=None, resource=Policy((admits, *keeps_out), "2012-10-17", "api"))


def request(stage: int) -> Request:
    context = {"aws:requestedregion": "eu-west-1"}
    return Request(Caller("role", ROLE), "execute-api:Invoke", f"{API}/stage{stage}/GET/orders/7", ACCOUNT, context)


def calls(stage: int) -> RequestSet:
    """Everything that a role may ask of one stage in one Region."""
    return RequestSet(
        "signed",
        Texts((ROLE,)),
        Texts(("execute-api:Invoke",)),
        Texts((f"{API}/stage{stage}/GET/orders/*",)),
        ACCOUNT,
        context={"aws:requestedregion": Key(Texts(("eu-west-1",)))},
    )


def everybody_else(stage: int) -> RequestSet:
    """What anybody but the one role may ask of one stage."""
    return RequestSet(
        "signed",
        Texts(("*",), but=(ROLE,)),
        Texts(("execute-api:Invoke",)),
        Texts((f"{API}/stage{stage}/*",)),
        ACCOUNT,
    )


def proven_allowed(size: int) -> None:
    last = size - 1 if size % 2 == 0 else size - 2
    verdict = prove_allowed(calls(last), identity(size), Symbols())
    assert isinstance(verdict, Proven), verdict


def proven_denied(size: int) -> None:
    verdict = prove_denied(everybody_else(size - 1), resource(size), Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Proven), verdict


def engine(rounds: int) -> None:
    def evaluated(size: int) -> Callable[[], object]:
        policies, asked = identity(size), request(size - 1)
        assert evaluate(asked, policies).outcome == "Allowed"
        return lambda: evaluate(asked, policies)

    def decided(size: int) -> Callable[[], object]:
        evaluator, asked = Evaluator(identity(size)), request(size - 1)
        return lambda: evaluator.decide(asked)

    rows: list[tuple[str, int, Callable[[int], Callable[[], object]]]] = [
        ("evaluate, policies compiled", 10, decided),
        ("evaluate, policies new", 10, evaluated),
        ("prove a permission", 20, lambda size: lambda: proven_allowed(size)),
        ("prove a restriction", 4, lambda size: lambda: proven_denied(size)),
    ]
    for name, size, work in rows:
        one, ten = (seconds_each(work(count), rounds) for count in (size, size * TIMES))
        print(f"{name:32}{size:5} statements  {one * 1e3:9.3f} ms  {1 / one:10,.0f} a second")
        print(f"{'':32}{size * TIMES:5} statements  {ten * 1e3:9.3f} ms  growth {ten / one:.1f}")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    processes(count)
    engine(count)
