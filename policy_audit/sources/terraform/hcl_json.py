"""`.tf.json` files: the same bodies and expressions, written in JSON.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.places import Within
from policy_audit.sources.terraform.hcl_parse import parse_expression, parse_template
from policy_audit.sources.terraform.hcl_syntax import Argument, Block, Body, Expression, ListOf, Literal, ObjectOf

_LABELS: Final = {"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1, "locals": 0}
"""By type of block, how many labels it has."""


def body_of(document: Node) -> Body:
    """The body of a file. Raises AuditError for a template in it that is not HCL."""
    blocks: list[Block] = []
    for one in _listed(document):
        for entry in one.entries if isinstance(one, Mapping) else ():
            if entry.key.text in _LABELS:
                blocks += _blocks(entry.key, (), entry, _LABELS[entry.key.text])
    return Body((), tuple(blocks))


def arguments_of(document: Node) -> tuple[Argument, ...]:
    """The values that a `.tfvars.json` file sets: they are taken as they are."""
    found = document.entries if isinstance(document, Mapping) else ()
    return tuple(Argument(entry.key, _expression(entry.value, plain=True)) for entry in found)


def _listed(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _blocks(type: Scalar, labels: tuple[Scalar, ...], entry: Entry, count: int) -> Iterator[Block]:
    """The blocks below a key: one for each object, under as many labels as the type has."""
    for one in _listed(entry.value):
        if not isinstance(one, Mapping):
            continue
        if not count:
            yield Block(type, labels, _body(one, type.text), entry.key.place, one.place)
            continue
        for inner in one.entries:
            yield from _blocks(type, (*labels, inner.key), inner, count - 1)


def _body(node: Mapping, type: str) -> Body:
    arguments: list[Argument] = []
    blocks: list[Block] = []
    for entry in node.entries:
        name = entry.key.text
        if name == "//":
            continue
        if name == "dynamic":
            blocks += _blocks(entry.key, (), entry, 1)
        elif name == "content":
            blocks += _blocks(entry.key, (), entry, 0)
        elif name == "type" and type == "variable" and isinstance(entry.value, Scalar):
            arguments.append(Argument(entry.key, parse_expression(Within(entry.value))))
        else:
            plain = type == "variable"
            arguments.append(Argument(entry.key, _expression(entry.value, plain=plain)))
    return Body(tuple(arguments), tuple(blocks))


def _expression(node: Node, *, plain: bool) -> Expression:
    """A value; strings are templates, unless all is `plain`."""
    if isinstance(node, Sequence):
        return ListOf(tuple(_expression(one, plain=plain) for one in node.items), node.place)
    if isinstance(node, Mapping):
        items = (
            (_expression(entry.key, plain=plain), _expression(entry.value, plain=plain))
            for entry in node.entries
            if entry.key.text != "//"
        )
        return ObjectOf(tuple(items), node.place)
    if plain or node.kind != "string" or not ("${" in node.text or "%{" in node.text):
        return Literal(node)
    return parse_template(Within(node))
