"""Replaces every intrinsic function of a CloudFormation template by what it gives, or by a symbol or hole for it."""

import re
from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import ANYTHING, Shape, has_letters, is_hole
from policy_audit.sources.intrinsic_text import TEXT_FUNCTIONS, dynamic_references, open_list, split_text, substitute
from policy_audit.sources.parameters import Parameter, given, read_parameters
from policy_audit.sources.pseudo import pseudo_parameter
from policy_audit.sources.scope import MAXIMUM_DEPTH, NODE_WORK, NOTHING, Problem, Scope

__all__ = ["Parameter", "Problem", "Scope", "decide", "expand", "read_parameters", "resolve"]


def resolve(node: Node, scope: Scope) -> Node:
    """`node` with every intrinsic function replaced.

    What cannot be known is a symbol or a hole (`policy_audit.model.value`); an unknown list or mapping is a scalar of
    one letter. `AWS::NoValue` removes the property or list item it stands at; alone it is a null. A macro beside other
    properties (`Fn::Transform`) and a loop over an unknown list stay as a key with a hole. Never raises.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
    """
    found = _resolve(node, scope)
    return Scalar("", "null", node.place) if found is NOTHING else found


def decide(name: str, scope: Scope) -> bool | None:
    """Whether the template's condition `name` holds in the scope's world; None for a broken or undeclared one."""
    # Few templates have conditions, and the others start faster without.
    from policy_audit.sources.conditions import condition

    return condition(name, scope, _resolve)


def expand(mapping: Mapping, scope: Scope) -> Mapping:
    """`mapping` with the `Fn::ForEach` loops among its keys written out, their bodies not resolved yet.

    For `Resources`, `Conditions` and `Outputs`, whose keys are needed first.
    """
    if not any(entry.key.text.startswith("Fn::ForEach::") for entry in mapping.entries):
        return mapping
    # Few templates have loops, and the others start faster without.
    from policy_audit.sources.loops import expand_loops

    return expand_loops(mapping, scope, _resolve)


def _resolve(node: Node, scope: Scope) -> Node:
    if type(node) is Scalar:
        return dynamic_references(node, scope) if "{{resolve:" in node.text else node
    if scope.depth >= MAXIMUM_DEPTH or not scope.spend(NODE_WORK):
        return scope.unknown("its functions and references nest too deeply or grow too large", node.place)
    scope.depth += 1
    try:
        if type(node) is Sequence:
            return _sequence(node, scope)
        return _mapping(node, scope) if type(node) is Mapping else node
    finally:
        scope.depth -= 1


def _sequence(node: Sequence, scope: Scope) -> Node:
    items = [_resolve(item, scope) for item in node.items]
    if all(map(_same, items, node.items)):
        return node
    return Sequence(tuple([item for item in items if item is not NOTHING]), node.place)


def _same(first: object, second: object) -> bool:
    return first is second


def _mapping(node: Mapping, scope: Scope) -> Node:
    function = function_of(node)
    if function is not None:
        return _function(function, node, scope)
    written = expand(node, scope)
    if written is not node and (function := function_of(written)) is not None:
        return _function(function, written, scope)  # A loop that writes one entry may write a function.
    node = written
    values = [_entry(entry, scope) for entry in node.entries]
    if all(new is entry.value for new, entry in zip(values, node.entries, strict=True)):
        return node
    entries = [
        entry if value is entry.value else Entry(entry.key, value)
        for entry, value in zip(node.entries, values, strict=True)
        if value is not NOTHING
    ]
    return Mapping(tuple(entries), node.place)


def _entry(entry: Entry, scope: Scope) -> Node:
    key = entry.key.text
    if key.startswith("Fn::"):
        if key == "Fn::Transform":
            return _transform(entry.value, entry.key.place, scope)
        if not key.startswith("Fn::ForEach::"):
            return scope.problem(f"`{key[:60]}` stands beside other keys, and must stand alone", entry.key.place)
    return _resolve(entry.value, scope)


def function_of(node: Node) -> str | None:
    """The name of the intrinsic function that `node` calls, or None."""
    if isinstance(node, Mapping) and len(node.entries) == 1:
        key = node.entries[0].key.text
        if key == "Ref" or (key.startswith("Fn::") and not key.startswith("Fn::ForEach::")):
            return key
    return None


