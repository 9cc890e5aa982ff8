"""Values of Terraform's arguments as CloudFormation's: references to resources, and open values as functions."""

from collections.abc import Mapping, Sequence
from typing import Final

from policy_audit.model import node as tree
from policy_audit.model.node import Entry, Node, Place, Scalar
from policy_audit.sources.build import attribute, listing, mapping, reference, scalar, unread
from policy_audit.sources.terraform.cloud_control import KINDS, property_name
from policy_audit.sources.terraform.instances import (
    Instance,
    Reference,
    as_choice,
    as_encoded,
    as_hidden,
    as_joined,
    as_reference,
    as_unknown,
    as_variable,
    choice,
    hidden,
    is_open,
    unknown,
)
from policy_audit.sources.terraform.instances import reference as reference_to
from policy_audit.sources.terraform.policy_documents import document
from policy_audit.sources.terraform.types import ATTRIBUTES, REFERENCE
from policy_audit.sources.tree import child, text

MAXIMUM_DEPTH: Final = 60
"""How deep values and the references in them may nest; beyond, they are not followed."""

_PSEUDO: Final = {
    ("aws_caller_identity", "account_id"): "AWS::AccountId",
    ("aws_caller_identity", "id"): "AWS::AccountId",
    ("aws_partition", "partition"): "AWS::Partition",
    ("aws_partition", "id"): "AWS::Partition",
    ("aws_partition", "dns_suffix"): "AWS::URLSuffix",
    ("aws_region", "name"): "AWS::Region",
    ("aws_region", "region"): "AWS::Region",
    ("aws_region", "id"): "AWS::Region",
}
"""Data sources that give what CloudFormation's pseudo parameters do."""

_TEXTS: Final = {
    ("aws_api_gateway_rest_api", "execution_arn"): "arn:${P}:execute-api:${R}:${A}:${Id}",
    ("aws_iam_group", "arn"): "arn:${P}:iam::${A}:group${path}${name}",
    ("aws_iam_user", "arn"): "arn:${P}:iam::${A}:user${path}${name}",
    ("aws_lambda_function", "invoke_arn"): (
        "arn:${P}:apigateway:${R}:lambda:path/2015-03-31/functions/${Arn}/invocations"
    ),
    ("aws_api_gateway_stage", "invoke_url"): "https://${rest_api_id}.execute-api.${R}.${U}/${stage_name}",
    ("aws_api_gateway_stage", "execution_arn"): "arn:${P}:execute-api:${R}:${A}:${rest_api_id}/${stage_name}",
}
"""Attributes that are put together: of pseudo parameters, `Ref` (`Id`), the `Arn`, and arguments."""
_TYPES: Final = {"vpc_id": "AWS::EC2::VPC::Id", "vpc_identifier": "AWS::EC2::VPC::Id"}
"""CloudFormation's types of parameters for what arguments take."""
_IN_TEXTS: Final = {"A": "AWS::AccountId", "P": "AWS::Partition", "R": "AWS::Region", "U": "AWS::URLSuffix"}
_DEFAULTS: Final = {"path": "/"}
_NO_VALUE: Final = "AWS::NoValue"
"""What an argument is that is null."""


