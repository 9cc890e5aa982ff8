"""The requests that API Gateway sees: which context keys they carry, by kind of caller, endpoint type and method.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
"""

from collections.abc import Mapping, Sequence
from typing import Final

from policy_audit.iam.known_keys import ABSENT, impossible_keys
from policy_audit.iam.request import UNSIGNED, Authorization, Key, Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api
from policy_audit.model.value import has_holes, has_letters
from policy_audit.record import NamedTuple

ANYTHING: Final = Texts(("*",))
_NEVER_IN_A_PATH: Final = ("*{*", "*}*")
"""A request's path has values, never the names of a resource's parameters; in a URL these characters are escaped.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
"""
_VPC_KEYS: Final = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
_PLACES: Final = {
    "aws:sourceip": "198.18.77.41",
    "aws:sourcevpc": "vpc-0f0f0f0f0f0f0f0f0",
    "aws:sourcevpce": "vpce-0f0f0f0f0f0f0f0f0",
    "aws:vpcsourceip": "100.127.77.41",
}
"""Where a stranger's request comes from: places that nobody names. 198.18.0.0/15 is for benchmarks (RFC 2544)."""
STEP_FUNCTIONS: Final = "states.amazonaws.com"
_SERVICE_KEYS: Final = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")


_BY_METHOD: Final[dict[str, Authorization]] = {
    "AWS_IAM": "api-gateway-iam",
    "NONE": "api-gateway-none",
    "CUSTOM": "api-gateway-custom",
    "COGNITO_USER_POOLS": "api-gateway-cognito",
}
AUTHORIZERS: Final[dict[Authorization, str]] = {
    "api-gateway-custom": "a Lambda authorizer (CUSTOM)",
    "api-gateway-cognito": "a Cognito authorizer (COGNITO_USER_POOLS)",
}
"""Where the policies alone do not decide who gets in, with what has a say as well."""


class Question(NamedTuple):
    """One set of requests with the policies and the rules that decide it. `about` names the scenario."""

    requests: RequestSet
    policies: Policies
    authorization: Authorization
    about: str = ""


def context(api: Api, *, service: bool = False) -> dict[str, Key]:
    """The keys of a request to `api`, other than those of its caller.

    The keys of VPC endpoints exist only for private APIs, whose requests come through one; there the address of the
    client is `aws:VpcSourceIp`. `aws:SourceArn` exists only when a service calls on behalf of a resource.
    """
    keys: dict[str, Key] = {"aws:securetransport": Key(Texts(("true",)))}
    if "PRIVATE" in api.endpoint_types:
        keys |= {name: Key(ANYTHING) for name in _VPC_KEYS}
        keys["aws:sourceip"] = Key(ANYTHING, maybe_absent=True)
    elif any(map(has_letters, api.endpoint_types)):
        # Whether the API is private is not known before it is deployed.
        keys |= {name: Key(ANYTHING, maybe_absent=True) for name in (*_VPC_KEYS, "aws:sourceip")}
    else:
        keys |= dict.fromkeys(_VPC_KEYS, ABSENT)
        keys["aws:sourceip"] = Key(ANYTHING)
    if service:
        keys["aws:sourcearn"] = Key(ANYTHING, maybe_absent=True)
    else:
        keys |= dict.fromkeys(_SERVICE_KEYS, ABSENT)
    return keys


def authorization_of(method_authorization: str) -> Authorization | None:
    """The rules by which API Gateway combines policies at a method of this authorization type.

    None for text that is not known. At those of `AUTHORIZERS` the policies alone don't decide.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
    """
    return _BY_METHOD.get(method_authorization)


