"""Statements as a template writes them, and as few of them as say the same."""

from collections.abc import Sequence


def merged_statements(items: Sequence[object]) -> list[object]:
    """`items` without repetition; statements that differ in actions alone, or in resources alone, as one."""
    found: list[object] = []
    for one in items:
        if one not in found:
            found.append(one)
    for name in ("Action", "Resource"):
        found = _joined(found, name)
    return found


def _joined(items: Sequence[object], name: str) -> list[object]:
    """Statements that are equal but for the element `name` as one with all of its values."""
    kept: list[object] = []
    for one in items:
        same = next((each for each in kept if _differ_in(each, one, name)), None) if isinstance(one, dict) else None
        if isinstance(same, dict) and isinstance(one, dict):
            values = _values(same[name]) + [value for value in _values(one[name]) if value not in _values(same[name])]
            kept[kept.index(same)] = {**same, name: values}
        else:
            kept.append(one)
    return kept


def _differ_in(one: object, other: object, name: str) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict) and name in one and name in other):
        return False
    return {**one, name: None} == {**other, name: None}


def _values(value: object) -> list[object]:
    return [*value] if isinstance(value, list) else [value]


def single(values: Sequence[object]) -> object:
    """One value by itself, several as a list."""
    return values[0] if len(values) == 1 else [*values]


def same_policy(one: object, other: object) -> bool:
    """Whether both are the inline policy of one name."""
    return (
        isinstance(one, dict)
        and isinstance(other, dict)
        and "PolicyName" in one
        and one["PolicyName"] == other.get("PolicyName")
    )
