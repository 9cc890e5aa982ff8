"""What the prover says of the policies that people write: who is kept out, who may call, and why it cannot be told."""

import time
from typing import Any

import pytest

from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.prove import members_allowed, prove_allowed, prove_denied
from policy_audit.iam.request import (
    Authorization,
    Key,
    Policies,
    Proven,
    Refuted,
    RequestSet,
    Texts,
    Undecided,
    Verdict,
)
from policy_audit.iam.symbols import substitute
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import ACCOUNT, GENERATED_NAME, PARTITION, Shape, Symbol, Symbols

ACCOUNT_ID = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/Exec"
API = f"arn:aws:execute-api:eu-central-1:{ACCOUNT_ID}:abcde12345"
METHOD = f"{API}/prod/GET/orders"
ANYONE = (Principal("*", "*"),)
INVOKE = ("execute-api:Invoke",)


def document(*statements: Statement, version: str = "2012-10-17") -> Policy:
    return Policy(statements, version, "policy")


def deny(*conditions: Condition, resources: tuple[str, ...] = ("*",), **elements: Any) -> Statement:
    return Statement("Deny", INVOKE, resources, ANYONE, conditions)._replace(**elements)


def allow(*conditions: Condition, resources: tuple[str, ...] = ("*",), **elements: Any) -> Statement:
    return Statement("Allow", INVOKE, resources, ANYONE, conditions)._replace(**elements)


def when(operator: str, *values: str, key: str = "aws:PrincipalArn") -> Condition:
    return Condition(operator, key, values)


def others(*resources: str, but: tuple[str, ...] = (ROLE,), account: str = ACCOUNT_ID, **parts: Any) -> RequestSet:
    """Everybody but the intended role."""
    texts = Texts(resources or (METHOD,))
    return RequestSet("signed", Texts(("*",), but), Texts(INVOKE), texts, account)._replace(**parts)


def the_role(*resources: str, **parts: Any) -> RequestSet:
    return others(*resources)._replace(callers=Texts((ROLE,)), **parts)


def denied(
    resource: Policy | None,
    requests: RequestSet | None = None,
    authorization: Authorization = "api-gateway-iam",
    symbols: Symbols | None = None,
    **more: Any,
) -> Verdict:
    policies = Policies(None, resource=resource)._replace(**more)
    return prove_denied(requests or others(), policies, symbols or Symbols(), authorization)


ONLY_ROLE = deny(when("StringNotEquals", ROLE))

KEEPS_OUT = {
    "deny StringNotEquals and allow": (ONLY_ROLE, allow()),
    "ArnNotEquals": (deny(when("ArnNotEquals", ROLE)), allow()),
    "ArnNotLike": (deny(when("ArnNotLike", ROLE)), allow()),
    "IfExists": (deny(when("StringNotEqualsIfExists", ROLE)), allow()),
    "ForAnyValue on a single value": (deny(when("ForAnyValue:StringNotEquals", ROLE)), allow()),
    "no Allow but identity policies, denied": (ONLY_ROLE,),
    "two denies that cover together": (
        deny(when("StringNotEquals", ROLE), resources=(f"{API}/prod/*",)),
        deny(when("StringNotEquals", ROLE), resources=(f"{API}/*/GET/*",)),
        allow(),
    ),
    "denies by account and by name": (
        deny(when("StringNotEquals", ACCOUNT_ID, key="aws:PrincipalAccount")),
        deny(when("StringNotLike", "*:role/Exec")),
        deny(when("ArnNotLike", "arn:aws:iam::*:*")),
        allow(),
    ),
    "everybody denied": (deny(), allow()),
    "everything but another action denied": (
        Statement("Deny", ("execute-api:ManageConnections",), ("*",), ANYONE, not_action=True),
    ),
    "everything but another resource denied": (
        Statement("Deny", INVOKE, ("arn:aws:s3:::b",), ANYONE, not_resource=True),
    ),
    "case of action and operator values": (
        Statement("Deny", ("EXECUTE-API:invoke",), ("*",), ANYONE, (when("StringNotEquals", ROLE),)),
        allow(),
    ),
}


@pytest.mark.parametrize("name", KEEPS_OUT)
def test_proven_to_keep_out(name: str) -> None:
    verdict = denied(document(*KEEPS_OUT[name]))
    assert isinstance(verdict, Proven), verdict
    assert verdict.because
    assert all(each.statement.effect == "Deny" for each in verdict.because)
    assert any("identity" in each for each in verdict.assumptions)