def _function(function: str, node: Mapping, scope: Scope) -> Node:
    argument, place = node.entries[0].value, node.place
    handler = _HANDLERS.get(function)
    if handler is not None:
        return handler(argument, place, scope)
    text_function = TEXT_FUNCTIONS.get(function)
    if text_function is not None:
        if function == "Fn::Base64":
            _refuse_stack_output(argument, "inside of `Fn::Base64`", scope)
        found = text_function(_resolve(argument, scope), place, scope)
        return dynamic_references(found, scope) if type(found) is Scalar and "{{resolve:" in found.text else found
    if function in _DECIDERS or function in _RULES_ONLY:
        where = "conditions" if function in _DECIDERS else "rules"
        return scope.problem(f"`{function}` stands outside of the template's {where}", place)
    return scope.problem(f"`{function}` is no function that the audit knows", place)


_DECIDERS: Final = frozenset(("Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"))
_RULES_ONLY: Final = frozenset(
    ("Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll")
)


def _ref(argument: Node, place: Place, scope: Scope) -> Node:
    name = _resolve(argument, scope)  # The language extensions let a function give the name.
    if not isinstance(name, Scalar) or name is NOTHING:
        return scope.problem("`Ref` takes the name of a parameter or resource", place)
    if has_letters(name.text):
        return scope.derived("Ref", (name.text,), place)
    return _name(name.text, place, scope)


def _name(name: str, place: Place, scope: Scope) -> Node:
    """What `Ref` of `name` gives."""
    if name.startswith("AWS::"):
        return pseudo_parameter(name, place, scope)
    parameter = scope.parameters.get(name)
    if parameter is not None:
        passed = _once(("Parameter", name), lambda: scope.passed(name), place, scope)
        return _parameter(name, given(parameter, passed), place, scope)
    found = _once(("Ref", name), lambda: scope.reference(name), place, scope)
    if found is not None:
        return scope.at(found, place)
    if scope.resources is not None and name not in scope.resources:
        return scope.problem(f"`{_short(name)}` is neither a parameter nor a resource of this template", place)
    return scope.symbol(_short(name), place)


_ASKED: Final = Scalar("", "null", NOTHING.place)
"""Stands for an answer that is awaited; compared by identity."""


def _once(key: tuple[str, ...], ask: Callable[[], Node | None], place: Place, scope: Scope) -> Node | None:
    """The answer of a callback, asked once for each name; what asks for itself is a hole."""
    if key in scope.known:
        known = scope.known[key]
        if known is _ASKED:
            return scope.unknown(f"`{_short('.'.join(key[1:]))}` refers to itself", place)
        return known
    if scope.depth >= MAXIMUM_DEPTH - 2:
        return scope.unknown("its references nest too deeply", place)
    scope.known[key] = _ASKED
    scope.depth += 2  # The caller's functions between here and the next `resolve` need room on the stack as well.
    try:
        found = ask()
    finally:
        scope.depth -= 2
    scope.known[key] = found
    return found


def _parameter(name: str, parameter: Parameter, place: Place, scope: Scope) -> Node:
    value = parameter.value
    if value is None:
        return scope.symbol(name, place, parameter.shape)
    scope.used.add(name)
    if not isinstance(value, Scalar):
        return value
    if not parameter.is_list:
        found = scope.at(value, place)
        literal = isinstance(found, Scalar) and "{{resolve:" in found.text
        return dynamic_references(found, scope) if literal and isinstance(found, Scalar) else found
    pieces = split_text(",", value, scope)
    if pieces is None:
        return open_list("Split", (",", value.text), place, scope)
    return Sequence(tuple([piece._replace(text=piece.text.strip()) for piece in pieces if piece.text.strip()]), place)


