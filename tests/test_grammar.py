"""What AWS refuses in a policy document: tables by element of the grammar, laws, and public cases read in place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_audit.iam.grammar import PolicyType, problems
from policy_audit.model.node import Scalar
from policy_audit.model.value import ACCOUNT, Shape, Symbol, Symbols
from policy_audit.origin import Span
from policy_audit.sources.aws_managed_policies import aws_managed_policy, names
from policy_audit.sources.nodes import parse_json, parse_yaml

CASES = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "grammar.jsonl"
SID = (
    "has underscores in a `Sid`, which IAM refuses: Statement IDs (SID) must be alpha-numeric",
    "IAM User Guide, IAM JSON policy elements: Sid: A-Z, a-z and 0-9",
)
DIFFERENT = {"moto/valid#39": SID, "moto/valid#40": SID}
"""Cases whose answer a page of AWS contradicts, with the page. In everything but the `Sid` they are judged alike."""

ALL: tuple[PolicyType, ...] = ("identity", "boundary", "resource", "trust", "endpoint", "scp", "rcp")
BASE: dict[PolicyType, dict[str, Any]] = {
    "identity": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:111122223333:q"},
    "boundary": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
    "resource": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sqs:SendMessage"},
    "trust": {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
    "endpoint": {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"},
    "scp": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    "rcp": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
}
LEFT_OUT = object()


def statement(policy_type: PolicyType = "identity", /, **elements: Any) -> dict[str, Any]:
    """The type's plainest statement with these elements instead; LEFT_OUT takes one away."""
    return {key: value for key, value in {**BASE[policy_type], **elements}.items() if value is not LEFT_OUT}


def policy(*statements: Any, **elements: Any) -> dict[str, Any]:
    whole = {"Version": "2012-10-17", "Statement": list(statements), **elements}
    return {key: value for key, value in whole.items() if value is not LEFT_OUT}


def messages(document: Any, policy_type: PolicyType = "identity") -> list[str]:
    return [problem.message for problem in problems(json.dumps(document), policy_type)]


def check(found: list[str], expected: str | None) -> None:
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1
        assert expected in found[0]


@pytest.mark.parametrize("policy_type", ALL)
def test_the_plainest_document_of_each_type_is_accepted(policy_type: PolicyType) -> None:
    assert messages(policy(statement(policy_type)), policy_type) == []
    assert messages({"Version": "2012-10-17", "Statement": statement(policy_type)}, policy_type) == []


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "this is not JSON"),
        ("{", "this is not JSON"),
        ('{"Version": "2012-10-17",}', "this is not JSON"),
        ('{"Version": "2012-10-17", "Version": "2012-10-17"}', "the key `Version` stands here"),
        ("[]", "a policy document is an object, not a list"),
        ('"{}"', "a policy document is an object, not a text"),
        ("null", "a policy document is an object, not null"),
    ],
)
def test_document(text: str, expected: str) -> None:
    check([problem.message for problem in problems(text)], expected)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Id": "any text at all"}, None),
        ({"Id": None}, "`Id` must be a text, not null"),
        ({"Id": ["a"]}, "`Id` must be a text, not a list"),
        ({"id": "a"}, "`id` is no element of a policy document"),
        ({"Statement": LEFT_OUT}, "no `Statement`"),
        ({"Statement": []}, "`Statement` is empty"),
        ({"Statement": "Allow"}, "a statement is an object, not a text"),
        ({"Statement": [[statement()]]}, "a statement is an object, not a list"),
        ({"Statement": [None, statement()]}, "a statement is an object, not null"),
    ],
)
def test_elements_of_the_document(elements: dict[str, Any], expected: str | None) -> None:
    check(messages(policy(statement(), **elements)), expected)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html and, for SCPs and RCPs,
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
@pytest.mark.parametrize("policy_type", ALL)
@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2012-10-17", (None, None)),
        ("2008-10-17", ("must be of `Version` `2012-10-17`", None)),
        (LEFT_OUT, ("this has no `Version`", None)),
        ("2012-10-18", ("is no version of the policy language", "is no version of the policy language")),
        ("", ("`` is no version", "`` is no version")),
        (20121017, ("`Version` must be a text, not a number", "`Version` must be a text, not a number")),
    ],
)
def test_version(policy_type: PolicyType, version: Any, expected: tuple[str | None, str | None]) -> None:
    accepts_old = policy_type in ("resource", "trust", "endpoint")
    check(messages(policy(statement(policy_type), Version=version), policy_type), expected[accepts_old])


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_effect.html and …_elements_sid.html
@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Effect": "Deny"}, None),
        ({"Effect": "allow"}, "`allow` is no effect"),
        ({"Effect": "Allow "}, "`Allow ` is no effect"),
        ({"Effect": ["Allow"]}, "`Effect` must be a text, not a list"),
        ({"Effect": True}, "`Effect` must be a text, not a boolean"),
        ({"Effect": LEFT_OUT}, "no `Effect`"),
        ({"Sid": ""}, None),
        ({"Sid": "Statement1"}, None),
        ({"Sid": "two words"}, "letters (A-Z, a-z) and digits only"),
        ({"Sid": "under_score"}, "letters (A-Z, a-z) and digits only"),
        ({"Sid": "ä"}, "letters (A-Z, a-z) and digits only"),
        ({"Sid": 1}, "`Sid` must be a text, not a number"),
        ({"Comment": "x"}, "`Comment` is no element of a statement"),
        ({"Actions": "sqs:*"}, "`Actions` is no element of a statement"),
        ({"condition": {}}, "`condition` is no element of a statement"),
    ],
)
def test_effect_sid_and_unknown_elements(elements: dict[str, Any], expected: str | None) -> None:
    check(messages(policy(statement(**elements))), expected)