class Values:
    """What nodes of the instances are in CloudFormation's shape.

    `parameters` fills with the names of open values, each a parameter without a value; `conditions` with the names of
    open conditions, by their logical ids.
    """

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.instances: Mapping[str, Instance] = {one.address: one for one in instances}
        self.parameters: dict[str, Place] = {}
        self.patterns: dict[str, str] = {}
        """What is known of some of them, as a pattern."""
        self.types: dict[str, str] = {}
        """The types of some of them, where an argument takes no other: they tell what a value can be."""
        self.conditions: dict[str, str] = {}
        self._depth = 0
        self._known: dict[tuple[str, ...], Node | None] = {}
        self._hidden: dict[str, str] = {}
        self._texts: dict[tuple[str, ...], dict[str, Instance]] = {}

    # ---- nodes ----

    def node(self, node: Node, *, secret: bool = False) -> Node:
        """A value of an argument; `secret` where a credential may stand, which no report shows."""
        if isinstance(node, Scalar):
            return node
        if self._depth >= MAXIMUM_DEPTH:
            return unread("its values and references nest too deeply", node.place)
        self._depth += 1
        try:
            if is_open(node):
                return self._open(node, secret)
            if isinstance(node, tree.Sequence):
                return node._replace(items=tuple(self.node(item) for item in node.items))
            return self._mapping(node)
        finally:
            self._depth -= 1

    def _mapping(self, node: tree.Mapping) -> Node:
        if any(one.key.text == "Ref" or one.key.text.startswith("Fn::") for one in node.entries):
            return unread("a key in it has the name of a function of CloudFormation's", node.place)
        return node._replace(entries=tuple(Entry(one.key, self.node(one.value)) for one in node.entries))

    def _open(self, node: Node, secret: bool) -> Node:
        place = node.place
        if (refers := as_reference(node)) is not None:
            return self.refer(refers)
        if (name := as_variable(node)) is not None:
            return self.parameter(name, place)
        if (parts := as_joined(node)) is not None:
            return _join([self.node(part) for part in parts], place)
        if (within := as_encoded(node)) is not None:
            return self.node(within)
        if (chosen := as_choice(node)) is not None:
            given = [
                reference(_NO_VALUE, place) if _is_null(one) else self.node(one) for one in (chosen.yes, chosen.no)
            ]
            arms = [scalar(self.condition(chosen.condition), place), *given]
            return mapping(place, [("Fn::If", listing(place, arms))])
        if (known := as_hidden(node)) is not None:
            return known if secret and isinstance(known, Scalar) else self._concealed(known, place)
        return unread(as_unknown(node) or "its value is not known", place)

    def _concealed(self, known: Node, place: Place) -> Node:
        """A parameter in the place of a sensitive value: the same for the same text."""
        if not isinstance(known, Scalar) or known.text.lstrip()[:1] in ("{", "["):
            return unread("Terraform marks it as sensitive", place)
        name = self._hidden.setdefault(known.text, f"sensitive value {len(self._hidden) + 1}")
        return self.parameter(name, place)

    def parameter(self, name: str, place: Place) -> Node:
        """An open value that is the same wherever it has this name."""
        self.parameters.setdefault(name, place)
        return reference(name, place)

    def is_used_as(self, node: Node, name: str) -> None:
        """Notes what an open value must be for the argument `name` to take it."""
        parameter = text(child(node, "Ref"))
        if name in _TYPES and parameter in self.parameters:
            self.types.setdefault(parameter, _TYPES[name])

    def digits(self, name: str, place: Place) -> Node:
        """The end of a name that the provider makes up."""
        self.patterns[name] = "[0-9a-f]{26}"
        return self.parameter(name, place)

    def condition(self, name: str) -> str:
        """The logical id of the open condition of this name."""
        return self.conditions.setdefault(name, f"Condition{len(self.conditions) + 1}")

    # ---- references ----

    def refer(self, refers: Reference) -> Node:
        """What the attribute of another instance is."""
        key = (refers.address, *refers.path)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._attribute(refers)
        found = self._known[key]
        if found is None:
            return unread(f"`{'.'.join(key)}` refers to itself", refers.place)
        return _at(found, refers.place)

    def _attribute(self, refers: Reference) -> Node:
        address, path, place = refers
        instance = self.instances.get(address)
        if instance is None:
            return self.parameter(".".join((address, *path)), place)
        if instance.type == "aws_iam_policy_document" and path in (("json",), ("minified_json",)):
            given = _set(instance.arguments, path)
            return given if isinstance(given, Scalar) else document(instance, self.node)
        given = _set(instance.arguments, path)
        if given is not None:
            return self.node(given)
        return self._made(instance, path, place)

    def _made(self, instance: Instance, path: tuple[str, ...], place: Place) -> Node:
        """An attribute that nobody has set: what AWS gives, or the provider."""
        name = path[0] if len(path) == 1 else ""
        if instance.mode == "data":
            pseudo = _PSEUDO.get((instance.type, name))
            if pseudo is not None:
                return reference(pseudo, place)
            return self._aws_policy(instance, place, path)
        if instance.type in KINDS and name:
            made = property_name(name)
            return reference(instance.address, place) if name == "id" else attribute(instance.address, made, place)
        written = _TEXTS.get((instance.type, name))
        if written is not None:
            return self._text(instance, written, place)
        if (instance.type, path[:1], path[2:]) == ("aws_vpc_endpoint", ("dns_entry",), ("dns_name",)):
            return _dns_name(instance.address, path[1], place)
        given = ATTRIBUTES.get((instance.type, name))
        if given == REFERENCE:
            return reference(instance.address, place)
        if given is not None:
            return attribute(instance.address, given, place)
        if name in ("arn", "id"):
            # One that AWS makes for this resource alone: no other is ever equal to it.
            return attribute(instance.address, f"Terraform.{name}", place)
        return self.parameter(".".join((instance.address, *path)), place)

    def _aws_policy(self, instance: Instance, place: Place, path: tuple[str, ...]) -> Node:
        """The ARN of a managed policy that a data source finds by name, where it is one of AWS's own."""
        name = text(_set(instance.arguments, ("name",)))
        if instance.type == "aws_iam_policy" and path == ("arn",) and name is not None:
            from policy_audit.sources.aws_managed_policies import path_and_name

            whole = path_and_name(name)
            if whole is not None:
                written = scalar(f"arn:${{AWS::Partition}}:iam::aws:policy/{whole}", place)
                return mapping(place, [("Fn::Sub", written)])
        return self.parameter(".".join((instance.address, *path)), place)

    def _text(self, instance: Instance, written: str, place: Place) -> Node:
        parts: list[Node] = []
        for index, part in enumerate(written.replace("}", "${").split("${")):
            if index % 2 == 0:
                parts.append(scalar(part, place))
            elif part in _IN_TEXTS:
                parts.append(reference(_IN_TEXTS[part], place))
            elif part == "Id":
                parts.append(reference(instance.address, place))
            elif part == "Arn":
                parts.append(attribute(instance.address, "Arn", place))
            else:
                given = _set(instance.arguments, (part,)) or scalar(_DEFAULTS.get(part, ""), place)
                parts.append(self.node(given))
        return _join(parts, place)

    # ---- which instance ----

    def owner(self, node: Node | None, kind: str, *attributes: str) -> Instance | None:
        """The instance of type `kind` that `node` names: by a reference, or by the text of one of its `attributes`."""
        if node is None:
            return None
        for _ in range(MAXIMUM_DEPTH):
            refers = as_reference(node)
            if refers is None:
                break
            instance = self.instances.get(refers.address)
            if instance is not None and instance.type == kind and instance.mode == "managed":
                return instance
            found = _set(instance.arguments, refers.path) if instance is not None else None
            if found is None:
                return None
            node = found
        given = text(node) if isinstance(node, Scalar) else None
        return self._by_text(kind, attributes).get(given) if given else None

    def _by_text(self, kind: str, attributes: Sequence[str]) -> dict[str, Instance]:
        """The instances of a type by the texts of these attributes."""
        key = (kind, *attributes)
        if key not in self._texts:
            self._texts[key] = {
                found: one
                for one in self.instances.values()
                if one.type == kind and one.mode == "managed"
                for name in attributes
                if (found := text(_set(one.arguments, (name,))))
            }
        return self._texts[key]


