"""The condition operators: every operator, qualifier and suffix against absent keys and every kind of value."""

import pytest

from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.operators import OPERATORS, Operator, parse_operator
from policy_audit.iam.request import Caller, ContextValue, Policies, Request
from policy_audit.model.policy import Condition, Effect, Policy, Statement

# One row a family: the operators, a value in the policy, request values that match it and that do not (before
# negation), and rubbish with what a plain operator makes of it.
ARN = "arn:aws:sns:eu-west-1:111122223333:orders"
FAMILIES: dict[str, tuple[tuple[str, str], str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "String": (("StringEquals", "StringNotEquals"), "prod", ("prod",), ("Prod", "prod*", "pro"), ()),
    "StringIgnoreCase": (
        ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        "Prod",
        ("prod", "PROD"),
        ("prod1", "prd"),
        (),
    ),
    "StringLike": (("StringLike", "StringNotLike"), "a*c?", ("acd", "abbc1", "a*c?"), ("ac", "Acd", "xacd"), ()),
    "StringLikeEnds": (("StringLike", "StringNotLike"), "ab*ba", ("abba", "ab1ba"), ("aba", "ab"), ()),
    "Arn": (
        ("ArnEquals", "ArnNotEquals"),
        "arn:aws:sns:*:111122223333:ord*",
        (ARN, "arn:aws:sns:x:111122223333:orders:sub"),
        ("arn:aws:sns:eu-west-1:999999999999:orders", "arn:aws:sqs:eu-west-1:111122223333:orders"),
        ("orders",),
    ),
    "ArnLike": (("ArnLike", "ArnNotLike"), ARN, (ARN,), (ARN + "x", "arn:aws:sns:eu-west-1:1:orders"), ("arn:aws",)),
    "Numeric": (("NumericEquals", "NumericNotEquals"), "10", ("10", "10.0", "1e1", "+10"), ("11", "9.99"), ()),
    "NumericLess": (("NumericLessThan", ""), "10", ("9", "-1", "9.999"), ("10", "10.5"), ("ten", "0x1")),
    "NumericLessEquals": (("NumericLessThanEquals", ""), "2.75", ("2.75", "2.5"), ("2.751",), ("NaN", "12abc")),
    "NumericGreater": (("NumericGreaterThan", ""), "10", ("11", "10.01"), ("10", "9"), ("Inf",)),
    "NumericGreaterEquals": (("NumericGreaterThanEquals", ""), "10", ("10", "11"), ("9.9",), ("0x1p4",)),
    "Date": (
        ("DateEquals", "DateNotEquals"),
        "2020-01-01T00:00:00Z",
        ("2020-01-01", "2020", "1577836800", "2019-12-31T19:00:00-05:00", "2020-01-01T00:00:00.000Z"),
        ("2020-01-02", "2021", "1577836801"),
        (),
    ),
    "DateLess": (("DateLessThan", ""), "2020-01-01", ("2019-12-31T23:59:59.9Z", "1577836799"), ("2020",), ("soon",)),
    "DateLessEquals": (("DateLessThanEquals", ""), "2020-01-01", ("2020-01-01", "2019"), ("2020-01-02",), ("x",)),
    "DateGreater": (("DateGreaterThan", ""), "2020-01-01", ("2020-02", "1577836800.5"), ("2020", "2019"), ("2020-13",)),
    "DateGreaterEquals": (("DateGreaterThanEquals", ""), "2020", ("2020", "2021"), ("2019",), ("2020-02-30",)),
    "Bool": (("Bool", ""), "true", ("true", "TRUE"), ("false", "False", "asdf", "1"), ()),
    "BoolFalse": (("Bool", ""), "false", ("false", "asdf"), ("true", "True"), ()),
    "Binary": (("BinaryEquals", ""), "aGVsbG8=", ("aGVsbG8=", "hello"), ("d29ybGQ=", "aGVsbG8"), ()),
    "Address": (
        ("IpAddress", "NotIpAddress"),
        "203.0.113.0/24",
        ("203.0.113.7", "203.0.113.255", "::ffff:203.0.113.9"),
        ("203.0.114.0", "2001:db8::1", "::ffff:203.0.114.9"),
        (),
    ),
    "AddressAny": (("IpAddress", "NotIpAddress"), "0.0.0.0/0", ("10.0.0.1",), ("::1", "::a00:1"), ()),
    "Address6": (
        ("IpAddress", "NotIpAddress"),
        "2001:db8:1234::/48",
        ("2001:db8:1234::1", "2001:0DB8:1234:0:0:0:0:1"),
        ("2001:db8:1235::1", "203.0.113.7"),
        (),
    ),
}

# What an absent key, or an empty value, gives, by: negated, qualifier, IfExists.
ABSENT = {
    (False, "", False): False,
    (True, "", False): True,
    (False, "", True): True,
    (True, "", True): True,
    (False, "ForAllValues:", False): True,
    (True, "ForAllValues:", False): True,
    (False, "ForAllValues:", True): True,
    (True, "ForAllValues:", True): True,
    (False, "ForAnyValue:", False): False,
    (True, "ForAnyValue:", False): False,
    (False, "ForAnyValue:", True): True,
    (True, "ForAnyValue:", True): True,
}


def outcome(
    effect: Effect, operator: str, values: tuple[str, ...], given: ContextValue | None, version: str = "2012-10-17"
) -> str:
    """The decision for a condition `operator` {key: values} in a statement with this effect, and the key `given`."""
    condition = Condition(operator, "Test:Key", values)
    statement = Statement(effect, ("*",), ("*",), conditions=(condition,))
    statements = (statement,) if effect == "Allow" else (Statement("Allow", ("*",), ("*",)), statement)
    context: dict[str, ContextValue] = {} if given is None else {"test:key": given}
    request = Request(
        Caller("user", "arn:aws:iam::111122223333:user/u"), "s3:GetObject", "arn:aws:s3:::b/k", "111122223333", context
    )
    return evaluate(request, Policies(identity=(Policy(statements, version),))).outcome


def holds(operator: str, values: tuple[str, ...], given: ContextValue | None) -> bool:
    """Whether the condition holds, asked of an Allow and of a Deny, which must agree."""
    allow, deny = outcome("Allow", operator, values, given), outcome("Deny", operator, values, given)
    assert (allow == "Allowed") == (deny == "ExplicitlyDenied")
    assert allow in ("Allowed", "ImplicitlyDenied")
    assert deny in ("Allowed", "ExplicitlyDenied")
    return allow == "Allowed"


ROWS = [
    (family, operator, index == 1, suffix, qualifier)
    for family, row in FAMILIES.items()
    for index, operator in enumerate(row[0])
    if operator
    for suffix in ("", "IfExists")
    for qualifier in ("", "ForAllValues:", "ForAnyValue:")
]


@pytest.mark.parametrize(("family", "operator", "negated", "suffix", "qualifier"), ROWS)
def test_values(family: str, operator: str, negated: bool, suffix: str, qualifier: str) -> None:
    """IAM User Guide, Condition operators; Set operators for multivalued context keys: each value is asked."""
    _, policy_value, matching, missing, _ = FAMILIES[family]
    name = qualifier + operator + suffix
    for value in matching:
        assert holds(name, (policy_value,), value) is not negated, value
    for value in missing:
        assert holds(name, (policy_value,), value) is negated, value
    if not qualifier:
        return
    both = (matching[0], missing[0])
    assert holds(name, (policy_value,), both) is (qualifier == "ForAnyValue:")
    assert holds(name, (policy_value,), matching) is not negated
    assert holds(name, (policy_value,), missing) is negated


@pytest.mark.parametrize(("family", "operator", "negated", "suffix", "qualifier"), ROWS)
@pytest.mark.parametrize("given", [None, "", (), ("",)], ids=["absent", "empty text", "empty list", "list of empty"])
def test_absent_key(
    family: str, operator: str, negated: bool, suffix: str, qualifier: str, given: ContextValue | None
) -> None:
    """Condition operators: an absent key; an empty value is the same ("null dataset")."""
    name, values = qualifier + operator + suffix, (FAMILIES[family][1],)
    expected = ABSENT[negated, qualifier, bool(suffix)]
    assert outcome("Deny", name, values, given) == ("ExplicitlyDenied" if expected else "Allowed")
    contested = qualifier == "ForAnyValue:" and suffix
    granted = "Undecided" if contested else "Allowed" if expected else "ImplicitlyDenied"
    assert outcome("Allow", name, values, given) == granted


@pytest.mark.parametrize(("family", "operator", "negated", "suffix", "qualifier"), ROWS)
def test_several_policy_values(family: str, operator: str, negated: bool, suffix: str, qualifier: str) -> None:
    """Conditions with multiple keys or values: OR for positive operators, NOR for negated ones."""
    _, policy_value, matching, missing, _ = FAMILIES[family]
    name = qualifier + operator + suffix
    if family in ("Bool", "BoolFalse") or operator.startswith(("NumericL", "NumericG", "DateL", "DateG")):
        return
    values = ("!other!", policy_value, "!another!")
    assert holds(name, values, matching[0]) is not negated
    assert holds(name, values, missing[0]) is negated
    assert holds(name, (), matching[0]) is negated


@pytest.mark.parametrize(
    ("operator", "value", "rubbish"),
    [(row[0][0], row[1], rubbish) for row in FAMILIES.values() for rubbish in row[4]],
)
def test_rubbish_matches_nothing(operator: str, value: str, rubbish: str) -> None:
    """Condition operators: a request value that is no number, date or ARN satisfies no positive operator."""
    assert not holds(operator, (value,), rubbish)


@pytest.mark.parametrize(
    ("operator", "value", "rubbish", "expected"),
    [
        ("NumericNotEquals", "10", "ten", True),
        ("DateNotEquals", "2020", "not-a-date", True),
        ("NotIpAddress", "203.0.113.0/24", "nonsense", True),
        ("ArnNotEquals", ARN, "not an arn", False),
        ("ArnNotLike", ARN, "not an arn", False),
        ("NumericNotEquals", "ten", "10", True),
        ("NotIpAddress", "203.0.113.0/33", "203.0.113.1", True),
        ("NumericEquals", "16", "0x10", False),
        ("NumericLessThan", "Inf", "10", False),
        ("IpAddress", "nonsense", "nonsense", False),
        ("BinaryEquals", "not base64!!", "not base64!!", False),
        ("DateEquals", "nope", "nope", False),
        ("Bool", "yes", "true", False),
    ],
)
def test_rubbish(operator: str, value: str, rubbish: str, expected: bool) -> None:
    """A policy value that cannot be read is skipped; a negated ARN operator does not hold for what is no ARN."""
    assert holds(operator, (value,), rubbish) is expected


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        (("true",), None, True),
        (("true",), "x", False),
        (("true",), ("x", "y"), False),
        (("false",), None, False),
        (("false",), "x", True),
        (("FALSE",), ("x",), True),
        (("true", "false"), None, True),
        (("true", "false"), "x", True),
        (("true",), "", True),
        (("false",), (), False),
        (("maybe",), None, False),
        (("maybe",), "x", False),
    ],
)
def test_null(values: tuple[str, ...], given: ContextValue | None, expected: bool) -> None:
    """Condition operators: `Null` asks whether the key is absent."""
    assert holds("Null", values, given) is expected