LETS_IN: dict[str, tuple[tuple[Statement, ...], RequestSet, str]] = {
    "no policy": ((), others(), "role/Other"),
    "allow alone": ((allow(),), others(), "role/Other"),
    "deny misses a method": (
        (deny(when("StringNotEquals", ROLE), resources=(METHOD,)), allow(resources=(f"{API}/*",))),
        others(f"{API}/*"),
        "role/Other",
    ),
    "deny misses a stage": (
        (deny(when("StringNotEquals", ROLE), resources=(f"{API}/dev/*",)), allow()),
        others(f"{API}/prod/*"),
        "role/Other",
    ),
    "deny of the wrong action": (
        (Statement("Deny", ("execute-api:ManageConnections",), ("*",), ANYONE), allow()),
        others(),
        "role/Other",
    ),
    "a glob too wide": ((deny(when("StringNotLike", f"{ROLE}*")), allow()), others(), "role/Execx"),
    "a role in any account and path": ((deny(when("StringNotLike", "*role/*")), allow()), others(), "role/Other"),
    "a second role spared": (
        (deny(when("StringNotEquals", ROLE, f"arn:aws:iam::{ACCOUNT_ID}:user/Ops")), allow()),
        others(),
        "user/Ops",
    ),
    "glob under an operator without globs": (
        (deny(when("StringEquals", f"arn:aws:iam::{ACCOUNT_ID}:role/*")), allow()),
        others(),
        "role/Other",
    ),
    "two conditions are both needed": (
        (deny(when("StringNotEquals", ROLE), when("StringNotEquals", "vpc-1", key="aws:SourceVpc")), allow()),
        others(context={"aws:sourcevpc": Key(Texts(("*",)), True)}),
        "role/Other",
    ),
    "only other accounts denied": (
        (deny(when("StringNotEquals", ACCOUNT_ID, key="aws:PrincipalAccount")), allow()),
        others(),
        "role/Other",
    ),
    "type of principal": (
        (deny(when("StringEquals", "AssumedRole", key="aws:PrincipalType")),),
        others(),
        "user/Other",
    ),
    "Null": ((deny(when("Null", "true")), allow()), others(), "role/Other"),
    "ForAllValues on nothing": (
        (deny(when("ForAllValues:StringNotEquals", "a", key="aws:TagKeys")),),
        others(),
        "role/Other",
    ),
}


@pytest.mark.parametrize("name", LETS_IN)
def test_refuted_with_a_readable_request(name: str) -> None:
    statements, requests, caller = LETS_IN[name]
    verdict = denied(document(*statements) if statements else None, requests)
    assert isinstance(verdict, Refuted), verdict
    assert verdict.request.caller.arn == f"arn:aws:iam::{ACCOUNT_ID}:{caller}"
    assert verdict.decision.outcome == "Allowed"
    assert verdict.request.resource.startswith(API)


def test_not_principal_with_deny() -> None:
    """It spares a role for certain nowhere, but whoever is not listed at all is denied."""
    listed = (Principal("AWS", ROLE), Principal("AWS", ACCOUNT_ID))
    policy = document(Statement("Deny", INVOKE, ("*",), listed, not_principal=True), allow())
    assert isinstance(denied(policy, others(but=(ROLE, f"*:{ACCOUNT_ID}:root"))), Proven)
    assert isinstance(denied(policy, others(but=(ROLE,))), Refuted)  # the root user is spared by its account
    assert isinstance(prove_allowed(the_role(), Policies((), resource=policy), Symbols(), "api-gateway-iam"), Undecided)
    for boundaries in ((document(allow(principals=None)),), ()):
        verdict = prove_allowed(the_role(), Policies((), boundaries, resource=policy), Symbols(), "api-gateway-iam")
        assert isinstance(verdict, Refuted)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((ONLY_ROLE, allow()), Proven),
        ((deny(when("StringNotEqualsIfExists", ROLE)), allow()), Proven),
        ((deny(when("ArnNotLike", ROLE)), allow()), Proven),
        ((deny(when("Null", "true")), allow()), Proven),
        ((deny(when("StringNotEquals", ACCOUNT_ID, key="aws:PrincipalAccount")), allow()), Proven),
        ((), Proven),
        ((allow(principals=(Principal("AWS", ROLE),)),), Proven),
        ((deny(when("StringEquals", ROLE)), allow()), Refuted),
        ((deny(when("ForAnyValue:StringNotEquals", ROLE)), allow()), Refuted),
        ((allow(),), Refuted),
        ((allow(when("ForAllValues:StringEquals", ROLE)),), Refuted),
        ((allow(when("StringEqualsIfExists", ROLE)),), Refuted),
        ((allow(when("StringEquals", ROLE)),), Proven),
    ],
)
def test_unsigned_requests(statements: tuple[Statement, ...], expected: type) -> None:
    unsigned = others()._replace(kind="anonymous")
    assert isinstance(denied(document(*statements), unsigned, "api-gateway-none"), expected)


