"""The prover's numbers, dates and addresses against the evaluator's, which are read by other code."""

import random

import pytest

from policy_audit.iam import numbers, values
from policy_audit.iam.operators import Comparison

TEXTS = [
    *("0 1 -1 +2 01 1. .5 -.5 1.50 10.0 1e5 1E-2 12abc 0x1f NaN - + . 2024 12345 1714521600 1714521600.5".split()),  # noqa: SIM905
    *("2024-01 2024-02-29 2023-02-29 2024-13-01 2024-01-01T10:00 2024-01-01T10:00:00Z 2024-01-01T24:00:00Z".split()),  # noqa: SIM905
    *("2024-01-01T10:00:00+02:00 2024-01-01T10:00:00-0530 2024-01-01T10:00:00.250Z".split()),  # noqa: SIM905
    *("2024-01-01T10:00:00.123456789012 2016-12-31T23:59:60Z 2024-01-01T10:00:61 0000-01-01 0001".split()),  # noqa: SIM905
    *("1969-12-31T23:59:59.5Z 0000 9999-12-31T23:59:60-23:59 1e400".split()),  # noqa: SIM905
    "9" * 300 + "." + "1" * 300,
    "9" * 401,
    *("10.0.0.1 10.0.0.01 10.0.0.0/8 10.1.2.3/8 0.0.0.0/0 300.1.1.1 10.0.0.0/33 10.0.0.0/ 1.2.3".split()),  # noqa: SIM905
    *("::/0 ::1 2001:db8::/32 2001:db8::1 fe80::1/129 ::g ::ffff:10.0.0.1 ::ffff:10.0.0.0/104".split()),  # noqa: SIM905
    "",
]
COMPARISONS: tuple[Comparison, ...] = ("equals", "less", "less or equal", "greater", "greater or equal")


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_texts_are_read_as_the_same_values(text: str) -> None:
    pairs = (
        (numbers.parse_number(text), values.parse_number(text)),
        (numbers.parse_date(text), values.parse_date(text)),
    )
    for own, other in pairs:
        assert (own is None) == (other is None)
        if own is not None and other is not None:
            assert own[0] * 10**other.scale == other.units * 10 ** own[1]
    span, other_span = numbers.parse_range(text), values.parse_range(text)
    assert (span is None) == (other_span is None)
    if span is not None and other_span is not None:
        offset = 0 if other_span.family == 4 else numbers.IPV6
        assert span == (offset + other_span.low, offset + other_span.high)


@pytest.mark.parametrize("seed", range(30))
def test_elementary_intervals_tell_all_that_bounds_can_tell(seed: int) -> None:
    dice = random.Random(seed)
    bounds = [(dice.randint(-30, 30), dice.randint(0, 1)) for _ in range(dice.randint(1, 4))]

    def vector(number: numbers.Number) -> tuple[bool, ...]:
        return tuple(numbers.compare(number, how, bound) for bound in bounds for how in COMPARISONS)

    told = {vector(number) for number in numbers.span_atoms(bounds, whole=False)}
    assert told == {vector((value, 2)) for value in range(-4000, 4000)}
    whole = {vector(number) for number in numbers.span_atoms(bounds, whole=True)}
    assert whole == {vector((value, 0)) for value in range(-40, 40)}


@pytest.mark.parametrize("text", ["0", "-3", "2.5", "-0.05", "1000"])
def test_numbers_are_written_as_they_are_read(text: str) -> None:
    number = numbers.parse_number(text)
    assert number is not None
    assert numbers.number_text(number) == text


@pytest.mark.parametrize("text", ["2024-02-29T12:30:45Z", "1969-12-31T23:59:59Z"])
def test_dates_are_written_as_they_are_read(text: str) -> None:
    seconds = numbers.parse_date(text)
    assert seconds is not None
    assert numbers.date_text(seconds) == text


@pytest.mark.parametrize("text", ["10.0.0.1", "::ffff:10.0.0.1", "::fffe:ffff:ffff", "::1:0:0:0", "::", "1.2.3", "::g"])
def test_an_address_lies_in_a_range_for_both_or_for_neither(text: str) -> None:
    place, address = numbers.parse_address(text), values.parse_address(text)
    assert (place is None) == (address is None)
    for written in ("0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:10.0.0.0/104", "10.0.0.0/8", "::/1", "::ffff:0:0/95"):
        span, other = numbers.parse_range(written), values.parse_range(written)
        assert span is not None and other is not None
        if place is not None and address is not None:
            assert (span[0] <= place <= span[1]) is other.holds(address), written


@pytest.mark.parametrize("text", ["10.0.0.1", "255.255.255.255", "2001:db8::1", "::"])
def test_addresses_are_written_as_they_are_read(text: str) -> None:
    address = numbers.parse_address(text)
    assert address is not None
    assert numbers.address_text(address) == text
