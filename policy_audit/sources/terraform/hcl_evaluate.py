"""Expressions of HCL to values: known where the configuration tells, open with a name or a reason where it does not.

https://developer.hashicorp.com/terraform/language/expressions
"""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from decimal import Context
from typing import Any, Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.record import NamedTuple, Protocol
from policy_audit.sources.terraform.hcl_encode import texts_of
from policy_audit.sources.terraform.hcl_syntax import (
    Access,
    Attribute,
    Binary,
    Call,
    Choice,
    Conditional,
    Expression,
    For,
    Index,
    ListOf,
    Literal,
    Loop,
    Name,
    ObjectOf,
    Part,
    Step,
    Template,
    Unary,
)
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    LimitError,
    RefusedError,
    SetOf,
    as_text,
    boolean,
    calculated,
    derived,
    entries_of,
    equal,
    integer_of,
    is_null,
    joined_texts,
    mapped,
    name_of,
    number,
    number_of,
    opened,
    text_of,
    truth_of,
)
from policy_audit.sources.terraform.instances import (
    as_encoded,
    as_joined,
    as_reference,
    as_unknown,
    as_variable,
    choice,
    is_open,
    reference,
    unknown,
    variable,
)

DEEPEST: Final = 75
"""How deep values may be worked out from values: each level takes up to ten calls of Python's thousand."""


class Scope(Protocol):
    """The module that an expression stands in: what its names mean, and which functions it may call."""

    def named(self, name: str, steps: tuple[Step, ...], place: Place) -> tuple[Node, tuple[Step, ...]]:
        """What a name that no `for` gives stands for, with the steps still to be taken. Raises RefusedError."""

    def attribute(self, address: str, name: str, place: Place) -> Node:
        """An attribute of the resource or module at `address`. Raises RefusedError."""

    def call(self, call: Call, names: MappingOf[str, Node]) -> Node:
        """What a function gives. Raises RefusedError."""


class Environment(NamedTuple):
    """Where an expression stands: its module, and the names that `for`, `each` and `count` give."""

    scope: Scope
    names: MappingOf[str, Node] = {}

    def having(self, **names: Node) -> "Environment":
        """The same with further names; those without a letter are left out."""
        return Environment(self.scope, {**self.names, **{name: node for name, node in names.items() if name}})


