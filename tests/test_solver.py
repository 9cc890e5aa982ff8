"""The prover against an SMT solver, where it is installed, and what the questions to it leave out."""

import re
from importlib.util import find_spec

import pytest
from solver import EVERYBODY, Case, compare, random_case, solve

from policy_audit.devtools.smtlib import UnsupportedError, script
from policy_audit.iam.request import Policies, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Symbol, Symbols

HERE = "111111111111"
ASKED = RequestSet("signed", Texts(("*",)), Texts(("s3:GetObject",)), Texts(("arn:aws:s3:::b/*",)), HERE)
ALLOW = Statement("Allow", ("s3:*",), ("arn:aws:s3:::b/*",))
needs_solver = pytest.mark.skipif(
    find_spec("cvc5") is None, reason="cvc5 is not here to be asked: pip install policy_audit[oracle]"
)


def own(*statements: Statement) -> Policies:
    return Policies((Policy(statements, "2012-10-17"),))


def when(operator: str, key: str, *values: str) -> Statement:
    return ALLOW._replace(conditions=(Condition(operator, key, values),))


@needs_solver
@pytest.mark.parametrize("index", [0, 2, 5, 6, 8])
def test_the_solver_agrees(index: int) -> None:
    """Several hundred were compared once; how is told in `solver`."""
    for compared in compare(random_case(1, index)):
        assert compared.told != "disagree", (compared, random_case(1, index))


# A question, and whether some request of the set is allowed, and whether some is not.
PLAIN: dict[str, tuple[Policies, str, str]] = {
    "an Allow": (own(ALLOW), "sat", "sat"),
    "nothing": (own(), "sat", "sat"),
    "a key that may be absent": (own(when("StringEquals", "aws:SourceVpce", "vpce-1")), "sat", "sat"),
    "a Deny of everybody": (own(ALLOW, ALLOW._replace(effect="Deny")), "unsat", "sat"),
    "a key that no caller has, but for the root user": (own(when("Null", "aws:SourceArn", "false")), "sat", "sat"),
    "everybody by the resource": (
        Policies((), resource=Policy((ALLOW._replace(principals=EVERYBODY),))),
        "sat",
        "unsat",
    ),
}


@needs_solver
@pytest.mark.parametrize("name", PLAIN)
def test_plain_questions(name: str) -> None:
    policies, some, others = PLAIN[name]
    assert solve(script(ASKED, policies, "ordinary", "some are allowed")) == some
    assert solve(script(ASKED, policies, "ordinary", "some are not allowed")) == others


UNSUPPORTED: dict[str, tuple[Policies, str]] = {
    "hidden policies": (Policies(None), "not visible"),
    "an unreadable document": (Policies((Policy((), unknown="it is not JSON"),)), "not visible"),
    "an unreadable statement": (own(ALLOW._replace(unknown=("a part is open",))), "not known"),
    "a policy variable": (own(when("StringEquals", "aws:PrincipalTag/a", "${aws:username}")), "variables"),
    "an open value": (
        own(when("StringEquals", "aws:SourceVpce", Symbols().symbol(Symbol("${Endpoint}")))),
        "open values",
    ),
    "an unknown operator": (own(when("StringEqual", "aws:SourceVpce", "x")), "does not have"),
    "two views of a key": (
        own(when("StringEquals", "test:key", "1"), when("NumericEquals", "test:key", "1")),
        "texts and as numbers",
    ),
    "a single-valued operator": (own(when("StringEquals", "aws:TagKeys", "x")), "several values"),
    "what AWS's pages disagree on": (own(when("ForAnyValue:StringLikeIfExists", "aws:TagKeys", "x")), "disagree"),
    "an incomplete ARN": (own(ALLOW._replace(resources=("arn:aws:s3*",))), "no whole ARNs"),
    "a wildcard in the type": (own(ALLOW._replace(resources=(f"arn:aws:iam::{HERE}:u*",))), "resource type"),
    "a session": (
        Policies(
            (),
            resource=Policy((ALLOW._replace(principals=(Principal("AWS", f"arn:aws:sts::{HERE}:assumed-role/r/s"),)),)),
        ),
        "the principal",
    ),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_certain_is_not_asked(name: str) -> None:
    policies, told = UNSUPPORTED[name]
    with pytest.raises(UnsupportedError, match=told):
        script(ASKED, policies, "ordinary", "some are allowed")


@pytest.mark.parametrize("index", range(20))
def test_scripts_pair_their_brackets_and_declare_what_they_use(index: int) -> None:
    case: Case = random_case(2, index)
    try:
        text = script(*case, "some are allowed")
    except UnsupportedError:
        return
    bare = re.sub('"(?:[^"]|"")*"', "", text)
    assert bare.count("(") == bare.count(")")
    used = set(re.findall(r"\|([^|]+)\|", re.sub(r"\(declare-const [^\n]*", "", text)))
    assert used <= set(re.findall(r"\(declare-const \|([^|]+)\|", text))
    assert used >= {"principal", "action", "resource"}