def _join(parts: Sequence[Node], place: Place) -> Node:
    return mapping(place, [("Fn::Join", listing(place, [scalar("", place), listing(place, parts)]))])


def argument(instance: Instance, path: str) -> Node | None:
    """The argument at a path through blocks (the first of several), or None if it is not set.

    Of a block that is open, as a `dynamic` one may be, the arguments are open for the same reason.
    """
    names = tuple(path.split("."))
    for length in range(1, len(names)):
        block = _set(instance.arguments, names[:length])
        found = _within_open(block, names[length:])
        if found is not None:
            return found
    return _set(instance.arguments, names)


def _within_open(block: Node | None, path: Sequence[str]) -> Node | None:
    """What an argument is at a path in a block that is open, in whole or as the first of several; None in others."""
    if isinstance(block, tree.Sequence):
        block = block.items[0] if block.items else None
    if block is None or not is_open(block):
        return None
    chosen = as_choice(block)
    if chosen is not None:
        yes, no = (_within_open(one, path) or _set(one, path) or _null(block.place) for one in (chosen.yes, chosen.no))
        return choice(chosen.condition, yes, no, block.place)
    known, refers = as_hidden(block), as_reference(block)
    if known is not None:
        within = _set(known, path)
        return None if within is None else hidden(within, within.place)
    if refers is not None:
        return reference_to(refers.address, (*refers.path, *path), block.place)
    return unknown(as_unknown(block) or "the block that it stands in is open", block.place)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


def _null(place: Place) -> Scalar:
    return Scalar("", "null", place)


def _set(node: Node | None, path: Sequence[str]) -> Node | None:
    """What is set at a path: names, and indexes of lists, of which the first counts where none is given.

    An empty text counts as not set: the AWS provider and its states make no difference.
    """
    for name in path:
        if isinstance(node, tree.Sequence):
            index = int(name) if name.isdecimal() and len(name) < 6 else 0
            node = node.items[index] if index < len(node.items) else None
            if name.isdecimal():
                continue
        if is_open(node) or not isinstance(node, tree.Mapping):
            return None
        node = node.get(name)
    return None if isinstance(node, Scalar) and not node.text else node


def _at(node: Node, place: Place) -> Node:
    """A converted value where it is used: a function is called there; a document stays where it is written."""
    if isinstance(node, tree.Mapping) and len(node.entries) == 1:
        key = node.entries[0].key.text
        if key == "Ref" or key.startswith("Fn::"):
            return node._replace(place=place)
    return node


def _dns_name(address: str, index: str, place: Place) -> Node:
    """A DNS name of a VPC endpoint, which CloudFormation has as `ZONE:NAME`."""

    def select(number: str, of: Node) -> Node:
        return mapping(place, [("Fn::Select", listing(place, [scalar(number, place), of]))])

    whole = select(index, attribute(address, "DnsEntries", place))
    return select("1", mapping(place, [("Fn::Split", listing(place, [scalar(":", place), whole]))]))
