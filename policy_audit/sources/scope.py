"""What the intrinsic functions of one template are resolved against, and what resolving them brings to light."""

from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.model.node import Mapping, Node, Piece, Place, Scalar
from policy_audit.model.value import ANYTHING, Shape, Symbol, Symbols, has_holes, has_letters, letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.parameters import Parameter

MAXIMUM_DEPTH: Final = 110
"""How deep functions, lists and references may nest; a document itself nests up to 100 levels."""
MAXIMUM_TEXT: Final = 2 << 20
"""The longest text that is put together; a template and a definition are 1 MB at most."""
MAXIMUM_WORK: Final = 64 << 20
"""How many characters one scope may produce in all; a list or mapping counts as `NODE_WORK`."""
NODE_WORK: Final = 16
MAXIMUM_LOOPED: Final = 100_000
"""How many nodes the loops of one scope may write; a template has 500 resources at most."""
MAXIMUM_NAME: Final = 200
MAXIMUM_KEYS: Final = 12
"""How many keys of a mapping an open value is tried as."""

Assumed = tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]


def assumed(values: MappingOf[str, str], chosen: MappingOf[str, str]) -> Assumed:
    """What tells a world from others."""
    return frozenset(values.items()), frozenset(chosen.items())


NOTHING: Final = Scalar("", "null", Place(None, 0, 0))  # type: ignore[arg-type]
"""What `AWS::NoValue` resolves to inside of `resolve`; compared by identity."""


class Problem(NamedTuple):
    """Something that CloudFormation would refuse, or that the audit does not follow."""

    message: str
    span: Span


def _none(*_: str) -> Node | None:
    return None


