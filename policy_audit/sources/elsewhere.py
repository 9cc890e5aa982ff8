"""What the templates of other estates may have to do with any one: what they attach to something that is not known.

A policy for a role whose name is a parameter may be anybody's. It is told with each role that it may be attached to,
wherever its own template is audited.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Literal

from policy_audit.model.value import Shape
from policy_audit.record import NamedTuple

Kind = Literal["API", "bus", "grant", "group", "own policy", "role"]
"""What is attached: parts of APIs, policies of buses, such as may let roles in, rules of security groups, policies of
queues, topics and functions, policies of roles."""


class Unplaced(NamedTuple):
    """Something that is attached to what is not known, or that no template declares."""

    to: str
    """What can be said of that: a service, a kind of API, the name of a role; empty for nothing."""
    told: str
    """How the report names it, or a clause that says it."""


NameForm = Shape | tuple[str, str]
"""What is known of a name that is open: its shape, or how it begins and ends."""


def may_be(form: NameForm, name: str) -> bool:
    """Whether an open name of this form may be `name`, which is written out."""
    if isinstance(form, Shape):
        return form.admits(name)
    return name.startswith(form[0]) and name.endswith(form[1])


class ByRole:
    """Policies by the names of roles that no template declares: found without a look at every one."""

    def __init__(self, found: Iterable[Unplaced] = ()) -> None:
        self._found = sorted(found)
        self._reversed = sorted((one.to[::-1], one) for one in self._found)
        self._known: dict[NameForm, tuple[Unplaced, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def of(self, form: NameForm) -> tuple[Unplaced, ...]:
        """The policies of the roles that one with a name of this form may be."""
        if form not in self._known:
            self._known[form] = tuple(one for one in self._alike(form) if may_be(form, one.to))
        return self._known[form]

    def _alike(self, form: NameForm) -> Iterator[Unplaced]:
        if isinstance(form, Shape):
            yield from self._found
            return
        start, end = form[0], form[1][::-1]
        if len(start) >= len(end):
            first = bisect_left(self._found, start, key=lambda one: one.to)
            yield from takewhile(lambda one: one.to.startswith(start), islice(self._found, first, None))
        else:
            first = bisect_left(self._reversed, end, key=lambda one: one[0])
            alike = takewhile(lambda one: one[0].startswith(end), islice(self._reversed, first, None))
            yield from (one for _, one in alike)


class Elsewhere(NamedTuple):
    """What other estates have that may concern any."""

    unplaced: Mapping[Kind, tuple[Unplaced, ...]] = {}
    """By kind; those of roles whose names are written out are in `by_role`."""
    has_private_apis: bool = False
    """Whether there is a private API, or a private domain name."""
    by_role: ByRole = ByRole()
    """Those of all estates together."""
    own: frozenset[Unplaced] = frozenset()
    """What of `by_role` is no other estate's."""

    def of(self, kind: Kind) -> tuple[Unplaced, ...]:
        """What of this kind is unplaced, in the order of the files."""
        return self.unplaced.get(kind, ())

    def of_roles(self, form: NameForm) -> tuple[tuple[str, ...], int]:
        """The policies that a role with a name of this form may have by that name: three of them, and how many."""
        found = self.by_role.of(form)
        others = (one.told for one in found if one not in self.own)
        return tuple(islice(others, 3)), len(found) - sum(may_be(form, one.to) for one in self.own)


def in_any(found: Sequence[Mapping[Kind, tuple[Unplaced, ...]]]) -> Mapping[Kind, tuple[Unplaced, ...]]:
    """What is unplaced in any of several, each once."""
    kinds = dict.fromkeys(kind for one in found for kind in one)
    return {kind: tuple(dict.fromkeys(each for one in found for each in one.get(kind, ()))) for kind in kinds}


def around(found: Sequence[Mapping[Kind, tuple[Unplaced, ...]]], private: bool) -> Iterator[Elsewhere]:
    """What is around each of several estates: what all the others have. `private` tells of private APIs in any."""
    named = [frozenset(each for each in one.get("role", ()) if each.to) for one in found]
    by_role = ByRole(each for one in named for each in one)
    found = [_without(one, own) if own else one for one, own in zip(found, named, strict=True)]
    every: dict[Kind, tuple[Unplaced, ...]] = {}
    for kind in dict.fromkeys(kind for one in found for kind in one):
        every[kind] = tuple(each for one in found for each in one.get(kind, ()))
    starts = dict.fromkeys(every, 0)
    for one, own in zip(found, named, strict=True):
        # Most have nothing of their own, and share what there is.
        others = {}
        for kind, each in every.items():
            start, mine = starts[kind], len(one.get(kind, ()))
            others[kind] = each[:start] + each[start + mine :] if mine else each
            starts[kind] += mine
        yield Elsewhere(others, private, by_role, own)


def _without(found: Mapping[Kind, tuple[Unplaced, ...]], own: frozenset[Unplaced]) -> dict[Kind, tuple[Unplaced, ...]]:
    return {
        kind: tuple(one for one in each if one not in own) if kind == "role" else each for kind, each in found.items()
    }
