"""A template's parameters: the value that counts, and what is known of one that is open."""

import re
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import ANYTHING, Shape, has_letters
from policy_audit.record import NamedTuple


class Parameter(NamedTuple):
    """One declared parameter. `value` is what was given for it or its default; None when it is open.

    `hidden` (NoEcho) values are never in `value`. `shape` is what its constraints say of an open value.
    """

    type: str
    value: Node | None = None
    shape: Shape = ANYTHING
    hidden: bool = False
    assumed: bool = False
    """The value is the template's own default, which whoever deploys it may override."""

    @property
    def is_list(self) -> bool:
        return self.type == "CommaDelimitedList" or "List<" in self.type


_STORED: Final = "AWS::SSM::Parameter::Value<"


def read_parameters(section: Node | None, given: MappingOf[str, Node]) -> dict[str, Parameter]:
    """The parameters of a template's `Parameters` section; `given` values count before defaults.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    if not isinstance(section, Mapping):
        return {}
    return {entry.key.text: _parameter(entry.value, given.get(entry.key.text)) for entry in section.entries}


def given(parameter: Parameter, value: Node | None) -> Parameter:
    """The parameter with the value that a parent stack passes; a hidden or stored value stays open."""
    if value is None or parameter.hidden or parameter.type.startswith(_STORED):
        return parameter
    return parameter._replace(value=value, assumed=False)


def _parameter(declaration: Node, given: Node | None) -> Parameter:
    if not isinstance(declaration, Mapping):
        return Parameter("String", given)
    type = _text(declaration, "Type") or "String"
    hidden = _text(declaration, "NoEcho").lower() == "true"
    default = declaration.get("Default")
    value = given if given is not None else default
    # The value of an SSM type is the *name* of a stored value, which is read when the stack is deployed.
    if hidden or type.startswith(_STORED):
        value = None
    shape = ANYTHING if hidden or "List" in type else _shape(declaration, type)
    return Parameter(type, value, shape, hidden, assumed=given is None and value is not None)


def _text(declaration: Mapping, key: str) -> str:
    node = declaration.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _shape(declaration: Mapping, type: str) -> Shape:
    """What the constraints of a parameter say of every value it may have: never less than CloudFormation allows."""
    if type.startswith("AWS::SSM::Parameter::"):
        return ANYTHING
    allowed = declaration.get("AllowedValues")
    if isinstance(allowed, Sequence) and allowed.items:
        values = [item.text for item in allowed.items if isinstance(item, Scalar) and not has_letters(item.text)]
        if len(values) == len(allowed.items):
            return Shape("one of its allowed values", values=tuple(dict.fromkeys(values)))
    shape = pattern_shape(_text(declaration, "AllowedPattern"))
    shortest, longest = _text(declaration, "MinLength"), _text(declaration, "MaxLength")
    if shortest.isdecimal():
        shape = shape._replace(shortest=max(shape.shortest, int(shortest[:9])))
    if longest.isdecimal():
        most = int(longest[:9])
        shape = shape._replace(longest=most if shape.longest < 0 else min(shape.longest, most))
    if shape != ANYTHING:
        return shape._replace(name="a text of its allowed form")
    return _TYPES.get(type, ANYTHING)


_TYPES: Final = {
    "Number": Shape("number", "0-9eE.+-", 1),
    **{
        f"AWS::EC2::{kind}::Id": Shape("resource id", "a-z0-9-", 3, 64)
        for kind in ("Image", "Instance", "SecurityGroup", "Subnet", "Volume", "VPC")
    },
}

_ATOM: Final = (
    r"(?:\[(?P<members>(?:[A-Za-z0-9_.:/@=+,# ]-[A-Za-z0-9]|[A-Za-z0-9_.:/@=+,# -]|\\[-.\/_:@dw+])++)\]"
    r"|(?P<one>[A-Za-z0-9_:/@=,# -]|\\[-.\/_:@dw+]))"
    r"(?:(?P<mark>[*+?])|\{(?P<least>\d{1,6})(?:(?P<comma>,)(?P<most>\d{1,6})?)?\})?"
)
_MEMBER: Final = r"(?s)([A-Za-z0-9])-([A-Za-z0-9])|\\(.)|(.)"


def pattern_shape(pattern: str) -> Shape:
    """The shape of all that matches `pattern`, for a plain run of characters and classes; else `ANYTHING`.

    An `AllowedPattern` must match the whole value.
    """
    body = pattern.removeprefix("^").removesuffix("$")
    if not body or len(body) > 500:
        return ANYTHING
    atoms = re.compile(_ATOM)
    members: dict[str, None] = {}
    shortest, longest, at = 0, 0, 0
    while at < len(body):
        atom = atoms.match(body, at)
        if atom is None or body[atom.end() : atom.end() + 1] in ("+", "?", "*", "{"):
            return ANYTHING
        at = atom.end()
        members.update(dict.fromkeys(_members(atom["members"] or atom["one"])))
        least, most = _counts(atom)
        shortest += least
        longest = -1 if longest < 0 or most < 0 else longest + most
    characters = "".join(sorted(members, key=lambda member: (member == "-", -len(member), member)))
    return Shape("pattern", characters, shortest, longest)


def _counts(atom: re.Match[str]) -> tuple[int, int]:
    """How often an atom may stand, at least and at most (-1: any number)."""
    if atom["mark"]:
        return {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[atom["mark"]]
    if atom["least"]:
        least = int(atom["least"])
        return least, (int(atom["most"]) if atom["most"] else -1) if atom["comma"] else least
    return 1, 1


def _members(text: str) -> list[str]:
    """The ranges and characters of a class, as a class body of their own."""
    found: list[str] = []
    for first, last, escaped, single in re.findall(_MEMBER, text):
        if first:
            found.append(f"{first}-{last}")
        elif escaped == "d":
            found.append("0-9")
        elif escaped == "w":
            found.extend(("A-Z", "a-z", "0-9", "_"))
        else:
            found.append(escaped or single)
    return found
