"""Terraform's functions on numbers, and on addresses of networks.

https://developer.hashicorp.com/terraform/language/functions
"""

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from policy_audit.model.node import Node
from policy_audit.sources.terraform.hcl_given import MANY, Function, Given
from policy_audit.sources.terraform.hcl_values import Number, RefusedError, UnsupportedError, number_of, whole

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def _rounded(mode: str) -> Callable[[Given], Node]:
    return lambda given: given.of_number(whole(Decimal(given.number(0)).to_integral_value(mode)))


def _all_numbers(given: Given) -> list[Number]:
    given.budget.spend(len(given.arguments))
    return [number_of(one) for one in given.arguments]


def _signum(given: Given) -> Node:
    found = given.number(0)
    return given.of_number((found > 0) - (found < 0))


def _log(given: Given) -> Node:
    value, base = float(given.number(0)), float(given.number(1))
    if value <= 0 or base <= 0 or base == 1:
        raise RefusedError("this logarithm is no number")
    return given.of_number(whole(Decimal(repr(math.log(value) / math.log(base)))))


def _power(given: Given) -> Node:
    try:
        found = math.pow(float(given.number(0)), float(given.number(1)))
    except (OverflowError, ValueError):
        raise RefusedError("this power is no number") from None
    return given.of_number(whole(Decimal(found)))


def _parseint(given: Given) -> Node:
    written, base = given.text(0), given.integer(1)
    if not 2 <= base <= 36:
        raise UnsupportedError("a base above 36 is not worked out" if 36 < base <= 62 else "this is no base")
    digits = written.removeprefix("-").lower()
    if not digits or len(digits) > 300 or not all(one in _DIGITS[:base] for one in digits):
        raise RefusedError(f"this is no number in base {base}")
    return given.of_number(int(written, base))


def _sum(given: Given) -> Node:
    found = [number_of(one) for one in given.items(0)]
    if not found:
        raise RefusedError("the sum of no numbers")
    return given.of_number(whole(sum((Decimal(one) for one in found), Decimal(0))))


def _range(given: Given) -> Node:
    numbers = _all_numbers(given)
    start, limit = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = numbers[2] if len(numbers) > 2 else (1 if limit >= start else -1)
    if step == 0 or (step > 0) != (limit >= start):
        if start == limit:
            return given.of_items([])
        raise RefusedError("the step leads away from the limit")
    count = math.ceil((Decimal(limit) - Decimal(start)) / Decimal(step))
    if count > 1024:
        raise RefusedError("a range has at most 1,024 numbers")
    return given.of_items([given.of_number(whole(Decimal(start) + index * Decimal(step))) for index in range(count)])


# ---- networks ----


def _network(given: Given) -> Any:
    import ipaddress

    written = given.text(0)
    if "/" not in written:
        raise RefusedError("this is no network in the form of CIDR")
    try:
        return ipaddress.ip_network(written, strict=False)
    except ValueError:
        raise RefusedError("this is no network in the form of CIDR") from None


def _cidrhost(given: Given) -> Node:
    network, host = _network(given), given.integer(1)
    if host < 0:
        host += network.num_addresses
    if not 0 <= host < network.num_addresses:
        raise RefusedError("the network has no such host")
    return given.of_text(str(network.network_address + host))


def _cidrnetmask(given: Given) -> Node:
    network = _network(given)
    if network.version != 4:
        raise RefusedError("only a network of IPv4 has a mask")
    return given.of_text(str(network.netmask))


def _subnet(given: Given, network: Any, bits: int, index: int) -> Any:
    import ipaddress

    length = network.prefixlen + bits
    if bits < 0 or length > network.max_prefixlen or not 0 <= index < 1 << min(bits, 128):
        raise RefusedError("the network has no such subnet")
    address = int(network.network_address) + (index << (network.max_prefixlen - length))
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return ipaddress.ip_network(f"{kind(address)}/{length}")


def _cidrsubnet(given: Given) -> Node:
    network = _network(given)
    return given.of_text(str(_subnet(given, network, given.integer(1), given.integer(2))))


def _cidrsubnets(given: Given) -> Node:
    """Subnets one after the other, each aligned to its own size."""
    network = _network(given)
    found, at = [], int(network.network_address)
    for index in range(1, len(given.arguments)):
        length = network.prefixlen + given.integer(index)
        if not network.prefixlen <= length <= network.max_prefixlen:
            raise RefusedError("the network has no such subnet")
        size = 1 << (network.max_prefixlen - length)
        at = -(-at // size) * size
        if at + size > int(network.broadcast_address) + 1:
            raise RefusedError("the network has no room for these subnets")
        found.append(str(_subnet(given, network, given.integer(index), (at - int(network.network_address)) // size)))
        at += size
    return given.of_texts(found)


NUMBERS: Final = {
    "abs": Function(lambda given: given.of_number(abs(given.number(0))), 1, 1),
    "ceil": Function(_rounded(ROUND_CEILING), 1, 1),
    "floor": Function(_rounded(ROUND_FLOOR), 1, 1),
    "log": Function(_log, 2, 2),
    "max": Function(lambda given: given.of_number(max(_all_numbers(given))), 1, MANY),
    "min": Function(lambda given: given.of_number(min(_all_numbers(given))), 1, MANY),
    "parseint": Function(_parseint, 2, 2),
    "pow": Function(_power, 2, 2),
    "range": Function(_range, 1, 3),
    "signum": Function(_signum, 1, 1),
    "sum": Function(_sum, 1, 1),
    "cidrhost": Function(_cidrhost, 2, 2),
    "cidrnetmask": Function(_cidrnetmask, 1, 1),
    "cidrsubnet": Function(_cidrsubnet, 3, 3),
    "cidrsubnets": Function(_cidrsubnets, 1, 60),
}
