"""The intrinsic functions that work on texts and lists: Sub, Join, Split, Select, Base64, Cidr, ToJsonString …"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Final

from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import Shape, has_holes, has_letters, is_hole, letters
from policy_audit.sources.places import Within, joined, stretch
from policy_audit.sources.pseudo import pseudo_parameter
from policy_audit.sources.scope import MAXIMUM_TEXT, NOTHING, Scope

_VARIABLE: Final = re.compile(r"\$\{(!?)([^{}]*+)\}")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.:]++", re.ASCII)
_DYNAMIC: Final = r"\{\{resolve:(ssm-secure|ssm|secretsmanager):([^{}]*+)\}\}"


def substitute(template: Scalar, value_of: Callable[[str, Place], Node], place: Place, scope: Scope) -> Scalar:
    """`Fn::Sub`: `template` with its variables replaced by `value_of(name, where the variable stands)`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
    """
    if "${" not in template.text:
        return template
    parts: list[Scalar] = []
    whole = Within(template)
    at = 0
    for found in _VARIABLE.finditer(template.text):
        if found.start() > at:
            parts.append(stretch(whole, at, found.start()))
        at = found.end()
        variable = stretch(whole, *found.span())
        if found[1]:
            parts.append(stretch(whole, found.start(), found.start() + 2))
            parts.append(stretch(whole, found.start() + 3, found.end()))
        elif _VARIABLE_NAME.fullmatch(found[2].strip()) is None:
            parts.append(scope.problem(f"`${{{found[2][:80]}}}` is no variable that `Fn::Sub` takes", variable.place))
        else:
            parts.append(_part(value_of(found[2].strip(), variable.place), variable.place, "Fn::Sub", scope))
    if not parts:
        return template
    if at < len(template.text):
        parts.append(stretch(whole, at, len(template.text)))
    return _together(parts, place, scope)


def _part(node: Node, place: Place, function: str, scope: Scope) -> Scalar:
    """A value as a part of a longer text."""
    if isinstance(node, Scalar):
        return node
    return scope.problem(f"`{function}` meets a list or mapping where it needs a text", place)


def _together(parts: list[Scalar], place: Place, scope: Scope) -> Scalar:
    length = sum([len(part.text) for part in parts])
    if length > MAXIMUM_TEXT or not scope.spend(length):
        return scope.unknown("the text that its parts make is longer than any template holds", place)
    return joined(parts, place)


def dynamic_references(scalar: Scalar, scope: Scope) -> Scalar:
    """`scalar` with a hole for each `{{resolve:…}}`: what stands there is read when the stack is deployed.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
    """
    parts: list[Scalar] = []
    whole = Within(scalar)
    at = 0
    for found in re.finditer(_DYNAMIC, scalar.text):
        if found.start() > at:
            parts.append(stretch(whole, at, found.start()))
        where = stretch(whole, *found.span()).place
        service, key = found.groups()
        store = "Secrets Manager" if service == "secretsmanager" else "Systems Manager"
        shown = f" `{scope.symbols.show(key)[:120]}`" if service == "ssm" else ""
        reason = f"it is read from {store}{shown} when the stack is deployed"
        parts.append(scope.unknown(reason, where, f"{{{{resolve:{service}}}}}"))
        at = found.end()
    if not parts:
        return scalar
    if at < len(scalar.text):
        parts.append(stretch(whole, at, len(scalar.text)))
    return _together(parts, scalar.place, scope)


def open_list(function: str, arguments: tuple[str, ...], place: Place, scope: Scope) -> Scalar:
    """A list of which only its making is known, as one symbol."""
    return scope.derived(function, arguments, place)


def _pair(node: Node) -> tuple[Node | None, Node | None]:
    """The two arguments of a function; None for both if there are not two."""
    if isinstance(node, Sequence) and len(node.items) == 2:
        return node.items[0], node.items[1]
    return None, None


def _join(argument: Node, place: Place, scope: Scope) -> Node:
    delimiter, values = _pair(argument)
    if not isinstance(delimiter, Scalar):
        return scope.problem("`Fn::Join` takes a delimiter and a list", place)
    if isinstance(values, Scalar):
        if not has_letters(values.text):
            return scope.problem("`Fn::Join` takes a delimiter and a list", place)
        return scope.derived("Join", (delimiter.text, values.text), place)
    if not isinstance(values, Sequence):
        return scope.problem("`Fn::Join` takes a delimiter and a list", place)
    parts: list[Scalar] = []
    for value in values.items:
        if parts and delimiter.text:
            parts.append(delimiter)
        parts.append(_part(value, value.place, "Fn::Join", scope))
    return _together(parts, place, scope)


def split_text(delimiter: str, scalar: Scalar, scope: Scope) -> list[Scalar] | None:
    """`scalar` split at `delimiter`; None when a symbol in it might hold the delimiter as well."""
    text = scope.in_world(scalar.text)
    if text != scalar.text:
        scalar = Scalar(text, "string", scalar.place)
    if any(_may_hold(letter, delimiter, scope) for letter in set(letters(text))) or not scope.spend(len(text)):
        return None
    pieces: list[Scalar] = []
    whole = Within(scalar)
    at = 0
    while (found := text.find(delimiter, at)) >= 0:
        pieces.append(stretch(whole, at, found))
        at = found + len(delimiter)
    pieces.append(stretch(whole, at, len(text)))
    return pieces


def _may_hold(letter: str, delimiter: str, scope: Scope) -> bool:
    """Whether a symbol's value may hold a character of `delimiter` (so no delimiter is made across its edge either)."""
    if is_hole(letter):
        return True
    shape = scope.symbols.of(letter).shape
    if shape.values:
        return any(character in value for value in shape.values for character in delimiter)
    if not shape.characters:
        return True
    one = Shape("character", shape.characters)
    return any(one.admits(character) for character in delimiter)


