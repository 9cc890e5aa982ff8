"""API Gateway's tables, row by row: how policies combine by the method's authorization, which ARNs and keys match.

Each row is asked of the evaluator, of the prover and, where it is about resources, of the words that rules are made of.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import json
from typing import Any

import pytest
from iam_cases import ACCOUNT, ANONYMOUS, OTHER, allow, decide, deny, document

from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import (
    Authorization,
    Caller,
    Key,
    Policies,
    Proven,
    Refuted,
    RequestSet,
    Texts,
    Undecided,
    literal,
)
from policy_audit.model.policy import Policy
from policy_audit.model.policy_coverage import Reach
from policy_audit.model.resources import Api
from policy_audit.model.rest_api import ApiRequest
from policy_audit.model.value import Symbols
from policy_audit.origin import Span
from policy_audit.simulate import simulate

START = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:"
INVOKE = "execute-api:Invoke"
ALLOWED, IMPLICIT, EXPLICIT = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
ROLE = Caller("role", f"arn:aws:iam::{ACCOUNT}:role/app/Exec")
FOREIGN = Caller("role", f"arn:aws:iam::{OTHER}:role/Exec")
SERVICE = Caller("service", "states.amazonaws.com")
MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:sm"
Keys = dict[str, str]


def proved(
    caller: Caller,
    resource: str,
    policies: Policies,
    authorization: Authorization,
    keys: Keys,
    *,
    same_account: bool = True,
) -> set[str]:
    """What the prover says of the one request: proven to be allowed, proven to be denied, or neither."""
    kind: Any = {"role": "signed", "anonymous": "anonymous", "service": "service"}[caller.kind]
    requests = RequestSet(
        kind,
        Texts((literal(caller.arn or "*"),)),
        Texts((INVOKE,)),
        Texts((literal(resource),)),
        ACCOUNT,
        same_account,
        {name.lower(): Key(Texts((literal(value),))) for name, value in keys.items()},
        unlisted="absent",
    )
    answers = set()
    for answer, prove in (("allowed", prove_allowed), ("denied", prove_denied)):
        if isinstance(prove(requests, policies, Symbols(), authorization), Proven):
            answers.add(answer)
    return answers


def agree(
    outcome: str,
    caller: Caller,
    identity: Policy | None,
    resource: Policy | None,
    authorization: Authorization,
    *,
    path: str = "abc/prod/GET/pets",
    keys: Keys | None = None,
) -> None:
    """Asserts that evaluator and prover give the row's answer."""
    own = () if identity is None else (identity,)
    context = {name.lower(): value for name, value in (keys or {}).items()}
    decision = decide(
        caller,
        INVOKE,
        START + path,
        context=context,
        authorization=authorization,
        identity=own,
        resource_policy=resource,
    )
    assert decision.outcome == outcome
    same = caller.kind != "role" or f":{ACCOUNT}:" in caller.arn
    policies = Policies(own, resource=resource)
    found = proved(caller, START + path, policies, authorization, keys or {}, same_account=same)
    assert found == {"allowed" if outcome == ALLOWED else "denied"}


# ---- facts D.4: identity policy (or authorizer) x resource policy, in table A and table B ---------------------------

SAYS = {"Allow": allow(INVOKE), "Deny": deny(INVOKE), "silent": allow("sqs:SendMessage")}
TABLES = [
    ("Allow", "Allow", ALLOWED, ALLOWED),
    ("Allow", "silent", ALLOWED, IMPLICIT),
    ("Allow", "Deny", EXPLICIT, EXPLICIT),
    ("silent", "Allow", ALLOWED, IMPLICIT),
    ("silent", "silent", IMPLICIT, IMPLICIT),
    ("silent", "Deny", EXPLICIT, EXPLICIT),
    ("Deny", "Allow", EXPLICIT, EXPLICIT),
    ("Deny", "silent", EXPLICIT, EXPLICIT),
    ("Deny", "Deny", EXPLICIT, EXPLICIT),
]


def for_all(says: str) -> Policy:
    return document({**SAYS[says], "Principal": "*"})


@pytest.mark.parametrize(("own", "resource", "table_a", "table_b"), TABLES)
def test_signed_calls_follow_table_a_within_the_account_and_table_b_across(
    own: str, resource: str, table_a: str, table_b: str
) -> None:
    agree(table_a, ROLE, document(SAYS[own]), for_all(resource), "api-gateway-iam")
    agree(table_b, FOREIGN, document(SAYS[own]), for_all(resource), "api-gateway-iam")