@pytest.mark.parametrize("policy_type", ALL)
def test_sids_are_unique_where_iam_keeps_the_policy(policy_type: PolicyType) -> None:
    twice = policy(statement(policy_type, Sid="A"), statement(policy_type, Sid="A"))
    refused = policy_type in ("identity", "boundary", "trust")
    check(messages(twice, policy_type), "two statements have the `Sid` `A`" if refused else None)
    for sids in (("A", "a"), ("", ""), ("A", LEFT_OUT)):
        assert messages(policy(*(statement(policy_type, Sid=sid) for sid in sids)), policy_type) == []


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
@pytest.mark.parametrize("element", ["Action", "NotAction"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("*", None),
        ("*:*", None),
        ("sqs:*", None),
        ("sqs:Send??ssage*", None),
        ("SQS:sendmessage", None),
        ("a4b.x-y:No such action!", None),
        (["sqs:SendMessage", "sns:Publish"], None),
        (["sqs:SendMessage", None], None),
        ("", "names no service"),
        ("SendMessage", "names no service"),
        ("**", "names no service"),
        ("*SendMessage", "names no service"),
        (":SendMessage", "`` is no service"),
        ("sqs:", "names nothing after the colon"),
        ("sqs:Send:Message", "more than one colon"),
        ("arn:aws:sqs", "more than one colon"),
        ("s*:Get", "must be written in full"),
        ("*:Get", "must be written in full"),
        ("sq?:Get", "must be written in full"),
        (" sqs:Get", "` sqs` is no service"),
        ("sq_s:Get", "`sq_s` is no service"),
        ([], "is empty: it must name at least one action"),
        ([None], "is empty: it must name at least one action"),
        (None, "must be a text or a list of texts, not null"),
        (5, "must be a text or a list of texts, not a number"),
        ({}, "must be a text or a list of texts, not an object"),
        (["sqs:*", {}], "must be a text or a list of texts, not an object"),
        ([["sqs:*"]], "must be a text or a list of texts, not a list"),
        (["sqs:*", True], "must be a text or a list of texts, not a boolean"),
    ],
)
def test_action(element: str, value: Any, expected: str | None) -> None:
    check(messages(policy(statement(**{"Action": LEFT_OUT, element: value}))), expected)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
