"""Functions of a configuration that read files: only those within the audited folders.

https://developer.hashicorp.com/terraform/language/functions/templatefile
"""

import os
import re
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.model.node import Node, Place, Scalar
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.hcl_parse import parse_template
from policy_audit.sources.terraform.hcl_syntax import Expression
from policy_audit.sources.terraform.hcl_values import RefusedError, UnsupportedError, boolean, text
from policy_audit.sources.terraform.instances import variable

CONTENTS: Final = frozenset(
    {"filebase64", "filebase64sha256", "filebase64sha512", "filemd5", "filesha1", "filesha256", "filesha512"}
)
"""Functions of a file's bytes: what they give says nothing of permissions, but the same file gives the same."""


class Files:
    """The files of one configuration, by the names that it calls them: relative to the folder of its root module."""

    def __init__(self, reach: Reach, folder: str) -> None:
        self.reach = reach
        self.folder = folder
        self._templates: dict[str, Expression] = {}

    def path(self, name: str) -> str:
        """The path of the file called `name`. Raises UnsupportedError for one out of reach, RefusedError for none."""
        if name.startswith("~"):
            raise UnsupportedError(f"the file `{name}` is outside the audited folders")
        try:
            path = self.reach.beside(os.path.join(self.folder, "x"), name)
        except AuditError as error:
            raise UnsupportedError(f"`{name}`: {error.message}") from None
        if not self.reach.holds(path):
            raise RefusedError(f"there is no file `{name}`")
        return path

    def whole(self, name: str) -> Scalar:
        """The text of a file, which is then no input by itself. Raises as `path` does."""
        path = self.path(name)
        try:
            found = self.reach.whole(path)
        except AuditError as error:
            raise UnsupportedError(f"`{name}`: {error.message}") from None
        self.reach.claim(path)
        return found

    def template(self, name: str) -> Expression:
        """The template that a file is. Raises as `path` does, and RefusedError for one that can't be parsed."""
        if name not in self._templates:
            source = self.whole(name).place.source
            try:
                self._templates[name] = parse_template(source)  # type: ignore[arg-type]
            except AuditError as error:
                raise RefusedError(f"`{name}`: {error.message} ({error.where})") from None
        return self._templates[name]

    def exists(self, name: str, place: Place) -> Node:
        """Whether there is such a file; raises UnsupportedError for one out of reach."""
        try:
            self.path(name)
        except RefusedError:
            return boolean(False, place)
        return boolean(True, place)

    def matching(self, folder: str, pattern: str, place: Place) -> list[Node]:
        """The names of the files below `folder` that match, sorted. Raises UnsupportedError beyond the bounds."""
        try:
            start = self.reach.beside(os.path.join(self.folder, "x"), folder)
        except AuditError as error:
            raise UnsupportedError(f"`{folder}`: {error.message}") from None
        expression = re.compile(_glob(pattern))
        found: list[str] = []
        count = 0
        for root, folders, names in os.walk(start):
            folders.sort()
            count += len(names) + len(folders)
            if count > 10_000:
                raise UnsupportedError("`fileset` goes over more than 10,000 files")
            below = os.path.relpath(root, start)
            shown = names if below == "." else [f"{below}/{name}" for name in names]
            found += [name for name in shown if expression.fullmatch(name)]
        return [text(name, place) for name in sorted(found)]

    def contents(self, function: str, name: str, place: Place) -> Node:
        """What a function of a file's bytes gives."""
        return variable(f'{function}("{name}")', place)


def _glob(pattern: str) -> str:
    """A pattern of `fileset` as a regular expression, which never has two repetitions beside each other."""
    if pattern.count("*") > 6:
        raise UnsupportedError("this pattern of `fileset` is not matched")
    parts = []
    for one in re.findall(r"\*\*/|\*+|\?|\{[^{}]*\}|[^*?{]+|\{", pattern):
        if one == "**/":
            parts.append("(?:[^/]++/)*+")
        elif one.startswith("*"):
            parts.append("[^/]*")
        elif one == "?":
            parts.append("[^/]")
        elif one.startswith("{") and len(one) > 1:
            parts.append("(?:" + "|".join(re.escape(word) for word in one[1:-1].split(",")) + ")")
        else:
            parts.append(re.escape(one))
    return "".join(parts)