@pytest.mark.parametrize(("own", "resource", "table_a", "table_b"), TABLES)
@pytest.mark.parametrize("caller", [ROLE, FOREIGN, ANONYMOUS])
def test_a_lambda_authorizer_stands_in_the_place_of_identity_policies(
    caller: Caller, own: str, resource: str, table_a: str, table_b: str
) -> None:
    agree(table_a, caller, document(SAYS[own]), for_all(resource), "api-gateway-custom")


@pytest.mark.parametrize(("own", "resource", "table_a", "table_b"), [row for row in TABLES if row[0] == "Allow"])
def test_with_a_token_of_cognito_the_resource_policy_decides(
    own: str, resource: str, table_a: str, table_b: str
) -> None:
    agree(table_b, ANONYMOUS, None, for_all(resource), "api-gateway-cognito")
    agree(table_b, ANONYMOUS, None, for_all(resource), "api-gateway-none")


@pytest.mark.parametrize(
    ("resource", "outcome"), [("Allow", "Undecided"), ("silent", "Undecided"), ("Deny", EXPLICIT), ("", "Undecided")]
)
def test_before_it_answers_only_an_explicit_deny_settles_a_request_to_a_lambda_authorizer(
    resource: str, outcome: str
) -> None:
    policy = for_all(resource) if resource else None
    decision = decide(
        ANONYMOUS,
        INVOKE,
        f"{START}abc/prod/GET/",
        identity=None,
        resource_policy=policy,
        authorization="api-gateway-custom",
    )
    assert decision.outcome == outcome
    assert ("what the Lambda authorizer answers is not known" in decision.undecided_because) is (outcome != EXPLICIT)
    requests = RequestSet("anonymous", Texts(("*",)), Texts((INVOKE,)), Texts((f"{START}abc/*",)), ACCOUNT)
    policies = Policies(None, resource=policy)
    denied = prove_denied(requests, policies, Symbols(), "api-gateway-custom")
    assert isinstance(denied, Proven if outcome == EXPLICIT else Refuted)
    if isinstance(denied, Refuted):
        assert any("authorizer" in one for one in denied.assumptions)
    allowed = prove_allowed(requests, policies, Symbols(), "api-gateway-custom")
    assert isinstance(allowed, Refuted if outcome == EXPLICIT else Undecided)


@pytest.mark.parametrize("authorization", ["api-gateway-none", "api-gateway-cognito", "NONE", "COGNITO_USER_POOLS"])
def test_without_a_resource_policy_nothing_stops_a_request_that_need_not_sign(authorization: str) -> None:
    case = {
        "request": {"principal": {"type": "Anonymous"}, "action": INVOKE, "resource": f"{START}abc/prod/GET/"},
        "authorization": authorization,
    }
    (answer,) = simulate([json.dumps(case)])
    assert json.loads(answer)["decision"] == ALLOWED


@pytest.mark.parametrize(
    ("identity", "outcome"),
    [
        (None, "Undecided"),
        ([], IMPLICIT),
        ([{"Version": "2012-10-17", "Statement": [allow(INVOKE)]}], ALLOWED),
        ([{"Version": "2012-10-17", "Statement": [deny(INVOKE)]}], EXPLICIT),
    ],
)
@pytest.mark.parametrize("authorization", ["api-gateway-custom", "CUSTOM"])
def test_simulate_takes_the_policy_that_an_authorizer_returns(
    identity: object, outcome: str, authorization: str
) -> None:
    case = {
        "request": {"principal": ROLE.arn, "action": INVOKE, "resource": f"{START}abc/prod/GET/"},
        "authorization": authorization,
        "identity_policies": identity,
    }
    (answer,) = simulate([json.dumps(case)])
    assert json.loads(answer)["decision"] == outcome


# ---- facts O.1: execute-api resources ------------------------------------------------------------------------------

RESOURCES = [
    ("abc/prod/GET/", "GET /", True),
    ("abc/prod/GET", "GET /", False),
    ("abc/prod/GET/*", "GET /", True),
    ("abc/prod/GET/pets/*", "GET /pets/1/toys", True),
    ("abc/prod/GET/pets/*", "GET /pets", False),
    ("abc/prod/GET/pets/{petId}", "GET /pets/1", False),
    ("abc/prod/*/pets", "DELETE /pets", True),
    ("abc/prod/*/pets", "GET /admin/pets", True),
    ("abc/*", "GET /", True),
    ("abc/*", "DELETE /pets/1/toys", True),
    ("abc/", "GET /", False),
    ("abc/", "DELETE /pets/1/toys", False),
    ("abc/dev/*", "GET /", False),
    ("abc/prod/ANY/pets", "GET /pets", False),
    ("*", "GET /", True),
    ("*", "DELETE /pets/1/toys", True),
    ("execute-api:/prod/GET/", "GET /", True),
]


