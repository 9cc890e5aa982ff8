"""Where in the audited templates a change can be written, and how a value is written there without a cycle."""

import re
from collections.abc import Mapping, Sequence

from policy_audit.errors import AuditError
from policy_audit.mending.layout import Found, Layout
from policy_audit.model.node import Mapping as Object
from policy_audit.model.node import Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.model.value import Symbols
from policy_audit.origin import Span
from policy_audit.permissions.references import Names, References, names_of
from policy_audit.record import NamedTuple
from policy_audit.sources.template import Template
from policy_audit.sources.tree import child, entries, items, text

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")

_WITH_AN_END = re.compile(r"arn:[^*]*:[^/*:]+/[^*]+/\*")


class Layouts:
    """The layouts of files, each made once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._known: dict[str, Layout | None] = {}

    def of(self, path: str) -> Layout | None:
        """The file's layout; None for one that is not among the files, or is no document."""
        if path not in self._known:
            try:
                self._known[path] = Layout(path, self._texts[path]) if path in self._texts else None
            except AuditError:
                self._known[path] = None
        return self._known[path]


class Site(NamedTuple):
    """A resource as the user wrote it: its template, the file, and its logical id there."""

    template: Template
    layout: Layout
    logical_id: str

    @property
    def path(self) -> str:
        """The file's path."""
        return self.layout.path

    @property
    def body(self) -> Node | None:
        return child(self.layout.document, "Resources", self.logical_id)

    @property
    def type(self) -> str:
        """The type of the resource as it is written, such as `AWS::Serverless::Function`."""
        return text(child(self.layout.document, "Resources", self.logical_id, "Type")) or ""

    def property(self, name: str) -> Node | None:
        """A property as it is written."""
        return child(self.layout.document, "Resources", self.logical_id, "Properties", name)

    def at(self, *names: str) -> tuple[str, ...]:
        """The path of a property, from the root of the document."""
        return ("Resources", self.logical_id, "Properties", *names)


class Sites:
    """The resources of the templates that changes can be written to: those whose files are among `layouts`."""

    def __init__(self, templates: Sequence[Template], layouts: Layouts, symbols: Symbols) -> None:
        self._templates, self._layouts, self._symbols = templates, layouts, symbols
        self._has_references = True
        self._by_path: dict[str, list[Template]] = {}
        for one in templates:
            self._by_path.setdefault(one.path, []).append(one)
        self._names: dict[int, Names] = {}
        self._dependents: dict[tuple[str, str], frozenset[str]] = {}

    def without_references(self) -> "Sites":
        """The same, where nothing may be referred to: the policy has to be there before what it is about."""
        found = Sites(self._templates, self._layouts, self._symbols)
        found._has_references = False
        return found

    def declared(self, address: str, span: Span | None = None) -> Site | None:
        """The resource at an address; where a transform makes it, the one at whose logical id, at `span`, it stands."""
        path, _, name = address.partition("#")
        layout = self._layouts.of(path)
        for template in self._by_path.get(path, ()) if layout is not None else ():
            assert layout is not None
            if name in template.resources and child(layout.document, "Resources", name) is not None:
                return Site(template, layout, name)
            found = None if span is None else _at_logical_id(layout, span)
            if found is not None:
                return Site(template, layout, found)
        return None

    def is_declared(self, path: str, logical_id: str) -> bool:
        """Whether the file declares a resource of this name."""
        layout = self._layouts.of(path)
        return layout is not None and layout.is_taken(logical_id)

    def around(self, span: Span) -> tuple[Site, Found] | None:
        """The resource in which a node stands, and the node."""
        layout = self._layouts.of(span.file)
        found = None if layout is None else layout.at(span)
        template = next(iter(self._by_path.get(span.file, ())), None)
        if layout is None or found is None or template is None or len(found.parents) < 3:
            return None
        section, name = (getattr(step, "key", None) for _, step in found.parents[:2])
        if section is None or name is None or section.text != "Resources":
            return None
        return Site(template, layout, name.text), found

    def at_logical_id(self, span: Span) -> Site | None:
        """The resource whose logical id stands at `span`."""
        layout = self._layouts.of(span.file)
        name = None if layout is None else _at_logical_id(layout, span)
        template = next(iter(self._by_path.get(span.file, ())), None)
        return None if layout is None or name is None or template is None else Site(template, layout, name)

    def value(self, written: str, site: Site, *, new: bool = False, exact: bool = False) -> object | None:
        """`written` with references as `site` can have them; None where an open part has none, or only in a circle.

        A `new` resource may refer to any: nothing refers to it. An `exact` value is no pattern.
        """
        names = self._names_at(site.template)
        if not new:
            barred = self._who_depends_on(site)
            own = [one for one in names.own if not _refers(one[1], barred)]
            names = names._replace(own=own)
        references = References(names, self._symbols)
        value = references.in_template(written)
        if references.unknown and (exact or not _ends_in_what_aws_appends(value)):
            return None
        return simplified(value)

    def _names_at(self, template: Template) -> Names:
        if id(template) not in self._names:
            names = names_of(template, self._templates) if self._has_references else Names()
            self._names[id(template)] = names
        return self._names[id(template)]

    def _who_depends_on(self, site: Site) -> frozenset[str]:
        """The resources that need `site` to be there first, itself included: it must not refer to any of them."""
        key = (site.path, site.logical_id)
        if key not in self._dependents:
            needed_by: dict[str, set[str]] = {}
            for entry in entries(child(site.layout.document, "Resources")):
                for name in _referred(entry.value):
                    needed_by.setdefault(name, set()).add(entry.key.text)
            found, pending = {site.logical_id}, [site.logical_id]
            while pending:
                more = needed_by.get(pending.pop(), set()) - found
                found |= more
                pending += more
            self._dependents[key] = frozenset(found)
        return self._dependents[key]


