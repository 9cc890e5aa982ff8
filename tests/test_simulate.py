"""Cases as JSON lines: what is read, what is answered, and what a malformed line is told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_audit.errors import AuditError
from policy_audit.simulate import read_cases, simulate

STATEMENT = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
ALLOW = {"Version": "2012-10-17", "Statement": STATEMENT}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
REQUEST = {
    "principal": "arn:aws:iam::111122223333:role/x",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
    "resource_account": "111122223333",
}


def case(**fields: Any) -> dict[str, Any]:
    """A case whose role may do everything; fields of the request are given as `request`."""
    return {"id": "1", "identity_policies": [ALLOW], **fields, "request": REQUEST | fields.get("request", {})}


def answer(**fields: Any) -> dict[str, Any]:
    (line,) = simulate([json.dumps(case(**fields))])
    result: dict[str, Any] = json.loads(line)
    return result


def test_an_answer_names_policy_and_statement() -> None:
    assert answer() == {
        "id": "1",
        "decision": "Allowed",
        "decided_by": [
            {
                "policy_type": "identity policy",
                "policy": "identity_policies[0]",
                "statement": 0,
                "sid": "All",
                "effect": "Allow",
            }
        ],
        "undecided_because": [],
    }


def test_an_undecided_answer_names_the_keys() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "a"}}
    policy = {"Statement": [{**STATEMENT, "Condition": condition}]}
    found = answer(identity_policies=[policy], unlisted_keys="unknown")
    assert found["decision"] == "Undecided"
    assert found["undecided_because"] == ["aws:PrincipalTag/team"]
    assert answer(identity_policies=[policy])["decision"] == "ImplicitlyDenied"
    lower = answer(identity_policies=[policy], unlisted_keys="unknown", absent_keys=["AWS:principaltag/TEAM"])
    assert lower["decision"] == "ImplicitlyDenied"


def test_names_of_tags_that_differ_only_in_case() -> None:
    """One of both is read, and AWS does not tell which: "this can result in unexpected condition failures".

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
    """

    def decision(operator: str, value: str, **tags: str) -> str:
        policy = {"Statement": [{**STATEMENT, "Condition": {operator: {"aws:ResourceTag/Ec2": value}}}]}
        context = {f"aws:ResourceTag/{name}": tag for name, tag in tags.items()}
        return str(answer(identity_policies=[policy], request={"context": context})["decision"])

    assert decision("StringEquals", "test1", ec2="test1", EC2="test2") == "Undecided"
    assert decision("StringEquals", "test2", ec2="test1", EC2="test2") == "Undecided"
    assert decision("StringEquals", "test1", ec2="test1", EC2="test1") == "Allowed"
    assert decision("StringEquals", "test1", ec2="test2") == "ImplicitlyDenied"
    assert decision("Null", "false", ec2="test1", EC2="test2") == "Allowed"


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        ({"permission_boundaries": None}, "Allowed"),
        ({"permission_boundaries": []}, "Allowed"),
        ({"permission_boundaries": [DENY]}, "ExplicitlyDenied"),
        ({"session_policy": {"Statement": []}}, "ImplicitlyDenied"),
        ({"scps": [[ALLOW], []]}, "ImplicitlyDenied"),
        ({"scps": []}, "Allowed"),
        ({"rcps": [[]]}, "Allowed"),
        ({"vpc_endpoint_policies": [{"Statement": []}]}, "ImplicitlyDenied"),
        ({"request": {"resource_account": "999999999999"}}, "ImplicitlyDenied"),
        ({"request": {"principal": {"Service": "states.amazonaws.com"}}}, "ImplicitlyDenied"),
        ({"request": {"principal": "states.amazonaws.com"}}, "ImplicitlyDenied"),
        ({"request": {"principal": {"type": "Anonymous"}}}, "ImplicitlyDenied"),
        ({"request": {"principal": "arn:aws:iam::111122223333:root"}, "identity_policies": []}, "Allowed"),
        ({"request": {"principal": "arn:aws:sts::111122223333:assumed-role/x/s"}}, "Allowed"),
        ({"request": {"principal": {"AWS": "111122223333"}}}, "Allowed"),
        ({"identity_policies": [{"Statement": "?"}]}, "Undecided"),
        ({"identity_policies": [7]}, "Undecided"),
        ({"identity_policies": [ALLOW, {"Statement": [{**STATEMENT, "Effect": "deny"}]}]}, "Undecided"),
        ({"authorization": "api-gateway-none", "identity_policies": []}, "Allowed"),
        (
            {"request": {"action": "kms:Decrypt", "resource": "arn:aws:kms:eu-west-1:111122223333:key/1"}},
            "ImplicitlyDenied",
        ),
        (
            {"request": {"action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/y"}},
            "ImplicitlyDenied",
        ),
        (
            {
                "request": {"action": "kms:Decrypt", "resource": "arn:aws:kms:eu-west-1:111122223333:key/1"},
                "authorization": "ordinary",
            },
            "Allowed",
        ),
    ],
)
def test_decisions(fields: dict[str, Any], decision: str) -> None:
    assert answer(**fields)["decision"] == decision


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no `request`"),
        (json.dumps(case(request={"principal": "me"})), "`me` is not a principal"),
        (json.dumps(case(request={"principal": None})), "`request.principal`"),
        (json.dumps(case(request={"action": 3})), "`request.action`"),
        (json.dumps(case(request={"resource": ""})), "`request.resource`"),
        (json.dumps(case(request={"context": []})), "`request.context`"),
        (json.dumps(case(request={"context": {"a": {}}})), "`request.context.a`"),
        (json.dumps(case(unlisted_keys="perhaps")), "`unlisted_keys`"),
        (json.dumps(case(absent_keys="aws:x")), "`absent_keys`"),
        (json.dumps(case(identity_policies={})), "`identity_policies`"),
        (json.dumps(case(scps=[{}])), "`scps[0]`"),
        (json.dumps(case(scps={})), "`scps`"),
        (json.dumps(case(authorization="none")), "`authorization`"),
    ],
)
def test_a_malformed_line_is_told_by_number_with_help(line: str, message: str) -> None:
    with pytest.raises(AuditError) as raised:
        list(simulate([json.dumps(case()), "", line], "cases.jsonl"))
    assert message in raised.value.message
    assert raised.value.where.startswith("cases.jsonl:3")
    assert raised.value.help


def test_the_lines_after_a_malformed_one_are_decided() -> None:
    told: list[AuditError] = []
    lines = [json.dumps(case()), json.dumps(case(id="2", scps={})), "{", json.dumps(case(id="4"))]
    answers = [json.loads(line) for line in simulate(lines, "cases.jsonl", told.append)]
    assert [answer["id"] for answer in answers] == ["1", "2", "", "4"]
    assert [answer["decision"] for answer in answers] == ["Allowed", "Undecided", "Undecided", "Allowed"]
    assert answers[1]["undecided_because"] == ["the line is not a case: `scps` is not a list"]
    assert [error.where for error in told] == ["cases.jsonl:2", "cases.jsonl:3"]


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({"identity_policies": []}, "identity policy"),
        ({"scps": [[ALLOW], []]}, "SCP"),
        ({"permission_boundaries": [{"Statement": []}]}, "permissions boundary"),
        ({"request": {"resource_account": "999999999999"}}, "resource policy"),
        ({"request": {"action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/y"}}, "trust policy"),
        ({"vpc_endpoint_policies": [{"Statement": []}]}, "VPC endpoint policy"),
        ({"permission_boundaries": [DENY]}, None),
        ({}, None),
    ],
)
def test_an_implicit_denial_tells_which_type_of_policy_lacks_an_allow(fields: dict[str, Any], lacking: str) -> None:
    assert answer(**fields).get("denied_by") == lacking


def test_answers_come_as_the_lines_are_read() -> None:
    answers = simulate(iter([json.dumps(case()), "{"]))
    assert json.loads(next(answers))["decision"] == "Allowed"
    with pytest.raises(AuditError):
        next(answers)


def test_without_an_owner_the_resource_or_else_the_caller_tells_it() -> None:
    own = {**REQUEST, "resource_account": None}
    (read,) = read_cases([json.dumps({"request": own})])
    assert read.request.resource_account == "111122223333"
    (read,) = read_cases([json.dumps({"request": {**own, "resource": "arn:aws:sqs:eu-west-1:444455556666:q"}})])
    assert read.request.resource_account == "444455556666"


PLAIN = st.characters(exclude_categories=("Cs", "Co"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(PLAIN, max_size=12)
    | st.sampled_from(["Allow", "Deny", "*", "s3:*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Action", "Resource", "Condition", "Principal", "StringLike", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


IDENTITY_POOLS = "cognito-identity.amazonaws.com"
ROLE = {"action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/y"}


def trust(**elements: Any) -> dict[str, Any]:
    """Fields of a case: the calling role itself is trusted, by a statement with more elements."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": REQUEST["principal"]}, **elements}
    return {"request": ROLE, "identity_policies": [], "resource_policy": {"Statement": statement}}


