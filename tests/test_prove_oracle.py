"""The prover against exhaustive enumeration with the evaluator, which shares nothing with it but the operator table."""

import random
import re
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.prove import members_allowed, prove_allowed, prove_denied
from policy_audit.iam.request import (
    UNSIGNED,
    Authorization,
    Caller,
    Key,
    Policies,
    Proven,
    Refuted,
    Request,
    RequestSet,
    Texts,
)
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Symbols

HERE, THERE = "111111111111", "222222222222"
CALLERS = (
    Caller("role", f"arn:aws:iam::{HERE}:role/A"),
    Caller("role", f"arn:aws:iam::{HERE}:role/team/AB"),
    Caller("role", f"arn:aws:iam::{HERE}:role/aws-service-role/x/L"),
    Caller("user", f"arn:aws:iam::{HERE}:user/U"),
    Caller("root", f"arn:aws:iam::{HERE}:root"),
    Caller("federated", f"arn:aws:sts::{HERE}:federated-user/F"),
    Caller("role", f"arn:aws:iam::{THERE}:role/A"),
    Caller("user", f"arn:aws:iam::{THERE}:user/team/U"),
    Caller("root", f"arn:aws:iam::{THERE}:root"),
)
ACTIONS = ("s3:GetObject", "s3:PutObject", "sts:GetCallerIdentity")
RESOURCES = ("arn:aws:s3:::b/x", "arn:aws:s3:::b/y", "arn:aws:s3:::c")
KEYS: dict[str, tuple[str, ...]] = {
    "aws:sourceip": ("10.0.0.5", "192.0.2.1", "2001:db8::1"),
    "aws:sourcevpce": ("vpce-1", "vpce-2"),
    "aws:multifactorauthage": ("5", "10", "300"),
    "aws:securetransport": ("true", "false"),
    "aws:currenttime": ("2024-05-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    "aws:sourcearn": ("arn:aws:states:us-east-1:111111111111:stateMachine:M", "arn:aws:sns:us-east-1:222222222222:T"),
}
CONDITIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws:PrincipalArn": (
        ("String", "Arn", "Null"),
        (f"arn:aws:iam::{HERE}:role/A", f"arn:aws:iam::{HERE}:role/*", "arn:aws:iam::*:user/*", "*", "*/A?"),
    ),
    "aws:PrincipalAccount": (("String", "Null"), (HERE, THERE, "1*", "*2")),
    "aws:PrincipalType": (("String",), ("AssumedRole", "User", "A*")),
    "aws:username": (("String", "Null"), ("U", "u", "*", "?")),
    "aws:SourceIp": (("Address", "Null"), ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "bad")),
    "aws:SourceVpce": (("String", "Null"), ("vpce-1", "VPCE-2", "vpce-*", "${aws:PrincipalAccount}")),
    "aws:MultiFactorAuthAge": (("Numeric", "Null"), ("10", "5.0", "299.5", "x")),
    "aws:SecureTransport": (("Bool", "Null"), ("true", "false", "FALSE")),
    "aws:CurrentTime": (("Date",), ("2025-01-01", "2026-01-01T00:00:00Z", "1714521600")),
    "aws:SourceArn": (("Arn", "String"), ("arn:aws:states:*:*:*", "arn:aws:sns:*", "*", "arn:aws:s3:::b")),
}
OPERATORS = {
    "String": [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ],
    "Arn": ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
    "Address": ["IpAddress", "NotIpAddress"],
    "Numeric": ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"],
    "Date": ["DateEquals", "DateNotEquals", "DateLessThanEquals", "DateGreaterThan"],
    "Bool": ["Bool"],
    "Null": ["Null"],
}
PRINCIPALS = (
    Principal("*", "*"),
    Principal("AWS", "*"),
    Principal("AWS", HERE),
    Principal("AWS", f"arn:aws:iam::{THERE}:root"),
    *(Principal("AWS", caller.arn) for caller in CALLERS[:5]),
    Principal("AWS", f"arn:aws:sts::{HERE}:assumed-role/A/s"),
    Principal("Service", "states.amazonaws.com"),
)
AUTHORIZATIONS: tuple[Authorization, ...] = (
    "ordinary",
    "api-gateway-iam",
    "api-gateway-none",
    "api-gateway-custom",
    "kms",
)


