"""Numbers, dates and addresses as the prover orders them: exact, on one line each, and back as text.

The evaluator reads its own; nothing here is shared with it, so that each can catch the other's mistakes.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from policy_audit.iam.operators import Comparison

Number = tuple[int, int]
"""`(mantissa, places)`: mantissa / 10 ** places, exactly."""

_NUMBER: Final = r"([+-]?)([0-9]{0,400})(?:\.([0-9]{0,400}))?(?:[eE]([+-]?[0-9]{1,3}))?"
_EPOCH: Final = r"-?[0-9]{1,18}(?:\.[0-9]{1,30})?"
_DATE: Final = (
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,30}))?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
IPV6: Final = 1 << 32
"""Where IPv6 begins on the line of addresses."""
MAPPED: Final = range(IPV6 + (0xFFFF << 32), IPV6 + (0x10000 << 32))
"""IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`): public evaluators map them, AWS does not say what it does."""


def parse_number(text: str) -> Number | None:
    """The number that `text` writes as an integer or decimal, or None."""
    found = re.fullmatch(_NUMBER, text)
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction, exponent = found.groups()
    fraction = fraction or ""
    mantissa, places = int(sign + whole + fraction), len(fraction) - int(exponent or 0)
    return (mantissa, places) if places >= 0 else (mantissa * 10**-places, 0)


def parse_date(text: str) -> Number | None:
    """Seconds since 1970 of an ISO 8601 date, or of epoch seconds; four digits are a year. None for anything else."""
    found = re.fullmatch(_DATE, text)
    if found is None:
        return parse_number(text) if re.fullmatch(_EPOCH, text) else None
    from datetime import UTC, datetime

    year, month, day, hour, minute, second, fraction, zone = found.groups()
    # A minute may end with a leap second, which is the first one of the next minute.
    leap = second == "60"
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    offset = 0
    if zone and zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (60 if zone[0] == "+" else -60)
    seconds, fraction = int(moment.timestamp()) - offset + leap, fraction or ""
    return (seconds * 10 ** len(fraction) + int(fraction or 0), len(fraction))


def parse_address(text: str) -> int | None:
    """The place of an address on the line, or None. One of `MAPPED` is read as the IPv4 address that it writes."""
    place = _place(text)
    return place & 0xFFFFFFFF if place is not None and place in MAPPED else place


def _place(text: str) -> int | None:
    if ":" not in text:
        parts = text.split(".")
        if len(parts) != 4 or not all(re.fullmatch("0|[1-9][0-9]{0,2}", part) for part in parts):
            return None
        octets = [int(part) for part in parts]
        if max(octets) > 255:
            return None
        return octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3]
    from ipaddress import IPv6Address

    try:
        return IPV6 + int(IPv6Address(text))
    except ValueError:
        return None


def parse_range(text: str) -> tuple[int, int] | None:
    """First and last address of a CIDR block or single address, or None."""
    base, slash, length = text.partition("/")
    address = _place(base)
    if address is None:
        return None
    width = 32 if address < IPV6 else 128
    if slash and not (length.isdecimal() and length.isascii() and len(length) <= 3 and int(length) <= width):
        return None
    free = (1 << (width - int(length))) - 1 if slash else 0
    start = address if address < IPV6 else address - IPV6
    low, high = start & ~free, start | free
    if address < IPV6 or low >> 32 == high >> 32 == 0xFFFF:
        # All of it is `MAPPED`.
        return low & 0xFFFFFFFF, high & 0xFFFFFFFF
    return IPV6 + low, IPV6 + high


def compare(number: Number, comparison: Comparison, bound: Number) -> bool:
    """Whether `number` stands so to `bound`."""
    left: int = number[0] * 10 ** bound[1]
    right: int = bound[0] * 10 ** number[1]
    if comparison == "equals":
        return left == right
    if comparison == "less":
        return left < right
    if comparison == "less or equal":
        return left <= right
    return left > right if comparison == "greater" else left >= right


def span_atoms(bounds: Iterable[Number], whole: bool) -> Iterator[Number]:
    """A number of each elementary interval: below, at, between and above the bounds; `whole` leaves out fractions."""
    places = 0
    listed = list(bounds)
    for _, own in listed:
        places = max(places, own)
    unit = 10**places
    points = sorted({mantissa * 10 ** (places - own) for mantissa, own in listed})
    yield (points[0] // unit - 1, 0)
    for index, point in enumerate(points):
        if not whole or point % unit == 0:
            yield (point, places)
        if index + 1 < len(points):
            above = (point // unit + 1) * unit
            if above < points[index + 1]:
                yield (above, places)
            elif not whole:
                yield ((point + points[index + 1]) * 5, places + 1)
    yield (points[-1] // unit + 1, 0)


def number_text(number: Number) -> str:
    """`number` in decimal."""
    mantissa, places = number
    if not places:
        return str(mantissa)
    digits = str(abs(mantissa)).rjust(places + 1, "0")
    text = f"{'-' if mantissa < 0 else ''}{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def date_text(seconds: Number) -> str:
    """A date in ISO 8601 or, outside the years 1 to 9999, epoch seconds."""
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds[0] // 10 ** seconds[1])
    except OverflowError:
        return number_text(seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else number_text(seconds)


def address_text(address: int) -> str:
    """The address as a person writes it."""
    if address < IPV6:
        return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    from ipaddress import IPv6Address

    return str(IPv6Address(address - IPV6))
