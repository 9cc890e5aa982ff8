"""The prover against exhaustive enumeration with the evaluator, which shares nothing with it but the operator table."""

import random
import re
from collections.abc import Callable, Iterator

import pytest
from random_policies import (
    CALLERS,
    HERE,
    VALUES,
    WORLDS,
    Case,
    check,
    finite_set,
    outcome,
    outcomes,
    policies,
    possible,
    run,
    statement,
)

from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.prove import members_allowed, prove_allowed, prove_denied
from policy_audit.iam.request import (
    UNSIGNED,
    Authorization,
    ContextValue,
    Key,
    Policies,
    Proven,
    Refuted,
    Request,
    RequestSet,
    Texts,
    Undecided,
)
from policy_audit.model.policy import Condition, Effect, Policy, Principal, Statement
from policy_audit.model.value import Symbols

AUTHORIZATIONS: tuple[Authorization, ...] = (
    "ordinary",
    "api-gateway-iam",
    "api-gateway-none",
    "api-gateway-custom",
    "kms",
)


@pytest.mark.parametrize("part", range(8))
def test_verdicts_agree_with_enumeration(part: int) -> None:
    """Many more cases were checked once; how is told in `random_policies`."""
    tally = run(seed=0, indexes=range(part * 250, (part + 1) * 250))
    assert tally.wrong == []
    for side in ("denied", "allowed"):
        assert min(tally.verdicts[f"{side} {verdict}"] for verdict in ("Proven", "Refuted", "Undecided")) > 2
    assert tally.gaps.total() < 12, tally.gaps


def wide_set(dice: random.Random) -> RequestSet:
    """A set of infinitely many requests."""
    return RequestSet(
        "signed",
        Texts(
            dice.choice((("*",), ("*",), ("arn:aws:iam::*:role/*",), ("*:role/A*", "*:user/*"))),
            dice.choice(((), (CALLERS[0].arn,), (f"arn:aws:iam::{HERE}:role/*",), ("*:root", "*/U"))),
        ),
        Texts(dice.choice((("*",), ("s3:*",), ("s3:PutObject",)))),
        Texts(dice.choice((("*",), ("arn:aws:s3:::b/*",), ("*y", "arn:*"))), dice.choice(((), ("*/x",)))),
        HERE,
        dice.random() < 0.7,
        {"aws:sourcevpce": Key(Texts(("vpce-*",), ("vpce-1",)), True)} if dice.random() < 0.3 else {},
    )


RESTRICTED = (
    *("aws:sourcearn", "aws:sourceaccount", "test:arn"),  # Of services alone, or an ARN.
    *("aws:principaltag/team", "aws:multifactorauthage"),  # Of IAM principals alone: what passes unsigned has none.
)


def some_members(dice: random.Random, requests: RequestSet, number: int) -> Iterator[Request]:
    """Requests of a wide set, some at random."""
    callers = [caller for caller in CALLERS if (f":{HERE}:" in caller.arn) == requests.same_account]
    callers = [caller for caller in callers if belongs(caller.arn, requests.callers)]
    actions = [action for action in WORLDS[0].actions if belongs(action.lower(), requests.actions, str.lower)]
    resources = [resource for resource in WORLDS[0].resources if belongs(resource, requests.resources)]
    if not (callers and actions and resources):
        return
    for _ in range(number):
        context: dict[str, ContextValue] = {}
        for name, values in VALUES.items():
            if name not in RESTRICTED and dice.random() < 0.6:
                own = [value for value in values if name not in requests.context or value == "vpce-2"]
                chosen = dice.choice(possible(name, Key(Texts(tuple(own)))))
                context |= {name: chosen} if chosen is not None else {}
        yield Request(dice.choice(callers), dice.choice(actions), dice.choice(resources), HERE, context)


def belongs(text: str, texts: Texts, change: Callable[[str], str] = str) -> bool:
    def matching(pattern: str) -> bool:
        return re.fullmatch(re.escape(change(pattern)).replace(r"\*", ".*"), text) is not None

    return any(map(matching, texts.patterns)) and not any(map(matching, texts.but))


def decided(requests: list[Request], given: Policies, authorization: Authorization) -> set[str]:
    evaluator = Evaluator(given, authorization)
    return {outcome(evaluator, request) for request in requests}


