"""Raw states (`terraform.tfstate`, version 4) as the instances that they hold, as `terraform show -json` has them.

https://developer.hashicorp.com/terraform/language/state
"""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Entry, Mapping, Node, Scalar
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.attachments import READ
from policy_audit.sources.terraform.plan import scalars, sensitive, state_of
from policy_audit.sources.terraform.types import arguments_of
from policy_audit.sources.tree import child, entries, items, text

_VERSION: Final = "4"
_SECRETS: Final = {"auth_parameters": frozenset({"client_secret", "password", "value"})}
"""What the provider holds secret in an attribute that is read: a raw state has no mark there, as a plan has."""
_READ_ELSEWHERE: Final = {"aws_iam_role": ("inline_policy",), "aws_security_group": ("egress", "ingress")}
_ALL_READ: Final = (*READ, "aws_security_group_rule", "aws_vpc_security_group_egress_rule",
                    "aws_vpc_security_group_ingress_rule")  # fmt: skip
_DEEPEST: Final = 60
"""How many steps of such a path are followed; what stands there is sensitive as a whole."""
_MOST_ITEMS: Final = 1000
"""How far into a list the path of a sensitive value is followed; beyond, the whole list is."""


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The resources of a state; None if the file is none, and nothing where its configuration or a plan is audited.

    Raises AuditError as `Reach.document` does, and for a version that Terraform has not written since 2019.
    """
    document = reach.document(path)
    if not isinstance(document, Mapping) or document.get("lineage") is None or document.get("serial") is None:
        return None
    if text(document.get("version")) != _VERSION:
        help = "write it with `terraform show -json`, or with a Terraform of 0.12 or later"
        raise AuditError("this is a state of another version than 4", where=path, help=help, exit_code=INCOMPLETE)
    skipped: list[Skipped] = []
    resources = [one for each in items(document.get("resources")) for one in _resources(path, each, skipped)]
    reach.hide(path, _to_hide(document))
    if _is_told_elsewhere(path, reach):
        return ()
    return (state_of(path, document, resources, skipped),)


def _is_told_elsewhere(path: str, reach: Reach) -> bool:
    """Whether the configuration in the same folder, or a plan, is audited: they say what will be."""
    folder = os.path.dirname(path)
    beside = [one for one in reach.found if os.path.dirname(one) == folder and one != path]
    return any(
        one.endswith((".tf", ".tf.json")) or (one.endswith(".json") and '"planned_values"' in reach.texts.get(one, ""))
        for one in beside
    )


def _resources(path: str, resource: Node, skipped: list[Skipped]) -> Iterator[Node]:
    """Each instance as an object of its own, with its address."""
    kind, name, mode = (text(child(resource, key)) or "" for key in ("type", "name", "mode"))
    module = text(child(resource, "module"))
    own = f"data.{kind}.{name}" if mode == "data" else f"{kind}.{name}"
    for instance in items(child(resource, "instances")):
        address = (f"{module}.{own}" if module else own) + _key(child(instance, "index_key"))
        attributes = child(instance, "attributes")
        if child(instance, "deposed") is not None or not isinstance(attributes, Mapping):
            reason = "it is to be destroyed" if attributes is not None else "its attributes are of an old form"
            skipped.append(
                Skipped(f"{path}#{address}", f"the instance is not read: {reason}", span=instance.place.span)
            )
            continue
        place = instance.place
        yield mapping(
            place,
            [
                ("address", scalar(address, _named(resource, instance).place)),
                ("mode", scalar(mode, place)),
                ("type", scalar(kind, place)),
                ("values", attributes),
                ("sensitive_values", _marks(instance)),
            ],
        )


def _named(resource: Node, instance: Node) -> Node:
    """What names an instance in the file: its key, else the name of its resource."""
    return child(instance, "index_key") or child(resource, "name") or instance


def _key(index: Node | None) -> str:
    if not isinstance(index, Scalar) or index.kind == "null":
        return ""
    if index.kind == "number":
        return f"[{index.text}]"
    return '["' + index.text.replace("\\", "\\\\").replace('"', '\\"') + '"]'


# ---- what reports must not show -------------------------------------------------------------------------------------


def _marks(instance: Node) -> Node:
    """The sensitive values of an instance as a plan has them: `true` in their places."""
    attributes = child(instance, "attributes")
    found: dict[str, object] = {name: _secrets(child(attributes, name), keys) for name, keys in _SECRETS.items()}
    for path in items(child(instance, "sensitive_attributes")):
        steps = items(path)[:_DEEPEST]
        _add(found, [text(child(step, "value", "value")) or text(child(step, "value")) or "" for step in steps])
    return _marked(found, instance, attributes)


def _add(marks: dict[str, object], path: Sequence[str]) -> None:
    """Marks what stands at a path of names and indexes, unless it is marked as a part of more."""
    *outer, last = path or ("",)
    for step in outer:
        deeper = marks.setdefault(step, {})
        if not isinstance(deeper, dict):
            return
        marks = deeper
    marks[last] = True


def _secrets(node: Node | None, names: frozenset[str]) -> dict[str, object]:
    """The marks of what stands under one of these names in an attribute."""
    if isinstance(node, Mapping):
        return {one.key.text: one.key.text in names or _secrets(one.value, names) for one in node.entries}
    if isinstance(node, Scalar):
        return {}
    return {str(index): _secrets(one, names) for index, one in enumerate(items(node))}


def _marked(marks: object, at: Node, value: Node | None) -> Node:
    """Marks in the shape of the value that they are of."""
    if not isinstance(marks, dict):
        return Scalar("true", "boolean", at.place)
    if isinstance(value, Mapping) or value is None:
        pairs = [(scalar(name, at.place), _marked(one, at, child(value, name))) for name, one in marks.items()]
        return Mapping(tuple(Entry(*pair) for pair in pairs), at.place)
    within = items(value)[:_MOST_ITEMS]
    if isinstance(value, Scalar) or len(items(value)) > _MOST_ITEMS or not all(name.isdecimal() for name in marks):
        return Scalar("true", "boolean", at.place)
    false = Scalar("false", "boolean", at.place)
    listed = (_marked(marks[str(index)], at, one) if str(index) in marks else false for index, one in enumerate(within))
    return listing(at.place, listed)


def _to_hide(document: Mapping) -> Iterator[tuple[int, int]]:
    """All but the attributes that are read, and of these what is sensitive."""
    for entry in document.entries:
        if entry.key.text != "resources":
            yield from scalars(entry.value)
    for resource in items(document.get("resources")):
        kind = text(child(resource, "type")) or ""
        shown = (*arguments_of(kind), *_READ_ELSEWHERE.get(kind, ()))
        for instance in items(child(resource, "instances")):
            for part in entries(instance):
                if part.key.text == "attributes":
                    for one in entries(part.value):
                        if kind not in _ALL_READ and one.key.text not in shown:
                            yield from scalars(one.value)
                elif part.key.text != "index_key":
                    yield from scalars(part.value)
            yield from sensitive(child(instance, "attributes"), _marks(instance))
