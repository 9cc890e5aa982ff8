"""Type constraints of variables: what a given value becomes under `list(string)`, `object({…})` with its defaults.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.terraform.hcl_syntax import Call, Expression, ListOf, Literal, Name, ObjectOf
from policy_audit.sources.terraform.hcl_values import (
    RefusedError,
    SetOf,
    as_text,
    boolean,
    is_null,
    mapped,
    null,
    number,
    number_of,
    truth_of,
)
from policy_audit.sources.terraform.instances import is_open

Evaluate = Callable[[Expression], Node]
"""Works out the default of an optional attribute."""


def convert(node: Node, type: Expression | None, evaluate: Evaluate) -> Node:
    """The value as the type has it; a type that is not known changes nothing. Raises RefusedError if it is none of it.

    Open values stay as they are.
    """
    if type is None or is_null(node):
        return node
    if is_open(node):
        return mapped(node, lambda one: one if is_open(one) else convert(one, type, evaluate))
    if isinstance(type, Name):
        return _PRIMITIVE.get(type.name, _as_is)(node)
    if not isinstance(type, Call) or not type.arguments:
        return node
    inner = type.arguments[0]
    match type.name:
        case "list":
            return Sequence(tuple(convert(one, inner, evaluate) for one in _listed(node)), node.place)
        case "set":
            return as_set(Sequence(tuple(convert(one, inner, evaluate) for one in _listed(node)), node.place))
        case "map":
            return _map(node, inner, evaluate)
        case "tuple" if isinstance(inner, ListOf) and isinstance(node, Sequence):
            pairs = zip(node.items, inner.items, strict=False)
            return Sequence(tuple(convert(one, its, evaluate) for one, its in pairs), node.place)
        case "object" if isinstance(inner, ObjectOf):
            return _object(node, inner, evaluate)
        case "optional":
            return convert(node, inner, evaluate)
    return node


def _as_is(node: Node) -> Node:
    return node


def to_number(node: Node) -> Node:
    """The value as a number. Raises RefusedError."""
    return node if isinstance(node, Scalar) and node.kind == "number" else number(number_of(node), node.place)


def to_boolean(node: Node) -> Node:
    """The value as a truth value. Raises RefusedError."""
    return node if isinstance(node, Scalar) and node.kind == "boolean" else boolean(truth_of(node), node.place)


_PRIMITIVE: Final[dict[str, Callable[[Node], Node]]] = {
    "string": as_text,
    "number": to_number,
    "bool": to_boolean,
    "list": lambda node: Sequence(_listed(node), node.place),
    "set": lambda node: as_set(node),
}


def _listed(node: Node) -> tuple[Node, ...]:
    if not isinstance(node, Sequence):
        raise RefusedError("a list or set is required")
    return node.items


def as_set(node: Node) -> Node:
    """The items of a list, each once and in Terraform's order; those that are open stay, each by itself."""
    known: dict[tuple[str, str], Node] = {}
    others: list[Node] = []
    for one in _listed(node):
        if isinstance(one, Scalar):
            kind = "string" if one.kind == "string" else one.kind
            key = str(number_of(one)) if kind == "number" else one.text
            known.setdefault((kind, key), one)
        else:
            others.append(one)
    ordered = sorted(known.items(), key=lambda pair: _order(pair[0]))
    return SetOf((*(one for _, one in ordered), *others), node.place)


def _order(key: tuple[str, str]) -> tuple[str, float, str]:
    kind, text = key
    return (kind, float(text[:300]), "") if kind == "number" else (kind, 0.0, text)


def _map(node: Node, type: Expression, evaluate: Evaluate) -> Node:
    if not isinstance(node, Mapping):
        raise RefusedError("a map is required")
    return node._replace(
        entries=tuple(entry._replace(value=convert(entry.value, type, evaluate)) for entry in node.entries)
    )


def _object(node: Node, types: ObjectOf, evaluate: Evaluate) -> Node:
    """The object with exactly the attributes of its type; optional ones that are not given have their defaults."""
    if not isinstance(node, Mapping):
        raise RefusedError("an object is required")
    found: list[Entry] = []
    for key, type in types.items:
        name = key.value if isinstance(key, Literal) else Scalar("", "string", key.place)
        given = node.get(name.text)
        optional = isinstance(type, Call) and type.name == "optional"
        if given is None and not optional:
            raise RefusedError(f"the attribute `{name.text}` is required")
        default = type.arguments[1] if isinstance(type, Call) and optional and len(type.arguments) > 1 else None
        if (given is None or is_null(given)) and default is not None:
            given = evaluate(default)
        key_of = next((one.key for one in node.entries if one.key.text == name.text), name)
        value = null(node.place) if given is None else convert(given, type, evaluate)
        found.append(Entry(key_of, value))
    return node._replace(entries=tuple(found))
