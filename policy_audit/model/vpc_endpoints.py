"""Interface VPC endpoints of the services that workflows and events are about, with their endpoint policies."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.policy import Policy
from policy_audit.model.resources import Fact
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

SERVICES: Final = {
    "states": ("states",),
    "states-fips": ("states",),
    "sync-states": ("states",),
    "sync-states-fips": ("states",),
    "events": ("events",),
    "events-fips": ("events",),
    "execute-api": ("execute-api",),
}
"""The end of an endpoint service's name, and the IAM prefixes of the actions that go through it.

https://docs.aws.amazon.com/step-functions/latest/dg/vpc-endpoints.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-related-service-vpc.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-endpoint-policies.html
"""

MAXIMUM_CHARACTERS: Final = 20_480
"""https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"""


class VpcEndpoint(NamedTuple):
    """An interface endpoint. `id` and `vpc` are what `Ref` of the endpoint and its `VpcId` give."""

    address: str
    span: Span
    id: str
    service: str
    """The end of the service's name: `states`, `sync-states`, `execute-api`, `events`."""
    vpc: str
    policy: Policy | None = None
    shortest: int = 0
    longest: int = 0
    """How many characters the policy has: with every open part as short, and as long, as it can be."""

    def takes(self, action: str) -> bool:
        """Whether calls of this action go through it. Synchronous executions have an endpoint of their own.

        https://docs.aws.amazon.com/step-functions/latest/dg/vpc-endpoints.html
        """
        prefix, _, name = action.lower().partition(":")
        if prefix not in SERVICES.get(self.service, ()) or name == "teststate":
            return False  # Which of the two endpoints TestState goes through, no page says.
        return prefix != "states" or (name == "startsyncexecution") == self.service.startswith("sync-")

    @property
    def has_a_policy_of_its_own(self) -> Fact:
        """Whether it has an endpoint policy; AWS attaches one that allows everything where there is none."""
        return Fact(self.policy is not None, "has no `PolicyDocument`")

    @property
    def has_a_valid_policy(self) -> bool:
        """Whether it has a policy, each of whose statements says whom it is about."""
        return self.policy is not None and all(one.principals is not None for one in self.policy.statements)

    @property
    def policy_is_short_enough(self) -> Fact:
        """Whether its policy has at most 20,480 characters, white space included."""
        if self.policy is None or self.longest <= MAXIMUM_CHARACTERS:
            return Fact(True, "")
        if self.shortest <= MAXIMUM_CHARACTERS:
            reason = f"its policy has between {self.shortest:,} and {self.longest:,} characters, by its open parts"
            return Fact(None, reason, span=self.policy.span)
        return Fact(False, f"has an endpoint policy of {self.shortest:,} characters", span=self.policy.span)


def every(system: "System") -> tuple[VpcEndpoint, ...]:
    """Every interface endpoint of a service that is audited."""
    return system.all(VpcEndpoint)
