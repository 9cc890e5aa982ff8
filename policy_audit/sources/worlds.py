"""The cases of an estate: each combination of the values that its templates' conditions compare with, as one world."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from math import prod
from typing import TYPE_CHECKING

from policy_audit.record import NamedTuple
from policy_audit.sources.scope import assumed

if TYPE_CHECKING:
    from policy_audit.sources.estate import Estate

MAXIMUM_WORLDS = 64
"""How many combinations of conditions are looked at; beyond, the audit says so."""


class World(NamedTuple):
    """One combination of cases: the values of symbols that conditions compare with something.

    A symbol that is not in `values` has none of those that it is compared with; `others` are the ones known when the
    world was made.
    """

    values: Mapping[str, str]
    others: tuple[str, ...] = ()
    chosen: Mapping[str, str] = {}
    """The keys of mappings that symbols are taken for, which stay symbols everywhere else."""

    @property
    def told(self) -> Mapping[str, str]:
        """Both together, as a reader is told of the world."""
        return {**self.values, **self.chosen}


def worlds(estates: Sequence["Estate"]) -> Iterator[World]:
    """Every combination of the cases of all `estates`, which go over to each before it is given out.

    Looking at one may bring new ones. The first world assumes that no compared symbol has a value that it is compared
    with. Ends after `MAXIMUM_WORLDS`, and says so in `unfinished`.
    """

    def over_to(world: World) -> World:
        for estate in estates:
            estate.assume(world)
        return world

    seen = {assumed({}, {})}
    yield over_to(World({}))
    while True:
        unseen = (world for world in _combinations(estates) if assumed(world.values, world.chosen) not in seen)
        fresh = list(islice(unseen, MAXIMUM_WORLDS))
        if not fresh:
            return
        for world in fresh:
            if assumed(world.values, world.chosen) in seen:
                continue
            if len(seen) >= MAXIMUM_WORLDS:
                for estate in estates:
                    estate.unfinished = f"only {MAXIMUM_WORLDS} combinations of the templates' conditions were audited"
                return
            seen.add(assumed(world.values, world.chosen))
            yield over_to(world)


def _combinations(estates: Sequence["Estate"]) -> Iterator[World]:
    splits: dict[str, list[str]] = {}
    for estate in estates:
        for letter, values in estate.splits().items():
            known = splits.setdefault(letter, [])
            known += [value for value in values if value not in known]
    if prod(len(values) + 1 for values in splits.values()) > MAXIMUM_WORLDS:
        yield from _fewest_first(splits, [one.scope.splits for estate in estates for one in estate.templates])
        return
    chosen: list[World] = [World({})]
    for letter, values in sorted(splits.items()):
        chosen = [
            *(World(one.values, (*one.others, letter)) for one in chosen),
            *(World({**one.values, letter: value}, one.others) for one in chosen for value in values),
        ]
    choices = {letter: [*keys] for estate in estates for letter, keys in estate.choices().items()}
    for letter, keys in sorted(choices.items()):
        if letter not in splits:
            chosen += [one._replace(chosen={**one.chosen, letter: key}) for one in chosen for key in keys]
    yield from chosen


def _fewest_first(splits: Mapping[str, list[str]], together: Sequence[Collection[str]]) -> Iterator[World]:
    """The combinations where there are too many for all: each case by itself, then those of several.

    Of these, first the ones of symbols that one template compares: `together` are these symbols by template.
    """
    groups = [[letter for letter in sorted(one) if letter in splits] for one in together]
    for each in (groups, [sorted(splits)]):
        for size in range(1, max(map(len, each), default=0) + 1):
            for some in (found for group in each for found in combinations(group, size)):
                others = tuple(letter for letter in splits if letter not in some)
                for values in product(*(splits[letter] for letter in some)):
                    yield World(dict(zip(some, values, strict=True)), others)


def matters(letter: str, holding: Sequence[Mapping[str, str]], asked: Sequence[Mapping[str, str]]) -> bool:
    """Whether some world where a thing holds differs in `letter` alone from one where it does not."""

    def rest(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((key, value) for key, value in values.items() if key != letter))

    holds = {(rest(values), values.get(letter)) for values in holding}
    around = {one for one, _ in holds}
    return any(rest(values) in around and (rest(values), values.get(letter)) not in holds for values in asked)
