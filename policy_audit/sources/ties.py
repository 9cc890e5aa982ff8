"""By what templates may mean each other's resources: names of exports and outputs, names of resources in texts.

Nothing is left out: two estates without a tie say nothing of each other's resources, whatever is asked of either. A tie
too many only costs memory. What is attached to something that is not known is the matter of `elsewhere`.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as SequenceOf
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import FIRST_SYMBOL, LAST, SHARED, Symbols, has_letters
from policy_audit.record import NamedTuple
from policy_audit.sources.cloudformation import names_address
from policy_audit.sources.elsewhere import Elsewhere
from policy_audit.sources.estate import Estate
from policy_audit.sources.inputs import Input
from policy_audit.sources.intrinsics import resolve
from policy_audit.sources.physical_ids import REFERENCES
from policy_audit.sources.places import File, Within
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import texts
from policy_audit.sources.unplaced import unplaced

OPEN: Final = chr(LAST)
"""In the place of every open value of one template, which is none of another's."""
_SHARED: Final = {name: chr(FIRST_SYMBOL + number) for number, name in enumerate(sorted(SHARED))}
_WORD: Final = re.compile(r"[\w.\-\U000f0000-\U0010fffd]+")
_HEAD: Final = re.compile(r"""\barn:[^:\s"']*:[^:\s"']*:[^:\s"']*:[^:\s"']*(?=:)""")
"""What of an ARN stands before the resource, and names none."""
_MEANT: Final = re.compile(r"""(?:^|(?<=[:/"'=,\\]))[\w.\-\U000f0000-\U0010fffd]+""", re.M)
"""A word where a name may stand: not in the midst of what is told to people."""
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_IN_HOST: Final = re.compile("[a-z0-9]+")
_IMPORTING: Final = frozenset({"Fn::GetStackOutput", "Fn::ImportValue"})
_SHORTEST_ID: Final = 8
"""Of the ids that AWS makes and another file may name."""
_UNNAMED: Final = frozenset(
    {
        "AWS::ApiGateway::Stage",
        "AWS::ApiGatewayV2::Stage",
        "AWS::IAM::Policy",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Version",
        "AWS::Scheduler::Schedule",
    }
)
"""Types with names that no other file means them by."""
_NAMED: Final = {
    "AWS::ApiGateway::DomainNameV2": ("DomainName", ""),
    "AWS::ECS::TaskDefinition": ("Family", ""),
    "AWS::Events::EventBusPolicy": ("EventBusName", "default"),
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
    identity: tuple[str, ...]
    path: str


class Imports(NamedTuple):
    """What an estate gives to other stacks by name, and takes of others by name, over all its worlds."""

    exports: frozenset[At]
    imports: frozenset[At]
    outputs: frozenset[At]
    taken: frozenset[At]
    """The names of outputs that are taken of other stacks."""
    stacks: frozenset[At]
    """The names of these stacks."""

    @property
    def is_known(self) -> bool:
        """Whether no name has anything open in it, such as what is imported itself."""
        return not any(OPEN in name for name, _ in (*self.exports, *self.imports, *self.taken, *self.stacks))

    def joined(self, other: "Imports") -> "Imports":
        """Those of both."""
        return Imports(*(ours | theirs for ours, theirs in zip(self, other, strict=True)))


class Ties(NamedTuple):
    """What ties an estate to others, over all its worlds."""

    names: frozenset[Named]
    words: tuple[tuple[str, "array[int]"], ...]
    """By the path of a template, the words of all its texts, as hashes."""
    roles: frozenset[str]
    """The names of its roles that are written out."""
    has: Elsewhere
    """What it has that may concern others."""
    has_configurations: bool
    """Whether it has a resource configuration, which another may share."""
    has_open_shares: bool
    """Whether it shares what is not known, or with whom is not."""
    is_named: bool
    """Whether the configuration names one of its APIs or roles as the called or the caller."""


def imports(estate: Estate) -> Imports:
    """What an estate exports and imports."""
    exports: set[At] = set()
    outputs: set[At] = set()
    for _ in estate.worlds():
        for template in estate.templates:
            for node in _importing(template):
                resolve(node, template.scope)
            for name, output in template.outputs().items():
                outputs.add((name, template.path))
                if output.export is not None:
                    exports.add((canonical(output.export, estate.symbols), template.path))
    asked, taken, stacks = (
        frozenset((canonical(name, estate.symbols), path) for name, path in names) for names in estate.asked
    )
    return Imports(frozenset(exports), asked, frozenset(outputs), taken, stacks)


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
        self._names: set[Named] = set()
        self._words: dict[str, set[int]] = {}
        self._roles: set[str] = set()
        self._has = Elsewhere()
        self._has_configurations = self._has_open_shares = self._is_named = False

    def all(self) -> Ties:
        return Ties(
            frozenset(self._names),
            tuple((path, array("q", words)) for path, words in self._words.items()),
            frozenset(self._roles),
            self._has,
            self._has_configurations,
            self._has_open_shares,
            self._is_named,
        )

    def look(self) -> None:
        """Adds what ties the estate in its present world."""
        self._has = self._has.joined(unplaced(self._estate.templates))
        for template in self._estate.templates:
            for resource in template.resources.values():
                self._declared(template, resource)
            words = self._words_of(_texts(template))
            self._words.setdefault(template.path, set()).update(map(hash, words))

    # ---- what others may mean ----

    def _declared(self, template: Template, resource: Resource) -> None:
        kind, logical_id = resource.type, resource.logical_id
        if kind in _NAMED:
            name, default = _NAMED[kind]
            self._name(template.property_text(logical_id, name) or default, template, resource)
        elif kind in REFERENCES and kind not in _UNNAMED:
            self._name(template.reference_text(logical_id), template, resource)
        for made in template.made_by_aws(logical_id):
            if len(made) >= _SHORTEST_ID:
                self._name(made, template, resource)
        if kind == _ROLE:
            self._roles.add(template.reference_text(logical_id))
        self._has_configurations = self._has_configurations or kind == _SHARED_BY_IT
        if kind == _SHARE:
            listed = [texts(template.value(logical_id, name)) for name in ("ResourceArns", "Principals")]
            is_open = any(not one or any(map(has_letters, one)) for one in listed)
            self._has_open_shares = self._has_open_shares or is_open
        if self._named and kind in (_ROLE, _API):
            address, arn = template.address(logical_id), template.attribute_text(logical_id, "Arn")
            self._is_named = self._is_named or any(arn == one or names_address(one, address) for one in self._named)

    def _name(self, text: str, template: Template, resource: Resource) -> None:
        name = canonical(text, self._symbols)
        words = _WORD.findall(name)
        if words and OPEN not in words[-1]:
            # No account has two of one type and name: those of one place are copies, of which each file means the next.
            self._names.add(Named(words[-1], (resource.type, name, *template.place), template.path))

    def _words_of(self, texts: Iterable[str]) -> list[str]:
        """The words of texts, without those in which something is open."""
        text = canonical("\n".join(texts), self._symbols)
        if "\\u" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)
        found = [one for one in _MEANT.findall(_HEAD.sub("", text)) if OPEN not in one]
        hosts = [one for one in found if "vpce-" in one or ".execute-api" in one]
        return [*found, *(part for host in hosts for part in _in_host(host))]


def _texts(template: Template) -> Iterator[str]:
    """All texts of the template's resources and outputs, resolved."""
    scope, resolved = template.scope, False
    pending = [one.properties for one in template.resources.values() if one.properties is not None]
    pending += [one.value for one in template.outputs().values()]
    found: list[Node] = []
    while pending or found:
        resolved = not pending
        node = found.pop() if resolved else pending.pop()
        if isinstance(node, Scalar):
            if not resolved and "{{" in node.text:
                found.append(resolve(node, scope))
            else:
                yield node.text
        elif isinstance(node, Mapping):
            if not resolved and any(one.key.text == "Ref" or one.key.text.startswith("Fn::") for one in node.entries):
                found.append(resolve(node, scope))
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
