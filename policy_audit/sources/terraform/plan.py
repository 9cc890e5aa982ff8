"""Plans and states as `terraform show -json` prints them, to the instances that they hold.

https://developer.hashicorp.com/terraform/internals/json-format
"""

import os
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.configuration import Configuration
from policy_audit.sources.terraform.instances import Instance, Mode
from policy_audit.sources.terraform.open_values import Reading
from policy_audit.sources.terraform.resources import to_input
from policy_audit.sources.terraform.values import argument
from policy_audit.sources.tree import child, entries, items, text

PLAN: Final = "Terraform plan"
STATE: Final = "Terraform state"
_PLANNED: Final = "planned_values"


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The resources that a plan plans or a state has; None if the file is neither.

    Sensitive values, and all of the file that is not what is planned, are hidden from reports. Raises AuditError as
    `Reach.document` does.
    """
    document = reach.document(path)
    if not isinstance(document, Mapping):
        return None
    shown = _shown(document)
    if child(document, shown, "root_module") is None:
        return None
    found = instances(document, _beside(path, document, reach))
    reach.hide(path, _to_hide(document, shown))
    return (
        to_input(
            path,
            document.place,
            found,
            PLAN if shown == _PLANNED else STATE,
            pinned=_pinned(document, found),
            skipped=tuple(_incomplete(path, document)),
        ),
    )


def state_of(path: str, document: Mapping, resources: Sequence[Node], skipped: Sequence[Skipped]) -> Input:
    """The input that resources in the form of `terraform show -json` come to, of a state that is written otherwise."""
    place = document.place
    root = mapping(place, [("root_module", mapping(place, [("resources", listing(place, resources))]))])
    shown = mapping(place, [("format_version", scalar("1.0", place)), ("values", root)])
    found = instances(shown)
    return to_input(path, place, found, STATE, pinned=_pinned(shown, found), skipped=skipped)


def _beside(path: str, document: Mapping, reach: Reach) -> MappingOf[str, Instance]:
    """The instances as the `.tf` files in the plan's folder have them, if there are some."""
    folder = os.path.dirname(path) or "."
    try:
        if document.get(_PLANNED) is None or not any(one.endswith((".tf", ".tf.json")) for one in reach.names(folder)):
            return {}
        from policy_audit.sources.terraform.hcl import beside

        given = ((one.key.text, child(one.value, "value")) for one in entries(document.get("variables")))
        return beside(folder, reach, {name: value for name, value in given if value is not None})
    except AuditError:
        return {}


def _shown(document: Mapping) -> str:
    """The section with what is planned, or exists."""
    return "values" if document.get(_PLANNED) is None and document.get("format_version") is not None else _PLANNED


def instances(document: Node, written: MappingOf[str, Instance] = {}) -> tuple[Instance, ...]:
    """The instances that a plan plans or a state has, and data sources that were read before.

    `written` are instances by address as HCL has them, which tell what the plan leaves open.
    """
    return tuple(_instances(document, written)) if isinstance(document, Mapping) else ()


def _instances(document: Mapping, written: MappingOf[str, Instance]) -> Iterator[Instance]:
    configuration = Configuration(document.get("configuration"))
    changes = {text(child(one, "address")) or "": one for one in items(document.get("resource_changes"))}
    modules = [*_modules(child(document, _shown(document), "root_module"))]
    resources = [one for module in modules for one in items(child(module, "resources"))]
    addresses = frozenset(address for one in resources if (address := text(child(one, "address"))))
    reading = Reading(configuration, addresses, written)
    seen: set[str] = set()
    prior = child(document.get("prior_state"), "values", "root_module")
    before = (one for module in _modules(prior) for one in items(child(module, "resources")))
    for one in (*resources, *(one for one in before if text(child(one, "mode")) == "data")):
        given = child(one, "address")
        if not isinstance(given, Scalar) or given.text in seen:
            continue
        seen.add(given.text)
        unknown = child(changes.get(given.text), "change", "after_unknown")
        arguments = reading.arguments(one, given.text, unknown)
        mode: Mode = "data" if text(child(one, "mode")) == "data" else "managed"
        yield Instance(given.text, text(child(one, "type")) or "", mode, arguments, given.place)


