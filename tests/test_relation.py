"""How two sets of policies compare: written differently and equal, or different with a request that shows it."""

import random
from typing import Any

import pytest
from random_policies import WORLDS, World, asked, members, outcome, policies, small_set, statement
from test_prove_oracle import AUTHORIZATIONS, wide_set

from policy_audit.iam.evaluate import Evaluator, evaluate
from policy_audit.iam.relation import Difference, Doubt, Relation, relation
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import Shape, Symbol, Symbols

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Exec"
API = f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:abcde12345"
ANYONE = (Principal("*", "*"),)
BUCKET = "arn:aws:s3:::b"

Statements = tuple[Statement, ...]


def when(operator: str, *values: str, key: str = "aws:PrincipalArn") -> Condition:
    return Condition(operator, key, values)


def allow(*actions: str, **elements: Any) -> Statement:
    return Statement("Allow", actions or ("*",), ("*",))._replace(**elements)


def deny(*actions: str, **elements: Any) -> Statement:
    return Statement("Deny", actions or ("*",), ("*",))._replace(**elements)


def own(*statements: Statement) -> Policies:
    return Policies((Policy(statements, "2012-10-17", "role"),))


def attached(*statements: Statement) -> Policies:
    """A resource's policy: statements without a principal are about everybody."""
    named = tuple(each if each.principals else each._replace(principals=ANYONE) for each in statements)
    return Policies((), resource=Policy(named, "2012-10-17", "api"))


def asking(*actions: str, resources: tuple[str, ...] = ("*",), **parts: Any) -> RequestSet:
    return RequestSet("signed", Texts(("*",)), Texts(actions or ("*",)), Texts(resources), ACCOUNT)._replace(**parts)


def compared(old: Policies, new: Policies, requests: RequestSet | None = None, **more: Any) -> Relation:
    return relation(old, new, requests or asking(), more.pop("symbols", None) or Symbols(), **more)


def check_replays(found: Relation, old: Policies, new: Policies, authorization: Authorization = "ordinary") -> None:
    for side, allows, refuses in ((found.gained, new, old), (found.lost, old, new)):
        if isinstance(side, Difference):
            assert evaluate(side.request, allows, authorization).outcome == "Allowed"
            refused = evaluate(side.request, refuses, authorization)
            assert refused.outcome.endswith("Denied") or refused.denied_by is not None
            decisions = (side.old, side.new) if allows is new else (side.new, side.old)
            assert [each.outcome for each in decisions] == [refused.outcome, "Allowed"]


