"""A resource configuration that a connection of another account uses: whether it is shared with that account."""

from typing import TYPE_CHECKING

from policy_audit.model.resources import Connection, Fact, ResourceConfiguration
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_DEFAULT_PERMISSION = "AWSRAMPermissionVpcLatticeResourceConfiguration"


class ResourceShare(NamedTuple):
    """A share of AWS Resource Access Manager. An entry may be text with letters."""

    address: str
    span: Span
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    permissions: tuple[str, ...] = ()
    """ARNs of its permissions; none for AWS's default ones."""
    unseen: str = ""
    """Why resources or principals may be missing here."""


class SharedConfiguration(NamedTuple):
    """A connection with the resource configuration of another account that it goes through."""

    system: "System"
    connection: Connection
    configuration: ResourceConfiguration

    @property
    def address(self) -> str:
        return self.configuration.address

    @property
    def span(self) -> Span:
        return self.configuration.span

    @property
    def part(self) -> str:
        """The logical id of the connection."""
        return self.connection.address.rpartition("#")[2]

    @property
    def name(self) -> str:
        """The logical id of the resource configuration."""
        return self.configuration.address.rpartition("#")[2]

    @property
    def account(self) -> str:
        """The account of the connection."""
        return self.connection.account

    @property
    def is_shared(self) -> Fact:
        """Whether a share of the audited files gives the resource configuration to the connection's account.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private-rc-provider.html
        https://docs.aws.amazon.com/vpc-lattice/latest/ug/sharing.html
        """
        owner = self.configuration.arn.split(":", 5)[4]
        if has_letters(owner + self.account):
            return Fact(None, "whether it is of the connection's account is not known (`accounts` tells)")
        shares = [one for one in self.system.all(ResourceShare) if self._may_list(one)]
        found = [self._given(one) for one in shares]
        for wanted in (True, None):
            for fact in found:
                if fact.holds is wanted:
                    return fact
        return found[0] if found else Fact(False, "no share of AWS RAM names it")

    def _may_list(self, share: ResourceShare) -> bool:
        open_ends = any(len(one) == 1 and has_letters(one) for one in share.resources)
        return bool(share.unseen) or open_ends or self.configuration.arn in share.resources

    def _given(self, share: ResourceShare) -> Fact:
        """What one share that may list it says of the account."""
        name = share.address.rpartition("#")[2]
        if share.unseen or self.configuration.arn not in share.resources:
            return Fact(None, share.unseen or f"which resources `{name}` shares is not known", span=share.span)
        own = [one for one in share.permissions if one.rpartition("/")[2] != _DEFAULT_PERMISSION]
        if self.account in share.principals and own:
            shown = self.system.symbols.show(own[0])
            return Fact(None, f"what the permission `{shown}` of `{name}` allows is not read", span=share.span)
        if self.account in share.principals:
            return Fact(True, "")
        for one in share.principals:
            if has_letters(one) or ":organizations:" in one:
                shown = self.system.symbols.show(one)
                return Fact(None, f"whether the account belongs to `{shown}` is not known", share.address, share.span)
        return Fact(False, f"`{name}` shares it with others", share.address, share.span)


def every(system: "System") -> tuple[SharedConfiguration, ...]:
    """Every connection whose resource configuration is declared in another account, or in one that may be another."""
    return tuple(
        SharedConfiguration(system, connection, connection.resource_configuration)
        for connection in system.connections_of_others
        if isinstance(connection.resource_configuration, ResourceConfiguration)
    )
