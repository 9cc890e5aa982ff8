"""Time grows with the input and not with its square: texts of 1 MiB against globs, policies of 32 KiB in a proof."""

import time
from collections.abc import Callable

import pytest
from iam_cases import ROLE, decide
from random_policies import HERE

from policy_audit.iam import automata, open_text, patterns
from policy_audit.iam.globs import LONGEST
from policy_audit.iam.limits import MOST_BOUNDS, MOST_POSITIONS
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Key, Policies, Refuted, RequestSet, Texts, Undecided
from policy_audit.iam.unifiers import unifiers
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Symbol, Symbols

SYMBOLS = Symbols()
OPEN = SYMBOLS.symbol(Symbol("${Open}"))
SLACK = 2.5
"""How much more than linear growth a slow machine may make of it; quadratic growth is at least eight times linear."""
SOON = 1.0
"""Seconds that say nothing of growth."""


def grows_with_the_input(run: Callable[[int], object], small: int, large: int) -> bool:
    """Whether `run(large)` takes no more than its share of what `run(small)` takes.

    What the machine does beside costs processor time too, caches being shared: what fails is measured again, twice.
    """

    def seconds(size: int) -> float:
        start = time.process_time()
        run(size)
        return time.process_time() - start

    def grows() -> bool:
        short = seconds(small)
        return seconds(large) < max(SOON, SLACK * large / small * short)

    return any(grows() for _ in range(3))


