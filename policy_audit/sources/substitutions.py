"""Fills a state machine's definition from its `DefinitionSubstitutions`."""

import collections.abc
import re
from typing import Final, overload

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import Symbols
from policy_audit.sources.places import Within, joined

_DEEPEST: Final = 150
_PLACEHOLDER: Final = r"\$\{([^{}$\n]{1,255})\}"
_NAME: Final = r"[!A-Za-z0-9_.:,-]+"
_BREAKS_JSON: Final = r'["\\\x00-\x1f]'


@overload
def substitute(node: Scalar, substitutions: collections.abc.Mapping[str, Scalar], symbols: Symbols) -> Scalar: ...
@overload
def substitute(node: Node, substitutions: collections.abc.Mapping[str, Scalar], symbols: Symbols) -> Node: ...
def substitute(node: Node, substitutions: collections.abc.Mapping[str, Scalar], symbols: Symbols) -> Node:
    """`node` with every `${name}` of its texts, keys included, replaced by the value of that name, in one pass.

    `node` is the scalar of a `DefinitionString` (or the text of a definition file) *before* it is parsed as JSON, or
    the tree of a `Definition`. AWS knows `${name}` for the names given and nothing more: no escape, and no word on a
    name that is not given. Its text is then most likely deployed as it stands, but as AWS does not say so, it becomes a
    hole with that reason; `${!name}` too. `${` that no name follows, such as `${x + 1}`, stays text.
    Places stay exact: a text with replaced parts has one of its `pieces` for each.

    AWS replaces in the text of the definition. So in a tree, a value with a quote, a backslash or a line break would
    change more than the text it stands in, and becomes a hole.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html#cfn-stepfunctions-statemachine-definitionsubstitutions
    """
    filler = _Filler(substitutions, symbols, tree=not isinstance(node, Scalar))
    return filler.node(node, 0)


class _Filler:
    """The values of one state machine's placeholders."""

    def __init__(self, substitutions: collections.abc.Mapping[str, Scalar], symbols: Symbols, *, tree: bool) -> None:
        self._substitutions = substitutions
        self._symbols = symbols
        self._tree = tree

    def node(self, node: Node, depth: int) -> Node:
        match node:
            case Scalar():
                return self.scalar(node)
            case _ if depth > _DEEPEST:
                return Scalar(self._symbols.hole("the definition is nested too deeply"), "string", node.place)
            case Sequence():
                return Sequence(tuple(self.node(item, depth + 1) for item in node.items), node.place)
            case Mapping():
                entries = (Entry(self.scalar(entry.key), self.node(entry.value, depth + 1)) for entry in node.entries)
                return Mapping(tuple(entries), node.place)

    def scalar(self, scalar: Scalar) -> Scalar:
        if "${" not in scalar.text:
            return scalar
        source = Within(scalar)
        parts: list[Scalar] = []
        position = 0
        for found in re.finditer(_PLACEHOLDER, scalar.text):
            value = self._value(found.group(1), Place(source, *found.span()))
            if value is not None:
                parts += (_literal(source, position, found.start()), value)
                position = found.end()
        if not position:
            return scalar
        return joined([*parts, _literal(source, position, len(scalar.text))], scalar.place)

    def _value(self, name: str, place: Place) -> Scalar | None:
        """What stands for the `${name}` at `place`; None when it is no placeholder."""
        value = self._substitutions.get(name)
        if value is not None:
            if not (self._tree and re.search(_BREAKS_JSON, value.text)):
                return value
            reason = f"the value of `${{{name}}}` has characters that change the definition around it"
        elif re.fullmatch(_NAME, name):
            reason = f"`${{{name}}}` is not among the definition's substitutions"
        else:
            return None
        return Scalar(self._symbols.hole(reason, f"${{{name}}}"), "string", place)


def _literal(source: Within, start: int, end: int) -> Scalar:
    """A stretch of the text between two placeholders; all share one `source`, which works places out once."""
    return Scalar(source.text[start:end], "string", Place(source, start, end))
