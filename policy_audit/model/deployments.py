"""Who deploys the audited templates, by the configuration: what such a role needs to create a connection."""

from typing import TYPE_CHECKING

from policy_audit.model.encrypted_connections import SERVICE_ROLE
from policy_audit.model.resources import Connection, Missing, Role
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class Deployer(NamedTuple):
    """A role that the configuration names as one that deploys the templates; `name` as it is written there."""

    name: str
    role: Role


class ConnectionDeployment(NamedTuple):
    """A connection and a role that creates it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private.html
    """

    system: "System"
    deployer: Deployer
    connection: Connection

    @property
    def address(self) -> str:
        return self.connection.address

    @property
    def span(self) -> Span:
        return self.connection.span

    @property
    def part(self) -> str:
        """The role, as the configuration names it."""
        return self.deployer.name

    @property
    def name(self) -> str:
        """The connection's logical id."""
        return self.connection.address.rpartition("#")[2]

    @property
    def role(self) -> Role:
        return self.deployer.role

    @property
    def private(self) -> bool:
        """Whether the connection goes through a resource configuration, whichever it is."""
        return self.connection.resource_configuration is not None

    @property
    def configuration_arn(self) -> str | Missing:
        """The ARN of that resource configuration, which may belong to another account."""
        field = self.connection.configuration
        return Missing("the connection names no resource configuration") if field is None else field.text

    @property
    def association(self) -> str:
        """The association that comes to be: AWS makes its id, and documents `*` alone for its permission."""
        return self.system.symbols.hole("AWS's guide names no narrower resource than `*` for the association")

    @property
    def any_resource(self) -> str:
        """What an action without resource types is asked on: only `*` in a policy allows it.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonvpclattice.html
        """
        return "*"

    @property
    def service_role_arn(self) -> str:
        """The service-linked role that EventBridge makes with the first connection of an account."""
        return f"arn:{self.system.partition}:iam::{self.connection.account}:{SERVICE_ROLE}"

    @property
    def service_role_service(self) -> str:
        """What `iam:AWSServiceName` is when that role is made."""
        return "apidestinations.events.amazonaws.com"


def every(system: "System") -> tuple[ConnectionDeployment, ...]:
    """Every connection with every role that creates it."""
    return tuple(
        ConnectionDeployment(system, deployer, connection)
        for deployer in system.all(Deployer)
        for connection in system.connections
    )