def _modules(root: Node | None) -> Iterator[Node]:
    """The module and those in it; none if there is no module."""
    pending = [root] if root is not None else []
    while pending:
        module = pending.pop()
        yield module
        pending += reversed(items(child(module, "child_modules")))


def _pinned(document: Mapping, instances: Sequence[Instance]) -> dict[str, str]:
    """Partition, Region and account, each where all that tells it agrees."""
    regions = {*_regions(document)}
    partitions: set[str] = set()
    accounts: set[str] = set()
    for one in instances:
        if one.mode == "data":
            if one.type == "aws_caller_identity":
                accounts.add(_text(one, "account_id"))
            elif one.type == "aws_partition":
                partitions.add(_text(one, "partition"))
            elif one.type == "aws_region":
                regions.add(_text(one, "name"))
            continue
        parts = _text(one, "arn").split(":", 5)
        if one.type.startswith("aws_") and len(parts) == 6 and parts[0] == "arn":
            partitions.add(parts[1])
            regions.add(parts[3])
            accounts.add(parts[4] if parts[4] != "aws" else "")
    found = (("Partition", partitions), ("Region", regions), ("AccountId", accounts))
    return {f"AWS::{name}": one for name, given in found for one in given - {""} if len(given - {""}) == 1}


def _text(instance: Instance, name: str) -> str:
    return text(argument(instance, name)) or ""


def _regions(document: Mapping) -> Iterator[str]:
    """The Regions of the providers for AWS: written, or the value of a variable."""
    for provider in entries(child(document.get("configuration"), "provider_config")):
        if text(child(provider.value, "name")) != "aws":
            continue
        region = child(provider.value, "expressions", "region")
        yield text(child(region, "constant_value")) or ""
        for reference in items(child(region, "references")):
            name = (text(reference) or "").removeprefix("var.")
            yield text(child(document.get("variables"), name, "value")) or ""


def _incomplete(path: str, document: Mapping) -> Iterator[Skipped]:
    if text(document.get("errored")) == "true":
        help = "make a plan without errors"
        yield Skipped(path, "planning failed: resources may be missing from the plan", help, broken=True)
    elif text(document.get("complete")) == "false":
        help = "plan without `-target`, and again once this plan is applied"
        yield Skipped(path, "the plan is not complete: resources may be missing from it", help)


# ---- what reports must not show -------------------------------------------------------------------------------------


def _to_hide(document: Mapping, shown: str) -> Iterator[tuple[int, int]]:
    """The stretches of the file that may hold a secret: all values but those that are planned and not sensitive."""
    for entry in document.entries:
        if entry.key.text != shown:
            yield from scalars(entry.value)
            continue
        for part in entries(entry.value):
            if part.key.text != "root_module":
                yield from scalars(part.value)
                continue
            for module in _modules(part.value):
                for one in items(child(module, "resources")):
                    yield from sensitive(child(one, "values"), child(one, "sensitive_values"))


def scalars(node: Node) -> Iterator[tuple[int, int]]:
    """The stretches of all texts and numbers in a node."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            pending += [entry.value for entry in one.entries]
        elif isinstance(one, Scalar):
            if one.kind in ("string", "number"):
                yield one.place.start, one.place.end
        else:
            pending += one.items


def sensitive(value: Node | None, marks: Node | None) -> Iterator[tuple[int, int]]:
    """The scalars of a value that are marked, in whole or in part."""
    pending = [(value, marks)]
    while pending:
        value, marks = pending.pop()
        if value is None or marks is None:
            continue
        if isinstance(marks, Scalar):
            if marks.text == "true":
                yield from scalars(value)
        elif isinstance(marks, Mapping):
            pending += [(child(value, one.key.text), one.value) for one in marks.entries]
        else:
            pending += zip(items(value), marks.items, strict=False)
