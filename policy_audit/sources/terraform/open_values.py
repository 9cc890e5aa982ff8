"""The arguments of an instance in a plan: known values, sensitive ones, and what the plan leaves open."""

from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.record import NamedTuple
from policy_audit.sources.build import scalar
from policy_audit.sources.terraform.configuration import Configuration, Target
from policy_audit.sources.terraform.instances import Instance, hidden, is_open, joined, reference, unknown
from policy_audit.sources.terraform.types import ATTRIBUTES, arguments_of, is_block
from policy_audit.sources.tree import child, entries, text

_ENDS: Final = {"_arn": "arn", "_arns": "arn", "_id": "id", "_ids": "id"}
"""The attribute that an argument of this end of its name takes, where the plan does not tell it."""
_WHOLE_ENDS: Final = ("_arn", "_arns", "_id", "_ids", "_identifier", "_identifiers", "_name")
_WHOLE: Final = frozenset(
    {
        "arn",
        "bucket",
        "domain_name",
        "enrichment",
        "group",
        "permissions_boundary",
        "queue_url",
        "role",
        "roles",
        "rule",
        "security_groups",
        "user",
    }
)
"""Arguments that take an id, name or ARN as a whole: with one reference, they are that, and no text with it inside."""
_DOCUMENT: Final = "aws_iam_policy_document"
_LISTS: Final = ("statement",)
"""Blocks whose order counts, so that a plan keeps it."""
_MOST_BLOCKS: Final = 100
"""How many blocks of one set are told from each other."""
_PROVIDED: Final = frozenset({"arn", "id", "tags_all", "unique_id"})
_MADE: Final = frozenset({"id", "json", "minified_json"})
"""What a document's data source gives; all else of it that is open was set, in dynamic blocks too."""
_DOCUMENTS: Final = ("json", "minified_json")
_MAXIMUM_DEPTH: Final = 60
_DYNAMIC: Final = (
    "a `dynamic` block may make it, of which a plan shows nothing before it is applied: "
    "audit the plan with the `.tf` files that it was made of beside it"
)
_SENSITIVE: Final = "Terraform marks it as sensitive"


class Reading:
    """Reads the arguments of a plan's instances; `addresses` are those of all instances.

    `written` are instances as HCL files beside the plan have them: what the plan leaves open is taken from there.
    """

    def __init__(
        self, configuration: Configuration, addresses: Collection[str], written: MappingOf[str, Instance] = {}
    ) -> None:
        self._configuration = configuration
        self._addresses = addresses
        self._written = written

    def arguments(self, resource: Node, address: str, open_marks: Node | None) -> Mapping:
        """The arguments of the instance at `address`, with Terraform's own names.

        `open_marks` is its `after_unknown`. What is open and not in the configuration is the provider's to make, and
        left out as if it were not set.
        """
        values, marks = child(resource, "values"), child(resource, "sensitive_values")
        expressions = self._configuration.expressions(address)
        kind = text(child(resource, "type")) or ""
        is_lost = kind == _DOCUMENT or (expressions is None and not self._configuration.declares(address))
        written = self._written.get(address)
        arguments = written.arguments if written is not None and agree(values, written.arguments) else None
        top = _Position(expressions, arguments, "", resource.place, is_lost)
        found = _Instance(self, address, kind).filled(values, open_marks, marks, top, 0)
        return found if isinstance(found, Mapping) else Mapping((), resource.place)

    def targets(self, leaf: Node | None, address: str) -> tuple[Target, ...] | None:
        return self._configuration.targets(leaf, address)

    def instance(self, target: Target) -> str | None:
        """The instance that a reference means; None if it may be one of several."""
        if target.address in self._addresses:
            return target.address
        if target.key:
            same = f"{target.address}[{target.key}]"
            return same if same in self._addresses else None
        only = f"{target.address}[0]"
        if only in self._addresses and f"{target.address}[1]" not in self._addresses:
            return only
        return None


class _Position(NamedTuple):
    """Where in an instance a value stands: its expression, and how HCL beside the plan has it (None: not told)."""

    expression: Node | None
    written: Node | None
    name: str
    """Of the argument."""
    place: Place
    is_lost: bool = False
    """The configuration does not have the block: a dynamic one. What is open in it is set all the same."""
    is_told: bool = False
    """HCL beside the plan has the block around: what it does not have there, nobody has set."""

    def within(self, name: str, place: Place) -> "_Position":
        """The position of an argument of this block."""
        expression = self.expression
        if not _is_leaf(expression):
            expression = child(expression, name)
        is_told = isinstance(self.written, Mapping) and not is_open(self.written)
        written = child(self.written, name) if is_told else None
        return _Position(expression, written, name, place, self.is_lost, is_told)

    def at(self, index: int, items: tuple[Node | None, ...], place: Place) -> "_Position":
        """The position of one of the items of this list: a plan has the blocks of a set in an order of its own."""
        blocks = self.expression.items if isinstance(self.expression, Sequence) else ()
        is_list = self.name in _LISTS
        known = _of(index, items, blocks, _may_be, is_list)
        written = self.written.items if isinstance(self.written, Sequence) else ()
        return _Position(
            self.expression if _is_leaf(self.expression) else known,
            _of(index, items, written, agree, is_list),
            self.name,
            place,
            self.is_lost or (known is None and not _is_leaf(self.expression)),
        )


