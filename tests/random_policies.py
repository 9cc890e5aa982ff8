"""Random policies and finite sets of requests, and whether the prover's verdicts are what enumeration shows.

    python -m tests.random_policies [--cases 100000] [--seed 1] [--jobs 2] [--only INDEX]

Every case has a number, and depends on it and the seed alone. Conditions decide most cases: actions, resources and
principals are broad. Ends with 1 when a verdict is wrong; the case is then shown as small as it could be made.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations, islice, product
from math import prod
from typing import Any, NamedTuple

from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import (
    Authorization,
    Caller,
    ContextValue,
    Key,
    Policies,
    Proven,
    Refuted,
    Request,
    RequestSet,
    Texts,
    Verdict,
)
from policy_audit.iam.reserved import is_never_allowed
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
SERVICES = (Caller("service", "states.amazonaws.com"), Caller("service", "events.amazonaws.com"))
ANONYMOUS = Caller("anonymous", "")
API = f"arn:aws:execute-api:us-east-1:{HERE}:a1b2c3d4e5"


class World(NamedTuple):
    """What a case is about: actions and resources, patterns that policies use for them, and whose rules count."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    action_lists: tuple[tuple[str, ...], ...]
    resource_lists: tuple[tuple[str, ...], ...]
    authorizations: tuple[Authorization, ...]


WORLDS = (
    World(
        ("s3:GetObject", "s3:PutObject", "sts:GetCallerIdentity"),
        ("arn:aws:s3:::b/x", "arn:aws:s3:::b/y", "arn:aws:s3:::c", "arn:aws:s3:::b/U"),
        (("s3:*",), ("s3:getobject",), ("s3:Put*", "sts:*"), ("*:GetObject",), ("s3:?etObject",)),
        (
            ("arn:aws:s3:::b/*",),
            ("arn:aws:s3:::b/x", "arn:aws:s3:::c"),
            ("arn:aws:s3",),
            ("arn:aws:s3:::*/?",),
            ("arn:aws:s3:*",),
            ("arn:aws:s3:::b/${aws:username}",),
            ("arn:aws:s3:::b/${aws:username, 'x'}*", "arn:aws:s3:::c"),
            ("arn:aws:s3:::b/${aws:PrincipalTag/team, 'y'}",),
        ),
        ("ordinary",),
    ),
    World(
        ("execute-api:Invoke", "execute-api:InvalidateCache"),
        (f"{API}/prod/GET/x", f"{API}/dev/POST/x/y", f"arn:aws:execute-api:us-east-1:{HERE}:zzzzzzzzzz/prod/GET/x"),
        (("execute-api:*",), ("execute-api:Invoke",), ("Execute-API:Inv*e",), ("s3:*",)),
        ((f"{API}/*",), (f"{API}/prod/*",), ("execute-api:/*",), ("execute-api:/prod/*/x",), ("*/GET/*",), (API,)),
        ("api-gateway-iam", "api-gateway-none", "ordinary"),
    ),
    World(
        ("kms:Decrypt", "kms:RetireGrant", "kms:CreateAlias"),
        (f"arn:aws:kms:us-east-1:{HERE}:key/k", f"arn:aws:kms:us-east-1:{HERE}:alias/aws/s3"),
        (("kms:*",), ("kms:Decrypt", "kms:Create*"), ("kms:R*",)),
        ((f"arn:aws:kms:*:{HERE}:key/*",), ("arn:aws:kms:*:*:*",), ("arn:aws:kms:*:*:k*",), ("arn:*:alias/*",)),
        ("kms", "ordinary"),
    ),
    World(
        ("sts:AssumeRole", "sts:TagSession"),
        (f"arn:aws:iam::{HERE}:role/T",),
        (("sts:AssumeRole",), ("sts:*",), ("sts:Assume*",)),
        (("arn:aws:iam::*:role/*",), (f"arn:aws:iam::{HERE}:role/T",), ("arn:aws:iam::*:role/${aws:username}",)),
        ("trust", "trust", "ordinary"),
    ),
    World(
        ("iam:CreatePolicyVersion", "iam:GetPolicy", "iam:PassRole"),
        ("arn:aws:iam::aws:policy/P", f"arn:aws:iam::{HERE}:policy/P", f"arn:aws:iam::{HERE}:role/aws-reserved/R"),
        (("iam:*",), ("iam:Create*", "iam:Pass*"), ("iam:Get*",)),
        (("arn:aws:iam::*:policy/*",), (f"arn:aws:iam::{HERE}:*",), ("arn:aws:iam::*:p*",)),
        ("ordinary",),
    ),
)

