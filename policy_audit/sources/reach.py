"""Which files an audit may open beside the named ones: those of the audited folders, each read once."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.model.node import Node, Place, Scalar
from policy_audit.shelf import Texts
from policy_audit.sources.document import read_text
from policy_audit.sources.nodes import parse
from policy_audit.sources.places import File
from policy_audit.unchanged import looked_at

ROOM: Final = 1 << 19
"""How many characters of files, and of what is made of them, stay in memory; what is beyond goes to disk."""


class Reach:
    """The files that may be opened: those below the audited folders, and below the folders of files that were named.

    A template comes from a pull request: what it names elsewhere (`../../.ssh/id_rsa`, a link that leads out) is
    refused, and the refusal is told.
    """

    def __init__(
        self,
        paths: Sequence[str],
        policies_are: str = "",
        parameters: Mapping[str, str] = {},
        instead: Mapping[str, str] = {},
    ) -> None:
        self.parameters = parameters
        """Values that the user gave to parameters and variables, by name."""
        self.found: tuple[str, ...] = ()
        """The files of a known form among the audited ones."""
        self.policies_are = policies_are
        """What the user says that policy documents by themselves are: `identity`, `trust`, …; empty for "see for
        yourself"."""
        folders = (path if os.path.isdir(path) else os.path.dirname(path) or "." for path in paths)
        self._roots = tuple(dict.fromkeys(os.path.realpath(folder) for folder in folders))
        self._named: set[str] = set()
        self._instead = instead
        """Texts in the place of what files hold, by path."""
        self.texts = Texts(ROOM)
        """The text of every file that was read, by its path."""
        self.read = 0
        """How many characters were read so far."""
        self.masked: set[str] = set()
        """The paths of those texts that `hide` has changed."""
        self._parsed: tuple[str, Node] | None = None
        self._claimed: set[str] = set()
        self._folders: set[str] = set()

    def allow(self, path: str) -> None:
        """Lets a file be opened that the user named, wherever a link leads."""
        self._named.add(os.path.realpath(path))

    def text(self, path: str) -> str:
        """The text of the file at `path`. Raises AuditError for one that is out of reach or can't be read."""
        if path not in self.texts:
            self._refuse(path)
            found = self._instead[path] if path in self._instead else read_text(path)
            self.read += len(found)
            self.texts[path] = found
            return found
        return self.texts[path]

    def whole(self, path: str) -> Scalar:
        """The whole text of the file as one scalar with its place there. Raises AuditError as `text` does."""
        content = self.text(path).removeprefix("\ufeff")
        return Scalar(content, "string", Place(File(path, content, "value"), 0, len(content)))

    def document(self, path: str) -> Node:
        """The YAML or JSON document in the file, parsed once. Raises AuditError as `text` and `nodes.parse` do."""
        if self._parsed is None or self._parsed[0] != path:
            self._parsed = (path, parse(self.text(path), path))
        return self._parsed[1]

    def hide(self, path: str, stretches: Iterable[tuple[int, int]]) -> None:
        """Keeps stretches of a file's text, from and to a character, out of what reports show of it.

        A mask is as wide as what it covers, and lines stay what they are.
        """
        self.masked.add(path)
        content = self.texts[path]
        bom = len(content) - len(content.removeprefix("\ufeff"))
        parts: list[str] = []
        at = 0
        for start, end in sorted(stretches):
            start, end = max(start + bom, at), end + bom
            if start < end:
                parts += (content[at:start], re.sub(r"[^\r\n]", "*", content[start:end]))
                at = end
        self.texts[path] = "".join((*parts, content[at:]))

    def forget(self, path: str) -> None:
        """Drops the text of a file that turned out to be of no known form."""
        self.texts.pop(path, None)

    def beside(self, path: str, name: str) -> str:
        """The path of the file that the file at `path` calls `name`. Raises AuditError if it is out of reach."""
        found = os.path.normpath(os.path.join(os.path.dirname(path), name))
        self._refuse(found)
        return found

    def holds(self, path: str) -> bool:
        """Whether the file is there and may be opened."""
        looked_at(path)
        return self._within(path) and os.path.isfile(path)

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of what is in a folder, sorted; none if it can't be read. Raises AuditError if it is outside."""
        self._refuse(folder)
        try:
            return tuple(sorted(os.listdir(folder)))
        except OSError:
            return ()

    def is_within(self, path: str) -> bool:
        """Whether a path leads to what may be opened."""
        return self._within(path)

    def claim(self, path: str) -> None:
        """Keeps a file from being read by itself."""
        self._claimed.add(os.path.realpath(path))

    def claim_folder(self, path: str) -> None:
        """Keeps every file below a folder from being read by itself."""
        self._folders.add(os.path.join(os.path.realpath(path), ""))

    def is_claimed(self, path: str) -> bool:
        """Whether the file belongs to a form of several files."""
        real = os.path.realpath(path)
        return real in self._claimed or any(real.startswith(folder) for folder in self._folders)

    def _within(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real in self._named or any(os.path.commonpath((real, root)) == root for root in self._roots)

    def _refuse(self, path: str) -> None:
        if not self._within(path):
            raise AuditError(
                "this file is outside the audited folders, and is not opened",
                where=path,
                help="audit a folder that holds both files",
                exit_code=INCOMPLETE,
            )