def _of(
    index: int,
    items: tuple[Node | None, ...],
    blocks: tuple[Node, ...],
    agree: Callable[[Node | None, Node], bool],
    is_list: bool,
) -> Node | None:
    """What of `blocks` an item was made of; None if that can't be told."""
    if len(blocks) != len(items):
        return None
    if is_list or len(items) == 1:
        return blocks[index]
    if len(items) > _MOST_BLOCKS:
        return None
    found = [one for one in blocks if agree(items[index], one)]
    return found[0] if len(found) == 1 else None


def _may_be(item: Node | None, block: Node) -> bool:
    """Whether a block of the configuration with these expressions may have become the item: no literal differs."""
    for name, expression in entries(block):
        given, literal = child(item, name.text), child(expression, "constant_value")
        if isinstance(given, Scalar) and isinstance(literal, Scalar) and given.text != literal.text:
            return False
    return True


class _Instance:
    """One instance, of the type `kind`, on its way."""

    def __init__(self, reading: Reading, address: str, kind: str) -> None:
        self._reading = reading
        self._address = address
        self._kind = kind

    def filled(
        self, value: Node | None, open_marks: Node | None, sensitive: Node | None, at: _Position, depth: int
    ) -> Node | None:
        """The value with what is open in it; None where nothing is set."""
        if isinstance(sensitive, Scalar) and sensitive.text == "true":
            if isinstance(value, Scalar) and value.text[:1] in ("{", "[") and at.written is not None:
                return at.written  # There the values of sensitive variables are open, and the rest of it is not.
            return hidden(value, value.place) if value is not None else unknown(_SENSITIVE, at.place)
        if isinstance(open_marks, Scalar):
            if open_marks.text == "true":
                return self._leaf(at)
            open_marks = None
        if open_marks is None and sensitive is None:
            return value
        if depth > _MAXIMUM_DEPTH:
            return unknown("its values nest too deeply", at.place)
        if at.written is not None and (_is_leaf(at.expression) or _is_plain(at.written)) and _has_true(open_marks):
            return at.written
        if isinstance(open_marks, Mapping) or isinstance(value, Mapping):
            return self._mapping(value, open_marks, sensitive, at, depth)
        if isinstance(open_marks, Sequence) or isinstance(value, Sequence):
            return self._sequence(value, open_marks, sensitive, at, depth)
        return value

    def _mapping(
        self, value: Node | None, open_marks: Node | None, sensitive: Node | None, at: _Position, depth: int
    ) -> Node:
        place = value.place if isinstance(value, Mapping) else at.place
        known = {one.key.text: one for one in entries(value)}
        unknowns = {one.key.text: one.value for one in entries(open_marks)}
        marks = {one.key.text: one.value for one in entries(sensitive)}
        found: list[Entry] = []
        for name in (*known, *(one for one in unknowns if one not in known)):
            entry = known.get(name)
            given = entry.value if entry is not None else None
            within = at.within(name, given.place if given is not None else place)
            filled = self.filled(given, unknowns.get(name), marks.get(name), within, depth + 1)
            if filled is not None:
                found.append(Entry(entry.key if entry is not None else scalar(name, place), filled))
        return Mapping(tuple(found), place)

    def _sequence(
        self, value: Node | None, open_marks: Node | None, sensitive: Node | None, at: _Position, depth: int
    ) -> Node:
        place = value.place if isinstance(value, Sequence) else at.place
        known = value.items if isinstance(value, Sequence) else ()
        unknowns = open_marks.items if isinstance(open_marks, Sequence) else ()
        marks = sensitive.items if isinstance(sensitive, Sequence) else ()
        count = max(len(known), len(unknowns))
        given = tuple(known[index] if index < len(known) else None for index in range(count))
        apart = self._apart(unknowns, at)
        found: list[Node] = []
        for index in range(count):
            one = given[index]
            filled = apart.get(index) or self.filled(
                one,
                unknowns[index] if index < len(unknowns) else None,
                marks[index] if index < len(marks) else None,
                at.at(index, given, one.place if one is not None else place),
                depth + 1,
            )
            if filled is not None:
                found.append(filled)
        return Sequence(tuple(found), place)

    def _apart(self, unknowns: tuple[Node, ...], at: _Position) -> dict[int, Node]:
        """The open items of a list by their indexes, where it has one for each thing that its expression refers to."""
        opened = [index for index, one in enumerate(unknowns) if isinstance(one, Scalar) and one.text == "true"]
        if len(opened) < 2 or not _is_leaf(at.expression):
            return {}
        targets = self._reading.targets(at.expression, self._address)
        if targets is None or len(targets) != len(opened):
            return {}
        return {index: self._whole(target, at) for index, target in zip(opened, targets, strict=True)}

    def _leaf(self, at: _Position) -> Node | None:
        """An open value as it is written, or by what its expression refers to; None for what nobody has set."""
        if at.written is not None:
            return at.written
        if at.expression is None and not at.is_lost:
            may_be_dynamic = not at.is_told and is_block(self._kind, at.name)
            return unknown(_DYNAMIC, at.place) if may_be_dynamic else None
        if not _is_leaf(at.expression):
            is_made = at.is_lost and self._is_made(at.name)
            return None if is_made else unknown("it is known after apply", at.place)
        targets = self._reading.targets(at.expression, self._address)
        if targets is None or len(targets) != 1:
            return unknown(_why(targets), at.place)
        return self._whole(targets[0], at)

    def _is_made(self, name: str) -> bool:
        """Whether the provider alone gives an attribute, where the configuration does not tell what is set."""
        if self._kind == _DOCUMENT:
            return name in _MADE
        return name in _PROVIDED or (name not in arguments_of(self._kind) and (self._kind, name) in ATTRIBUTES)

    def _whole(self, target: Target, at: _Position) -> Node:
        """The one thing that an argument refers to, if that is the whole of its value."""
        name, place = at.name, at.place
        is_whole = name in _WHOLE or name.endswith(_WHOLE_ENDS)
        path = target.path
        if not path:
            # A reference through `count` or `for_each` is told without its attribute, which the argument asks for.
            path = _asked_for(name, target)
        address = self._reading.instance(target)
        if not path or address is None:
            return unknown(_why((target,)), place)
        found = reference(address, path, place)
        if (is_whole and _fits(name, path[-1])) or path[-1] in _DOCUMENTS:
            return found
        if name == "target" and path == ("id",) and ".aws_apigatewayv2_integration." in f".{address}":
            return joined([scalar("integrations/", place), found], place)
        return unknown(_why((target,)), place)


