"""Cloud assemblies, which `cdk synth` writes: every stack with its name, environment, assets and construct paths.

https://github.com/aws/aws-cdk/tree/main/packages/%40aws-cdk/cloud-assembly-schema
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model import node as tree
from policy_audit.model.node import Entry, Node, Scalar
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.build import scalar
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.templates import is_template
from policy_audit.sources.tree import child, entries, items, text

FORM: Final = "CDK stack"
_STACK: Final = "aws:cloudformation:stack"
_ASSEMBLY: Final = "cdk:cloud-assembly"
_DEEPEST: Final = 5
_ENVIRONMENT: Final = re.compile("aws://([0-9]{12}|unknown-account)/([a-z0-9-]+)")
_FRAME: Final = re.compile(r"\(([^()]{1,500}):(\d{1,7}):(\d{1,5})\)\Z")


class Stack(NamedTuple):
    """What an assembly tells of one stack beside its template."""

    names: Mapping[str, str]
    written: Mapping[str, Span]
    assets: Mapping[str, str]
    """By the key of an asset in its bucket, the file that it is made from."""


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """Every stack of the assembly whose manifest is at `path`, nested assemblies included; None for another file.

    Raises AuditError for a manifest that can't be parsed; a stack whose template can't be read is told as broken.
    """
    if os.path.basename(path) != "manifest.json":
        return None
    manifest = reach.document(path)
    if not isinstance(manifest, tree.Mapping) or not isinstance(manifest.get("artifacts"), tree.Mapping):
        return None
    return tuple(_assembly(path, manifest, reach, 0))


def _assembly(path: str, manifest: tree.Mapping, reach: Reach, depth: int) -> Iterator[Input]:
    reach.claim_folder(os.path.dirname(path) or ".")
    for entry in entries(manifest.get("artifacts")):
        kind, properties = text(child(entry.value, "type")), child(entry.value, "properties")
        if kind == _STACK:
            yield from _stack(path, entry, manifest, reach)
        elif kind == _ASSEMBLY and depth < _DEEPEST:
            inner = reach.beside(path, os.path.join(text(child(properties, "directoryName")) or ".", "manifest.json"))
            found = reach.document(inner) if reach.holds(inner) else None
            if isinstance(found, tree.Mapping):
                yield from _assembly(inner, found, reach, depth + 1)


def _stack(path: str, artifact: Entry, manifest: tree.Mapping, reach: Reach) -> Iterator[Input]:
    properties = child(artifact.value, "properties")
    try:
        template = reach.beside(path, text(child(properties, "templateFile")) or f"{artifact.key.text}.template.json")
        body = reach.document(template)
    except AuditError as error:
        place = artifact.key.place
        told = Skipped(error.where or str(place.span), error.message, error.help, broken=True)
        yield Input(path, tree.Mapping((), place), FORM, skipped=(told,))
        return
    if not isinstance(body, tree.Mapping) or not is_template(body):
        return
    stack = _told(path, artifact, manifest, reach)
    yield Input(
        template,
        _with_assets(body, stack.assets, template, reach),
        FORM,
        stack=text(child(properties, "stackName")) or artifact.key.text,
        pinned=_environment(text(child(artifact.value, "environment")) or ""),
        names=stack.names,
        written=stack.written,
    )


def _environment(environment: str) -> dict[str, str]:
    """Account and Region, where the app names them."""
    found = _ENVIRONMENT.fullmatch(environment)
    if found is None:
        return {}
    account, region = found.groups()
    pinned = {} if account == "unknown-account" else {"AWS::AccountId": account}
    return pinned if region == "unknown-region" else pinned | {"AWS::Region": region}


def _told(path: str, artifact: Entry, manifest: tree.Mapping, reach: Reach) -> Stack:
    names: dict[str, str] = {}
    written: dict[str, Span] = {}
    for construct in _metadata(path, artifact, reach):
        facts = {text(child(one, "type")): child(one, "data") for one in items(construct.value)}
        logical_id = text(facts.get("aws:cdk:logicalId"))
        if logical_id is None:
            continue
        names[logical_id] = construct.key.text.lstrip("/")
        place = _written(facts.get("aws:cdk:creationStack"))
        if place is not None:
            written[logical_id] = place
    return Stack(names, written, dict(_assets(path, artifact, manifest, reach)))


def _metadata(path: str, artifact: Entry, reach: Reach) -> Iterator[Entry]:
    """What the assembly says of each construct: in the manifest, or in a file of its own beside it."""
    yield from entries(child(artifact.value, "metadata"))
    name = text(child(artifact.value, "additionalMetadataFile"))
    if name is not None:
        file = reach.beside(path, name)
        if reach.holds(file):
            yield from entries(reach.document(file))


def _written(frames: Node | None) -> Span | None:
    """The line of the app that made the construct: the first frame of the stack that is none of the CDK's own."""
    for frame in items(frames):
        found = _FRAME.search(text(frame) or "")
        if found is not None and "node_modules" not in found[1] and not found[1].startswith("node:"):
            file = os.path.relpath(found[1]) if os.path.isabs(found[1]) else found[1]
            line, column = int(found[2]), int(found[3])
            return Span(found[1] if file.startswith("..") else file, line, column, line, column)
    return None


