"""Questions decided without telling their resources apart: the same answers as with them, and told to be so."""

import random

import pytest
from random_policies import random_case
from realistic_policies import ACCOUNT, API, EVERYBODY, INVOKE, Restriction, at_random, role_arn

from policy_audit.iam.decide import decide, decide_broadly
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.question import Question, is_closed
from policy_audit.iam.request import Key, Policies, Proven, Refuted, RequestSet, Texts, Undecided, Verdict
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import NAME, Symbol, Symbols

ROLE = role_arn("orders")
ALLOW_ALL = Statement("Allow", INVOKE, (f"{API}/*",), EVERYBODY)


def asked(*resources: str, but: tuple[str, ...] = (ROLE,), same_account: bool = True, **keys: Key) -> RequestSet:
    context = {f"aws:{name}": key for name, key in keys.items()}
    return RequestSet("signed", Texts(("*",), but), Texts(INVOKE), Texts(resources), ACCOUNT, same_account, context)


def deny(*resources: str, condition: Condition | None = None, not_resource: bool = False) -> Statement:
    spares = condition or Condition("StringNotEquals", "aws:PrincipalArn", (ROLE,))
    return Statement("Deny", INVOKE, resources, EVERYBODY, (spares,), not_resource=not_resource)


def api(*statements: Statement) -> Policies:
    return Policies(identity=None, resource=Policy(statements, "2012-10-17", "api"))


def broad(requests: RequestSet, policies: Policies) -> tuple[Question, Verdict | None]:
    question = Question(requests, policies, Symbols(), "api-gateway-iam", broad=True)
    return question, decide_broadly(question)


@pytest.mark.parametrize(
    ("listed", "requested", "all_of_them"),
    [
        ("*", "a/*", True),
        ("execute-api:/*", "prod/GET/*", True),
        ("execute-api:/prod/*", "prod/GET/*", True),
        ("execute-api:/*/GET/*", "prod/GET/*", True),
        ("execute-api:/*/GET/*", "*/GET/*", True),
        (f"{API}/*/GET/orders", "prod/GET/orders", True),
        (f"{API}/?rod/GET/orders", "prod/GET/orders", True),
        (f"{API}/prod/*", "*", False),
        (f"{API}/prod/*/orders", "prod/*", False),
        (f"{API}/?rod/*", "?rod/*", False),
        (f"{API}/prod/?*", "prod/*", False),
        (f"{API}/prod/\ufffe", "prod/*", False),
        (f"{API}/prod/\ufffe*", "prod/*", False),
    ],
)
def test_which_statements_are_about_all_resources(listed: str, requested: str, all_of_them: bool) -> None:
    question, verdict = broad(asked(f"{API}/{requested}"), api(ALLOW_ALL, deny(listed)))
    assert question.is_whole is all_of_them
    assert isinstance(verdict, Proven) is all_of_them


def test_all_resources_are_those_of_every_pattern() -> None:
    requests = asked(f"{API}/prod/*", f"{API}/test/*")
    assert not isinstance(broad(requests, api(ALLOW_ALL, deny(f"{API}/prod/*")))[1], Proven)
    assert isinstance(broad(requests, api(ALLOW_ALL, deny(f"{API}/prod/*", f"{API}/test/*")))[1], Proven)


def test_the_request_shown_is_one_that_nothing_left_out_is_about() -> None:
    """`other` comes first to the mind of whoever looks for a witness; whether its Deny applies hangs on a key."""
    sure = Condition("StringLike", "aws:SourceVpc", ("*",))
    policies = api(ALLOW_ALL, deny(f"{API}/prod/other*", condition=sure))
    requests = asked(f"{API}/prod/*", sourcevpc=Key(Texts(("*",))))
    verdict = prove_denied(requests, policies, Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Refuted)
    assert not verdict.request.resource.startswith(f"{API}/prod/other")


def test_what_is_denied_everywhere_else_counts_as_left_out_everywhere() -> None:
    """The key that the Deny asks for is in every request of the set, and would not be in the one that is shown."""
    sure = Condition("StringLike", "aws:SourceVpc", ("*",))
    policies = api(ALLOW_ALL, deny(f"{API}/prod/x", condition=sure, not_resource=True))
    requests = asked(f"{API}/prod/a*", sourcevpc=Key(Texts(("*",))))
    question, verdict = broad(requests, policies)
    assert not question.is_whole
    assert verdict is None
    assert isinstance(prove_denied(requests, policies, Symbols(), "api-gateway-iam"), Proven)


def test_no_statement_carries_a_proof_that_needs_none() -> None:
    """The Allow is of no path of the set, which takes a look at the paths to see: no Deny is needed."""
    elsewhere = ALLOW_ALL._replace(resources=(f"{API}/*/POST/*",))
    requests = asked(f"{API}/prod/GET/orders", same_account=False)
    policies = api(elsewhere, deny(f"{API}/*"))
    question, verdict = broad(requests, policies)
    assert isinstance(verdict, Proven)
    assert question.understate()
    proven = prove_denied(requests, policies, Symbols(), "api-gateway-iam")
    assert isinstance(proven, Proven)
    assert proven.because == ()


