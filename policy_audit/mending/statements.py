"""Statements as a template writes them, and as few of them as say the same."""

from collections.abc import Sequence
from json import dumps


def merged_statements(items: Sequence[object]) -> list[object]:
    """`items` without repetition; statements that differ in actions alone, or in resources alone, as one."""
    distinct: dict[str, object] = {}
    for one in items:
        distinct.setdefault(_key(one), one)
    found = [*distinct.values()]
    for name in ("Action", "Resource"):
        found = _joined(found, name)
    return found


def tidied(value: object) -> object:
    """The value with one policy of each name in a list, and the statements of each document merged."""
    if isinstance(value, dict):
        return {
            key: merged_statements(one) if key == "Statement" and isinstance(one, list) else tidied(one)
            for key, one in value.items()
        }
    return [tidied(one) for one in _merged_policies(value)] if isinstance(value, list) else value


def _merged_policies(items: Sequence[object]) -> list[object]:
    """Inline policies of one name, and those without (as SAM has them), with their statements together."""
    found: dict[object, object] = {}
    for number, one in enumerate(items):
        is_policy = isinstance(one, dict) and not {"PolicyDocument", "Statement"}.isdisjoint(one)
        name = one.get("PolicyName", "") if isinstance(one, dict) and is_policy else number
        found[name] = _with_statements(found[name], one) if name in found else one
    return [*found.values()]


def _with_statements(one: object, other: object) -> object:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one
    if "PolicyDocument" in one:
        return {**one, "PolicyDocument": _with_statements(one["PolicyDocument"], other.get("PolicyDocument"))}
    return {**one, "Statement": [*_values(one.get("Statement", [])), *_values(other.get("Statement", []))]}


def _key(value: object) -> str:
    return dumps(value, sort_keys=True, default=str)


def _joined(items: Sequence[object], name: str) -> list[object]:
    """Statements that are equal but for the element `name` as one with all of its values."""
    kept: dict[str, object] = {}
    values: dict[str, dict[str, object]] = {}
    for one in items:
        if not isinstance(one, dict) or name not in one:
            kept[_key(one)] = one
            continue
        key = _key({**one, name: None})
        kept.setdefault(key, one)
        known = values.setdefault(key, {})
        for value in _values(one[name]):
            known.setdefault(_key(value), value)
    return [
        {**one, name: single([*values[key].values()])} if isinstance(one, dict) and key in values else one
        for key, one in kept.items()
    ]


def _values(value: object) -> list[object]:
    return [*value] if isinstance(value, list) else [value]


def single(values: Sequence[object]) -> object:
    """One value by itself, several as a list."""
    return values[0] if len(values) == 1 else [*values]