PAIRS: dict[str, Callable[[int], tuple[str, str]]] = {
    "a beginning": lambda n: ("a" * (n // 2) + "*", "a" * n),
    "stars between letters": lambda n: ("*a" * (n // 4), "a" * n),
    "a chunk that nearly fits": lambda n: ("*" + "a" * (n // 2) + "b*", "a" * n),
    "a chunk that repeats": lambda n: ("*" + "ab" * (n // 4) + "c*", "ab" * (n // 2)),
    "question marks": lambda n: ("?" * n, "a" * n),
    "question marks in a chunk": lambda n: ("*" + "a?" * (n // 4) + "b*", "a" * n),
    "question marks after stars": lambda n: ("*?" * (n // 4), "a" * n),
    "a letter in a long glob": lambda n: ("*a" * (n // 4) + OPEN, "a" * n),
    "a letter in a long text": lambda n: ("*a?b", "a" * n + OPEN),
    "colons": lambda n: ("*:*" * (n // 8), ":" * n),
    "braces": lambda n: ("${a" * (n // 4), "$" * n),
}


@pytest.mark.parametrize("name", PAIRS)
def test_texts_are_matched_in_linear_time(name: str) -> None:
    assert grows_with_the_input(lambda n: open_text.matches(*PAIRS[name](n), True, SYMBOLS), 1 << 14, 1 << 18)


@pytest.mark.parametrize("name", PAIRS)
def test_requests_are_decided_in_linear_time(name: str) -> None:
    def run(size: int) -> object:
        pattern, text = PAIRS[name](size)
        values = (pattern, "arn:aws:s3:::" + pattern)
        conditions = tuple(Condition(operator, "aws:SourceArn", values) for operator in ("StringLike", "ArnNotLike"))
        policy = Policy((Statement("Deny", ("*",), (pattern,), conditions=conditions),), "2012-10-17")
        return decide(ROLE, context={"aws:sourcearn": "arn:aws:s3:::" + text}, resource=text, identity=policy)

    assert grows_with_the_input(run, 1 << 11, 1 << 15)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("?" * LONGEST, "a" * LONGEST, True),
        ("?" * LONGEST, "a" * (LONGEST - 1), False),
        ("?" * (LONGEST + 1), "a", None),
        ("?*", "a" * (LONGEST + 1), None),
        ("a*", "a" * (LONGEST + 1), True),
        ("b*", "a" * (LONGEST + 1), False),
        ("a" * 4 * LONGEST + "*b", "a" * 5 * LONGEST, False),
        ("*" + OPEN, "a" * (LONGEST + 1), None),
        ("a" * (LONGEST + 1) + OPEN, "a" * (LONGEST + 1) + OPEN, True),
    ],
)
def test_what_is_too_long_to_match_is_unknown(pattern: str, text: str, expected: bool | None) -> None:
    assert open_text.matches(pattern, text, True, SYMBOLS) is expected


def test_a_glob_too_long_to_match_neither_grants_nor_lifts_a_denial() -> None:
    for operator, outcome in (("StringLike", "Undecided"), ("StringNotLike", "Undecided"), ("ArnLike", "Undecided")):
        pattern = "arn:aws:s3:::" + "?*" * LONGEST
        statement = Statement("Allow", ("*",), ("*",), conditions=(Condition(operator, "aws:SourceArn", (pattern,)),))
        for given in (statement, statement._replace(effect="Deny")):
            policy = Policy((Statement("Allow", ("ec2:*",), ("*",)), given), "2012-10-17")
            if given.effect == "Deny":
                policy = Policy((Statement("Allow", ("*",), ("*",)), given), "2012-10-17")
            decision = decide(ROLE, context={"aws:sourcearn": "arn:aws:s3:::b"}, identity=policy)
            assert decision.outcome == outcome, (operator, given.effect)


# ---- proofs

EVERYBODY = (Principal("*", "*"),)
ASKED = RequestSet("signed", Texts(("*",)), Texts(("s3:GetObject",)), Texts(("arn:aws:s3:::b/*",)), HERE)


def resources(size: int, pattern: str) -> Policy:
    """A policy of that size, with one statement of resources, `#` a number."""
    listed = tuple(pattern.replace("#", f"{number:09}") for number in range(size // 32))
    return Policy((Statement("Allow", ("s3:*",), listed, EVERYBODY),), "2012-10-17")


def values(size: int, operator: str, key: str, pattern: str) -> Policy:
    """A policy of that size, with one condition."""
    listed = tuple(pattern.replace("#", f"{1_700_000_000 + number}") for number in range(size // 24))
    return Policy((Statement("Allow", ("*",), ("*",), EVERYBODY, (Condition(operator, key, listed),)),), "2012-10-17")


def statements(size: int, effect: str) -> Policy:
    """A policy of that size, with many statements."""
    several = [Statement("Allow", ("*",), ("*",), EVERYBODY)]
    for number in range(size // 64):
        several.append(Statement(effect, ("s3:*",), (f"arn:aws:s3:::b/{number:09}",), EVERYBODY))  # type: ignore[arg-type]
    return Policy(tuple(several), "2012-10-17")


POLICIES: dict[str, Callable[[int], Policy]] = {
    "literals": lambda n: resources(n, "arn:aws:s3:::b/#"),
    "beginnings": lambda n: resources(n, "arn:aws:s3:::b/#*"),
    "endings": lambda n: resources(n, "arn:aws:s3:::b/*#"),
    "middles": lambda n: resources(n, "arn:aws:s3:::*/#*"),
    "question marks": lambda n: resources(n, "arn:aws:s3:::?/#"),
    "open names": lambda n: resources(n, f"arn:aws:s3:::{OPEN}/#"),
    "one long literal": lambda n: resources(64, "arn:aws:s3:::" + "a" * (n // 2)),
    "one long glob": lambda n: resources(64, "arn:aws:s3:::" + "*a" * (n // 4)),
    "one long run of question marks": lambda n: resources(64, "arn:aws:s3:::" + "?" * (n // 2)),
    "Allows": lambda n: statements(n, "Allow"),
    "Denies": lambda n: statements(n, "Deny"),
    "roles": lambda n: values(n, "ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{HERE}:role/#*"),
    "users": lambda n: values(n, "StringEquals", "aws:username", "#"),
    "cases": lambda n: values(n, "StringEqualsIgnoreCase", "aws:SourceVpce", "vpce-#"),
    "numbers": lambda n: values(n, "NumericLessThan", "s3:max-keys", "#"),
    "dates": lambda n: values(n, "DateGreaterThan", "aws:CurrentTime", "#"),
    "addresses": lambda n: values(n, "IpAddress", "aws:SourceIp", "2001:db8::#"),
    "sets": lambda n: values(n, "ForAllValues:StringLike", "aws:TagKeys", "#*"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_proofs_take_linear_time(name: str) -> None:
    def run(size: int) -> object:
        prove = prove_denied if name in ("Allows", "Denies") else prove_allowed
        return prove(ASKED, Policies((), resource=POLICIES[name](size)), SYMBOLS)

    assert grows_with_the_input(run, 1 << 11, 1 << 15)


def test_too_long_a_pattern_is_undecided() -> None:
    verdict = prove_allowed(ASKED, Policies((), resource=POLICIES["one long run of question marks"](1 << 18)), SYMBOLS)
    assert isinstance(verdict, Undecided)
    assert verdict.reasons == ("a pattern for the resource is longer than any text of a request",)
    asked = ASKED._replace(context={"aws:sourcevpce": Key(Texts(("?" * (1 << 16),)))})
    policy = values(64, "StringEquals", "aws:SourceVpce", "#")
    assert isinstance(prove_denied(asked, Policies((), resource=policy), SYMBOLS), Undecided)


def test_too_many_bounds_are_undecided() -> None:
    few, many = (
        prove_denied(ASKED, Policies((), resource=values(24 * count, "NumericLessThan", "s3:max-keys", "#")), SYMBOLS)
        for count in (MOST_BOUNDS, MOST_BOUNDS + 1)
    )
    assert isinstance(few, Refuted)
    assert isinstance(many, Undecided)
    assert many.reasons == ("`s3:max-keys` is compared with more than 512 values",)


@pytest.mark.parametrize("length", [1 << 14, 1 << 15])
def test_steps_of_long_patterns_cost_more(length: int) -> None:
    verdict = prove_denied(ASKED, Policies((), resource=POLICIES["users"](length)), SYMBOLS)
    assert isinstance(verdict, Undecided)
    assert verdict.reasons == ("the patterns for the caller overlap in too many ways",)


def test_automata_and_unifiers_give_up_what_is_too_long() -> None:
    beginning = patterns.glob("a" * 64 + "*")
    assert automata.atoms([beginning] * (MOST_POSITIONS // 64)) is not None
    assert automata.atoms([beginning] * (MOST_POSITIONS // 64 + 1)) is None
    found = unifiers(patterns.glob("*a" * (1 << 14) + OPEN), patterns.glob("*b" * (1 << 14)), SYMBOLS)
    assert not found.found and not found.complete
