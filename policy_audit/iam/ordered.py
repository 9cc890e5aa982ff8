"""Attributes of requests that are ordered: numbers, dates and addresses, and the stretches that tests cut them into."""

from collections.abc import Sequence
from typing import Final, Literal

from policy_audit.iam.limits import MOST_BOUNDS, OverBudgetError
from policy_audit.iam.numbers import (
    MAPPED,
    Number,
    address_text,
    compare,
    date_text,
    number_text,
    parse_address,
    parse_date,
    parse_number,
    span_atoms,
)
from policy_audit.iam.operators import Comparison
from policy_audit.record import NamedTuple


class Compares(NamedTuple):
    """The value, read as a number or as a date, stands so to `bound`."""

    view: Literal["number", "date"]
    comparison: Comparison
    bound: Number


class Within(NamedTuple):
    """The value is an address from `low` to `high` on the number line of IPv4 and, after it, IPv6."""

    low: int
    high: int


Test = Compares | Within


def holds(test: Test, value: str) -> bool:
    """Whether `value` satisfies the test; a value of another type does not."""
    if isinstance(test, Within):
        address = parse_address(value)
        return address is not None and test.low <= address <= test.high
    number = parse_number(value) if test.view == "number" else parse_date(value)
    return number is not None and compare(number, test.comparison, test.bound)


def ordered_atoms(tests: Sequence[tuple[int, Test]], name: str) -> list[dict[int, list[str]]]:
    """For each view in which a key is asked for: the vector of each atom, made of the tests' indexes, with its values.

    Raises `OverBudgetError` for more bounds than are held against each other.
    """
    views = []
    for view in ("number", "date"):
        bounds = [(index, each) for index, each in tests if isinstance(each, Compares) and each.view == view]
        if len(bounds) > MOST_BOUNDS:
            raise OverBudgetError(f"{name} is compared with more than {MOST_BOUNDS} values")
        if bounds:
            views.append(_bound_atoms(bounds, name))
    ranges = [(index, each) for index, each in tests if isinstance(each, Within)]
    return [*views, _address_atoms(ranges)] if ranges else views


# Whole numbers only: between 3599 and 3600 there is no value.
_WHOLE: Final = frozenset({"aws:multifactorauthage", "aws:epochtime", "s3:max-keys"})


def _bound_atoms(tests: Sequence[tuple[int, Compares]], name: str) -> dict[int, list[str]]:
    """Elementary intervals: each bound alone, and the open stretches between."""
    view = tests[0][1].view
    found: dict[int, list[str]] = {}
    for number in span_atoms([test.bound for _, test in tests], whole=view == "date" or name.strip("`") in _WHOLE):
        vector = sum(1 << index for index, test in tests if compare(number, test.comparison, test.bound))
        found.setdefault(vector, []).append(number_text(number) if view == "number" else date_text(number))
    return found


_ORDINARY_ADDRESSES: Final = ("203.0.113.10", "198.51.100.7", "10.0.0.10", "2001:db8::10")


def _address_atoms(tests: Sequence[tuple[int, Within]]) -> dict[int, list[str]]:
    """Stretches of addresses between the ends of the ranges."""
    cuts = {0, 1 << 32}
    for _, test in tests:
        cuts |= {test.low, test.high + 1}
    # No address stands within `MAPPED`: what begins there begins after it.
    cuts = {MAPPED.stop if cut in MAPPED else cut for cut in cuts}
    points = [address for address in map(parse_address, _ORDINARY_ADDRESSES) if address is not None]
    found: dict[int, list[str]] = {}
    for point in (*points, *sorted(cut for cut in cuts if cut < (1 << 32) + (1 << 128))):
        vector = sum(1 << index for index, test in tests if test.low <= point <= test.high)
        found.setdefault(vector, []).append(address_text(point))
    return found
