"""What a REST API's policy needs beside the right statements: a new deployment, keys that exist, and room."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.operators import key_of
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Fact

if TYPE_CHECKING:
    from policy_audit.model.api_policies import ApiPolicy

QUOTA: Final = 8192
"""In characters. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""
IAM_KEYS: Final = frozenset(
    {
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
    }
)
"""The keys that only requests to methods of type AWS_IAM carry, and `aws:PrincipalTag/…`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
"""
_OTHER_KEYS: Final = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:referer",
        "aws:securetransport",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:vpcsourceip",
    }
)


def is_iam_key(key: str) -> bool:
    """Whether only methods of type AWS_IAM know the key, which is given in lower case."""
    return key in IAM_KEYS or key.startswith("aws:principaltag/")


def uses_known_keys(about: "ApiPolicy") -> Iterator[Fact]:
    """Global keys that AWS's list for API Gateway does not have may never be in a request.

    Keys of other services are left out: sessions bring some along, such as `lambda:SourceFunctionArn`.
    """
    asked = False
    for statement in about.policy.statements:
        for one in statement.conditions:
            asked = True
            key = key_of(one)
            if key.startswith("aws:") and not is_iam_key(key) and key not in _OTHER_KEYS:
                yield Fact(False, f"`{one.key}` is not among them", about.address, one.span or statement.span)
                return
    if asked:
        yield Fact(True, "all keys are among them", about.address, about.span)


def takes_effect(about: "ApiPolicy") -> Iterator[Fact]:
    """A deployment is a snapshot: with the same logical id it stays as it was when it was made, policy included.

    Tools that write templates put a hash into the id, and people a number. Several deployments of one API may be how it
    is deployed again; an API without any is deployed by other means.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/updating-api.html
    """
    deployments = about.api.deployments
    if about.api.deployed:
        yield Fact(None, about.api.deployed)
        return
    if len(deployments) != 1:
        return
    logical_id = deployments[0].logical_id
    name = deployments[0].address.rpartition("#")[2]
    if logical_id[-1:].isdecimal() or _ends_in_a_hash(logical_id):
        yield Fact(True, f"`{name}` is told from the deployment before it", about.address, about.span)
    else:
        detail = f"the deployment `{name}` stays as it is when the policy changes"
        yield Fact(False, detail, deployments[0].address, deployments[0].span)


def _ends_in_a_hash(name: str) -> bool:
    """Whether a logical id ends in eight or more hexadecimal digits of which one is decimal."""
    tail = name[-8:].lower()
    return len(tail) == 8 and all(one in "0123456789abcdef" for one in tail) and any(map(str.isdecimal, tail))


def fits_the_quota(about: "ApiPolicy") -> Iterator[Fact]:
    """The length that is known for sure, open parts counted as one character each."""
    if about.policy.unknown:
        return
    length = _length(about.policy)
    detail = f"the policy has at least {length} characters, of {QUOTA}"
    yield Fact(length <= QUOTA, detail, about.address, about.span)


def _length(policy: Policy) -> int:
    """Characters of the policy as JSON without a space that could be left out."""
    return len('{"Version":"2012-10-17","Statement":[]}') + sum(map(_statement_length, policy.statements))


def _statement_length(statement: Statement) -> int:
    length = len('{"Effect":"Deny"},') + _list_length("Action", statement.actions)
    length += _list_length("Resource", statement.resources or ())
    length += sum(len(one.value) + len('"",') for one in statement.principals or ())
    length += sum(_list_length(one.key, one.values) for one in statement.conditions)
    operators = dict.fromkeys(one.operator for one in statement.conditions)
    return length + sum(len(one) + len('"":{},') for one in operators)


def _list_length(name: str, values: tuple[str, ...]) -> int:
    return len(f'"{name}":') + sum(len(value) + len('"",') for value in values) if values else 0
