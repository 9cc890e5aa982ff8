"""The Serverless transform, as far as permissions go: its resources become CloudFormation's, at the user's own lines.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from collections.abc import Callable, Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.sam_apis import http_api, implicit, rest_api
from policy_audit.sources.sam_events import events_by_api
from policy_audit.sources.sam_files import Surroundings
from policy_audit.sources.sam_functions import function, layer, table
from policy_audit.sources.sam_state_machines import state_machine
from policy_audit.sources.tree import child, entries, items, text

FORM: Final = "SAM template"
TRANSFORM: Final = "AWS::Serverless-2016-10-31"
_PREFIX: Final = "AWS::Serverless::"
_FROM_SOURCE: Final = ("Condition", "DependsOn")
"""Attributes that everything which is made from a resource has of it."""
_OF_SOURCE: Final = "Connectors"
"""An attribute that only the resource itself keeps."""

Expand = Callable[[Scalar, Mapping, Surroundings], Iterator[tuple[Scalar, Mapping]]]

_EXPANSIONS: Final[dict[str, Expand]] = {
    "Api": rest_api,
    "Function": function,
    "HttpApi": http_api,
    "LayerVersion": layer,
    "SimpleTable": table,
    "StateMachine": state_machine,
}


def is_serverless(document: Mapping) -> bool:
    """Whether the document names the Serverless transform, or has a resource of it: it means nothing without."""
    if any(text(one) == TRANSFORM for one in items(document.get("Transform"))):
        return True
    types = (text(child(one.value, "Type")) for one in entries(document.get("Resources")))
    return any(kind is not None and kind.startswith(_PREFIX) for kind in types)


def expand(given: Input, reach: Reach) -> Input:
    """The template with what the transform makes of its resources; those that are not expanded stay as they are."""
    resources = given.body.get("Resources")
    if not isinstance(resources, Mapping):
        return given._replace(form=FORM)
    sections = given.body.get("Globals")
    around = Surroundings(given.path, reach, list(given.skipped), events_by_api(resources), {})
    made: list[Entry] = []
    declared = {one.key.text for one in resources.entries}
    for entry in (*resources.entries, *implicit(declared, around)):
        kind = (text(child(entry.value, "Type")) or "").removeprefix(_PREFIX)
        if kind in _EXPANSIONS and isinstance(entry.value, Mapping):
            body = _with_globals(entry.value, child(sections, kind))
            for key, value in _EXPANSIONS[kind](entry.key, body, around):
                attributes = (*_FROM_SOURCE, _OF_SOURCE) if key == entry.key else _FROM_SOURCE
                made.append(Entry(key, _with_attributes(value, entry.value, attributes)))
        else:
            made.append(entry)
    # What the template declares itself under a name that the transform would make is the template's own.
    own = {one.key for one in resources.entries}
    kept = [one for one in made if one.key.text not in declared or one.key in own]
    if any(_connects(one.value) for one in kept):
        from policy_audit.sources import sam_connectors

        kept = sam_connectors.expand(kept)
    changed = Mapping(tuple(kept), resources.place)
    body = given.body._replace(
        entries=tuple(one._replace(value=changed) if one.key.text == "Resources" else one for one in given.body.entries)
    )
    return given._replace(body=body, form=FORM, skipped=tuple(around.skipped), aliases=around.aliases)


def _connects(resource: Node) -> bool:
    return text(child(resource, "Type")) == f"{_PREFIX}Connector" or child(resource, "Connectors") is not None


def _with_globals(resource: Mapping, defaults: Node | None) -> Mapping:
    """The resource with the properties of `Globals` beneath its own.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
    """
    ignored = resource.get("IgnoreGlobals")
    if not isinstance(defaults, Mapping) or text(ignored) == "*":
        return resource
    without = {text(one) for one in items(ignored)}
    defaults = defaults._replace(entries=tuple(one for one in defaults.entries if one.key.text not in without))
    properties = resource.get("Properties")
    merged = defaults if properties is None else _merged(defaults, properties)
    rest = tuple(one for one in resource.entries if one.key.text != "Properties")
    key = Scalar("Properties", "string", resource.place)
    return resource._replace(entries=(*rest, Entry(key, merged)))


def _merged(under: Node, over: Node) -> Node:
    """Objects are merged key by key, lists follow one another, and anything else is replaced."""
    if isinstance(under, Sequence) and isinstance(over, Sequence):
        return over._replace(items=(*under.items, *over.items))
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)) or _is_function(over) or _is_function(under):
        return over
    own = {one.key.text: one for one in over.entries}
    first = [
        one._replace(value=_merged(one.value, own[one.key.text].value)) if one.key.text in own else one
        for one in under.entries
    ]
    named = {one.key.text for one in first}
    return over._replace(entries=(*first, *(one for one in over.entries if one.key.text not in named)))


def _is_function(node: Mapping) -> bool:
    return len(node.entries) == 1 and (node.entries[0].key.text == "Ref" or node.entries[0].key.text.startswith("Fn::"))


def _with_attributes(made: Mapping, source: Mapping, attributes: tuple[str, ...]) -> Mapping:
    """What the transform makes exists when its resource does."""
    have = set(made.keys())
    more = tuple(one for one in entries(source) if one.key.text in attributes and one.key.text not in have)
    return made._replace(entries=(*made.entries, *more))
