"""The words of rules on single statements and on an API's policy as a whole, where fixtures would be too many."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from templates import system

from policy_audit.iam.operators import OPERATORS, parse_operator
from policy_audit.model import api_policies, statements
from policy_audit.model.operators import operator_of
from policy_audit.model.policy import Condition
from policy_audit.model.resources import Fact
from policy_audit.model.system import System

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
FOREIGN = "arn:aws:iam::444455556666:role/orders"
START = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3d4e5"
Written = dict[str, Any]


def statement(effect: str = "Allow", resource: Any = "execute-api:/*", condition: Any = None, **more: Any) -> Written:
    """A statement of an API's policy for everybody, unless `more` says otherwise."""
    written = {"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource, **more}
    if condition is not None:
        written["Condition"] = condition
    return {key: value for key, value in written.items() if value is not None}


def estate(
    policy: Sequence[Written] = (),
    identity: Sequence[Written] = (),
    trust: Sequence[Written] = (),
    methods: Mapping[str, str] | None = None,
    stages: Sequence[str] = ("live",),
    endpoint: str = "REGIONAL",
    **properties: Any,
) -> System:
    """A role and an API. `methods` are authorization types by `VERB` at the root or `VERB part` below it."""
    version = {"Version": "2012-10-17"}
    trusted = trust or [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
    role: Written = {"AssumeRolePolicyDocument": version | {"Statement": list(trusted)}}
    if identity:
        role["Policies"] = [{"PolicyName": "P", "PolicyDocument": version | {"Statement": list(identity)}}]
    api = {"EndpointConfiguration": {"Types": [endpoint]}, **properties}
    if policy:
        api["Policy"] = version | {"Statement": list(policy)}
    resources: Written = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": api},
    }
    own, root = {"Ref": "Api"}, {"Fn::GetAtt": ["Api", "RootResourceId"]}
    for index, (asked, authorization) in enumerate((methods or {"GET": "AWS_IAM"}).items()):
        verb, _, part = asked.partition(" ")
        at: Any = root
        if part:
            resources[f"Path{index}"] = {
                "Type": "AWS::ApiGateway::Resource",
                "Properties": {"RestApiId": own, "ParentId": root, "PathPart": part},
            }
            at = {"Ref": f"Path{index}"}
        resources[f"Method{index}"] = {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {"RestApiId": own, "ResourceId": at, "HttpMethod": verb, "AuthorizationType": authorization},
        }
    for index, name in enumerate(stages):
        resources[f"Stage{index}"] = {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": own, "DeploymentId": "d", "StageName": name},
        }
    return system(json.dumps({"Resources": resources}))


def answers(found: Sequence[Fact]) -> list[bool | None]:
    return [one.holds for one in found]


def of_statement(word: str, kind: str, audited: System) -> list[bool | None]:
    """What the property says of the statements of one kind of document."""
    every = [one for one in statements.every(audited) if one.kind == kind]
    return [holds for one in every for holds in answers(getattr(one, word))]


def of_policy(word: str, audited: System) -> list[bool | None]:
    """What the property says of the API's policy."""
    return [holds for one in api_policies.every(audited) for holds in answers(getattr(one, word))]


@pytest.mark.parametrize(
    ("written", "quantifier", "comparison", "negated", "without"),
    [
        ("StringEquals", "", "stringequals", False, False),
        ("stringnotlike", "", "stringnotlike", True, True),
        ("BoolIfExists", "", "bool", False, True),
        ("NotIpAddress", "", "notipaddress", True, True),
        ("ForAnyValue:StringNotEquals", "foranyvalue", "stringnotequals", True, False),
        ("ForAllValues:ArnLikeIfExists", "forallvalues", "arnlike", False, True),
        ("Null", "", "null", False, None),
    ],
)
def test_operators(written: str, quantifier: str, comparison: str, negated: bool, without: bool | None) -> None:
    operator = operator_of(Condition(written, "aws:PrincipalArn", ("x",)))
    assert (operator.quantifier, operator.comparison) == (quantifier, comparison)
    assert (operator.negated, operator.holds_without_the_key) == (negated, without)


@pytest.mark.parametrize("name", sorted({operator.name for operator in OPERATORS}))
@pytest.mark.parametrize("form", ["{}", "{}IfExists", "ForAllValues:{}", "ForAnyValue:{}", "ForAllValues:{}IfExists"])
def test_names_of_operators_are_read_as_the_engine_reads_them(name: str, form: str) -> None:
    operator = parse_operator(form.format(name))
    if operator is None or operator.absent_is_contested:
        assert name == "Null"
        return
    read = operator_of(Condition(form.format(name), "aws:username", ("a",)))
    assert read.holds_without_the_key is operator.absent
    assert read.takes_wildcards == operator.globs
    assert read.compares_text == (operator.family == "string")
    assert read.compares_numbers == (operator.family == "numeric")
    assert read.negated == operator.negated


# ---- single statements ----------------------------------------------------------------------------------------------

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders/x"
BY_ARN: list[tuple[str, str, Any, list[bool | None]]] = [
    ("names_no_session", "ArnNotLike", SESSION, [False]),
    ("names_no_session", "ArnNotLike", [SESSION, ROLE], [True]),
    ("names_no_session", "ArnNotLike", [SESSION, FOREIGN.replace("orders", "other")], [False]),
    ("names_no_session", "StringEquals", ROLE, [True]),
    ("has_no_idle_wildcard", "StringNotEquals", ROLE + "*", [False]),
    ("has_no_idle_wildcard", "ForAnyValue:StringEqualsIfExists", "*", [False]),
    ("has_no_idle_wildcard", "StringEquals", "${*}", [True]),
    ("has_no_idle_wildcard", "StringLike", ROLE + "*", [True]),
    ("has_no_idle_wildcard", "ArnEquals", ROLE + "?", [True]),
]


@pytest.mark.parametrize(("word", "operator", "value", "expected"), BY_ARN)
def test_comparisons_with_arns(word: str, operator: str, value: Any, expected: list[bool | None]) -> None:
    audited = estate([statement("Deny", condition={operator: {"AWS:principalARN": value}})])
    assert of_statement(word, "rest-api", audited) == expected
    other = estate([statement("Deny", condition={operator: {"aws:UserAgent": value}})])
    assert of_statement(word, "rest-api", other) == []


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", []),
        ({"AWS": "*"}, []),
        ({"AWS": [ROLE, "*"]}, [True]),
        ({"AWS": ACCOUNT}, [True]),
        ({"AWS": [ROLE, ROLE + "*"]}, [False]),
        ({"AWS": "arn:aws:iam::*:root"}, [False]),
        ({"Service": "*.amazonaws.com"}, []),
    ],
)
def test_principals_in_full(principal: object, expected: list[bool | None]) -> None:
    audited = estate([statement(Principal=principal)])
    assert of_statement("names_whole_principals", "rest-api", audited) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, [False]),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, []),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": False}}, [True]),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}, "Null": {"aws:MultiFactorAuthPresent": "false"}}, [True]),
        ({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}}, [False]),
        ({"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}, [True]),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}, []),
        ({"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-a/*"}}, [False]),
        ({"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-a/*"}}, [True]),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}}, []),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, []),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a"}}, []),
    ],
)
def test_denials_that_miss_requests_without_the_key(condition: object, expected: list[bool | None]) -> None:
    assert (
        of_statement("denies_without_the_key", "rest-api", estate([statement("Deny", condition=condition)])) == expected
    )
    assert of_statement("denies_without_the_key", "rest-api", estate([statement("Allow", condition=condition)])) == []


