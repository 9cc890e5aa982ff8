"""Terraform's functions that encode, decode, hash and convert.

https://developer.hashicorp.com/terraform/language/functions
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from policy_audit.errors import AuditError
from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.nodes import parse_embedded
from policy_audit.sources.terraform.hcl_given import Function, Given
from policy_audit.sources.terraform.hcl_types import as_set, to_boolean, to_number
from policy_audit.sources.terraform.hcl_values import (
    RefusedError,
    UnsupportedError,
    as_text,
    boolean,
    derived,
    is_null,
    mapped,
    weigh,
)
from policy_audit.sources.terraform.instances import as_encoded, encoded, is_open


def _jsonencode(given: Given) -> Node:
    """The value, as what its JSON text says: policies and definitions keep their structure and their places."""
    weigh(given.arguments[0], given.budget)
    return encoded(given.arguments[0], given.place)


def _jsondecode(given: Given) -> Node:
    return _decoded(given, yaml_too=False)


def _yamldecode(given: Given) -> Node:
    return _decoded(given, yaml_too=True)


def _decoded(given: Given, *, yaml_too: bool) -> Node:
    inner = as_encoded(given.arguments[0])
    if inner is not None:
        return inner
    if is_open(given.arguments[0]):
        return derived(given.arguments[0], given.place, "jsondecode(…)" if not yaml_too else "yamldecode(…)")
    try:
        found = parse_embedded(as_text(given.arguments[0]), yaml_too=yaml_too)
    except AuditError as error:
        raise RefusedError(error.message) from None
    weigh(found, given.budget)
    return _typed(found) if yaml_too else found


_YES: Final = frozenset({"y", "yes", "true", "on"})


def _typed(node: Node) -> Node:
    """Scalars of YAML as Terraform has them."""
    if isinstance(node, Mapping):
        return node._replace(entries=tuple(Entry(entry.key, _typed(entry.value)) for entry in node.entries))
    if isinstance(node, Sequence):
        return node._replace(items=tuple(map(_typed, node.items)))
    if node.kind == "boolean":
        return boolean(node.text.lower() in _YES, node.place)
    if node.kind == "number":
        try:
            return (
                Scalar(str(int(node.text, 0)), "number", node.place) if "0x" in node.text or "0o" in node.text else node
            )
        except ValueError:
            return node
    return node


def _base64decode(given: Given) -> Node:
    try:
        found = b64decode(given.text(0), validate=True).decode("utf-8")
    except (Error, ValueError):
        raise RefusedError("this is no text in base64") from None
    return given.of_text(found)


def _hash(name: str, *, base64: bool = False) -> Callable[[Given], Node]:
    def work(given: Given) -> Node:
        digest = hashlib.new(name, given.text(0).encode(), usedforsecurity=False)
        return given.of_text(b64encode(digest.digest()).decode() if base64 else digest.hexdigest())

    return work


def _urlencode(given: Given) -> Node:
    return given.of_text(quote_plus(given.text(0), safe="-_.~").replace("~", "~"))


def _csvdecode(given: Given) -> Node:
    import csv

    lines = [*csv.reader(given.text(0).splitlines(), strict=True)]
    if not lines:
        raise RefusedError("the first line names the columns")
    names = lines[0]
    rows = []
    for line in lines[1:]:
        if len(line) != len(names):
            raise RefusedError("a line has another number of columns")
        rows.append(given.of_entries({name: given.of_text(value) for name, value in zip(names, line, strict=True)}))
    return given.of_items(rows)


def _tolist(given: Given) -> Node:
    one = given.arguments[0]
    return one if is_null(one) else _alike(Sequence(given.items(0), one.place))


def _alike(node: Sequence) -> Node:
    """The items of a list as one type: texts, if one of them is a text."""
    scalars = [one for one in node.items if isinstance(one, Scalar) and not is_null(one)]
    kinds = {one.kind for one in scalars}
    if len(kinds) < 2 or len(scalars) < len(node.items):
        return node
    return node._replace(items=tuple(map(as_text, node.items)))


def _toset(given: Given) -> Node:
    one = given.arguments[0]
    return one if is_null(one) else as_set(_alike(Sequence(given.items(0), one.place)))


def _tomap(given: Given) -> Node:
    one = given.arguments[0]
    if is_null(one):
        return one
    entries = given.entries(0)
    alike = _alike(Sequence(tuple(entry.value for entry in entries), given.place))
    values = alike.items if isinstance(alike, Sequence) else ()
    return Mapping(tuple(entry._replace(value=value) for entry, value in zip(entries, values, strict=True)), one.place)


def _converted(work: Callable[[Node], Node]) -> Callable[[Given], Node]:
    """A conversion of a single value, which leaves null alone."""
    return lambda given: given.arguments[0] if is_null(given.arguments[0]) else work(given.arguments[0])


def _tostring(given: Given) -> Node:
    def work(one: Node) -> Node:
        return one if is_open(one) or is_null(one) else as_text(one)

    return mapped(given.arguments[0], work)


def _formatdate(given: Given) -> Node:
    raise UnsupportedError("dates are not worked out")


def _same(given: Given) -> Node:
    return given.arguments[0]


def _arn_parse(given: Given) -> Node:
    parts = given.text(0).split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise RefusedError("this is no ARN")
    names = ("partition", "service", "region", "account_id", "resource")
    return given.of_entries({name: given.of_text(part) for name, part in zip(names, parts[1:], strict=True)})


ENCODINGS: Final = {
    "base64decode": Function(_base64decode, 1, 1),
    "base64encode": Function(lambda given: given.of_text(b64encode(given.text(0).encode()).decode()), 1, 1),
    "base64sha256": Function(_hash("sha256", base64=True), 1, 1),
    "base64sha512": Function(_hash("sha512", base64=True), 1, 1),
    "csvdecode": Function(_csvdecode, 1, 1),
    "formatdate": Function(_formatdate, 2, 2),
    "jsondecode": Function(_jsondecode, 1, 1, shallow=True, free=0),
    "jsonencode": Function(_jsonencode, 1, 1, shallow=True, free=0),
    "md5": Function(_hash("md5"), 1, 1),
    "nonsensitive": Function(_same, 1, 1, shallow=True, free=0),
    "provider::aws::arn_parse": Function(_arn_parse, 1, 1),
    "sha1": Function(_hash("sha1"), 1, 1),
    "sha256": Function(_hash("sha256"), 1, 1),
    "sha512": Function(_hash("sha512"), 1, 1),
    "tobool": Function(_converted(to_boolean), 1, 1),
    "tolist": Function(_tolist, 1, 1, shallow=True),
    "tomap": Function(_tomap, 1, 1, shallow=True),
    "tonumber": Function(_converted(to_number), 1, 1),
    "toset": Function(_toset, 1, 1, shallow=True),
    "tostring": Function(_tostring, 1, 1, shallow=True, free=0),
    "urlencode": Function(_urlencode, 1, 1),
    "urldecode": Function(lambda given: given.of_text(unquote_plus(given.text(0))), 1, 1),
    "yamldecode": Function(_yamldecode, 1, 1, shallow=True, free=0),
    # Everything that is JSON is YAML: what reads it, a definition of an API, takes one for the other.
    "yamlencode": Function(_jsonencode, 1, 1, shallow=True, free=0),
}
