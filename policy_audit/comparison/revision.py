"""Templates as a revision of a git repository has them, written to a folder: `git:main`, `git:HEAD~3:templates`."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.errors import USAGE, AuditError
from policy_audit.sources.document import MAXIMUM_BYTES

PREFIX: Final = "git:"
MOST_FILES: Final = 100_000
_PLAIN: Final = {"100644", "100755"}
"""Modes of plain files. Links and submodules are left out: they lead elsewhere."""


def split(text: str, other: str) -> tuple[str, str]:
    """Revision and path of `git:REV` or `git:REV:PATH`; without a path, that of the `other` side is meant."""
    revision, _, path = text.removeprefix(PREFIX).partition(":")
    if not path:
        path = "." if other.startswith(PREFIX) else other
    return revision, path


def write(revision: str, path: str, folder: str) -> str:
    """Writes the files at `path`, relative to the current folder, as `revision` has them, below `folder`.

    Returns where `path` is there, which does not exist if the revision has no such path. Nothing is checked out, and no
    filter or hook of the repository runs. Raises AuditError for what is no repository or no revision.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    prefix = _git("rev-parse", "--show-prefix").decode().strip()
    wanted = os.path.normpath(os.path.join(prefix, path))
    if wanted.startswith(("..", "/")):
        raise AuditError(f"`{path}` is outside the repository", help="give a path within it", exit_code=USAGE)
    listed = _git("ls-tree", "-r", "-z", "--full-tree", "--long", commit, "--", "." if wanted == "." else wanted)
    entries = [entry for entry in listed.decode("utf-8", "surrogateescape").split("\0") if entry]
    if len(entries) > MOST_FILES:
        raise AuditError(f"`{path}` has more than {MOST_FILES} files", help="compare a smaller folder", exit_code=USAGE)
    blobs = [
        (name, identity)
        for entry in entries
        for (mode, _, identity, size), name in [(entry.partition("\t")[0].split(), entry.partition("\t")[2])]
        if mode in _PLAIN and int(size) <= MAXIMUM_BYTES
    ]
    for name, content in _contents(blobs):
        file = os.path.join(folder, name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "xb") as written:
            written.write(content)
    return os.path.join(folder, wanted)


def _contents(blobs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each blob."""
    output = _git("cat-file", "--batch", input="".join(f"{identity}\n" for _, identity in blobs).encode())
    at = 0
    for name, _ in blobs:
        end = output.index(b"\n", at)
        size = int(output[at:end].split()[2])
        yield name, output[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _git(*arguments: str, input: bytes | None = None) -> bytes:
    try:
        ended = subprocess.run(["git", *arguments], input=input, capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise AuditError(f"git cannot be run: {(error.strerror or str(error)).lower()}", help="install git") from None
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[0].removeprefix("fatal: ") if said else "there is no such revision"
        raise AuditError(f"git: {reason}", help="write git:REVISION or git:REVISION:PATH, within a repository")
    return ended.stdout