@pytest.mark.parametrize(
    "name",
    [
        "stringequals",
        "stringEquals",
        "StringEqual",
        "NotAnOperator",
        "BinaryNotEquals",
        "NullIfExists",
        "ForAllValues:Null",
        "ForAnyValue:Null",
        "ForSomeValues:StringEquals",
        "StringLikeIgnoreCase",
        "StringEqualsIfExistsIfExists",
        "",
    ],
)
@pytest.mark.parametrize("given", [None, "x"])
def test_unknown_operator_neither_grants_nor_is_overlooked(name: str, given: ContextValue | None) -> None:
    """IAM refuses a document with such an operator ("Invalid Condition type"), operators of another case included."""
    assert parse_operator(name) is None
    assert outcome("Allow", name, ("x",), given) == "ImplicitlyDenied"
    assert outcome("Deny", name, ("x",), given) == "Undecided"


@pytest.mark.parametrize(
    ("name", "value", "given", "expected"),
    [
        ("ForAllValues:Null", "false", "x", "Undecided"),
        ("ForAllValues:Null", "FALSE", ("x", "y"), "Undecided"),
        ("ForAllValues:Null", "true", "x", "ImplicitlyDenied"),
        ("ForAllValues:Null", "true", None, "Undecided"),
        ("ForAllValues:Null", "maybe", None, "ImplicitlyDenied"),
        ("ForAnyValue:Null", "false", "x", "Undecided"),
        ("ForAnyValue:Null", "true", "x", "ImplicitlyDenied"),
        ("ForAnyValue:Null", "false", None, "ImplicitlyDenied"),
        ("ForAnyValue:Null", "true", None, "ImplicitlyDenied"),
        ("ForAllValues:NullIfExists", "true", None, "ImplicitlyDenied"),
    ],
)
def test_null_of_each_value_is_not_known_to_grant(
    name: str, value: str, given: ContextValue | None, expected: str
) -> None:
    """No page of AWS has a set-qualified `Null`: where it may be meant to grant, the decision is left open."""
    assert outcome("Allow", name, (value,), given) == expected
    assert outcome("Deny", name, (value,), given) == "Undecided"