def test_a_second_denial_may_see_to_requests_without_the_key() -> None:
    audited = estate(
        [
            statement("Deny", condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            statement("Deny", condition={"Null": {"aws:MultiFactorAuthPresent": "true"}}),
        ]
    )
    assert of_statement("denies_without_the_key", "rest-api", audited) == [True]


@pytest.mark.parametrize(
    ("endpoint", "conditions", "expected"),
    [
        ("REGIONAL", {"ArnNotEquals": {"aws:PrincipalArn": ROLE}}, [True]),
        ("REGIONAL", {"ArnNotEquals": {"aws:PrincipalArn": ROLE}, "NotIpAddress": {"aws:SourceIp": "::/0"}}, [False]),
        ("REGIONAL", {"StringNotEquals": {"aws:PrincipalArn": ROLE, "aws:SourceVpce": "vpce-1"}}, [True]),
        ("PRIVATE", {"StringNotEquals": {"aws:PrincipalArn": ROLE, "aws:SourceVpce": "vpce-1"}}, [False]),
        ("PRIVATE", {"StringNotEquals": {"aws:SourceVpc": "vpc-1", "aws:SourceVpce": "vpce-1"}}, [True]),
        (
            "PRIVATE",
            {"StringNotEquals": {"aws:SourceVpc": "v"}, "NotIpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
            [False],
        ),
        ("PRIVATE", {"ArnNotEquals": {"aws:PrincipalArn": ROLE}, "IpAddress": {"aws:VpcSourceIp": "10.0.0.1"}}, [True]),
        ("REGIONAL", {"StringNotEquals": {"aws:PrincipalOrgID": "o-a", "aws:PrincipalAccount": ACCOUNT}}, []),
    ],
)
def test_one_exception_of_a_denial(endpoint: str, conditions: object, expected: list[bool | None]) -> None:
    audited = estate([statement("Deny", condition=conditions)], endpoint=endpoint)
    assert of_statement("has_one_exception", "rest-api", audited) == expected


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ({"AWS": ROLE}, {"ArnEquals": {"aws:SourceArn": "arn:aws:states:::x"}}, [False]),
        ({"AWS": ACCOUNT}, {"StringEquals": {"aws:sourceAccount": ACCOUNT}}, [False]),
        ({"AWS": ROLE}, {"ArnEqualsIfExists": {"aws:SourceArn": "arn:aws:states:::x"}}, []),
        ({"AWS": ROLE}, {"ArnNotEquals": {"aws:SourceArn": "arn:aws:states:::x"}}, []),
        ({"AWS": ROLE}, {"Null": {"aws:SourceArn": "true"}}, []),
        ({"AWS": ROLE, "Service": "states.amazonaws.com"}, {"ArnEquals": {"aws:SourceArn": "a"}}, [True]),
        ("*", {"ArnEquals": {"aws:SourceArn": "arn:aws:states:::x"}}, [True]),
        ({"AWS": {"Fn::ImportValue": "X"}}, {"ArnEquals": {"aws:SourceArn": "arn:aws:states:::x"}}, [True]),
    ],
)
def test_keys_of_services(principal: object, condition: object, expected: list[bool | None]) -> None:
    audited = estate([statement(Principal=principal, condition=condition)])
    assert of_statement("fits_a_service", "rest-api", audited) == expected