def others(
    api: Api, arns: Sequence[str], authorization: Authorization, callers: Sequence[str], workflows: Sequence[str] = ()
) -> list[Question]:
    """Every way in which somebody other than `callers` may reach the requests `arns` of `api`.

    At an AWS_IAM method: principals of the API's account with whatever identity policies (the worst case), principals
    of other accounts, and AWS services, but for Step Functions on behalf of `workflows` (ARNs of state machines). At
    any other method: anybody, whoever signs, and whatever an authorizer says.
    """
    resources = Texts(tuple(arns))
    actions = Texts(("execute-api:Invoke",))
    policies = Policies(identity=None, resource=api.policy)
    impossible = impossible_keys(policies, "execute-api:Invoke")
    # No principal of another partition can call.
    everybody = f"arn:{literal(api.arn.split(':', 2)[1])}:*:*:*:*"
    abroad = [arn for arn in callers if arn.split(":", 5)[4:5] != [api.account]]

    def ask(kind: str, about: str, but: Sequence[str], same_account: bool = True) -> Question:
        requests = RequestSet(
            kind,  # type: ignore[arg-type]
            Texts((everybody if kind == "signed" else "*",), tuple(literal(arn) for arn in but)),
            actions,
            resources,
            api.account,
            same_account,
            impossible | context(api, service=kind == "service"),
        )
        return Question(requests, policies, authorization, about)

    def services() -> list[Question]:
        if not workflows:
            return [ask("service", "an AWS service", ())]
        own = tuple(pattern for arn in workflows for pattern in (literal(arn), f"{literal(arn)}:*"))
        other = {"aws:sourcearn": Key(Texts(("*",), own))}
        return [
            ask("service", "an AWS service", (STEP_FUNCTIONS,)),
            service_call(api, resources, other, authorization)._replace(about="another workflow"),
        ]

    if authorization in UNSIGNED:
        return [ask("anonymous", "an unsigned request", ())]
    return [
        ask("signed", "a principal of the API's account", callers),
        ask("signed", "a principal of another account", abroad, same_account=False),
        *services(),
    ]


def service_call(
    api: Api, resources: Texts, keys: Mapping[str, Key], authorization: Authorization, service: str = STEP_FUNCTIONS
) -> Question:
    """The request that a service makes to `api` on behalf of one of its resources, which `keys` tell.

    `aws:SourceArn` is what AWS documents that such a request carries. Whether it carries `aws:SourceAccount` is not
    documented: that key may be absent, and has the value that `keys` give it if it is not.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
    """
    policies = Policies(identity=None, resource=api.policy)
    account = keys.get("aws:sourceaccount", Key(ANYTHING))._replace(maybe_absent=True)
    requests = RequestSet(
        "service",
        Texts((service,)),
        Texts(("execute-api:Invoke",)),
        resources,
        api.account,
        context=impossible_keys(policies, "execute-api:Invoke")
        | context(api, service=True)
        | dict(keys)
        | {"aws:sourceaccount": account},
    )
    return Question(requests, policies, authorization)


def stranger(api: Api, resources: Texts) -> Question:
    """An unsigned request of somebody of whom no policy speaks: from an address or an endpoint like any other."""
    policies = Policies(identity=None, resource=api.policy)
    keys = {name: key for name, key in context(api).items() if name not in _PLACES}
    known = {name: Key(Texts((place,))) for name, place in _PLACES.items() if context(api)[name].values is not None}
    unknown = dict.fromkeys((name for name in _PLACES if name not in known), ABSENT)
    requests = RequestSet(
        "anonymous",
        Texts(("*",)),
        Texts(("execute-api:Invoke",)),
        resources,
        api.account,
        context=impossible_keys(policies, "execute-api:Invoke") | keys | known | unknown,
    )
    return Question(requests, policies, "api-gateway-none", "an unsigned request")


def requests_to(arn: str) -> Texts:
    """The requests that `arn`, a glob whose open parts are letters, may stand for."""
    return Texts((arn,), _NEVER_IN_A_PATH if has_holes(arn) else ())


def caller(
    api: Api,
    arn: str,
    role_arn: str,
    identity: tuple[Policy, ...] | None,
    boundary: Policy | None,
    kind: Authorization,
    scps: tuple[tuple[Policy, ...], ...] | None = None,
) -> Question:
    """The request that a role makes to `api`, signed with its credentials."""
    same_account = role_arn.split(":", 5)[4:5] == [api.account]
    policies = Policies(identity, (boundary,) if boundary else None, resource=api.policy, scps=scps)
    requests = RequestSet(
        "signed",
        Texts((literal(role_arn),)),
        Texts(("execute-api:Invoke",)),
        requests_to(arn),
        api.account,
        same_account,
        impossible_keys(policies, "execute-api:Invoke") | context(api),
    )
    return Question(requests, policies, kind, "the workflow's request")
