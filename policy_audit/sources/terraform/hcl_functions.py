"""The functions that a configuration may call, and what they give where a value is open.

https://developer.hashicorp.com/terraform/language/functions
"""

from typing import Final

from policy_audit.model.node import Node, Place, Sequence
from policy_audit.sources.terraform.hcl_collections import COLLECTIONS
from policy_audit.sources.terraform.hcl_encode import texts_of
from policy_audit.sources.terraform.hcl_encoding import ENCODINGS
from policy_audit.sources.terraform.hcl_given import Function, Given
from policy_audit.sources.terraform.hcl_numbers import NUMBERS
from policy_audit.sources.terraform.hcl_texts import TEXTS
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    RefusedError,
    UnsupportedError,
    joined_texts,
    mapped,
    name_of,
    open_within,
    opened,
)
from policy_audit.sources.terraform.instances import as_choice, as_encoded, is_open, variable

FUNCTIONS: Final[dict[str, Function]] = {**COLLECTIONS, **ENCODINGS, **NUMBERS, **TEXTS}

_KEEP_STRUCTURE: Final = frozenset(
    {"jsondecode", "yamldecode", "jsonencode", "yamlencode", "nonsensitive", "one", "merge"}
)


def apply(name: str, arguments: tuple[Node, ...], place: Place, budget: Budget) -> Node:
    """What the function gives. Raises RefusedError as Terraform does, UnsupportedError for what is not worked out."""
    function = FUNCTIONS.get(name.removeprefix("core::"))
    if function is None:
        raise UnsupportedError(f"the function `{name}` is not worked out")
    if not function.least <= len(arguments) <= function.most:
        raise RefusedError(f"`{name}` takes another number of arguments")
    budget.spend(1)
    return _applied(name, function, arguments, place, budget)


def _applied(name: str, function: Function, arguments: tuple[Node, ...], place: Place, budget: Budget) -> Node:
    for index, one in enumerate(arguments):
        if as_choice(one) is not None:

            def case(value: Node, index: int = index) -> Node:
                given = (*arguments[:index], value, *arguments[index + 1 :])
                return _applied(name, function, given, place, budget)

            return mapped(one, case)
    if name not in _KEEP_STRUCTURE:
        arguments = tuple(_as_text(one, place, budget) for one in arguments)
    first = next((one for one in arguments[: function.free] if _matters(one, function)), None)
    if first is not None:
        return _opened(name, arguments, open_within(first) or first, place)
    return function.work(Given(arguments, place, budget))


def _as_text(node: Node, place: Place, budget: Budget) -> Node:
    """An encoded value as the text that it is."""
    return joined_texts(texts_of(node, budget), place) if as_encoded(node) is not None else node


def _matters(node: Node, function: Function) -> bool:
    return is_open(node) if function.shallow else open_within(node) is not None


def _opened(name: str, arguments: tuple[Node, ...], first: Node, place: Place) -> Node:
    """What a function gives for what is open: of the same values, the same value."""
    names = [name_of(one) if not isinstance(one, Sequence) else "" for one in arguments]
    if all(names):
        return variable(f"{name}({', '.join(names)})", place)
    return opened(first, place, f"{name}(…)")