def named(principal: object, **elements: Any) -> dict[str, Any]:
    """Fields of a case: an identity policy that has the principal, which AWS refuses."""
    return {"identity_policies": [{"Statement": {**STATEMENT, "Principal": principal, **elements}}]}


def through(elements: dict[str, Any], *policies: dict[str, Any], rcp: bool = False) -> dict[str, Any]:
    """Fields of a case: a statement without `Principal` in a VPC endpoint policy, or in an RCP."""
    document = {"Version": "2012-10-17", "Statement": [{**STATEMENT, **elements}]}
    return {"rcps": [[document, *policies]]} if rcp else {"vpc_endpoint_policies": [document, *policies]}


def on_all(action: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Fields of a case: the action asked for with the resource `*`, and what the identity policy says of it."""
    return {
        "request": {"action": action, "resource": "*"},
        "identity_policies": [{"Statement": [{**STATEMENT, **each} for each in statements]}],
    }


def granted(principal: object) -> dict[str, Any]:
    """Fields of a case: the resource's policy allows everything to the principal."""
    return {"identity_policies": [], "resource_policy": {"Statement": {**STATEMENT, "Principal": principal}}}


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        # IAM JSON policy elements: Resource: "You cannot use the Resource element in a role trust policy"
        (trust(), "Allowed"),
        (trust(Resource="*"), "Allowed"),
        (trust(Resource=["arn:aws:s3:::b", ROLE["resource"]]), "Allowed"),
        (trust(Resource="arn:aws:iam::111122223333:role/z"), "Undecided"),
        (trust(NotResource="arn:aws:iam::111122223333:role/z"), "Undecided"),
        (trust(Resource="*", Effect="Deny"), "ExplicitlyDenied"),
        # Pass session tags in AWS STS; Monitor and control actions taken with assumed roles: the trust policy as well
        ({"request": ROLE | {"action": "sts:TagSession"}}, "ImplicitlyDenied"),
        (trust(Action="sts:SetSourceIdentity") | {"request": ROLE | {"action": "sts:SetSourceIdentity"}}, "Allowed"),
        # Role trust and permissions: "Federated": "cognito-identity.amazonaws.com"
        (
            trust(Action="sts:AssumeRoleWithWebIdentity", Principal={"Federated": IDENTITY_POOLS})
            | {"request": ROLE | {"action": "sts:AssumeRoleWithWebIdentity", "principal": IDENTITY_POOLS}},
            "Allowed",
        ),
        # AWS JSON policy elements: Principal: "You cannot use the Principal element in an identity-based policy"
        (named("*"), "Allowed"),
        (named({"AWS": ["*"]}), "Allowed"),
        (named({"AWS": REQUEST["principal"]}), "Allowed"),
        (named("*", Effect="Deny"), "ExplicitlyDenied"),
        (named({"AWS": "arn:aws:iam::111122223333:role/z"}), "Undecided"),
        (named({"Service": "states.amazonaws.com"}), "Undecided"),
        # Control access to VPC endpoints using endpoint policies: "It must contain a Principal element"
        (through({}), "Allowed"),
        (through({"Action": "s3:PutObject"}), "ImplicitlyDenied"),
        (through({"Effect": "Deny"}, ALLOW), "ExplicitlyDenied"),
        (through({"Principal": {"AWS": "arn:aws:iam::111122223333:role/z"}}), "ImplicitlyDenied"),
        # RCP syntax: "Principal": the only supported value is "*"
        (through({"Effect": "Deny"}, rcp=True), "ExplicitlyDenied"),
        (through({"Effect": "Deny", "Action": "s3:PutObject"}, rcp=True), "Allowed"),
        # A statement of a resource's own policy without `Principal` names nobody
        ({"identity_policies": [], "resource_policy": ALLOW}, "ImplicitlyDenied"),
        # Grammar of the IAM JSON policy language: <principal_block> has "*" or an object
        (granted(REQUEST["principal"]), "Allowed"),
        (granted("111122223333"), "ImplicitlyDenied"),
        (granted({"AWS": 111122223333}), "ImplicitlyDenied"),
        # A field or an entry that is null is none
        ({"unlisted_keys": None, "absent_keys": None, "scps": [None, [None, ALLOW]]}, "Allowed"),
        ({"identity_policies": [None, ALLOW]}, "Allowed"),
        ({"request": {"principal": "token.actions.githubusercontent.com"}}, "ImplicitlyDenied"),
    ],
)  # fmt: skip
def test_what_other_evaluators_cases_write(fields: dict[str, Any], decision: str) -> None:
    """What says nothing of the request is passed over, and what may say something leaves the case undecided."""
    assert answer(**fields)["decision"] == decision


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        # Service Authorization Reference: `s3:ListAllMyBuckets` has no resource type, `s3:GetObject` always names one
        (on_all("s3:ListAllMyBuckets", {"Resource": "arn:aws:s3:::b"}), "ImplicitlyDenied"),
        (on_all("s3:ListAllMyBuckets", {}, {"Resource": "arn:aws:s3:::b", "Effect": "Deny"}), "Allowed"),
        (on_all("s3:GetObject", {"Resource": "arn:aws:s3:::b/*"}), "ImplicitlyDenied"),
        (on_all("s3:GetObject", {}, {"Resource": "arn:aws:s3:::b/*", "Effect": "Deny"}), "Undecided"),
        (on_all("s3:GetObject", {}), "Allowed"),
        (on_all("s3:GetObject", {}, {"Effect": "Deny"}), "ExplicitlyDenied"),
        (on_all("s3:NoSuchAction", {"Resource": "arn:aws:s3:::b/*"}), "ImplicitlyDenied"),
    ],
)
def test_a_star_asks_for_all_resources_of_an_action_that_has_some(fields: dict[str, Any], decision: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html: "Some AWS services
    do not allow you to specify actions for individual resources. [...] you use the wildcard character"."""
    assert answer(**fields)["decision"] == decision


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (True, {"Bool": "true", "StringEquals": "true", "Null": False}),
        (False, {"Bool": False, "StringEquals": "false"}),
        (7, {"NumericEquals": ["7.0"], "NumericLessThan": 8, "StringEquals": "7"}),
        (1.5, {"NumericGreaterThan": "1.4999"}),
        (None, {"Null": "true", "StringNotEquals": "x", "ForAllValues:StringEquals": "x"}),
        ([], {"Null": "true", "ForAllValues:StringEquals": "x"}),
        ([None], {"Null": "true"}),
        (["a", None], {"ForAllValues:StringEquals": "a", "Null": "false"}),
        ([1, True], {"ForAllValues:StringEquals": ["1", "true"], "ForAnyValue:NumericEquals": 1}),
        (["a"], {"ForAnyValue:StringEquals": "a"}),
        (1704067200, {"DateEquals": ["2024-01-01", "2024"], "DateLessThan": "2024-01-01T00:00:01Z"}),
        ("2024-01-01T01:00:00+01:00", {"DateEquals": "1704067200"}),
        ("2001:DB8:0:0::5", {"IpAddress": "2001:db8::/32", "NotIpAddress": "10.0.0.0/8"}),
    ],
)
def test_values_of_context_keys(value: object, holds: dict[str, Any]) -> None:
    """JSON's numbers, booleans, null and lists as values of a key, in any case of the key's name."""
    for operator, wanted in holds.items():
        policy = {"Version": "2012-10-17", "Statement": {**STATEMENT, "Condition": {operator: {"AWS:x/Y": wanted}}}}
        given = {"context": {"aws:X/y": value}}
        assert answer(identity_policies=[policy], request=given)["decision"] == "Allowed", operator


@given(JSON)
def test_any_document_is_decided_or_left_open(document: object) -> None:
    """No document makes the evaluator fail, and one that is not a policy never allows."""
    found = answer(identity_policies=[document])
    assert found["decision"] in ("Allowed", "ImplicitlyDenied", "ExplicitlyDenied", "Undecided")
    if document is not None and not isinstance(document, dict):
        assert found["decision"] == "Undecided"