@pytest.mark.parametrize(("family", "operator", "negated", "suffix", "qualifier"), ROWS)
def test_single_valued_operator_on_several_values(
    family: str, operator: str, negated: bool, suffix: str, qualifier: str
) -> None:
    """Set operators: a multivalued key needs a qualifier. Without one nothing matches; a Deny is not lifted."""
    if qualifier:
        return
    _, policy_value, matching, _, _ = FAMILIES[family]
    for given in ((matching[0],), matching):
        assert outcome("Allow", operator + suffix, (policy_value,), given) == "ImplicitlyDenied"
        assert outcome("Deny", operator + suffix, (policy_value,), given) == ("Undecided" if negated else "Allowed")


def test_every_operator_is_in_the_table() -> None:
    named = {operator for row in FAMILIES.values() for operator in row[0]}
    assert {operator.name for operator in OPERATORS} <= named | {"Null"}


@pytest.mark.parametrize("operator", [operator for operator in OPERATORS if operator.family != "null"])
def test_variables_count_in_strings_and_arns_alone(operator: Operator) -> None:
    """Variables and tags: supported in String and ARN operators, and in Version 2012-10-17 alone."""
    assert operator.variables is (operator.family in ("string", "arn"))
    if operator.family == "string" and not operator.negated:
        assert outcome("Allow", operator.name, ("${aws:username}",), "u") == "Allowed"
        assert outcome("Allow", operator.name, ("${aws:username}",), "u", "2008-10-17") == "ImplicitlyDenied"
        assert outcome("Allow", operator.name, ("${aws:username}",), "${aws:username}", "2008-10-17") == "Allowed"
