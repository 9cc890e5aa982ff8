"""`count` and `for_each`: how often a block is there, with which names, and under which open conditions.

https://developer.hashicorp.com/terraform/language/meta-arguments/for_each
"""

from collections.abc import Mapping as MappingOf
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.terraform.hcl_encode import quoted
from policy_audit.sources.terraform.hcl_evaluate import Environment, pairs
from policy_audit.sources.terraform.hcl_syntax import Block
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    RefusedError,
    UnsupportedError,
    as_text,
    integer_of,
    is_null,
    number,
)
from policy_audit.sources.terraform.instances import as_choice, is_open, variable

if TYPE_CHECKING:
    from policy_audit.sources.terraform.hcl_scope import Configuration

MANY: Final = 1000
"""How many instances one block may have."""
_STEPS: Final = 50
"""How much of the work that is allowed an instance counts for."""


class One(NamedTuple):
    """One instance: what its address ends with, the names that its block may use, and the condition it is under."""

    suffix: str
    key: Scalar | None = None
    names: MappingOf[str, Node] = {}
    condition: str = ""


class Repeated(NamedTuple):
    """All instances of a block, and as what they are reached."""

    form: Literal["single", "list", "map"]
    instances: tuple[One, ...]


def repeated(block: Block, around: Environment, address: str, configuration: "Configuration") -> Repeated:
    """The instances of a block. Where it is open how many there are, one stands for all, and that is told."""
    count, each = block.body.get("count"), block.body.get("for_each")
    if count is None and each is None:
        return Repeated("single", (One(""),))
    expression = count if count is not None else each
    assert expression is not None
    budget = configuration.evaluator.budget
    try:
        cases = _cases(configuration.evaluator.value(expression, around))
        found = _counted(cases, expression.place, budget) if count is not None else _each(cases, budget)
        if len(found) > MANY:
            raise UnsupportedError(f"there are more than {MANY:,}")
    except (RefusedError, UnsupportedError) as error:
        found, cases = {}, [("", variable("", block.head))]
        configuration.tell(block.head, f"how many of `{address}` there are can't be worked out: {error}")
    form: Literal["list", "map"] = "list" if count is not None else "map"
    instances = [
        One(f"[{key}]", name, names, _condition(list(conditions), cases))
        for key, (name, names, conditions) in found.items()
    ]
    if any(is_open(value) for _, value in cases):
        reason = f"how many of `{address}` there are is open: one stands for all"
        configuration.tell(block.head, reason)
        instances.append(_unknown(form, address, block, len(instances)))
    return Repeated(form, tuple(instances))


Found = dict[str, tuple[Scalar | None, MappingOf[str, Node], list[str]]]
"""By key as the address has it: the key, the names of the block, and the conditions under which it is there."""


def _cases(node: Node) -> list[tuple[str, Node]]:
    """The values that a value may have, each with the condition under which it has it."""
    found: list[tuple[str, Node]] = []
    pending = [("", node)]
    while pending:
        condition, one = pending.pop()
        chosen = as_choice(one)
        if chosen is None:
            found.append((condition, one))
            if len(found) > MANY:
                raise UnsupportedError("it depends on too many conditions")
            continue
        before = f"{condition} and " if condition else ""
        pending += [(f"{before}!{chosen.condition}", chosen.no), (before + chosen.condition, chosen.yes)]
    return found


def _condition(conditions: list[str], cases: list[tuple[str, Node]]) -> str:
    """When an instance is there: always, if it is in every case."""
    return "" if len(conditions) == len(cases) else " or ".join(conditions)


def _counted(cases: list[tuple[str, Node]], place: Place, budget: Budget) -> Found:
    found: Found = {}
    for condition, value in cases:
        if is_open(value):
            continue
        count = integer_of(value)
        if count > MANY:
            raise UnsupportedError(f"there are more than {MANY:,}")
        budget.spend(count * _STEPS)
        for index in range(count):
            names = {"count": _object(place, index=number(index, place))}
            found.setdefault(str(index), (None, names, []))[2].append(condition)
    return found


def _each(cases: list[tuple[str, Node]], budget: Budget) -> Found:
    found: Found = {}
    for condition, value in cases:
        if is_open(value):
            continue
        if is_null(value):
            raise RefusedError("`for_each` is null")
        listed = not isinstance(value, Mapping)
        for key, item in pairs(value):
            budget.spend(_STEPS)
            if is_open(item) and listed:
                raise UnsupportedError("a key of `for_each` is open")
            name = as_text(item if listed else key)
            names = {"each": _object(name.place, key=name, value=item)}
            found.setdefault(quoted(name.text), (name, names, []))[2].append(condition)
    return found


def _unknown(form: str, address: str, block: Block, index: int) -> One:
    """The one instance that stands for all, where it is open how many there are."""
    condition = f"there is a further {address}"
    if form == "list":
        names = {"count": _object(block.head, index=variable(f"{address} count.index", block.head))}
        return One(f"[{index}]", None, names, condition)
    key = variable(f"{address} each.key", block.head)
    names = {"each": _object(block.head, key=key, value=variable(f"{address} each.value", block.head))}
    return One('["…"]', Scalar("…", "string", block.head), names, condition)


def _object(place: Place, **items: Node) -> Mapping:
    return Mapping(tuple(Entry(Scalar(name, "string", place), node) for name, node in items.items()), place)