def _assets(path: str, artifact: Entry, manifest: tree.Mapping, reach: Reach) -> Iterator[tuple[str, str]]:
    """Key in the bucket and file of every asset that the stack depends on."""
    for dependency in items(child(artifact.value, "dependencies")):
        name = text(child(manifest.get("artifacts"), text(dependency) or "", "properties", "file"))
        file = reach.beside(path, name) if name else ""
        if not file or not reach.holds(file):
            continue
        for asset in entries(child(reach.document(file), "files")):
            source = text(child(asset.value, "source", "path"))
            for destination in entries(child(asset.value, "destinations")):
                key = text(child(destination.value, "objectKey"))
                if source is not None and key is not None:
                    yield key, source


def _with_assets(body: tree.Mapping, assets: Mapping[str, str], path: str, reach: Reach) -> tree.Mapping:
    """The template with the text of definitions that it has uploaded as assets."""
    resources = body.get("Resources")
    if not assets or not isinstance(resources, tree.Mapping):
        return body
    changed = [one._replace(value=_with_files(one.value, assets, path, reach)) for one in resources.entries]
    whole = resources._replace(entries=tuple(changed))
    return body._replace(
        entries=tuple(one._replace(value=whole) if one.key.text == "Resources" else one for one in body.entries)
    )


def _with_files(resource: Node, assets: Mapping[str, str], path: str, reach: Reach) -> Node:
    """A state machine with the text of its definition, a nested stack with the file of its template."""
    kind = text(child(resource, "Type"))
    if kind == "AWS::StepFunctions::StateMachine":
        name = assets.get(text(child(resource, "Properties", "DefinitionS3Location", "Key")) or "")
        file = reach.beside(path, name) if name else ""
        if file and reach.holds(file):
            return _with_property(resource, "DefinitionS3Location", "DefinitionFile", reach.whole(file))
    if kind == "AWS::CloudFormation::Stack":
        address = child(resource, "Properties", "TemplateURL")
        written = [one.text.rpartition("/")[2] for one in _scalars(address)]
        name = next((assets[key] for key in written if key in assets), None)
        if name is not None and address is not None:
            return _with_property(resource, "TemplateURL", "TemplateURL", scalar(name, address.place))
    return resource


def _scalars(node: Node | None) -> Iterator[Scalar]:
    """The scalars of an address that a function puts together."""
    if isinstance(node, Scalar):
        yield node
    elif node is not None:
        parts = node.items if isinstance(node, tree.Sequence) else [one.value for one in node.entries]
        for part in parts:
            yield from _scalars(part)


def _with_property(resource: Node, old: str, new: str, value: Node) -> Node:
    """The resource with the property `new` in the place of `old`."""
    properties = child(resource, "Properties")
    assert isinstance(resource, tree.Mapping) and isinstance(properties, tree.Mapping)
    kept = tuple(Entry(one.key._replace(text=new), value) if one.key.text == old else one for one in properties.entries)
    whole = properties._replace(entries=kept)
    return resource._replace(
        entries=tuple(one._replace(value=whole) if one.key.text == "Properties" else one for one in resource.entries)
    )
