"""The page on what a verdict means says the truth: every row of its tables is asked of the prover itself."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from policy_audit.iam import limits
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Key, Policies, RequestSet, Texts, Verdict
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import ACCOUNT, Symbol, Symbols
from policy_audit.rulebook.pages import page
from policy_audit.sources import worlds

HERE, THERE = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HERE}:role/runner"
METHOD = f"arn:aws:execute-api:eu-west-1:{HERE}:abcdefghij/live/GET/x"
ANYONE = (Principal("*", "*"),)
TAGS = "aws:TagKeys"


def table(name: str) -> dict[str, str]:
    """The rows of a marked table of the page: the first cell and the last."""
    text = re.findall(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", page("proofs"), flags=re.S)[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()[2:]]
    return {row[0].strip("| "): row[-1].strip("| ") for row in rows}


def when(operator: str, *values: str, key: str = "aws:PrincipalTag/x") -> Condition:
    return Condition(operator, key, values)


def deny(*conditions: Condition, **elements: Any) -> Statement:
    return Statement("Deny", ("execute-api:*",), ("*",), ANYONE, conditions)._replace(**elements)


def allow(*conditions: Condition, **elements: Any) -> Statement:
    return deny(*conditions, **elements)._replace(effect="Allow")


def kept_out(*statements: Statement, but: str = ROLE, foreign: bool = False, table: Symbols | None = None) -> Verdict:
    """Whether a resource policy of an API keeps everybody out but one role."""
    requests = RequestSet(
        "signed", Texts(("arn:aws:*",), (but,)), Texts(("execute-api:Invoke",)), Texts((METHOD,)), HERE, not foreign
    )
    policies = Policies(None, resource=Policy(statements, "2012-10-17"))
    return prove_denied(requests, policies, table or Symbols(), "api-gateway-iam")


def admitted(*statements: Statement, key: str = "", value: str = "", **elements: Any) -> Verdict:
    """Whether the role may call under a resource policy, with an identity policy that allows it."""
    context = {key: Key(Texts((value,)))} if key else {}
    requests = RequestSet(
        "signed", Texts((ROLE,)), Texts(("execute-api:Invoke",)), Texts((METHOD,)), HERE, context=context
    )
    identity = Policy((Statement("Allow", ("*",), ("*",))._replace(**elements),), "2012-10-17")
    policies = Policies((identity,), resource=Policy(statements, "2012-10-17"))
    return prove_allowed(requests, policies, Symbols(), "api-gateway-iam")


def kept_out_but_an_open_role(exempt: str) -> Verdict:
    """Whether everybody is kept out but a role of an account that is not known, by an exemption for this account's."""
    table = Symbols()
    letter = table.symbol(Symbol("${AWS::AccountId}", ACCOUNT))
    exempt = f"arn:aws:iam::{exempt or letter}:role/runner"
    statement = deny(when("ArnNotEquals", exempt, key="aws:PrincipalArn"))
    return kept_out(statement, allow(), but=f"arn:aws:iam::{letter}:role/runner", table=table)


