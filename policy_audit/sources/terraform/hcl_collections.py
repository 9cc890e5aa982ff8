"""Terraform's functions on lists, sets, maps and objects: they look at the collections, not at what is in them.

https://developer.hashicorp.com/terraform/language/functions
"""

from collections.abc import Iterable
from itertools import product
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.terraform.hcl_given import MANY, Function, Given
from policy_audit.sources.terraform.hcl_types import as_set
from policy_audit.sources.terraform.hcl_values import (
    LimitError,
    RefusedError,
    SetOf,
    as_text,
    equal,
    has_text,
    is_null,
    null,
    opened,
    text_of,
    truth_of,
)
from policy_audit.sources.terraform.instances import as_variable, is_open


def _tested(given: Given, stop: bool) -> Node:
    """`anytrue` and `alltrue`: whether one is `stop`; open if that is open."""
    undecided: Node | None = None
    for one in given.items(0):
        if is_open(one):
            undecided = one
        elif not is_null(one) and truth_of(one) is stop:
            return given.of_boolean(stop)
        elif is_null(one) and not stop:
            return given.of_boolean(False)
    return (
        given.of_boolean(not stop) if undecided is None else opened(undecided, given.place, "whether all are true, …")
    )


def _chunklist(given: Given) -> Node:
    items, size = given.items(0), given.integer(1)
    if size < 0:
        raise RefusedError("the size of a chunk is positive")
    size = size or max(len(items), 1)
    return given.of_items([given.of_items(items[at : at + size]) for at in range(0, len(items), size)])


def _coalesce(given: Given) -> Node:
    for one in given.arguments:
        if is_open(one):
            return one if has_text(one) else opened(one, given.place, "coalesce(…)")
        if not is_null(one) and not (isinstance(one, Scalar) and one.kind == "string" and not one.text):
            texts = any(isinstance(other, Scalar) and other.kind == "string" for other in given.arguments)
            return as_text(one) if texts else one
    raise RefusedError("all values are null or empty")


def _coalescelist(given: Given) -> Node:
    for index in range(len(given.arguments)):
        if given.items(index):
            return given.arguments[index]
    raise RefusedError("all lists are empty")


def _compact(given: Given) -> Node:
    kept: list[Node] = []
    for one in given.items(0):
        if is_open(one) and not has_text(one):
            return opened(one, given.place, "compact([…])")
        if is_open(one) or not (is_null(one) or text_of(one) == ""):
            kept.append(one if is_open(one) else as_text(one))
    return given.of_items(kept)


def _concat(given: Given) -> Node:
    return given.of_items([one for index in range(len(given.arguments)) for one in given.items(index)])


def _contains(given: Given) -> Node:
    undecided = None
    for one in given.items(0):
        same = equal(one, given.arguments[1], given.budget)
        if same:
            return given.of_boolean(True)
        if same is None:
            undecided = one if is_open(one) else given.arguments[1]
    return given.of_boolean(False) if undecided is None else opened(undecided, given.place, "whether … is in a list")


def _distinct(given: Given) -> Node:
    found: list[Node] = []
    for one in given.items(0):
        if not any(equal(one, other, given.budget) for other in found):
            found.append(one)
    return given.of_items(found)


def _element(given: Given) -> Node:
    items, index = given.items(0), given.integer(1)
    if not items:
        raise RefusedError("an item of an empty list")
    return items[index % len(items)]


def _flatten(given: Given) -> Node:
    found: list[Node] = []
    pending = [*reversed(given.items(0))]
    while pending:
        one = pending.pop()
        given.budget.spend(1)
        if isinstance(one, Sequence):
            pending += reversed(one.items)
        elif as_variable(one) is not None:
            return opened(one, given.place, "flatten([…])")
        else:
            found.append(one)
    return given.of_items(found)


def _index(given: Given) -> Node:
    for index, one in enumerate(given.items(0)):
        same = equal(one, given.arguments[1], given.budget)
        if same is None:
            return opened(one if is_open(one) else given.arguments[1], given.place, "the index of …")
        if same:
            return given.of_number(index)
    raise RefusedError("the list does not have this item")


def _keys(given: Given) -> Node:
    return given.of_items([entry.key for entry in given.entries(0)])


def _length(given: Given) -> Node:
    one = given.arguments[0]
    if isinstance(one, Scalar) and not is_null(one):
        return given.of_number(len(text_of(one)))
    if isinstance(one, Sequence):
        return given.of_number(len(one.items))
    return given.of_number(len(given.entries(0)))


def _lookup(given: Given) -> Node:
    key = text_of(given.arguments[1])
    for entry in given.entries(0):
        if entry.key.text == key:
            return entry.value
    if len(given.arguments) < 3:
        raise RefusedError(f"there is no item `{key}`")
    return given.arguments[2]


def _matchkeys(given: Given) -> Node:
    values, keys, wanted = given.items(0), given.items(1), given.items(2)
    if len(values) != len(keys):
        raise RefusedError("the lists have different lengths")
    kept = []
    for value, key in zip(values, keys, strict=True):
        same = [equal(key, one, given.budget) for one in wanted]
        if True not in same and None in same:
            return opened(key, given.place, "the items whose key is …")
        if True in same:
            kept.append(value)
    return given.of_items(kept)


