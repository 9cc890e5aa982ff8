"""The conditions of a template: decided by what is known, else by the world that is assumed."""

from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import Shape, has_holes, has_letters, is_hole, is_letter
from policy_audit.sources.scope import MAXIMUM_DEPTH, NOTHING, Scope, open_letter

Resolve = Callable[[Node, Scope], Node]

_TRUTH: Final = Shape("condition", values=("true", "false"))


def condition(name: str, scope: Scope, resolve: Resolve) -> bool | None:
    """Whether the declared condition `name` holds in this world; None when it is undeclared or malformed.

    One that depends on what no world says is itself a case to split on, as the symbol `${Condition:name}`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
    """
    if name in scope.decided:
        return scope.decided[name]
    node = scope.conditions.get(name)
    if node is None or scope.depth >= MAXIMUM_DEPTH:
        return None
    scope.decided[name] = None  # One that depends on itself meets this.
    broken: list[str] = []
    found = _holds(node, scope, resolve, broken)
    if broken:
        scope.problem(f"the condition `{name[:120]}` {broken[0]}", node.place)
        return None
    scope.decided[name] = _split(name, node.place, scope) if found is None else found
    return scope.decided[name]


def _split(name: str, place: Place, scope: Scope) -> bool:
    """Takes an undecided condition as a case: what this world assumes of it, else false."""
    symbol = scope.symbol(f"Condition:{name}", place, _TRUTH)
    if not has_letters(symbol.text):
        return symbol.text == "true"
    if is_letter(symbol.text) and not is_hole(symbol.text):
        scope.splits.setdefault(symbol.text, ["true", "false"])
    return False


def _holds(node: Node, scope: Scope, resolve: Resolve, broken: list[str]) -> bool | None:
    """Three-valued: None for undecided. Why it can never be decided is appended to `broken`."""
    if scope.depth >= MAXIMUM_DEPTH:
        broken.append("nests too deeply")
        return None
    scope.depth += 1
    try:
        if isinstance(node, Scalar) and node.kind == "boolean":
            return node.text.lower() in ("true", "yes", "on")
        if not isinstance(node, Mapping) or len(node.entries) != 1:
            broken.append("is no condition function")
            return None
        return _function(node.entries[0].key.text, node.entries[0].value, scope, resolve, broken)
    finally:
        scope.depth -= 1


def _function(function: str, argument: Node, scope: Scope, resolve: Resolve, broken: list[str]) -> bool | None:
    items = argument.items if isinstance(argument, Sequence) else ()
    match function:
        case "Condition" if isinstance(argument, Scalar):
            found = condition(argument.text, scope, resolve)
            if found is None:
                fault = "broken, or itself" if argument.text in scope.conditions else "not declared"
                broken.append(f"uses `{argument.text[:120]}`, which is {fault}")
            return found
        case "Fn::Equals" if len(items) == 2:
            if any(isinstance(item, Mapping) and item.get("Fn::GetStackOutput") is not None for item in items):
                scope.problem(
                    "`Fn::GetStackOutput` stands in `Fn::Equals`, where CloudFormation does not read it", argument.place
                )
            return equal(resolve(items[0], scope), resolve(items[1], scope), scope)
        case "Fn::Not" if len(items) == 1:
            found = _holds(items[0], scope, resolve, broken)
            return None if found is None else not found
        # CloudFormation takes 2 to 10; what one of 1 or 11 means is as clear.
        case "Fn::And" | "Fn::Or" if items:
            decisive = function == "Fn::Or"
            found = not decisive
            for item in items:
                part = _holds(item, scope, resolve, broken)
                if part is decisive:
                    return decisive
                found = None if part is None else found
            return found
        case _:
            broken.append(f"uses `{function[:60]}` in a form that is no condition")
            return None


def equal(first: Node, second: Node, scope: Scope) -> bool | None:
    """Whether two resolved values are equal in this world; None when nothing assumed decides it.

    A symbol against a literal that its shape admits is recorded as a split, and is unequal unless the world says so.
    """
    if first is NOTHING or second is NOTHING:
        return first is second
    if not isinstance(first, Scalar) or not isinstance(second, Scalar):
        return _structures(first, second, scope)
    one, other = first.text, second.text
    if not has_letters(one) and not has_letters(other):
        return one == other
    if has_holes(one) or has_holes(other):
        return None
    if one == other:
        return True
    if has_letters(one) and has_letters(other):
        return None if _may_meet(first, second, scope) else False
    symbol, literal = (first, other) if has_letters(one) else (second, one)
    shape = open_letter(symbol, scope.symbols)
    if shape is None:
        return None if _may_spell(symbol.text, literal) else False
    if not shape.admits(literal):
        return False
    values = scope.splits.setdefault(symbol.text, [])
    if literal not in values:
        values.append(literal)
    return scope.chosen.get(symbol.text) == literal


def _structures(first: Node, second: Node, scope: Scope) -> bool | None:
    """Lists are compared item by item; anything else that is no text is undecided."""
    if isinstance(first, Sequence) and isinstance(second, Sequence):
        if len(first.items) != len(second.items):
            return False
        parts = [equal(one, other, scope) for one, other in zip(first.items, second.items, strict=True)]
        return False if False in parts else None if None in parts else True
    return None


def _may_meet(first: Scalar, second: Scalar, scope: Scope) -> bool:
    """Whether two texts with symbols could be equal: not if both are symbols with no allowed value in common."""
    one, other = open_letter(first, scope.symbols), open_letter(second, scope.symbols)
    if one is None or other is None or not (one.values or other.values):
        return True
    values, shape = (one.values, other) if one.values else (other.values, one)
    return any(shape.admits(value) for value in values)


def _may_spell(text: str, literal: str) -> bool:
    """Whether a text with symbols could be `literal`: its known beginning and end must agree."""
    first = next(index for index, character in enumerate(text) if is_letter(character))
    last = next(index for index in range(len(text) - 1, -1, -1) if is_letter(text[index]))
    start, end = text[:first], text[last + 1 :]
    return literal.startswith(start) and literal.endswith(end) and len(literal) >= len(start) + len(end)


def choose(argument: Node, place: Place, scope: Scope, resolve: Resolve) -> Node:
    """`Fn::If`: the branch that holds in this world; the other is not looked at."""
    items = argument.items if isinstance(argument, Sequence) else ()
    if len(items) != 3 or not isinstance(items[0], Scalar):
        return scope.problem("`Fn::If` takes a condition's name and two values", place)
    name = items[0].text
    found = condition(name, scope, resolve)
    if found is None:
        if name not in scope.conditions:
            return scope.problem(f"`{name[:120]}` is no condition of this template", place)
        return scope.unknown(f"the condition `{name[:120]}` cannot be decided", place)
    return resolve(items[1] if found else items[2], scope)
