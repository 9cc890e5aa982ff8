"""Nodes that a reader makes itself, in CloudFormation's shape, each with the place that a user would look at."""

import re
from collections.abc import Iterable

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence


def scalar(text: str, place: Place) -> Scalar:
    """A string."""
    return Scalar(text, "string", place)


def mapping(place: Place, entries: Iterable[tuple[str | Scalar, Node | None]]) -> Mapping:
    """An object; entries without a value are left out."""
    return Mapping(
        tuple(
            Entry(key if isinstance(key, Scalar) else scalar(key, value.place), value)
            for key, value in entries
            if value is not None
        ),
        place,
    )


def listing(place: Place, items: Iterable[Node]) -> Sequence:
    """A list."""
    return Sequence(tuple(items), place)


def resource(kind: str, place: Place, properties: Iterable[tuple[str | Scalar, Node | None]]) -> Mapping:
    """A resource of CloudFormation's type `kind`."""
    return mapping(place, [("Type", scalar(kind, place)), ("Properties", mapping(place, properties))])


def template(place: Place, resources: Iterable[tuple[Scalar, Node]], **sections: Node | None) -> Mapping:
    """A template with these resources, by the node that names each, and with further sections."""
    return mapping(place, [*sections.items(), ("Resources", Mapping(tuple(Entry(*one) for one in resources), place))])


def in_camel_case(name: str) -> str:
    """The logical id that is made of the words of `name`: `OrderFlow` of `order-flow`."""
    words = re.findall("[A-Za-z0-9]+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def reference(name: str, place: Place) -> Mapping:
    """`{Ref: name}`."""
    return mapping(place, [("Ref", scalar(name, place))])


def attribute(name: str, attribute: str, place: Place) -> Mapping:
    """`{Fn::GetAtt: [name, attribute]}`."""
    return mapping(place, [("Fn::GetAtt", listing(place, [scalar(name, place), scalar(attribute, place)]))])


def unread(reason: str, place: Place) -> Mapping:
    """A value that the form does not show, and why: `Fn::Unread`, a function of our own."""
    return mapping(place, [("Fn::Unread", scalar(reason, place))])
