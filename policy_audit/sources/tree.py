"""Reading values out of a resolved tree: texts, lists and what is missing or unknown in them."""

from collections.abc import Iterator

from policy_audit.model.call import Field
from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.model.value import Symbols, is_letter


def child(node: Node | None, *names: str) -> Node | None:
    """The node under `names`, one mapping after the other; None if one of them is not there."""
    for name in names:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def text(node: Node | None) -> str | None:
    """A scalar's text; None for null, for anything else, and for nothing."""
    return node.text if isinstance(node, Scalar) and node.kind != "null" else None


def field(node: Node | None) -> Field | None:
    """A scalar's text with its place."""
    return Field(node.text, node.place.span) if isinstance(node, Scalar) and node.kind != "null" else None


def items(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; a single value counts as a list of one, as CloudFormation reads it."""
    if node is None or (isinstance(node, Scalar) and node.kind == "null"):
        return ()
    return node.items if isinstance(node, Sequence) else (node,)


def texts(node: Node | None) -> tuple[str, ...]:
    """The texts of a list's scalars."""
    return tuple(one.text for one in items(node) if isinstance(one, Scalar) and one.kind != "null")


def entries(node: Node | None) -> Iterator[Entry]:
    """The entries of a mapping; none for anything else."""
    return iter(node.entries) if isinstance(node, Mapping) else iter(())


def number(node: Node | None) -> int | None:
    """A scalar's whole number; None if it is not one."""
    written = text(node)
    if written is None:
        return None
    digits = written.strip().removeprefix("-")
    return int(written) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def is_true(node: Node | None) -> bool:
    """Whether a scalar says yes, as a boolean or as text."""
    return (text(node) or "").lower() == "true"


def is_no_value(node: Node | None) -> bool:
    """Whether a node is `{Ref: AWS::NoValue}`: the property is as if it were not there."""
    return text(child(node, "Ref")) == "AWS::NoValue"


def unknown(node: Node | None, symbols: Symbols) -> str:
    """Why a node's structure is not known: it is a single open value where a list or a mapping could be. Else empty."""
    if isinstance(node, Scalar) and len(node.text) == 1 and is_letter(node.text):
        symbol = symbols.of(node.text)
        return symbol.reason or f"{symbol.name} is not known"
    return ""