@pytest.mark.parametrize(("tail", "asked", "matches"), RESOURCES)
def test_a_resource_covers_a_request(tail: str, asked: str, matches: bool) -> None:
    verb, _, path = asked.partition(" ")
    resource = tail if tail == "*" or tail.startswith("execute-api:") else START + tail
    policy = document(allow(INVOKE, resource, Principal="*"))
    agree(ALLOWED if matches else IMPLICIT, ANONYMOUS, None, policy, "api-gateway-none", path=f"abc/prod/{verb}{path}")


@pytest.mark.parametrize(
    ("tail", "asked", "matches"), [row for row in RESOURCES if not row[0].startswith("execute-api:")]
)
def test_the_words_of_rules_cover_the_same(tail: str, asked: str, matches: bool) -> None:
    verb, _, path = asked.partition(" ")
    span = Span("a.yaml", 1, 1, 1, 2)
    api = Api("REST", "a.yaml#Api", span, "abc", f"{START}abc", ACCOUNT)
    (statement,) = document(allow(INVOKE, tail if tail == "*" else START + tail, Principal="*")).statements
    request = ApiRequest(f"{START}abc/prod/{verb}{path}", None)
    assert Reach(statement, api).covers(request) is matches
    assert Reach(statement, api).overlaps(request) is matches
    (excepted,) = document(
        {"Effect": "Allow", "Action": INVOKE, "NotResource": tail if tail == "*" else START + tail, "Principal": "*"}
    ).statements
    assert Reach(excepted, api).covers(request) is not matches


# ---- facts O.2: conditions ----------------------------------------------------------------------------------------

