"""What AWS lets an HTTP Task or an API destination send, and what the text of a URL says of the way that it goes."""

from typing import Final

from policy_audit.model.value import SHARED, Symbols, is_hole, is_letter

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
"""https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html, and the same for API destinations:
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateApiDestination.html"""

# fmt: off
_RESERVED: Final = frozenset({
    "a-im", "accept-charset", "accept-datetime", "accept-encoding", "authorization", "cache-control", "connection",
    "content-encoding", "content-md5", "date", "expect", "forwarded", "from", "host", "http2-settings", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards", "origin", "pragma",
    "proxy-authorization", "referer", "server", "te", "trailer", "transfer-encoding", "upgrade", "via", "warning",
})
# fmt: on
_RESERVED_BEGINNINGS: Final = ("x-forwarded-", "x-amz-", "x-amzn-")

PRIVATE_NAMES: Final = (".internal", ".local", ".localhost", ".home.arpa", ".test", ".invalid")
"""Ends of names that the public DNS never has, and for which nobody issues a publicly trusted certificate.

https://www.iana.org/assignments/special-use-domain-names/
"""
_MOST_DIGITS: Final = 6


def is_reserved(header: str) -> bool:
    """Whether an HTTP Task with this header fails with `States.Runtime`.

    https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
    """
    return header.lower() in _RESERVED or header.lower().startswith(_RESERVED_BEGINNINGS)


def may_be_private(end: str, symbols: Symbols) -> bool:
    """Whether the last character of a host is open, and may stand for one of `PRIVATE_NAMES`.

    What AWS makes itself, such as `AWS::URLSuffix` and the DNS name of a load balancer, is public.
    """
    if not is_letter(end):
        return False
    symbol = symbols.of(end)
    return not symbol.generated and symbol.name not in SHARED and symbol.shape.admits("a.internal")


def endpoint_id_of(host: str) -> str:
    """The id in an endpoint's DNS name, `vpce-0a1b2c3d-4e5f6a7b.execute-api.REGION.vpce.…`; empty for another name."""
    label, _, rest = host.partition(".")
    if ".vpce." not in f".{rest}":
        return ""
    first, _, tail = label.partition("-")
    return f"vpce-{tail.partition('-')[0]}" if first == "vpce" else ""


def port_of(url: str, symbols: Symbols) -> str:
    """The port of a URL, 443 where it has none; empty when it is not known."""
    before, scheme, rest = url.partition("://")
    authority = (rest if scheme else before).partition("/")[0].partition("?")[0].rpartition("@")[2]
    if not authority or _may_hold_a_port(authority[-1], symbols):
        return ""
    _, separator, port = authority.rpartition("]")[2].rpartition(":")
    return port if separator else "443"


def _may_hold_a_port(character: str, symbols: Symbols) -> bool:
    if not is_letter(character):
        return False
    symbol = symbols.of(character)
    return is_hole(character) or (not symbol.generated and symbol.shape.admits("host:8443"))


def covers(ports: str, port: int) -> bool | None:
    """Whether `443`, `8000-8010` or several of these with commas cover a port; None when they are not known."""
    unknown = False
    for one in ports.split(","):
        first, separator, last = one.strip().partition("-")
        if not (_is_number(first) and (_is_number(last) or not separator)):
            unknown = True
        elif int(first) <= port <= int(last or first):
            return True
    return None if unknown else False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS
