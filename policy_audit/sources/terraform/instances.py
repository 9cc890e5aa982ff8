"""What readers of Terraform give: the instances of resources and data sources, open values as nodes of their own.

An instance's arguments are nodes in Terraform's own names, nested blocks as lists of mappings, as a plan in JSON has
them. A leaf whose value is not known yet is one of the *open* nodes that only this module makes: no document that is
read can hold one, for they are told by the identity of their key.
"""

from collections.abc import Iterable
from typing import Final, Literal

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

Mode = Literal["managed", "data"]


class Instance(NamedTuple):
    """One instance of a resource or data source.

    `address` is Terraform's: `module.api.aws_iam_role.this["x"]`, `data.aws_iam_policy_document.trust`. `place` is that
    of its block (HCL) or of its object (JSON), `arguments` a mapping of what is set; nulls count as not set.
    """

    address: str
    type: str
    mode: Mode
    arguments: Mapping
    place: Place
    condition: str = ""
    """The name of an open condition under which the instance exists; the same name is the same condition."""

    @property
    def span(self) -> Span:
        return self.place.span


class Reference(NamedTuple):
    """What an attribute of another instance will be: `aws_iam_role.this["x"]`, `("arn",)`.

    Of a list, `path` goes on with indexes: `("endpoint_configuration", "0", "types")`.
    """

    address: str
    path: tuple[str, ...]
    place: Place


class Choice(NamedTuple):
    """A value that depends on an open condition."""

    condition: str
    yes: Node
    no: Node


class _Nowhere:
    """The source of what stands in no file."""

    def span(self, start: int, end: int) -> Span:
        return Span("", 1, 1, 1, 1)


_NOWHERE: Final = Place(_Nowhere(), 0, 0)
_REFERENCE: Final = Scalar("reference", "string", _NOWHERE)
_VARIABLE: Final = Scalar("variable", "string", _NOWHERE)
_UNKNOWN: Final = Scalar("unknown", "string", _NOWHERE)
_JOINED: Final = Scalar("joined", "string", _NOWHERE)
_ENCODED: Final = Scalar("encoded", "string", _NOWHERE)
_CHOICE: Final = Scalar("choice", "string", _NOWHERE)
_HIDDEN: Final = Scalar("hidden", "string", _NOWHERE)


def _open(kind: Scalar, value: Node, place: Place) -> Mapping:
    return Mapping((Entry(kind, value),), place)


def reference(address: str, path: Iterable[str], place: Place) -> Mapping:
    """The value that the attribute at `path` of the instance at `address` will have."""
    names = (Scalar(name, "string", place) for name in (address, *path))
    return _open(_REFERENCE, Sequence(tuple(names), place), place)


def variable(name: str, place: Place) -> Mapping:
    """A value that is open and the same wherever it has this name: `var.domain` without a value.

    `name` is what the reader of a report sees, with the module: `module.api.var.domain`.
    """
    return _open(_VARIABLE, Scalar(name, "string", place), place)


def unknown(reason: str, place: Place) -> Mapping:
    """A value of which nothing is known, for a `reason` that can follow "because"."""
    return _open(_UNKNOWN, Scalar(reason, "string", place), place)


def joined(parts: Iterable[Node], place: Place) -> Node:
    """A text that is put together from scalars and open nodes; one part alone is itself."""
    items = tuple(parts)
    return items[0] if len(items) == 1 else _open(_JOINED, Sequence(items, place), place)


def encoded(node: Node, place: Place) -> Mapping:
    """The JSON text of a list or mapping whose leaves may be open: what `jsonencode(node)` gives."""
    return _open(_ENCODED, node, place)


def choice(condition: str, yes: Node, no: Node, place: Place) -> Mapping:
    """`yes` where the open condition of this name holds, else `no`."""
    return _open(_CHOICE, Sequence((Scalar(condition, "string", place), yes, no), place), place)


def hidden(node: Node, place: Place) -> Mapping:
    """A value that is known and that Terraform marks as sensitive: no report may show it."""
    return _open(_HIDDEN, node, place)


def as_reference(node: Node | None) -> Reference | None:
    """The reference that `node` is; None for any other node."""
    value = _value(node, _REFERENCE)
    if not isinstance(value, Sequence) or node is None:
        return None
    names = tuple(one.text for one in value.items if isinstance(one, Scalar))
    return Reference(names[0], names[1:], node.place)


def as_variable(node: Node | None) -> str | None:
    """The name of the open value that `node` is; None for any other node."""
    value = _value(node, _VARIABLE)
    return value.text if isinstance(value, Scalar) else None


def as_unknown(node: Node | None) -> str | None:
    """Why nothing is known of `node`; None for any other node."""
    value = _value(node, _UNKNOWN)
    return value.text if isinstance(value, Scalar) else None


def as_joined(node: Node | None) -> tuple[Node, ...] | None:
    """The parts of the text that `node` is; None for any other node."""
    value = _value(node, _JOINED)
    return value.items if isinstance(value, Sequence) else None


def as_encoded(node: Node | None) -> Node | None:
    """What `node` is the JSON text of; None for any other node."""
    return _value(node, _ENCODED)


def as_choice(node: Node | None) -> Choice | None:
    """The choice that `node` is; None for any other node."""
    value = _value(node, _CHOICE)
    if not isinstance(value, Sequence):
        return None
    condition, yes, no = value.items
    return Choice(condition.text, yes, no) if isinstance(condition, Scalar) else None


def as_hidden(node: Node | None) -> Node | None:
    """The sensitive value that `node` holds; None for any other node."""
    return _value(node, _HIDDEN)


def is_open(node: Node | None) -> bool:
    """Whether `node` is one of the open nodes, of whatever kind."""
    kinds = (_REFERENCE, _VARIABLE, _UNKNOWN, _JOINED, _ENCODED, _CHOICE, _HIDDEN)
    return isinstance(node, Mapping) and len(node.entries) == 1 and any(node.entries[0].key is one for one in kinds)


def _value(node: Node | None, kind: Scalar) -> Node | None:
    found = isinstance(node, Mapping) and len(node.entries) == 1 and node.entries[0].key is kind
    return node.entries[0].value if found and isinstance(node, Mapping) else None
