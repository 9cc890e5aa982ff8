"""The prover's verdicts against a solver's, which is asked in SMT-LIB (`policy_audit.devtools.smtlib`).

    python -m tests.solver [--cases 300] [--seed 1]

Needs cvc5 (`pip install policy_audit[oracle]`). Policies are such as people write for APIs and buckets, at random.
Ends with 1 when the two disagree. What the solver does not decide within three seconds is counted and left out.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from policy_audit.devtools.smtlib import UnsupportedError, script
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Authorization, Key, Policies, Proven, Refuted, RequestSet, Texts, Verdict
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Symbols

MILLISECONDS = 3000
HERE, THERE = "111111111111", "222222222222"
API = f"arn:aws:execute-api:eu-west-1:{HERE}:a1b2c3d4e5"
ROLES = (
    f"arn:aws:iam::{HERE}:role/exec",
    f"arn:aws:iam::{HERE}:role/team/exec",
    f"arn:aws:iam::{HERE}:user/ops",
    f"arn:aws:iam::{THERE}:role/exec",
)
METHODS = ("/prod/GET/orders", "/prod/*", "/*/GET/*", "/dev/*/orders", "/*", "/prod/POST/orders/*")
PRINCIPALS = (
    *(Principal("AWS", arn) for arn in ROLES),
    *(Principal("AWS", each) for each in (HERE, f"arn:aws:iam::{HERE}:root", f"arn:aws:iam::{THERE}:root")),
    Principal("Service", "states.amazonaws.com"),
)
EVERYBODY = (Principal("*", "*"),)
CALLERS = (*ROLES, f"arn:aws:iam::{HERE}:role/*", "arn:aws:iam::*:role/team/*", "arn:*:iam::*:user/*")
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws:PrincipalArn": (("ArnEquals", "ArnNotEquals", "StringEquals", "StringNotLike", "ArnNotLike"), CALLERS),
    "aws:PrincipalAccount": (("StringEquals", "StringNotEquals"), (HERE, THERE)),
    "aws:PrincipalType": (("StringEquals", "StringNotEquals"), ("AssumedRole", "User", "Account")),
    "aws:username": (("StringEquals", "StringNotLike"), ("ops", "adm*")),
    "aws:SourceVpce": (
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotEqualsIgnoreCase"),
        ("vpce-1", "vpce-2", "vpce-1*"),
    ),
    "aws:SourceIp": (("IpAddress", "NotIpAddress"), ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32")),
    "aws:SecureTransport": (("Bool",), ("true", "false")),
    "aws:MultiFactorAuthAge": (("NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"), ("300", "299.5")),
    "aws:CurrentTime": (("DateLessThan", "DateGreaterThan"), ("2025-01-01T00:00:00Z", "2026-01-01", "1767225600")),
    "aws:TagKeys": (("StringEquals", "StringNotEquals", "StringLike"), ("team", "cost", "t*")),
    "aws:PrincipalTag/team": (("StringEquals", "StringNotLike"), ("blue", "b*")),
    "aws:SourceArn": (("ArnLike", "ArnNotLike"), ("arn:aws:states:*:*:stateMachine:*",)),
}


class Case(NamedTuple):
    """A question about the requests of a set."""

    requests: RequestSet
    policies: Policies
    authorization: Authorization


def condition(dice: random.Random) -> Condition:
    key = dice.choice(tuple(FAMILIES))
    operators, values = FAMILIES[key]
    if dice.random() < 0.12:
        return Condition("Null", key, (dice.choice(("true", "false")),))
    operator = dice.choice(operators)
    if key == "aws:TagKeys":
        operator = dice.choice(("ForAllValues:", "ForAnyValue:")) + operator
    elif dice.random() < 0.25:
        operator += "IfExists"
    return Condition(operator, key, tuple(dice.sample(values, min(len(values), dice.choice((1, 1, 2))))))


def statement(dice: random.Random, effect: str, named: bool) -> Statement:
    resources = ("*",) if dice.random() < 0.5 else tuple(API + each for each in dice.sample(METHODS, 1))
    principals = None
    if named:
        principals = EVERYBODY if dice.random() < 0.6 else tuple(dice.sample(PRINCIPALS, dice.choice((1, 2))))
    return Statement(
        effect,  # type: ignore[arg-type]
        dice.choice((("execute-api:Invoke",), ("execute-api:*",), ("*",))),
        resources,
        principals,
        tuple(condition(dice) for _ in range(dice.choice((0, 1, 1, 2) if effect == "Allow" else (1, 1, 2)))),
        not_resource=dice.random() < 0.1 and resources != ("*",),
    )


def policy(dice: random.Random, named: bool = False, denies: int = 1) -> Policy:
    statements = [statement(dice, "Allow", named) for _ in range(dice.choice((1, 1, 2)))]
    statements += [statement(dice, "Deny", named) for _ in range(dice.randint(0, denies))]
    return Policy(tuple(statements), "2012-10-17")


def random_case(seed: int, index: int) -> Case:
    """The case of this number."""
    dice = random.Random(f"{seed} {index}")
    maybe = dice.random
    bounded = maybe() < 0.15
    policies = Policies(
        identity=(policy(dice),) if maybe() < 0.7 else (),
        boundaries=(policy(dice),) if bounded else None,
        resource=policy(dice, named=True, denies=3) if maybe() < 0.9 else None,
        endpoint=(policy(dice, named=True),) if maybe() < 0.15 else None,
        scps=((policy(dice),),) if maybe() < 0.15 else None,
        rcps=((policy(dice, named=True),),) if maybe() < 0.1 else None,
    )
    role = dice.choice(ROLES[:3])
    callers = Texts(("*",), (role,)) if maybe() < 0.5 else Texts((dice.choice((role, *CALLERS[-3:])),))
    context = {"aws:sourcevpce": Key(Texts((dice.choice(("vpce-1", "vpce-*")),)), maybe() < 0.3)}
    requests = RequestSet(
        "signed",
        callers,
        Texts((dice.choice(("execute-api:Invoke", "execute-api:*")),)),
        Texts((API + dice.choice(METHODS),)),
        HERE,
        maybe() < 0.8,
        context if maybe() < 0.5 else {},
    )
    return Case(requests, policies, dice.choice(("api-gateway-iam", "ordinary")))


def solve(text: str) -> str:
    """`sat`, `unsat` or `unknown`."""
    import cvc5  # type: ignore[import-not-found,import-untyped,unused-ignore]

    solver = cvc5.Solver()
    solver.setOption("strings-exp", "true")
    solver.setOption("tlimit-per", str(MILLISECONDS))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    answer = ""
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, parser.getSymbolManager()).strip() or answer
    return answer if answer in ("sat", "unsat") else "unknown"


class Compared(NamedTuple):
    """How verdict and solver go together: `agree`, `disagree`, or why that cannot be told."""

    told: str
    verdict: Verdict | None = None
    answers: tuple[str, ...] = ()


def compare(case: Case) -> tuple[Compared, Compared]:
    """Both questions about a case, of the prover and of the solver."""
    try:
        some = script(*case, "some are allowed")
        others = script(*case, "some are not allowed")
    except UnsupportedError as error:
        return (Compared(f"not encoded: {error}"),) * 2
    allowed, refused = solve(some), solve(others)
    given = (case.requests, case.policies, Symbols(), case.authorization)
    denial, permission = prove_denied(*given), prove_allowed(*given)
    if allowed == refused == "unsat":
        return (Compared("no request belongs to the set"),) * 2
    return (
        _judged(denial, (allowed,), proven=allowed == "unsat", refuted=allowed == "sat"),
        _judged(permission, (refused, allowed), proven=refused == "unsat", refuted=allowed == "unsat"),
    )


def _judged(verdict: Verdict, answers: tuple[str, ...], *, proven: bool, refuted: bool) -> Compared:
    if "unknown" in answers:
        return Compared("the solver does not know", verdict, answers)
    if isinstance(verdict, Proven):
        return Compared("agree" if proven else "disagree", verdict, answers)
    if isinstance(verdict, Refuted):
        return Compared("agree" if refuted else "disagree", verdict, answers)
    neither = not proven and not refuted
    return Compared("agree" if neither else "the prover does not decide", verdict, answers)


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.solver")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    started = time.monotonic()
    counts: Counter[str] = Counter()
    for index in range(given.cases):
        for side, compared in zip(("denied", "allowed"), compare(random_case(given.seed, index)), strict=True):
            counts[f"{side}: {compared.told}"] += 1
            if compared.told == "disagree":
                print(f"case {index}, {side}: {compared}\n  {random_case(given.seed, index)}", flush=True)
    seconds = time.monotonic() - started
    print(f"seed {given.seed}, {given.cases} cases in {seconds:.0f} s")
    for name, number in sorted(counts.items()):
        print(f"  {number:6} {name}")
    return 1 if any("disagree" in name for name in counts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
