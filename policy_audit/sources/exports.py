"""Finds the export that an imported name means, when one of them holds the name of a stack that is not known."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from policy_audit.model.value import has_letters

_LETTERS = "[\U000f0000-\U0010fffd]+"


class Exports:
    """The names of all exports of an estate, by how they end."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        tails = [(_ends(name)[1], name) for name in sorted(self._names)]
        self._reversed = sorted((tail[::-1], name) for tail, name in tails if tail)
        self._open: dict[str, list[str]] = {}
        for tail, name in tails:
            if tail and has_letters(name):
                self._open.setdefault(tail, []).append(name)

    def meant(self, name: str) -> Iterator[str]:
        """The exports that `name` may be: the one of exactly this name, else all that begin and end like it.

        What is open stands before the end, which both must have: `${AWS::StackName}-Arn` may be `infra-Arn`.
        """
        return iter((name,)) if name in self._names else self.like(name)

    def like(self, name: str) -> Iterator[str]:
        """The exports that begin and end like `name`, which is none of them, or is open; each once."""
        start, tail = _ends(name)
        seen: set[str] = set()
        for one in self._ending_alike(name, tail) if tail else ():
            if one not in seen and _begin_alike(start, _ends(one)[0]):
                seen.add(one)
                yield one

    def _ending_alike(self, name: str, tail: str) -> Iterator[str]:
        for at in range(len(tail)):
            yield from self._open.get(tail[at:], ())
        if has_letters(name):
            yield from self._ending(tail)

    def _ending(self, tail: str) -> Iterator[str]:
        """The exports whose literal end ends in `tail`."""
        wanted = tail[::-1]
        for at in range(bisect_left(self._reversed, (wanted, "")), len(self._reversed)):
            if not self._reversed[at][0].startswith(wanted):
                return
            yield self._reversed[at][1]


def _ends(name: str) -> tuple[str, str]:
    """What stands before the first open part of a name, and after the last; both the name itself if nothing is open."""
    parts = re.split(_LETTERS, name)
    return parts[0], parts[-1]


def _begin_alike(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)