def _get_att(argument: Node, place: Place, scope: Scope) -> Node:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getatt.html"""
    if isinstance(argument, Scalar):
        logical_id, _, attribute = argument.text.partition(".")
        return _attribute(logical_id, attribute, place, scope)
    items = argument.items if isinstance(argument, Sequence) else ()
    names = [_resolve(item, scope) for item in items]
    texts = [name.text for name in names if isinstance(name, Scalar) and name is not NOTHING]
    if len(names) < 2 or len(texts) < len(names):
        return scope.problem("`Fn::GetAtt` takes a resource's name and an attribute's name", place)
    return _attribute(texts[0], ".".join(texts[1:]), place, scope)


def _attribute(logical_id: str, attribute: str, place: Place, scope: Scope) -> Node:
    """What `Fn::GetAtt` of this resource and attribute gives."""
    if not logical_id or not attribute:
        return scope.problem("`Fn::GetAtt` takes a resource's name and an attribute's name", place)
    if has_letters(logical_id + attribute):
        return scope.derived("GetAtt", (logical_id, attribute), place)
    found = _once(("GetAtt", logical_id, attribute), lambda: scope.attribute(logical_id, attribute), place, scope)
    if found is not None:
        return scope.at(found, place)
    if scope.resources is not None and logical_id not in scope.resources:
        return scope.problem(f"`{_short(logical_id)}` is no resource of this template", place)
    return scope.symbol(_short(f"{logical_id}.{attribute}"), place)


def _sub(argument: Node, place: Place, scope: Scope) -> Node:
    template, variables = argument, None
    if isinstance(argument, Sequence) and len(argument.items) in (1, 2):
        template, variables = argument.items[0], argument.items[-1] if len(argument.items) == 2 else None
    if not isinstance(template, Scalar) or not (variables is None or isinstance(variables, Mapping)):
        return scope.problem("`Fn::Sub` takes a text, or a text and a mapping of variables", place)
    values: dict[str, Node] = {}
    for entry in variables.entries if variables is not None else ():
        _refuse_stack_output(entry.value, "in the variables of `Fn::Sub`", scope)
        values[entry.key.text] = _resolve(entry.value, scope)

    def value_of(name: str, variable: Place) -> Node:
        value = values.get(name)
        if value is not None:
            return scope.at(value, variable) if value is not NOTHING else value
        if "." in name:
            logical_id, _, attribute = name.partition(".")
            return _attribute(logical_id, attribute, variable, scope)
        return _name(name, variable, scope)

    found = substitute(template, value_of, place, scope)
    return dynamic_references(found, scope) if "{{resolve:" in found.text else found


def _refuse_stack_output(argument: Node, where: str, scope: Scope) -> None:
    """`Fn::GetStackOutput` fails in some places, with an internal error.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
    """
    if function_of(argument) == "Fn::GetStackOutput":
        scope.problem(f"`Fn::GetStackOutput` stands {where}, where CloudFormation does not read it", argument.place)


def _import_value(argument: Node, place: Place, scope: Scope) -> Node:
    _refuse_stack_output(argument, "inside of `Fn::ImportValue`", scope)
    name = _resolve(argument, scope)
    if not isinstance(name, Scalar) or name is NOTHING or not name.text:
        return scope.problem("`Fn::ImportValue` takes the name of an export", place)
    found = _once(("Import", name.text), lambda: scope.imported(name.text), place, scope)
    if found is not None:
        return scope.at(found, place)
    return _foreign("ImportValue", name.text, place, scope)


def _foreign(kind: str, name: str, place: Place, scope: Scope) -> Node:
    """A value of another template that no audited file declares: the same symbol in every template that uses it."""
    if has_letters(name):
        return scope.derived(kind, (name,), place)
    return scope.symbol(f"{kind}:{_short(name)}", place, shared=True)


def _stack_output(argument: Node, place: Place, scope: Scope) -> Node:
    resolved = _resolve(argument, scope)
    fields = {}
    if isinstance(resolved, Mapping):
        fields = {entry.key.text: entry.value.text for entry in resolved.entries if isinstance(entry.value, Scalar)}
    stack, output = fields.get("StackName", ""), fields.get("OutputName", "")
    if not stack or not output:
        return scope.problem("`Fn::GetStackOutput` takes a `StackName` and an `OutputName`", place)
    # A role reads the stacks of its own account, and nobody can tell which these are of one that is not known.
    account = fields["RoleArn"].split(":", 5)[4:5] if "RoleArn" in fields else [""]
    region = fields.get("Region", "")
    region = "" if region == _region(place, scope) else region
    found = None
    if account and not has_letters(account[0] + region):
        key = ("Output", stack, output, account[0], region)
        found = _once(key, lambda: scope.stack_output(stack, output, account[0], region), place, scope)
    if found is not None:
        return scope.at(found, place)
    where = "".join(f" {key} {fields[key]}" for key in ("Region", "RoleArn") if key in fields)
    return _foreign("StackOutput", f"{stack}.{output}{where}", place, scope)


def _region(place: Place, scope: Scope) -> str:
    region = pseudo_parameter("AWS::Region", place, scope)
    return region.text if isinstance(region, Scalar) else ""


def _find_in_map(argument: Node, place: Place, scope: Scope) -> Node:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html"""
    items = argument.items if isinstance(argument, Sequence) else ()
    if len(items) not in (3, 4):
        return scope.problem("`Fn::FindInMap` takes a map's name and two keys", place)
    names = [_resolve(item, scope) for item in items[:3]]
    texts = [name.text for name in names if isinstance(name, Scalar) and name is not NOTHING]
    if len(texts) < 3:
        return scope.problem("`Fn::FindInMap` takes a map's name and two keys", place)
    fallback = items[3].get("DefaultValue") if len(items) == 4 and isinstance(items[3], Mapping) else None
    written = tuple(texts)
    texts[1] = scope.chosen.get(texts[1], texts[1])
    found = _map_values(texts, scope)
    if fallback is not None and (not found or has_letters("".join(texts))):
        found.append(fallback)
    if not found:
        if has_letters("".join(written)):
            if not has_letters("".join(texts)):
                scope.lacks_key()
            return scope.derived("FindInMap", written, place)
        path = ".".join(map(_short, texts))
        return scope.problem(f"the template's `Mappings` have no `{path}`", place)
    values = [_resolve(value, scope) for value in found]
    if all(_equal(value, values[0]) for value in values):
        return scope.at(values[0], place) if values[0] is not NOTHING else NOTHING
    _offer(texts, fallback is None, scope)
    return scope.derived("FindInMap", written, place, _one_of(values))