def _split(argument: Node, place: Place, scope: Scope) -> Node:
    delimiter, text = _pair(argument)
    if not isinstance(delimiter, Scalar) or not isinstance(text, Scalar):
        return scope.problem("`Fn::Split` takes a delimiter and a text", place)
    if not delimiter.text:
        return scope.problem("`Fn::Split` takes a delimiter that is not empty", place)
    pieces = None if has_letters(delimiter.text) else split_text(delimiter.text, text, scope)
    if pieces is None:
        return open_list("Split", (delimiter.text, text.text), place, scope)
    return Sequence(tuple(pieces), place)


def _select(argument: Node, place: Place, scope: Scope) -> Node:
    index, values = _pair(argument)
    if not isinstance(index, Scalar):
        return scope.problem("`Fn::Select` takes an index and a list", place)
    if isinstance(values, Scalar) and has_letters(values.text):
        first = scope.symbols.of(values.text).first if len(values.text) == 1 and index.text == "0" else ""
        if first:
            return Scalar(first, "string", place)
        return scope.derived("Select", (index.text, values.text), place)
    if not isinstance(values, Sequence):
        return scope.problem("`Fn::Select` takes an index and a list", place)
    if has_letters(index.text):
        texts = [value.text if isinstance(value, Scalar) else "" for value in values.items]
        if all(isinstance(value, Scalar) for value in values.items):
            return scope.derived("Select", (index.text, *texts), place)
        return scope.unknown("the index of `Fn::Select` is not known", place)
    position = int(index.text) if index.text.isascii() and index.text.isdecimal() and len(index.text) < 7 else -1
    if not 0 <= position < len(values.items):
        return scope.problem(f"`Fn::Select` asks for item `{index.text[:20]}` of a list of {len(values.items)}", place)
    return values.items[position]


def _base64(argument: Node, place: Place, scope: Scope) -> Node:
    if not isinstance(argument, Scalar) or argument is NOTHING:
        return scope.problem("`Fn::Base64` takes a text", place)
    if has_letters(argument.text):
        return scope.derived("Base64", (argument.text,), place, Shape("Base64", "A-Za-z0-9+/="))
    from binascii import b2a_base64

    if not scope.spend(len(argument.text)):
        return scope.unknown("the text is longer than any template holds", place)
    return Scalar(b2a_base64(argument.text.encode("utf-8", "replace"), newline=False).decode(), "string", place)