EQUAL: dict[str, tuple[Policies, Policies]] = {
    "the same": (own(allow("s3:GetObject")), own(allow("s3:GetObject"))),
    "nothing": (own(), own(allow("s3:bad action"))),
    "a list split over statements": (
        own(allow("s3:GetObject", "s3:PutObject")),
        own(allow("s3:PutObject"), allow("s3:GetObject")),
    ),
    "a list split over documents": (
        own(allow("s3:GetObject", "s3:PutObject")),
        Policies((Policy((allow("s3:PutObject"),)), Policy((allow("s3:GetObject"),)))),
    ),
    "resources split": (
        own(allow(resources=(f"{BUCKET}/x/*", f"{BUCKET}/y/*"))),
        own(allow(resources=(f"{BUCKET}/y/*",)), allow(resources=(f"{BUCKET}/x/*",))),
    ),
    "reordered": (own(deny("s3:Put*"), allow()), own(allow(), deny("s3:Put*"))),
    "the case of actions": (own(allow("s3:getobject")), own(allow("S3:GetObject"))),
    "a narrower action beside a wider one": (own(allow("s3:Get*")), own(allow("s3:Get*"), allow("s3:GetObject"))),
    "NotAction for what is denied": (
        own(allow(), deny("iam:*")),
        own(allow("iam:*", not_action=True), deny("iam:*")),
    ),
    "NotAction as complement": (
        own(allow("s3:*", "iam:*", not_action=True)),
        own(allow(), deny("s3:*"), deny("iam:*")),
    ),
    "NotResource as complement": (
        own(allow(resources=(f"{BUCKET}/*",), not_resource=True)),
        own(allow(), deny(resources=(f"{BUCKET}/*",))),
    ),
    "ArnNotLike for ArnNotEquals": (
        attached(allow(), deny(conditions=(when("ArnNotEquals", ROLE),))),
        attached(allow(), deny(conditions=(when("ArnNotLike", ROLE),))),
    ),
    "StringNotEquals for ArnNotEquals": (
        attached(allow(), deny(conditions=(when("ArnNotEquals", ROLE),))),
        attached(allow(), deny(conditions=(when("StringNotEquals", ROLE),))),
    ),
    "a Deny for want of an Allow": (
        attached(allow(), deny(conditions=(when("StringNotEquals", "vpce-1", key="aws:SourceVpce"),))),
        attached(allow(conditions=(when("StringEquals", "vpce-1", key="aws:SourceVpce"),))),
    ),
    "two values or two statements": (
        own(allow(conditions=(when("StringEquals", "a", "b", key="aws:SourceVpc"),))),
        own(*(allow(conditions=(when("StringEquals", each, key="aws:SourceVpc"),)) for each in "ab")),
    ),
    "a range in two halves": (
        own(allow(conditions=(when("IpAddress", "10.0.0.0/8", key="aws:SourceIp"),))),
        own(allow(conditions=(when("IpAddress", "10.0.0.0/9", "10.128.0.0/9", key="aws:SourceIp"),))),
    ),
    "less or equal, not greater": (
        own(allow(conditions=(when("NumericLessThanEquals", "10", key="s3:max-keys"),))),
        own(
            allow(),
            deny(conditions=(when("NumericGreaterThan", "10", key="s3:max-keys"),)),
            deny(conditions=(when("Null", "true", key="s3:max-keys"),)),
        ),
    ),
    "Null beside a value": (
        own(
            allow(
                conditions=(
                    when("StringEquals", "a", key="aws:SourceVpc"),
                    when("Null", "false", key="aws:SourceVpc"),
                )
            )
        ),
        own(allow(conditions=(when("StringEquals", "a", key="aws:SourceVpc"),))),
    ),
    "an account's root or its number": (
        attached(allow(principals=(Principal("AWS", f"arn:aws:iam::{ACCOUNT}:root"),))),
        attached(allow(principals=(Principal("AWS", ACCOUNT),))),
    ),
    "a Deny of what nothing allows": (own(allow("s3:*")), own(allow("s3:*"), deny("iam:*"))),
    "denied to a role by boundary or identity policy": (
        own(allow("s3:*"))._replace(boundaries=(Policy((allow("s3:Get*"),)),)),
        own(allow("s3:Get*"))._replace(boundaries=(Policy((allow("s3:*"),)),)),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name: str) -> None:
    old, new = EQUAL[name]
    everybody = asking(callers=Texts(("*:role/*",)))
    assert compared(old, new, everybody).outcome == "equal"
    assert compared(new, old, everybody).outcome == "equal"


MORE: dict[str, tuple[Policies, Policies, str]] = {
    "an action more": (own(allow("s3:GetObject")), own(allow("s3:GetObject", "s3:PutObject")), "s3:PutObject"),
    "a glob for an action": (own(allow("s3:GetObject")), own(allow("s3:Get*")), "s3:get"),
    "a resource more": (
        own(allow(resources=(f"{BUCKET}/x",))),
        own(allow(resources=(f"{BUCKET}/x", f"{BUCKET}/y"))),
        f"{BUCKET}/y",
    ),
    "a Deny less": (own(allow(), deny("s3:PutObject")), own(allow()), "s3:PutObject"),
    "a Deny under a condition": (
        own(allow(), deny("s3:PutObject")),
        own(allow(), deny("s3:PutObject", conditions=(when("StringEquals", "vpc-1", key="aws:SourceVpc"),))),
        "s3:PutObject",
    ),
    "an Allow without its condition": (
        own(allow("s3:GetObject", conditions=(when("Bool", "true", key="aws:SecureTransport"),))),
        own(allow("s3:GetObject")),
        "s3:GetObject",
    ),
    "IfExists": (
        own(allow("s3:GetObject", conditions=(when("StringEquals", "vpc-1", key="aws:SourceVpc"),))),
        own(allow("s3:GetObject", conditions=(when("StringEqualsIfExists", "vpc-1", key="aws:SourceVpc"),))),
        "s3:GetObject",
    ),
    "a wider range": (
        own(allow("s3:GetObject", conditions=(when("IpAddress", "10.0.0.0/9", key="aws:SourceIp"),))),
        own(allow("s3:GetObject", conditions=(when("IpAddress", "10.0.0.0/8", key="aws:SourceIp"),))),
        "10.128",
    ),
    "a second role spared": (
        attached(allow(), deny(conditions=(when("ArnNotEquals", ROLE),))),
        attached(allow(), deny(conditions=(when("ArnNotEquals", ROLE, f"{ROLE}2"),))),
        f"{ROLE}2",
    ),
    "a glob spared": (
        attached(allow(), deny(conditions=(when("ArnNotEquals", ROLE),))),
        attached(allow(), deny(conditions=(when("ArnNotLike", f"{ROLE}*"),))),
        ROLE,
    ),
    "NotAction leaves more out": (
        own(allow(), deny("s3:*", not_action=True)),
        own(allow(), deny("s3:*", "iam:PassRole", not_action=True)),
        "iam:PassRole",
    ),
    "a boundary removed": (
        own(allow("s3:PutObject"))._replace(boundaries=(Policy((allow("s3:Get*"),)),)),
        own(allow("s3:PutObject")),
        "s3:PutObject",
    ),
    "what a resource's policy grants beyond identity": (
        own(allow("s3:GetObject")),
        attached(allow("s3:PutObject"))._replace(identity=(Policy((allow("s3:GetObject"),)),)),
        "s3:PutObject",
    ),
    "several values of one key": (
        own(allow("s3:GetObject", conditions=(when("ForAllValues:StringEquals", "a", key="aws:TagKeys"),))),
        own(allow("s3:GetObject", conditions=(when("ForAllValues:StringEquals", "a", "b", key="aws:TagKeys"),))),
        "'b'",
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_more_and_less(name: str) -> None:
    old, new, part = MORE[name]
    everybody = asking(callers=Texts(("*:role/*",)))
    more, less = compared(old, new, everybody), compared(new, old, everybody)
    assert (more.outcome, less.outcome) == ("more", "less")
    assert isinstance(more.gained, Difference)
    assert part in str(more.gained.request)
    check_replays(more, old, new)
    check_replays(less, new, old)


NEITHER: dict[str, tuple[Policies, Policies]] = {
    "other actions": (own(allow("s3:GetObject")), own(allow("s3:PutObject"))),
    "other principals": (
        attached(allow(principals=(Principal("AWS", ROLE),))),
        attached(allow(principals=(Principal("AWS", f"{ROLE}2"),))),
    ),
    "an Allow and a Deny more": (own(allow("s3:*")), own(allow("s3:*", "sqs:*"), deny("s3:PutObject"))),
    "overlapping ranges": (
        own(allow(conditions=(when("IpAddress", "10.0.0.0/8", key="aws:SourceIp"),))),
        own(allow(conditions=(when("IpAddress", "10.1.0.0/16", "11.0.0.0/8", key="aws:SourceIp"),))),
    ),
}


@pytest.mark.parametrize("name", NEITHER)
def test_neither(name: str) -> None:
    old, new = NEITHER[name]
    found = compared(old, new)
    assert found.outcome == "neither"
    check_replays(found, old, new)


def test_the_set_limits_the_question() -> None:
    old, new = own(allow("s3:GetObject")), own(allow("s3:GetObject", "s3:PutObject"))
    assert compared(old, new, asking("s3:Get*")).outcome == "equal"
    assert compared(old, new, asking("s3:Put*")).outcome == "more"


def test_an_empty_set_is_said_to_be_one() -> None:
    nobody = asking(callers=Texts((ROLE,), (ROLE,)))
    found = compared(own(), own(allow()), nobody)
    assert found.outcome == "equal"
    assert found.assumptions == ("no request belongs to the set",)


# ---- identity policies that are not visible


def test_identity_policies_that_are_not_visible_are_the_same_on_both_sides() -> None:
    """What a resource's policy grants shows only where the identity policies do not allow it anyway."""
    requests = asking("execute-api:Invoke", callers=Texts((ROLE,)))
    nothing, names = attached(), attached(allow(principals=(Principal("AWS", ROLE),)))
    hidden = [each._replace(identity=None) for each in (nothing, names)]
    found = compared(hidden[0], hidden[1], requests)
    assert found.outcome == "more"
    assert isinstance(found.gained, Difference)
    assert found.gained.identity == "do not allow"
    back = compared(hidden[1], hidden[0], requests)
    assert back.outcome == "less"
    assert isinstance(back.lost, Difference)
    assert back.lost.identity == "do not allow"
    denied = attached(deny())._replace(identity=None)
    found = compared(denied, hidden[0], requests)
    assert found.outcome == "more"
    assert isinstance(found.gained, Difference)
    assert found.gained.identity == "allow"
    assert compared(hidden[1], hidden[1], requests).outcome == "equal"
    assert any("not visible" in each for each in compared(hidden[1], hidden[1], requests).assumptions)


def test_identity_policies_visible_on_one_side_only_decide_nothing() -> None:
    requests = asking("s3:GetObject", callers=Texts((ROLE,)))
    found = compared(Policies(None), own(allow("s3:GetObject")), requests)
    assert found.outcome == "undecided"
    assert found.lost is None
    assert any("not visible" in each for each in found.reasons)
    # Denied on the visible side, whatever is not visible on the other.
    assert (
        compared(Policies(None, resource=Policy((deny(principals=ANYONE),))), own(deny()), requests).outcome == "equal"
    )


# ---- doubt


UNREADABLE = allow("s3:GetObject")._replace(unknown=("an intrinsic function is not known",))


def test_a_statement_that_could_not_be_read_is_neither_equal_nor_different() -> None:
    for old, new in ((own(), own(UNREADABLE)), (own(UNREADABLE), own()), (own(UNREADABLE), own(UNREADABLE))):
        found = compared(old, new)
        assert found.outcome == "undecided"
        assert "an intrinsic function is not known" in found.reasons
    assert compared(own(allow()), own(allow(), UNREADABLE)).outcome == "equal"
    roles = asking("s3:*", callers=Texts(("*:role/*",)))
    assert compared(own(deny(), UNREADABLE), own(), roles).outcome == "equal"


def test_one_side_may_be_known_where_the_other_is_not() -> None:
    found = compared(own(UNREADABLE, deny("sqs:*")), own(allow("sqs:*")))
    assert found.outcome == "undecided"
    assert isinstance(found.gained, Difference)
    assert isinstance(found.lost, Doubt)


# ---- symbols


def test_symbols() -> None:
    symbols = Symbols()
    one = symbols.symbol(Symbol("Role.Arn"))
    other = symbols.symbol(Symbol("ImportValue:X"))
    spared = [attached(allow(), deny(conditions=(when("StringNotEquals", each),))) for each in (one, other)]
    requests = asking("execute-api:Invoke")
    assert compared(spared[0], spared[0], requests, symbols=symbols).outcome == "equal"
    named = asking("execute-api:Invoke", callers=Texts((one,)))
    found = compared(spared[0], attached(allow()), named, symbols=symbols)
    assert found.outcome == "equal"
    found = compared(spared[1], attached(allow()), named, symbols=symbols)
    assert found.outcome == "undecided"
    assert found.lost is None
    assert isinstance(found.gained, Doubt)


def test_a_difference_that_hangs_on_a_symbol_is_undecided() -> None:
    symbols = Symbols()
    name = symbols.symbol(Symbol("Bucket", shape=Shape("bucket", "a-z0-9", 3, 63)))
    old = own(allow("s3:GetObject", resources=(f"arn:aws:s3:::{name}/*",)))
    new = own(*old.identity[0].statements, deny(resources=("arn:aws:s3:::secrets/*",)))  # type: ignore[index]
    requests = asking("s3:GetObject", resources=(f"arn:aws:s3:::{name}/*",), context={}, unlisted="absent")
    found = compared(old, new, requests, symbols=symbols)
    assert found.outcome == "undecided"
    assert found.gained is None
    assert isinstance(found.lost, Doubt)
    assert found.lost.unless.endswith("is `secrets`")
    assert found.lost.reasons == ("the value of `Bucket` is not known",)


# ---- laws


def enumerated(requests: RequestSet, old: Policies, new: Policies, authorization: Authorization) -> set[str]:
    """Which of `gained`, `lost` and `open` some request of a finite set shows."""
    before, after = Evaluator(old, authorization), Evaluator(new, authorization)
    found: set[str] = set()
    for request in members(requests, asked(old) | asked(new)):
        outcomes = [outcome(evaluator, request) for evaluator in (before, after)]
        if "Undecided" in outcomes:
            found.add("open")
        elif outcomes[0] != outcomes[1]:
            found.add("gained" if outcomes[1] == "Allowed" else "lost")
    return found


def varied(dice: random.Random, given: Policies, world: World = WORLDS[0]) -> Policies:
    """Other policies: a statement more or less, or altogether others."""
    if dice.random() < 0.3 or given.resource is None:
        return policies(dice, world)
    statements = list(given.resource.statements)
    if dice.random() < 0.5:
        statements.append(statement(dice, with_principal=True, world=world))
    else:
        statements.pop(dice.randrange(len(statements)))
    return given._replace(resource=given.resource._replace(statements=tuple(statements)))


NAMES = {frozenset(): "equal", frozenset({"gained"}): "more", frozenset({"lost"}): "less"}


@pytest.mark.parametrize("seed", range(6))
def test_relations_agree_with_enumeration(seed: int) -> None:
    dice = random.Random(seed)
    outcomes: dict[str, int] = {}
    gaps = 0
    for _ in range(120):
        world = dice.choice(WORLDS)
        authorization = dice.choice(world.authorizations)
        old = policies(dice, world, authorization)
        new = varied(dice, old, world)
        requests = small_set(dice, world, asked(old) | asked(new))
        shown = enumerated(requests, old, new, authorization)
        found = relation(old, new, requests, Symbols(), authorization)
        case = (requests, old, new, authorization, shown, found)
        outcomes[found.outcome] = outcomes.get(found.outcome, 0) + 1
        for side, name in ((found.gained, "gained"), (found.lost, "lost")):
            if side is None:
                assert name not in shown, case
            elif isinstance(side, Difference):
                assert name in shown, case
            elif "open" not in shown:
                gaps += 1
        if "open" not in shown and found.outcome != "undecided":
            assert found.outcome == NAMES.get(frozenset(shown), "neither"), case
        check_replays(found, old, new, authorization)
    assert set(outcomes) >= {"equal", "more", "less", "undecided"}
    assert outcomes["undecided"] < 30
    assert gaps < 8


@pytest.mark.parametrize("seed", range(3))
def test_laws(seed: int) -> None:
    """A relation turned round is its mirror; an Allow more never loses, a Deny more never gains; order is nothing."""
    dice = random.Random(100 + seed)
    mirror = {"more": "less", "less": "more"}
    for _ in range(25):
        old, requests = policies(dice), wide_set(dice)
        new, authorization = varied(dice, old), dice.choice(AUTHORIZATIONS)
        found = relation(old, new, requests, Symbols(), authorization)
        back = relation(new, old, requests, Symbols(), authorization)
        assert back.outcome == mirror.get(found.outcome, found.outcome), (old, new, requests, authorization)
        check_replays(found, old, new, authorization)
        if old.resource is None:
            continue
        statements = old.resource.statements
        for effect, untouched in (("Allow", "lost"), ("Deny", "gained")):
            extra = statement(dice, with_principal=True)._replace(effect=effect, not_principal=False)  # type: ignore[arg-type]
            more = old._replace(resource=old.resource._replace(statements=(extra, *reversed(statements))))
            side = getattr(relation(old, more, requests, Symbols(), authorization), untouched)
            assert not isinstance(side, Difference), (old, more, requests, authorization)


def test_every_context_key_that_is_listed_counts() -> None:
    old = own(allow(conditions=(when("StringEquals", "vpc-1", key="aws:SourceVpc"),)))
    listed = asking(context={"aws:sourcevpc": Key(Texts(("vpc-1",)))})
    assert compared(old, own(allow()), listed).outcome == "equal"
    assert compared(old, own(allow()), asking()).outcome == "more"
