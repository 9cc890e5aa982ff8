"""Values of Terraform's language as nodes: what they convert to, when they are equal, and how their open parts join."""

from collections.abc import Callable, Iterable
from decimal import Context, Decimal, InvalidOperation
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Piece, Place, Scalar, Sequence
from policy_audit.sources.document import MAXIMUM_DEPTH
from policy_audit.sources.terraform.instances import (
    as_choice,
    as_encoded,
    as_joined,
    as_reference,
    as_unknown,
    as_variable,
    choice,
    is_open,
    joined,
    unknown,
    variable,
)

Number = int | Decimal

_EXACT: Final = Context(prec=150)
_LARGEST: Final = 400
"""Digits of the largest number: Terraform itself keeps 512 bits."""
LONGEST_TEXT: Final = 1 << 20


class RefusedError(Exception):
    """Raised for what Terraform refuses: a missing attribute, text where a number is due; `try` passes over it."""


class UnsupportedError(Exception):
    """Raised for what this evaluator does not work out, though Terraform does: `try` does not pass over it."""


class LimitError(UnsupportedError):
    """Raised where working out a value would take more than is allowed."""


class SetOf(Sequence):
    """A set: its items sorted, each once. It has no indexes, and its keys are its values."""

    __slots__ = ()


def null(place: Place) -> Scalar:
    """No value."""
    return Scalar("", "null", place)


def boolean(value: bool, place: Place) -> Scalar:
    """A truth value."""
    return Scalar("true" if value else "false", "boolean", place)


def text(value: str, place: Place) -> Scalar:
    """A text. Raises LimitError if it is longer than any that a configuration needs."""
    if len(value) > LONGEST_TEXT:
        raise LimitError("a text is longer than 1 MiB")
    return Scalar(value, "string", place)


def number(value: Number, place: Place) -> Scalar:
    """A number, written as Terraform writes it."""
    return Scalar(number_text(value), "number", place)


