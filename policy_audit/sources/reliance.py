"""Which of the estate's assumptions a part of the templates may rest on: parameters' defaults, inferred values, links.

Found by names: what a resource refers to, and what that refers to in turn. More than a verdict needs may be named,
never less than its resources mention.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.origin import Span
from policy_audit.sources.estate import Estate, parameter_assumption
from policy_audit.sources.template import Template

Name = tuple[str, str]
"""A section of a template and a name declared there; `("", "import")` for what comes from another template."""

_SECTIONS: Final = ("Resources", "Conditions", "Mappings", "Outputs")
_IN_TEXT: Final = re.compile(r"\$\{([^!${}.][^${}.]*)")
_IMPORT: Final = ("", "import")
_IMPORTED: Final = 1
_ATTACHED: Final = ("AWS::ApiGateway", "AWS::EC2::SecurityGroup", "AWS::IAM::")
"""Types of resources that say more of one they refer to: a method of its API, a policy of its role."""


class Reliance:
    """The names of an estate's templates, and which parameters and imports each leads to."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._graphs = {template.path: _Graph(template) for template in estate.templates}

    def on(self, spans: Iterable[Span]) -> tuple[str, ...]:
        """The assumptions that what stands at `spans` may rest on, in the report's own words and order."""
        reached = dict.fromkeys(self._graphs, 0)
        for span in spans:
            graph = self._graphs.get(span.file)
            if graph is not None:
                reached[span.file] |= graph.reached.get(("Resources", graph.resource_at(span)), 0)
        linked = any(found & _IMPORTED for found in reached.values())
        if linked:
            # Which output an import takes is not told by names: any may be it.
            reached = {path: found | self._graphs[path].by_outputs for path, found in reached.items()}
        return tuple(self._sentences(reached, linked))

    def _sentences(self, reached: MappingOf[str, int], linked: bool) -> Iterator[str]:
        for sentence in self._estate.assumptions:
            if linked or sentence.startswith("AWS::"):
                yield sentence
        for template in self._estate.templates:
            for bit, name in enumerate(template.assumed_parameters(), 1):
                if reached[template.path] >> bit & 1:
                    yield parameter_assumption(template, name)


class _Graph:
    """One template: where its resources stand, and what each of its names leads to.

    `reached` has for each name a bit for imports, the lowest, and one for each assumed parameter, in their order.
    """

    def __init__(self, template: Template) -> None:
        sections = {entry.key.text: entry for entry in template.document.entries}
        entries = {name: _entries(sections.get(name)) for name in _SECTIONS}
        self.declared: set[Name] = {("Parameters", name) for name in template.parameters}
        self.declared |= {(section, entry.key.text) for section in _SECTIONS for entry in entries[section]}
        self.loops = [each for each in self.declared if each[1].startswith("Fn::ForEach")]
        # What stands below the section's last resource belongs to another section.
        others = [(_start(entry), "") for name, entry in sections.items() if name != "Resources"]
        self.starts = sorted([*others, *((_start(entry), entry.key.text) for entry in entries["Resources"])])
        leading: dict[Name, set[Name]] = {}
        for section in _SECTIONS:
            for entry in entries[section]:
                own = (section, entry.key.text)
                attached = section == "Resources" and _type(entry.value).startswith(_ATTACHED)
                for name in self._mentioned(entry.value):
                    leading.setdefault(name, set()).add(own)
                    if attached and name[0] == "Resources":
                        leading.setdefault(own, set()).add(name)
        targets = [_IMPORT, *(("Parameters", name) for name in template.assumed_parameters())]
        self.reached: dict[Name, int] = {}
        for bit, target in enumerate(targets):
            for name in _all_leading(target, leading):
                self.reached[name] = self.reached.get(name, 0) | 1 << bit
        self.by_outputs = 0
        for entry in entries["Outputs"]:
            self.by_outputs |= self.reached.get(("Outputs", entry.key.text), 0)

    def resource_at(self, span: Span) -> str:
        """The logical id (or the loop) of the resource that stands there; empty for other parts of the template."""
        at = bisect_right(self.starts, ((span.line, span.column), "\U0010ffff")) - 1
        return self.starts[at][1] if at >= 0 else ""

    def _mentioned(self, node: Node) -> Iterator[Name]:
        pending: list[Node] = [node]
        while pending:
            part = pending.pop()
            if isinstance(part, Sequence):
                pending.extend(part.items)
            elif isinstance(part, Mapping):
                for entry in part.entries:
                    yield from self._named(entry)
                    pending.append(entry.value)
            elif "${" in part.text:
                for name in _IN_TEXT.findall(part.text):
                    yield from self._value(name)

    def _named(self, entry: Entry) -> Iterator[Name]:
        """What one function refers to by name."""
        function, first = entry.key.text, _first(entry.value)
        if function == "Ref":
            yield from self._value(first)
        elif function == "Fn::GetAtt":
            known = ("Resources", first) in self.declared
            yield from self._value(first if known else first.partition(".")[0])
        elif function in ("Condition", "Fn::If"):
            yield "Conditions", first
        elif function == "Fn::FindInMap":
            yield "Mappings", first
        elif function in ("Fn::ImportValue", "Fn::GetStackOutput"):
            yield _IMPORT
        elif function.startswith(("Fn::Transform", "Fn::ForEach")):
            yield from self.declared  # What a macro or a loop puts there may name anything.

    def _value(self, name: str) -> Iterator[Name]:
        known = False
        for section in ("Parameters", "Resources"):
            if (section, name) in self.declared:
                known = True
                yield section, name
        if not known:
            # A resource that a loop makes: any loop may have made it.
            yield from self.loops


def _all_leading(target: Name, leading: MappingOf[Name, Iterable[Name]]) -> set[Name]:
    """The names that mention `target`, or a name that does."""
    found: set[Name] = set()
    pending = [target]
    while pending:
        for name in leading.get(pending.pop(), ()):
            if name not in found:
                found.add(name)
                pending.append(name)
    return found


def _entries(section: Entry | None) -> tuple[Entry, ...]:
    return section.value.entries if section is not None and isinstance(section.value, Mapping) else ()


def _start(entry: Entry) -> tuple[int, int]:
    span = entry.key.place.span
    return span.line, span.column


def _type(resource: Node) -> str:
    found = resource.get("Type") if isinstance(resource, Mapping) else None
    return found.text if isinstance(found, Scalar) else ""


def _first(node: Node) -> str:
    """The text of a node, or of the first in a list."""
    if isinstance(node, Sequence):
        node = node.items[0] if node.items else node
    return node.text if isinstance(node, Scalar) else ""