@pytest.mark.parametrize(
    ("condition", "of_api", "of_role"),
    [
        ({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a/*"}}, [False], [False]),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "team"}}, [False], []),
        (
            {"ForAllValues:StringEquals": {"aws:PrincipalArn": ROLE}, "Null": {"AWS:PRINCIPALARN": False}},
            [True],
            [True],
        ),
        (
            {"ForAllValues:StringEquals": {"aws:PrincipalArn": ROLE}, "Null": {"aws:PrincipalArn": "true"}},
            [False],
            [False],
        ),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-a/*"}}, [], []),
    ],
)
def test_all_values_of_none(condition: object, of_api: list[bool | None], of_role: list[bool | None]) -> None:
    one = statement(condition=condition)
    mine = {key: value for key, value in one.items() if key != "Principal"} | {"Resource": "*"}
    audited = estate([one], identity=[mine])
    assert of_statement("asks_for_what_it_compares", "rest-api", audited) == of_api
    assert of_statement("asks_for_what_it_compares", "identity", audited) == of_role


ARNS: list[tuple[str, Any, list[bool | None]]] = [
    ("has_no_braces", f"{START}/live/GET/{{id}}", [False]),
    ("has_no_braces", [f"{START}/live/GET/{{id}}", f"{START}/live/*"], [True]),
    ("has_no_braces", [f"{START}/live/GET/{{id}}", f"{START}/test/*"], [False]),
    ("has_no_braces", [f"{START}/live/GET/{{id}}", f"{START}/*"], [True]),
    ("has_no_braces", [f"{START}/live/GET/{{id}}", "arn:aws:execute-api:*:*:*"], [True]),
    ("has_no_braces", f"{START}/live/GET/{{proxy+}}", [False]),
    ("has_no_braces", f"{START}/live/GET/${{aws:username}}", [True]),
    ("has_no_braces", f"{START}/live/GET", []),
    ("has_no_braces", "arn:aws:sqs:eu-west-1:111122223333:{queue}", []),
    ("has_real_verbs", f"{START}/live/ANY/orders", [False]),
    ("has_real_verbs", [f"{START}/live/ANY/orders", f"{START}/live/*/*"], [True]),
    ("has_real_verbs", [f"{START}/live/ANY/orders", f"{START}/live/GET/orders"], [False]),
    ("has_real_verbs", f"{START}/ANY/GET/orders", [True]),
    ("ends_the_root_in_a_slash", f"{START}/live/GET", [False]),
    ("ends_the_root_in_a_slash", [f"{START}/live/GET", f"{START}/live/GET/"], [True]),
    ("ends_the_root_in_a_slash", [f"{START}/live/GET", f"{START}/live/GET/orders"], [False]),
    ("ends_the_root_in_a_slash", [f"{START}/live/GET", f"{START}/*"], [True]),
    ("ends_the_root_in_a_slash", f"{START}/live/G*", []),
    ("ends_the_root_in_a_slash", f"{START}/live/$connect", []),
    ("has_the_stage", f"{START}/GET/orders", [False]),
    ("has_the_stage", f"{START}/GET", [False]),
    ("has_the_stage", f"{START}/GET/GET/", [True]),
    ("has_the_stage", f"{START}/*/GET/", [True]),
    ("goes_on_to_the_method", START, [False]),
    ("goes_on_to_the_method", f"{START}/", [False]),
    ("goes_on_to_the_method", f"{START}/live", [False]),
    ("goes_on_to_the_method", f"{START}/live/", [False]),
    ("goes_on_to_the_method", f"{START}*", [True]),
    ("goes_on_to_the_method", f"{START}/live*", [True]),
    ("goes_on_to_the_method", {"Fn::Sub": "arn:aws:execute-api:eu-west-1:111122223333:${Api}/"}, [False]),
    ("goes_on_to_the_method", {"Fn::Join": ["", [START.rpartition(":")[0], ":", {"Fn::ImportValue": "X"}]]}, [True]),
    ("names_apis_in_full", "execute-api:/live/GET/", [False]),
    ("names_apis_in_full", f"{START}/live/GET/", [True]),
    ("names_apis_in_full", "*", []),
]


@pytest.mark.parametrize(("word", "resource", "expected"), ARNS)
def test_arns_of_requests_to_apis(word: str, resource: Any, expected: list[bool | None]) -> None:
    for action in ("execute-api:Invoke", "execute-api:*", "*"):
        audited = estate(identity=[{"Effect": "Allow", "Action": action, "Resource": resource}])
        assert of_statement(word, "identity", audited) == expected
    audited = estate(identity=[{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": resource}])
    assert of_statement(word, "identity", audited) == []


# ---- policies as a whole --------------------------------------------------------------------------------------------

OPEN = statement()
GUARD = statement("Deny", condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}})


@pytest.mark.parametrize(
    ("policy", "methods", "expected"),
    [
        ([GUARD, OPEN], {"GET": "AWS_IAM"}, [True]),
        ([GUARD, OPEN], {"GET": "AWS_IAM", "POST": "NONE"}, [False]),
        ([GUARD, OPEN], {"GET": "AWS_IAM", "POST": "CUSTOM"}, [False]),
        ([{**GUARD, "Resource": "execute-api:/*/GET/*"}, OPEN], {"GET": "AWS_IAM", "POST": "NONE"}, [True]),
        ([statement("Deny", condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}), OPEN], {"GET": "NONE"}, [False]),
        (
            [statement("Deny", condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}), OPEN],
            {"GET": "AWS_IAM", "PUT": "NONE"},
            [True],
        ),
        # Who is denied for lack of a signature, or allowed for it, is told apart on purpose.
        ([statement("Deny", condition={"Null": {"aws:PrincipalArn": "true"}}), OPEN], {"GET": "NONE"}, []),
        ([statement(condition={"StringEquals": {"aws:PrincipalAccount": "anonymous"}})], {"GET": "NONE"}, []),
        # Two keys: at a method that knows no callers, the other one decides.
        (
            [
                statement(
                    "Deny",
                    condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}, "NotIpAddress": {"aws:SourceIp": "::/1"}},
                )
            ],
            {"GET": "NONE"},
            [True],
        ),
        ([statement(Principal={"AWS": ROLE})], {"GET": "NONE"}, [False]),
        ([statement(Principal={"AWS": ROLE}), OPEN], {"GET": "NONE", "POST": "AWS_IAM"}, [True]),
        ([OPEN], {"GET": "NONE"}, []),
    ],
)
def test_callers_are_told_apart_where_they_are_known(
    policy: list[Written], methods: Mapping[str, str], expected: list[bool | None]
) -> None:
    assert of_policy("tells_callers_apart", estate(policy, methods=methods)) == expected