@pytest.mark.parametrize("element", ["Resource", "NotResource"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("*", None),
        ("arn:aws:lambda:*:111122223333:function:f-?-*", None),
        ("arn:aws-us-gov:sqs:*:*:*", None),
        ("arn:*:sqs:*:*:*", None),
        ("arn:aws:no-such-service:::x", None),
        ("arn:aws:s3:::", None),
        ("arn:aws:s3:::bucket/a:b:c", None),
        ("arn:aws:dynamodb:${aws:RequestedRegion}:${aws:PrincipalAccount}:table/t", None),
        ("arn:aws:sqs", None),
        ("arn:aws:sqs:eu-west-1", None),
        ("arn:aws:sqs:eu-west-1:111122223333", None),
        (["arn:aws:sqs:*:*:*", None], None),
        ("", "must be an ARN"),
        ("**", "must be an ARN"),
        ("bucket", "must be an ARN"),
        (" *", "must be an ARN"),
        ("ARN:aws:sqs:::q", "must be an ARN"),
        ("urn:aws:sqs:::q", "must be an ARN"),
        ("${aws:username}", "must be an ARN"),
        ("arn:", "`` is no partition"),
        ("arn:sqs:::q", "`sqs` is no partition"),
        ("arn:aws*:sqs:::q", "`aws*` is no partition"),
        ("arn:${Partition}:sqs:::q", "`${}` is no partition"),
        ("arn:aws", "names no service"),
        ("arn:aws:", "names no service"),
        ("arn:aws:::::q", "names no service"),
        ("arn:aws:*:*:*:q", "without wildcards"),
        ("arn:aws:s?s:*:*:q", "without wildcards"),
        ("arn:aws:${service}:*:*:q", "without wildcards"),
        ("arn:aws:sqs::111122223333", "lacks fields"),
        ("arn:aws:sqs::q", "lacks fields"),
        (["*", "arn:aws:sns:"], "lacks fields"),
        ([], "is empty: it must name at least one resource"),
        ([None, None], "is empty: it must name at least one resource"),
        (None, "must be a text or a list of texts, not null"),
        ({"Ref": "Queue"}, "must be a text or a list of texts, not an object"),
    ],
)
def test_resource(element: str, value: Any, expected: str | None) -> None:
    check(messages(policy(statement(**{"Resource": LEFT_OUT, element: value}))), expected)


# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:iam::111122223333:role/path/*", None),
        ("arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}", None),
        ("arn:aws:iam::aws:policy/*", None),
        ("arn:aws:iam::*:*", None),
        ("arn:aws:iam::111122223333:root", None),
        ("arn:aws:iam::111122223333:role", "path of the IAM resource"),
        ("arn:aws:iam::111122223333:role*", "path of the IAM resource"),
        ("arn:aws:iam::111122223333:*/*", "path of the IAM resource"),
        ("arn:aws:iam::111122223333:roles/r", "path of the IAM resource"),
        ("arn:aws:iam::111122223333:", "path of the IAM resource"),
        ("arn:aws:iam:*:111122223333:role/r", "must not name a Region"),
        ("arn:aws:iam:eu-west-1:111122223333:role/r", "must not name a Region"),
        ("arn:aws:s3:eu-west-1:111122223333:accesspoint/a/object/*", None),
        ("arn:aws:s3:*:*:access-grants/default", None),
        ("arn:aws:s3:*:111122223333:job/*", None),
        ("arn:aws:s3:*:*:*", None),
        ("arn:aws:s3::111122223333:accesspoint/x.mrap", None),
        ("arn:aws:s3:eu-west-1::bucket", "must not name a Region"),
        ("arn:aws:s3:*:*:bucket/*", "must not name a Region"),
        ("arn:aws:s3:bucket", "must not name a Region"),
    ],
)
def test_arns_of_iam_and_s3(arn: str, expected: str | None) -> None:
    check(messages(policy(statement(Resource=arn))), expected)


@pytest.mark.parametrize("name", ["Action", "Resource"])
def test_an_element_is_there_once_and_at_all(name: str) -> None:
    both = {**statement(), f"Not{name}": "*"}
    check(messages(policy(both)), f"both `{name}` and `Not{name}`")
    check(messages(policy(statement(**{name: LEFT_OUT}))), f"`{name}` or `Not{name}`")