def test_method_without_policy_or_authorization_is_open() -> None:
    verdict = denied(None, others()._replace(kind="anonymous"), "api-gateway-none")
    assert isinstance(verdict, Refuted)
    assert verdict.request.caller.kind == "anonymous"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((ONLY_ROLE, allow()), Proven),
        ((allow(),), Refuted),
        ((), Proven),
        ((allow(principals=(Principal("AWS", ROLE),)),), Proven),
        ((allow(principals=(Principal("AWS", "999999999999"),)),), Refuted),
        ((deny(when("StringNotEquals", "999999999999", key="aws:PrincipalAccount")), allow()), Refuted),
    ],
)
def test_other_accounts(statements: tuple[Statement, ...], expected: type) -> None:
    verdict = denied(document(*statements), others(same_account=False))
    assert isinstance(verdict, expected), verdict
    if isinstance(verdict, Refuted):
        assert verdict.request.caller.arn == "arn:aws:iam::999999999999:role/Other"


def test_services() -> None:
    service = others()._replace(kind="service", callers=Texts(("states.amazonaws.com", "events.amazonaws.com")))
    assert isinstance(denied(document(ONLY_ROLE, allow()), service), Proven)
    named = allow(principals=(Principal("Service", "events.amazonaws.com"),))
    verdict = denied(document(named), service)
    assert isinstance(verdict, Refuted)
    assert verdict.request.caller == ("service", "events.amazonaws.com")
    assert isinstance(denied(document(allow(principals=(Principal("AWS", ROLE),))), service), Proven)
    sparing = deny(when("StringNotEquals", ROLE), when("Bool", "false", key="aws:PrincipalIsAWSService"))
    assert isinstance(denied(document(sparing, allow()), service), Refuted)


def test_every_kind_of_principal_that_gets_through_is_told() -> None:
    spared = (ROLE, f"arn:aws:iam::{ACCOUNT_ID}:role/Two", f"arn:aws:iam::{ACCOUNT_ID}:user/Three")
    policy = document(deny(when("StringNotEquals", *spared)), allow())
    found = members_allowed(others(), Policies(None, resource=policy), Symbols(), "api-gateway-iam")
    assert {each.request.caller.arn for each in found} == set(spared[1:])
    assert members_allowed(others(), Policies(None, resource=document(ONLY_ROLE)), Symbols(), "api-gateway-iam") == ()


# ---- permissions


def permitted(identity: Policy, requests: RequestSet | None = None, **more: Any) -> Verdict:
    return prove_allowed(requests or the_role(), Policies((identity,))._replace(**more), Symbols())


def own(
    effect: str, *actions: str, resources: tuple[str, ...] = ("*",), conditions: tuple[Condition, ...] = ()
) -> Statement:
    return Statement(effect, actions, resources, None, conditions)  # type: ignore[arg-type]


def test_permission_is_carried_by_the_statements_that_are_needed() -> None:
    policy = document(
        own("Allow", "s3:*"),
        own("Allow", "execute-api:Invoke", resources=(f"{API}/prod/*",)),
        own("Allow", "execute-api:*", resources=(f"{API}/dev/*",)),
        own("Allow", "execute-api:*", resources=(f"{API}/d*",)),
    )
    verdict = permitted(policy, the_role(f"{API}/prod/GET/*", f"{API}/dev/GET/x"))
    assert isinstance(verdict, Proven)
    assert [(each.policy_type, each.index) for each in verdict.because] == [
        ("identity policy", 1),
        ("identity policy", 2),
    ]


