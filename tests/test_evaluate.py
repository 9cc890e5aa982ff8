"""The evaluator's laws: unknown parts stay unknown, and a definite decision never changes when they become known."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iam_cases import ACCOUNT, ANONYMOUS, EVERYTHING, OBJECT, OTHER, ROLE, SERVICE, USER, allow, decide, deny, document

from policy_audit.iam.evaluate import Evaluator, evaluate
from policy_audit.iam.explain import near_misses
from policy_audit.iam.request import Caller, ContextValue, Policies, Request
from policy_audit.model.policy import Condition, Effect, Policy, Principal, Statement
from policy_audit.model.value import API_ID, Shape, Symbol, Symbols
from policy_audit.sources.policies import read_policy_text

KEYS = ("test:one", "test:two", "aws:tagkeys")
VALUES = ("a", "ab", "10", "true", "arn:aws:s3:::a", "")
OPERATORS = (
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLikeIfExists",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringNotEquals",
    "ForAnyValue:StringEqualsIfExists",
    "NumericLessThan",
    "Bool",
    "Null",
    "ArnLike",
    "ArnNotLike",
    "NotAnOperator",
)
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(OPERATORS),
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(["a", "a*", "10", "true", "false", "${test:two}", "arn:aws:s3:::*"]), max_size=2).map(
        tuple
    ),
    span=st.none(),
)
PRINCIPALS = st.sampled_from(
    [
        None,
        (Principal("*", "*"),),
        (Principal("AWS", ROLE.arn),),
        (Principal("AWS", ACCOUNT),),
        (Principal("AWS", USER.arn), Principal("AWS", ACCOUNT)),
        (Principal("Service", SERVICE.arn),),
    ]
)
EFFECTS: st.SearchStrategy[Effect] = st.sampled_from(["Allow", "Deny"])


def statements(principals: st.SearchStrategy[tuple[Principal, ...] | None]) -> st.SearchStrategy[Statement]:
    return st.builds(
        Statement,
        EFFECTS,
        st.just(("*",)),
        st.sampled_from([("*",), ("arn:aws:s3:::${test:one}",), (OBJECT,)]),
        principals,
        st.lists(CONDITIONS, max_size=2).map(tuple),
        unknown=st.sampled_from([(), (), (), (), ("it could not be read",)]),
        span=st.none(),
    )


def policies_of(principals: st.SearchStrategy[tuple[Principal, ...] | None]) -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy,
        st.lists(statements(principals), max_size=3).map(tuple),
        st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]),
        span=st.none(),
    )


OWN = policies_of(st.none())
POLICIES = st.builds(
    Policies,
    st.lists(OWN, max_size=2).map(tuple),
    st.none() | st.tuples(OWN),
    st.none() | OWN,
    st.none() | policies_of(PRINCIPALS),
    st.none() | st.tuples(policies_of(PRINCIPALS)),
    st.none() | st.tuples(st.tuples(OWN)),
    st.none() | st.tuples(st.tuples(policies_of(PRINCIPALS))),
)
CALLERS = st.sampled_from([ROLE, USER, SERVICE, ANONYMOUS, Caller("root", f"arn:aws:iam::{ACCOUNT}:root")])
CONTEXTS = st.dictionaries(
    st.sampled_from(KEYS),
    st.sampled_from(VALUES) | st.lists(st.sampled_from(VALUES), max_size=2).map(tuple),
)


@settings(max_examples=250, deadline=None)
@given(POLICIES, CALLERS, CONTEXTS, st.lists(CONTEXTS, min_size=1, max_size=4), st.sampled_from([ACCOUNT, OTHER]))
def test_a_definite_decision_stays_under_every_completion(
    policies: Policies,
    caller: Caller,
    known: dict[str, ContextValue],
    completions: list[dict[str, ContextValue]],
    owner: str,
) -> None:
    def request(context: dict[str, ContextValue], unlisted: Literal["absent", "unknown"]) -> Request:
        return Request(caller, "s3:GetObject", OBJECT, owner, context, unlisted=unlisted)

    evaluator = Evaluator(policies)
    before = evaluator.decide(request(known, "unknown"))
    for completion in completions:
        after = evaluator.decide(request(completion | known, "absent"))
        assert before.outcome in ("Undecided", after.outcome)
    assert before.outcome != "Undecided" or before.undecided_because


@settings(max_examples=100, deadline=None)
@given(POLICIES, CALLERS, CONTEXTS)
def test_what_could_not_be_read_is_neither_granted_nor_overlooked(
    policies: Policies, caller: Caller, context: dict[str, ContextValue]
) -> None:
    """Reading the unknown statements as they stand, or leaving them out, is a completion."""

    def completed(policy: Policy, keep: bool) -> Policy:
        kept = tuple(one._replace(unknown=()) for one in policy.statements if keep or not one.unknown)
        return policy._replace(statements=kept)

    request = Request(caller, "s3:GetObject", OBJECT, ACCOUNT, context)
    before = evaluate(request, policies)
    for keep in (True, False):
        known = Policies(
            tuple(completed(policy, keep) for policy in policies.identity or ()),
            policies.boundaries and tuple(completed(policy, keep) for policy in policies.boundaries),
            policies.session and completed(policies.session, keep),
            policies.resource and completed(policies.resource, keep),
            policies.endpoint and tuple(completed(policy, keep) for policy in policies.endpoint),
            policies.scps and tuple(tuple(completed(policy, keep) for policy in level) for level in policies.scps),
            policies.rcps and tuple(tuple(completed(policy, keep) for policy in level) for level in policies.rcps),
        )
        after = evaluate(request, known)
        assert before.outcome in ("Undecided", after.outcome) or after.outcome == "Undecided"


@settings(max_examples=60, deadline=None)
@given(POLICIES, CALLERS, CONTEXTS, st.permutations(range(3)))
def test_order_and_repetition_do_not_matter(
    policies: Policies, caller: Caller, context: dict[str, ContextValue], order: list[int]
) -> None:
    def shuffled(policy: Policy) -> Policy:
        many = policy.statements
        return policy._replace(statements=tuple(many[index] for index in order if index < len(many)) + many)

    request = Request(caller, "s3:GetObject", OBJECT, ACCOUNT, context)
    other = policies._replace(identity=tuple(shuffled(policy) for policy in reversed(policies.identity or ())))
    assert evaluate(request, policies).outcome == evaluate(request, other).outcome


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (document(allow(Condition={"StringEquals": {"aws:PrincipalTag/Team": "a"}})), "aws:PrincipalTag/Team"),
        (document(allow("*", "arn:aws:s3:::bucket/${aws:PrincipalTag/team}")), "aws:principaltag/team"),
        (document(allow(), deny(Condition={"Mystery": {"a:b": "c"}})), "IAM has no condition operator `Mystery`"),
        (None, "the caller's identity policies are not visible"),
        ((Policy((), unknown="the file is missing"),), "the file is missing"),
        (document(allow(Principal="*")), "a statement of this identity policy has a `Principal`, which AWS refuses"),
    ],
)
def test_an_undecided_decision_says_what_it_hangs_on(identity: Any, reason: str) -> None:
    decision = decide(identity=identity, unlisted="unknown")
    assert decision.outcome == "Undecided"
    assert decision.undecided_because == (reason,)


def test_what_does_not_matter_is_not_named() -> None:
    doubtful = allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}})
    assert decide(identity=document(allow(), doubtful), unlisted="unknown").outcome == "Allowed"
    decision = decide(identity=document(deny("ec2:*"), doubtful), unlisted="unknown")
    assert decision.undecided_because == ("aws:PrincipalTag/team",)


@pytest.mark.parametrize(
    ("policies", "lacking"),
    [
        ({"identity": ()}, "identity policy"),
        ({"identity": EVERYTHING, "boundary": document()}, "permissions boundary"),
        ({"identity": EVERYTHING, "session": document()}, "session policy"),
        ({"identity": EVERYTHING, "scps": ((document(),),)}, "SCP"),
        ({"identity": EVERYTHING, "endpoint": document()}, "VPC endpoint policy"),
        ({"identity": EVERYTHING, "owner": OTHER}, "resource policy"),
        ({"identity": EVERYTHING, "authorization": "trust"}, "trust policy"),
    ],
)
def test_an_implicit_denial_says_whose_allow_is_missing(policies: dict[str, Any], lacking: str) -> None:
    decision = decide(**policies)
    assert decision.outcome == "ImplicitlyDenied"
    assert decision.denied_by == lacking


SYMBOLS = Symbols()
API = SYMBOLS.symbol(Symbol("${Api}", API_ID, generated=True))
OTHER_API = SYMBOLS.symbol(Symbol("${Other}", API_ID, generated=True))
PARAMETER = SYMBOLS.symbol(Symbol("${Name}", Shape("name", "a-z", 1, 8)))
COMPUTED = SYMBOLS.hole("it is computed while the workflow runs")


def method(api: str, path: str = "orders") -> str:
    return f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:{api}/prod/GET/{path}"


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        (method(API), method(API), "Allowed"),
        (method(API, "*"), method(API, PARAMETER), "Allowed"),
        (method(API, "*"), method(OTHER_API), "ImplicitlyDenied"),
        (method(API), method("abcdefghij"), "Undecided"),
        (method(API, "orders/*"), method(API, "users/" + COMPUTED), "ImplicitlyDenied"),
        (method(API, "orders/1"), method(API, "orders/" + COMPUTED), "Undecided"),
        (method(API, PARAMETER), method(API, "1"), "ImplicitlyDenied"),
        (method(COMPUTED), method(API), "Undecided"),
    ],
)
def test_letters_on_either_side(granted: str, asked: str, expected: str) -> None:
    def policy(effect: Effect) -> Policy:
        everything = Statement("Allow", ("*",), ("*",))
        one = Statement(effect, ("*",), (granted,))
        return Policy((one,) if effect == "Allow" else (everything, one), "2012-10-17")

    allowed = decide(resource=asked, identity=policy("Allow"), symbols=SYMBOLS)
    assert allowed.outcome == expected
    denied = decide(resource=asked, identity=policy("Deny"), symbols=SYMBOLS)
    assert denied.outcome == {"Allowed": "ExplicitlyDenied", "ImplicitlyDenied": "Allowed"}.get(expected, expected)
    if expected == "Undecided":
        assert allowed.undecided_because
        assert "it is computed while the workflow runs" in allowed.undecided_because or COMPUTED not in granted + asked


def test_documents_are_read_as_aws_reads_them() -> None:
    text = '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:b": true}}}}'
    policy = read_policy_text(text, "p")
    assert policy.version == "2008-10-17"
    (statement,) = policy.statements
    assert statement.actions == ("s3:*",)
    assert statement.conditions[0][:3] == ("Bool", "a:b", ("true",))
    assert statement.span is not None
    assert statement.span.line == 1


@pytest.mark.parametrize(
    "written",
    [
        {"Effect": "allow", "Action": "*", "Resource": "*"},
        {"Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Conditions": {}},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": [{}]},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": "x"}},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:b": {"c": "d"}}}},
        {"Effect": "Allow", "Action": "*", "Resource": None},
        "Allow",
        None,
        7,
    ],
)
def test_what_aws_would_refuse_is_unknown_and_never_dropped(written: object) -> None:
    policy = read_policy_text(json.dumps({"Version": "2012-10-17", "Statement": [written]}))
    assert policy.statements
    assert all(one.unknown for one in policy.statements)
    decision = decide(identity=policy)
    assert decision.outcome == "Undecided"
    assert decision.undecided_because


NEAR = [
    (allow("s3:GetObject", "arn:aws:s3:::other/key"), ("resource",), ("arn:aws:s3:::other/key",)),
    (allow("s3:*", Condition={"StringEquals": {"test:k": "v"}}), ("StringEquals test:k",), ("v",)),
    (allow("s3:GetObjct"), ("action",), ("s3:GetObjct",)),
]


@pytest.mark.parametrize(("written", "failed", "values"), NEAR)
def test_near_misses_name_the_one_element_that_fails(
    written: dict[str, object], failed: tuple[str, ...], values: tuple[str, ...]
) -> None:
    policies = Policies(
        (document(allow("ec2:*"), written, allow("s3:GetObject", "x", Condition={"Null": {"a": "false"}})),)
    )
    (miss,) = near_misses(Request(ROLE, "s3:GetObject", OBJECT, ACCOUNT), policies)
    assert (miss.failed, miss.values, miss.deciding.index) == (failed, values, 1)


def test_near_misses_come_closest_first_and_typos_last() -> None:
    document_ = document(
        allow("s3:GetObjct"),
        allow("s3:GetObject", "arn:aws:s3:::other"),
        allow("s3:GetObject", OBJECT + "s"),
        allow(Condition={"StringEquals": {"test:k": "v"}}),
    )
    found = near_misses(Request(ROLE, "s3:GetObject", OBJECT, ACCOUNT), Policies((document_,)))
    assert [miss.deciding.index for miss in found] == [3, 2, 1]


def test_a_principal_may_be_what_fails() -> None:
    policies = Policies(resource=document(allow(Principal={"AWS": USER.arn})))
    (miss,) = near_misses(Request(ROLE, "s3:GetObject", OBJECT, ACCOUNT), policies)
    assert (miss.failed, miss.values) == (("principal",), (USER.arn,))
