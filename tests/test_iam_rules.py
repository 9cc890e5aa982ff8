"""The rules that policy evaluators get wrong, each with AWS's page: one table, one row a question."""

from typing import Any

import pytest
from iam_cases import (
    ACCOUNT,
    ANONYMOUS,
    EVERYTHING,
    FEDERATED,
    NOTHING,
    OBJECT,
    OTHER,
    ROLE,
    ROOT,
    SERVICE,
    SESSION,
    USER,
    allow,
    decide,
    deny,
    document,
)

from policy_audit.iam.request import Caller

ALLOWED, IMPLICIT, EXPLICIT, UNDECIDED = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied", "Undecided"

LOGIC = "IAM, How AWS enforcement code logic evaluates requests to allow or deny access"
CROSS = "IAM, Cross-account policy evaluation logic"
BOUNDARIES = "IAM, Permissions boundaries for IAM entities"
PRINCIPAL = "IAM, AWS JSON policy elements: Principal"
NOT_PRINCIPAL = "IAM, AWS JSON policy elements: NotPrincipal"
RESOURCE = "IAM, IAM JSON policy elements: Resource"
NOT_RESOURCE = "IAM, IAM JSON policy elements: NotResource"
ACTION = "IAM, IAM JSON policy elements: Action"
VARIABLES = "IAM, IAM policy elements: Variables and tags"
OPERATORS = "IAM, IAM JSON policy elements: Condition operators"
SETS = "IAM, Set operators for multivalued context keys"
SEVERAL = "IAM, Conditions with multiple context keys or values"
SCPS = "Organizations, SCP evaluation"
RCPS = "Organizations, Resource control policies"
ENDPOINTS = "AWS PrivateLink, Control access to VPC endpoints using endpoint policies"
API_GATEWAY = "API Gateway, How API Gateway resource policies affect authorization workflow"
KMS = "KMS, Key policies in AWS KMS"
STS = "STS, GetCallerIdentity"
POLICY_CHECKS = "IAM, IAM Access Analyzer policy check reference: Allow with NotPrincipal"
EMPTY_ARRAY = "IAM, IAM Access Analyzer policy check reference: Empty array action, Empty array resource"
UNDOCUMENTED = "no page says; as public evaluators have it"

