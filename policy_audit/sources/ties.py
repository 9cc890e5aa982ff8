"""By what templates may mean each other's resources: names of exports and outputs, names of resources in texts.

Nothing is left out: two estates without a tie say nothing of each other's resources, whatever is asked of either. A tie
too many only costs memory. What is attached to something that is not known is the matter of `elsewhere`.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence as SequenceOf
from typing import Final, Generic, TypeVar

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import FIRST_SYMBOL, LAST, SHARED, Symbols, has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.cloudformation import names_address
from policy_audit.sources.elsewhere import Kind, Unplaced, in_any
from policy_audit.sources.estate import Estate
from policy_audit.sources.event_buses import DEFAULT, arn_of_bus
from policy_audit.sources.event_buses import POLICY as BUS_POLICY
from policy_audit.sources.inputs import Input
from policy_audit.sources.intrinsics import resolve
from policy_audit.sources.physical_ids import REFERENCES
from policy_audit.sources.places import File, Within
from policy_audit.sources.state_machines import definition_of
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import texts
from policy_audit.sources.unplaced import is_private, unplaced

T = TypeVar("T")
OPEN: Final = chr(LAST)
"""In the place of every open value of one template, which is none of another's."""
_SHARED: Final = {name: chr(FIRST_SYMBOL + number) for number, name in enumerate(sorted(SHARED))}
_WORD: Final = re.compile(r"[\w.\-\U000f0000-\U0010fffd]+")
_HEAD: Final = re.compile(r"""\barn:[^:\s"']*:[^:\s"']*:[^:\s"']*:[^:\s"']*(?=:)""")
"""What of an ARN stands before the resource, and names none."""
_MEANT: Final = re.compile(r"""(?:^|(?<=[:/"'=,\\]))[\w.\-\U000f0000-\U0010fffd]+""", re.M)
"""A word where a name may stand: not in the midst of what is told to people."""
_ALIAS: Final = re.compile(r"\balias/[\w./\-\U000f0000-\U0010fffd]+")
"""The alias of a key, which is named as a whole: many end alike."""
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_IN_HOST: Final = re.compile("[a-z0-9]+")
_IMPORTING: Final = frozenset({"Fn::GetStackOutput", "Fn::ImportValue"})
_SHORTEST_ID: Final = 8
"""Of the ids that AWS makes and another file may name."""
_UNNAMED: Final = frozenset(
    {
        "AWS::ApiGateway::Stage",
        "AWS::ApiGatewayV2::Stage",
        "AWS::CodeBuild::Project",
        "AWS::ECS::Cluster",
        "AWS::IAM::Policy",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Version",
        "AWS::Logs::LogGroup",
        "AWS::Pipes::Pipe",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
    }
)
"""Types with names that no other file means them by."""
_NAMED: Final = {
    "AWS::ApiGateway::DomainNameV2": ("DomainName", ""),
    "AWS::ECS::TaskDefinition": ("Family", ""),
    BUS_POLICY: ("EventBusName", DEFAULT),
}
"""Types whose `Ref` is not their name, by the property that has it, and the name without it."""
_ROLE: Final = "AWS::IAM::Role"
_API: Final = "AWS::ApiGateway::RestApi"
_SHARE: Final = "AWS::RAM::ResourceShare"
_SHARED_BY_IT: Final = "AWS::VpcLattice::ResourceConfiguration"


At = tuple[str, str]
"""A name, and the path of the template that has it, or asks for it."""


class Named(NamedTuple):
    """A resource that other files may mean: the last word of its name, what tells it from others, and its template."""

    word: str
    identity: str
    path: str


class Found(NamedTuple, Generic[T]):
    """What was found in any world, and what of it in all."""

    ever: frozenset[T]
    always: frozenset[T]

    def joined(self, other: "Found[T]") -> "Found[T]":
        """What either finds."""
        return Found(self.ever | other.ever, self.always | other.always)


class _Worlds(Generic[T]):
    """Gathers what is found in each world."""

    def __init__(self) -> None:
        self._worlds: list[frozenset[T]] = []

    def add(self, found: Iterable[T]) -> None:
        self._worlds.append(frozenset(found))

    def found(self) -> Found[T]:
        if not self._worlds:
            return Found(frozenset(), frozenset())
        return Found(frozenset.union(*self._worlds), frozenset.intersection(*self._worlds))