@pytest.mark.parametrize(
    ("statements", "resources", "expected"),
    [
        ((own("Allow", "execute-api:Invoke"),), (METHOD,), Proven),
        ((own("Allow", "*"), own("Deny", "execute-api:*")), (METHOD,), Refuted),
        ((own("Allow", "*"), own("Deny", "s3:*")), (METHOD,), Proven),
        ((own("Allow", "s3:*"),), (METHOD,), Refuted),
        ((own("Allow", "execute-api:Invoke", resources=(f"{API}/prod/GET/orders",)),), (f"{API}/prod/*",), Undecided),
        ((own("Allow", "execute-api:Invoke", resources=(f"{API}/dev/*",)),), (f"{API}/prod/*",), Refuted),
        ((own("Allow", "*", conditions=(when("IpAddress", "10.0.0.0/8", key="aws:SourceIp"),)),), (METHOD,), Undecided),
        ((own("Allow", "*", conditions=(when("Null", "false", key="aws:PrincipalArn"),)),), (METHOD,), Proven),
        ((own("Allow", "*", conditions=(when("StringLike", "*:role/E*"),)),), (METHOD,), Proven),
        ((own("Allow", "*", conditions=(when("StringLike", "*:role/X*"),)),), (METHOD,), Refuted),
        ((own("Allow", "*", conditions=(when("StringGlob", "x"),)),), (METHOD,), Refuted),
        ((own("Allow", "*"), own("Deny", "*", conditions=(when("StringGlob", "x"),))), (METHOD,), Undecided),
    ],
)
def test_permissions(statements: tuple[Statement, ...], resources: tuple[str, ...], expected: type) -> None:
    verdict = permitted(document(*statements), the_role(*resources))
    assert isinstance(verdict, expected), verdict
    if isinstance(verdict, Undecided):
        assert verdict.reasons


def test_what_an_undecided_permission_hangs_on_is_named() -> None:
    verdict = permitted(document(own("Allow", "*", conditions=(when("StringEquals", "vpc-1", key="aws:SourceVpc"),))))
    assert isinstance(verdict, Undecided)
    assert "aws:sourcevpc" in verdict.reasons[0]
    assert "vpc-1" in verdict.reasons[0]


def test_a_listed_key_decides() -> None:
    policy = document(own("Allow", "*", conditions=(when("IpAddress", "10.0.0.0/8", key="aws:SourceIp"),)))
    for address, expected in (("10.1.2.3", Proven), ("192.0.2.1", Refuted)):
        context = {"aws:sourceip": Key(Texts((address,)))}
        assert isinstance(permitted(policy, the_role(context=context)), expected)
    assert isinstance(permitted(policy, the_role(unlisted="absent")), Refuted)


def test_boundary_session_and_service_control_policies_limit() -> None:
    everything, storage = document(own("Allow", "*")), document(own("Allow", "s3:*"))
    assert isinstance(permitted(everything, boundaries=(everything,)), Proven)
    assert isinstance(permitted(everything, boundaries=(storage,)), Refuted)
    assert isinstance(permitted(everything, session=storage), Refuted)
    assert isinstance(permitted(everything, scps=((everything,), (storage,))), Refuted)
    assert isinstance(permitted(everything, scps=((everything,), (everything,))), Proven)
    assert isinstance(permitted(everything, endpoint=(document(allow()),)), Proven)
    assert isinstance(permitted(everything, endpoint=(document(allow(resources=(f"{API}/dev/*",))),)), Refuted)


def test_identity_policies_that_are_not_visible_prove_no_permission() -> None:
    verdict = prove_allowed(the_role(), Policies(None), Symbols())
    assert isinstance(verdict, Undecided)
    assert any("not visible" in reason for reason in verdict.reasons)


def test_unreadable_parts_are_neither_a_pass_nor_a_failure() -> None:
    torn = allow()._replace(unknown=("`Condition` is not known",))
    assert isinstance(denied(document(ONLY_ROLE, torn)), Proven)
    verdict = denied(document(torn), others(same_account=False))
    assert isinstance(verdict, Undecided)
    assert "`Condition` is not known" in verdict.reasons
    assert isinstance(denied(document(ONLY_ROLE._replace(unknown=("torn",)), allow())), Undecided)
    unreadable = Policy((), unknown="the policy is computed")
    assert isinstance(denied(unreadable, others(same_account=False)), Undecided)
    assert isinstance(permitted(document(own("Allow", "*")), resource=unreadable), Undecided)


