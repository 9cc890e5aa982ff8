"""The resource policy that keeps everybody but the callers out of each REST API, as far as the callers are known."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.api_networks import ApiNetwork
from policy_audit.model.api_networks import every as networks
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.resources import Api, Missing
from policy_audit.model.rest_api import RestApi
from policy_audit.model.system import System
from policy_audit.permissions.roles import VERSION
from policy_audit.permissions.substituted import with_policies
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.requirement import Requirement

_ANYBODY: Final = (Principal("*", "*"),)
_INVOKE: Final = ("execute-api:Invoke",)
_WHOLE: Final = ("execute-api:/*",)
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html"""


class ApiPolicy(NamedTuple):
    """The policy that an API needs; None where its callers are not known, as `open` says."""

    api: Api
    policy: Policy | None
    needs: tuple[Requirement, ...] = ()
    open: tuple[str, ...] = ()


def api_policies(requirements: Sequence[Requirement], system: System) -> tuple[ApiPolicy, ...]:
    """The policy of each REST API that somebody is known to call; `requirements` are all that are asked."""
    reached = {one.api.address: one for one in networks(system)}
    found = (
        _of(RestApi(system, api), reached.get(api.address), requirements, system)
        for api in system.apis
        if api.kind == "REST"
    )
    return tuple(one for one in found if one is not None)


def _concerns(requirement: Requirement, api: Api) -> bool:
    """Whether the API's resource policy has a say on it."""
    if requirement.effect == "holds" or not (requirement.questions or requirement.guarded):
        return False
    if requirement.policy_address == api.address or requirement.address == api.address:
        return True
    return api.policy is not None and any(one.policies.resource is api.policy for one in requirement.questions)


def _of(
    api: RestApi, network: ApiNetwork | None, requirements: Sequence[Requirement], system: System
) -> ApiPolicy | None:
    callers = api.callers
    if isinstance(callers, Missing):
        return ApiPolicy(api.api, None, open=(callers.reason,))
    endpoints = network.named_networks.endpoints if network is not None and network.called else ()
    statements = tuple(keeping_out(callers, api.workflows, endpoints))
    if not statements:
        return None
    policy = Policy(statements, VERSION, "least")
    open_ends, needs = [], []
    for one in requirements:
        if not _concerns(one, api.api):
            continue
        answered = decide(_with(one, policy), system.symbols)
        if answered.answer == "proven":
            needs.append(one)
        else:
            reason = answered.reasons[0] if answered.reasons else "another policy decides"
            open_ends.append(system.symbols.show(f"{one.sentence}: {reason}"))
    return ApiPolicy(api.api, policy, tuple(needs), tuple(dict.fromkeys(open_ends)))


def is_enough(policy: Policy, needs: Sequence[Requirement], system: System) -> bool:
    """Whether an API with `policy` meets every one of `needs`."""
    return all(decide(_with(one, policy), system.symbols).answer == "proven" for one in needs)


def _with(requirement: Requirement, policy: Policy) -> Requirement:
    return with_policies(requirement, lambda policies: policies._replace(resource=policy))


def keeping_out(callers: Sequence[str], workflows: Sequence[str], endpoints: Sequence[str]) -> Iterator[Statement]:
    """What lets the callers in, and keeps everybody else out.

    An Allow keeps nobody of the API's own account out whose identity policies allow the call: for roles there is a
    Deny, which leaves AWS services to the Allow beside it.
    """
    if callers:
        condition = Condition("ArnNotEquals", "aws:PrincipalArn", tuple(callers))
        own = (condition, Condition("Bool", "aws:PrincipalIsAWSService", ("false",))) if workflows else (condition,)
        yield Statement("Allow", _INVOKE, _WHOLE, tuple(Principal("AWS", arn) for arn in callers), sid="TheCallers")
        yield Statement("Deny", _INVOKE, _WHOLE, _ANYBODY, own, sid="NobodyElse")
    if workflows:
        condition = Condition("StringEquals", "aws:SourceArn", tuple(workflows))
        service = (Principal("Service", "states.amazonaws.com"),)
        yield Statement("Allow", _INVOKE, _WHOLE, service, (condition,), sid="TheWorkflows")
    if endpoints and not callers and not workflows:
        condition = Condition("StringNotEquals", "aws:SourceVpce", tuple(endpoints))
        yield Statement("Allow", _INVOKE, _WHOLE, _ANYBODY, sid="ThroughTheEndpoint")
        yield Statement("Deny", _INVOKE, _WHOLE, _ANYBODY, (condition,), sid="NobodyFromElsewhere")
