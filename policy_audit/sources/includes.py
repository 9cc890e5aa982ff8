"""Files that `aws cloudformation package` puts in the place of their names: parts of a template, and bodies of APIs.

https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
"""

import re
from typing import Final

from policy_audit.findings import Skipped
from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.sam_files import Surroundings, file_document
from policy_audit.sources.tree import child, text

MOST: Final = 100
"""How many names are followed in one template: each may stand for a file of any size."""
_ELSEWHERE: Final = re.compile("[a-z][a-z0-9+.-]*://|arn:")
_MACRO: Final = "Fn::Transform"
_APIS: Final = frozenset({"AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"})


def expand(given: Input, reach: Reach) -> Input:
    """The template with the contents of the local files that it names; what can't be read stays, and is told."""
    around = Surroundings(given.path, reach, list(given.skipped), {}, {})
    body = _Expansion(around).node(given.body)
    assert isinstance(body, Mapping)
    return given._replace(body=body, skipped=tuple(around.skipped))


class _Expansion:
    """One template on its way: how many files were put in."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.count = 0
        self.documents: dict[str, Node | None] = {}

    def node(self, node: Node) -> Node:
        """The node with its files; the same one if it names none."""
        if isinstance(node, Sequence):
            found = tuple(self.node(one) for one in node.items)
            return node if all(map(_same, found, node.items)) else node._replace(items=found)
        if isinstance(node, Mapping):
            return self._mapping(node)
        return node

    def _mapping(self, node: Mapping) -> Mapping:
        entries: list[Entry] = []
        changed = False
        for entry in node.entries:
            included = self._included(entry)
            if included is not None:
                entries += [one for one in included.entries if node.get(one.key.text) is None]
                changed = True
                continue
            value = self.node(entry.value)
            changed = changed or value is not entry.value
            entries.append(entry if value is entry.value else entry._replace(value=value))
        found = node._replace(entries=tuple(entries)) if changed else node
        return self._with_body(found) if text(node.get("Type")) in _APIS else found

    def _included(self, entry: Entry) -> Mapping | None:
        """The contents that `AWS::Include` brings, if they are a local file's.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
        """
        if entry.key.text != _MACRO or text(child(entry.value, "Name")) != "AWS::Include":
            return None
        found = self._file(child(entry.value, "Parameters", "Location"))
        return found if isinstance(found, Mapping) else None

    def _with_body(self, resource: Mapping) -> Mapping:
        """The API with its definition, where `BodyS3Location` is still the name of a local file."""
        properties = resource.get("Properties")
        location = child(properties, "BodyS3Location")
        body = self._file(location)
        if body is None or not isinstance(properties, Mapping):
            return resource
        held = tuple(
            Entry(one.key._replace(text="Body"), body) if one.value is location else one for one in properties.entries
        )
        filled = properties._replace(entries=held)
        return resource._replace(
            entries=tuple(one._replace(value=filled) if one.value is properties else one for one in resource.entries)
        )

    def _file(self, name: Node | None) -> Node | None:
        if not isinstance(name, Scalar) or name.kind != "string" or _ELSEWHERE.match(name.text):
            return None
        self.count += 1
        if self.count > MOST:
            span = name.place.span
            reason = f"more than {MOST} files are named in this template: this one is not put in"
            self.around.skipped.append(Skipped(str(span), reason, broken=True, span=span))
            return None
        if name.text not in self.documents:
            self.documents[name.text] = file_document(name, self.around)
        return self.documents[name.text]


def _same(first: object, second: object) -> bool:
    return first is second