class Imports(NamedTuple):
    """What an estate gives to other stacks by name, and takes of others by name, over all its worlds."""

    exports: Found[At]
    outputs: Found[At]
    imports: frozenset[At]
    taken: frozenset[At]
    """The names of outputs that are taken of other stacks."""
    stacks: frozenset[At]
    """The names of these stacks."""

    @property
    def is_known(self) -> bool:
        """Whether no name has anything open in it, such as what is imported itself."""
        asked = (*self.exports.ever, *self.imports, *self.taken, *self.stacks)
        return not any(OPEN in name for name, _ in asked)

    def joined(self, other: "Imports") -> "Imports":
        """Those of both."""
        return Imports(
            self.exports.joined(other.exports),
            self.outputs.joined(other.outputs),
            self.imports | other.imports,
            self.taken | other.taken,
            self.stacks | other.stacks,
        )


class Ties(NamedTuple):
    """What ties an estate to others, over all its worlds."""

    names: Found[Named]
    words: tuple[tuple[str, "array[int]"], ...]
    """By the path of a template, the words of all its texts, as hashes."""
    unplaced: MappingOf[Kind, tuple[Unplaced, ...]]
    """What it attaches to something that is not known."""
    is_private: bool
    """Whether it has a private API, or a private domain name."""
    buses: frozenset[str]
    """The default event buses that it has a policy of: each adds to the others."""
    has_configurations: bool
    """Whether it has a resource configuration, which another may share."""
    has_open_shares: bool
    """Whether it shares what is not known, or with whom is not."""
    is_named: bool
    """Whether the configuration names one of its APIs or roles as the called or the caller."""


def imports(estate: Estate) -> Imports:
    """What an estate exports and imports."""
    exports: _Worlds[At] = _Worlds()
    outputs: _Worlds[At] = _Worlds()
    for _ in estate.worlds():
        # Outputs first: their names may be imported themselves.
        declared = [(template.path, one) for template in estate.templates for one in template.outputs().values()]
        for template in estate.templates:
            for node in _importing(template):
                resolve(node, template.scope)
        outputs.add((one.name, path) for path, one in declared)
        exports.add((canonical(one.export, estate.symbols), path) for path, one in declared if one.export is not None)
    asked, taken, stacks = (
        frozenset((canonical(name, estate.symbols), path) for name, path in names) for names in estate.asked
    )
    return Imports(exports.found(), outputs.found(), asked, taken, stacks)


def ties(estate: Estate, named: SequenceOf[str] = ()) -> Ties:
    """The ties of an estate. `named` are the APIs and roles that the configuration names."""
    found = _Ties(estate, frozenset(named))
    for _ in estate.worlds():
        found.look()
    return found.all()


def files_of(given: Input) -> frozenset[str]:
    """The paths of the files that the input's nodes were written in."""
    found: set[str] = set()
    known: set[int] = set()
    pending: list[Node] = [given.body, *given.parameters.values()]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            pending += [piece.scalar for piece in node.pieces]
        elif isinstance(node, Mapping):
            pending += [one.value for one in node.entries]
        else:
            pending += node.items
        source: object = node.place.source
        if id(source) not in known:
            known.add(id(source))
            while isinstance(source, Within):
                pending += [piece.scalar for piece in source.scalar.pieces]
                source = source.scalar.place.source
            if isinstance(source, File):
                found.add(source.name)
    return frozenset(found)


def _importing(template: Template) -> Iterator[Node]:
    """The functions of a template that take a value of another; whole resources, where a loop may write some."""
    pending: list[Node] = [template.document]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            for entry in node.entries:
                pending.append(entry.value)
                if entry.key.text in _IMPORTING:
                    yield Mapping((entry,), node.place)
                elif entry.key.text.startswith("Fn::ForEach"):
                    yield from (one.properties for one in template.resources.values() if one.properties is not None)
        elif isinstance(node, Sequence):
            pending += node.items


