"""What a function of the configuration is given: its arguments, as the function wants to have them."""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    Number,
    RefusedError,
    SetOf,
    UnsupportedError,
    boolean,
    entries_of,
    integer_of,
    is_null,
    items_of,
    number,
    number_of,
    text,
    text_of,
)

MANY: Final = 1_000_000


class Given(NamedTuple):
    """The arguments of one call, worked out, with the place of the call."""

    arguments: tuple[Node, ...]
    place: Place
    budget: Budget

    def text(self, index: int) -> str:
        """The argument as a text. Raises RefusedError, as the others do."""
        return text_of(self.arguments[index])

    def number(self, index: int) -> Number:
        return number_of(self.arguments[index])

    def integer(self, index: int) -> int:
        return integer_of(self.arguments[index])

    def items(self, index: int) -> tuple[Node, ...]:
        found = items_of(self.arguments[index])
        self.budget.spend(len(found))
        return found

    def texts(self, index: int) -> list[str]:
        return [text_of(one) for one in self.items(index)]

    def entries(self, index: int) -> list[Entry]:
        found = entries_of(self.arguments[index])
        self.budget.spend(len(found))
        return found

    # ---- results ----

    def of_text(self, value: str) -> Node:
        """A text as the result. Raises UnsupportedError for one that decoding has given characters of our own."""
        self.budget.spend(len(value) // 50)
        if has_letters(value):
            raise UnsupportedError("a private-use character stands in a text")
        return text(value, self.place)

    def of_number(self, value: Number) -> Node:
        return number(value, self.place)

    def of_boolean(self, value: bool) -> Node:
        return boolean(value, self.place)

    def of_texts(self, values: list[str]) -> Node:
        self.budget.spend(len(values))
        return self.of_items([text(one, self.place) for one in values])

    def of_items(self, items: "list[Node] | tuple[Node, ...]") -> Node:
        self.budget.spend(len(items))
        return Sequence(tuple(items), self.place)

    def of_set(self, items: list[Node]) -> Node:
        self.budget.spend(len(items))
        return SetOf(tuple(items), self.place)

    def of_entries(self, entries: MappingOf[str, Node]) -> Node:
        self.budget.spend(len(entries))
        return Mapping(
            tuple(Entry(Scalar(name, "string", self.place), node) for name, node in entries.items()), self.place
        )


class Function(NamedTuple):
    """One function: what it does, how many arguments it takes, and whether open items within them matter to it.

    A function that is `shallow` looks at lists and objects, not at what is in them; its arguments from number `free`
    on may be open altogether.
    """

    work: Callable[[Given], Node]
    least: int
    most: int
    shallow: bool = False
    free: int = MANY


def present(node: Node) -> Node:
    """The value; raises RefusedError for null."""
    if is_null(node):
        raise RefusedError("a value is required, and this is null")
    return node