@pytest.mark.parametrize("seed", range(2))
def test_proofs_about_infinite_sets_hold_for_samples(seed: int) -> None:
    dice = random.Random(1000 + seed)
    symbols = Symbols()
    proven = refuted = 0
    for _ in range(40):
        given, requests = policies(dice), wide_set(dice)
        authorization = dice.choice(AUTHORIZATIONS)
        samples = list(some_members(dice, requests, 40))
        if authorization in UNSIGNED:  # Where nobody signs, nobody has shown a second factor.
            samples = [one for one in samples if "aws:multifactorauthage" not in one.context]
        found = decided(samples, given, authorization)
        denied = prove_denied(requests, given, symbols, authorization)
        allowed = prove_allowed(requests, given, symbols, authorization)
        case = (requests, given, authorization, denied, allowed)
        if isinstance(denied, Proven):
            proven += 1
            assert "Allowed" not in found, case
            assert not members_allowed(requests, given, symbols, authorization), case
        elif isinstance(denied, Refuted):
            refuted += 1
            assert denied.decision.outcome == "Allowed"
            caller = denied.request.caller.arn
            assert authorization in UNSIGNED or belongs(caller, requests.callers), case
            assert belongs(denied.request.resource, requests.resources), case
            assert members_allowed(requests, given, symbols, authorization), case
        if isinstance(allowed, Proven):
            assert found <= {"Allowed"}, case
        elif isinstance(allowed, Refuted):
            assert "Allowed" not in found, case
    assert proven >= 3
    assert refuted > 8


def smaller(given: Policies, index: int) -> Policies:
    assert given.resource is not None
    statements = given.resource.statements
    return given._replace(resource=given.resource._replace(statements=statements[:index] + statements[index + 1 :]))


@pytest.mark.parametrize("seed", range(1))
def test_laws(seed: int) -> None:
    """Order, duplication and splitting of lists change nothing; a Deny more keeps a proof, an Allow a refutation."""
    dice = random.Random(2000 + seed)
    symbols = Symbols()
    for _ in range(40):
        given, requests = policies(dice), wide_set(dice) if dice.random() < 0.5 else finite_set(dice)
        if given.resource is None:
            continue
        authorization = dice.choice(AUTHORIZATIONS)
        statements = given.resource.statements

        def verdict(*changed: Statement) -> str:
            resource = given.resource._replace(statements=changed)  # type: ignore[union-attr] # noqa: B023
            altered = given._replace(resource=resource)  # noqa: B023
            return type(prove_denied(requests, altered, symbols, authorization)).__name__  # noqa: B023

        before = verdict(*statements)
        assert verdict(*reversed(statements)) == before
        assert verdict(*statements, statements[0]) == before
        split = [
            part._replace(actions=(action,)) for part in statements if not part.not_action for action in part.actions
        ]
        whole = [part for part in statements if part.not_action]
        assert verdict(*split, *whole) == before
        more = statement(dice, with_principal=True, deny=1.0)
        if before == "Proven":
            assert verdict(*statements, more) == "Proven"
        if before == "Refuted":
            assert verdict(*statements, more._replace(effect="Allow", not_principal=False)) == "Refuted"
        everyone = Statement("Deny", ("*",), ("*",), (Principal("*", "*"),))
        if "sts:GetCallerIdentity" not in requests.actions.patterns and requests.actions.patterns != ("*",):
            assert verdict(*statements, everyone) == "Proven"


@pytest.mark.parametrize("seed", range(1))
def test_what_carries_a_proof_is_smallest(seed: int) -> None:
    dice = random.Random(3000 + seed)
    symbols = Symbols()
    checked = 0
    for _ in range(150):
        given, requests = policies(dice)._replace(scps=None, rcps=None), finite_set(dice)
        verdict = prove_denied(requests, given, symbols, "ordinary")
        if not isinstance(verdict, Proven) or given.resource is None:
            continue
        for deciding in verdict.because:
            assert deciding.statement.effect == "Deny"
            if deciding.policy_type == "resource policy":
                checked += 1
                others = [each for each in verdict.because if each is not deciding]
                kept = {id(each.statement) for each in others}
                resource = given.resource._replace(
                    statements=tuple(
                        each for each in given.resource.statements if each.effect == "Allow" or id(each) in kept
                    )
                )
                altered = without_denies(given, kept)._replace(resource=resource)
                assert not isinstance(prove_denied(requests, altered, symbols, "ordinary"), Proven)
    assert checked >= 3


def without_denies(given: Policies, kept: set[int]) -> Policies:
    """The policies without the Denies that are not kept."""

    def cut(each: Policy) -> Policy:
        return each._replace(
            statements=tuple(part for part in each.statements if part.effect == "Allow" or id(part) in kept)
        )

    return given._replace(
        identity=None if given.identity is None else tuple(map(cut, given.identity)),
        boundaries=None if given.boundaries is None else tuple(map(cut, given.boundaries)),
        session=None if given.session is None else cut(given.session),
        endpoint=None if given.endpoint is None else tuple(map(cut, given.endpoint)),
    )


# ---- what the two once read differently, as small as it can be shown


def alone(
    *statements: Statement,
    service: bool = False,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/x",
    **context: Key,
) -> Case:
    """These statements as the policy of the resource, and one caller's request for one action."""
    caller = "states.amazonaws.com" if service else CALLERS[0].arn
    requests = RequestSet(
        "service" if service else "signed",
        Texts((caller,)),
        Texts((action,)),
        Texts((resource,)),
        HERE,
        context={name.replace("_", ":"): key for name, key in context.items()},
        unlisted="absent",
    )
    named = tuple(each._replace(principals=each.principals or (Principal("*", "*"),)) for each in statements)
    return Case(requests, Policies((), resource=Policy(named, "2012-10-17")), "ordinary")