def _fits(name: str, attribute: str) -> bool:
    """Whether an argument can take this attribute whole: else a function is between them."""
    if name.endswith(("arn", "_arns")):
        return "arn" in attribute or attribute == "id"
    if name.endswith(("_id", "_ids")) or name == "security_groups":
        return "id" in attribute.split("_") or attribute in ("key_arn", "arn", "name")
    return True


def _asked_for(name: str, target: Target) -> tuple[str, ...]:
    """The attribute that an argument takes of what it refers to; none if it might take several."""
    if ".data.aws_iam_policy_document." in f".{target.address}":
        return ("json",)
    if name in ("role", "user", "group", "rule"):
        return ("name",)
    return next(((attribute,) for end, attribute in _ENDS.items() if f"_{name}".endswith(end)), ())


def agree(value: Node | None, written: Node | None) -> bool:
    """Whether what a plan knows of an instance is what HCL says: texts and numbers that both have are the same."""
    pending = [(value, written)]
    while pending:
        one, other = pending.pop()
        if other is None or is_open(other):
            continue
        if isinstance(one, Scalar) and isinstance(other, Scalar):
            # Documents are written in other ways, and an empty text is as good as none.
            if one.text and other.text and one.text[:1] not in ("{", "[") and one.text != other.text:
                return False
        elif isinstance(one, Mapping) and isinstance(other, Mapping):
            pending += [(entry.value, other.get(entry.key.text)) for entry in one.entries]
        elif isinstance(one, Sequence) and isinstance(other, Sequence) and len(one.items) == len(other.items) == 1:
            pending.append((one.items[0], other.items[0]))
    return True


def _is_plain(node: Node) -> bool:
    """Whether it is a list of values, and not of blocks: one that is a set may be in any order."""
    return isinstance(node, Sequence) and all(isinstance(one, Scalar) or is_open(one) for one in node.items)


def _has_true(marks: Node | None) -> bool:
    """Whether anything is marked."""
    pending = [marks]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            if node.text == "true":
                return True
        elif isinstance(node, Mapping):
            pending += [one.value for one in node.entries]
        elif node is not None:
            pending += node.items
    return False


def _is_leaf(expression: Node | None) -> bool:
    """Whether it is the expression of an argument, and not the blocks of one."""
    return isinstance(expression, Mapping) and any(
        one.key.text in ("references", "constant_value") for one in expression.entries
    )


def _why(targets: tuple[Target, ...] | None) -> str:
    named = [f"`{'.'.join((one.address, *one.path))}`" for one in targets or ()]
    of = f", with {' and '.join(named[:3])} in it" if named else ""
    return f"it is known after apply{of}: the plan does not tell how it is put together"