class _Ties:
    def __init__(self, estate: Estate, named: frozenset[str]) -> None:
        self._estate, self._symbols, self._named = estate, estate.symbols, named
        self._names: _Worlds[Named] = _Worlds()
        self._words: dict[str, set[int]] = {}
        self._unplaced: MappingOf[Kind, tuple[Unplaced, ...]] = {}
        self._buses: set[str] = set()
        self._is_private = self._has_configurations = self._has_open_shares = self._is_named = False

    def all(self) -> Ties:
        return Ties(
            self._names.found(),
            tuple((path, array("q", words)) for path, words in self._words.items()),
            self._unplaced,
            self._is_private,
            frozenset(self._buses),
            self._has_configurations,
            self._has_open_shares,
            self._is_named,
        )

    def look(self) -> None:
        """Adds what ties the estate in its present world."""
        names: list[Named] = []
        for template in self._estate.templates:
            for resource in template.resources.values():
                if template.exists(resource.logical_id):
                    names += self._names_of(template, resource)
                    self._look_at(template, resource)
            texts = (*_texts(template), *_texts_of_workflows(template))
            self._words.setdefault(template.path, set()).update(map(hash, self._words_of(texts)))
        self._names.add(names)
        self._unplaced = in_any((self._unplaced, unplaced(self._estate.templates)))
        self._is_private = self._is_private or is_private(self._estate.templates)

    def _names_of(self, template: Template, resource: Resource) -> Iterator[Named]:
        """By what others may mean the resource."""
        kind, logical_id = resource.type, resource.logical_id
        found = [one for one in template.made_by_aws(logical_id) if len(one) >= _SHORTEST_ID]
        if kind in _NAMED:
            name, default = _NAMED[kind]
            found.append(template.property_text(logical_id, name) or default)
        elif kind in REFERENCES and kind not in _UNNAMED:
            found.append(template.reference_text(logical_id))
        for text in found:
            name = canonical(text, self._symbols)
            words = _WORD.findall(name)
            word = name if _ALIAS.fullmatch(name) else words[-1] if words else OPEN
            if OPEN not in word:
                # No account has two of one type and name: those of one place are copies; each file means the next.
                yield Named(word, "\0".join((kind, name, *template.place)), template.path)

    def _look_at(self, template: Template, resource: Resource) -> None:
        kind, logical_id = resource.type, resource.logical_id
        self._has_configurations = self._has_configurations or kind == _SHARED_BY_IT
        if kind == BUS_POLICY and (bus := arn_of_bus(template, resource)).endswith(f":event-bus/{DEFAULT}"):
            self._buses.add(canonical(bus, self._symbols))
        if kind == _SHARE:
            listed = [texts(template.value(logical_id, name)) for name in ("ResourceArns", "Principals")]
            is_open = any(not one or any(map(has_letters, one)) for one in listed)
            self._has_open_shares = self._has_open_shares or is_open
        if self._named and kind in (_ROLE, _API):
            address, arn = template.address(logical_id), template.attribute_text(logical_id, "Arn")
            self._is_named = self._is_named or any(arn == one or names_address(one, address) for one in self._named)

    def _words_of(self, texts: Iterable[str]) -> list[str]:
        """The words of texts, without those in which something is open."""
        text = canonical("\n".join(texts), self._symbols)
        if "\\u" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)
        text = _HEAD.sub("", text.replace("\\/", "/"))
        found = [one for one in (*_MEANT.findall(text), *_ALIAS.findall(text)) if OPEN not in one]
        hosts = [one for one in found if "vpce-" in one or ".execute-api" in one]
        return [*found, *(part for host in hosts for part in _in_host(host))]


def _texts_of_workflows(template: Template) -> Iterator[str]:
    """The texts of the template's workflows as far as they are computed: with substitutions, of expressions."""
    pending: list[object] = [
        definition_of(template, resource)[0] for resource in template.of_type("AWS::StepFunctions::StateMachine")
    ]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple) and not isinstance(value, Span):
            pending += value


def _texts(template: Template) -> Iterator[str]:
    """All texts of the template's resources and outputs, resolved."""
    pending = [one.properties for one in template.resources.values() if one.properties is not None]
    pending += [one.value for one in template.outputs().values()]
    found: list[Node] = []
    while pending or found:
        resolved = not pending
        node = found.pop() if resolved else pending.pop()
        if isinstance(node, Scalar):
            yield node.text
        elif isinstance(node, Mapping):
            if not resolved and any(one.key.text == "Ref" or one.key.text.startswith("Fn::") for one in node.entries):
                found.append(resolve(node, template.scope))
            else:
                (found if resolved else pending).extend(one.value for one in node.entries)
        else:
            (found if resolved else pending).extend(node.items)


def _in_host(host: str) -> Iterator[str]:
    """The ids of an API and of a VPC endpoint that a host's first label may have in it."""
    parts = _IN_HOST.findall(host.partition(".")[0])
    yield from parts
    yield from (f"vpce-{part}" for part in parts)


def canonical(text: str, symbols: Symbols) -> str:
    """A text with the same letter for each open value that all templates share, and `OPEN` for every other one."""
    if not has_letters(text):
        return text
    return re.sub("[\U000f0000-\U0010fffd]", lambda found: _SHARED.get(symbols.of(found.group()).name, OPEN), text)
