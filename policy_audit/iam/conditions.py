"""One condition of a statement, compiled to a function from a request to a truth.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from policy_audit.iam.arn_patterns import ArnPatterns
from policy_audit.iam.context import Facts
from policy_audit.iam.open_text import is_open_text
from policy_audit.iam.operators import Operator, Quantifier, parse_operator, qualified_null
from policy_audit.iam.pattern_set import PatternSet
from policy_audit.iam.truth import Truth, all_of, any_of, negate
from policy_audit.iam.values import (
    compares,
    decode_base64,
    is_arn,
    parse_address,
    parse_date,
    parse_number,
    parse_range,
)
from policy_audit.iam.variables import VERSION_WITH_VARIABLES, Pieces, parse_text
from policy_audit.model.policy import Condition, Effect
from policy_audit.model.value import has_letters

Check = Callable[[Facts], Truth]
Match = Callable[[str, Facts], Truth]
"""Whether one value of the request matches one of the policy's, before negation."""
Parsed = TypeVar("Parsed")


class CompiledCondition:
    """A condition with the key it reads; `check` answers for one request."""

    __slots__ = ("check", "condition", "key", "operator", "patterns")

    def __init__(self, condition: Condition, effect: Effect, version: str) -> None:
        self.condition = condition
        self.key = condition.key.lower()
        self.operator = parse_operator(condition.operator)
        self.patterns: tuple[Pieces, ...] = ()
        if self.operator is None:
            # No Allow is granted by an operator that IAM does not have, whatever its name; a Deny may still be meant.
            quantifier = qualified_null(condition.operator, condition.values) if effect == "Allow" else ""
            self.check = (
                _granted_by_null(self.key, quantifier, condition.values)
                if quantifier and not has_letters(self.key)
                else _always(False if effect == "Allow" and not quantifier else None)
            )
        elif has_letters(self.key):
            self.check = _always(None)
        elif self.operator.family == "null":
            self.check = _null(self.key, condition.values)
        else:
            variables = self.operator.variables and version == VERSION_WITH_VARIABLES
            self.patterns = tuple(
                parse_text(value, wildcards=self.operator.globs, variables=variables) for value in condition.values
            )
            match = _matcher(self.operator, condition.values, self.patterns)
            self.check = _check(self.key, self.operator, effect, match)


def _always(truth: Truth) -> Check:
    return lambda facts: truth


def _null(key: str, values: tuple[str, ...]) -> Check:
    """`Null`: "true" asks for an absent key, "false" for a present one; both together always hold."""
    wanted = {value.lower() == "true" for value in values if value.lower() in ("true", "false")}
    if len(wanted) == 2:
        return _always(True)
    if any(has_letters(value) for value in values):
        return _always(None)
    if not wanted:
        return _always(False)
    wants_absent = wanted.pop()

    def check(facts: Facts) -> Truth:
        value = facts.lookup(key)
        return None if value is None else (value is False) == wants_absent

    return check


def _granted_by_null(key: str, quantifier: Quantifier, values: tuple[str, ...]) -> Check:
    """A set-qualified `Null` in an Allow: read as if asked of each value, it may grant, and else it does not."""
    wants_present = any(value.lower() == "false" or has_letters(value) for value in values)

    def check(facts: Facts) -> Truth:
        value = facts.lookup(key)
        holds = quantifier == "ForAllValues" if value is False else wants_present
        return None if holds or value is None else False

    return check


