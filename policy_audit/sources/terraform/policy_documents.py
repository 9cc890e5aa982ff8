"""The data source `aws_iam_policy_document` as the policy document that the provider makes of it.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
"""

from collections.abc import Callable
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.model.node import Node, Place, Scalar, Sequence
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.nodes import parse_embedded
from policy_audit.sources.terraform.instances import Instance, is_open
from policy_audit.sources.tree import child, items, text

_ELEMENTS: Final = (
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
)
_VERSION: Final = "2012-10-17"
Statements = list[tuple[str, Node]]
"""By their Sids, empty for those without."""


def document(instance: Instance, convert: Callable[[Node], Node]) -> Node:
    """The document that the data source gives, in CloudFormation's shape.

    Documents that it takes in come first, its own statements next, those that override it last; of two statements with
    one Sid the later counts, in the place of the earlier. `convert` gives a value of an argument in that shape.
    """
    arguments, place = instance.arguments, instance.place
    statements: Statements = []
    for name in ("source_json", "source_policy_documents"):
        _merge(statements, _taken(arguments.get(name), convert))
    own = arguments.get("statement")
    if own is not None and is_open(own):
        _merge(statements, [("", convert(own))])
    else:
        _merge(statements, [_statement(one, convert) for one in items(own)])
    for name in ("override_json", "override_policy_documents"):
        _merge(statements, _taken(arguments.get(name), convert))
    version = text(arguments.get("version")) or _VERSION
    return mapping(
        place,
        [("Version", scalar(version, place)), ("Statement", listing(place, [one for _, one in statements]))],
    )


def _merge(statements: Statements, more: Statements) -> None:
    places = {sid: index for index, (sid, _) in enumerate(statements) if sid}
    for sid, statement in more:
        if sid and sid in places:
            statements[places[sid]] = (sid, statement)
            continue
        if sid:
            places[sid] = len(statements)
        statements.append((sid, statement))


def _taken(node: Node | None, convert: Callable[[Node], Node]) -> Statements:
    """The statements of documents that are given as JSON or by reference; one that can't be read is one statement."""
    found: Statements = []
    for one in [node] if node is not None and is_open(node) else items(node):
        whole = convert(one)
        try:
            if isinstance(whole, Scalar):
                if not whole.text.strip():
                    continue
                whole = parse_embedded(whole)
        except AuditError:
            pass  # What is no document is no statement either, and read as one that nothing is known of.
        stated = child(whole, "Statement")
        found += [(text(child(each, "Sid")) or "", each) for each in ([whole] if stated is None else items(stated))]
    return found


def _statement(block: Node, convert: Callable[[Node], Node]) -> tuple[str, Node]:
    if is_open(block):
        return "", convert(block)
    place = block.place
    entries: list[tuple[str | Scalar, Node | None]] = [("Sid", _given(child(block, "sid")))]
    entries.append(("Effect", _converted(child(block, "effect"), convert) or scalar("Allow", place)))
    entries += [(element, _texts(child(block, name), convert)) for name, element in _ELEMENTS]
    for name, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        entries.append((element, _principals(child(block, name), convert)))
    entries.append(("Condition", _conditions(child(block, "condition"), convert)))
    return text(child(block, "sid")) or "", mapping(place, entries)


def _given(node: Node | None) -> Node | None:
    return node if isinstance(node, Scalar) and node.text else None


def _converted(node: Node | None, convert: Callable[[Node], Node]) -> Node | None:
    """A value; None if it is not set."""
    return None if node is None or (isinstance(node, Scalar) and not node.text) else _filled(convert(node))


def _texts(node: Node | None, convert: Callable[[Node], Node]) -> Node | None:
    """A list of texts; None for an empty one, which the provider leaves out."""
    found = _converted(node, convert)
    return None if isinstance(found, Sequence) and not found.items else found


def _filled(node: Node) -> Node:
    """The value with IAM's variables, which Terraform takes as `&{…}` for it has `${…}` itself."""
    if isinstance(node, Scalar):
        return node._replace(text=node.text.replace("&{", "${")) if "&{" in node.text else node
    if isinstance(node, Sequence):
        return node._replace(items=tuple(map(_filled, node.items)))
    return node._replace(entries=tuple(one._replace(value=_filled(one.value)) for one in node.entries))


def _principals(blocks: Node | None, convert: Callable[[Node], Node]) -> Node | None:
    """`"*"` for a block of type `*`; else the identifiers by their types, in the order of the first block of each."""
    if blocks is None or not items(blocks):
        return None
    if is_open(blocks):
        return convert(blocks)
    found: dict[str, list[Node]] = {}
    for block in items(blocks):
        if is_open(block):
            return convert(block)
        identifiers = _texts(child(block, "identifiers"), convert)
        kind = child(block, "type")
        if not isinstance(kind, Scalar) or (identifiers is not None and not isinstance(identifiers, Sequence)):
            return convert(kind if kind is not None and is_open(kind) else (identifiers or block))
        if kind.text == "*":
            return scalar("*", kind.place)
        found.setdefault(kind.text, []).extend(items(identifiers))
    place = blocks.place
    return mapping(place, [(kind, listing(place, identifiers)) for kind, identifiers in found.items()])


def _conditions(blocks: Node | None, convert: Callable[[Node], Node]) -> Node | None:
    """Values by operator and key; blocks with the same of both are one condition."""
    if blocks is None or not items(blocks):
        return None
    if is_open(blocks):
        return convert(blocks)
    found: dict[str, dict[str, tuple[Scalar, list[Node]]]] = {}
    for block in items(blocks):
        test, variable, values = (child(block, name) for name in ("test", "variable", "values"))
        if is_open(block) or not isinstance(test, Scalar) or not isinstance(variable, Scalar):
            unclear = next((one for one in (block, test, variable) if one is not None and is_open(one)), block)
            return convert(unclear)
        keys = found.setdefault(test.text, {})
        keys.setdefault(variable.text, (variable, []))[1].append(_values(values, block.place, convert))
    place = blocks.place
    return mapping(
        place,
        [
            (test, mapping(place, [(variable, _together(values)) for variable, values in keys.values()]))
            for test, keys in found.items()
        ],
    )


def _values(node: Node | None, place: Place, convert: Callable[[Node], Node]) -> Node:
    return _converted(node, convert) or listing(place, [])


def _together(values: list[Node]) -> Node:
    if len(values) == 1:
        return values[0]
    return listing(values[0].place, [one for each in values for one in items(each)])
