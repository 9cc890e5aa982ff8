"""Hosts of URLs: what they are as far as the text shows it, and which API they belong to."""

from policy_audit.model.value import Symbols, has_letters, letters


def host_of(url: str) -> str:
    """The host of a URL, without user, port and path; empty if there is none."""
    _, separator, rest = url.partition("://")
    authority = (rest if separator else url).partition("/")[0].partition("?")[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def is_https(url: str) -> bool | None:
    """Whether `url` starts with `https://`, in whatever case; None when an open part decides."""
    scheme, separator, _ = url.partition("://")
    if separator and not has_letters(scheme):
        return scheme.lower() == "https"
    return None if has_letters(scheme[:8]) else False


def is_ip_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address and not a name."""
    parts = host.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts):
        return True
    return ":" in host


def names_a_domain(host: str, symbols: Symbols) -> bool | None:
    """Whether `host` is a name and not an address; None when that depends on an open value.

    What a resource of the template calls itself (a load balancer's DNSName, an endpoint's DnsEntries) is a name, and
    so is all that ends in a letter of the alphabet, or has a character that no address has; an open parameter may be
    anything.
    """
    if not has_letters(host):
        return not is_ip_address(host)
    if any("g" <= character <= "z" or character == "-" for character in host.lower()):
        return True
    made = [symbols.of(letter) for letter in letters(host)]
    named = host[-1].isalpha() or all(one.generated or ".DnsEntries}" in one.name for one in made)
    return True if named else None


def api_id_of(endpoint: str) -> str:
    """The API's id in `ID.execute-api.REGION.amazonaws.com`, with or without scheme; empty if it is another host."""
    host = host_of(endpoint)
    api_id, separator, _ = host.partition(".execute-api.")
    return api_id if separator and api_id and "." not in api_id else ""


def region_of(endpoint: str) -> str:
    """The Region in an API's host name; empty if there is none."""
    return host_of(endpoint).partition(".execute-api.")[2].partition(".")[0]


def is_placeholder(url: str) -> bool:
    """Whether somebody has to put a URL here first: `<YOUR_URL>`. No URL has these brackets."""
    return url.startswith("<") and url.rstrip("/*").endswith(">")