@pytest.mark.parametrize(
    ("guarded", "opened", "expected"),
    [
        ("execute-api:/live/GET/", "execute-api:/live/GET/", True),
        ("execute-api:/*", "execute-api:/*", True),
        ("execute-api:/live/*", "execute-api:/*", False),
        ("execute-api:/*/GET/*", "execute-api:/*", False),
        ("execute-api:/*/POST/*", "execute-api:/*", True),
        ("execute-api:/*/*/admin", "execute-api:/*", True),
        (["execute-api:/live/*", "execute-api:/test/*"], "execute-api:/*", True),
        ("arn:aws:execute-api:*:*:*/live/*", "arn:aws:execute-api:*:*:*", False),
        ("*", "execute-api:/*", True),
        ("execute-api:/live/*", "execute-api:/live/*", True),
    ],
)
def test_a_guard_and_what_is_opened_beside_it(guarded: object, opened: object, expected: bool) -> None:
    audited = estate(
        [{**GUARD, "Resource": guarded}, statement(resource=opened)],
        methods={"GET": "AWS_IAM", "POST": "AWS_IAM", "GET admin": "AWS_IAM"},
        stages=["live", "test"],
    )
    found = of_policy("guards_all_it_opens", audited)
    assert found == [expected]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ([OPEN, statement(condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})], [False]),
        ([OPEN, GUARD, statement(condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})], [True]),
        ([statement(condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})], [True]),
        ([OPEN], []),
        ([OPEN, statement(Principal={"AWS": FOREIGN})], []),
    ],
)
def test_conditions_that_keep_nobody_out(policy: list[Written], expected: list[bool | None]) -> None:
    assert of_policy("keeps_its_conditions", estate(policy, methods={"GET": "NONE"})) == expected


@pytest.mark.parametrize(
    ("policy", "methods", "expected"),
    [
        ([statement(Principal={"AWS": ROLE})], {"GET": "AWS_IAM"}, [False]),
        ([statement(condition={"ArnLike": {"aws:PrincipalArn": ROLE + "*"}})], {"GET": "AWS_IAM"}, [False]),
        ([statement(Principal={"AWS": FOREIGN})], {"GET": "AWS_IAM"}, []),
        ([statement(Principal={"AWS": [ROLE, FOREIGN]})], {"GET": "AWS_IAM"}, []),
        ([statement(Principal={"AWS": ACCOUNT})], {"GET": "AWS_IAM"}, []),
        ([statement(Principal={"AWS": ROLE}), GUARD], {"GET": "AWS_IAM"}, [True]),
        ([statement(Principal={"AWS": ROLE}), OPEN], {"GET": "AWS_IAM"}, []),
        ([statement(Principal={"AWS": ROLE})], {"GET": "AWS_IAM", "POST": "NONE"}, []),
    ],
)
def test_an_allow_restricts_nobody(
    policy: list[Written], methods: Mapping[str, str], expected: list[bool | None]
) -> None:
    assert of_policy("restricts", estate(policy, methods=methods)) == expected


@pytest.mark.parametrize(
    ("policy", "methods", "expected"),
    [
        ([GUARD], {"GET": "AWS_IAM"}, []),
        ([GUARD], {"GET": "CUSTOM"}, []),
        ([GUARD], {"GET": "NONE"}, [False]),
        ([GUARD], {"GET": "COGNITO_USER_POOLS"}, [False]),
        ([statement(resource="execute-api:/live/GET/")], {"GET": "NONE", "POST": "NONE"}, [True]),
        ([statement(resource="execute-api:/live/GET/")], {"GET": "NONE", "POST": "COGNITO_USER_POOLS"}, [False]),
        ([statement(resource="execute-api:/live/*/")], {"GET": "NONE", "POST": "COGNITO_USER_POOLS"}, [True]),
        ([statement(resource="execute-api:/live/GET/7")], {"GET {id}": "COGNITO_USER_POOLS"}, [True]),
    ],
)
def test_methods_that_only_the_policy_can_open(
    policy: list[Written], methods: Mapping[str, str], expected: list[bool | None]
) -> None:
    assert of_policy("lets_somebody_in", estate(policy, methods=methods)) == expected


@pytest.mark.parametrize(
    ("policy", "methods", "expected"),
    [
        ([OPEN], {"GET": "CUSTOM"}, [False]),
        ([OPEN, GUARD], {"GET": "CUSTOM"}, [True]),
        ([OPEN], {"GET": "NONE"}, []),
        ([statement(resource="execute-api:/live/POST/*")], {"GET": "CUSTOM"}, [True]),
    ],
)
def test_what_an_authorizer_is_silent_about(
    policy: list[Written], methods: Mapping[str, str], expected: list[bool | None]
) -> None:
    assert of_policy("leaves_it_to_the_authorizer", estate(policy, methods=methods)) == expected