def condition(dice: random.Random) -> Condition:
    key = dice.choice(tuple(CONDITIONS))
    families, values = CONDITIONS[key]
    operator = dice.choice(OPERATORS[dice.choice(families)])
    if operator == "Null":
        return Condition("Null", key, tuple(dice.sample(("true", "false"), dice.choice((1, 1, 1, 2)))))
    if dice.random() < 0.25:
        operator = dice.choice(("ForAllValues:", "ForAnyValue:")) + operator
    if dice.random() < 0.25:
        operator += "IfExists"
    return Condition(operator, key, tuple(dice.sample(values, dice.choice((1, 1, 2)))))


def statement(dice: random.Random, with_principal: bool, deny: float = 0.5) -> Statement:
    actions = dice.choice((("*",), ("*",), ("s3:*",), ("s3:getobject",), ("s3:Put*", "sts:*"), ("*:GetObject",)))
    resources = dice.choice(
        (("*",), ("*",), ("arn:aws:s3:::b/*",), ("arn:aws:s3:::b/x", "arn:aws:s3:::c"), ("arn:aws:s3",))
    )
    principals = tuple(dice.sample(PRINCIPALS, dice.choice((1, 1, 2)))) if with_principal else None
    if with_principal and dice.random() < 0.5:
        principals = (Principal("*", "*"),)
    effect = "Deny" if dice.random() < deny else "Allow"
    return Statement(
        effect,  # type: ignore[arg-type]
        actions,
        resources,
        principals,
        tuple(condition(dice) for _ in range(dice.choice((0, 1, 1, 2)))),
        not_action=dice.random() < 0.1 and actions != ("*",),
        not_resource=dice.random() < 0.1 and resources != ("*",),
        not_principal=with_principal and effect == "Deny" and dice.random() < 0.1,
    )


def policy(dice: random.Random, with_principal: bool = False, deny: float = 0.5, most: int = 3) -> Policy:
    statements = [statement(dice, with_principal, deny) for _ in range(dice.randint(1, most))]
    if dice.random() < 0.5:
        statements.append(Statement("Allow", ("*",), ("*",), (Principal("*", "*"),) if with_principal else None))
    return Policy(tuple(statements), dice.choice(("2012-10-17", "2012-10-17", "2008-10-17")))


def policies(dice: random.Random) -> Policies:
    maybe = dice.random
    return Policies(
        identity=(policy(dice, deny=0.3),) if maybe() < 0.7 else (),
        boundaries=(policy(dice, deny=0.2),) if maybe() < 0.2 else None,
        session=policy(dice, deny=0.2) if maybe() < 0.2 else None,
        resource=policy(dice, with_principal=True) if maybe() < 0.8 else None,
        endpoint=(policy(dice, with_principal=True, deny=0.2),) if maybe() < 0.15 else None,
        scps=((policy(dice, deny=0.3),),) if maybe() < 0.2 else None,
        rcps=((policy(dice, with_principal=True, deny=0.8),),) if maybe() < 0.15 else None,
    )


def finite_set(dice: random.Random) -> RequestSet:
    """A set whose every part is a list of literals, so that it can be enumerated."""
    same = dice.random() < 0.7
    callers = [caller.arn for caller in CALLERS if (f":{HERE}:" in caller.arn) == same]
    callers = dice.sample(callers, dice.randint(1, len(callers)))
    context = {
        name: Key(Texts(tuple(dice.sample(values, dice.randint(1, len(values))))), dice.random() < 0.5)
        for name, values in KEYS.items()
        if dice.random() < 0.6
    }
    return RequestSet(
        "signed",
        Texts(tuple(callers), tuple(dice.sample(callers, 1)) if len(callers) > 1 and dice.random() < 0.4 else ()),
        Texts(tuple(dice.sample(ACTIONS, dice.choice((1, 1, 2))))),
        Texts(tuple(dice.sample(RESOURCES, dice.choice((1, 2, 3))))),
        HERE,
        same,
        context,
        "absent",
    )