def _ends_in_what_aws_appends(value: object) -> bool:
    """Whether the only open part of an ARN is what comes behind a whole name, such as the UUID of a connection.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html
    """
    written = value.get("Fn::Sub") if isinstance(value, dict) else value
    text = written[0] if isinstance(written, list) else written
    return isinstance(text, str) and _WITH_AN_END.fullmatch(text) is not None


def simplified(value: object) -> object:
    """`Fn::Sub` of one reference alone as `Ref` or `Fn::GetAtt`."""
    if not isinstance(value, dict) or not isinstance(value.get("Fn::Sub"), str):
        return value
    found = re.fullmatch(r"\$\{([A-Za-z0-9:]+)(?:\.([A-Za-z0-9.]+))?\}", value["Fn::Sub"])
    if found is None:
        return value
    name, attribute = found.groups()
    return {"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}


def _at_logical_id(layout: Layout, span: Span) -> str | None:
    for entry in entries(child(layout.document, "Resources")):
        if entry.key.place.span == span:
            return entry.key.text
    return None


def _refers(reference: str, barred: frozenset[str]) -> bool:
    return any(name in barred for name in _REFERENCE.findall(reference))


def _referred(body: Node) -> set[str]:
    """The names that a resource refers to, as `Ref`, `Fn::GetAtt`, in `Fn::Sub` or by `DependsOn`."""
    found: set[str] = set()
    pending = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, List):
            pending += node.items
        elif isinstance(node, Object):
            for entry in node.entries:
                if entry.key.text in ("Ref", "DependsOn"):
                    found |= {one.text for one in items(entry.value) if isinstance(one, Scalar)}
                elif entry.key.text == "Fn::GetAtt":
                    first = items(entry.value)[:1]
                    found |= {one.text.partition(".")[0] for one in first if isinstance(one, Scalar)}
                elif entry.key.text == "Fn::Sub":
                    found |= {name for one in items(entry.value)[:1] for name in _REFERENCE.findall(text(one) or "")}
                pending.append(entry.value)
    return found