def _merge(given: Given) -> Node:
    found: dict[str, Entry] = {}
    for one in given.arguments:
        if is_null(one):
            continue
        if not isinstance(one, Mapping):
            raise RefusedError("a map or object is required")
        given.budget.spend(len(one.entries))
        for entry in one.entries:
            found.pop(entry.key.text, None)
            found[entry.key.text] = entry
    return Mapping(tuple(found.values()), given.place)


def _one(given: Given) -> Node:
    one = given.arguments[0]
    items = one.items if isinstance(one, Sequence) else () if is_null(one) else (one,)
    if len(items) > 1:
        raise RefusedError(f"one item is required, and there are {len(items)}")
    return items[0] if items else null(given.place)


def _reverse(given: Given) -> Node:
    return given.of_items(given.items(0)[::-1])


def _sets(given: Given) -> list[Node]:
    return [as_set(Sequence(given.items(index), given.place)) for index in range(len(given.arguments))]


def _setintersection(given: Given) -> Node:
    first, *others = _sets(given)
    return given.of_set([one for one in _items(first) if all(_in(one, other, given) for other in others)])


def _setsubtract(given: Given) -> Node:
    first, other = _sets(given)
    return given.of_set([one for one in _items(first) if not _in(one, other, given)])


def _setunion(given: Given) -> Node:
    return as_set(given.of_items([one for index in range(len(given.arguments)) for one in given.items(index)]))


def _items(node: Node) -> Iterable[Node]:
    return node.items if isinstance(node, Sequence) else ()


def _in(one: Node, other: Node, given: Given) -> bool:
    same = [equal(one, two, given.budget) for two in _items(other)]
    if True not in same and None in same:
        raise RefusedError("whether an open value is in both sets is open")
    return True in same


def _setproduct(given: Given) -> Node:
    lists = [given.items(index) for index in range(len(given.arguments))]
    count = 1
    for one in lists:
        count *= len(one)
        if count > 100_000:
            raise LimitError("a product of sets has more than 100,000 items")
    given.budget.spend(count * len(lists))
    made: list[Node] = [given.of_items(one) for one in product(*lists)]
    sets = all(isinstance(one, SetOf) for one in given.arguments)
    return given.of_set(made) if sets else given.of_items(made)


def _slice(given: Given) -> Node:
    items, start, end = given.items(0), given.integer(1), given.integer(2)
    if not 0 <= start <= end <= len(items):
        raise RefusedError("the list has no such slice")
    return given.of_items(items[start:end])


def _sort(given: Given) -> Node:
    return given.of_items([*sorted(map(as_text, given.items(0)), key=lambda one: one.text)])


def _transpose(given: Given) -> Node:
    found: dict[str, list[str]] = {}
    for entry in given.entries(0):
        for one in _items(entry.value):
            found.setdefault(text_of(one), []).append(entry.key.text)
    return given.of_entries({name: given.of_texts(sorted(found[name])) for name in sorted(found)})


def _values(given: Given) -> Node:
    return given.of_items([entry.value for entry in given.entries(0)])


def _zipmap(given: Given) -> Node:
    keys, values = given.items(0), given.items(1)
    if len(keys) != len(values):
        raise RefusedError("there are not as many values as keys")
    key = next((one for one in keys if is_open(one)), None)
    if key is not None:
        return opened(key, given.place, "the object with the key …")
    found = {text_of(key): Entry(as_text(key), value) for key, value in zip(keys, values, strict=True)}
    return Mapping(tuple(found.values()), given.place)


COLLECTIONS: Final = {
    "alltrue": Function(lambda given: _tested(given, False), 1, 1, shallow=True),
    "anytrue": Function(lambda given: _tested(given, True), 1, 1, shallow=True),
    "chunklist": Function(_chunklist, 2, 2, shallow=True),
    "coalesce": Function(_coalesce, 1, MANY, shallow=True, free=0),
    "coalescelist": Function(_coalescelist, 1, MANY, shallow=True),
    "compact": Function(_compact, 1, 1, shallow=True),
    "concat": Function(_concat, 1, MANY, shallow=True),
    "contains": Function(_contains, 2, 2, shallow=True),
    "distinct": Function(_distinct, 1, 1, shallow=True),
    "element": Function(_element, 2, 2, shallow=True),
    "flatten": Function(_flatten, 1, 1, shallow=True),
    "index": Function(_index, 2, 2, shallow=True),
    "keys": Function(_keys, 1, 1, shallow=True),
    "length": Function(_length, 1, 1, shallow=True),
    "lookup": Function(_lookup, 2, 3, shallow=True, free=2),
    "matchkeys": Function(_matchkeys, 3, 3, shallow=True),
    "merge": Function(_merge, 0, MANY, shallow=True),
    "one": Function(_one, 1, 1, shallow=True),
    "reverse": Function(_reverse, 1, 1, shallow=True),
    "setintersection": Function(_setintersection, 1, MANY),
    "setproduct": Function(_setproduct, 2, MANY, shallow=True),
    "setsubtract": Function(_setsubtract, 2, 2),
    "setunion": Function(_setunion, 1, MANY, shallow=True),
    "slice": Function(_slice, 3, 3, shallow=True),
    "sort": Function(_sort, 1, 1),
    "transpose": Function(_transpose, 1, 1),
    "values": Function(_values, 1, 1, shallow=True),
    "zipmap": Function(_zipmap, 2, 2, shallow=True),
}