class Scope:
    """The names that one template's functions may use, and the assumptions of one world.

    * `pseudo` pins `AWS::Region` and the like; what is missing is a symbol.
    * `resources` are the logical ids that may be referenced; None when that is not known.
    * `reference`, `attribute`: what `Ref` and `Fn::GetAtt` of a resource give; None for "not known", which is a symbol.
    * `passed(name)` is the value that a parent stack gives to a parameter; None where there is none.
    * `imported(export name)` and `stack_output(stack name, output name, account, Region)` find values of other
      templates. The names may hold letters; account and Region are those that `Fn::GetStackOutput` names, or empty.
    * `world` gives letters of symbols an assumed value; `others` are symbols assumed to have none of the values that
      they are compared with.

    `chosen` gives letters the key of a mapping that they are taken for, and no more.

    Resolving fills `splits` (letter of a symbol -> the values that a condition compares it with), `choices` (letter ->
    the keys of mappings that it may be), `unmapped` (worlds in which a mapping lacks what is looked up: no stack can be
    deployed there), `problems`, and `used` (names of the parameters whose value counted).
    """

    def __init__(
        self,
        symbols: Symbols,
        *,
        parameters: MappingOf[str, Parameter] | None = None,
        pseudo: MappingOf[str, str] | None = None,
        mappings: Node | None = None,
        conditions: Node | None = None,
        resources: Collection[str] | None = None,
        reference: Callable[[str], Node | None] = _none,
        attribute: Callable[[str, str], Node | None] = _none,
        passed: Callable[[str], Node | None] = _none,
        imported: Callable[[str], Node | None] = _none,
        stack_output: Callable[[str, str, str, str], Node | None] = _none,
        world: MappingOf[str, str] | None = None,
        others: Collection[str] = frozenset(),
    ) -> None:
        self.symbols = symbols
        self.parameters = parameters or {}
        self.pseudo = pseudo or {}
        self.mappings: dict[str, Node] = _section(mappings)
        self.conditions: dict[str, Node] = _section(conditions)
        self.resources = resources
        self.reference = reference
        self.attribute = attribute
        self.passed = passed
        self.imported = imported
        self.stack_output = stack_output
        self.splits: dict[str, list[str]] = {}
        self.choices: dict[str, list[str]] = {}
        self.unmapped: set[Assumed] = set()
        self.problems: list[Problem] = []
        self.used: set[str] = set()
        self._shared = symbols.within("")
        self.assume(world or {}, others)

    def assume(
        self,
        world: MappingOf[str, str],
        others: Collection[str] = frozenset(),
        chosen: MappingOf[str, str] = {},
    ) -> None:
        """Goes over to another world: what was resolved before counts no longer, what was recorded stays."""
        self.world = world
        self.others = others
        self.chosen = chosen
        self.depth = 0
        self.work = 0
        self.looped = 0
        self.decided: dict[str, bool | None] = {}
        self.known: dict[tuple[str, ...], Node | None] = {}

    def close(self) -> None:
        """Lets go of all that names are found by."""
        self.reference = self.attribute = self.passed = self.imported = self.stack_output = _none

    def offer(self, letter: str, keys: list[str]) -> None:
        """Records the keys of a mapping that an open value may be, if they are few enough to be tried one by one."""
        if len(keys) <= MAXIMUM_KEYS:
            known = self.choices.setdefault(letter, [])
            known += [key for key in keys if key not in known]

    def lacks_key(self) -> None:
        """Records that nothing can be deployed in this world."""
        self.unmapped.add(assumed(self.world, self.chosen))

    def in_world(self, text: str) -> str:
        """`text` with the symbols that this world gives a value replaced by it."""
        if not self.world or not has_letters(text):
            return text
        for letter in set(letters(text)):
            if letter in self.world:
                text = text.replace(letter, self.world[letter])
        return text

    def symbol(self, name: str, place: Place, shape: Shape = ANYTHING, *, shared: bool = False) -> Scalar:
        """The symbol `${name}` (or its value in this world). `shared`: it means the same in every template."""
        table = self._shared if shared else self.symbols
        return Scalar(self.in_world(table.symbol(Symbol(f"${{{name}}}", shape))), "string", place)

    def unknown(self, reason: str, place: Place, name: str = "…") -> Scalar:
        """A hole: nothing is known here, because of `reason`."""
        return Scalar(self.symbols.hole(reason, name), "string", place)

    def problem(self, message: str, place: Place) -> Scalar:
        """Records that CloudFormation would refuse this, and gives the hole that stands in its place."""
        self.problems.append(Problem(message, place.span))
        return self.unknown(message, place)

    def derived(self, function: str, arguments: tuple[str, ...], place: Place, shape: Shape = ANYTHING) -> Scalar:
        """What `function` makes of texts that are partly open: the same symbol for the same texts."""
        if any(map(has_holes, arguments)):
            reasons = self.symbols.reasons("".join(arguments))
            return self.unknown(reasons[0] if reasons else f"`{function}` depends on an unknown value", place)
        shown = [self.symbols.show(text.replace("${", "${!")) for text in arguments]
        name = f"{function}({', '.join(shown)})"
        if len(name) > MAXIMUM_NAME:
            return self.unknown(f"`{function}` works on a long text with open parts", place)
        return self.symbol(name, place, shape)

    def spend(self, amount: int) -> bool:
        """Counts work that was done; False when the scope has done more than any real template needs."""
        self.work += amount
        return self.work <= MAXIMUM_WORK

    def loop(self) -> bool:
        """Counts a node that a loop writes; False when they are more than any template holds."""
        self.looped += 1
        return self.looped <= MAXIMUM_LOOPED

    def at(self, node: Node, place: Place) -> Node:
        """A value seen at the place that uses it; one that may be a document keeps the places inside of it."""
        if not isinstance(node, Scalar):
            return node
        text = self.in_world(node.text)
        if text == node.text and text[:1] in ("{", "["):
            return Scalar(text, node.kind, place, (Piece(0, node),))
        return Scalar(text, node.kind, place)


def _section(node: Node | None) -> dict[str, Node]:
    return {entry.key.text: entry.value for entry in node.entries} if isinstance(node, Mapping) else {}


def open_letter(node: Node, symbols: Symbols) -> Shape | None:
    """The shape of a node that is one symbol and nothing else; None for any other node."""
    if isinstance(node, Scalar) and len(node.text) == 1 and has_letters(node.text) and not has_holes(node.text):
        return symbols.of(node.text).shape
    return None
