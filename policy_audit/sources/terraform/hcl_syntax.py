"""What HCL text is made of: bodies of attributes and blocks, and expressions, each with its place in the file.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from policy_audit.model.node import Place, Scalar
from policy_audit.record import NamedTuple, Protocol


class Expression(Protocol):
    """Any of the classes below: as a union of them, each within the others, it takes type checkers minutes."""

    @property
    def place(self) -> Place: ...


Part = Expression
"""A part of a template: an expression, `Choice` or `Loop`."""


class Literal(NamedTuple):
    """A number, a boolean, a null, or a text without anything to fill in."""

    value: Scalar

    @property
    def place(self) -> Place:
        return self.value.place


class Template(NamedTuple):
    """A text that is put together. `parts` are literals, expressions (`${…}`), choices and loops (`%{…}`)."""

    parts: "tuple[Part, ...]"
    place: Place


class Choice(NamedTuple):
    """`%{if condition}…%{else}…%{endif}` in a template."""

    condition: "Expression"
    yes: "tuple[Part, ...]"
    no: "tuple[Part, ...]"
    place: Place


class Loop(NamedTuple):
    """`%{for key, value in collection}…%{endfor}` in a template; `key` is empty where only the value has a name."""

    key: str
    value: str
    collection: "Expression"
    parts: "tuple[Part, ...]"
    place: Place


class Name(NamedTuple):
    """What an expression begins with: `var`, `aws_iam_role`, the name that a `for` gives."""

    name: str
    place: Place


class Attribute(NamedTuple):
    """The step `.name`; `.0`, as older configurations have it, is an attribute with digits for a name."""

    name: str
    place: Place


class Index(NamedTuple):
    """The step `[key]`."""

    key: "Expression"
    place: Place


class Splat(NamedTuple):
    """The step `[*]` or `.*`, with the steps that are taken from each item."""

    steps: "tuple[Step, ...]"
    place: Place


class Access(NamedTuple):
    """A value reached from `target` in steps."""

    target: "Expression"
    steps: "tuple[Step, ...]"
    place: Place


class Call(NamedTuple):
    """A function's call; `spread` if the items of the last argument are the last arguments (`f(list...)`)."""

    name: str
    arguments: "tuple[Expression, ...]"
    spread: bool
    place: Place


class ListOf(NamedTuple):
    """`[a, b]`."""

    items: "tuple[Expression, ...]"
    place: Place


class ObjectOf(NamedTuple):
    """`{a = b}`; a key that is written as a bare word is a literal."""

    items: "tuple[tuple[Expression, Expression], ...]"
    place: Place


class For(NamedTuple):
    """`[for k, v in collection : value if condition]`, or with `key` `{for … : key => value}`; `grouped` with `...`."""

    key_name: str
    value_name: str
    collection: "Expression"
    key: "Expression | None"
    value: "Expression"
    condition: "Expression | None"
    grouped: bool
    place: Place


class Unary(NamedTuple):
    """`-a` or `!a`."""

    operator: str
    operand: "Expression"
    place: Place


class Binary(NamedTuple):
    """`a + b` and the like."""

    operator: str
    left: "Expression"
    right: "Expression"
    place: Place


class Conditional(NamedTuple):
    """`condition ? yes : no`."""

    condition: "Expression"
    yes: "Expression"
    no: "Expression"
    place: Place


Step = Attribute | Index | Splat


class Argument(NamedTuple):
    """`name = value` in a body."""

    name: Scalar
    value: Expression


class Block(NamedTuple):
    """`type "label" … { body }`. `head` is the place of what stands before the brace."""

    type: Scalar
    labels: tuple[Scalar, ...]
    body: "Body"
    head: Place
    place: Place


class Body(NamedTuple):
    """What a file or a block holds, in the order written."""

    arguments: tuple[Argument, ...]
    blocks: tuple[Block, ...]

    def get(self, name: str) -> Expression | None:
        """The value of the argument `name`; None if it is not there."""
        return next((one.value for one in self.arguments if one.name.text == name), None)

    def of_type(self, name: str) -> tuple[Block, ...]:
        """The blocks of this type."""
        return tuple(one for one in self.blocks if one.type.text == name)
