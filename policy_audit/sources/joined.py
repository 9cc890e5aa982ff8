"""Joins templates that have ties, in turns: what is nested, what is imported, what is named."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import TypeVar

from policy_audit.model.nearest import folder
from policy_audit.options import Options
from policy_audit.sources.elsewhere import Kind, Unplaced, around, in_any
from policy_audit.sources.estate import Estate, said
from policy_audit.sources.exports import Exports
from policy_audit.sources.inputs import Input
from policy_audit.sources.literal_arns import LiteralArns
from policy_audit.sources.separate import Separated, Sketch
from policy_audit.sources.ties import OPEN, Imports, Ties, imports, ties
from policy_audit.sources.unplaced import ever_unplaced

T = TypeVar("T")


def joined(
    inputs: Sequence[Input], sketches: Sequence[Sketch], turns: Sequence[Options], arns: LiteralArns
) -> Separated:
    """The inputs as estates without a tie, in any of the `turns`; `arns` are those of all inputs."""
    groups = _Groups(len(inputs))
    owners = _join_families(sketches, groups)
    separations = [_Separation(inputs, sketches, groups, arns, options) for options in turns]
    linked = [each for one in separations for each in one.join_linked()]
    for one in separations:
        one.join_tied()
    exports = Counter(name for name, _ in {at for one in linked for at in one.exports.ever})
    open_things = [in_any(each) for each in zip(*(one.unplaced() for one in separations), strict=True)]
    return Separated(
        groups.all(),
        arns,
        frozenset(name for name, count in exports.items() if count > 1),
        tuple(around(open_things, any(one.has_private_apis for one in separations))),
        owners,
    )


def _join_families(sketches: Sequence[Sketch], groups: "_Groups") -> Mapping[str, int]:
    """Joins stacks with those nested in them, and what is written in one file; by path, an input that is."""
    owners: dict[str, int] = {}
    ids: dict[str, int] = {}
    for number, one in enumerate(sketches):
        groups.join((number, *(owners.setdefault(path, number) for path in one.files)))
        groups.join((number, *(ids.setdefault(each, number) for each in (one.id, one.parent) if each)))
    return owners


class _Separation:
    """Joins what has ties, with the options of one turn."""

    def __init__(
        self,
        inputs: Sequence[Input],
        sketches: Sequence[Sketch],
        groups: "_Groups",
        arns: LiteralArns,
        options: Options,
    ) -> None:
        self._inputs, self._groups, self._arns = inputs, groups, arns
        self._given = said(options)
        self._named = tuple(one for name, callers in options.callers.items() for one in (name, *callers))
        real: dict[str, list[int]] = {}
        self._stacks: dict[str, list[int]] = {}
        """By the name of a stack, its templates."""
        for number, one in enumerate(sketches):
            real.setdefault(os.path.realpath(one.path), []).append(number)
            if one.stack:
                self._stacks.setdefault(one.stack, []).append(number)
        for stack, path in options.stacks.items():
            self._stacks.setdefault(stack, []).extend(real.get(os.path.realpath(path), ()))
        self._with_stacks = {sketches[number].path for numbers in self._stacks.values() for number in numbers}

    def join_linked(self) -> Iterable[Imports]:
        """Joins what imports with what exports."""
        found: dict[tuple[int, ...], Imports] = {}
        while True:
            units = self._groups.all()
            by_number = {number: one for unit, one in found.items() for number in unit}
            found = {unit: self._imports(unit, by_number) for unit in units}
            self._join_imports(found)
            if len(self._groups.all()) == len(units):
                return found.values()

    def _imports(self, unit: Sequence[int], known: Mapping[int, Imports]) -> Imports:
        """What a unit imports and exports; `known` is that of its parts.

        What is imported may make the names of which more is imported: only together they tell.
        """
        parts = [*{id(known[number]): known[number] for number in unit if number in known}.values()]
        if len(parts) == 1 or (parts and all(one.is_known for one in parts)):
            return reduce(Imports.joined, parts)
        return self._of(unit, imports)

    def join_tied(self) -> None:
        """Joins what has any other tie. Asked after what is imported is known."""
        found = self._tied = {unit: self._of(unit, self._ties) for unit in self._groups.all()}
        self._join_named(found)
        of_bus: dict[str, int] = {}
        for unit, one in found.items():
            self._groups.join((unit[0], *(of_bus.setdefault(bus, unit[0]) for bus in one.buses)))
        self._groups.join(unit[0] for unit, one in found.items() if one.is_named)
        # A share of what is not known may be one of any resource configuration.
        if any(one.has_open_shares for one in found.values()):
            self._groups.join(unit[0] for unit, one in found.items() if one.has_open_shares or one.has_configurations)

    def _ties(self, estate: Estate) -> Ties:
        return ties(estate, self._named)

    @property
    def has_private_apis(self) -> bool:
        """Whether there is a private API, or a private domain name."""
        return any(one.is_private for one in self._tied.values())

    def unplaced(self) -> Iterator[Mapping[Kind, tuple[Unplaced, ...]]]:
        """What each estate attaches to something that is not known. Asked when all are joined."""
        tied = {number: one for unit, one in self._tied.items() for number in unit}
        for unit in self._groups.all():
            parts = [*{id(tied[number]): tied[number] for number in unit}.values()]
            found = in_any([one.unplaced for one in parts])
            if found and len(parts) > 1:
                # What one part attaches to something that it does not know, another may have.
                found = self._of(unit, ever_unplaced)
            yield found

    def _of(self, unit: Sequence[int], asked: Callable[[Estate], T]) -> T:
        """What is asked of a unit as an estate."""
        estate = Estate([self._inputs[number] for number in unit], self._given, arns=self._arns)
        try:
            return asked(estate)
        finally:
            estate.close()

    def _join_imports(self, found: Mapping[tuple[int, ...], Imports]) -> None:
        """Joins what takes an export, or an output of another stack, with what may be meant by its name."""
        if not any(one.imports or one.taken for one in found.values()):
            return
        exporting, declaring = _Having(self._groups), _Having(self._groups)
        of_stacks: dict[str, list[int]] = {}
        for unit, one in found.items():
            for name, path in one.exports.ever:
                exporting.add(name, path, unit[0], (name, path) in one.exports.always and OPEN not in name)
            for name, path in one.outputs.ever:
                if path in self._with_stacks:
                    of_stacks.setdefault(name, []).append(unit[0])
                else:
                    declaring.add(name, path, unit[0], (name, path) in one.outputs.always)
        exports = Exports(exporting)
        joined: dict[str, int] = {}
        for unit, one in found.items():
            for name, path in one.imports:
                if not exporting.join(unit[0], name, path):
                    # No export has this name in every case: those count that begin and end alike.
                    for like in () if name in joined else exports.like(name):
                        exporting.join_all(unit[0], like)
                    self._groups.join((unit[0], joined.setdefault(name, unit[0])))
            for name, _ in one.stacks:
                self._groups.join((unit[0], *self._stacks.get(name, ())))
            for name, path in one.taken:
                self._groups.join((unit[0], *of_stacks.get(name, ())))
                declaring.join(unit[0], name, path)

    def _join_named(self, found: Mapping[tuple[int, ...], Ties]) -> None:
        """Joins all texts that have the name of a resource as a word with the next file that has such a resource."""
        having = _Having(self._groups)
        meant: dict[int, dict[str, None]] = {}
        for unit, one in found.items():
            for name in one.names.ever:
                meant.setdefault(hash(name.word), {})[name.identity] = None
                having.add(name.identity, name.path, unit[0], name in one.names.always)
        for unit, one in found.items():
            for path, words in one.words:
                for word in words:
                    for identity in meant.get(word, ()):
                        having.join(unit[0], identity, path)


class _Having:
    """Who has something of a name, in a file, in its folder and anywhere: joined with who means it."""

    def __init__(self, groups: "_Groups") -> None:
        self._groups = groups
        self._found: dict[tuple[str, str], dict[int, bool]] = {}

    def __iter__(self) -> Iterator[str]:
        return (name for name, where in self._found if not where)

    def add(self, name: str, path: str, number: int, always: bool) -> None:
        """Adds one that has it, in every case or in some."""
        for where in (path, folder(path), ""):
            here = self._found.setdefault((name, where), {})
            here[number] = here.get(number, False) or always

    def join(self, number: int, name: str, path: str) -> bool:
        """Joins `number` with the nearest to the file at `path`; whether one of them has it in every case.

        What is there in some cases only hides nothing that is further away.
        """
        return any(self._join(number, name, where) for where in (path, folder(path), ""))

    def join_all(self, number: int, name: str) -> None:
        """Joins `number` with all that have it, wherever they stand."""
        self._join(number, name, "")

    def _join(self, number: int, name: str, where: str) -> bool:
        here = self._found.get((name, where))
        if not here:
            return False
        self._groups.join((number, *here))
        # They are one now: for the next who means it, one of them is enough.
        first, always = next(iter(here)), any(here.values())
        self._found[name, where] = {first: always}
        return always


class _Groups:
    """Numbers that are joined bit by bit."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def join(self, numbers: Iterable[int]) -> None:
        first: int | None = None
        for number in numbers:
            top = self._top(number)
            first = top if first is None else first
            low, high = sorted((first, top))
            self._above[high] = first = low

    def all(self) -> tuple[tuple[int, ...], ...]:
        """The groups by their first numbers, each in order."""
        found: dict[int, list[int]] = {}
        for number in range(len(self._above)):
            found.setdefault(self._top(number), []).append(number)
        return tuple(map(tuple, found.values()))

    def _top(self, number: int) -> int:
        while self._above[number] != number:
            self._above[number] = number = self._above[self._above[number]]
        return number
