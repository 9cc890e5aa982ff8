"""Resources of CloudFormation's types while they are put together, for in Terraform several blocks make one of them."""

from collections.abc import Collection, Iterator
from typing import Final

from policy_audit.findings import Skipped
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.build import listing, mapping, reference, scalar
from policy_audit.sources.terraform.cloud_control import KINDS, properties
from policy_audit.sources.terraform.instances import Instance, is_open
from policy_audit.sources.terraform.types import GENERATED_NAMES, TYPES, is_unread
from policy_audit.sources.terraform.values import Values, argument
from policy_audit.sources.tree import entries

_REDEPLOYED: Final = "1"
"""The end of the logical id of what is made anew when it changes, where templates have a number or a hash."""
_SECRETS: Final = frozenset({"ApiKeyValue", "ClientSecret", "Password"})
"""Properties that no message shows, so that a sensitive value may stand there."""


class Draft:
    """One resource on its way: CloudFormation's type, and its properties by their paths."""

    __slots__ = ("_more", "condition", "key", "kind", "properties")

    def __init__(self, key: Scalar, kind: str, condition: str = "") -> None:
        self.key = key
        self.kind = kind
        self.condition = condition
        self.properties: dict[str, Node] = {}
        self._more: dict[str, list[Node]] = {}

    def set(self, path: str, value: Node | None) -> None:
        """Sets a property; nothing for None."""
        if value is not None:
            self.properties[path] = value

    def append(self, path: str, value: Node) -> None:
        """Adds to a property that is a list, unless nothing is known of the list."""
        known = self.properties.get(path)
        if known is None or isinstance(known, Sequence):
            self._more.setdefault(path, []).append(value)
            self.properties.setdefault(path, listing(value.place, []))

    def items(self, path: str) -> Iterator[Node]:
        """The items of a property that is a list."""
        known = self.properties.get(path)
        yield from known.items if isinstance(known, Sequence) else ()
        yield from self._more.get(path, ())

    def resource(self) -> Mapping:
        """The resource as CloudFormation has it."""
        place = self.key.place
        nested: dict[str, object] = {}
        for path, value in self.properties.items():
            if isinstance(value, Sequence) and path in self._more:
                value = value._replace(items=(*value.items, *self._more[path]))
            *outer, name = path.split(".")
            within = nested
            for one in outer:
                within = within.setdefault(one, {})  # type: ignore[assignment]
            within[name] = value
        entries: list[tuple[str | Scalar, Node | None]] = [("Type", scalar(self.kind, place))]
        if self.condition:
            entries.append(("Condition", scalar(self.condition, place)))
        return mapping(place, [*entries, ("Properties", _mapping(nested, place))])


def _mapping(nested: dict[str, object], place: Place) -> Mapping:
    entries: list[Entry] = []
    for name, value in nested.items():
        node = _mapping(value, place) if isinstance(value, dict) else value
        if isinstance(node, Mapping | Sequence | Scalar):
            entries.append(Entry(scalar(name, node.place), node))
    return Mapping(tuple(entries), place)


class Drafts:
    """All resources on their way, by logical id: Terraform's address, and a further name where an instance has several.

    `attached` are the types that are read as a part of other resources.
    """

    def __init__(self, values: Values, attached: Collection[str] = ()) -> None:
        self.values = values
        self._attached = attached
        self.by_id: dict[str, Draft] = {}
        self.names: dict[str, str] = {}
        """By logical id, the address of the instance that further resources come from."""
        self.aliases: dict[str, str] = {}
        """By address, the logical id of a resource whose logical id is another."""
        self.skipped: list[Skipped] = []
        self.names_apart: dict[str, list[str]] | None = None
        """The names of inline policies that are resources of their own, by the address of their role."""
        self.indexes: dict[str, dict[tuple[str, ...], Instance]] = {}

    def add(self, instance: Instance, kind: str, part: str = "") -> Draft:
        """A new resource of an instance; `part` tells a further one of it from the first."""
        logical_id = f"{instance.address} {part}" if part else instance.address
        condition = self.values.condition(instance.condition) if instance.condition else ""
        draft = Draft(scalar(logical_id, instance.place), kind, condition)
        self.by_id[logical_id] = draft
        if part:
            self.names[logical_id] = instance.address
        if part == _REDEPLOYED:
            self.aliases[instance.address] = logical_id
        return draft

    def of(self, instance: Instance | None) -> Draft | None:
        """The resource of an instance, if there is one."""
        if instance is None:
            return None
        return self.by_id.get(self.aliases.get(instance.address, instance.address))

    def value(self, instance: Instance, path: str, name: str = "") -> Node | None:
        """What an argument is in CloudFormation's shape, as the property `name`; None if it is not set."""
        given = argument(instance, path)
        if given is None:
            return None
        found = self.values.node(given, secret=name in _SECRETS)
        self.values.is_used_as(found, path)
        return found

    def translate(self, instance: Instance) -> None:
        """Makes the resource of an instance: of its CloudFormation type, or of a type of Terraform's own."""
        if instance.type in KINDS:
            draft = self.add(instance, KINDS[instance.type])
            for key, value in entries(properties(instance.arguments)):
                draft.set(key.text, self.values.node(value, secret=key.text in _SECRETS))
            return
        kind = TYPES.get(instance.type)
        if kind is None:
            self.add(instance, f"Terraform::{instance.type}")
            if instance.type not in self._attached and is_unread(instance.type):
                self.skip(instance, f"`{instance.type}` is not read")
            return
        draft = self.add(instance, kind.name, _REDEPLOYED if is_redeployed(instance) else "")
        for path, name in kind.properties:
            draft.set(name, self.value(instance, path, name.rpartition(".")[2]))
        name_of = GENERATED_NAMES.get(instance.type)
        if name_of is not None and argument(instance, name_of) is None:
            draft.set(dict(kind.properties)[name_of], self._generated(instance, name_of))

    def within(self, instance: Instance, node: Node) -> Node:
        """What an instance adds to another's resource: only where it exists itself."""
        if not instance.condition:
            return node
        place = node.place
        arms = [scalar(self.values.condition(instance.condition), place), node, reference("AWS::NoValue", place)]
        return mapping(place, [("Fn::If", listing(place, arms))])

    def skip(self, instance: Instance, reason: str, help: str = "") -> None:
        """Tells of an instance, or a part of one, that is not read."""
        self.skipped.append(Skipped(instance.address, reason, help, span=instance.span))

    def _generated(self, instance: Instance, name_of: str) -> Node:
        """The name that the provider makes up: a prefix, and 26 digits that it puts together of time and a counter.

        https://developer.hashicorp.com/terraform/plugin/sdkv2/resources (`id.PrefixedUniqueId`)
        """
        place = instance.place
        prefix = self.value(instance, f"{name_of}_prefix") or scalar("terraform-", place)
        digits = self.values.digits(f"{instance.address}.{name_of}", place)
        return mapping(place, [("Fn::Join", listing(place, [scalar("", place), listing(place, [prefix, digits])]))])


def is_redeployed(instance: Instance) -> bool:
    """Whether it is a deployment of an API that is made anew when its `triggers` change.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_deployment
    """
    return instance.type == "aws_api_gateway_deployment" and argument(instance, "triggers") is not None


def blocks(instance: Instance, path: str) -> Iterator[Node]:
    """The blocks of this name, open ones included."""
    found = argument(instance, path)
    if found is None:
        return
    if is_open(found) or not isinstance(found, Sequence):
        yield found
    else:
        yield from found.items