def _check(key: str, operator: Operator, effect: Effect, match: Match) -> Check:
    absent = operator.absent
    if operator.absent_is_contested and effect == "Allow":
        absent = None
    # A single-valued operator does not match a key with several values. Whether its negation then holds AWS does not
    # say: read as "no", which must not lift a Deny.
    several: Truth = None if operator.negated and effect == "Deny" else False
    negated_arn = operator.negated and operator.family == "arn"
    negated, quantifier = operator.negated, operator.quantifier
    if not quantifier and not negated_arn:
        return _check_one(key, match, negated, absent, several)

    def one(value: str, facts: Facts) -> Truth:
        truth = match(value, facts)
        if not negated:
            return truth
        if negated_arn and truth is False and not is_arn(value):
            return None if has_letters(value) else False
        return negate(truth)

    def check(facts: Facts) -> Truth:
        value = facts.lookup(key)
        if value is None:
            return None
        if value is False:
            return absent
        if not quantifier:
            return several if isinstance(value, tuple) else one(value, facts)
        each = [one(single, facts) for single in ((value,) if isinstance(value, str) else value)]
        return all_of(each) if quantifier == "ForAllValues" else any_of(each)

    return check


def _check_one(key: str, match: Match, negated: bool, absent: Truth, several: Truth) -> Check:
    """What most conditions are: one value, and a negation that is nothing but the opposite."""

    def check(facts: Facts) -> Truth:
        value = facts.lookup(key)
        if value is None:
            return None
        if value is False:
            return absent
        if isinstance(value, tuple):
            return several
        truth = match(value, facts)
        return (None if truth is None else not truth) if negated else truth

    return check


def _matcher(operator: Operator, values: tuple[str, ...], patterns: tuple[Pieces, ...]) -> Match:
    if operator.family == "string":
        return _strings(patterns, operator.ignore_case)
    if operator.family == "arn":
        return ArnPatterns(patterns).match
    if operator.family == "numeric":
        return _parsed(values, parse_number, parse_number, lambda one, other: compares(one, operator.comparison, other))
    if operator.family == "date":
        return _parsed(values, parse_date, parse_date, lambda one, other: compares(one, operator.comparison, other))
    if operator.family == "address":
        return _parsed(values, parse_range, parse_address, lambda one, other: other.holds(one))
    if operator.family == "bool":
        # Anything but "true" in a request is false.
        return _parsed(values, _parse_bool, lambda text: text.lower() == "true", lambda one, other: one == other)
    # Documents give binary request values encoded; services hand some keys over decoded.
    return _parsed(values, decode_base64, _binary_readings, lambda one, other: other in one)


def _strings(patterns: tuple[Pieces, ...], ignore_case: bool) -> Match:
    pattern_set = PatternSet(patterns, ignore_case)
    if ignore_case:
        return lambda text, facts: pattern_set.match(_folded(text), is_open_text(text), facts)
    # Most texts need no closer look, and a call takes longer than that.
    return lambda text, facts: pattern_set.match(
        text, not (text.isascii() and len(text) < 256) and is_open_text(text), facts
    )


_KELVIN: Final = "\u212a"
"""The one character whose lower case is an ASCII letter. That IAM takes it for a `k` no page of AWS says."""


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else _KELVIN.join(map(str.lower, text.split(_KELVIN)))


def _parse_bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _binary_readings(text: str) -> tuple[bytes, ...]:
    decoded = decode_base64(text)
    return (text.encode(),) if decoded is None else (decoded, text.encode())


Wanted = TypeVar("Wanted")


def _parsed(
    values: Iterable[str],
    parse: Callable[[str], Wanted | None],
    parse_given: Callable[[str], Parsed | None],
    holds: Callable[[Parsed, Wanted], bool],
) -> Match:
    """A matcher that compares parsed values. A policy's value that cannot be read is skipped, as if it were not there.

    A request's value that cannot be read matches nothing, so that a negated operator holds for it.
    """
    values = tuple(values)
    wanted = [parsed for parsed in (parse(value) for value in values if not has_letters(value)) if parsed is not None]
    some_are_open = any(has_letters(value) for value in values)
    otherwise: Truth = None if some_are_open else False

    def match(text: str, facts: Facts) -> Truth:
        if has_letters(text):
            return None if wanted or some_are_open else False
        given = parse_given(text)
        if given is None:
            return False
        for other in wanted:
            if holds(given, other):
                return True
        return otherwise

    return match