ACCOUNT_PRINCIPAL = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ROLE_PRINCIPAL = {"AWS": ROLE.arn}
SESSION_PRINCIPAL = {"AWS": SESSION.arn}
USER_PRINCIPAL = {"AWS": USER.arn}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"
TARGET = f"arn:aws:iam::{ACCOUNT}:role/target"
FOREIGN_TARGET = f"arn:aws:iam::{OTHER}:role/target"
METHOD = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:abcdefghij/prod/GET/orders"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/prod-orders"
LINKED = Caller("role", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX")
LINKED_BY_NAME = Caller("role", f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForX")
LINKED_SESSION = Caller("session", f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/s")
FOREIGN_ROOT = Caller("root", f"arn:aws:iam::{OTHER}:root")
PROVIDER = Caller("federated", f"arn:aws:iam::{ACCOUNT}:saml-provider/corp")


def to(principal: object, *statements: dict[str, Any]) -> Any:
    """A resource policy that allows everything to `principal`, with further statements."""
    return document(allow(Principal=principal), *statements)


def when(operator: str, key: str, values: object) -> Any:
    """An identity policy that allows everything under one condition."""
    return document(allow(Condition={operator: {key: values}}))


def unless(operator: str, key: str, values: object) -> Any:
    """An identity policy that allows everything and denies it under one condition."""
    return document(allow(), deny(Condition={operator: {key: values}}))


def trusting(principal: object) -> Any:
    return document(allow("sts:AssumeRole", None, Principal=principal))


assume: dict[str, Any] = {"action": "sts:AssumeRole", "resource": TARGET, "authorization": "trust"}
invoke: dict[str, Any] = {"action": "execute-api:Invoke", "resource": METHOD}
by_iam: dict[str, Any] = {**invoke, "authorization": "api-gateway-iam"}
by_none: dict[str, Any] = {**invoke, "authorization": "api-gateway-none"}
on_key: dict[str, Any] = {"action": "kms:Decrypt", "resource": KEY, "authorization": "kms"}

RULES: list[tuple[int, str, str, dict[str, Any]]] = [
    # -- combining policies
    (1, LOGIC, EXPLICIT, {"identity": EVERYTHING, "scps": ((document(allow(), deny()),),)}),
    (1, LOGIC, EXPLICIT, {"identity": EVERYTHING, "resource_policy": to("*", deny(Principal="*"))}),
    (1, LOGIC, EXPLICIT, {"identity": EVERYTHING, "boundary": document(allow(), deny())}),
    (1, LOGIC, EXPLICIT, {"identity": EVERYTHING, "session": document(allow(), deny())}),
    (1, LOGIC, EXPLICIT, {"identity": EVERYTHING, "rcps": ((document(deny(Principal="*")),),)}),
    (1, LOGIC, EXPLICIT, {"identity": document(deny()), "resource_policy": to("*")}),
    (2, SCPS, ALLOWED, {"identity": EVERYTHING, "scps": ((EVERYTHING,), (EVERYTHING,))}),
    (2, SCPS, IMPLICIT, {"identity": EVERYTHING, "scps": ((EVERYTHING,), (NOTHING,))}),
    (2, SCPS, IMPLICIT, {"identity": EVERYTHING, "scps": ((EVERYTHING,), ())}),
    (2, SCPS, ALLOWED, {"identity": EVERYTHING, "scps": ((NOTHING, EVERYTHING),)}),
    (2, SCPS, ALLOWED, {"identity": EVERYTHING, "scps": None}),
    (2, SCPS, ALLOWED, {"identity": EVERYTHING, "scps": ()}),
    (3, RCPS, ALLOWED, {"identity": EVERYTHING, "rcps": ((), (NOTHING,))}),
    (3, RCPS, IMPLICIT, {"rcps": ((document(allow(Principal="*")),),)}),
    (4, LOGIC, ALLOWED, {"identity": EVERYTHING}),
    (4, LOGIC, ALLOWED, {"resource_policy": to("*")}),
    (4, CROSS, IMPLICIT, {"identity": EVERYTHING, "owner": OTHER}),
    (4, CROSS, IMPLICIT, {"resource_policy": to("*"), "owner": OTHER}),
    (4, CROSS, ALLOWED, {"identity": EVERYTHING, "resource_policy": to("*"), "owner": OTHER}),
    (5, PRINCIPAL, IMPLICIT, {"resource_policy": to(ACCOUNT_PRINCIPAL)}),
    (5, PRINCIPAL, IMPLICIT, {"resource_policy": to({"AWS": ACCOUNT})}),
    (5, PRINCIPAL, ALLOWED, {"identity": EVERYTHING, "resource_policy": to({"AWS": ACCOUNT}), "owner": OTHER}),
    (5, PRINCIPAL, IMPLICIT, {"resource_policy": to(ACCOUNT_PRINCIPAL), "owner": OTHER}),
    (5, PRINCIPAL, EXPLICIT, {"identity": EVERYTHING, "resource_policy": document(deny(Principal=ACCOUNT_PRINCIPAL))}),
    (6, BOUNDARIES, ALLOWED, {"caller": USER, "boundary": NOTHING, "resource_policy": to(USER_PRINCIPAL)}),
    (6, BOUNDARIES, ALLOWED, {"caller": SESSION, "boundary": NOTHING, "resource_policy": to(SESSION_PRINCIPAL)}),
    (6, BOUNDARIES, IMPLICIT, {"boundary": NOTHING, "resource_policy": to(ROLE_PRINCIPAL)}),
    (6, BOUNDARIES, IMPLICIT, {"caller": SESSION, "boundary": NOTHING, "resource_policy": to(ROLE_PRINCIPAL)}),
    (6, BOUNDARIES, ALLOWED, {"boundary": EVERYTHING, "resource_policy": to(ROLE_PRINCIPAL)}),
    (6, BOUNDARIES, EXPLICIT, {"caller": USER, "boundary": document(deny()), "resource_policy": to(USER_PRINCIPAL)}),
    (
        6,
        BOUNDARIES,
        ALLOWED,
        {
            "boundary": NOTHING,
            "resource_policy": document(
                allow(Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE.arn}}),
            ),
        },
    ),
    (6, UNDOCUMENTED, UNDECIDED, {"boundary": NOTHING, "resource_policy": to("*")}),
    (7, LOGIC, ALLOWED, {"caller": SESSION, "session": NOTHING, "resource_policy": to(SESSION_PRINCIPAL)}),
    (7, LOGIC, IMPLICIT, {"caller": SESSION, "session": NOTHING, "resource_policy": to(ROLE_PRINCIPAL)}),
    (7, LOGIC, IMPLICIT, {"caller": SESSION, "session": NOTHING, "identity": EVERYTHING}),
    (
        8,
        CROSS,
        IMPLICIT,
        {
            "caller": USER,
            "identity": EVERYTHING,
            "boundary": NOTHING,
            "resource_policy": to(USER_PRINCIPAL),
            "owner": OTHER,
        },
    ),
    (
        8,
        CROSS,
        IMPLICIT,
        {
            "caller": SESSION,
            "identity": EVERYTHING,
            "session": NOTHING,
            "resource_policy": to(SESSION_PRINCIPAL),
            "owner": OTHER,
        },
    ),
    (9, KMS, IMPLICIT, {**on_key, "identity": EVERYTHING}),
    (9, KMS, IMPLICIT, {**on_key, "identity": EVERYTHING, "resource_policy": to(USER_PRINCIPAL)}),
    (9, KMS, ALLOWED, {**on_key, "identity": EVERYTHING, "resource_policy": to(ACCOUNT_PRINCIPAL)}),
    (9, KMS, IMPLICIT, {**on_key, "resource_policy": to(ACCOUNT_PRINCIPAL)}),
    (9, KMS, ALLOWED, {**on_key, "resource_policy": to(ROLE_PRINCIPAL)}),
    (9, KMS, ALLOWED, {"action": "kms:ListKeys", "resource": "*", "identity": EVERYTHING}),
    (9, LOGIC, IMPLICIT, {**assume, "identity": EVERYTHING}),
    (9, LOGIC, ALLOWED, {**assume, "resource_policy": trusting(ROLE_PRINCIPAL)}),
    (9, LOGIC, IMPLICIT, {**assume, "resource_policy": trusting(ACCOUNT_PRINCIPAL)}),
    (9, LOGIC, ALLOWED, {**assume, "identity": EVERYTHING, "resource_policy": trusting(ACCOUNT_PRINCIPAL)}),
    (9, LOGIC, ALLOWED, {**assume, "caller": SERVICE, "resource_policy": trusting({"Service": SERVICE.arn})}),
    (9, LOGIC, IMPLICIT, {**assume, "caller": SERVICE, "resource_policy": trusting({"Service": "x.amazonaws.com"})}),
    (9, LOGIC, ALLOWED, {**assume, "caller": PROVIDER, "resource_policy": trusting({"Federated": PROVIDER.arn})}),
    (
        9,
        LOGIC,
        IMPLICIT,
        {**assume, "resource": FOREIGN_TARGET, "owner": OTHER, "resource_policy": trusting(ROLE_PRINCIPAL)},
    ),
    (
        10,
        NOT_PRINCIPAL,
        EXPLICIT,
        {
            "caller": USER,
            "identity": EVERYTHING,
            "boundary": EVERYTHING,
            "resource_policy": document(deny(NotPrincipal={"AWS": [USER.arn, f"arn:aws:iam::{ACCOUNT}:root"]})),
        },
    ),
    (11, SCPS, IMPLICIT, {"caller": ROOT, "scps": ((NOTHING,),)}),
    (11, SCPS, EXPLICIT, {"caller": ROOT, "scps": ((document(allow(), deny()),),)}),
    (11, SCPS, ALLOWED, {"caller": SERVICE, "resource_policy": to({"Service": SERVICE.arn}), "scps": ((NOTHING,),)}),
    (11, SCPS, ALLOWED, {"caller": LINKED, "identity": EVERYTHING, "scps": ((document(deny()),),)}),
    (11, RCPS, ALLOWED, {"caller": LINKED, "identity": EVERYTHING, "rcps": ((document(deny(Principal="*")),),)}),
    (11, RCPS, EXPLICIT, {"caller": ROOT, "rcps": ((document(deny(Principal="*")),),)}),
    (
        11,
        RCPS,
        EXPLICIT,
        {"caller": ANONYMOUS, "resource_policy": to("*"), "rcps": ((document(deny(Principal="*")),),)},
    ),
    (11, RCPS, ALLOWED, {**by_iam, "identity": EVERYTHING, "rcps": ((document(deny(Principal="*")),),)}),
    (
        11,
        "KMS, Resource control policies in AWS KMS",
        ALLOWED,
        {
            **on_key,
            "action": "kms:RetireGrant",
            "resource_policy": to(ROLE_PRINCIPAL),
            "rcps": ((document(deny(Principal="*")),),),
        },
    ),
    (12, UNDOCUMENTED, IMPLICIT, {"caller": LINKED_BY_NAME, "identity": EVERYTHING, "scps": ((NOTHING,),)}),
    (12, UNDOCUMENTED, UNDECIDED, {"caller": LINKED_SESSION, "identity": EVERYTHING, "scps": ((NOTHING,),)}),
    (12, UNDOCUMENTED, UNDECIDED, {"caller": LINKED_SESSION, "identity": EVERYTHING, "scps": ((document(deny()),),)}),
    (13, LOGIC, IMPLICIT, {"caller": SERVICE, "identity": EVERYTHING}),
    (13, LOGIC, ALLOWED, {"caller": SERVICE, "resource_policy": to({"Service": SERVICE.arn}), "owner": OTHER}),
    (13, LOGIC, ALLOWED, {"caller": ANONYMOUS, "resource_policy": to("*")}),
    (13, LOGIC, IMPLICIT, {"caller": ANONYMOUS, "resource_policy": to(ACCOUNT_PRINCIPAL)}),
    (14, ENDPOINTS, IMPLICIT, {"identity": EVERYTHING, "endpoint": document(allow())}),
    (14, ENDPOINTS, ALLOWED, {"identity": EVERYTHING, "endpoint": to("*")}),
    (14, ENDPOINTS, ALLOWED, {"identity": EVERYTHING, "endpoint": None}),
    (14, ENDPOINTS, IMPLICIT, {"caller": ANONYMOUS, "resource_policy": to("*"), "endpoint": to(ROLE_PRINCIPAL)}),
    (14, ENDPOINTS, IMPLICIT, {"endpoint": to("*")}),
    (15, API_GATEWAY, ALLOWED, {**by_iam, "identity": EVERYTHING}),
    (15, API_GATEWAY, ALLOWED, {**by_iam, "resource_policy": to("*")}),
    (15, API_GATEWAY, IMPLICIT, {**by_iam, "resource_policy": NOTHING}),
    (15, API_GATEWAY, EXPLICIT, {**by_iam, "identity": EVERYTHING, "resource_policy": document(deny(Principal="*"))}),
    (15, API_GATEWAY, IMPLICIT, {**by_iam, "identity": EVERYTHING, "resource_policy": NOTHING, "owner": OTHER}),
    (15, API_GATEWAY, IMPLICIT, {**by_iam, "resource_policy": to("*"), "owner": OTHER}),
    (15, API_GATEWAY, ALLOWED, {**by_iam, "identity": EVERYTHING, "resource_policy": to("*"), "owner": OTHER}),
    (15, API_GATEWAY, IMPLICIT, {**by_iam, "caller": ANONYMOUS, "resource_policy": to("*")}),
    (15, API_GATEWAY, ALLOWED, {**by_none, "caller": ANONYMOUS}),
    (15, API_GATEWAY, ALLOWED, {**by_none, "identity": document(deny())}),
    (15, API_GATEWAY, IMPLICIT, {**by_none, "identity": EVERYTHING, "resource_policy": NOTHING}),
    (
        15,
        API_GATEWAY,
        IMPLICIT,
        {**by_none, "caller": ANONYMOUS, "resource_policy": document(deny(Principal="nobody"))},
    ),
    (15, API_GATEWAY, ALLOWED, {**by_none, "resource_policy": to("*")}),
    (
        15,
        API_GATEWAY,
        EXPLICIT,
        {
            **by_none,
            "caller": ANONYMOUS,
            "resource_policy": to(
                "*", deny(Principal="*", Condition={"StringNotEquals": {"aws:PrincipalArn": ROLE.arn}})
            ),
        },
    ),
    (
        15,
        "API Gateway, API Gateway resource policy examples",
        ALLOWED,
        {**by_none, "resource_policy": document(allow("execute-api:Invoke", "execute-api:/prod/GET/*", Principal="*"))},
    ),
    (
        15,
        "API Gateway, API Gateway resource policy examples",
        IMPLICIT,
        {**by_none, "resource_policy": document(allow("execute-api:Invoke", "execute-api:/GET/*", Principal="*"))},
    ),
    (16, STS, ALLOWED, {"action": "sts:GetCallerIdentity", "resource": "*", "identity": document(deny())}),
    (16, LOGIC, ALLOWED, {"caller": ROOT}),
    (16, LOGIC, ALLOWED, {"caller": ROOT, "boundary": NOTHING}),
    (16, CROSS, IMPLICIT, {"caller": FOREIGN_ROOT}),
    (
        17,
        UNDOCUMENTED,
        EXPLICIT,
        {**assume, "identity": EVERYTHING, "resource_policy": document(deny("sts:AssumeRole", None, Principal="*"))},
    ),
    # -- actions and resources
    (18, ACTION, ALLOWED, {"identity": document(allow("S3:getOBJECT"))}),
    (18, ACTION, ALLOWED, {"identity": document(allow("s3:*Object"))}),
    (18, ACTION, IMPLICIT, {"identity": document(allow("*:GetObject"))}),
    (18, ACTION, IMPLICIT, {"identity": document(allow("s?:GetObject"))}),
    (18, ACTION, ALLOWED, {"identity": document(allow("*"))}),
    (19, UNDOCUMENTED, IMPLICIT, {"identity": document(allow(["s3: GetObject", "s3:", "s3:Get*,s3:Put*", "s3"]))}),
    (19, UNDOCUMENTED, ALLOWED, {"identity": document(allow(None, NotAction=["s3: GetObject", "s3:", "s3:Get*,x"]))}),
    (19, EMPTY_ARRAY, IMPLICIT, {"identity": document(allow([]))}),
    (19, EMPTY_ARRAY, IMPLICIT, {"identity": document(allow("*", []))}),
    # "When the element is empty, the policy statement provides no permissions", against what `NotAction` says
    (19, EMPTY_ARRAY, UNDECIDED, {"identity": document(allow(None, NotAction=[]))}),
    (19, EMPTY_ARRAY, UNDECIDED, {"identity": document(allow("*", None, NotResource=[]))}),
    (19, EMPTY_ARRAY, UNDECIDED, {"identity": document(allow(), deny(None, NotAction=[]))}),
    (19, EMPTY_ARRAY, UNDECIDED, {"identity": EVERYTHING, "resource_policy": document(deny(NotPrincipal={"AWS": []}))}),
    (20, NOT_RESOURCE, IMPLICIT, {"identity": document(allow("*", None, NotResource=["arn:aws:s3:::x/*", OBJECT]))}),
    (20, NOT_RESOURCE, ALLOWED, {"identity": document(allow("*", None, NotResource=["arn:aws:s3:::x", "arn:a:b"]))}),
    (20, NOT_RESOURCE, IMPLICIT, {"identity": document(allow(None, NotAction=["ec2:*", "s3:*"]))}),
    (
        21,
        RESOURCE,
        ALLOWED,
        {"identity": document(allow("*", "arn:aws:s3:::b/*/t/*")), "resource": "arn:aws:s3:::b/1/2/t/x"},
    ),
    (
        21,
        RESOURCE,
        ALLOWED,
        {"identity": document(allow("*", "arn:aws:s3:::b/*/t/*")), "resource": "arn:aws:s3:::b//t/"},
    ),
    (
        21,
        RESOURCE,
        IMPLICIT,
        {"identity": document(allow("*", "arn:aws:s3:::b/*/t/*")), "resource": "arn:aws:s3:::b/t/x"},
    ),
    (22, RESOURCE, ALLOWED, {"identity": document(allow("*", "arn:aws:dynamodb:*:table/prod-*")), "resource": TABLE}),
    (
        22,
        RESOURCE,
        IMPLICIT,
        {"identity": document(allow("*", "arn:aws:dyn*b:eu-west-1")), "resource": "arn:aws:dyn:b:eu-west-1"},
    ),
    (
        22,
        OPERATORS,
        IMPLICIT,
        {
            "identity": when("ArnLike", "aws:SourceArn", "arn:aws:dynamodb:*:table/prod-*"),
            "context": {"aws:sourcearn": TABLE},
        },
    ),
    (
        23,
        "IAM, IAM ARNs",
        UNDECIDED,
        {"action": "iam:GetUser", "resource": USER.arn, "identity": document(allow("*", f"arn:aws:iam::{ACCOUNT}:u*"))},
    ),
    (
        23,
        "IAM, IAM ARNs",
        EXPLICIT,
        {
            "action": "iam:GetUser",
            "resource": USER.arn,
            "identity": document(allow(), deny("*", f"arn:aws:iam::{ACCOUNT}:u*")),
        },
    ),
    (24, UNDOCUMENTED, ALLOWED, {"identity": document(allow("*", "arn:aws:s3"))}),
    (24, UNDOCUMENTED, IMPLICIT, {"resource_policy": document(allow("*", "arn:aws:s3", Principal="*"))}),
    (24, UNDOCUMENTED, ALLOWED, {"resource_policy": document(allow("*", "arn:aws:s*", Principal="*"))}),
    (24, UNDOCUMENTED, IMPLICIT, {"identity": EVERYTHING, "scps": ((document(allow("*", "arn:aws:s3")),),)}),
    (
        24,
        UNDOCUMENTED,
        IMPLICIT,
        {"identity": EVERYTHING, "scps": ((document(allow("*", "arn:*:key")),),), "resource": f"{OBJECT}:key"},
    ),
    (24, UNDOCUMENTED, ALLOWED, {"identity": EVERYTHING, "scps": ((document(allow("*", "arn:aws:s*")),),)}),
    (
        24,
        UNDOCUMENTED,
        UNDECIDED,
        {"identity": EVERYTHING, "rcps": ((document(deny("*", "arn:aws:s3", Principal="*")),),)},
    ),
    (
        25,
        RESOURCE,
        IMPLICIT,
        {"action": "s3:ListAllMyBuckets", "resource": "*", "identity": document(allow("*", OBJECT))},
    ),
    (25, RESOURCE, ALLOWED, {"action": "s3:ListAllMyBuckets", "resource": "*", "identity": EVERYTHING}),
    (
        25,
        NOT_RESOURCE,
        EXPLICIT,
        {
            "action": "s3:ListAllMyBuckets",
            "resource": "*",
            "identity": document(allow(), deny("*", None, NotResource=OBJECT)),
        },
    ),
    (26, OPERATORS, IMPLICIT, {"identity": document(allow("*", "arn:aws:s3:::bucket/[k]ey"))}),
    (26, OPERATORS, IMPLICIT, {"identity": document(allow("*", "arn:aws:s3:::bucket/ke."))}),
    (
        27,
        UNDOCUMENTED,
        ALLOWED,
        {"resource": "arn:aws:s3:::b/x*", "identity": document(allow("*", "arn:aws:s3:::b/*"))},
    ),
    (
        27,
        UNDOCUMENTED,
        UNDECIDED,
        {"resource": "arn:aws:s3:::b/*", "identity": document(allow("*", "arn:aws:s3:::b/x*"))},
    ),
    (
        27,
        UNDOCUMENTED,
        IMPLICIT,
        {"resource": "arn:aws:s3:::b/*", "identity": document(allow("*", "arn:aws:s3:::c/*"))},
    ),
    (
        27,
        UNDOCUMENTED,
        UNDECIDED,
        {"resource": "arn:aws:s3:::b/*", "identity": document(allow(), deny("*", "arn:aws:s3:::b/x*"))},
    ),
    # -- variables
    (
        28,
        VARIABLES,
        IMPLICIT,
        {
            "caller": USER,
            "identity": document(allow("*", "arn:aws:s3:::bucket/${aws:username}"), version=None),
            "resource": "arn:aws:s3:::bucket/ana",
        },
    ),
    (
        28,
        VARIABLES,
        ALLOWED,
        {
            "caller": USER,
            "identity": document(allow("*", "arn:aws:s3:::bucket/${aws:username}"), version=None),
            "resource": "arn:aws:s3:::bucket/${aws:username}",
        },
    ),
    (
        28,
        VARIABLES,
        ALLOWED,
        {
            "caller": USER,
            "identity": document(allow("*", "arn:aws:s3:::bucket/${aws:UserName}")),
            "resource": "arn:aws:s3:::bucket/ana",
        },
    ),
    (
        29,
        VARIABLES,
        IMPLICIT,
        {
            "identity": document(allow("*", "arn:aws:dynamodb:${aws:RequestedRegion}:*:table/x")),
            "resource": "arn:aws:dynamodb:eu-west-1:1:table/x",
            "context": {"aws:requestedregion": "eu-west-1"},
        },
    ),
    (
        29,
        VARIABLES,
        IMPLICIT,
        {"identity": when("NumericEquals", "s3:max-keys", "${test:n}"), "context": {"s3:max-keys": "5", "test:n": "5"}},
    ),
    (
        30,
        VARIABLES,
        IMPLICIT,
        {"identity": when("StringEquals", "test:key", "${aws:PrincipalTag/team}"), "context": {"test:key": "x"}},
    ),
    (
        30,
        VARIABLES,
        EXPLICIT,
        {"identity": unless("StringNotEquals", "test:key", "${aws:PrincipalTag/team}"), "context": {"test:key": "x"}},
    ),
    (30, VARIABLES, IMPLICIT, {"identity": document(allow("*", "arn:aws:s3:::bucket/${aws:PrincipalTag/team}*"))}),
    (
        30,
        VARIABLES,
        ALLOWED,
        {"identity": document(allow("*", None, NotResource="arn:aws:s3:::bucket/${aws:username}*"))},
    ),
    (
        31,
        VARIABLES,
        IMPLICIT,
        {
            "identity": when("StringLike", "test:key", "${aws:TagKeys}"),
            "context": {"test:key": "a", "aws:tagkeys": ("a",)},
        },
    ),
    (
        31,
        VARIABLES,
        IMPLICIT,
        {"identity": when("StringLike", "test:key", "${test:v}"), "context": {"test:key": "abc", "test:v": "a*"}},
    ),
    (
        31,
        VARIABLES,
        ALLOWED,
        {"identity": when("StringLike", "test:key", "${test:v}"), "context": {"test:key": "a*", "test:v": "a*"}},
    ),
    (31, VARIABLES, ALLOWED, {"identity": when("StringLike", "test:key", "a${*}b*"), "context": {"test:key": "a*bc"}}),
    (31, VARIABLES, IMPLICIT, {"identity": when("StringLike", "test:key", "a${*}b*"), "context": {"test:key": "axbc"}}),
    (
        31,
        VARIABLES,
        ALLOWED,
        {
            "identity": when("StringEquals", "test:key", "${test:v, 'none at all'}"),
            "context": {"test:key": "none at all"},
        },
    ),
    # -- conditions
    (32, OPERATORS, IMPLICIT, {"identity": when("StringEquals", "test:key", "x")}),
    (32, OPERATORS, ALLOWED, {"identity": when("StringNotEquals", "test:key", "x")}),
    (32, OPERATORS, ALLOWED, {"identity": when("StringEqualsIfExists", "test:key", "x")}),
    (33, OPERATORS, EXPLICIT, {"identity": unless("StringNotEqualsIfExists", "test:key", "x")}),
    (34, SEVERAL, ALLOWED, {"identity": when("StringEquals", "test:key", ["x", "y"]), "context": {"test:key": "y"}}),
    (
        34,
        SEVERAL,
        IMPLICIT,
        {"identity": when("StringNotEquals", "test:key", ["x", "y"]), "context": {"test:key": "y"}},
    ),
    (
        34,
        SEVERAL,
        IMPLICIT,
        {
            "identity": document(allow(Condition={"StringEquals": {"test:a": "1", "test:b": "2"}})),
            "context": {"test:a": "1", "test:b": "3"},
        },
    ),
    (
        34,
        SEVERAL,
        IMPLICIT,
        {
            "identity": document(allow(Condition={"StringEquals": {"test:a": "1"}, "StringLike": {"test:b": "2*"}})),
            "context": {"test:a": "1", "test:b": "3"},
        },
    ),
    (
        35,
        SETS,
        IMPLICIT,
        {"identity": when("ForAllValues:StringNotEquals", "test:key", ["x"]), "context": {"test:key": ("x", "y")}},
    ),
    (
        35,
        SETS,
        ALLOWED,
        {"identity": when("ForAnyValue:StringNotEquals", "test:key", ["x"]), "context": {"test:key": ("x", "y")}},
    ),
    (36, SETS, ALLOWED, {"identity": when("ForAllValues:StringEquals", "aws:TagKeys", ["x"])}),
    (
        36,
        SETS,
        IMPLICIT,
        {
            "identity": document(
                allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "x"}, "Null": {"aws:TagKeys": "false"}})
            )
        },
    ),
    (36, SETS, EXPLICIT, {"identity": unless("ForAllValues:StringEquals", "aws:TagKeys", ["x"])}),
    (37, OPERATORS, ALLOWED, {"identity": when("Null", "test:key", ["true", "false"])}),
    (37, UNDOCUMENTED, UNDECIDED, {"identity": when("ForAllValues:Null", "test:key", "true")}),
    (37, UNDOCUMENTED, UNDECIDED, {"identity": unless("ForAnyValue:Null", "test:key", "true")}),
    (38, SETS, ALLOWED, {"identity": when("Null", "test:key", "true"), "context": {"test:key": ""}}),
    (38, SETS, ALLOWED, {"identity": when("Null", "test:key", "true"), "context": {"test:key": ()}}),
    (39, SETS, IMPLICIT, {"identity": when("StringEquals", "aws:TagKeys", "x"), "context": {"aws:tagkeys": ("x",)}}),
    (40, UNDOCUMENTED, UNDECIDED, {"identity": when("ForAnyValue:StringEqualsIfExists", "test:key", "x")}),
    (40, UNDOCUMENTED, EXPLICIT, {"identity": unless("ForAnyValue:StringEqualsIfExists", "test:key", "x")}),
    (
        41,
        OPERATORS,
        ALLOWED,
        {"identity": when("StringEquals", "AWS:resourcetag/Team", "x"), "context": {"aws:resourcetag/team": "x"}},
    ),
    (
        41,
        OPERATORS,
        IMPLICIT,
        {"identity": when("ForAnyValue:StringEquals", "aws:TagKeys", "team"), "context": {"aws:tagkeys": ("Team",)}},
    ),
    (42, UNDOCUMENTED, ALLOWED, {"identity": when("Bool", "test:key", "false"), "context": {"test:key": "asdf"}}),
    (42, OPERATORS, EXPLICIT, {"identity": unless("BoolIfExists", "aws:MultiFactorAuthPresent", "false")}),
    (
        43,
        OPERATORS,
        ALLOWED,
        {"identity": when("DateGreaterThan", "test:key", "2020"), "context": {"test:key": "1600000000"}},
    ),
    (44, OPERATORS, ALLOWED, {"identity": when("NumericEquals", "test:key", 10), "context": {"test:key": "10.0"}}),
    (44, OPERATORS, IMPLICIT, {"identity": when("NumericEquals", "test:key", "12"), "context": {"test:key": "12abc"}}),
    (44, OPERATORS, ALLOWED, {"identity": when("Bool", "test:key", True), "context": {"test:key": "true"}}),
    (
        45,
        OPERATORS,
        ALLOWED,
        {"identity": when("IpAddress", "aws:SourceIp", "203.0.113.7"), "context": {"aws:sourceip": "203.0.113.7"}},
    ),
    (
        45,
        OPERATORS,
        ALLOWED,
        {"identity": when("NotIpAddress", "aws:SourceIp", "0.0.0.0/0"), "context": {"aws:sourceip": "2001:db8::1"}},
    ),
    (
        46,
        OPERATORS,
        ALLOWED,
        {"identity": when("BinaryEquals", "test:key", "aGVsbG8="), "context": {"test:key": "aGVsbG8="}},
    ),
    (
        46,
        OPERATORS,
        IMPLICIT,
        {"identity": when("BinaryNotEquals", "test:key", "aGVsbG8="), "context": {"test:key": "eA=="}},
    ),
    (
        47,
        OPERATORS,
        ALLOWED,
        {
            "identity": when("ArnEquals", "test:key", "arn:aws:sns:*:1:x"),
            "context": {"test:key": "arn:aws:sns:eu-west-1:1:x"},
        },
    ),
    (
        47,
        OPERATORS,
        IMPLICIT,
        {"identity": when("ArnNotLike", "test:key", "arn:aws:sns:*:1:x"), "context": {"test:key": "no arn"}},
    ),
    (48, OPERATORS, IMPLICIT, {"identity": when("StringNotEqualsMaybe", "test:key", "x")}),
    (48, OPERATORS, UNDECIDED, {"identity": unless("StringNotEqualsMaybe", "test:key", "x")}),
    # -- principals and documents
    (49, PRINCIPAL, IMPLICIT, {"resource_policy": to({"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"})}),
    (49, PRINCIPAL, ALLOWED, {"caller": ANONYMOUS, "resource_policy": to({"AWS": "*"})}),
    (50, PRINCIPAL, ALLOWED, {"caller": SESSION, "resource_policy": to(ROLE_PRINCIPAL)}),
    (50, PRINCIPAL, ALLOWED, {"identity": when("StringEquals", "aws:PrincipalArn", ROLE.arn)}),
    (
        50,
        PRINCIPAL,
        ALLOWED,
        {
            "caller": Caller("session", f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/runner/s"),
            "identity": when("StringEquals", "aws:PrincipalArn", f"arn:aws-cn:iam::{ACCOUNT}:role/runner"),
        },
    ),
    (
        50,
        PRINCIPAL,
        ALLOWED,
        {
            "caller": SESSION,
            "identity": when("StringEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/runner"),
        },
    ),
    (
        51,
        NOT_PRINCIPAL,
        EXPLICIT,
        {"caller": USER, "identity": EVERYTHING, "resource_policy": document(deny(NotPrincipal=USER_PRINCIPAL))},
    ),
    (
        51,
        NOT_PRINCIPAL,
        ALLOWED,
        {
            "caller": USER,
            "identity": EVERYTHING,
            "resource_policy": document(deny(NotPrincipal={"AWS": [USER.arn, ACCOUNT]})),
        },
    ),
    (
        51,
        NOT_PRINCIPAL,
        EXPLICIT,
        {
            "caller": SESSION,
            "identity": EVERYTHING,
            "resource_policy": document(deny(NotPrincipal={"AWS": [ROLE.arn, ACCOUNT]})),
        },
    ),
    (
        51,
        NOT_PRINCIPAL,
        ALLOWED,
        {
            "caller": SESSION,
            "identity": EVERYTHING,
            "resource_policy": document(deny(NotPrincipal={"AWS": [ROLE.arn, ACCOUNT, SESSION.arn]})),
        },
    ),
    (
        51,
        NOT_PRINCIPAL,
        UNDECIDED,
        {"identity": EVERYTHING, "resource_policy": document(deny(NotPrincipal={"AWS": [ROLE.arn, ACCOUNT]}))},
    ),
    (51, POLICY_CHECKS, ALLOWED, {"resource_policy": document(allow(NotPrincipal={"AWS": USER.arn}))}),
    (
        51,
        POLICY_CHECKS,
        ALLOWED,
        {"caller": ANONYMOUS, "resource_policy": document(allow(NotPrincipal=USER_PRINCIPAL))},
    ),
    (51, POLICY_CHECKS, IMPLICIT, {"caller": ANONYMOUS, "resource_policy": document(allow(NotPrincipal="*"))}),
    (51, POLICY_CHECKS, IMPLICIT, {"caller": USER, "resource_policy": document(allow(NotPrincipal=USER_PRINCIPAL))}),
    (51, POLICY_CHECKS, IMPLICIT, {"caller": USER, "resource_policy": document(allow(NotPrincipal=ACCOUNT_PRINCIPAL))}),
    (
        51,
        POLICY_CHECKS,
        IMPLICIT,
        {"caller": SESSION, "resource_policy": document(allow(NotPrincipal={"AWS": [USER.arn, ROLE.arn]}))},
    ),
    (52, PRINCIPAL, IMPLICIT, {"resource_policy": document(allow())}),
    (52, PRINCIPAL, ALLOWED, {"identity": EVERYTHING, "resource_policy": document(deny())}),
    (52, PRINCIPAL, UNDECIDED, {"identity": to("*")}),
    (52, PRINCIPAL, UNDECIDED, {**assume, "resource_policy": document(allow("sts:AssumeRole", "*", Principal="*"))}),
    (
        53,
        UNDOCUMENTED,
        IMPLICIT,
        {
            "action": "kms:DeleteAlias",
            "identity": EVERYTHING,
            "resource": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/aws/s3",
        },
    ),
    (
        53,
        UNDOCUMENTED,
        IMPLICIT,
        {
            "action": "iam:CreatePolicyVersion",
            "identity": EVERYTHING,
            "resource": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        },
    ),
    (
        53,
        UNDOCUMENTED,
        IMPLICIT,
        {
            "action": "iam:DeleteRole",
            "identity": EVERYTHING,
            "resource": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/x",
        },
    ),
    (
        53,
        UNDOCUMENTED,
        ALLOWED,
        {
            "action": "iam:GetRole",
            "identity": EVERYTHING,
            "resource": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/x",
        },
    ),
    (
        53,
        UNDOCUMENTED,
        IMPLICIT,
        {
            "action": "iam:PassRole",
            "identity": EVERYTHING,
            "resource": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/x",
        },
    ),
    (7, "STS, GetFederationToken", IMPLICIT, {"caller": FEDERATED, "identity": EVERYTHING}),
    (7, "STS, GetFederationToken", ALLOWED, {"caller": FEDERATED, "identity": EVERYTHING, "session": EVERYTHING}),
]


@pytest.mark.parametrize(
    ("expected", "case"),
    [row[2:] for row in RULES],
    ids=[f"{number:02}-{page}-{expected}" for number, page, expected, _ in RULES],
)
def test_rule(expected: str, case: dict[str, Any]) -> None:
    """The number of the rule, AWS's page and the outcome are in the test's id."""
    assert decide(**case).outcome == expected


def test_every_rule_has_a_row() -> None:
    assert {number for number, *_ in RULES} == set(range(1, 54))
