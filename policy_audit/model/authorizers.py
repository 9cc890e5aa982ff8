"""Authorizers of APIs: what they are, and which parts of a request tell them who calls."""

from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class Authorizer(NamedTuple):
    """An authorizer of a REST or HTTP API.

    `kind` is `TOKEN`, `REQUEST`, `COGNITO_USER_POOLS` or `JWT`, or text with letters. `identity_sources` are as the
    template writes them (`method.request.header.Auth`, `$request.header.Auth`), None when they are not known.
    """

    address: str
    span: Span
    id: str
    kind: str
    identity_sources: tuple[str, ...] | None