def value(*texts: str) -> Key:
    return Key(Texts(texts))


def when(effect: Effect, operator: str, key: str, *values: str) -> Statement:
    return Statement(effect, ("*",), ("*",), conditions=(Condition(operator, key, values),))


ALLOW = Statement("Allow", ("*",), ("*",))
READ_ALIKE: dict[str, tuple[Case, str]] = {
    "a fraction of a second": (
        alone(
            when("Allow", "DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
            aws_currenttime=value("2026-01-01T00:00:00.5Z"),
        ),
        "Allowed",
    ),
    "an IPv4 address written as IPv6 in 10.0.0.0/8": (
        alone(when("Allow", "IpAddress", "aws:SourceIp", "10.0.0.0/8"), aws_sourceip=value("::ffff:10.0.0.6")),
        "Allowed",
    ),
    "an IPv4 address written as IPv6 is none in ::/0": (
        alone(when("Allow", "IpAddress", "aws:SourceIp", "::/0"), aws_sourceip=value("::ffff:10.0.0.6")),
        "Denied",
    ),
    "bytes given decoded": (
        alone(when("Allow", "BinaryEquals", "test:binary", "aGVsbG8="), test_binary=value("hello")),
        "Allowed",
    ),
    "bytes with other superfluous bits": (
        alone(when("Allow", "BinaryEquals", "test:binary", "aGVsbG8="), test_binary=value("aGVsbG9=")),
        "Allowed",
    ),
    "bytes that are none": (
        alone(when("Allow", "BinaryEquals", "test:binary", "hello"), test_binary=value("hello")),
        "Denied",
    ),
    "a value listed for an ARN that is none": (
        alone(ALLOW, when("Deny", "ArnLike", "test:arn", "*"), test_arn=value("not an arn")),
        "Allowed",
    ),
    "a service tells its name": (
        alone(ALLOW, when("Deny", "Null", "aws:PrincipalServiceName", "false"), service=True),
        "Denied",
    ),
    "a Deny of several values under a single-valued negation": (
        alone(ALLOW, when("Deny", "StringNotEquals", "aws:TagKeys", "x"), aws_tagkeys=value("x")),
        "Undecided",
    ),
    "a Kelvin sign is no k": (
        alone(when("Allow", "StringEqualsIgnoreCase", "test:key", "k"), test_key=value("\u212a")),
        "Denied",
    ),
    "a role passed to a policy that AWS manages": (
        alone(ALLOW, action="iam:PassRole", resource="arn:aws:iam::aws:policy/P"),
        "Allowed",
    ),
    "a policy that AWS manages, among all actions": (
        alone(ALLOW, action="iam:CreatePolicyVersion", resource="arn:aws:iam::aws:policy/P"),
        "Denied",
    ),
}


@pytest.mark.parametrize("name", READ_ALIKE)
def test_prover_and_evaluator_read_alike(name: str) -> None:
    case, expected = READ_ALIKE[name]
    assert outcomes(*case) == {expected}
    verdicts = {"Allowed": (Refuted, Proven), "Denied": (Proven, Refuted), "Undecided": (Undecided, Undecided)}
    checked = check(case)
    assert not checked.wrong
    assert tuple(map(type, checked.verdicts)) == verdicts[expected]


def test_all_actions_are_not_allowed_on_what_aws_manages() -> None:
    case = alone(ALLOW, action="*", resource="*")
    assert not isinstance(prove_allowed(case.requests, case.policies, Symbols()), Proven)
    only = alone(ALLOW, action="s3:*", resource="*")
    assert isinstance(prove_allowed(only.requests, only.policies, Symbols()), Proven)


@pytest.mark.parametrize(("key", "proven"), [("aws:MultiFactorAuthAge", True), ("test:weight", False)])
def test_no_request_has_a_fraction_where_numbers_are_whole(key: str, proven: bool) -> None:
    case = alone(when("Allow", "NumericEquals", key, "299.5"))
    verdict = prove_denied(case.requests._replace(unlisted="any"), case.policies, Symbols())
    assert isinstance(verdict, Proven) is proven


def test_a_statement_that_aws_refuses_may_apply_to_anything() -> None:
    """A trust policy may not have `Resource`: what the document does then is not said."""
    statement = when("Allow", "Null", "aws:SourceArn", "true")
    case = alone(statement, action="sts:AssumeRole", aws_sourcearn=value("arn:aws:s3:::b"))._replace(
        authorization="trust"
    )
    assert outcomes(*case) == {"Undecided"}
    assert all(isinstance(each, Undecided) for each in check(case).verdicts)
