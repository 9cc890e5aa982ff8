"""The arguments of an instance in a plan: known values, sensitive ones, and what the plan leaves open."""

from collections.abc import Collection
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.build import scalar
from policy_audit.sources.terraform.configuration import Configuration, Target
from policy_audit.sources.terraform.instances import hidden, joined, reference, unknown
from policy_audit.sources.tree import child, entries

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
_DOCUMENTS: Final = ("json", "minified_json")
_MAXIMUM_DEPTH: Final = 60


class Reading:
    """Reads the arguments of a plan's instances; `addresses` are those of all instances."""

    def __init__(self, configuration: Configuration, addresses: Collection[str]) -> None:
        self._configuration = configuration
        self._addresses = addresses

    def arguments(self, resource: Node, address: str, open_marks: Node | None) -> Mapping:
        """The arguments of the instance at `address`, with Terraform's own names.

        `open_marks` is its `after_unknown`. What is open and not in the configuration is the provider's to make, and
        left out as if it were not set.
        """
        values, marks = child(resource, "values"), child(resource, "sensitive_values")
        instance = _Instance(self, address)
        expressions = self._configuration.expressions(address)
        found = instance.filled(values, open_marks, marks, expressions, "", resource.place, 0)
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


class _Instance:
    """One instance on its way."""

    def __init__(self, reading: Reading, address: str) -> None:
        self._reading = reading
        self._address = address

    def filled(
        self,
        value: Node | None,
        is_open: Node | None,
        sensitive: Node | None,
        expression: Node | None,
        name: str,
        place: Place,
        depth: int,
    ) -> Node | None:
        """The value with what is open in it; None where nothing is set. `name` is the argument's."""
        if isinstance(sensitive, Scalar) and sensitive.text == "true":
            return hidden(value, value.place) if value is not None else unknown(_SENSITIVE, place)
        if isinstance(is_open, Scalar):
            if is_open.text == "true":
                return self._leaf(expression, name, place)
            is_open = None
        if depth > _MAXIMUM_DEPTH:
            return unknown("its values nest too deeply", place)
        if isinstance(is_open, Mapping) or isinstance(value, Mapping):
            return self._mapping(value, is_open, sensitive, expression, place, depth)
        if isinstance(is_open, Sequence) or isinstance(value, Sequence):
            return self._sequence(value, is_open, sensitive, expression, name, place, depth)
        return value

    def _mapping(
        self,
        value: Node | None,
        is_open: Node | None,
        sensitive: Node | None,
        expression: Node | None,
        place: Place,
        depth: int,
    ) -> Node:
        place = value.place if isinstance(value, Mapping) else place
        known = {one.key.text: one for one in entries(value)}
        found: list[Entry] = []
        unknowns = {one.key.text: one.value for one in entries(is_open)}
        marks = {one.key.text: one.value for one in entries(sensitive)}
        leaf = _is_leaf(expression)
        given = {} if leaf else {one.key.text: one.value for one in entries(expression)}
        for name in (*known, *(one for one in unknowns if one not in known)):
            entry = known.get(name)
            filled = self.filled(
                entry.value if entry is not None else None,
                unknowns.get(name),
                marks.get(name),
                expression if leaf else given.get(name),
                name,
                entry.value.place if entry is not None else place,
                depth + 1,
            )
            if filled is not None:
                found.append(Entry(entry.key if entry is not None else scalar(name, place), filled))
        return Mapping(tuple(found), place)

    def _sequence(
        self,
        value: Node | None,
        is_open: Node | None,
        sensitive: Node | None,
        expression: Node | None,
        name: str,
        place: Place,
        depth: int,
    ) -> Node:
        place = value.place if isinstance(value, Sequence) else place
        known = value.items if isinstance(value, Sequence) else ()
        unknowns = is_open.items if isinstance(is_open, Sequence) else ()
        marks = sensitive.items if isinstance(sensitive, Sequence) else ()
        count = max(len(known), len(unknowns))
        apart = self._apart(unknowns, expression, name, place)
        given = expression.items if isinstance(expression, Sequence) else ()
        found: list[Node] = []
        for index in range(count):
            one = known[index] if index < len(known) else None
            if apart and index in apart:
                found.append(apart[index])
                continue
            filled = self.filled(
                one,
                unknowns[index] if index < len(unknowns) else None,
                marks[index] if index < len(marks) else None,
                # A dynamic block is not in the configuration: which block is which can then not be told.
                (given[index] if len(given) == count else None) if given else expression,
                name,
                one.place if one is not None else place,
                depth + 1,
            )
            if filled is not None:
                found.append(filled)
        return Sequence(tuple(found), place)

    def _apart(self, unknowns: tuple[Node, ...], expression: Node | None, name: str, place: Place) -> dict[int, Node]:
        """The open items of a list by their indexes, where it has one for each thing that its expression refers to."""
        opened = [index for index, one in enumerate(unknowns) if isinstance(one, Scalar) and one.text == "true"]
        if len(opened) < 2 or not _is_leaf(expression):
            return {}
        targets = self._reading.targets(expression, self._address)
        if targets is None or len(targets) != len(opened):
            return {}
        return {index: self._whole(target, name, place) for index, target in zip(opened, targets, strict=True)}

    def _leaf(self, expression: Node | None, name: str, place: Place) -> Node | None:
        """An open value by what its expression refers to; None for what nobody has set."""
        if expression is None:
            return None
        if not _is_leaf(expression):
            return unknown("it is known after apply", place)
        targets = self._reading.targets(expression, self._address)
        if targets is None or len(targets) != 1:
            return unknown(_why(targets), place)
        return self._whole(targets[0], name, place)

    def _whole(self, target: Target, name: str, place: Place) -> Node:
        """The one thing that an argument refers to, if that is the whole of its value."""
        is_whole = name in _WHOLE or name.endswith(_WHOLE_ENDS)
        path = target.path
        if not path:
            # A reference through `count` or `for_each` is told without its attribute, which the argument asks for.
            path = _asked_for(name, target)
        address = self._reading.instance(target)
        if not path or address is None:
            return unknown(_why((target,)), place)
        found = reference(address, path, place)
        if is_whole or path[-1] in _DOCUMENTS:
            return found
        if name == "target" and path == ("id",) and ".aws_apigatewayv2_integration." in f".{address}":
            return joined([scalar("integrations/", place), found], place)
        return unknown(_why((target,)), place)


def _asked_for(name: str, target: Target) -> tuple[str, ...]:
    """The attribute that an argument takes of what it refers to; none if it might take several."""
    if ".data.aws_iam_policy_document." in f".{target.address}":
        return ("json",)
    if name in ("role", "user", "group", "rule"):
        return ("name",)
    return next(((attribute,) for end, attribute in _ENDS.items() if f"_{name}".endswith(end)), ())


_SENSITIVE: Final = "Terraform marks it as sensitive"


def _is_leaf(expression: Node | None) -> bool:
    """Whether it is the expression of an argument, and not the blocks of one."""
    return isinstance(expression, Mapping) and any(
        one.key.text in ("references", "constant_value") for one in expression.entries
    )


def _why(targets: tuple[Target, ...] | None) -> str:
    named = [f"`{'.'.join((one.address, *one.path))}`" for one in targets or ()]
    of = f", with {' and '.join(named[:3])} in it" if named else ""
    return f"it is known after apply{of}: the plan does not tell how it is put together"
