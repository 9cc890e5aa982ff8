"""A WebSocket API, as far as it matters who may connect to it."""

from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class WebSocketApi(NamedTuple):
    """A WebSocket API with its `$connect` route, which alone asks who calls: a connection may use every route."""

    address: str
    span: Span
    id: str
    connect: str | None = None
    """The authorization type of the `$connect` route, or text with letters; None where there is no such route."""
    needs_api_key: bool | None = False
    """Whether that route asks for an API key; None when the template does not tell."""
    unseen: str = ""
    """Why the route may be missing here."""

    @property
    def is_open(self) -> bool | None:
        """Whether anybody may connect: without a `$connect` route too, and None when the audit can't tell.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
        """
        if self.connect is None:
            return None if self.unseen else True
        if has_letters(self.connect) or (self.connect == "NONE" and self.needs_api_key is None):
            return None
        return self.connect == "NONE" and not self.needs_api_key