def test_keys_and_trust() -> None:
    delegating = document(
        Statement("Allow", ("kms:*",), ("*",), (Principal("AWS", f"arn:aws:iam::{ACCOUNT_ID}:root"),))
    )
    naming = document(Statement("Allow", ("kms:*",), ("*",), (Principal("AWS", ROLE),)))
    request = the_role("arn:aws:kms:eu-central-1:123456789012:key/1")._replace(actions=Texts(("kms:Decrypt",)))
    everything = document(own("Allow", "kms:*"))
    for identity, resource, expected in (
        ((everything,), delegating, Proven),
        ((), delegating, Refuted),
        ((), naming, Proven),
        ((everything,), None, Refuted),
        ((everything,), document(), Refuted),
    ):
        verdict = prove_allowed(request, Policies(identity, resource=resource), Symbols(), "kms")
        assert isinstance(verdict, expected), (identity, resource)
    trust = document(Statement("Allow", ("sts:AssumeRole",), None, (Principal("Service", "states.amazonaws.com"),)))
    service = RequestSet(
        "service", Texts(("states.amazonaws.com",)), Texts(("sts:AssumeRole",)), Texts((ROLE,)), ACCOUNT_ID
    )
    assert isinstance(prove_allowed(service, Policies((), resource=trust), Symbols(), "trust"), Proven)
    events = service._replace(callers=Texts(("events.amazonaws.com",)))
    assert isinstance(prove_allowed(events, Policies((), resource=trust), Symbols(), "trust"), Refuted)


# ---- symbols


class Template:
    """A template's open values."""

    def __init__(self) -> None:
        self.symbols = Symbols()
        self.account = self.symbols.symbol(Symbol("${AWS::AccountId}", ACCOUNT))
        self.partition = self.symbols.symbol(Symbol("${AWS::Partition}", PARTITION))
        self.name = self.symbols.symbol(Symbol("${ExecRole}", GENERATED_NAME, generated=True))
        self.second = self.symbols.symbol(Symbol("${OtherRole}", GENERATED_NAME, generated=True))
        self.arn = self.symbols.symbol(Symbol("${Role.Arn}"))
        self.imported = self.symbols.symbol(Symbol("${ImportValue:X}"))
        self.stage = self.symbols.symbol(Symbol("${Stage}", Shape("stage", "A-Za-z0-9_", 1, 128)))
        self.role = f"arn:{self.partition}:iam::{self.account}:role/{self.name}"

    def denied(self, statement: Statement, intended: str, account: str, *resources: str) -> Verdict:
        return denied(
            document(statement, allow()), others(*resources, but=(intended,), account=account), symbols=self.symbols
        )


def test_a_symbol_equals_itself() -> None:
    given = Template()
    assert isinstance(given.denied(deny(when("StringNotEquals", given.arn)), given.arn, ACCOUNT_ID), Proven)
    for operator in ("StringNotEquals", "ArnNotLike"):
        assert isinstance(given.denied(deny(when(operator, given.role)), given.role, given.account), Proven)


def test_two_symbols_may_be_one() -> None:
    given = Template()
    verdict = given.denied(deny(when("StringNotEquals", given.imported)), given.arn, ACCOUNT_ID)
    assert isinstance(verdict, Undecided)
    assert verdict.unless == "`${ImportValue:X}` is `${Role.Arn}`"
    assert verdict.likelier == "refuted"
    assert verdict.likely is not None
    assert verdict.likely.caller.arn == given.imported


def test_a_literal_may_be_the_value_of_a_symbol() -> None:
    given = Template()
    intended = f"arn:aws:iam::{given.account}:role/Exec"
    verdict = given.denied(deny(when("StringNotEquals", ROLE)), intended, ACCOUNT_ID)
    assert isinstance(verdict, Undecided)
    assert verdict.unless == f"`${{AWS::AccountId}}` is `{ACCOUNT_ID}`"
    assert verdict.likelier == "refuted"
    assert isinstance(given.denied(deny(when("StringNotEquals", ROLE)), intended, given.account), Proven)


def test_generated_names_are_never_equal() -> None:
    given = Template()
    other = given.role.replace(given.name, given.second)
    verdict = given.denied(deny(when("StringNotEquals", other)), given.role, given.account)
    assert isinstance(verdict, Refuted)
    assert verdict.request.caller.arn == other


def test_witness_keeps_the_letters() -> None:
    given = Template()
    verdict = given.denied(deny(when("StringNotLike", given.role + "*")), given.role, given.account)
    assert isinstance(verdict, Refuted)
    shown = given.symbols.show(verdict.request.caller.arn)
    assert shown == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${ExecRole}x"