def test_methods_that_are_not_seen_leave_it_open() -> None:
    audited = estate(
        [GUARD, OPEN, statement(condition={"Bool": {"aws:SecureTransport": "true"}})],
        Body={"paths": {"Ref": "AWS::StackName"}},
    )
    for word in ("tells_callers_apart", "keeps_its_conditions"):
        assert of_policy(word, audited) == [None]
    assert of_policy("guards_all_it_opens", audited) == [True]  # Whatever the methods are, the Deny reaches them.
    narrow = estate([{**GUARD, "Resource": "execute-api:/live/*"}, OPEN], Body={"paths": {"Ref": "AWS::StackName"}})
    assert of_policy("guards_all_it_opens", narrow) == [None]


def test_a_policy_that_is_not_read_is_told_of_once() -> None:
    audited = estate([OPEN], Body={"x-amazon-apigateway-policy": {"Statement": []}})
    words = ("tells_callers_apart", "guards_all_it_opens", "keeps_its_conditions", "restricts", "fits_the_quota")
    assert [of_policy(word, audited) for word in words] == [[], [], [None], [], []]


def test_an_open_authorization_type_leaves_it_open() -> None:
    audited = estate([GUARD, OPEN], methods={"GET": "AWS_IAM", "POST": {"Ref": "AWS::StackName"}})  # type: ignore[dict-item]
    assert of_policy("tells_callers_apart", audited) == [None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Deployment", [False]),
        ("ApiDeploymentFeed", [False]),
        ("Deployment2", [True]),
        ("ApiGatewayDeployment1559821342398", [True]),
        ("ApiDeploymentaf3c1f9e2d", [True]),
        ("ApiDeployment149F02A9cd8e4ea7d7f2c43a9d0f4e1ba6c13bfe", [True]),
    ],
)
def test_names_of_deployments(name: str, expected: list[bool | None]) -> None:
    api = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Policy": {"Statement": [OPEN]}}}
    deployed = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}}
    assert of_policy("takes_effect", system(json.dumps({"Resources": {"Api": api, name: deployed}}))) == expected
    twice = {"Api": api, name: deployed, "Other": deployed}
    assert of_policy("takes_effect", system(json.dumps({"Resources": twice}))) == []
    elsewhere = system(json.dumps({"Resources": {"Api": api}}))
    assert of_policy("takes_effect", elsewhere) == []


def test_statements_of_one_resource_are_told_apart() -> None:
    audited = estate([GUARD, OPEN], identity=[{"Sid": "S", "Effect": "Allow", "Action": "*", "Resource": "*"}])
    labels = [one.label for one in statements.every(audited)]
    assert len(set(labels)) == len(labels) == 4
    assert "`S` of `Role/P`" in labels


def test_what_a_workflow_proves_is_not_asked_again() -> None:
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Definition": {"StartAt": "A", "States": {}}},
    }
    document = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{START}/"}]}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Statement": []},
            "Policies": [{"PolicyName": "P", "PolicyDocument": document}],
        },
    }
    for resources, proven in (({"Role": role}, False), ({"Role": role, "Machine": machine}, True)):
        (one,) = statements.every(system(json.dumps({"Resources": resources})))
        assert (one.is_proven, one.is_closed) == (proven, False)


def test_a_great_policy_takes_no_more_than_its_share_of_time() -> None:
    many = [
        statement("Deny", f"execute-api:/live/GET/{at}", {"ArnNotEquals": {"aws:PrincipalArn": ROLE}})
        for at in range(900)
    ]
    service = [
        statement(resource=f"execute-api:/live/POST/{at}", Principal={"Service": "x.amazonaws.com"})
        for at in range(900)
    ]
    braces = [f"{START}/live/GET/{{id}}/{at}" for at in range(900)]
    audited = estate(
        [*many, *service, OPEN],
        identity=[{"Effect": "Allow", "Action": "*", "Resource": [*braces, f"{START}/*"]}],
        methods={f"ANY p{at}": "AWS_IAM" for at in range(60)},
    )
    start = time.process_time()
    assert of_statement("spares_services", "rest-api", audited) == [None] * len(many)
    assert of_statement("has_no_braces", "identity", audited) == [None]
    assert of_policy("guards_all_it_opens", audited) == [None]
    assert of_policy("fits_the_quota", audited) == [False]
    assert time.process_time() - start < 3
