"""Requests without a signature, as an API's policy and a VPC endpoint's policy see them: which keys they carry.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-endpoint-policies.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from policy_audit.iam.api_gateway import ANYTHING, Question
from policy_audit.iam.known_keys import ABSENT, impossible_keys, mentioned_keys
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy, Principal, Statement
from policy_audit.model.value import Symbols, has_holes

ACTION: Final = "execute-api:Invoke"

_SIGNED_ONLY: Final = frozenset(
    [
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceidentity",
        "aws:tokenissuetime",
    ]
)
"""Beside those that the engine derives from the caller: keys that only a signature brings."""
_SERVICE_ONLY: Final = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_NOT_DOCUMENTED: Final = frozenset(
    [
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:sourcevpcarn",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
    ]
)
"""Keys of which AWS does not say whether requests to API Gateway carry them."""
_ANY_PATH: Final = ("*{*", "*}*")

WITH_AN_AUTHORIZER: Final = Statement("Allow", ("*",), ("*",), (Principal("*", "*"),), sid="AssumedAuthorizer")
"""What a Lambda authorizer returns, at its best."""


def arriving(
    resource: str,
    account: str,
    policies: Policies,
    known: Mapping[str, Key],
    symbols: Symbols,
) -> Question:
    """The request that an HTTP Task or an API destination makes for `resource`, with the keys that are `known`.

    A key of whose value nobody knows anything is a hole, so that what hangs on it stays undecided.
    """
    mentioned = {key.lower() for key in mentioned_keys(policies)}
    unknown = {
        key: Key(Texts((symbols.hole(f"AWS does not say what `{key}` is in such a request"),)), maybe_absent=True)
        for key in (mentioned & {*_NOT_DOCUMENTED, "aws:useragent", "aws:referer", "aws:sourceip", "aws:vpcsourceip"})
    }
    told = {key: value for key, value in known.items() if key in mentioned}
    context = unknown | _fixed(mentioned) | impossible_keys(policies, ACTION) | told
    resources = Texts((literal(resource),), _ANY_PATH if has_holes(resource) else ())
    requests = RequestSet("anonymous", Texts(("*",)), Texts((ACTION,)), resources, account, True, context)
    return Question(requests, policies, "api-gateway-none", "an unsigned request")


def from_elsewhere(
    resources: Sequence[str], account: str, policy: Policy | None, endpoints: Sequence[str], vpcs: Sequence[str]
) -> Question:
    """Every unsigned request to a private API through none of `endpoints` and from none of `vpcs`."""
    policies = Policies(identity=None, resource=policy)
    mentioned = {key.lower() for key in mentioned_keys(policies)}
    context = _fixed(mentioned) | impossible_keys(policies, ACTION)
    context["aws:sourcevpce"] = Key(Texts(("vpce-*",), tuple(map(literal, endpoints))))
    context["aws:sourcevpc"] = Key(Texts(("vpc-*",), tuple(map(literal, vpcs))))
    context["aws:vpcsourceip"] = Key(ANYTHING)
    authorization: Authorization = "api-gateway-none"
    requests = RequestSet("anonymous", Texts(("*",)), Texts((ACTION,)), Texts(tuple(resources)), account, True, context)
    return Question(requests, policies, authorization, "an unsigned request through another VPC's endpoint")


def undocumented_key(policy: Policy) -> str:
    """A key that the policy asks for, and of which AWS does not say whether requests to API Gateway carry it."""
    keys = (condition.key for statement in policy.statements for condition in statement.conditions)
    return next((key for key in keys if key.lower() in _NOT_DOCUMENTED), "")


def _fixed(mentioned: Iterable[str]) -> dict[str, Key]:
    """Keys that every unsigned request has, and those that none has."""
    absent = {key for key in mentioned if key in _SIGNED_ONLY or key.startswith("aws:principaltag/")}
    keys = dict.fromkeys((*absent, *_SERVICE_ONLY), ABSENT)
    keys["aws:securetransport"] = Key(Texts(("true",)))
    return keys
