"""An API destination as rules ask about it: its endpoint, its method and its connection."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.api_destinations import ApiDestination
from policy_audit.model.call import Field
from policy_audit.model.fix import Fix, NameByArn, replaced, written
from policy_audit.model.resources import Fact
from policy_audit.model.urls import is_https, is_placeholder
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateApiDestination.html"""


class Destination(NamedTuple):
    """An API destination, with what it refers to."""

    system: "System"
    destination: ApiDestination
    names: frozenset[str]
    """The names of the connections that the files declare, and their ARNs without UUID."""

    @property
    def address(self) -> str:
        return self.destination.address

    @property
    def span(self) -> Span:
        return self.destination.span

    @property
    def calls_with_a_method_it_may(self) -> Fact:
        """Whether its method is one that API destinations have: all of HTTP's but CONNECT and TRACE."""
        field = self.destination.method
        if field is None:
            return Fact(False, "names no method")
        if has_letters(field.text):
            return self._open(field)
        fix = written(field.span, field.text.upper()) if field.text.upper() in METHODS else None
        return Fact(field.text in METHODS, f"calls with the method `{field.text}`", span=field.span, fix=fix)

    @property
    def uses_https(self) -> Fact:
        """Whether its endpoint is an HTTPS URL.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destination-create.html
        """
        field = self.destination.endpoint
        if field is None:
            return Fact(False, "names no endpoint")
        if is_placeholder(field.text):
            shown = self.system.symbols.show(field.text)
            return Fact(None, f"`{shown}` is filled in before it is deployed", span=field.span)
        verdict = is_https(field.text)
        if verdict is None:
            return self._open(field)
        fix = replaced("http://", "https://") if field.text.startswith("http://") else None
        return Fact(verdict, f"calls `{self.system.symbols.show(field.text)}`", span=field.span, fix=fix)

    @property
    def names_a_connection(self) -> Fact:
        """Whether its connection is the whole ARN of one: `Ref` gives the name, `ArnForPolicy` leaves the UUID out.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateApiDestination.html
        """
        field = self.destination.connection
        if field is None:
            return Fact(False, "names no connection")
        if self.system.connection(field.text) is not None:
            return Fact(True, "")
        shown = self.system.symbols.show(field.text)
        if field.text in self.names:
            fix = Fix((NameByArn(field.span),))
            return Fact(
                False, f"names its connection as `{shown}`, without the UUID of its ARN", span=field.span, fix=fix
            )
        if _is_no_connection(field.text):
            return Fact(False, f"names its connection as `{shown}`, which is no connection's ARN", span=field.span)
        if has_letters(field.text):
            return self._open(field)
        return Fact(None, f"the connection `{shown}` is not among the audited files", span=field.span)

    def _open(self, field: Field) -> Fact:
        reasons = self.system.symbols.reasons(field.text)
        shown = self.system.symbols.show(field.text)
        return Fact(None, reasons[0] if reasons else f"`{shown}` is not known", span=field.span)


def _is_no_connection(text: str) -> bool:
    """Whether a text can't be a connection's ARN, `arn:P:events:R:A:connection/NAME/UUID`, whatever its open parts."""
    if has_letters(text[:4]):
        return False
    parts = text.split(":", 5)
    if not has_letters(text):
        return len(parts) < 6 or parts[2] != "events" or not _has_three_parts(parts[5])
    return not text.startswith("arn:")


def _has_three_parts(resource: str) -> bool:
    kind, *rest = resource.split("/")
    return kind == "connection" and len(rest) == 2 and all(rest)


def every(system: "System") -> tuple[Destination, ...]:
    """Every API destination."""
    names = frozenset(
        name for one in system.connections for name in (one.name_arn, one.name_arn.partition(":connection/")[2])
    )
    return tuple(Destination(system, one, names) for one in system.all(ApiDestination))
