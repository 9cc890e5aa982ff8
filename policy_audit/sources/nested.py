"""Nested stacks, and those of stack sets, whose templates are files beside their parent's: each is audited with what
the parent passes to it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Node, Scalar
from policy_audit.sources.inputs import TEMPLATE, Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.templates import read
from policy_audit.sources.tree import child, entries, text

_STACK_SET: Final = "AWS::CloudFormation::StackSet"
_LOCATIONS: Final = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::Serverless::Application": "Location",
    _STACK_SET: "TemplateURL",
}
_ASSET: Final = "aws:asset:path"
_ELSEWHERE: Final = re.compile("[a-z][a-z0-9+.-]*://|arn:")
MOST: Final = 500
"""How many nested stacks are followed in all; a template that nests itself would never end."""
DEEPEST: Final = 10


def with_nested(inputs: Iterable[Input], reach: Reach) -> Iterator[tuple[Input, frozenset[str]]]:
    """The inputs, and those of every stack nested in them, each with the paths of the templates nested in it: these are
    not audited by themselves as well."""
    followed = 0
    for one in inputs:
        pending = [(one, 0)]
        while pending:
            given, depth = pending.pop()
            skipped = list(given.skipped)
            children: list[Input] = []
            for logical_id, location, resource in _locations(given):
                if followed + len(children) >= MOST or depth >= DEEPEST:
                    span = location.place.span
                    reason = "the stacks nest too deeply, or there are too many: this one is not followed"
                    skipped.append(Skipped(str(span), reason, broken=True, span=span))
                    continue
                if text(child(resource, "Type")) == _STACK_SET:
                    children += _of_stack_set(given, logical_id, resource, reach, skipped)
                else:
                    children += _children(given, logical_id, location, reach, skipped)
            followed += len(children)
            yield (
                given._replace(skipped=tuple(skipped)),
                frozenset(one.path for one in children if one.path != given.path),
            )
            pending += [(one, depth + 1) for one in reversed(children)]


def _locations(given: Input) -> Iterator[tuple[str, Scalar, Node]]:
    """Each stack or stack set that the input nests, by its logical id, with the name of its template's file, or with
    the template itself."""
    for entry in entries(given.body.get("Resources")):
        place = _LOCATIONS.get(text(child(entry.value, "Type")) or "")
        if place is None:
            continue
        # A cloud assembly has the address of an asset in the property, and the file that it is made from beside it.
        named = child(entry.value, "Metadata", _ASSET) or child(entry.value, "Properties", place)
        if place == "TemplateURL" and named is None:
            named = child(entry.value, "Properties", "TemplateBody")
        if isinstance(named, Scalar) and named.kind == "string" and not _ELSEWHERE.match(named.text):
            yield entry.key.text, named, entry.value


def _of_stack_set(
    given: Input, logical_id: str, resource: Node, reach: Reach, skipped: list[Skipped]
) -> Sequence[Input]:
    """The stacks that a stack set makes."""
    from policy_audit.sources import stack_sets

    properties = child(resource, "Properties")
    location, body = child(properties, "TemplateURL"), child(properties, "TemplateBody")
    if isinstance(location, Scalar):
        found = [one._replace(names={}, written={}) for one in _children(given, logical_id, location, reach, skipped)]
    else:
        assert isinstance(body, Scalar)
        found = list(stack_sets.of_body(given, logical_id, body, skipped))
    return [stack for one in found for stack in stack_sets.stacks(one, given, logical_id, properties, skipped)]


def _children(given: Input, logical_id: str, location: Scalar, reach: Reach, skipped: list[Skipped]) -> Sequence[Input]:
    """The nested stack's template; none, and a word in `skipped`, if it can't be read."""
    try:
        path = reach.beside(given.path, location.text)
        found = read(path, reach.text(path), reach)
    except AuditError as error:
        span = location.place.span
        told = f"`{location.text}`: {error.message}"
        skipped.append(Skipped(str(span), told, error.help, broken=True, span=span))
        return ()
    reach.claim(path)
    return [
        one._replace(
            form=given.form if one.form == TEMPLATE else one.form,
            key=f"{given.id}/{logical_id}",
            parent=(given.id, logical_id),
            pinned=given.pinned,
            names=given.names,
            written=given.written,
        )
        for one in found or ()
    ]