def test_deny_on_one_stage_only() -> None:
    given = Template()
    statement = deny(when("StringNotEquals", given.role), resources=(f"{API}/{given.stage}/*",))
    assert isinstance(given.denied(statement, given.role, given.account, f"{API}/{given.stage}/GET/x"), Proven)
    verdict = given.denied(statement, given.role, given.account, f"{API}/*")
    assert isinstance(verdict, Refuted)
    assert "/" in verdict.request.resource.removeprefix(API)
    hanging = given.denied(statement, given.role, given.account, f"{API}/prod/GET/x")
    assert isinstance(hanging, Undecided)
    assert hanging.unless == "`${Stage}` is `prod`"
    assert hanging.likelier == "refuted"


def test_another_account_than_one_that_is_not_known() -> None:
    """The set's callers belong to another account, whichever the resource's is; one that a policy names may be it."""
    given = Template()
    requests = others(but=(given.role,), account=given.account, same_account=False)
    verdict = denied(
        document(deny(when("ArnNotLike", "arn:aws:iam::*:role/Exec")), allow()), requests, symbols=given.symbols
    )
    assert isinstance(verdict, Refuted)
    assert verdict.request.caller.arn == "arn:aws:iam::999999999999:role/Exec"
    verdict = denied(document(allow(principals=(Principal("AWS", ROLE),))), requests, symbols=given.symbols)
    assert isinstance(verdict, Undecided)


def test_an_open_account_as_principal_names_the_whole_account() -> None:
    given = Template()
    statement = deny(when("StringNotEquals", given.role))._replace(principals=(Principal("AWS", given.account),))
    requests = others(but=(given.role,), account=given.account)
    assert isinstance(denied(document(statement, allow()), requests, symbols=given.symbols), Proven)
    anybody = statement._replace(principals=(Principal("AWS", given.imported),))
    assert isinstance(denied(document(anybody, allow()), requests, symbols=given.symbols), Undecided)


def test_permission_on_an_account_that_is_not_known() -> None:
    given = Template()
    function = "arn:aws:lambda:eu-central-1:{}:function:f"
    policy = document(own("Allow", "lambda:InvokeFunction", resources=(function.format(ACCOUNT_ID),)))
    request = the_role(function.format(given.account))._replace(actions=Texts(("lambda:InvokeFunction",)))
    verdict = prove_allowed(request, Policies((policy,)), given.symbols)
    assert isinstance(verdict, Undecided)
    assert verdict.unless == f"`${{AWS::AccountId}}` is `{ACCOUNT_ID}`"
    assert verdict.likelier == "refuted"
    same = document(own("Allow", "lambda:InvokeFunction", resources=(function.format(given.account),)))
    assert isinstance(prove_allowed(request, Policies((same,)), given.symbols), Proven)
    wide = document(own("Allow", "lambda:*", resources=(function.format("*"),)))
    assert isinstance(prove_allowed(request, Policies((wide,)), given.symbols), Proven)


def test_holes_are_bracketed() -> None:
    symbols = Symbols()
    hole = symbols.hole("the workflow computes it")
    request = the_role(f"{API}/prod/GET/{hole}")
    assert isinstance(
        prove_allowed(request, Policies((document(own("Allow", "*", resources=(f"{API}/prod/*",))),)), symbols), Proven
    )
    narrow = document(own("Allow", "*", resources=(f"{API}/prod/GET/x",)))
    assert isinstance(prove_allowed(request, Policies((narrow,)), symbols), Undecided)
    elsewhere = document(own("Allow", "*", resources=(f"{API}/dev/*",)))
    assert isinstance(prove_allowed(request, Policies((elsewhere,)), symbols), Refuted)
    policy = document(deny(when("StringNotEquals", hole)), allow())
    assert isinstance(denied(policy, symbols=symbols), Undecided)
    policy = document(deny(when("StringNotEquals", ROLE)), allow(when("StringEquals", hole, key="aws:SourceVpce")))
    assert isinstance(denied(policy, symbols=symbols), Proven)


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "ArnNotLike", "StringEquals"])
@pytest.mark.parametrize("suffix", ["", "*", "-x"])
def test_proofs_over_symbols_hold_for_their_values(operator: str, suffix: str) -> None:
    given = Template()
    spared = (given.role + suffix, f"arn:aws:iam::{given.account}:role/Exec{suffix}", ROLE + suffix, given.arn)
    names = ("stack-ExecRole-ABCDEFGH12345", "stack-Other-ABCDEFGH12345")
    for value in spared:
        for intended in (given.role, given.arn, f"arn:aws:iam::{given.account}:role/Exec", ROLE):
            requests = others(but=(intended,), account=given.account)
            policies = Policies(None, resource=document(deny(when(operator, value)), allow()))
            verdict = prove_denied(requests, policies, given.symbols, "api-gateway-iam")
            for account in (ACCOUNT_ID, "999999999999"):
                for name in names:
                    bindings = (
                        (given.account, account),
                        (given.partition, "aws"),
                        (given.name, name),
                        (given.arn, f"arn:aws:iam::{account}:role/{name}"),
                    )
                    concrete = prove_denied(*substitute(requests, policies, bindings), given.symbols, "api-gateway-iam")
                    assert not isinstance(concrete, Undecided)
                    if not isinstance(verdict, Undecided):
                        assert type(concrete) is type(verdict), (value, intended, account, name)


