"""EventBridge connections as rules ask about them: their credential and their Region."""

from typing import TYPE_CHECKING

from policy_audit.model.resources import Connection, Fact
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class AuditedConnection(NamedTuple):
    """One connection of the audited files."""

    system: "System"
    connection: Connection

    @property
    def address(self) -> str:
        return self.connection.address

    @property
    def span(self) -> Span:
        return self.connection.span

    @property
    def private(self) -> bool:
        """Whether it goes through a resource configuration."""
        return self.connection.resource_configuration is not None

    @property
    def has_a_credential(self) -> Fact:
        """Whether its credential is more than a word that stands for none: the template may leave it open.

        The word is told nowhere.
        """
        if self.connection.credential_unread:
            return Fact(None, self.connection.credential_unread)
        return Fact(not self.connection.placeholder, "has a placeholder for a credential")

    @property
    def names_a_configuration_of_its_region(self) -> Fact:
        """Whether its resource configuration lies in the connection's own Region.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private-cross-region.html
        """
        field = self.connection.configuration
        if field is None:
            return Fact(None, "the connection names no resource configuration")
        there, here = _region(field.text), _region(self.connection.arn)
        show = self.system.symbols.show
        if there == here and there:
            return Fact(True, "")
        if not there or has_letters(there) or has_letters(here):
            reasons = self.system.symbols.reasons(field.text)
            shown = f"the Region of `{show(field.text)}` is not known to be the connection's own"
            return Fact(None, reasons[0] if reasons else shown, span=field.span)
        return Fact(False, f"is in `{here}`, and its resource configuration in `{there}`", span=field.span)


def _region(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[3] if len(parts) == 6 else ""


def every(system: "System") -> tuple[AuditedConnection, ...]:
    """Every connection of the audited files."""
    return tuple(AuditedConnection(system, connection) for connection in system.connections)
