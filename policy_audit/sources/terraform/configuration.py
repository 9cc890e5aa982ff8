"""What a plan's `configuration` says of a value that is open: which other instances the expression refers to.

https://developer.hashicorp.com/terraform/internals/json-format#expression-representation
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.node import Node
from policy_audit.record import NamedTuple
from policy_audit.sources.tree import child, items, text, texts

_PART: Final = re.compile(r'([A-Za-z_][\w-]*+)|\.|\[(\d++)\]|\["((?:[^"\\]|\\.)*+)"\]')
_MAXIMUM_STEPS: Final = 50
"""How many modules a reference may pass through."""
_LONGEST: Final = 1000
"""How long an address may be that is looked at."""
_REPEATED: Final = ("each.key", "count.index")


class Step(NamedTuple):
    """A part of an address: a name, or with `is_key` the key of an instance, as Terraform writes it (`0`, `"x"`)."""

    text: str
    is_key: bool = False


class Target(NamedTuple):
    """What an expression refers to: an instance's address, and the path of the attribute, empty where it is not told.

    `key` is the one, as Terraform writes it, that `each.key` or `count.index` stands for in the expression.
    """

    address: str
    path: tuple[str, ...]
    key: str = ""


def steps(address: str) -> tuple[Step, ...]:
    """The parts of an address; none if it is no address."""
    found: list[Step] = []
    at = 0
    while at < len(address):
        part = _PART.match(address, at)
        if part is None:
            return ()
        if part[1] is not None:
            found.append(Step(part[1]))
        elif part[2] is not None:
            found.append(Step(part[2], True))
        elif part[3] is not None:
            found.append(Step(f'"{part[3]}"', True))
        at = part.end()
    return tuple(found)


def written(parts: Sequence[Step]) -> str:
    """The address of these parts."""
    return "".join(f"[{one.text}]" if one.is_key else f".{one.text}" for one in parts).removeprefix(".")


class Configuration:
    """The modules of a plan's configuration."""

    def __init__(self, root: Node | None) -> None:
        self._root = root
        self._resources: dict[int, dict[str, Node]] = {}

    def expressions(self, address: str) -> Node | None:
        """The expressions of the resource that the instance at `address` is one of."""
        parts = steps(address)
        module, rest = _split(parts)
        node = self._module(module)
        return child(self._named(node).get(written([one for one in rest if not one.is_key])), "expressions")

    def declares(self, address: str) -> bool:
        """Whether the configuration has the resource: plans are passed on without one, too."""
        module, rest = _split(steps(address))
        return written([one for one in rest if not one.is_key]) in self._named(self._module(module))

    def targets(self, leaf: Node | None, address: str) -> tuple[Target, ...] | None:
        """What the expression of an argument of the instance at `address` refers to, in order; None if it is not told.

        Locals are not in a plan's configuration: an expression with one is not known.
        """
        parts = steps(address)
        return self._targets(texts(child(leaf, "references")), _split(parts)[0], _key(parts), 0)

    def _targets(
        self, references: Sequence[str], module: tuple[Step, ...], key: str, depth: int
    ) -> tuple[Target, ...] | None:
        if depth > _MAXIMUM_STEPS:
            return None
        found: list[Target] = []
        if not any(one in _REPEATED for one in references):
            key = ""
        for reference in _longest(references):
            if reference in _REPEATED or reference.startswith("path."):
                continue
            more = self._target(steps(reference), module, depth)
            if more is None:
                return None
            found += [one._replace(key=one.key or key) for one in more]
        return tuple(dict.fromkeys(found))

    def _target(self, parts: tuple[Step, ...], module: tuple[Step, ...], depth: int) -> tuple[Target, ...] | None:
        if len(parts) < 2 or parts[0].text in ("local", "each", "count", "self", "terraform"):
            return None
        if parts[0].text == "var":
            return self._variable(parts, module, depth)
        if parts[0].text == "module":
            return self._output(parts, module, depth)
        length = 3 if parts[0].text == "data" else 2
        if len(parts) < length:
            return None
        length += len(parts) > length and parts[length].is_key
        path = tuple(one.text.strip('"') for one in parts[length:])
        return (Target(written((*module, *parts[:length])), path),)

    def _variable(self, parts: tuple[Step, ...], module: tuple[Step, ...], depth: int) -> tuple[Target, ...] | None:
        """What the module's caller gives for a variable, if it gives one expression and the variable is used whole."""
        if not module or len(parts) > 2:
            return None
        *outer_parts, _, call = [one for one in module if one is not module[-1] or not one.is_key]
        outer = tuple(outer_parts)
        leaf = child(self._module(outer), "module_calls", call.text, "expressions", parts[1].text)
        references = texts(child(leaf, "references"))
        return self._targets(references, outer, _key(module), depth + 1) if references else None

    def _output(self, parts: tuple[Step, ...], module: tuple[Step, ...], depth: int) -> tuple[Target, ...] | None:
        """What an output of a called module refers to."""
        length = 3 if len(parts) > 2 and parts[2].is_key else 2
        if len(parts) != length + 1:
            return None
        within = (*module, *parts[:length])
        leaf = child(self._module(within), "outputs", parts[length].text, "expression")
        references = texts(child(leaf, "references"))
        return self._targets(references, within, "", depth + 1) if references else None

    def _module(self, module: Sequence[Step]) -> Node | None:
        node = child(self._root, "root_module")
        for one in module:
            if not one.is_key and one.text != "module":
                node = child(node, "module_calls", one.text, "module")
        return node

    def _named(self, module: Node | None) -> dict[str, Node]:
        """The resources of a module by their addresses in it."""
        key = id(module)
        if key not in self._resources:
            self._resources[key] = {
                address: one
                for one in items(child(module, "resources"))
                if (address := text(child(one, "address"))) is not None
            }
        return self._resources[key]


def _key(parts: Sequence[Step]) -> str:
    """The key of the instance at an address, empty for the only one."""
    return parts[-1].text if parts and parts[-1].is_key else ""


def _longest(references: Sequence[str]) -> Iterator[str]:
    """The references that no other one goes on from: of `x.y.arn` and `x.y` the first."""
    short = [one for one in dict.fromkeys(references) if len(one) <= _LONGEST]
    begun = {reference[:end] for reference in short for end in _ends(reference)}
    yield from (one for one in short if one not in begun)


def _ends(reference: str) -> Iterator[int]:
    """Where shorter references of the same thing may end."""
    return (at for at, character in enumerate(reference) if character in ".[")


def _split(parts: Sequence[Step]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The modules of an address, and what follows them."""
    at = 0
    while at + 1 < len(parts) and parts[at].text == "module" and not parts[at].is_key:
        at += 2
        if at < len(parts) and parts[at].is_key:
            at += 1
    return tuple(parts[:at]), tuple(parts[at:])