# ---- variables and hostile input


def test_policy_variables() -> None:
    symbols = Symbols()
    variable = "${aws:PrincipalAccount}"
    policy = document(deny(when("StringNotEquals", variable, key="aws:ResourceAccount")), allow())
    assert isinstance(denied(policy, symbols=symbols), Refuted)
    assert isinstance(denied(policy, others(same_account=False), symbols=symbols), Undecided)
    spelled = document(deny(when("StringNotEquals", "a${*}b", key="aws:SourceVpce")), allow())
    context = {"aws:sourcevpce": Key(Texts(("a${*}b",)))}
    assert isinstance(denied(spelled, others(context=context)), Refuted)
    assert isinstance(denied(spelled, others(context={"aws:sourcevpce": Key(Texts(("axb",)))})), Proven)
    own_stage = document(own("Allow", "*", resources=(API + "/${aws:PrincipalTag/stage}/*",)))
    assert isinstance(permitted(own_stage), Undecided)


def test_nobody_chooses_a_unique_id() -> None:
    verdict = denied(document(deny(when("StringNotLike", "AROAEXAMPLE:*", key="aws:userid")), allow()))
    assert isinstance(verdict, Undecided)


@pytest.mark.parametrize(
    "statements",
    [
        (deny(when("StringNotLike", *(f"*Key{index}*" for index in range(20)))), allow()),
        tuple(deny(when("StringLike", f"*Key{index}*", key="aws:UserAgent")) for index in range(20)),
        tuple(deny(when("StringLike", "*" + "a*" * index, key="aws:UserAgent")) for index in range(40)),
        (deny(when("StringNotLike", "*a" + "?" * 16 + "*")), allow()),
        (deny(when("StringNotLike", *("*a*b*c*d*" * 20 + str(index) for index in range(20)))), allow()),
        tuple(deny(when("ForAnyValue:StringLike", f"*{index}*", key="aws:TagKeys")) for index in range(16)),
        tuple(
            deny(*(when("StringEquals", "v", key=f"aws:PrincipalTag/{(index * step) % 29}") for step in (1, 3, 7)))
            for index in range(150)
        ),
    ],
    ids=["infix principals", "infix agents", "nested stars", "questions", "long globs", "sets", "search"],
)
def test_hostile_policies_end_soon(statements: tuple[Statement, ...]) -> None:
    started = time.process_time()
    verdict = denied(document(*statements))
    assert time.process_time() - started < 1.5
    assert isinstance(verdict, (Proven, Refuted, Undecided))
    if isinstance(verdict, Refuted):
        worst = Policies((document(own("Allow", "*")),), resource=document(*statements))
        assert evaluate(verdict.request, worst, "api-gateway-iam").outcome == "Allowed"


def test_set_operators_make_a_key_one_of_several_values() -> None:
    """Three conditions that no single value satisfies are satisfied by a key with three values."""
    several = tuple(Condition("ForAnyValue:StringEquals", "custom:key", (value,)) for value in "abc")
    granting = document(allow(*several))
    requests = the_role(unlisted="any")
    verdict = prove_denied(requests, Policies((), resource=granting), Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Refuted), verdict
    assert set(verdict.request.context["custom:key"]) == {"a", "b", "c"}
    single = document(allow(*several, Condition("StringEquals", "aws:SourceVpc", ("v",))))
    one = the_role(context={"custom:key": Key(Texts(("a", "b")))})
    verdict = prove_denied(one, Policies((), resource=single), Symbols(), "api-gateway-iam")
    assert isinstance(verdict, Proven), verdict