class Evaluator:
    """Works out expressions within bounds: how deep, and how much in all."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._depth = 0

    def value(self, expression: Expression, around: Environment) -> Node:
        """The value of an expression. Raises RefusedError where Terraform refuses it, LimitError beyond the bounds."""
        self.budget.spend(1)
        if self._depth >= DEEPEST:
            raise LimitError(f"values are worked out from values more than {DEEPEST} levels deep")
        self._depth += 1
        try:
            return _BY_TYPE[type(expression)](self, expression, around)
        finally:
            self._depth -= 1

    # ---- texts ----

    def _literal(self, expression: Literal, around: Environment) -> Node:
        return expression.value

    def _template(self, expression: Template, around: Environment) -> Node:
        found = joined_texts(self._parts(expression.parts, around), expression.place)
        if isinstance(found, Scalar):
            self.budget.spend(len(found.text) // 50)
        return found

    def _parts(self, parts: Iterable[Part], around: Environment) -> Iterable[Node]:
        for part in parts:
            if isinstance(part, Choice):
                yield from self._chosen(part, around)
            elif isinstance(part, Loop):
                for one in self._rounds(part.collection, part.key, part.value, around):
                    if isinstance(one, Environment):
                        yield from self._parts(part.parts, one)
                    else:
                        yield one
            else:
                yield from self._texts(self.value(part, around))

    def _texts(self, node: Node) -> Iterable[Node]:
        """What an interpolated value adds to a text."""
        if as_encoded(node) is not None:
            return texts_of(node, self.budget)
        if is_open(node):
            return (mapped(node, lambda one: one if is_open(one) else as_text(one)),)
        return (as_text(node),)

    def _chosen(self, part: Choice, around: Environment) -> Iterable[Node]:
        condition = self.value(part.condition, around)
        if not is_open(condition):
            yield from self._parts(part.yes if truth_of(condition) else part.no, around)
            return
        yes = joined_texts(self._parts(part.yes, around), part.place)
        no = joined_texts(self._parts(part.no, around), part.place)
        yield chosen(condition, lambda: yes, lambda: no, part.place)

    # ---- names and steps ----

    def _name(self, expression: Name, around: Environment) -> Node:
        found = around.names.get(expression.name)
        if found is not None:
            return found
        return around.scope.named(expression.name, (), expression.place)[0]

    def _access(self, expression: Access, around: Environment) -> Node:
        target, steps = expression.target, expression.steps
        if isinstance(target, Name) and target.name not in around.names:
            found, steps = around.scope.named(target.name, steps, expression.place)
        else:
            found = self.value(target, around)
        return self._walk(found, steps, around)

    def _walk(self, node: Node, steps: tuple[Step, ...], around: Environment) -> Node:
        for step in steps:
            if isinstance(step, Attribute):
                node = self._attribute(node, step, around)
            elif isinstance(step, Index):
                node = self._index(node, self.value(step.key, around), step.place, around)
            else:
                node = self._splat(node, step.steps, step.place, around)
        return node

    def _attribute(self, node: Node, step: Attribute, around: Environment) -> Node:
        referred = as_reference(node)
        if referred is not None:
            if not referred.path:
                return around.scope.attribute(referred.address, step.name, step.place)
            return reference(referred.address, (*referred.path, step.name), step.place)
        if is_open(node):
            return _step(node, f".{step.name}", step.place, lambda one: self._attribute(one, step, around))
        if isinstance(node, Mapping):
            found = node.get(step.name)
            if found is not None:
                return found
            raise RefusedError(f"there is no attribute `{step.name}`")
        if isinstance(node, Sequence) and step.name.isdigit():
            return _item(node, int(step.name[:9]))
        raise RefusedError(f"this value has no attribute `{step.name}`")

    def _index(self, node: Node, key: Node, place: Place, around: Environment) -> Node:
        if is_open(key):
            return opened(key, place, "the key …")
        referred = as_reference(node)
        if referred is not None and referred.path:
            return reference(referred.address, (*referred.path, text_of(key)), place)
        if referred is not None:
            return around.scope.attribute(referred.address, text_of(key), place)
        if is_open(node):
            shown = text_of(key) if isinstance(key, Scalar) and key.kind == "number" else f'"{text_of(key)}"'
            return _step(node, f"[{shown}]", place, lambda one: self._index(one, key, place, around))
        if isinstance(node, Mapping):
            found = node.get(text_of(key))
            if found is None:
                raise RefusedError(f"there is no item `{text_of(key)}`")
            return found
        if isinstance(node, Sequence) and not isinstance(node, SetOf):
            return _item(node, integer_of(key))
        raise RefusedError("this value has no items")

    def _splat(self, node: Node, steps: tuple[Step, ...], place: Place, around: Environment) -> Node:
        def over(one: Node) -> Node:
            referred = as_reference(one)
            if is_open(one) and not (referred is not None and not referred.path):
                return one if not steps else opened(one, place, "the items of …")
            if is_null(one):
                return Sequence((), place)
            items = one.items if isinstance(one, Sequence) else (one,)
            self.budget.spend(len(items))
            return Sequence(tuple(self._walk(item, steps, around) for item in items), place)

        return mapped(node, over)

    # ---- collections ----

    def _list(self, expression: ListOf, around: Environment) -> Node:
        return Sequence(tuple([self.value(one, around) for one in expression.items]), expression.place)

    def _object(self, expression: ObjectOf, around: Environment) -> Node:
        found: dict[str, Entry] = {}
        for key, value in expression.items:
            name = self.value(key, around)
            if is_open(name):
                return opened(name, expression.place, "the object with the key …")
            named = as_text(name)
            found[named.text] = Entry(named, self.value(value, around))
        return Mapping(tuple(found.values()), expression.place)

    def _for(self, expression: For, around: Environment) -> Node:
        found: list[tuple[Scalar | None, Node]] = []
        for one in self._rounds(expression.collection, expression.key_name, expression.value_name, around):
            if not isinstance(one, Environment):
                return one
            if expression.condition is not None:
                condition = self.value(expression.condition, one)
                if is_open(condition):
                    return opened(condition, expression.place, "the items for which …")
                if not truth_of(condition):
                    continue
            key = None
            if expression.key is not None:
                named = self.value(expression.key, one)
                if is_open(named):
                    return opened(named, expression.place, "the object with the key …")
                key = as_text(named)
            found.append((key, self.value(expression.value, one)))
        if expression.key is None:
            return Sequence(tuple([value for _, value in found]), expression.place)
        return _grouped(found, expression)

    def _rounds(
        self, collection: Expression, key_name: str, value_name: str, around: Environment
    ) -> Iterable[Environment | Node]:
        """The surroundings for each item of a collection; one open value, if the collection is open."""
        over = self.value(collection, around)
        if is_open(over):
            yield opened(over, collection.place, "a loop over …")
            return
        for key, value in pairs(over):
            self.budget.spend(1)
            yield around.having(**{key_name: key, value_name: value})

    # ---- operations ----

    def _conditional(self, expression: Conditional, around: Environment) -> Node:
        def yes() -> Node:
            return self.value(expression.yes, around)

        def no() -> Node:
            return self.value(expression.no, around)

        return chosen(self.value(expression.condition, around), yes, no, expression.place)

    def _unary(self, expression: Unary, around: Environment) -> Node:
        operand, place = self.value(expression.operand, around), expression.place
        if expression.operator == "!":
            return chosen(operand, lambda: boolean(False, place), lambda: boolean(True, place), place)
        return mapped(
            operand, lambda one: derived(one, place, "-…") if is_open(one) else number(-number_of(one), place)
        )

    def _binary(self, expression: Binary, around: Environment) -> Node:
        operator, place = expression.operator, expression.place
        left = self.value(expression.left, around)
        if operator in ("&&", "||"):
            yes = operator == "||"

            def right() -> Node:
                return _as_truth(self.value(expression.right, around))

            def decided() -> Node:
                return boolean(yes, place)

            return chosen(left, decided, right, place) if yes else chosen(left, right, decided, place)
        other = self.value(expression.right, around)
        return mapped(left, lambda one: mapped(other, lambda two: self._operated(operator, one, two, place)))

    def _operated(self, operator: str, left: Node, right: Node, place: Place) -> Node:
        if operator in ("==", "!="):
            same = equal(left, right, self.budget)
            if same is not None:
                return boolean(same is (operator == "=="), place)
            name, other = name_of(left), name_of(right)
            if not name or not other:
                return opened(left if is_open(left) else right, place, f"… {operator} …")
            test = variable(f"{name} == {other}", place)
            if operator == "==":
                return test
            return chosen(test, lambda: boolean(False, place), lambda: boolean(True, place), place)
        if is_open(left) or is_open(right):
            name, other = name_of(left), name_of(right)
            if name and other:
                return variable(f"{name} {operator} {other}", place)
            return opened(left if is_open(left) else right, place, f"… {operator} …")
        if operator in _COMPARED:
            return boolean(_COMPARED[operator](number_of(left), number_of(right)), place)
        return number(calculated(_CALCULATED[operator], number_of(left), number_of(right)), place)

    def _call(self, expression: Call, around: Environment) -> Node:
        return around.scope.call(expression, around.names)


_BY_TYPE: Final[dict[type, Callable[[Evaluator, Any, Environment], Node]]] = {
    Literal: Evaluator._literal,
    Template: Evaluator._template,
    Name: Evaluator._name,
    Access: Evaluator._access,
    Call: Evaluator._call,
    ListOf: Evaluator._list,
    ObjectOf: Evaluator._object,
    For: Evaluator._for,
    Unary: Evaluator._unary,
    Binary: Evaluator._binary,
    Conditional: Evaluator._conditional,
}

_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}

_CALCULATED: Final = {
    "+": Context.add,
    "-": Context.subtract,
    "*": Context.multiply,
    "/": Context.divide,
    "%": Context.remainder,
}


def pairs(collection: Node) -> Iterable[tuple[Node, Node]]:
    """Keys and values in the order in which Terraform goes over a collection. Raises RefusedError for what is none."""
    if isinstance(collection, SetOf):
        return [(one, one) for one in collection.items]
    if isinstance(collection, Sequence):
        return [(number(index, one.place), one) for index, one in enumerate(collection.items)]
    return [(entry.key, entry.value) for entry in entries_of(collection)]


def chosen(condition: Node, yes: Callable[[], Node], no: Callable[[], Node], place: Place) -> Node:
    """`condition ? yes : no`: an open condition with a name keeps both. Raises RefusedError for no truth value."""

    def case(one: Node) -> Node:
        if not is_open(one):
            return yes() if truth_of(one) else no()
        name = name_of(one)
        if not name:
            return opened(one, place, "what … decides")
        return choice(name, _either(yes, place), _either(no, place), place)

    return mapped(condition, case)


def _either(value: Callable[[], Node], place: Place) -> Node:
    """One of two values, of which Terraform works out only the one that counts."""
    try:
        return value()
    except RefusedError as failure:
        return unknown(str(failure), place)


def _as_truth(node: Node) -> Node:
    return mapped(node, lambda one: one if is_open(one) else boolean(truth_of(one), one.place))


def _step(node: Node, step: str, place: Place, again: Callable[[Node], Node]) -> Node:
    """A part of an open value: of the same value, the same part is the same value."""
    name = as_variable(node)
    if name is not None:
        return variable(name + step, place)
    if as_joined(node) is not None or as_encoded(node) is not None:
        raise RefusedError(f"a text has no `{step}`")
    if as_unknown(node) is not None:
        return opened(node, place, "…")
    return mapped(node, again)


def _item(node: Sequence, index: int) -> Node:
    if not 0 <= index < len(node.items):
        raise RefusedError(f"there is no item {index} in a list of {len(node.items)}")
    return node.items[index]


def _grouped(found: Iterable[tuple[Scalar | None, Node]], expression: For) -> Node:
    """The object of a `for` with keys; with `...` each key has the list of its values."""
    groups: dict[str, tuple[Scalar, list[Node]]] = {}
    for key, value in found:
        if key is None:
            continue
        if key.text in groups and not expression.grouped:
            raise RefusedError(f"two items have the key `{key.text}`")
        groups.setdefault(key.text, (key, []))[1].append(value)
    place = expression.place
    return Mapping(
        tuple(
            Entry(key, Sequence(tuple(values), place) if expression.grouped else values[0])
            for key, values in groups.values()
        ),
        place,
    )
