"""Which files an audit reads: those that are named, and in folders those of a known form; never one outside."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.errors import NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import Skipped, Target
from policy_audit.record import NamedTuple
from policy_audit.sources.document import MAXIMUM_BYTES
from policy_audit.sources.forms import FORMS, SUFFIXES, TEMPLATES, Form
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach

PASSED_OVER: Final = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "cdk.out.tmp"})
"""Folders that hold other people's files. Names that start with a dot are passed over as well."""


class Loaded(NamedTuple):
    """The documents of an audit, the text of every file that was read for them, and what could not be read."""

    inputs: tuple[Input, ...]
    texts: dict[str, str]
    targets: tuple[Target, ...]
    skipped: tuple[Skipped, ...]


def load(paths: Sequence[str]) -> Loaded:
    """Reads every file of a known form among `paths` (files, and folders with all that is below them).

    Raises AuditError for a path that does not exist, and when nothing at all is there to be audited.
    """
    skipped: list[Skipped] = []
    reach = Reach(paths)
    candidates = _distinct(_files(paths, skipped))
    inputs: list[Input] = []
    for form in (one for one in FORMS if one.first):
        for path, _ in candidates:
            if path.endswith(form.suffixes):
                inputs += _read(path, (form,), reach, skipped, named=False) or ()
    for path, named in candidates:
        if os.path.realpath(path) not in reach.claimed:
            inputs += _read(path, [one for one in FORMS if not one.first], reach, skipped, named) or ()
    if not inputs and not any(one.broken for one in skipped):
        named_files = "; ".join(f"{one.target}: {one.reason}" for one in skipped)
        raise AuditError(
            named_files or f"no CloudFormation template was found in {', '.join(paths)}",
            help=f"name a template, or a folder that holds some ({', '.join(f'*{one}' for one in SUFFIXES)})",
            exit_code=NOTHING_AUDITED,
        )
    targets = tuple(Target(one.path, one.form) for one in inputs)
    return Loaded(tuple(inputs), reach.texts, targets, tuple(skipped))


def _distinct(files: Iterator[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Each file once, whatever the ways that lead to it."""
    found: dict[str, tuple[str, bool]] = {}
    for path, named in files:
        found.setdefault(os.path.realpath(path), (path, named))
    return list(found.values())


def _read(
    path: str, forms: Sequence[Form], reach: Reach, skipped: list[Skipped], named: bool
) -> Sequence[Input] | None:
    """What the file comes to in the first of `forms` that knows it; None, and a word in `skipped`, if none does.

    A file that was named itself is told of when it is no document, one of a folder only when it should be one.
    """
    readable = False
    try:
        content = _text(path, reach, named)
        readable = True
        tried = [form for form in forms if form.may_be(path, content)]
        for form in tried or ([TEMPLATES] if named else []):
            found = form.read(path, content, reach)
            if found is not None:
                reach.claim(path)
                return found
        reach.forget(path)
    except AuditError as error:
        reach.forget(path)
        if named or readable or not _cannot_be_input(path, forms):
            skipped.append(Skipped(error.where or path, error.message, error.help, broken=True))
        return None
    if named:
        reason = "this is no CloudFormation template: it declares no `Resources`"
        skipped.append(Skipped(path, reason, "name the templates, or the folder that holds them"))
    return None


def _text(path: str, reach: Reach, named: bool) -> str:
    """The file's text. A file that the user named is opened wherever a link leads."""
    if named:
        reach.allow(path)
    return reach.text(path)


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


def _cannot_be_input(path: str, forms: Sequence[Form]) -> bool:
    """Whether a file that is no readable text holds other data for sure: it is larger than any template, or lacks
    the words that each form has."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, encoding="latin-1") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError):
        return False
    return len(content) > MAXIMUM_BYTES or not any(form.may_be(path, content) for form in forms)