TOPIC = "arn:aws:sns:eu-west-1:111122223333:t"
UNDER_ARN_OPERATORS = {
    "no ARN under a negation": ("ArnNotLike", TOPIC, "plain", "denied"),
    "another ARN under a negation": ("ArnNotLike", TOPIC, TOPIC + "x", "allowed"),
    "a wildcard stays in its part": (
        "ArnLike",
        "arn:aws:sns:*:111122223333:t",
        "arn:aws:sns:a:b:111122223333:t",
        "denied",
    ),
    "a wildcard at the end of a part": ("ArnLike", "arn:aws:sns:eu-*:*:t", TOPIC, "allowed"),
    "an incomplete pattern": ("ArnLike", "arn:aws:sns", TOPIC, "allowed"),
    "an incomplete pattern of another service": ("ArnLike", "arn:aws:sqs", TOPIC, "denied"),
}


@pytest.mark.parametrize("name", UNDER_ARN_OPERATORS)
def test_arn_operators_on_keys_of_any_kind(name: str) -> None:
    operator, pattern, value, expected = UNDER_ARN_OPERATORS[name]
    policies = Policies(
        (document(Statement("Allow", INVOKE, ("*",), None, (when(operator, pattern, key="custom:topic"),))),)
    )
    requests = the_role(context={"custom:topic": Key(Texts((value,)))})
    prove = prove_allowed if expected == "allowed" else prove_denied
    verdict = prove(requests, policies, Symbols())
    assert isinstance(verdict, Proven), verdict


def test_resource_control_policies_reach_some_services_only() -> None:
    control = document(Statement("Deny", ("*",), ("*",), ANYONE))
    for action, proven in (("sqs:SendMessage", "denied"), ("ec2:StartInstances", "allowed")):
        requests = RequestSet("signed", Texts((ROLE,)), Texts((action,)), Texts(("*",)), ACCOUNT_ID)
        policies = Policies((document(Statement("Allow", ("*",), ("*",))),), rcps=((control,),))
        prove = prove_allowed if proven == "allowed" else prove_denied
        assert isinstance(prove(requests, policies, Symbols()), Proven), action


def test_statements_that_begin_otherwise_are_set_aside() -> None:
    """A long policy costs little more than its statements about the request, and changes nothing."""
    about = Statement("Allow", INVOKE, (f"{API}/prod/*",))
    for other in (
        Statement("Deny", ("s3:*",), ("*",)),
        Statement("Deny", ("execute-api:I*x",), ("*",)),
        Statement("Deny", INVOKE, (f"{API}/dev/*",)),
    ):
        verdict = prove_allowed(the_role(), Policies((document(about, *(other,) * 50),)), Symbols())
        assert isinstance(verdict, Proven), verdict
    for near in (
        Statement("Deny", ("EXECUTE-API:inv*",), ("*",)),
        Statement("Deny", ("execute-api:?nvoke",), (f"{API}/pr?d/*",)),
        Statement("Deny", ("s3:*",), ("*",), not_action=True),
        Statement("Deny", INVOKE, (f"{API}/dev/*",), not_resource=True),
        Statement("Deny", INVOKE, ("arn:aws:execute-api",)),
        Statement("Deny", INVOKE, (f"{API}/dev/*", f"{API}/*/GET/orders")),
        Statement("Deny", INVOKE, (f"{API}/${{aws:username, 'prod'}}/*",)),
    ):
        verdict = prove_allowed(the_role(), Policies((document(about, near),)), Symbols())
        assert isinstance(verdict, Refuted), near
    short = deny(when("StringNotEquals", ROLE), resources=("execute-api:/prod/*",))
    assert isinstance(denied(document(short, allow())), Proven)


def test_not_principal_spares_nobody_without_the_account() -> None:
    user = Principal("AWS", f"arn:aws:iam::{ACCOUNT_ID}:user/Ops")
    account = Principal("AWS", ACCOUNT_ID)
    own = (document(Statement("Allow", ("*",), ("*",))),)
    for listed, expected in (((user,), Refuted), ((user, account), Proven)):
        spares = document(Statement("Deny", INVOKE, ("*",), listed, not_principal=True))
        verdict = prove_allowed(
            others()._replace(callers=Texts((user.value,))), Policies(own, resource=spares), Symbols()
        )
        assert isinstance(verdict, expected), verdict
