"""Resource policies and roles as teams write them for private APIs, in all sizes that AWS lets them have."""

import json
import random
from collections.abc import Iterator

from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.record import NamedTuple

ACCOUNT = "123456789012"
API = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3d4e5"
MOST_BYTES = 8192
"""Of an API's resource policy: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html."""
EVERYBODY = (Principal("*", "*"),)
INVOKE = ("execute-api:Invoke",)
STAGES = (3, 11, 21, 41, 101)


class Restriction(NamedTuple):
    """Nobody of `requests` may get through the resource policy; `kind` says of which sort it is."""

    kind: str
    requests: RequestSet
    policies: Policies
    authorization: Authorization


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def document(policy: Policy) -> str:
    """The policy as AWS counts its size: JSON without blanks."""
    statements = [
        {
            "Effect": each.effect,
            "Principal": "*",
            "Action": list(each.actions),
            "Resource": list(each.resources or ()),
            "Condition": {one.operator: {one.key: list(one.values)} for one in each.conditions},
        }
        for each in policy.statements
    ]
    return json.dumps({"Version": policy.version, "Statement": statements}, separators=(",", ":"))


def by_stage(number: int) -> Restriction:
    """An API that admits everybody but for a Deny for each stage, which spares that stage's role."""
    admits = Statement("Allow", INVOKE, ("execute-api:/*",), EVERYBODY)
    keeps_out = tuple(
        Statement(
            "Deny",
            INVOKE,
            (f"execute-api:/s{each}/*",),
            EVERYBODY,
            (Condition("StringNotEquals", "aws:PrincipalArn", (role_arn(f"r{each}"),)),),
        )
        for each in range(number)
    )
    asked = _asked(f"{API}/s{number - 1}/*", (role_arn(f"r{number - 1}"),))
    return Restriction(f"{number} stages", asked, _api(admits, *keeps_out), "api-gateway-iam")


def _api(*statements: Statement) -> Policies:
    return Policies(identity=None, resource=Policy(statements, "2012-10-17", "api"))


def _asked(arn: str, but: tuple[str, ...]) -> RequestSet:
    private = {name: Key(Texts(("*",))) for name in ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")}
    return RequestSet("signed", Texts(("arn:aws:*:*:*:*",), but), Texts(INVOKE), Texts((arn,)), ACCOUNT, True, private)


def at_random(seed: int) -> Restriction:
    """A policy of up to 8 kB: stages, methods, endpoints, addresses, accounts and roles, in the usual forms."""
    dice = random.Random(seed)
    roles = [role_arn(f"{dice.choice(('orders', 'billing', 'stock'))}-{each}") for each in range(dice.randint(1, 6))]
    statements = [Statement("Allow", INVOKE, (dice.choice(("execute-api:/*", f"{API}/*")),), EVERYBODY)]
    wanted = dice.choice((2, 4, 8, 16, 40))
    while len(statements) < wanted:
        statements.append(_statement(dice, roles))
        if len(document(Policy(tuple(statements), "2012-10-17"))) > MOST_BYTES:
            statements.pop()
            break
    asked = _asked(f"{API}/{dice.choice(('prod', 'test', '*'))}/{dice.choice(('GET', 'POST', '*'))}/*", tuple(roles))
    return Restriction("random", asked, _api(*statements), "api-gateway-iam")


def _statement(dice: random.Random, roles: list[str]) -> Statement:
    effect = dice.choice(("Deny", "Deny", "Deny", "Allow"))
    paths = [
        f"{dice.choice(('prod', 'test', 'dev', '*'))}/{dice.choice(('GET', 'POST', '*'))}/{dice.choice(PATHS)}"
        for _ in range(dice.choice((1, 1, 2, 4)))
    ]
    head = dice.choice(("execute-api:/", f"{API}/"))
    resources = tuple(head + dice.choice((path, path, "*")) for path in paths)
    conditions = tuple(_condition(dice, roles) for _ in range(dice.choice((1, 1, 2))))
    return Statement(effect, INVOKE, resources, EVERYBODY, conditions)  # type: ignore[arg-type]


PATHS = ("orders", "orders/*", "orders/*/items", "stock/*", "invoices/*/lines/*", "*", "health", "admin/*")


def _condition(dice: random.Random, roles: list[str]) -> Condition:
    few = tuple(dice.sample(roles, dice.randint(1, len(roles))))
    endpoints = tuple(f"vpce-{each:017x}" for each in range(dice.randint(1, 3)))
    ranges = tuple(f"10.{dice.randint(0, 9)}.{dice.randint(0, 9)}.0/24" for _ in range(dice.randint(1, 4)))
    return dice.choice(
        (
            Condition("StringNotEquals", "aws:PrincipalArn", few),
            Condition("StringNotEquals", "aws:PrincipalArn", few),
            Condition("ArnNotLike", "aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/{dice.choice('obs')}*",)),
            Condition("StringNotEquals", "aws:SourceVpce", endpoints),
            Condition("StringNotEquals", "aws:SourceVpc", ("vpc-0123456789abcdef0",)),
            Condition("NotIpAddress", "aws:VpcSourceIp", ranges),
            Condition("IpAddress", "aws:VpcSourceIp", ranges),
            Condition("StringNotEquals", "aws:PrincipalAccount", (ACCOUNT,)),
            Condition("StringNotEquals", "aws:PrincipalOrgID", ("o-1234567890",)),
            Condition("Bool", "aws:SecureTransport", ("false",)),
            Condition("StringNotLike", "aws:PrincipalTag/team", ("orders-*", "stock-*")),
        )
    )


def spread(number: int = 200) -> Iterator[Restriction]:
    """Policies of every size and kind that fit 8 kB, and the largest of stages that does."""
    for stages in STAGES:
        restriction = by_stage(stages)
        policy = restriction.policies.resource
        if policy is not None and len(document(policy)) <= MOST_BYTES:
            yield restriction
    for seed in range(number):
        yield at_random(seed)


def role(number: int) -> tuple[Policies, RequestSet]:
    """A role of `number` statements about as many services' actions, and the workflow's one call."""
    services = ("dynamodb", "sqs", "sns", "lambda", "events", "secretsmanager", "s3", "states", "logs", "kms")
    statements = [
        Statement(
            "Allow",
            (f"{services[each % 10]}:Get*", f"{services[each % 10]}:Put*"),
            (f"arn:aws:{services[each % 10]}:eu-west-1:{ACCOUNT}:thing/{each}", f"arn:aws:s3:::bucket-{each}/*"),
            None,
            (Condition("StringEquals", "aws:RequestedRegion", ("eu-west-1",)),) if each % 3 == 0 else (),
        )
        for each in range(number - 1)
    ]
    statements.append(Statement("Allow", INVOKE, (f"{API}/prod/POST/orders/*",)))
    asked = RequestSet(
        "signed", Texts((role_arn("orders"),)), Texts(INVOKE), Texts((f"{API}/prod/POST/orders/*",)), ACCOUNT
    )
    return Policies(identity=(Policy(tuple(statements), "2012-10-17", "role"),)), asked
