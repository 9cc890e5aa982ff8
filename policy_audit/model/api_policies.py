"""A REST API's resource policy as a whole: what it lets in and keeps out, by method, and when it takes effect."""

from typing import TYPE_CHECKING

from policy_audit.model import policy_upkeep
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api, Fact
from policy_audit.model.rest_api import RestApi
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class ApiPolicy(NamedTuple):
    """The policy of one REST API. Its properties of several facts have none where they do not concern it.

    What it covers is asked of the policies of APIs whose callers are not known; it is imported for those.
    """

    system: "System"
    api: Api
    policy: Policy
    called_unsigned: bool = False
    """Whether an HTTP Task or an API destination of the audited files calls it."""

    @property
    def address(self) -> str:
        return self.api.address

    @property
    def span(self) -> Span:
        return self.policy.span or self.api.span

    @property
    def name(self) -> str:
        """The API's logical id."""
        return self.api.address.rpartition("#")[2]

    @property
    def is_proven(self) -> bool:
        """Whether somebody is meant to call the API and nobody else: rules on its callers prove it then."""
        return RestApi(self.system, self.api).restricted

    @property
    def is_called(self) -> bool:
        """Whether audited calls show who is meant to call the API: then rules on these prove that they get in."""
        return self.is_proven or self.called_unsigned or bool(RestApi(self.system, self.api).workflows)

    @property
    def takes_effect(self) -> tuple[Fact, ...]:
        """Whether a change of the policy comes with a new deployment of the API."""
        return tuple(policy_upkeep.takes_effect(self))

    @property
    def fits_the_quota(self) -> tuple[Fact, ...]:
        """Whether the policy is no longer than API Gateway takes by default."""
        return tuple(policy_upkeep.fits_the_quota(self))

    @property
    def uses_known_keys(self) -> tuple[Fact, ...]:
        """Whether AWS lists the condition keys of the policy among those of API Gateway."""
        return tuple(policy_upkeep.uses_known_keys(self))

    @property
    def tells_callers_apart(self) -> tuple[Fact, ...]:
        """Whether statements about IAM principals are about methods that know them: those of type AWS_IAM."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.tells_callers_apart(self))

    @property
    def guards_all_it_opens(self) -> tuple[Fact, ...]:
        """Whether the Deny that guards the API reaches every stage and method that the Allow beside it opens."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.guards_all_it_opens(self))

    @property
    def keeps_its_conditions(self) -> tuple[Fact, ...]:
        """Whether no Allow without a condition opens what another Allow opens with one."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.keeps_its_conditions(self))

    @property
    def restricts(self) -> tuple[Fact, ...]:
        """Whether a policy that names roles of the API's own account has a Deny, which alone keeps others out."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.restricts(self))

    @property
    def lets_somebody_in(self) -> tuple[Fact, ...]:
        """Whether the policy allows where only it can: at methods of type NONE or COGNITO_USER_POOLS."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.lets_somebody_in(self))

    @property
    def leaves_it_to_the_authorizer(self) -> tuple[Fact, ...]:
        """Whether the policy does not open what a Lambda authorizer says nothing of."""
        from policy_audit.model import policy_coverage

        return tuple(policy_coverage.leaves_it_to_the_authorizer(self))


def every(system: "System") -> tuple[ApiPolicy, ...]:
    """The policy of every REST API that has one."""
    called = called_unsigned(system)
    return tuple(
        ApiPolicy(system, api, api.policy, api.id in called)
        for api in system.apis
        if api.kind == "REST" and api.policy is not None
    )


def called_unsigned(system: "System") -> frozenset[str]:
    """The ids of the REST APIs with a policy that HTTP Tasks and API destinations call."""
    if not any(api.kind == "REST" and api.policy is not None for api in system.apis):
        return frozenset()
    from policy_audit.model.api_networks import every as networks

    return frozenset(one.api.id for one in networks(system) if one.called)