PROVEN, REFUTED, UNDECIDED = "Proven", "Refuted", "Undecided"
NAMED = f"arn:aws:iam::{THERE}:user/ana"
EXACT_ROLE = deny(when("StringNotEquals", ROLE, key="aws:PrincipalArn"))
ROWS: dict[str, list[tuple[Callable[[], Verdict], str]]] = {
    "effects, actions, resources and their negations, `*` and `?`": [
        (lambda: kept_out(deny(actions=("s3:?et*",), not_action=True), allow()), PROVEN),
        (lambda: kept_out(deny(resources=(f"{METHOD}?",), not_resource=True), allow()), PROVEN),
        (lambda: kept_out(deny(resources=(METHOD[:-1] + "?",)), allow()), PROVEN),
        (lambda: kept_out(deny(resources=(METHOD + "?",)), allow()), REFUTED),
    ],
    "string, ARN, Bool and Binary operators and their negations": [
        (lambda: kept_out(EXACT_ROLE, allow()), PROVEN),
        (lambda: kept_out(deny(when("ArnNotLike", ROLE, key="aws:PrincipalArn")), allow()), PROVEN),
        (lambda: kept_out(deny(when("StringNotLike", ROLE + "*", key="aws:PrincipalArn")), allow()), REFUTED),
        (
            lambda: kept_out(
                *(deny(when("Bool", each)) for each in ("true", "false")), deny(when("Null", "true")), allow()
            ),
            PROVEN,
        ),
        (lambda: kept_out(deny(when("BinaryEquals", "YWJj")), allow()), REFUTED),
    ],
    "IgnoreCase operators on ASCII text": [
        (
            lambda: kept_out(
                deny(when("StringEqualsIgnoreCase", "a")), deny(when("StringNotEqualsIgnoreCase", "A")), allow()
            ),
            PROVEN,
        ),
        (lambda: kept_out(deny(when("StringNotEqualsIgnoreCase", "A")), allow()), REFUTED),
    ],
    "IgnoreCase operators on other text": [
        (
            lambda: kept_out(
                deny(when("StringEqualsIgnoreCase", "é")), deny(when("StringNotEqualsIgnoreCase", "É")), allow()
            ),
            UNDECIDED,
        ),
    ],
    "missing keys, `Null` and `IfExists`": [
        (lambda: kept_out(deny(when("Null", "true")), deny(when("Null", "false")), allow()), PROVEN),
        (
            lambda: kept_out(deny(when("StringNotEqualsIfExists", "a")), deny(when("StringEquals", "a")), allow()),
            PROVEN,
        ),
        (lambda: kept_out(deny(when("StringEquals", "a")), deny(when("StringNotLike", "*")), allow()), REFUTED),
    ],
    "numeric and date operators": [
        (
            lambda: kept_out(
                deny(when("NumericLessThan", "5")),
                deny(when("NumericGreaterThanEquals", "5")),
                deny(when("Null", "true")),
                allow(),
            ),
            PROVEN,
        ),
        (
            lambda: kept_out(
                deny(when("NumericLessThan", "5")),
                deny(when("NumericGreaterThan", "5")),
                deny(when("Null", "true")),
                allow(),
            ),
            REFUTED,
        ),
        (
            lambda: kept_out(
                deny(when("DateLessThan", "2030-01-01")),
                deny(when("DateGreaterThanEquals", "1893456000")),
                deny(when("Null", "true")),
                allow(),
            ),
            PROVEN,
        ),
    ],
    "IP addresses of both versions": [
        (
            lambda: kept_out(
                deny(when("IpAddress", "0.0.0.0/0", "::/0", key="aws:SourceIp")),
                deny(when("Null", "true", key="aws:SourceIp")),
                allow(),
            ),
            PROVEN,
        ),
        (
            lambda: kept_out(
                deny(when("IpAddress", "0.0.0.0/0", key="aws:SourceIp")),
                deny(when("Null", "true", key="aws:SourceIp")),
                allow(),
            ),
            REFUTED,
        ),
    ],
    "`ForAllValues` and `ForAnyValue` on keys with several values": [
        (
            lambda: kept_out(
                deny(when("ForAllValues:StringEquals", "a", key=TAGS)),
                deny(when("ForAnyValue:StringNotEquals", "a", key=TAGS)),
                allow(),
            ),
            PROVEN,
        ),
        (
            lambda: kept_out(
                deny(when("ForAnyValue:StringLike", "*", key=TAGS)), deny(when("Null", "true", key=TAGS)), allow()
            ),
            PROVEN,
        ),
        (lambda: kept_out(deny(when("ForAnyValue:StringNotEquals", "a", key=TAGS)), allow()), REFUTED),
    ],
    "an operator for one value on a key with several": [
        (
            lambda: kept_out(
                deny(when("StringEquals", "a", key=TAGS)), deny(when("StringNotEquals", "a", key=TAGS)), allow()
            ),
            UNDECIDED,
        ),
    ],
    "a condition operator that IAM does not have": [
        (lambda: kept_out(deny(when("StringNotEqual", ROLE, key="aws:PrincipalArn")), allow()), UNDECIDED),
        (lambda: kept_out(deny(), allow(when("StringNotEqual", "a"))), PROVEN),
    ],
    "policy variables such as `${aws:username}`": [
        (lambda: kept_out(deny(when("StringNotEquals", "${aws:PrincipalTag/y}")), allow()), UNDECIDED),
        (lambda: kept_out(deny(when("StringNotEquals", "${aws:PrincipalTag/y}")), EXACT_ROLE, allow()), PROVEN),
    ],
    "`Principal`: `*`, accounts, roles, users, services": [
        (lambda: kept_out(deny(), allow()), PROVEN),
        (lambda: kept_out(allow(principals=(Principal("AWS", NAMED),)), foreign=True), REFUTED),
        (lambda: kept_out(allow(principals=(Principal("AWS", THERE),)), foreign=True), REFUTED),
        (lambda: kept_out(allow(principals=(Principal("Service", "states.amazonaws.com"),)), foreign=True), PROVEN),
        (lambda: admitted(deny(principals=(Principal("AWS", f"arn:aws:iam::{HERE}:root"),))), REFUTED),
    ],
    "`Principal`: a session, a unique id, a canonical user": [
        (
            lambda: kept_out(
                allow(principals=(Principal("AWS", f"arn:aws:sts::{THERE}:assumed-role/a/s"),)), foreign=True
            ),
            UNDECIDED,
        ),
        (lambda: kept_out(allow(principals=(Principal("AWS", "AROAEXAMPLE"),)), foreign=True), UNDECIDED),
        (lambda: kept_out(allow(principals=(Principal("CanonicalUser", "0" * 64),)), foreign=True), UNDECIDED),
        (lambda: kept_out(allow(principals=(Principal("AWS", "AROAEXAMPLE"),)), EXACT_ROLE, foreign=True), PROVEN),
    ],
    "`NotPrincipal` with Deny": [
        (
            lambda: kept_out(deny(principals=(Principal("AWS", ROLE),), not_principal=True), allow(), foreign=True),
            PROVEN,
        ),
        (
            lambda: admitted(deny(principals=(Principal("AWS", ROLE), Principal("AWS", HERE)), not_principal=True)),
            UNDECIDED,
        ),
        (lambda: admitted(deny(principals=(Principal("AWS", NAMED),), not_principal=True)), REFUTED),
    ],
    "`NotPrincipal` with Allow, which AWS does not support": [
        (lambda: kept_out(allow(principals=(Principal("AWS", ROLE),), not_principal=True), foreign=True), UNDECIDED),
        (
            lambda: kept_out(allow(principals=(Principal("AWS", ROLE),), not_principal=True), EXACT_ROLE, foreign=True),
            PROVEN,
        ),
    ],
    "text and number of one key at once": [
        (
            lambda: kept_out(
                deny(when("NumericNotEquals", "5")),
                deny(when("NumericEquals", "5")),
                deny(when("StringEquals", "x")),
                allow(),
            ),
            PROVEN,
        ),
        (lambda: kept_out(deny(when("NumericNotEquals", "5")), deny(when("StringLike", "*5*")), allow()), UNDECIDED),
    ],
    "a statement or document that cannot be read": [
        (lambda: kept_out(deny(unknown=("it is not known",)), allow()), UNDECIDED),
        (lambda: kept_out(deny(), allow(unknown=("it is not known",))), PROVEN),
    ],
    "symbols between `:` and `/`": [
        (lambda: kept_out_but_an_open_role(""), PROVEN),
        (lambda: kept_out_but_an_open_role(HERE), UNDECIDED),
    ],
}
"""For each row questions with their answers: what is exact is proven and refuted, what is not is left open."""


def test_every_row_is_asked() -> None:
    assert set(table("rows")) == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_the_row_says_how_it_is_treated(row: str) -> None:
    expected = [answer for _, answer in ROWS[row]]
    assert [type(ask()).__name__ for ask, _ in ROWS[row]] == expected
    said = table("rows")[row]
    assert ("undecided" in said) == (UNDECIDED in expected)
    assert said.startswith("undecided") == (expected[0] == UNDECIDED)


def test_the_limits_are_those_of_the_code() -> None:
    assert [int(number) for number in table("limits").values()] == [
        limits.MOST_STEPS,
        limits.FEW_STATES,
        limits.MOST_ATOMS,
        limits.MOST_SUBSTITUTIONS,
        limits.MOST_UNIFIER_STEPS,
        limits.MOST_CANDIDATES,
        limits.MOST_CLASSES,
        worlds.MAXIMUM_WORLDS,
    ]
    assert f"more than {limits.MOST_IN_CORE} statements" in page("proofs")