OPERATOR_NAMES = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike"),
    *("StringNotLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Bool", "IpAddress", "NotIpAddress"),
)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
@pytest.mark.parametrize("operator", OPERATOR_NAMES)
@pytest.mark.parametrize("form", ["{}", "{}IfExists", "ForAllValues:{}", "ForAnyValue:{}", "ForAnyValue:{}IfExists"])
@pytest.mark.parametrize("value", ["x", "", 1, True, [], ["x", 2, False, None]])
def test_every_operator_takes_every_form_of_value(operator: str, form: str, value: Any) -> None:
    condition = {form.format(operator): {"aws:SourceIp": value, "anything": "x"}}
    assert messages(policy(statement(Condition=condition))) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, None),
        ({"StringEquals": {}}, None),
        ({"NoOperator": {}}, None),
        ({"Null": {"aws:SourceVpce": True}}, None),
        ({"NoOperator": {"a": "b"}}, "`NoOperator` is no condition operator"),
        ({"stringEquals": {"a": "b"}}, "`stringEquals` is no condition operator"),
        ({"IfExists": {"a": "b"}}, "`IfExists` is no condition operator"),
        ({"StringEqualsIfExistsIfExists": {"a": "b"}}, "is no condition operator"),
        ({"ForSomeValues:StringEquals": {"a": "b"}}, "is no condition operator"),
        ({"ForAnyValue:ForAnyValue:StringEquals": {"a": "b"}}, "is no condition operator"),
        ({"BinaryNotEquals": {"a": "Yg=="}}, "is no condition operator"),
        ({"NullIfExists": {"a": "true"}}, "is no condition operator"),
        ("a", "`Condition` must be an object, not a text"),
        (None, "`Condition` must be an object, not null"),
        ([{"StringEquals": {"a": "b"}}], "`Condition` must be an object, not a list"),
        ({"StringEquals": "a"}, "`StringEquals` must hold an object of condition keys, not a text"),
        ({"StringEquals": [{"a": "b"}]}, "`StringEquals` must hold an object of condition keys, not a list"),
        ({"StringEquals": {"a": {"b": "c"}}}, "the value of `a` must be a text, number or boolean"),
        ({"StringEquals": {"a": [["b"]]}}, "the value of `a` must be a text, number or boolean"),
        ({"StringEquals": {"a": None}}, "the value of `a` must be a text, number or boolean"),
    ],
)
def test_condition(condition: Any, expected: str | None) -> None:
    check(messages(policy(statement(Condition=condition))), expected)


# The same page: numbers are integers or decimals, dates W3C's ISO 8601 or epoch seconds, binary values base64.
ACCEPTED: dict[str, list[Any]] = {
    "NumericLessThan": ["0", "-1", "+1.5", ".5", "5.", "1e9", 10],
    "DateLessThan": [
        *("2030", "2030-01", "2030-1-5", "2030-01-31", "2030-01-31T", "2030-01-31T1", "2030-01-31T10:00"),
        *("2030-01-31T10:00:00Z", "2030-01-31T10:00:00.123456789Z", "2030-01-31t10:00:00+01:30", "2030-01-31T10-0800"),
        *("2028-02-29", "2000-02-29", "-0044-03-15", "0", "00", "1924905600", 1924905600, "9223372036854775807"),
    ],
    "BinaryEquals": ["", "QmluYXJ5", "QmluYQ==", "QmluYXI="],
}
REFUSED: dict[str, list[Any]] = {
    "NumericLessThan": ["", "ten", "1,5", "0x10", "1.2.3", " 1", "${aws:username}", "NaN", "١", True],
    "DateLessThan": [
        *("", "tomorrow", "T10:00:00Z", "2030-13", "2030-00", "2030-01-32", "2030-02-30", "2029-02-29", "1900-02-29"),
        *("2030-01-31T24:00:00Z", "2030-01-31T10:60:00Z", "2030-01-31T10:00:60Z", "2030-01-31 10:00:00Z", "31.1.2030"),
        *("2030-01-31T10:00:00+1", "2030-01-31T10:00:00+24:00", "2030-01-31T10:00:00.1234567890Z", "-", "1.5", True),
        *("9223372036854775808", "292278994-01-01", "-292275055", "2030-01-31T10:00:00ZZ", "${aws:CurrentTime}"),
    ],
    "BinaryEquals": ["Qmlu YXJ5", "Qml", "Q===", "QmluYXJ5=", "Qm==luYQ=="],
}


