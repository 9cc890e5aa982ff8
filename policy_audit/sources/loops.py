"""`Fn::ForEach`: writes out the entries of a mapping that a loop makes."""

import re
from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.model.value import has_letters
from policy_audit.sources.places import Within, joined, stretch
from policy_audit.sources.scope import MAXIMUM_DEPTH, NOTHING, Scope

_LOOP: Final = "Fn::ForEach::"


def expand_loops(mapping: Mapping, scope: Scope, resolve: Callable[[Node, Scope], Node]) -> Mapping:
    """`mapping` with its loops written out, loops inside of loops included; bodies are not resolved.

    A loop over an unknown list stays as its key, with a hole for a value.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
    """
    entries: dict[str, Entry] = {}
    pending = list(reversed(mapping.entries))
    while pending:
        entry = pending.pop()
        key = entry.key.text
        if not key.startswith(_LOOP):
            if key in entries:
                scope.problem(f"a loop makes the key `{key[:120]}` twice", entry.key.place)
            entries.setdefault(key, entry)
            continue
        made = _turns(entry, scope, resolve)
        if isinstance(made, Scalar):
            entries[key] = Entry(entry.key, made)
        else:
            pending.extend(reversed(made))
    return Mapping(tuple(entries.values()), mapping.place)


def _turns(entry: Entry, scope: Scope, resolve: Callable[[Node, Scope], Node]) -> list[Entry] | Scalar:
    """The entries that one loop makes, or the hole for a loop that cannot be followed."""
    argument, place = entry.value, entry.key.place
    if isinstance(argument, Scalar) and has_letters(argument.text):
        return argument
    items = argument.items if isinstance(argument, Sequence) else ()
    if len(items) != 3 or not isinstance(items[0], Scalar) or not isinstance(items[2], Mapping):
        return scope.problem(f"`{entry.key.text[:120]}` takes a name, a list and a mapping", place)
    values = resolve(items[1], scope)
    if not isinstance(values, Sequence):
        return scope.unknown("the list that the loop goes over is not known", place)
    made: list[Entry] = []
    for value in values.items:
        if not isinstance(value, Scalar) or value is NOTHING or has_letters(value.text):
            return scope.unknown("the list that the loop goes over is not known", place)
        turn = _Turn(items[0].text, value.text, scope)
        for body in items[2].entries:
            if not scope.loop():
                return scope.unknown("its loops make more than any template holds", place)
            made.append(Entry(turn.scalar(body.key), turn.node(body.value)))
    return made


class _Turn:
    """One turn of a loop: replaces its variable by its value."""

    def __init__(self, name: str, value: str, scope: Scope) -> None:
        self.name = name
        self.value = value
        self.scope = scope
        self.depth = 0
        self.marks = {f"${{{name}}}": value, f"&{{{name}}}": re.sub("[^A-Za-z0-9]", "", value)}

    def node(self, node: Node) -> Node:
        if isinstance(node, Scalar):
            return self.scalar(node)
        if self.depth > MAXIMUM_DEPTH or not self.scope.loop():
            return self.scope.unknown("its loops make more than any template holds", node.place)
        self.depth += 1
        try:
            if isinstance(node, Sequence):
                return Sequence(tuple([self.node(item) for item in node.items]), node.place)
            if len(node.entries) == 1 and node.entries[0].key.text == "Ref":
                name = node.entries[0].value
                if isinstance(name, Scalar) and name.text == self.name:
                    return Scalar(self.value, "string", node.place)
            entries = [Entry(self.scalar(entry.key), self.node(entry.value)) for entry in node.entries]
            return Mapping(tuple(entries), node.place)
        finally:
            self.depth -= 1

    def scalar(self, scalar: Scalar) -> Scalar:
        """`scalar` with `${name}` and `&{name}` replaced, and the rest of it leading to its own place."""
        text = scalar.text
        if "{" not in text or not any(mark in text for mark in self.marks):
            return scalar
        parts: list[Scalar] = []
        whole = Within(scalar)
        at = 0
        for found in re.finditer("|".join(map(re.escape, self.marks)), text):
            if found.start() > at:
                parts.append(stretch(whole, at, found.start()))
            parts.append(stretch(whole, *found.span())._replace(text=self.marks[found.group()]))
            at = found.end()
        if at < len(text):
            parts.append(stretch(whole, at, len(text)))
        if not self.scope.spend(sum(len(part.text) for part in parts)):
            return self.scope.unknown("its loops make more than any template holds", scalar.place)
        return joined(parts, scalar.place)
