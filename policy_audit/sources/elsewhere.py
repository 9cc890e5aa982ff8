"""What the templates of other estates may have to do with any one: what they attach to something that is not known.

A policy for a role whose name is a parameter may be anybody's. It is told with each role that it may be attached to,
wherever its own template is audited.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

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


class Elsewhere(NamedTuple):
    """What other estates have that may concern any."""

    unplaced: Mapping[Kind, tuple[Unplaced, ...]] = {}
    has_private_apis: bool = False
    """Whether there is a private API, or a private domain name."""

    def of(self, kind: Kind) -> tuple[Unplaced, ...]:
        """What of this kind is unplaced, in the order of the files."""
        return self.unplaced.get(kind, ())

    def joined(self, other: "Elsewhere") -> "Elsewhere":
        """What is in either, each once."""
        kinds = dict.fromkeys((*self.unplaced, *other.unplaced))
        both = {kind: tuple(dict.fromkeys((*self.of(kind), *other.of(kind)))) for kind in kinds}
        return Elsewhere(both, self.has_private_apis or other.has_private_apis)


def around(found: Sequence[Elsewhere]) -> Iterator[Elsewhere]:
    """What is around each of several estates: what all the others have. Of private APIs each knows its own as well."""
    every: dict[Kind, tuple[Unplaced, ...]] = {}
    for kind in dict.fromkeys(kind for one in found for kind in one.unplaced):
        every[kind] = tuple(each for one in found for each in one.of(kind))
    private = any(one.has_private_apis for one in found)
    starts = dict.fromkeys(every, 0)
    for one in found:
        # Most have nothing of their own, and share what there is.
        others = {}
        for kind, each in every.items():
            start, own = starts[kind], len(one.of(kind))
            others[kind] = each[:start] + each[start + own :] if own else each
            starts[kind] += own
        yield Elsewhere(others, private)
