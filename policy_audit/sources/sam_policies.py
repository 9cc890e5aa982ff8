"""SAM's policy templates: what each grants, with its placeholders filled in.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
"""

import json
import os
from typing import Any, Final

from policy_audit.model.node import Mapping, Node, Place
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.tree import child

TABLE: Final = os.path.join(os.path.dirname(__file__), "sam_policy_templates.json")
"""By name, the parameters and the statements of every policy template, as `devtools.build_sam_policies` writes them."""


def is_template(entry: Mapping) -> bool:
    """Whether an entry of `Policies` names a policy template: one key, which is no function."""
    keys = list(entry.keys())
    return len(keys) == 1 and keys[0] != "Ref" and not keys[0].startswith("Fn::")


def from_template(entry: Mapping) -> Node:
    """The policy document of a template with its parameters.

    For a template that the table lacks, a document whose statements are not known: an import that nobody exports.
    """
    (only,) = entry.entries
    place = only.key.place
    found = _table()["templates"].get(only.key.text)
    if found is None:
        unknown = mapping(place, [("Fn::Transform", mapping(place, [("Name", scalar(only.key.text, place))]))])
        return mapping(place, [("Statement", listing(place, [unknown]))])
    given = {name: value for name in found["parameters"] if (value := child(only.value, name)) is not None}
    return mapping(
        place,
        [
            ("Version", scalar("2012-10-17", place)),
            ("Statement", listing(place, [_node(one, given, place) for one in found["statements"]])),
        ],
    )


def templates() -> tuple[str, ...]:
    """The names of every policy template that the table has, sorted."""
    return tuple(sorted(_table()["templates"]))


def _table() -> dict[str, Any]:
    with open(TABLE, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def _node(value: Any, given: dict[str, Node], place: Place) -> Node:
    """A JSON value as nodes, `{"Ref": parameter}` replaced by what is given for the parameter."""
    if isinstance(value, dict):
        if list(value) == ["Ref"] and value["Ref"] in given:
            return given[value["Ref"]]
        return mapping(place, [(key, _node(one, given, place)) for key, one in value.items()])
    if isinstance(value, list):
        return listing(place, [_node(one, given, place) for one in value])
    return scalar(str(value).lower() if isinstance(value, bool) else str(value), place)
