"""Which of several things of one name a file means: those that it has itself, else those beside it, else all.

Copies of a template, such as one folder for each environment, give the same names to resources that never are in one
account together.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Nearest(Generic[T]):
    """Things by a name that several may have, each with the path of its file; found without a look at every one."""

    __slots__ = ("_all", "_near")

    def __init__(self) -> None:
        self._all: dict[str, list[T]] = {}
        self._near: dict[tuple[str, str], list[T]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def add(self, name: str, path: str, one: T) -> None:
        """Adds a thing that the file at `path` has."""
        self._all.setdefault(name, []).append(one)
        for where in (path, folder(path)):
            self._near.setdefault((name, where), []).append(one)

    def of(self, name: str, path: str) -> list[T]:
        """What has this name, nearest to the file at `path`."""
        return self._near.get((name, path)) or self._near.get((name, folder(path))) or self._all.get(name) or []

    def count(self, name: str) -> int:
        """How many things have this name, wherever they stand."""
        return len(self._all.get(name, ()))


def folder(path: str) -> str:
    """The folder of the file at `path`, with a slash."""
    return path.rpartition("/")[0] + "/"