VALUES: dict[str, tuple[str, ...]] = {
    "aws:sourceip": ("10.0.0.5", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.6", "nowhere"),
    "aws:sourcevpce": ("vpce-1", "vpce-2", HERE),
    "aws:multifactorauthage": ("5", "10", "300", "9.5", "many"),
    "aws:securetransport": ("true", "false"),
    "aws:currenttime": ("2024-05-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026"),
    "aws:sourcearn": ("arn:aws:states:us-east-1:111111111111:stateMachine:M", "arn:aws:sns:us-east-1:222222222222:T"),
    "aws:sourceaccount": (HERE, THERE),
    "aws:principaltag/team": ("x", "X", "U", "${aws:username}", "\u212a"),
    "aws:tagkeys": ("x", "y", "Xy"),
    "kms:encryptioncontextkeys": ("x", "U"),
    "test:binary": ("aGVsbG8=", "hello", "d29ybGQ=", "aGVsbG8"),
    "test:arn": ("arn:aws:s3:::b", "not an arn", f"arn:aws:sqs:us-east-1:{HERE}:q:1"),
}
"""For each key, in lower case, what requests give."""
SEVERAL = frozenset({"aws:tagkeys", "kms:encryptioncontextkeys"})
"""Multivalued keys. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
CONDITIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws:PrincipalArn": (
        ("String", "Arn", "Null"),
        (f"arn:aws:iam::{HERE}:role/A", f"arn:aws:iam::{HERE}:role/*", "arn:aws:iam::*:user/*", "*", "*/A?"),
    ),
    "aws:PrincipalAccount": (("String", "Null"), (HERE, THERE, "1*", "*2")),
    "aws:PrincipalType": (("String",), ("AssumedRole", "User", "A*", "Anonymous")),
    "aws:username": (("String", "Null"), ("U", "u", "*", "?")),
    "aws:PrincipalIsAWSService": (("Bool", "Null"), ("true", "false")),
    "aws:PrincipalServiceName": (("String", "Null"), ("states.amazonaws.com", "*.amazonaws.com")),
    "aws:SourceIp": (
        ("Address", "Null"),
        ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0", "::/0", "10.0.0.5/31", "bad"),
    ),
    "aws:SourceVpce": (
        ("String", "Null"),
        ("vpce-1", "VPCE-2", "vpce-*", "${aws:PrincipalAccount}", "${aws:username, 'vpce-2'}", "vpce-${*}", "${none}"),
    ),
    "aws:MultiFactorAuthAge": (("Numeric", "Null"), ("10", "5.0", "299.5", "x", "1e1")),
    "aws:SecureTransport": (("Bool", "Null"), ("true", "false", "FALSE", "yes")),
    "aws:CurrentTime": (
        ("Date", "Null"),
        ("2025-01-01", "2026-01-01T00:00:00Z", "1714521600", "2026-01-01T01:00:00+01:00", "soon"),
    ),
    "aws:SourceArn": (("Arn", "String", "Null"), ("arn:aws:states:*:*:*", "arn:aws:sns:*", "*", "arn:aws:s3:::b")),
    "aws:SourceAccount": (("String",), (HERE, "${aws:PrincipalAccount}", "*1")),
    "aws:PrincipalTag/team": (("String", "Null"), ("x", "X*", "k", "${aws:username}", "${aws:username, 'x'}")),
    "aws:TagKeys": (("String", "Null"), ("x", "y", "X*", "${aws:username, 'y'}", "?")),
    "kms:EncryptionContextKeys": (("String",), ("x", "*", "${aws:username}")),
    "test:binary": (("Binary", "Null"), ("aGVsbG8=", "d29ybGQ=", "hello")),
    "test:arn": (("Arn", "Null"), ("arn:aws:s3:::*", "arn:aws:s3", "*", f"arn:*:*:*:{HERE}:*", "arn:aws:sqs:*:q:?")),
}
"""For each key the families of operators, and what policies compare it with."""
OPERATORS = {
    "String": (
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ),
    "Arn": ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
    "Address": ("IpAddress", "NotIpAddress"),
    "Numeric": (
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ),
    "Date": (
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ),
    "Bool": ("Bool",),
    "Binary": ("BinaryEquals",),
    "Null": ("Null",),
}
PRINCIPALS = (
    Principal("*", "*"),
    Principal("AWS", "*"),
    Principal("AWS", HERE),
    Principal("AWS", f"arn:aws:iam::{THERE}:root"),
    *(Principal("AWS", caller.arn) for caller in CALLERS[:6]),
    Principal("AWS", f"arn:aws:sts::{HERE}:assumed-role/A/s"),
    Principal("Service", "states.amazonaws.com"),
    Principal("Service", "*"),
    Principal("Federated", f"arn:aws:iam::{HERE}:saml-provider/P"),
)
MOST_MEMBERS = 200
"""Requests of a set, at most."""


class Case(NamedTuple):
    """A question: a finite set of requests, the policies, and whose rules combine them."""

    requests: RequestSet
    policies: Policies
    authorization: Authorization


# ---- policies -------------------------------------------------------------------------------------------------------


def condition(dice: random.Random) -> Condition:
    key = dice.choice(tuple(CONDITIONS))
    families, values = CONDITIONS[key]
    operator = dice.choice(OPERATORS[dice.choice(families)])
    if operator == "Null":
        return Condition("Null", key, tuple(dice.sample(("true", "false"), dice.choice((1, 1, 1, 2)))))
    if dice.random() < (0.9 if key.lower() in SEVERAL else 0.15):
        operator = dice.choice(("ForAllValues:", "ForAnyValue:")) + operator
    if dice.random() < 0.25:
        operator += "IfExists"
    return Condition(operator, key, tuple(dice.sample(values, dice.choice((1, 1, 2)))))


def statement(
    dice: random.Random, with_principal: bool, deny: float = 0.5, world: World = WORLDS[0], with_resource: bool = True
) -> Statement:
    broad = dice.random
    actions = ("*",) if broad() < 0.6 else dice.choice(world.action_lists)
    resources = ("*",) if broad() < 0.6 else dice.choice(world.resource_lists)
    principals = tuple(dice.sample(PRINCIPALS, dice.choice((1, 1, 2)))) if with_principal else None
    if with_principal and broad() < 0.5:
        principals = (Principal("*", "*"),)
    effect = "Deny" if dice.random() < deny else "Allow"
    return Statement(
        effect,  # type: ignore[arg-type]
        actions,
        resources if with_resource else None,
        principals,
        tuple(condition(dice) for _ in range(dice.choice((0, 1, 1, 2)))),
        not_action=dice.random() < 0.1 and actions != ("*",),
        not_resource=with_resource and dice.random() < 0.1 and resources != ("*",),
        not_principal=with_principal and effect == "Deny" and dice.random() < 0.1,
    )


def policy(
    dice: random.Random,
    with_principal: bool = False,
    deny: float = 0.5,
    most: int = 3,
    world: World = WORLDS[0],
    with_resource: bool = True,
) -> Policy:
    statements = [statement(dice, with_principal, deny, world, with_resource) for _ in range(dice.randint(1, most))]
    if dice.random() < 0.5:
        everyone = (Principal("*", "*"),) if with_principal else None
        statements.append(Statement("Allow", ("*",), ("*",) if with_resource else None, everyone))
    if dice.random() < 0.01:
        statements.append(statement(dice, with_principal, deny, world)._replace(unknown=("a part is not known",)))
    return Policy(tuple(statements), dice.choice(("2012-10-17", "2012-10-17", "2008-10-17")))


def policies(
    dice: random.Random, world: World = WORLDS[0], authorization: Authorization = "ordinary", *, several: bool = False
) -> Policies:
    """Policies of any types; with `several`, more documents of a type and levels of SCPs and RCPs."""
    maybe = dice.random
    number = (1, 1, 2) if several else (1,)

    def documents(with_principal: bool = False, deny: float = 0.3) -> tuple[Policy, ...]:
        return tuple(policy(dice, with_principal, deny, world=world) for _ in range(dice.choice(number)))

    trust = authorization == "trust"
    return Policies(
        identity=documents() if maybe() < 0.7 else None if several and maybe() < 0.2 else (),
        boundaries=documents(deny=0.2) if maybe() < 0.2 else None,
        session=policy(dice, deny=0.2, world=world) if maybe() < 0.2 else None,
        resource=policy(dice, True, world=world, with_resource=not trust or maybe() < 0.03) if maybe() < 0.8 else None,
        endpoint=documents(True, 0.2) if maybe() < 0.15 else None,
        scps=tuple(documents() for _ in range(dice.choice(number))) if maybe() < 0.2 else None,
        rcps=tuple(documents(True, 0.8) for _ in range(dice.choice(number))) if maybe() < 0.15 else None,
    )


def asked(given: Policies) -> frozenset[str]:
    """The keys that conditions and variables ask for, in lower case."""
    found: set[str] = set()
    for document in given.documents():
        for part in document.statements:
            texts = [*(part.resources or ()), *(value for one in part.conditions for value in one.values)]
            found.update(one.key.lower() for one in part.conditions)
            found.update(name for name in VALUES if any(f"${{{name}" in text.lower() for text in texts))
    return frozenset(found)


# ---- sets of requests -----------------------------------------------------------------------------------------------


def finite_set(dice: random.Random, world: World = WORLDS[0], keys: Iterable[str] = VALUES) -> RequestSet:
    """A set of signed requests whose every part is a list of literals, so that it can be enumerated."""
    same = dice.random() < 0.7
    callers = [caller.arn for caller in CALLERS if (f":{HERE}:" in caller.arn) == same]
    callers = dice.sample(callers, dice.randint(1, len(callers)))
    context = {
        name: Key(Texts(tuple(dice.sample(VALUES[name], dice.choice((1, 1, 2))))), maybe_absent=dice.random() < 0.5)
        for name in sorted(keys)
        if name in VALUES and dice.random() < 0.8
    }
    return RequestSet(
        "signed",
        Texts(tuple(callers), tuple(dice.sample(callers, 1)) if len(callers) > 1 and dice.random() < 0.4 else ()),
        Texts(tuple(dice.sample(world.actions, dice.choice((1, 1, 2))))),
        Texts(tuple(dice.sample(world.resources, dice.randint(1, min(3, len(world.resources)))))),
        HERE,
        same,
        context,
        "absent",
    )


def unsigned_set(dice: random.Random, world: World, keys: Iterable[str]) -> RequestSet:
    """A set of requests of services or of nobody."""
    requests = finite_set(dice, world, keys)
    if dice.random() < 0.4:
        return requests._replace(kind="anonymous", callers=Texts(("*",)))
    services = dice.sample(SERVICES, dice.choice((1, 2)))
    return requests._replace(kind="service", callers=Texts(tuple(each.arn for each in services)))


def possible(name: str, key: Key) -> list[ContextValue | None]:
    """All that a key with a list of literals may be; None for absent."""
    texts = key.values.patterns if key.values is not None else ()
    found: list[ContextValue | None] = list(texts)
    if name in SEVERAL:
        found = [chosen for size in range(1, len(texts) + 1) for chosen in combinations(texts, size)]
    return [*found, *([None] if key.maybe_absent else [])]


def number_of_members(requests: RequestSet, keys: Iterable[str]) -> int:
    sizes = (len(possible(name, key)) for name, key in requests.context.items() if name in keys)
    parts = (requests.callers, requests.actions, requests.resources)
    return prod((*sizes, *(len(part.patterns) for part in parts)))


def members(requests: RequestSet, keys: Iterable[str]) -> Iterator[Request]:
    """All requests of a finite set, leaving out keys that no policy asks for."""
    if requests.kind == "anonymous":
        callers = [ANONYMOUS]
    else:
        by_arn = {caller.arn: caller for caller in (*CALLERS, *SERVICES)}
        callers = [by_arn[arn] for arn in requests.callers.patterns if arn not in requests.callers.but]
    names = [name for name in requests.context if name in keys]
    values = [possible(name, requests.context[name]) for name in names]
    for caller, action, resource, chosen in product(
        callers, requests.actions.patterns, requests.resources.patterns, list(product(*values))
    ):
        context = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        yield Request(caller, action, resource, requests.resource_account, context)


def small_set(dice: random.Random, world: World, keys: frozenset[str]) -> RequestSet:
    """A set about these keys that is enumerated soon: some are left out until it is."""
    requests = (unsigned_set if dice.random() < 0.15 else finite_set)(dice, world, keys)
    while number_of_members(requests, keys) > MOST_MEMBERS:
        name = dice.choice([each for each in requests.context if each in keys] or ["callers"])
        if name == "callers":
            requests = requests._replace(callers=Texts(requests.callers.patterns[:2]))
        else:
            requests = requests._replace(context={k: v for k, v in requests.context.items() if k != name})
    return requests


def random_case(seed: int, index: int) -> Case:
    """The case of this number."""
    dice = random.Random(f"{seed} {index}")
    world = dice.choice((*WORLDS, WORLDS[0]))
    authorization = dice.choice(world.authorizations)
    given = policies(dice, world, authorization, several=True)
    return Case(small_set(dice, world, asked(given)), given, authorization)


# ---- the check ------------------------------------------------------------------------------------------------------


def outcomes(requests: RequestSet, given: Policies, authorization: Authorization) -> set[str]:
    """What the evaluator says of the requests of a finite set."""
    evaluator = Evaluator(given, authorization)
    return {outcome(evaluator, request) for request in members(requests, asked(given))}


def outcome(evaluator: Evaluator, request: Request) -> str:
    """`Allowed`, `Denied` or `Undecided`; denied, too, when only whether explicitly is open."""
    decision = evaluator.decide(request)
    refused = decision.outcome.endswith("Denied") or decision.denied_by is not None
    return "Denied" if refused or is_never_allowed(evaluator.facts(request)) else decision.outcome


def is_member(request: Request, requests: RequestSet) -> bool:
    """Whether the request is one of a finite set, as far as it tells: keys that nothing asks for are left out."""
    for name, key in requests.context.items():
        value = request.context.get(name, ())
        texts = key.values.patterns if key.values is not None else ()
        if not set((value,) if isinstance(value, str) else value) <= set(texts):
            return False
    called = requests.kind == "anonymous" or (
        request.caller.arn in requests.callers.patterns and request.caller.arn not in requests.callers.but
    )
    actions = [text.lower() for text in requests.actions.patterns]
    return called and request.action.lower() in actions and request.resource in requests.resources.patterns


class Checked(NamedTuple):
    """What came out of a case: the verdicts, what is wrong with them, and where the prover could say more."""

    verdicts: tuple[Verdict, Verdict]
    wrong: str = ""
    gap: str = ""


def check(case: Case) -> Checked:
    """The prover's verdicts on both questions, held against enumeration."""
    requests, given, authorization = case
    visible = given if given.identity is not None or requests.kind != "signed" else None
    denied = prove_denied(requests, given, Symbols(), authorization)
    allowed = prove_allowed(requests, given, Symbols(), authorization)
    everything = Policy((Statement("Allow", ("*",), ("*",)),))
    worst = visible or given._replace(identity=(everything,))
    found = outcomes(requests, worst, authorization)
    if not found:
        return Checked((denied, allowed))
    wrong = _wrong_denial(denied, found, case)
    gap = "" if "Undecided" in found or not _is_undecided(denied) else f"denied: {_reason(denied)}"
    if visible is None:
        found = outcomes(requests, given, authorization)
    wrong = wrong or _wrong_permission(allowed, found, case)
    if not gap and _is_undecided(allowed) and found in ({"Allowed"}, {"Denied"}):
        gap = f"allowed: {_reason(allowed)}"
    if gap.endswith("differently"):
        wrong = wrong or gap  # So the prover says when a request that it found is not decided as it should be.
    return Checked((denied, allowed), wrong, gap)


def _is_undecided(verdict: Verdict) -> bool:
    return not isinstance(verdict, Proven | Refuted)


def _reason(verdict: Verdict) -> str:
    assert not isinstance(verdict, Proven | Refuted)
    return verdict.reasons[0] if verdict.reasons else "no reason"


def _wrong_denial(verdict: Verdict, found: set[str], case: Case) -> str:
    if isinstance(verdict, Proven) and not found <= {"Denied"}:
        return f"proven denied, but requests are {sorted(found)}"
    if isinstance(verdict, Refuted) and "Allowed" not in found:
        return f"refuted, but requests are {sorted(found)}"
    return _wrong_witness(verdict, case)


def _wrong_permission(verdict: Verdict, found: set[str], case: Case) -> str:
    if isinstance(verdict, Proven) and found != {"Allowed"}:
        return f"proven allowed, but requests are {sorted(found)}"
    if isinstance(verdict, Refuted) and found != {"Denied"}:
        return f"refuted that they are allowed, but requests are {sorted(found)}"
    return _wrong_witness(verdict, case)


def _wrong_witness(verdict: Verdict, case: Case) -> str:
    unsigned = case.authorization == "api-gateway-none"
    if isinstance(verdict, Refuted) and not unsigned and not is_member(verdict.request, case.requests):
        return f"the request that refutes is not in the set: {verdict.request}"
    return ""


# ---- making a case small --------------------------------------------------------------------------------------------


def smaller_cases(case: Case) -> Iterator[Case]:
    """Cases that lack one thing."""
    requests, given, _ = case
    for name in given._fields:
        found = getattr(given, name)
        if name != "identity" and found is not None:
            yield case._replace(policies=with_field(given, name, None))
        if isinstance(found, Policy):
            for document in _smaller_documents(found):
                yield case._replace(policies=with_field(given, name, document))
        elif name in ("scps", "rcps"):
            for at, level in enumerate(found or ()):
                for fewer in _smaller_lists(level):
                    yield case._replace(policies=with_field(given, name, (*found[:at], fewer, *found[at + 1 :])))
        else:
            for fewer in _smaller_lists(found or ()):
                yield case._replace(policies=with_field(given, name, fewer))
    for name in ("callers", "actions", "resources"):
        texts = getattr(requests, name)
        for text in texts.patterns if len(texts.patterns) > 1 else ():
            others = texts._replace(patterns=tuple(each for each in texts.patterns if each != text))
            yield case._replace(requests=with_field(requests, name, others))
    for name in requests.context:
        context = {key: value for key, value in requests.context.items() if key != name}
        yield case._replace(requests=requests._replace(context=context))


def with_field(record: Any, name: str, value: object) -> Any:
    """The record with another value in the field of this name."""
    return record._replace(**{name: value})


def _smaller_lists(documents: tuple[Policy, ...]) -> Iterator[tuple[Policy, ...]]:
    for index, document in enumerate(documents):
        for smaller in _smaller_documents(document):
            yield (*documents[:index], smaller, *documents[index + 1 :])


def _smaller_documents(document: Policy) -> Iterator[Policy]:
    statements = document.statements
    for index, part in enumerate(statements):
        variants: list[tuple[Statement, ...]] = [()]
        for at, one in enumerate(part.conditions):
            rest = (*part.conditions[:at], *part.conditions[at + 1 :])
            variants.append((part._replace(conditions=rest),))
            for text in one.values if len(one.values) > 1 else ():
                variants.append((part._replace(conditions=(*rest, one._replace(values=(text,)))),))
        for name in ("actions", "resources", "principals"):
            entries = getattr(part, name) or ()
            variants += [(with_field(part, name, (entry,)),) for entry in entries if len(entries) > 1]
        for variant in variants:
            yield document._replace(statements=(*statements[:index], *variant, *statements[index + 1 :]))


def smallest(case: Case, is_wrong: Callable[[Case], bool]) -> Case:
    """The case without whatever can be left out while it stays wrong."""
    while True:
        better = next((each for each in smaller_cases(case) if is_wrong(each)), None)
        if better is None:
            return case
        case = better


def shown(case: Case) -> str:
    """The case as a person reads it."""
    requests, given, authorization = case
    lines = [f"authorization: {authorization}"]
    lines += [f"requests.{name}: {value}" for name, value in zip(requests._fields, requests, strict=True)]
    for name, value in zip(given._fields, given, strict=True):
        if value is not None:
            lines.append(f"{name}: {value}")
    return "\n".join(lines)


# ---- the run --------------------------------------------------------------------------------------------------------


class Tally(NamedTuple):
    verdicts: Counter[str]
    gaps: Counter[str]
    wrong: list[tuple[int, str]]


def run(seed: int, indexes: Iterable[int]) -> Tally:
    """Checks the cases of these numbers."""
    tally = Tally(Counter(), Counter(), [])
    for index in indexes:
        case = random_case(seed, index)
        checked = check(case)
        for side, verdict in zip(("denied", "allowed"), checked.verdicts, strict=True):
            tally.verdicts[f"{side} {type(verdict).__name__}"] += 1
        if checked.gap:
            tally.gaps[checked.gap] += 1
        if checked.wrong:
            tally.wrong.append((index, checked.wrong))
    return tally


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.random_policies")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, help="the number of one case")
    given = parser.parse_args(words)
    started = time.monotonic()
    verdicts: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    wrong: list[tuple[int, str]] = []
    numbers = iter(range(given.cases) if given.only is None else (given.only,))
    parts = iter(lambda: tuple(islice(numbers, 500)), ())
    with ProcessPoolExecutor(given.jobs) as pool:
        for tally in pool.map(run, *zip(*((given.seed, part) for part in parts), strict=True)):
            verdicts.update(tally.verdicts)
            gaps.update(tally.gaps)
            for index, told in tally.wrong:
                wrong.append((index, told))
                print(f"case {index}: {told}", flush=True)
    for index, _ in wrong[:5]:
        case = smallest(random_case(given.seed, index), lambda each: bool(check(each).wrong))
        print(f"\n--- case {index}: {check(case).wrong}\n{shown(case)}")
    print(
        f"\nseed {given.seed}, {verdicts.total() // 2} cases in {time.monotonic() - started:.0f} s: {len(wrong)} wrong"
    )
    for name, number in sorted(verdicts.items()):
        print(f"  {name:20} {number}")
    print(f"  undecided though enumeration decides: {gaps.total()}")
    for name, number in gaps.most_common(12):
        print(f"    {number:6} {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
