"""One Region of an account snapshot: its calls with and without an answer, and the resources that come of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy_audit.model.node import Entry, Node, Place, Scalar
from policy_audit.model.node import Mapping as Object
from policy_audit.record import NamedTuple
from policy_audit.sources.build import mapping, resource, scalar, unread
from policy_audit.sources.tree import child, entries, items, text

Properties = Iterable[tuple[str | Scalar, Node | None]]


class Refusal(NamedTuple):
    """A row of `not_inspected`: a call that gave no answer, or not all of it; without a service, all of a Region."""

    service: str
    operation: str
    region: str
    resource: str
    code: str
    reason: str
    place: Place

    @property
    def said(self) -> str:
        """AWS's code and its words."""
        return ": ".join(filter(None, (self.code, self.reason))) or "no reason is given"

    @property
    def call(self) -> str:
        return f"{self.service}.{self.operation}" if self.service else ""


def refusal(row: Node) -> Refusal:
    """The row as it stands in the snapshot."""

    def of(name: str) -> str:
        return text(child(row, name)) or ""

    service, operation, region = of("service"), of("operation"), of("region")
    return Refusal(service, operation, region, of("resource"), of("code"), of("reason"), row.place)


class Refusals:
    """Why calls gave no answer, or were not made."""

    def __init__(self, rows: Iterable[Refusal], complete: bool) -> None:
        self._rows = {(row.region, row.call, row.resource): row for row in rows}
        self._complete = complete

    def of(self, region: str, operation: str, asked: str) -> str:
        """Why the call failed, for this question, as a whole or with its Region; empty if it did not."""
        for key in ((region, operation, asked), (region, operation, ""), (region, "", "")):
            if key in self._rows:
                return f"`{operation}` failed ({self._rows[key].said})"
        return ""

    def of_operation(self, region: str, operation: str) -> Iterator[str]:
        """Why the operation failed, for each thing for which it did."""
        for row in self._rows.values():
            if (row.region, row.call) == (region, operation):
                yield f"`{operation}` failed ({row.said})"

    def of_regions(self) -> Iterator[Refusal]:
        """The Regions that were refused as a whole."""
        return (row for row in self._rows.values() if row.region and not row.service)

    def missing(self, operation: str) -> str:
        """Why there is neither an answer nor a failure."""
        why = "was not called" if self._complete else "was not called: the reading of the account was broken off"
        return f"`{operation}` {why}"


class Section:
    """The answers of one Region, or of the account as a whole (`region` empty)."""

    def __init__(self, partition: str, region: str, node: Node | None, refusals: Refusals) -> None:
        self.partition = partition
        self.region = region
        self._refusals = refusals
        self._answers: dict[str, dict[str, Object]] = {
            operation.key.text: {
                one.key.text: one.value for one in entries(operation.value) if isinstance(one.value, Object)
            }
            for operation in entries(node)
        }

    def answers(self, operation: str) -> Mapping[str, Object]:
        """Every answer to an operation, by what was asked."""
        return self._answers.get(operation, {})

    def answer(self, operation: str, *asked: str | None) -> Object | None:
        """The answer to an operation, asked about these; None if there is none."""
        return self.answers(operation).get(" ".join(one or "" for one in asked))

    def listed(self, operation: str, member: str, *asked: str | None) -> Iterator[Object]:
        """The objects that an operation lists."""
        found = self.answer(operation, *asked)
        return (one for one in items(child(found, member)) if isinstance(one, Object))

    def was_asked(self, operation: str) -> bool:
        """Whether an operation was called at all, with or without an answer."""
        return operation in self._answers or next(self.failures(operation), "") != ""

    def failures(self, operation: str) -> Iterator[str]:
        """Why an operation gave no answer, for each thing for which it gave none."""
        return self._refusals.of_operation(self.region, operation)

    def why(self, operation: str, *asked: str | None) -> str:
        """Why an answer is missing or is not whole; empty if it is whole."""
        key = " ".join(one or "" for one in asked)
        refused = self._refusals.of(self.region, operation, key)
        if refused or key in self.answers(operation):
            return refused
        return self._refusals.missing(operation)

    def or_unread(self, node: Node | None, place: Place, operation: str, *asked: str | None) -> Node | None:
        """`node`, which the answer to an operation gives; or why the operation gave no answer, or not all of it."""
        why = self.why(operation, *asked)
        return unread(why, place) if why else node


class Resources:
    """Resources of CloudFormation's types by their ARNs, in the account that owns them, with the ids AWS gave them."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.by_account: dict[str, list[tuple[Scalar, Node]]] = {}
        self.ids: dict[str, Mapping[str, str]] = {}
        """By ARN, what AWS made: an id, or the end of one, by the name that `physical_ids` asks for it by."""
        self.physical: dict[str, tuple[str, tuple[str, ...]]] = {}
        """By ARN, the type, and what CloudFormation may call the resource's physical id."""

    def add(
        self,
        arn: str,
        place: Place,
        kind: str,
        properties: Properties,
        ids: Mapping[str, str | None] | None = None,
        names: Sequence[str | None] = (),
    ) -> None:
        """Adds the resource `arn`, whose account owns it where the ARN tells one.

        `names` are what CloudFormation may call its physical id, beside the ARN. The same ARN twice is one resource.
        """
        if arn in self.physical:
            return
        known = {name: one for name, one in (ids or {}).items() if one}
        if known:
            self.ids[arn] = known
        self.put(scalar(arn, place), kind, resource(kind, place, properties), names)

    def put(self, arn: Scalar, kind: str, node: Node, names: Sequence[str | None] = (), owner: str = "") -> None:
        """Adds a resource that is made already; `owner` is the account that it counts for, if not its own."""
        parts = arn.text.split(":", 5)
        owner = owner or (parts[4] if len(parts) == 6 and parts[4].isdecimal() else self.account)
        self.by_account.setdefault(owner, []).append((arn, node))
        self.physical[arn.text] = (kind, (arn.text, *filter(None, names)))


def renamed(node: Node | None, **names: str) -> Object | None:
    """An object with the members that the API calls by the values of `names` under CloudFormation's; None for none."""
    if not isinstance(node, Object):
        return None
    return mapping(node.place, [(new, node.get(old)) for new, old in names.items()])


def place_of(node: Object, name: str) -> Place:
    """The place of a member; of the object where it has none."""
    found = node.get(name)
    return found.place if found is not None else node.place


def name_of(arn: str) -> str:
    """What stands after the last slash of an ARN."""
    return arn.rpartition("/")[2]


def objects(node: Node | None) -> Iterator[tuple[Scalar, Object]]:
    """The objects of a map by their keys."""
    return ((one.key, one.value) for one in entries(node) if isinstance(one, Entry) and isinstance(one.value, Object))
