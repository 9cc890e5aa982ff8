"""The network side of a private connection: resource configuration, resource gateway and its security groups."""

from typing import TYPE_CHECKING

from policy_audit.model.fix import written
from policy_audit.model.resources import (
    Connection,
    Fact,
    Missing,
    PortRule,
    ResourceConfiguration,
    ResourceGateway,
    SecurityGroup,
)
from policy_audit.model.urls import names_a_domain
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class PrivatePath(NamedTuple):
    """The network side of a private connection that a workflow uses."""

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
    def reaches_a_domain_name(self) -> Fact:
        """Whether the resource configuration names a domain, as a connection needs, and not an IP address."""
        configuration = self.configuration
        if configuration.ip_address is not None:
            shown = self.system.symbols.show(configuration.ip_address.text)
            return Fact(False, f"points at the IP address `{shown}`", span=configuration.ip_address.span)
        if configuration.domain_name is None:
            return Fact(None, "the resource configuration has no `DnsResource`")
        name = configuration.domain_name
        named = names_a_domain(name.text, self.system.symbols)
        if named is None:
            reasons = self.system.symbols.reasons(name.text)
            shown = f"`{self.system.symbols.show(name.text)}` is not known"
            return Fact(None, reasons[0] if reasons else shown, span=name.span)
        return Fact(named, f"points at the IP address `{name.text}`", span=name.span)

    @property
    def allows_association(self) -> Fact:
        """Whether it may be associated with a service network that is shared, as EventBridge's own is.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private-rc-provider.html
        """
        field = self.configuration.shareable
        if field is None:
            return Fact(
                None, "does not set `AllowAssociationToSharableServiceNetwork`, whose default AWS gives as false"
            )
        if has_letters(field.text):
            shown = f"`{self.system.symbols.show(field.text)}` is not known"
            return Fact(None, (*self.system.symbols.reasons(field.text), shown)[0], span=field.span)
        allowed = field.text.lower() == "true"
        fix = written(field.span, True)
        return Fact(allowed, "does not allow association with shareable service networks", span=field.span, fix=fix)

    @property
    def gateway(self) -> ResourceGateway | Missing:
        found = self.configuration.gateway
        return Missing("the resource configuration names no resource gateway") if found is None else found

    @property
    def gateway_lets_https_out(self) -> Fact:
        """Whether the gateway's security groups let TCP 443 out to the target.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private-rc-provider.html
        """
        return self._gateway_rule("egress", "lets TCP 443 out")

    @property
    def gateway_lets_https_in(self) -> Fact:
        """Whether the gateway's security groups let TCP 443 in, which AWS's pages disagree about needing."""
        return self._gateway_rule("ingress", "lets TCP 443 in")

    def _gateway_rule(self, direction: str, wanted: str) -> Fact:
        gateway = self.gateway
        if isinstance(gateway, Missing):
            return Fact(None, gateway.reason)
        if not gateway.security_groups:
            return Fact(None, "the resource gateway names no security group", gateway.address, gateway.span)
        missing = [group.reason for group in gateway.security_groups if isinstance(group, Missing)]
        groups = [group for group in gateway.security_groups if isinstance(group, SecurityGroup)]
        verdicts: list[bool | None] = []
        for group in groups:
            rules: tuple[PortRule, ...] | None = group.egress if direction == "egress" else group.ingress
            if rules is None:
                return Fact(True, "")
            verdicts += [rule.admits(443) for rule in rules]
            missing += group.unseen
        if True in verdicts:
            return Fact(True, "")
        if missing or None in verdicts:
            return Fact(None, missing[0] if missing else "the ports of a rule are not known")
        group = groups[0]
        return Fact(False, f"no rule of `{group.address.rpartition('#')[2]}` {wanted}", group.address, group.span)


def every(system: "System") -> tuple[PrivatePath, ...]:
    """The network side of every private connection, each resource configuration once."""
    found: dict[str, PrivatePath] = {}
    for connection in system.connections:
        configuration = connection.resource_configuration
        if isinstance(configuration, ResourceConfiguration):
            found.setdefault(configuration.address, PrivatePath(system, connection, configuration))
    return tuple(found.values())
