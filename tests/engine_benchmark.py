"""How long the engine takes: single decisions, realistic proofs, growth, and hostile questions."""

import time
from collections.abc import Callable, Iterable
from statistics import median, quantiles

from hostile_questions import is_given_up, questions
from realistic_policies import STAGES, by_stage, role, spread

from policy_audit.iam.evaluate import Evaluator, evaluate
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Caller, Key, Policies, Proven, Request, RequestSet, Texts, Verdict
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import NAME, Symbol, Symbols

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
API = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3d4e5"


def loop() -> int:
    """A thousand turns of a plain loop."""
    total = 0
    for each in range(1000):
        total += each & 7
    return total


def seconds_each(work: Callable[[], object], rounds: int) -> float:
    """The median time of the processor for one call, over `rounds` batches of at least 20 ms."""
    start = time.process_time()
    work()
    calls = max(1, int(0.02 / max(time.process_time() - start, 1e-7)))
    batches = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(calls):
            work()
        batches.append((time.process_time() - start) / calls)
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


def proven_allowed(size: int) -> Verdict:
    last = size - 1 if size % 2 == 0 else size - 2
    verdict = prove_allowed(calls(last), identity(size), Symbols())
    assert isinstance(verdict, Proven), verdict
    return verdict


def proven_denied(size: int) -> Verdict:
    verdict = prove_denied(everybody_else(size - 1), resource(size), Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Proven), verdict
    return verdict


def engine(rounds: int) -> None:
    turn = seconds_each(loop, rounds) / 1000
    print(f"{'one turn of a plain loop':32}{turn * 1e9:9.1f} ns\n")
    decisions(rounds, turn)
    proofs(rounds, turn)
    growth(rounds)
    hostile(turn)


def decisions(rounds: int, turn: float) -> None:
    """Single requests against policies that are compiled, and against new ones."""
    print("single decisions: at most 5 µs for 6 statements, 50 µs for 100")
    for name, work in (
        *((f"a role of {size} statements", decided(identity(size), size - 1)) for size in (1, 6, 10, 100)),
        *((f"an API of {size + 1} statements", decided(resource(size), size - 1)) for size in (1, 5, 99)),
    ):
        seconds = seconds_each(work, rounds)
        print(f"  {name:30}{seconds * 1e6:9.2f} µs  {seconds / turn:7.0f} loops  {1 / seconds:10,.0f} a second")
    one, ten = (seconds_each(evaluated(size), rounds) for size in (10, 100))
    print(f"  {'10 statements, not compiled':30}{one * 1e6:9.2f} µs  growth to 100 statements {ten / one:.1f}\n")


def decided(policies: Policies, stage: int) -> Callable[[], object]:
    evaluator, asked = Evaluator(policies), request(stage | 1 if policies.resource is None and stage else stage)
    return lambda: evaluator.decide(asked)


def evaluated(size: int) -> Callable[[], object]:
    policies, asked = identity(size), request(size - 1)
    assert evaluate(asked, policies).outcome == "Allowed"
    return lambda: evaluate(asked, policies)


def proofs(rounds: int, turn: float) -> None:
    """Realistic resource policies within 8 kB, a role of 200 statements, and symbols."""
    print("proofs: median 2 ms and p95 10 ms within 8 kB; 2 ms for a role of 200; 15 ms with symbols")
    times = sorted(
        shortest(lambda each=each: prove_denied(each.requests, each.policies, Symbols(), each.authorization))  # type: ignore[misc]
        for each in spread()
    )
    line("realistic policies, median", median(times), turn)
    line("realistic policies, p95", quantiles(times, n=20)[-1], turn)
    line("realistic policies, longest", times[-1], turn)
    policies, asked = role(200)
    line("a role of 200 statements", seconds_each(lambda: prove_allowed(asked, policies, Symbols()), rounds), turn)
    symbols, (asked, policies) = with_symbols()
    line("symbols, unified", seconds_each(lambda: prove_denied(asked, policies, symbols), rounds), turn)
    print()


def line(name: str, seconds: float, turn: float) -> None:
    print(f"  {name:30}{seconds * 1e3:9.2f} ms  {seconds / turn:9,.0f} loops")


def shortest(work: Callable[[], object]) -> float:
    """The shortest of three, in time of the processor."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def with_symbols() -> tuple[Symbols, tuple[RequestSet, Policies]]:
    """An API of which every stage keeps out all but an imported role, where another's name is a parameter."""
    symbols = Symbols()
    names = [symbols.symbol(Symbol(f"${{Role{index}}}", NAME)) for index in range(2)]
    arns = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in names]
    everybody = (Principal("*", "*"),)
    statements = [Statement("Allow", ("execute-api:Invoke",), (f"{API}/*",), everybody)]
    for stage, arn in enumerate(arns):
        spares = (Condition("StringNotEquals", "aws:PrincipalArn", (arn,)),)
        statements.append(Statement("Deny", ("execute-api:Invoke",), (f"{API}/s{stage}/*",), everybody, spares))
    asked = RequestSet(
        "signed", Texts(("*",), (arns[0],)), Texts(("execute-api:Invoke",)), Texts((f"{API}/s0/*",)), ACCOUNT
    )
    return symbols, (asked, Policies(identity=None, resource=Policy(tuple(statements), "2012-10-17", "api")))


def growth(rounds: int) -> None:
    """The same questions of larger policies."""
    print("growth")
    sized: dict[str, tuple[Iterable[int], Callable[[int], Callable[[], Verdict]]]] = {
        "a role of {} statements": ((10, 100, 1000), allowed_by_role),
        "an API of {} stages": (STAGES, denied_by_api),
        "a stage of {}, sliced": ((10, 100, 1000), lambda size: lambda: proven_denied(size)),
        "one action of {}": ((10, 100, 1000), lambda size: lambda: proven_allowed(size)),
    }
    for name, (sizes, work) in sized.items():
        first: tuple[int, float] | None = None
        for size in sizes:
            seconds = seconds_each(work(size), rounds)
            first = first or (size, seconds)
            print(
                f"  {name.format(size):30}{seconds * 1e3:9.2f} ms  {seconds / first[1]:6.1f} times as long for "
                f"{size / first[0]:.0f} times as much"
            )
    print()


def allowed_by_role(size: int) -> Callable[[], Verdict]:
    policies, asked = role(size)
    return lambda: prove_allowed(asked, policies, Symbols())


def denied_by_api(size: int) -> Callable[[], Verdict]:
    question = by_stage(size)
    return lambda: prove_denied(question.requests, question.policies, Symbols(), question.authorization)


def hostile(turn: float) -> None:
    print("hostile questions: each within 0.5 s")
    times = []
    for question in questions():
        start = time.process_time()
        verdict = question.answer()
        seconds = time.process_time() - start
        times.append(seconds)
        answer = "given up" if is_given_up(verdict) else type(verdict).__name__.lower()
        print(f"  {question.name:46}{seconds * 1e3:9.1f} ms  {seconds / turn:12,.0f} loops  {answer}")
    print(f"  {'longest':46}{max(times) * 1e3:9.1f} ms")