def _offer(path: list[str], is_all: bool, scope: Scope) -> None:
    """Has an open key of a mapping tried as each that the mapping has; `is_all`: it can be no other."""
    name, key, last = path
    if len(key) != 1 or is_hole(key) or has_letters(name) or has_letters(last):
        return
    mapping = scope.mappings.get(name)
    entries = mapping.entries if isinstance(mapping, Mapping) else ()
    has = [one.key.text for one in entries if isinstance(one.value, Mapping) and one.value.get(last) is not None]
    scope.offer(key, [one for one in has if _may_be(key, one, scope)])
    if is_all:
        scope.lacks_key()


def _map_values(path: list[str], scope: Scope) -> list[Node]:
    """The values of the mappings under a path whose keys may be open."""
    level: list[Node] = []
    for name, mapping in scope.mappings.items():
        if _may_be(path[0], name, scope):
            level.append(mapping)
    for key in path[1:]:
        deeper: list[Node] = []
        for node in level:
            if isinstance(node, Mapping):
                deeper.extend(entry.value for entry in node.entries if _may_be(key, entry.key.text, scope))
        level = deeper
    return level


def _may_be(key: str, name: str, scope: Scope) -> bool:
    if not has_letters(key):
        return key == name
    return len(key) > 1 or scope.symbols.of(key).shape.admits(name)


def _one_of(values: list[Node]) -> Shape:
    texts = [value.text for value in values if isinstance(value, Scalar)]
    if len(texts) < len(values) or any(map(has_letters, texts)):
        return ANYTHING
    return Shape("a value of the map", values=tuple(dict.fromkeys(texts)))


def _equal(first: Node, second: Node) -> bool:
    """Whether two nodes say the same, wherever they were written; nodes with open parts only if they are one."""
    if first is second:
        return True
    if isinstance(first, Scalar) and isinstance(second, Scalar):
        return first.text == second.text and not has_letters(first.text)
    if isinstance(first, Sequence) and isinstance(second, Sequence) and len(first.items) == len(second.items):
        return all(map(_equal, first.items, second.items))
    return False


def _transform(argument: Node, place: Place, scope: Scope) -> Node:
    name = argument.get("Name") if isinstance(argument, Mapping) else argument
    shown = f" `{_short(name.text)}`" if isinstance(name, Scalar) else ""
    return scope.unknown(f"the macro{shown} writes it when the stack is deployed", place)


def _if(argument: Node, place: Place, scope: Scope) -> Node:
    from policy_audit.sources.conditions import choose

    return choose(argument, place, scope, _resolve)


def _short(name: str) -> str:
    """A name for messages: in one line, and not too long."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", name if len(name) <= 120 else f"{name[:117]}...")


def _unread(argument: Node, place: Place, scope: Scope) -> Node:
    """What a form of input does not show: see `build.unread`."""
    return scope.unknown(argument.text if isinstance(argument, Scalar) else "it is not known", place)


_HANDLERS: Final[dict[str, Callable[[Node, Place, Scope], Node]]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::GetStackOutput": _stack_output,
    "Fn::Transform": _transform,
    "Fn::Unread": _unread,
}