@pytest.mark.parametrize("form", ["{}", "{}IfExists", "ForAnyValue:{}"])
@pytest.mark.parametrize("operator", ACCEPTED)
def test_values_that_an_operator_can_compare(operator: str, form: str) -> None:
    name = form.format(operator)
    assert messages(policy(statement(Condition={name: {"a:b": ACCEPTED[operator]}}))) == []
    for value in REFUSED[operator]:
        found = messages(policy(statement(Condition={name: {"a:b": [value, ACCEPTED[operator][0]]}})))
        assert len(found) == 1, value


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html, …_notprincipal.html;
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html;
# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html; and the syntax of SCPs and RCPs.
@pytest.mark.parametrize(
    ("policy_type", "elements", "expected"),
    [
        ("identity", {"Principal": "*"}, "an identity-based policy cannot have `Principal`"),
        ("boundary", {"NotPrincipal": {"AWS": "111122223333"}}, "a permissions boundary cannot have `NotPrincipal`"),
        ("scp", {"Principal": "*"}, "a service control policy cannot have `Principal`"),
        ("scp", {"NotPrincipal": "*"}, "a service control policy cannot have `NotPrincipal`"),
        ("scp", {"Effect": "Allow", "Action": LEFT_OUT, "NotAction": "s3:*"}, None),
        ("scp", {"Resource": LEFT_OUT, "NotResource": "arn:aws:s3:::b"}, None),
        ("scp", {"Resource": LEFT_OUT}, "names no resources"),
        ("resource", {"Principal": LEFT_OUT}, "must have `Principal`"),
        ("trust", {"Principal": LEFT_OUT}, "must have `Principal`"),
        ("endpoint", {"Principal": LEFT_OUT}, "must have `Principal`"),
        ("rcp", {"Principal": LEFT_OUT}, "must have `Principal`"),
        ("resource", {"Principal": "*"}, None),
        ("resource", {"Principal": {"AWS": "*"}}, None),
        ("resource", {"Principal": {"AWS": ["111122223333", "arn:aws:iam::444455556666:root"]}}, None),
        ("resource", {"Principal": {"CanonicalUser": "79a59d", "Federated": "accounts.google.com"}}, None),
        ("resource", {"Principal": "111122223333"}, '`Principal` must be `"*"` or an object'),
        ("resource", {"Principal": ["*"]}, '`Principal` must be `"*"` or an object'),
        ("resource", {"Principal": {}}, "`Principal` is empty"),
        ("resource", {"Principal": {"AWS": []}}, "`AWS` is empty"),
        ("resource", {"Principal": {"AWS": {}}}, "`AWS` must be a text or a list of texts"),
        ("resource", {"Principal": {"Role": "r"}}, "`Role` is no type of principal"),
        ("resource", {"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}, "has a wildcard"),
        ("resource", {"Principal": {"Service": "*.amazonaws.com"}}, "has a wildcard"),
        ("resource", {"Principal": {"AWS": "11112222333"}}, "an account id has 12 digits, and this 11"),
        ("trust", {"Principal": {"AWS": ["111122223333", "arn:aws:iam::1111222233334:root"]}}, "and this 13"),
        ("resource", {"Principal": {"AWS": "AIDAEXAMPLE12345"}}, None),
        ("resource", {"Principal": {"CanonicalUser": "1234"}}, None),
        ("resource", {"NotPrincipal": "*"}, "both `Principal` and `NotPrincipal`"),
        ("resource", {"Principal": LEFT_OUT, "NotPrincipal": {"AWS": "111122223333"}}, "with the effect `Deny`"),
        ("resource", {"Effect": "Deny", "Principal": LEFT_OUT, "NotPrincipal": {"AWS": "111122223333"}}, None),
        ("endpoint", {"Effect": "Deny", "Principal": LEFT_OUT, "NotPrincipal": {"AWS": "111122223333"}}, None),
        (
            "trust",
            {"Effect": "Deny", "Principal": LEFT_OUT, "NotPrincipal": {"AWS": "111122223333"}},
            "cannot have `NotPrincipal`",
        ),
        ("rcp", {"Principal": LEFT_OUT, "NotPrincipal": "*"}, "cannot have `NotPrincipal`"),
        ("resource", {"Resource": "execute-api:/prod/GET/*"}, None),
        ("resource", {"Resource": []}, "`Resource` is empty"),
        ("resource", {"Sid": "two words"}, None),
        ("endpoint", {"Resource": LEFT_OUT}, "names no resources"),
        ("trust", {"Resource": "*"}, "a role trust policy cannot have `Resource`"),
        ("trust", {"NotResource": "*"}, "a role trust policy cannot have `NotResource`"),
        ("trust", {"Principal": "*"}, "of what type its principals are"),
        ("trust", {"Principal": {"AWS": "*"}}, None),
        ("trust", {"Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}, None),
        ("trust", {"Action": "sts:*"}, "only name AWS STS actions in full"),
        ("trust", {"Action": "*"}, "only name AWS STS actions in full"),
        ("trust", {"Action": "lambda:InvokeFunction"}, "only name AWS STS actions in full"),
        ("rcp", {"Effect": "Allow"}, "can only deny"),
        ("rcp", {"Principal": {"AWS": "*"}}, 'must be `"*"`'),
        ("rcp", {"Action": "*"}, "cannot name all actions"),
        ("rcp", {"Action": LEFT_OUT, "NotAction": "s3:GetObject"}, "cannot have `NotAction`"),
        ("rcp", {"Resource": LEFT_OUT, "NotResource": "arn:aws:s3:::b"}, None),
    ],
)
def test_what_each_type_of_policy_asks(policy_type: PolicyType, elements: dict[str, Any], expected: str | None) -> None:
    check(messages(policy(statement(policy_type, **elements)), policy_type), expected)


# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
def test_iam_takes_latin_letters_only_as_they_are() -> None:
    tagged = policy(statement(Condition={"StringEquals": {"aws:RequestTag/t": "é ÿ"}}))
    assert problems(json.dumps(tagged, ensure_ascii=False)) == ()
    tagged = policy(statement(Condition={"StringEquals": {"aws:RequestTag/t": "東京"}}))
    assert "beyond U+00FF: `東`" in problems(json.dumps(tagged, ensure_ascii=False))[0].message
    assert problems(json.dumps(tagged)) == ()
    assert problems(json.dumps(policy(statement("resource"), Id="東"), ensure_ascii=False), "resource") == ()


def test_every_problem_is_told_with_its_place() -> None:
    text = '{"Version": "2012-10-17",\n "Statement": {"Effect": "allow",\n  "Action": "x", "Resource": ["*", "y"]}}'
    assert [(problem.message.split("`")[1], problem.span) for problem in problems(text)] == [
        ("allow", Span("policy", 2, 26, 2, 33)),
        ("x", Span("policy", 3, 13, 3, 16)),
        ("y", Span("policy", 3, 36, 3, 39)),
    ]
    (problem,) = problems('{"Version":\n oops}')
    assert problem.span == Span("policy", 2, 2, 2, 2)


def test_a_policy_held_as_text_has_its_places_in_the_file() -> None:
    template = parse_yaml('Policy: |\n  {"Version": "2012-10-17", "Statement": []}\n', "t.yaml")
    held = template.entries[0].value  # type: ignore[union-attr]
    (problem,) = problems(held)
    assert problem.span == Span("t.yaml", 2, 42, 2, 44)
    (problem,) = problems(Scalar("no JSON", "string", held.place))
    assert problem.span is not None


# What a template leaves open may be anything that AWS accepts.
HOLE = Symbols().hole("it is computed")


@pytest.mark.parametrize(
    "open_statement",
    [
        *(statement(**{name: HOLE}) for name in ("Sid", "Effect", "Action", "Resource", "Condition")),
        *(statement(**{name: f"x{HOLE}"}) for name in ("Sid", "Effect", "Action", "Resource")),
        *(statement(**{name: [HOLE]}) for name in ("Action", "Resource")),
        *(statement(**{name: LEFT_OUT, HOLE: "x"}) for name in ("Effect", "Action", "Resource")),
        statement(Condition={HOLE: {"a": "b"}}),
        statement(Condition={"DateLessThan": HOLE}),
        statement(Condition={"DateLessThan": {HOLE: HOLE}}),
        statement(Condition={"DateLessThan": {"aws:CurrentTime": [f"2030-{HOLE}"]}}),
        HOLE,
    ],
)
def test_an_open_part_is_no_problem(open_statement: Any) -> None:
    def nodes(document: Any) -> Any:
        return parse_json(json.dumps(document, ensure_ascii=False).replace(HOLE, MARK), "p")

    # Letters never stand in a file: they come into the tree when a template is read.
    for document in (policy(open_statement), policy(statement(), Version=HOLE), policy(statement(), Id=HOLE)):
        assert problems(with_letters(nodes(document))) == ()
    assert problems(with_letters(nodes({"Version": "2012-10-17", "Statement": HOLE}))) == ()
    assert problems(with_letters(nodes({HOLE: "2012-10-17"}))) == ()


MARK = "<open>"


def with_letters(node: Any) -> Any:
    """The tree with a hole wherever a text has MARK."""
    if isinstance(node, Scalar):
        return node._replace(text=node.text.replace(MARK, HOLE))
    if hasattr(node, "items"):
        return node._replace(items=tuple(with_letters(item) for item in node.items))
    entries = (entry._replace(key=with_letters(entry.key), value=with_letters(entry.value)) for entry in node.entries)
    return node._replace(entries=tuple(entries))


def test_open_principals_and_documents_are_no_problem() -> None:
    account = Symbols().symbol(Symbol("${Account}", ACCOUNT))
    prefix = Symbols().symbol(Symbol("${Prefix}", Shape("prefix")))
    place = parse_json("1", "p").place
    for text in (account, f"{prefix}{{", f'{{"Version": {account}, "Statement": {account}}}', f"{{{account}"):
        assert problems(Scalar(text, "string", place)) == ()
    for principal in (MARK, {"AWS": MARK}, {"AWS": [f"arn:{MARK}:iam::*:root"]}, {MARK: "x"}):
        document = parse_json(json.dumps(policy(statement("trust", Principal=principal))), "p")
        assert problems(with_letters(document), "trust") == ()


def test_what_is_known_beside_an_open_part_is_still_judged() -> None:
    document = parse_json(json.dumps(policy(statement(Action=[MARK, "x"], Effect=MARK))), "p")
    assert ["`x`" in problem.message for problem in problems(with_letters(document))] == [True]


def test_hostile_documents_are_read_in_linear_time() -> None:
    long = "${" * 200_000
    for resource in (long, f"arn:aws:iam::{long}", "arn:" * 100_000, "*?" * 200_000):
        assert len(messages(policy(statement(Resource=resource)))) == 1
    for value in ("1" * 300_000, "1e" * 150_000, "2030-" * 50_000, "A" * 300_001):
        for operator in ("NumericEquals", "DateEquals", "BinaryEquals"):
            assert len(messages(policy(statement(Condition={operator: {"a": value}})))) <= 1
    for message in messages(policy(statement(Action="x" * 1_000_000))):
        assert len(message) < 300
    assert len(problems("[" * 100_000)) == 1


# Laws.
WORDS = st.text("ABCabc012", min_size=1, max_size=6)
ACTIONS = st.one_of(st.just("*"), st.builds("{}:{}".format, WORDS, st.text("ABCabc*?", min_size=1, max_size=6)))
RESOURCES = st.one_of(
    st.just("*"),
    st.builds("arn:{}:{}:{}:{}:{}".format, st.sampled_from(("aws", "aws-cn", "*")), WORDS, WORDS, WORDS, WORDS),
    st.builds("arn:aws:iam::{}:role/{}".format, WORDS, WORDS),
)


def one_or_many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


CONDITIONS = st.dictionaries(
    st.builds("{}{}{}".format, st.sampled_from(("", "ForAllValues:", "ForAnyValue:")), st.sampled_from(OPERATOR_NAMES),
              st.sampled_from(("", "IfExists"))),
    st.dictionaries(WORDS, one_or_many(st.one_of(WORDS, st.booleans(), st.integers())), max_size=2),
    max_size=2,
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Identity-based policies with every element in every form."""
    statements = []
    for index in range(draw(st.integers(1, 3))):
        written = {
            "Effect": draw(st.sampled_from(("Allow", "Deny"))),
            draw(st.sampled_from(("Action", "NotAction"))): draw(one_or_many(ACTIONS)),
            draw(st.sampled_from(("Resource", "NotResource"))): draw(one_or_many(RESOURCES)),
        }
        if draw(st.booleans()):
            written["Sid"] = draw(st.sampled_from(("", f"S{index}")))
        if draw(st.booleans()):
            written["Condition"] = draw(CONDITIONS)
        statements.append(written)
    alone = len(statements) == 1 and draw(st.booleans())
    whole = {"Version": "2012-10-17", "Statement": statements[0] if alone else statements}
    return {**whole, "Id": draw(WORDS)} if draw(st.booleans()) else whole


@settings(max_examples=150, deadline=None)
@given(documents(), st.sampled_from(("identity", "boundary", "scp")))
def test_what_the_grammar_makes_has_no_problems(document: dict[str, Any], policy_type: PolicyType) -> None:
    assert messages(document, policy_type) == []


def broken(document: dict[str, Any], draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """One change after which no service takes the document."""
    statements = document["Statement"]
    chosen = draw(st.sampled_from(statements)) if isinstance(statements, list) else statements
    where = draw(st.sampled_from((document, chosen)))
    change = draw(st.sampled_from(("lost", "unknown", "kind", "text", "both")))
    if change == "unknown":
        where[draw(WORDS)] = "x"
    elif change == "both":
        name = draw(st.sampled_from(("Action", "Resource")))
        chosen[name], chosen[f"Not{name}"] = "*", "*"
    elif change == "lost":
        needed = [key for key in where if key not in ("Sid", "Id", "Condition")]
        del where[draw(st.sampled_from(needed))]
    elif change == "kind":
        where[draw(st.sampled_from(list(where)))] = draw(st.sampled_from((None, 7, True, [[]], [{"a": {}}])))
    else:
        key = draw(st.sampled_from([key for key in chosen if key not in ("Sid", "Condition")]))
        chosen[key] = draw(st.sampled_from(("", "x", "a:b:c", "allow")))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_thing_wrong_is_a_problem(data: st.DataObject) -> None:
    document = data.draw(documents())
    broken(document, data.draw)
    assert messages(document) != []


def test_what_aws_itself_grants_is_well_written() -> None:
    for name in names()[::8]:
        found = aws_managed_policy(f"arn:aws:iam::aws:policy/{name}")
        assert found is not None
        statements = [
            {
                "Effect": read.effect,
                "NotAction" if read.not_action else "Action": list(read.actions),
                "NotResource" if read.not_resource else "Resource": list(read.resources or ()),
                "Condition": {item.operator: {item.key: list(item.values)} for item in read.conditions},
            }
            for read in found.statements
        ]
        assert messages(policy(*statements)) == [], name


def test_every_public_case_is_judged_as_aws_does() -> None:
    if not CASES.exists():
        pytest.skip(f"the public cases are not here: {CASES} is missing")
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines() if line.strip()]
    wrong = {}
    for case in cases:
        written = case["document"]
        found = problems(written if isinstance(written, str) else json.dumps(written), case["policy_type"])
        if bool(found) != (case["expected"] == "invalid"):
            wrong[case["id"]] = [problem.message for problem in found]
    assert set(wrong) == set(DIFFERENT)
    assert all("`Sid`" in message for found in wrong.values() for message in found)
    assert len(cases) == 132