def members(requests: RequestSet, keys: frozenset[str]) -> Iterator[Request]:
    """All requests of a finite set, leaving out keys that no policy asks for."""
    by_arn = {caller.arn: caller for caller in CALLERS}
    names = [name for name in requests.context if name in keys]
    values: list[list[str | None]] = []
    for name in names:
        key = requests.context[name]
        values.append([*(key.values.patterns if key.values else ()), *([None] if key.maybe_absent else [])])
    for arn, action, resource, chosen in product(
        [arn for arn in requests.callers.patterns if arn not in requests.callers.but],
        requests.actions.patterns,
        requests.resources.patterns,
        list(product(*values)),
    ):
        context = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        yield Request(by_arn[arn], action, resource, requests.resource_account, context)


def asked(given: Policies) -> frozenset[str]:
    documents = [*(given.identity or ()), *(given.boundaries or ()), *(given.endpoint or ())]
    documents += [each for each in (given.session, given.resource) if each is not None]
    documents += [each for level in (*(given.scps or ()), *(given.rcps or ())) for each in level]
    conditions = [one for each in documents for part in each.statements for one in part.conditions]
    return frozenset(one.key.lower() for one in conditions) | {"aws:sourcevpce"}


def outcomes(requests: RequestSet, given: Policies, authorization: Authorization) -> set[str]:
    evaluator = Evaluator(given, authorization)
    found: set[str] = set()
    for request in members(requests, asked(given)):
        decision = evaluator.decide(request)
        # With `denied_by` set it is denied in any case: only whether explicitly is open.
        refused = decision.outcome.endswith("Denied") or decision.denied_by is not None
        found.add("Denied" if refused else decision.outcome)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_verdicts_agree_with_enumeration(seed: int) -> None:
    dice = random.Random(seed)
    symbols = Symbols()
    undecided = 0
    for _ in range(250):
        given, requests = policies(dice), finite_set(dice)
        authorization = dice.choice(AUTHORIZATIONS)
        found = outcomes(requests, given, authorization)
        denied = prove_denied(requests, given, symbols, authorization)
        allowed = prove_allowed(requests, given, symbols, authorization)
        case = (requests, given, authorization, found, denied, allowed)
        if isinstance(denied, Proven):
            assert found <= {"Denied"}, case
        elif isinstance(denied, Refuted):
            assert "Allowed" in found, case
        else:
            undecided += 1
            assert "Undecided" in found or requests.actions.patterns == (), case
        if isinstance(allowed, Proven):
            assert found == {"Allowed"}, case
        elif isinstance(allowed, Refuted):
            assert found == {"Denied"}, case
        else:
            assert "Undecided" in found or found == {"Allowed", "Denied"}, case
    assert undecided < 60


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


def some_members(dice: random.Random, requests: RequestSet, number: int) -> Iterator[Request]:
    """Requests of a wide set, some at random."""
    callers = [caller for caller in CALLERS if (f":{HERE}:" in caller.arn) == requests.same_account]
    callers = [caller for caller in callers if belongs(caller.arn, requests.callers)]
    actions = [action for action in ACTIONS if belongs(action.lower(), requests.actions, str.lower)]
    resources = [resource for resource in RESOURCES if belongs(resource, requests.resources)]
    if not (callers and actions and resources):
        return
    for _ in range(number):
        context: dict[str, str] = {}
        for name, values in KEYS.items():
            own = [value for value in values if name not in requests.context or value != "vpce-1"]
            if name != "aws:sourcearn" and dice.random() < 0.6:
                context[name] = dice.choice(own)
        yield Request(dice.choice(callers), dice.choice(actions), dice.choice(resources), HERE, context)


def belongs(text: str, texts: Texts, change: Callable[[str], str] = str) -> bool:
    def matching(pattern: str) -> bool:
        return re.fullmatch(re.escape(change(pattern)).replace(r"\*", ".*"), text) is not None

    return any(map(matching, texts.patterns)) and not any(map(matching, texts.but))


def decided(requests: list[Request], given: Policies, authorization: Authorization) -> set[str]:
    evaluator = Evaluator(given, authorization)
    return {evaluator.decide(request).outcome for request in requests}


@pytest.mark.parametrize("seed", range(6))
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


@pytest.mark.parametrize("seed", range(3))
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


@pytest.mark.parametrize("seed", range(3))
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