def test_too_much_allowed_refutes_nothing() -> None:
    requests = asked(f"{API}/prod/*", same_account=False)
    policies = api(ALLOW_ALL._replace(resources=(f"{API}/*/POST",)), deny(f"{API}/prod/*POST"))
    assert broad(requests, policies)[1] is None
    assert isinstance(prove_denied(requests, policies, Symbols(), "api-gateway-iam"), Proven)


def test_an_open_text_anywhere_makes_a_question_open() -> None:
    letter = Symbols().symbol(Symbol("${Name}", NAME))
    requests, policies = asked(f"{API}/*", sourcevpc=Key(Texts(("vpc-1",)))), api(ALLOW_ALL, deny("*"))
    assert is_closed(requests, policies)
    statement = deny("*")
    for opened in (
        requests._replace(callers=Texts((letter,))),
        requests._replace(actions=Texts((letter,))),
        requests._replace(resources=Texts(("*",), (letter,))),
        requests._replace(resource_account=letter),
        requests._replace(context={"aws:sourcevpc": Key(Texts((letter,)))}),
    ):
        assert not is_closed(opened, policies)
    for changed in (
        statement._replace(actions=(letter,)),
        statement._replace(resources=(f"{API}/{letter}",)),
        statement._replace(principals=(Principal("AWS", letter),)),
        statement._replace(conditions=(Condition("StringEquals", letter, ("x",)),)),
        statement._replace(conditions=(Condition("StringEquals", "aws:PrincipalArn", ("x", letter)),)),
    ):
        assert not is_closed(requests, api(ALLOW_ALL, changed))


def both_ways(given: Restriction) -> tuple[Question, Verdict | None, Verdict]:
    arguments = (given.requests, given.policies, Symbols(), given.authorization)
    question = Question(*arguments, broad=True)
    return question, decide_broadly(question), decide("denied", Question(*arguments))


def test_resources_told_apart_or_not_the_verdict_is_the_same() -> None:
    """Realistic policies, asked for one method, all, and two of them; and random ones, in all types of policy."""
    dice = random.Random(7)
    cases = [at_random(seed) for seed in range(16)]
    for each in cases[:16]:
        resources = dice.choice(((f"{API}/*",), (f"{API}/prod/GET/orders", f"{API}/test/POST/*")))
        cases.append(each._replace(requests=each.requests._replace(resources=Texts(resources), same_account=False)))
    for index in range(120):
        case = random_case(7, index)
        cases.append(Restriction("random", case.requests, case.policies, case.authorization))
    told: dict[str, int] = {}
    for given in cases:
        question, verdict, full = both_ways(given)
        if verdict is not None:
            assert type(verdict) is type(full), given
            assert not isinstance(verdict, Undecided) or question.is_whole
        if not question.is_whole:
            told[type(verdict).__name__] = told.get(type(verdict).__name__, 0) + 1
    assert all(told.get(kind, 0) >= 3 for kind in ("Proven", "Refuted", "NoneType")), told


def test_what_no_statement_tells_apart_is_text_all_the_same() -> None:
    """Where every statement is about `*`, nothing but the set itself asks for resources."""
    role = Texts((f"arn:aws:iam::{ACCOUNT}:role/x",))
    nearly_all = Texts(("*",), ("t*", "f*"))
    requests = RequestSet("signed", role, Texts(("s3:*",)), nearly_all, ACCOUNT)
    policies = Policies(identity=(Policy((Statement("Allow", ("*",), ("*",)),), "2012-10-17"),))
    verdict = prove_denied(requests, policies, Symbols())
    assert isinstance(verdict, Refuted)
    assert not verdict.request.resource.startswith(("t", "f"))
    assert isinstance(prove_allowed(requests, policies, Symbols()), Proven)


@pytest.mark.parametrize("but", [("t*", "f*"), ("true", "false"), ("true",), ("vpce-1",)])
@pytest.mark.parametrize("operator", ["Null", "Bool"])
def test_a_key_has_other_values_than_those_that_a_set_leaves_out(operator: str, but: tuple[str, ...]) -> None:
    """Though no statement asks for any but `true` and `false`."""
    requests = asked(f"{API}/*", sourcevpce=Key(Texts(("*",), but)))
    granted = ALLOW_ALL._replace(conditions=(Condition(operator, "aws:SourceVpce", ("false",)),))
    verdict = prove_denied(requests, api(granted), Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Refuted)
    assert str(verdict.request.context["aws:sourcevpce"])[0] not in "tf" or but == ("true",)
