"""From which networks REST APIs are reached, and what their resource policies say of networks."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from policy_audit.model.policy import Condition, Statement
from policy_audit.model.resources import Api, Fact, Missing
from policy_audit.model.rest_api import ApiRequest, RestApi
from policy_audit.model.unsigned_calls import UnsignedCall
from policy_audit.model.unsigned_calls import every as unsigned_calls
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

NETWORK_KEYS: Final = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"})
"""Keys that requests to private APIs have, and no others.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
"""
ADDRESS_KEY: Final = "aws:sourceip"
"""Not in requests that come through a VPC endpoint.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
"""


class Networks(NamedTuple):
    """Networks by the ids that requests carry: VPC endpoints and VPCs."""

    endpoints: tuple[str, ...]
    vpcs: tuple[str, ...]


class ApiNetwork(NamedTuple):
    """One REST API with the unsigned calls that the audited files make to it."""

    system: "System"
    api: Api
    calls: tuple[UnsignedCall, ...] = ()

    @property
    def address(self) -> str:
        return self.api.address

    @property
    def span(self) -> Span:
        return self.api.span

    @property
    def name(self) -> str:
        """The API's logical id."""
        return self.api.address.rpartition("#")[2]

    @property
    def private(self) -> bool | Missing:
        """Whether it is reached through VPC endpoints only. Without a type an API is edge-optimized."""
        if any(map(has_letters, self.api.endpoint_types)):
            return Missing("the API's endpoint type is not known")
        return "PRIVATE" in self.api.endpoint_types

    @property
    def has_a_policy(self) -> bool:
        """Whether it has a resource policy."""
        return self.api.policy is not None

    @property
    def policy_fits_the_endpoint_type(self) -> bool:
        """Whether its policy asks for no network key that requests to this type of API lack."""
        return not misplaced_keys(self.api)

    @property
    def can_be_deployed(self) -> Fact:
        """Whether a private API has the resource policy without which it can't be deployed."""
        return Fact(self.has_a_policy, "has no resource policy")

    @property
    def called(self) -> bool:
        """Whether an HTTP Task or API destination of the audited files calls it."""
        return bool(self.calls)

    @property
    def requests(self) -> tuple[ApiRequest, ...] | Missing:
        """Every kind of request that it can answer."""
        return RestApi(self.system, self.api).requests

    @property
    def named_networks(self) -> Networks:
        """The VPC endpoints and VPCs that its policy names, and those that the audited calls come through."""
        endpoints: dict[str, None] = {}
        vpcs: dict[str, None] = {}
        for call in self.calls:
            if isinstance(call.endpoint_id, str):
                endpoints[call.endpoint_id] = None
            vpc = getattr(call.vpc_endpoint, "vpc", "")
            if vpc:
                vpcs[vpc] = None
        for _, condition in _conditions(self.api, NETWORK_KEYS):
            # A pattern, taken for an id, is that of no network.
            if condition.key.lower() == "aws:sourcevpce":
                endpoints |= dict.fromkeys(condition.values)
            elif condition.key.lower() == "aws:sourcevpc":
                vpcs |= dict.fromkeys(condition.values)
        return Networks(tuple(endpoints), tuple(vpcs))

    @property
    def asks_for_no_public_address(self) -> Fact:
        """Whether the policy of a private API does without `aws:SourceIp`."""
        for statement, condition in _conditions(self.api, frozenset({ADDRESS_KEY})):
            detail = f"{_name(statement)} asks for `{condition.key}`, which requests to a private API do not have"
            return Fact(False, detail, span=condition.span or statement.span)
        return Fact(True, "")

    @property
    def asks_for_no_vpc(self) -> Fact:
        """Whether no statement of a public API's policy hangs on the VPC of a request, which it does not have.

        An Allow that asks for it never matches, and a Deny of all but one VPC matches every request.
        """
        for statement, condition in _conditions(self.api, NETWORK_KEYS):
            from policy_audit.model.operators import operator_of

            constant = operator_of(condition).holds_without_the_key
            if statement.effect == "Allow" and constant is False:
                effect = "so it allows nobody"
            elif statement.effect == "Deny" and constant:
                effect = "so it denies everybody"
            else:
                continue
            detail = (
                f"{_name(statement)} asks for `{condition.key}`, which requests to a public API do not have, {effect}"
            )
            return Fact(False, detail, span=condition.span or statement.span)
        return Fact(True, "")


def misplaced_keys(api: Api) -> bool:
    """Whether the API's policy asks for a network key that requests to an API of its type do not have."""
    wrong = frozenset({ADDRESS_KEY}) if "PRIVATE" in api.endpoint_types else NETWORK_KEYS
    return any(True for _ in _conditions(api, wrong))


def _conditions(api: Api, keys: frozenset[str]) -> Iterator[tuple[Statement, Condition]]:
    """The conditions of the API's policy on any of `keys`, each with its statement."""
    for statement in api.policy.statements if api.policy else ():
        for condition in statement.conditions:
            if condition.key.lower() in keys:
                yield statement, condition


def _name(statement: Statement) -> str:
    return f"`{statement.sid}`" if statement.sid else f"a statement with {statement.effect}"


def every(system: "System") -> tuple[ApiNetwork, ...]:
    """Every REST API, with the unsigned calls to it."""
    apis: Sequence[Api] = [api for api in system.apis if api.kind == "REST"]
    calls: dict[str, list[UnsignedCall]] = {}
    for call in unsigned_calls(system) if apis else ():
        if isinstance(call.api, Api):
            calls.setdefault(call.api.id, []).append(call)
    return tuple(ApiNetwork(system, api, tuple(calls.get(api.id, ()))) for api in apis)
