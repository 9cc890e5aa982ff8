"""Which files an audit reads: those that are named, and in folders those that can be templates; never one outside."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.errors import NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import Skipped, Target
from policy_audit.model.node import Mapping
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import MAXIMUM_BYTES, parse, read_text
from policy_audit.sources.tree import child, entries, text

SUFFIXES: Final = (".yaml", ".yml", ".json", ".template")
PASSED_OVER: Final = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "cdk.out.tmp"})
"""Folders that hold other people's files. Names that start with a dot are passed over as well."""

TEMPLATE: Final = "CloudFormation template"


class Loaded(NamedTuple):
    """The templates of an audit with their text, and what could not be read."""

    documents: Sequence[tuple[str, Mapping]]
    texts: dict[str, str]
    targets: tuple[Target, ...]
    skipped: tuple[Skipped, ...]


def load(paths: Sequence[str]) -> Loaded:
    """Reads every template among `paths` (files, and folders with all that is below them).

    Raises AuditError for a path that does not exist, and when nothing at all is there to be audited.
    """
    documents: dict[str, Mapping] = {}
    texts: dict[str, str] = {}
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for path, named in _files(paths, skipped):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        try:
            content = read_text(path)
            texts[path] = content
            if not named and not _may_be_template(content):
                continue
            document = parse(content, path)
        except AuditError as error:
            if not named and path not in texts and _cannot_be_template(path):
                continue
            where = error.where or path
            skipped.append(Skipped(where, error.message, error.help, broken=True))
            continue
        if isinstance(document, Mapping) and _is_template(document):
            documents[path] = document
        elif named:
            reason = "this is no CloudFormation template: it declares no `Resources`"
            skipped.append(Skipped(path, reason, "name the templates, or the folder that holds them"))
    if not documents and not any(one.broken for one in skipped):
        named_files = "; ".join(f"{one.target}: {one.reason}" for one in skipped)
        raise AuditError(
            named_files or f"no CloudFormation template was found in {', '.join(paths)}",
            help="name a template, or a folder that holds some (*.yaml, *.yml, *.json, *.template)",
            exit_code=NOTHING_AUDITED,
        )
    targets = tuple(Target(path, TEMPLATE) for path in documents)
    return Loaded(tuple(documents.items()), {path: texts[path] for path in documents}, targets, tuple(skipped))


def _files(paths: Sequence[str], skipped: list[Skipped]) -> Iterator[tuple[str, bool]]:
    """Each file with whether it was named itself, named ones first; folders that can't be read go to `skipped`."""
    for path in sorted(paths, key=os.path.isdir):
        if os.path.isdir(path):
            yield from ((found, False) for found in _walk(path, skipped))
        elif os.path.lexists(path):
            yield os.path.normpath(path), True
        else:
            raise AuditError(f"`{path}` does not exist", help="check the path", exit_code=USAGE)


def _walk(folder: str, skipped: list[Skipped]) -> Iterator[str]:
    """The files below a folder that can be templates, sorted. A link that leads out of the folder is not followed."""

    def unread(error: OSError) -> None:
        reason = f"cannot read the folder: {(error.strerror or str(error)).lower()}"
        skipped.append(Skipped(os.path.normpath(error.filename), reason, "check its permissions", broken=True))

    inside = os.path.realpath(folder)
    for root, folders, files in os.walk(folder, onerror=unread):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in PASSED_OVER)
        for name in sorted(files):
            path = os.path.normpath(os.path.join(root, name))
            if not name.startswith(".") and name.endswith(SUFFIXES) and _within(path, inside):
                yield path


def _within(path: str, folder: str) -> bool:
    if not os.path.islink(path):
        return True
    return os.path.commonpath((os.path.realpath(path), folder)) == folder


def _cannot_be_template(path: str) -> bool:
    """Whether a file that is no readable text holds other data for sure: it is larger than any template, or lacks
    the words that each has."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, encoding="latin-1") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError):
        return False
    return len(content) > MAXIMUM_BYTES or not _may_be_template(content)


def _may_be_template(content: str) -> bool:
    """Whether a file is worth parsing: every template has these words."""
    return "Resources" in content and "::" in content and "Type" in content


def _is_template(document: Mapping) -> bool:
    if document.get("AWSTemplateFormatVersion") is not None and document.get("Resources") is not None:
        return True
    resources = document.get("Resources")
    return isinstance(resources, Mapping) and any(
        text(child(entry.value, "Type")) is not None or entry.key.text.startswith("Fn::ForEach::")
        for entry in entries(resources)
    )