def _get_azs(argument: Node, place: Place, scope: Scope) -> Node:
    region: Node = argument
    if isinstance(argument, Scalar) and not argument.text:
        region = pseudo_parameter("AWS::Region", place, scope)
    if not isinstance(region, Scalar):
        return scope.problem("`Fn::GetAZs` takes the name of a region", place)
    return open_list("GetAZs", (region.text,), place, scope)


def _length(argument: Node, place: Place, scope: Scope) -> Node:
    if isinstance(argument, Sequence):
        return Scalar(str(len(argument.items)), "number", place)
    if isinstance(argument, Scalar) and has_letters(argument.text):
        return scope.derived("Length", (argument.text,), place, Shape("number", "0-9", 1, 6))
    return scope.problem("`Fn::Length` takes a list", place)


def _cidr(argument: Node, place: Place, scope: Scope) -> Node:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html"""
    items = argument.items if isinstance(argument, Sequence) else ()
    texts = [item.text for item in items if isinstance(item, Scalar)]
    if len(items) not in (2, 3) or len(texts) < len(items):
        return scope.problem("`Fn::Cidr` takes an address block, a count and a number of bits", place)
    if any(map(has_letters, texts)) or len(texts) == 2:
        return open_list("Cidr", tuple(texts), place, scope)
    import ipaddress

    try:
        block = ipaddress.ip_network(texts[0], strict=False)
        count, bits = int(texts[1][:9]), int(texts[2][:9])
        if not 1 <= count <= 256:
            raise ValueError
        blocks = list(islice(block.subnets(new_prefix=block.max_prefixlen - bits), count))
    except ValueError:
        blocks = []
    if not blocks or len(blocks) < count:
        return scope.problem(f"`Fn::Cidr` cannot cut {', '.join(text[:50] for text in texts)}", place)
    return Sequence(tuple([Scalar(str(block), "string", place) for block in blocks]), place)


def _to_json_string(argument: Node, place: Place, scope: Scope) -> Node:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ToJsonString.html"""
    if isinstance(argument, Scalar):
        if has_letters(argument.text):
            return scope.derived("ToJsonString", (argument.text,), place)
        return scope.problem("`Fn::ToJsonString` takes a list or mapping", place)
    parts: list[Scalar] = []
    _write(argument, place, parts)
    return _together(parts, place, scope)


_JSON_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+"


def _write(node: Node, place: Place, parts: list[Scalar]) -> None:
    """Appends the JSON text of `node`; its strings lead to where they were written. As deep as a document nests."""

    def mark(text: str) -> None:
        parts.append(Scalar(text, "string", place))

    match node:
        case Sequence(items):
            for index, item in enumerate(items):
                mark("," if index else "[")
                _write(item, place, parts)
            mark("]" if items else "[]")
        case Mapping(entries):
            for index, entry in enumerate(entries):
                mark("," if index else "{")
                _write_text(entry.key, parts)
                mark(":")
                _write(entry.value, place, parts)
            mark("}" if entries else "{}")
        case Scalar(text, kind):
            if kind == "null":
                mark("null")
            elif kind == "boolean":
                mark("true" if text.lower() in ("true", "yes", "on") else "false")
            elif (kind == "number" and re.fullmatch(_JSON_NUMBER, text)) or (len(text) == 1 and has_holes(text)):
                parts.append(node)
            else:
                _write_text(node, parts)


def _write_text(scalar: Scalar, parts: list[Scalar]) -> None:
    quote = Scalar('"', "string", scalar.place)
    escaped = re.sub(r'["\\\x00-\x1f]', lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), scalar.text)
    whole = scalar if escaped == scalar.text else Scalar(escaped, "string", scalar.place)
    parts.extend((quote, whole, quote))


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

TEXT_FUNCTIONS: Final[dict[str, Callable[[Node, Place, Scope], Node]]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _get_azs,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::ToJsonString": _to_json_string,
}
"""Functions whose argument is resolved first: (resolved argument, place of the call, scope) -> value."""
