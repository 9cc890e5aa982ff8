"""Arguments and nested blocks of a resource, as `terraform show -json` has them: blocks as lists of objects.

https://developer.hashicorp.com/terraform/language/expressions/dynamic-blocks
"""

from collections.abc import Callable

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.terraform.hcl_evaluate import Environment, pairs
from policy_audit.sources.terraform.hcl_syntax import Block, Body, Expression, Name
from policy_audit.sources.terraform.hcl_values import is_null, mapped, opened
from policy_audit.sources.terraform.instances import as_choice, is_open

Evaluate = Callable[[Expression, Environment], Node]
"""Works out an expression; what can't be worked out is unknown."""


def arguments_of(body: Body, around: Environment, evaluate: Evaluate, name: str) -> Node | None:
    """The argument `name` of a body, or the blocks of this type; None if it has neither."""
    written = body.get(name)
    if written is not None:
        return evaluate(written, around)
    found: list[Node] = []
    for block in body.blocks:
        if block.type.text == name:
            found.append(_block(block, around, evaluate))
        elif block.type.text == "dynamic" and block.labels and block.labels[0].text == name:
            made = _dynamic(block, around, evaluate)
            if isinstance(made, Sequence):
                found += made.items
            else:
                return _with(found, made)
    if not found:
        return None
    return Sequence(tuple(found), found[0].place)


def _with(before: list[Node], made: Node) -> Node:
    """Blocks that depend on an open condition behind others; of blocks that are open nothing is known."""
    if not before or as_choice(made) is None:
        return made

    def together(one: Node) -> Node:
        return Sequence((*before, *one.items), one.place) if isinstance(one, Sequence) else one

    return mapped(made, together)


def _block(block: Block, around: Environment, evaluate: Evaluate) -> Mapping:
    """A nested block as an object; what is null in it is not set."""
    body = block.body
    keys = {one.name.text: one.name for one in body.arguments}
    for inner in body.blocks:
        name = inner.labels[0] if inner.type.text == "dynamic" and inner.labels else inner.type
        keys.setdefault(name.text, name)
    found = []
    for written, key in keys.items():
        value = arguments_of(body, around, evaluate, written)
        if value is not None and not is_null(value):
            found.append(Entry(key, value))
    return Mapping(tuple(found), block.place)


def _dynamic(block: Block, around: Environment, evaluate: Evaluate) -> Node:
    """The blocks that a `dynamic` block makes, one for each item."""
    each, iterator = block.body.get("for_each"), block.body.get("iterator")
    contents = block.body.of_type("content")
    if each is None or not contents:
        return Sequence((), block.place)
    name = iterator.name if isinstance(iterator, Name) else block.labels[0].text

    def made(over: Node) -> Node:
        if is_open(over):
            return opened(over, block.place, "the blocks for …")
        if is_null(over):
            return Sequence((), block.place)
        found: list[Node] = []
        for key, value in pairs(over):
            item = Mapping((_entry("key", key), _entry("value", value)), key.place)
            found.append(_block(contents[0], around.having(**{name: item}), evaluate))
        return Sequence(tuple(found), block.place)

    return mapped(evaluate(each, around), made)


def _entry(name: str, node: Node) -> Entry:

    return Entry(Scalar(name, "string", node.place), node)
