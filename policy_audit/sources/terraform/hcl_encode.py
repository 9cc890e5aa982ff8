"""JSON from values, as Terraform's `jsonencode` writes it, with what is open left open in the text; and values from it.

https://developer.hashicorp.com/terraform/language/functions/jsonencode
"""

import json
from typing import Final

from policy_audit.model.node import Node, Place, Scalar, Sequence
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    RefusedError,
    entries_of,
    joined_texts,
    number_of,
    number_text,
)
from policy_audit.sources.terraform.instances import as_encoded, as_joined, is_open

_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def texts_of(node: Node, budget: Budget) -> tuple[Node, ...]:
    """The text that an encoded value is, in parts: its open leaves stand as they are between the brackets."""
    inner = as_encoded(node)
    if inner is None:
        return (node,)
    found: list[Node] = []
    _Writer(found, budget, node.place).write(inner)
    whole = joined_texts(found, node.place)
    return as_joined(whole) or (whole,)


def json_text(node: Node, budget: Budget) -> str:
    """The JSON text of a value that is known. Raises RefusedError where it is open."""
    found: list[Node] = []
    _Writer(found, budget, node.place).write(node)
    if not all(isinstance(one, Scalar) for one in found):
        raise RefusedError("the value is open")
    return "".join(one.text for one in found if isinstance(one, Scalar))


class _Writer:
    """Writes a value as JSON, part by part."""

    def __init__(self, found: list[Node], budget: Budget, place: Place) -> None:
        self.found = found
        self.budget = budget
        self.place = place

    def write(self, node: Node) -> None:
        """Appends the value. It nests no deeper than the evaluator goes."""
        self.budget.spend(1)
        if isinstance(node, Scalar):
            self._raw(_scalar(node))
        elif isinstance(node, Sequence):
            self._raw("[")
            for index, one in enumerate(node.items):
                self._raw("," if index else "")
                self.write(one)
            self._raw("]")
        elif is_open(node):
            self._open(node)
        else:
            self._raw("{")
            for index, entry in enumerate(entries_of(node)):
                self._raw(f"{',' if index else ''}{quoted(entry.key.text)}:")
                self.write(entry.value)
            self._raw("}")

    def _open(self, node: Node) -> None:
        """An open leaf: in quotes if it is surely a text, else alone, in the place of a whole value."""
        parts = as_joined(node)
        if parts is None and as_encoded(node) is None:
            self.found.append(node)
            return
        self._raw('"')
        for part in parts if parts is not None else texts_of(node, self.budget):
            if isinstance(part, Scalar):
                self._raw(quoted(part.text)[1:-1])
            else:
                self.found.append(part)
        self._raw('"')

    def _raw(self, text: str) -> None:
        self.budget.spend(len(text) // 50)
        self.found.append(Scalar(text, "string", self.place))


def quoted(text: str) -> str:
    """A text as a JSON string, as Go writes it."""
    shown = json.dumps(text, ensure_ascii=False)
    for character, escape in _ESCAPES.items():
        if character in shown:
            shown = shown.replace(character, escape)
    return shown


def _scalar(node: Scalar) -> str:
    match node.kind:
        case "string":
            return quoted(node.text)
        case "number":
            return number_text(number_of(node))
        case "boolean":
            return node.text
        case "null":
            return "null"