def number_text(value: Number) -> str:
    """A number in digits, without an exponent."""
    if isinstance(value, int):
        if value.bit_length() > 4 * _LARGEST:
            raise LimitError("a number has more than 400 digits")
        return str(value)
    shown = format(value, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def is_null(node: Node) -> bool:
    """Whether there is no value."""
    return isinstance(node, Scalar) and node.kind == "null"


def number_of(node: Node) -> Number:
    """The number that a known value is or converts to. Raises RefusedError."""
    if isinstance(node, Scalar) and node.kind in ("number", "string") and node.text.isascii():
        try:
            found = Decimal(node.text) if len(node.text) <= _LARGEST and "_" not in node.text else Decimal("NaN")
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite() and abs(found.adjusted()) <= _LARGEST:
            return whole(found)
    raise RefusedError("a number is required")


def whole(value: Decimal) -> Number:
    """The number as an integer, if it is one."""
    return int(value) if value == value.to_integral_value() else value


def calculated(operation: Callable[[Context, Decimal, Decimal], Decimal], left: Number, right: Number) -> Number:
    """The result of an operation on two numbers, exact for whole ones. Raises RefusedError, as for a division by 0."""
    try:
        found = operation(_EXACT, Decimal(left), Decimal(right))
    except (ArithmeticError, ValueError):
        raise RefusedError("this can't be calculated") from None
    if not found.is_finite() or abs(found.adjusted()) > _LARGEST:
        raise RefusedError("this number is too large")
    return whole(found)


def integer_of(node: Node) -> int:
    """The whole number that a known value is. Raises RefusedError."""
    found = number_of(node)
    if not isinstance(found, int):
        raise RefusedError("a whole number is required")
    return found


def truth_of(node: Node) -> bool:
    """The truth value that a known value is or converts to. Raises RefusedError."""
    if isinstance(node, Scalar) and node.kind in ("boolean", "string") and node.text in ("true", "false"):
        return node.text == "true"
    raise RefusedError("`true` or `false` is required")


def text_of(node: Node) -> str:
    """The text that a known value is or converts to. Raises RefusedError."""
    return as_text(node).text


def as_text(node: Node) -> Scalar:
    """The known value as a string, with its place. Raises RefusedError."""
    if not isinstance(node, Scalar) or node.kind == "null":
        raise RefusedError("a text is required")
    if node.kind == "string":
        return node
    return Scalar(number_text(number_of(node)) if node.kind == "number" else node.text, "string", node.place)


def items_of(node: Node) -> tuple[Node, ...]:
    """The items of a list or set. Raises RefusedError for anything else."""
    if isinstance(node, Sequence):
        return node.items
    raise RefusedError("a list or set is required")


def entries_of(node: Node) -> list[Entry]:
    """The entries of a map or object by key, as Terraform goes over them. Raises RefusedError for anything else."""
    if isinstance(node, Mapping) and not is_open(node):
        return sorted(node.entries, key=lambda entry: entry.key.text)
    raise RefusedError("a map or object is required")


def joined_texts(parts: Iterable[Node], place: Place) -> Node:
    """The texts one after the other, each leading back to where it was written; open ones stay open."""
    found: list[Node] = []
    known: list[Scalar] = []
    for part in parts:
        inner = as_joined(part)
        for one in inner if inner is not None else (part,):
            if isinstance(one, Scalar):
                known.append(one)
                continue
            if known:
                found.append(_one_text(known, place))
                known = []
            found.append(one)
    if known or not found:
        found.append(_one_text(known, place))
    return joined(found, place)


def _one_text(parts: list[Scalar], place: Place) -> Scalar:
    """Known texts as one, with a place for each stretch and none within another's."""
    if len(parts) == 1:
        return parts[0]
    pieces: list[Piece] = []
    offset = 0
    for part in parts:
        if part.pieces:
            pieces += [Piece(offset + piece.offset, piece.scalar) for piece in part.pieces]
        elif part.text:
            pieces.append(Piece(offset, part))
        offset += len(part.text)
    if offset > LONGEST_TEXT:
        raise LimitError("a text is longer than 1 MiB")
    if len(pieces) > 20_000:
        pieces = []
    return Scalar("".join([part.text for part in parts]), "string", place, tuple(pieces))


def name_of(node: Node) -> str:
    """How to call a value in the name of what is worked out from it; empty if it has no name of its own."""
    named = as_variable(node)
    if named is not None:
        return named
    referred = as_reference(node)
    if referred is not None and referred.path:
        return ".".join((referred.address, *referred.path))
    if isinstance(node, Scalar):
        return _shown(node)
    parts = as_joined(node)
    if parts is None or len(parts) > 20:
        return ""
    names = ["".join(f"${{{name_of(one)}}}" if is_open(one) else _shown(one)[1:-1]) for one in parts]
    return f'"{"".join(names)}"' if all(name and name != "${}" for name in names) else ""


def _shown(node: Node) -> str:
    if not isinstance(node, Scalar) or len(node.text) > 200:
        return ""
    if node.kind != "string":
        return node.text or "null"
    escaped = node.text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    return f'"{escaped}"'


def opened(node: Node, place: Place, what: str) -> Node:
    """What is worked out from an open value and from more than it: nothing is known of it, for the value's own reason.

    `what` says it, with `…` for the value.
    """
    reason = as_unknown(node)
    name = name_of(node)
    return unknown(reason or f"`{name or what}` is open", place)


def derived(node: Node, place: Place, what: str) -> Node:
    """What `what` gives for an open value alone: the same wherever it is worked out, if the value has a name."""
    name = name_of(node)
    return variable(what.replace("…", name, 1), place) if name else opened(node, place, what)


def mapped(node: Node, work: Callable[[Node], Node]) -> Node:
    """What `work` gives for a value; for one that depends on an open condition, in either case."""
    chosen = as_choice(node)
    if chosen is None:
        return work(node)
    return choice(chosen.condition, _case(chosen.yes, work), _case(chosen.no, work), node.place)


def _case(node: Node, work: Callable[[Node], Node]) -> Node:
    try:
        return mapped(node, work)
    except RefusedError as failure:
        return unknown(str(failure), node.place)


def open_within(node: Node) -> Node | None:
    """The first open value in a value, or None if all of it is known."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            if is_open(one):
                inner = as_encoded(one)
                if inner is None:
                    return one
                pending.append(inner)
            else:
                pending += [entry.value for entry in one.entries]
        elif isinstance(one, Sequence):
            pending += one.items
    return None


def equal(left: Node, right: Node, budget: "Budget") -> bool | None:
    """Whether two values are equal; None if their open parts leave it open."""
    undecided = False
    pending = [(left, right)]
    while pending:
        one, other = pending.pop()
        budget.spend(1)
        if is_open(one) or is_open(other):
            if (_is_nothing(one) and has_text(other)) or (_is_nothing(other) and has_text(one)):
                return False
            named = name_of(one)
            if not (named and named == name_of(other)):
                undecided = True
        elif isinstance(one, Scalar) and isinstance(other, Scalar):
            if not _same(one, other):
                return False
        elif isinstance(one, Sequence) and isinstance(other, Sequence):
            if len(one.items) != len(other.items):
                return False
            pending += zip(one.items, other.items, strict=True)
        elif isinstance(one, Mapping) and isinstance(other, Mapping):
            if set(one.keys()) != set(other.keys()):
                return False
            values = {entry.key.text: entry.value for entry in other.entries}
            pending += ((entry.value, values[entry.key.text]) for entry in one.entries)
        else:
            return False
    return None if undecided else True


_MADE: Final = frozenset({"arn", "execution_arn", "id", "json", "secret_arn", "unique_id", "url"})
"""Attributes that every resource which has them has: never null, never empty."""


def has_text(node: Node) -> bool:
    """Whether an open value is surely a text, and not an empty one."""
    referred = as_reference(node)
    if referred is not None:
        return bool(referred.path) and referred.path[-1] in _MADE
    parts = as_joined(node)
    return as_encoded(node) is not None or any(isinstance(one, Scalar) and one.text for one in parts or ())


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind in ("null", "string") and not node.text


def _same(left: Scalar, right: Scalar) -> bool:
    if left.kind != right.kind:
        return False
    if left.kind == "number":
        return number_of(left) == number_of(right)
    return left.text == right.text


class Budget:
    """How much work an evaluation may still do: what a configuration expands to must not outgrow it without bound."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def spend(self, steps: int) -> None:
        """Counts steps of work. Raises LimitError when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitError("working out the values takes more steps than the audit allows")


def weigh(node: Node, budget: Budget) -> None:
    """Counts every value in `node`: what is shared is small in memory and large for whoever goes over it.

    Raises LimitError also for a value that nests deeper than a document may.
    """
    pending = [(node, 0)]
    while pending:
        one, depth = pending.pop()
        budget.spend(1)
        if depth > MAXIMUM_DEPTH:
            raise LimitError(f"a value nests deeper than {MAXIMUM_DEPTH} levels")
        if isinstance(one, Mapping):
            pending += [(entry.value, depth + 1) for entry in one.entries]
        elif isinstance(one, Sequence):
            pending += [(item, depth + 1) for item in one.items]