PATH_ARN = f"arn:aws:iam::{ACCOUNT}:role/app/Exec"
CALLERS: list[tuple[Caller, Authorization, Keys]] = [
    (ROLE, "api-gateway-iam", {"aws:PrincipalOrgID": "o-a1"}),
    (ANONYMOUS, "api-gateway-none", {"aws:SourceVpce": "vpce-1", "aws:SourceVpc": "vpc-1"}),
    (SERVICE, "api-gateway-iam", {"aws:SourceArn": MACHINE}),
]
"""R1: signed by a role. R2: unsigned, through a VPC endpoint. R3: Step Functions on behalf of a state machine."""
CONDITIONS: list[tuple[str, str, str, tuple[bool | None, bool | None, bool | None]]] = [
    ("StringEquals", "aws:PrincipalArn", PATH_ARN, (True, False, False)),
    ("StringEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/Exec", (False, False, False)),
    ("StringNotEquals", "aws:PrincipalArn", PATH_ARN, (False, True, True)),
    ("StringNotEqualsIfExists", "aws:PrincipalArn", PATH_ARN, (False, True, True)),
    ("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/app/*", (False, True, True)),
    ("StringEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/app/*", (False, False, False)),
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:sts::{ACCOUNT}:assumed-role/Exec/*", (False, False, False)),
    ("Null", "aws:PrincipalArn", "true", (False, True, True)),
    ("StringNotEquals", "aws:SourceVpce", "vpce-1", (True, False, True)),
    # Whether a service's call carries `aws:PrincipalAccount` is not confirmed: no answer is asked for.
    ("StringEquals", "aws:PrincipalAccount", ACCOUNT, (True, False, None)),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-a1", (False, True, True)),
    ("ArnLike", "aws:SourceArn", MACHINE, (False, False, True)),
]


@pytest.mark.parametrize(
    ("operator", "key", "value", "answer", "caller", "authorization", "keys"),
    [
        (operator, key, value, answer, *who)
        for operator, key, value, answers in CONDITIONS
        for answer, who in zip(answers, CALLERS, strict=True)
        if answer is not None
    ],
)
def test_a_condition_holds(
    operator: str, key: str, value: str, answer: bool, caller: Caller, authorization: Authorization, keys: Keys
) -> None:
    condition = {operator: {key: value}}
    allows = document(allow(INVOKE, Principal="*", Condition=condition))
    agree(ALLOWED if answer else IMPLICIT, caller, None, allows, authorization, keys=keys)
    denies = document(deny(INVOKE, Principal="*", Condition=condition), allow(INVOKE, Principal="*"))
    agree(EXPLICIT if answer else ALLOWED, caller, None, denies, authorization, keys=keys)


# ---- facts O.3: whole decisions -----------------------------------------------------------------------------------

PAIR = document(
    deny(
        INVOKE,
        f"{START}abc/prod/GET/",
        Principal="*",
        Condition={"StringNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/meant"}},
    ),
    allow(INVOKE, f"{START}abc/prod/GET/", Principal="*"),
)
WIDENED = PAIR._replace(
    statements=(PAIR.statements[0], *document(allow(INVOKE, f"{START}abc/*", Principal="*")).statements)
)
ELSEWHERE = document(deny(INVOKE, f"{START}abc/prod/GET/other", Principal="*"))
BY_VPC = document(
    allow(INVOKE, Principal="*"),
    deny(INVOKE, Principal="*", Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
)
BY_ROLE = document(
    allow(INVOKE, Principal="*"),
    deny(INVOKE, Principal="*", Condition={"StringNotEquals": {"aws:PrincipalArn": ROLE.arn}}),
)
OWN = document(allow(INVOKE))
THROUGH = {"aws:SourceVpc": "vpc-1", "aws:SourceVpce": "vpce-1"}
ACCOUNT_ALLOWED = document(allow(INVOKE, Principal={"AWS": OTHER}))
WHOLE: list[tuple[Authorization, Caller, Policy | None, Policy | None, str, Keys, str]] = [
    ("api-gateway-iam", ROLE, OWN, None, "GET/", {}, ALLOWED),
    ("api-gateway-iam", ROLE, None, for_all("Allow"), "GET/", {}, ALLOWED),
    ("api-gateway-iam", ROLE, OWN, PAIR, "GET/", {}, EXPLICIT),
    ("api-gateway-iam", ROLE, None, WIDENED, "POST/x", {}, ALLOWED),
    ("api-gateway-iam", FOREIGN, OWN, for_all("silent"), "GET/", {}, IMPLICIT),
    ("api-gateway-iam", FOREIGN, OWN, ACCOUNT_ALLOWED, "GET/", {}, ALLOWED),
    ("api-gateway-iam", ANONYMOUS, None, for_all("Allow"), "GET/", {}, IMPLICIT),
    ("api-gateway-iam", ANONYMOUS, None, None, "GET/", {}, IMPLICIT),
    ("api-gateway-none", ANONYMOUS, None, None, "GET/", {}, ALLOWED),
    ("api-gateway-none", ANONYMOUS, None, ELSEWHERE, "GET/", {}, IMPLICIT),
    ("api-gateway-none", ANONYMOUS, None, BY_VPC, "GET/", THROUGH, ALLOWED),
    ("api-gateway-none", ANONYMOUS, None, BY_ROLE, "GET/", THROUGH, EXPLICIT),
    ("api-gateway-cognito", ANONYMOUS, None, for_all("silent"), "GET/", {}, IMPLICIT),
    ("api-gateway-custom", ANONYMOUS, OWN, ELSEWHERE, "GET/", {}, ALLOWED),
]


@pytest.mark.parametrize(("authorization", "caller", "identity", "resource", "path", "keys", "outcome"), WHOLE)
def test_a_whole_decision(
    authorization: Authorization,
    caller: Caller,
    identity: Policy | None,
    resource: Policy | None,
    path: str,
    keys: Keys,
    outcome: str,
) -> None:
    agree(outcome, caller, identity, resource, authorization, path=f"abc/prod/{path}", keys=keys)


# ---- facts K: authorizers, as far as the API's own policy decides ---------------------------------------------------


@pytest.mark.parametrize("caller", [ANONYMOUS, ROLE], ids=["HTTP Task", "apigateway:invoke"])
@pytest.mark.parametrize("authorization", ["api-gateway-custom", "api-gateway-cognito"])
def test_who_passes_the_authorizer_still_needs_the_policy(caller: Caller, authorization: Authorization) -> None:
    """An HTTP Task with the right header, or a token, is let in; a Deny but for a role refuses whoever calls."""
    identity = OWN if authorization == "api-gateway-custom" else None
    agree(ALLOWED, caller, identity, for_all("Allow"), authorization)
    agree(EXPLICIT, caller, identity, BY_ROLE, authorization)
