"""Comparing a request's value with a policy's: numbers, dates, addresses, bytes, ARNs."""

import re
from functools import lru_cache
from typing import Final

from policy_audit.iam.operators import Comparison
from policy_audit.record import NamedTuple

_NUMBER: Final = r"[+-]?(?:[0-9]{1,400}(?:\.([0-9]{0,400}))?|\.([0-9]{1,400}))(?:[eE]([+-]?[0-9]{1,3}))?"
_DATE: Final = (
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,30}))?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_EPOCH: Final = r"-?[0-9]{1,18}(?:\.[0-9]{1,30})?"


class Number(NamedTuple):
    """`units` divided by ten to the power of `scale`, exactly."""

    units: int
    scale: int


def compares(one: Number, comparison: Comparison, other: Number) -> bool:
    """Whether `one` stands in this order to `other`."""
    scale = max(one.scale, other.scale)
    left: int = one.units * 10 ** (scale - one.scale)
    right: int = other.units * 10 ** (scale - other.scale)
    if comparison == "equals":
        return left == right
    if comparison == "less":
        return left < right
    if comparison == "less or equal":
        return left <= right
    return left > right if comparison == "greater" else left >= right


@lru_cache(512)
def parse_number(text: str) -> Number | None:
    """The integer or decimal that `text` writes, or None: no hexadecimal, no infinity, no digits with a unit."""
    found = re.fullmatch(_NUMBER, text)
    if found is None:
        return None
    digits = text.lower().partition("e")[0].replace(".", "")
    scale = len(found[1] or found[2] or "") - int(found[3] or 0)
    units = int(digits)
    return Number(units, scale) if scale >= 0 else Number(units * 10**-scale, 0)


@lru_cache(512)
def parse_date(text: str) -> Number | None:
    """Seconds since 1970 of a W3C date or of epoch seconds, or None. Four digits are a year; no offset means UTC.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
    """
    found = re.fullmatch(_DATE, text)
    if found is None:
        return parse_number(text) if re.fullmatch(_EPOCH, text) else None
    year, month, day, hour, minute, second = (
        int(found[group] or (1 if group in (2, 3) else 0)) for group in range(1, 7)
    )
    fraction, zone = found[7] or "", found[8] or "Z"
    lengths = (31, 29 if _is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    days = 365 * (year - 1) + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
    days += sum(lengths[: month - 1]) + day - 1 - 719162
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - _offset(zone)
    return Number(seconds * 10 ** len(fraction) + int(fraction or 0), len(fraction))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _offset(zone: str) -> int:
    """Seconds east of Greenwich."""
    if zone == "Z":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


class Range(NamedTuple):
    """A range of addresses of one family, both ends inclusive."""

    family: int
    low: int
    high: int

    def holds(self, address: "Range") -> bool:
        """Whether all of `address` lies in this range; addresses of the other family never do."""
        return self.family == address.family and self.low <= address.low and address.high <= self.high


@lru_cache(512)
def parse_range(text: str) -> Range | None:
    """The addresses of a CIDR or of one bare address, or None. An IPv4-mapped IPv6 address is read as the IPv4 one.

    AWS does not say how it reads mapped addresses; public evaluators map them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
    """
    address, slash, prefix_text = text.partition("/")
    family = 6 if ":" in address else 4
    bits = 128 if family == 6 else 32
    number = _ipv6(address) if family == 6 else _ipv4(address)
    if number is None or (slash and not re.fullmatch("[0-9]{1,3}", prefix_text)):
        return None
    prefix = int(prefix_text) if slash else bits
    if prefix > bits:
        return None
    if family == 6 and prefix >= 96 and number >> 32 == 0xFFFF:
        family, bits, prefix, number = 4, 32, prefix - 96, number & 0xFFFFFFFF
    low = number >> (bits - prefix) << (bits - prefix)
    return Range(family, low, low + (1 << (bits - prefix)) - 1)


def parse_address(text: str) -> Range | None:
    """The one address that `text` writes, or None; a request has an address, never a range."""
    return None if "/" in text else parse_range(text)


def _ipv4(text: str) -> int | None:
    octets = text.split(".")
    if len(octets) != 4 or not all(re.fullmatch("0|[1-9][0-9]{0,2}", octet) for octet in octets):
        return None
    numbers = [int(octet) for octet in octets]
    return None if max(numbers) > 255 else int.from_bytes(bytes(numbers), "big")


def _ipv6(text: str) -> int | None:
    if len(text) > 45 or text.count("::") > 1:
        return None
    head, gap, tail = text.partition("::")
    left, right = _groups(head), _groups(tail)
    if left is None or right is None or (gap and "." in head):
        return None
    missing = 8 - len(left) - len(right)
    if missing < 0 or (missing == 0) == bool(gap):
        return None
    number = 0
    for group in (*left, *([0] * missing), *right):
        number = number << 16 | group
    return number


def _groups(text: str) -> list[int] | None:
    """The 16-bit groups of one side of `::`; the last may be an IPv4 address, which makes two."""
    if not text:
        return []
    result: list[int] = []
    groups = text.split(":")
    for index, group in enumerate(groups):
        if "." in group and index == len(groups) - 1:
            address = _ipv4(group)
            if address is None:
                return None
            result += [address >> 16, address & 0xFFFF]
        elif re.fullmatch("[0-9A-Fa-f]{1,4}", group):
            result.append(int(group, 16))
        else:
            return None
    return result


def decode_base64(text: str) -> bytes | None:
    """The bytes that `text` encodes, or None when it is not base64."""
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(text, strict_mode=True) if text.isascii() else None
    except (Error, ValueError):
        return None


def split_arn(text: str) -> list[str]:
    """The parts of an ARN between colons; the sixth, the resource, keeps its colons. Fewer when `text` has fewer."""
    return text.split(":", 5)


def is_arn(text: str) -> bool:
    """Whether `text` has the six parts of an ARN."""
    return text.startswith("arn:") and text.count(":") >= 5
