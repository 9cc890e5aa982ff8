"""One estate in all its worlds: derive, prove, and what there is to be told of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from policy_audit.collect import Judged, at_fault, checked, finding
from policy_audit.findings import CallPath
from policy_audit.model.system import System
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.requirement import Requirement
from policy_audit.rulebook.rule import Rule
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate
from policy_audit.sources.worlds import World

T = TypeVar("T")


class Case:
    """One requirement with its answer, and the worlds in which it is asked so."""

    __slots__ = ("answered", "requirement", "spans", "worlds")

    def __init__(self, requirement: Requirement, answered: Answered, spans: frozenset[Span]) -> None:
        self.requirement = requirement
        self.answered = answered
        self.spans = spans
        """What it is about, if that is asked for: a subject is to be looked at only in its own world."""
        self.worlds: list[World] = []


Cases = dict[tuple[str, str, str], list[Case]]
"""By rule, address and sentence: what is asked more than once is answered once, and kept once."""


class Asking(NamedTuple):
    """What is asked of every estate, and how much is to be told of it: see `audit`."""

    rules: Sequence[Rule]
    cache: str = ""
    detailed: bool = False
    traced: bool = False


class Examined(NamedTuple):
    """What was judged of an estate, the way of each call and the parts of what calls pass."""

    estate: Estate
    judged: list[Judged]
    ways: Sequence[CallPath] = ()
    parts: Mapping[str, str] = {}
    systems: Sequence[System] = ()
    """What was read of it, in each world."""

    def close(self) -> None:
        """Lets go of what was read, whose parts know each other: Python would find out, but late."""
        self.estate.close()
        for system in self.systems:
            system.close()


def examine(estate: Estate, options: Options, asking: Asking) -> Examined:
    """Goes through all worlds of the estate."""
    cases: Cases = {}
    worlds = []
    ways: list[tuple[CallPath, ...]] = []
    parts: dict[str, str] = {}
    systems = []
    for world in estate.worlds():
        worlds.append(world)
        system = _in_world(estate, world, options, asking, cases)
        systems.append(system)
        if asking.traced:
            ways.append(_paths(system, estate))
            parts |= _parts(system)
    possible = [world for world in worlds if estate.possible(world)]
    passed = once(found for world, found in zip(worlds, ways, strict=False) if world in possible)
    return Examined(estate, _collect(cases, possible, estate, options, asking.detailed), passed, parts, systems)


def _in_world(estate: Estate, world: World, options: Options, asking: Asking, cases: Cases) -> System:
    system: System = read_system(estate, options.callers, options.deployers, asking.cache)
    for requirement in derive(asking.rules, system):
        same = cases.setdefault((requirement.rule.id, requirement.address, requirement.sentence), [])
        case = next((one for one in same if one.requirement.asks == requirement.asks), None)
        if case is None:
            case = Case(
                requirement,
                decide(requirement, estate.symbols),
                _spans(requirement) if asking.detailed else frozenset(),
            )
            same.append(case)
        case.worlds.append(world)
    return system


def once(found: Iterable[Iterable[T]]) -> tuple[T, ...]:
    """Everything that is found, each once."""
    return tuple(dict.fromkeys(one for each in found for one in each))


def _parts(system: System) -> dict[str, str]:
    from policy_audit.model.call_paths import parts_of_stops

    return parts_of_stops(system)


def _paths(system: System, estate: Estate) -> tuple[CallPath, ...]:
    from policy_audit.model.call_paths import call_paths
    from policy_audit.sources.backends import read_backends

    return call_paths(system, read_backends(estate.templates))


def _spans(requirement: Requirement) -> frozenset[Span]:
    from policy_audit.rulebook.assumptions import spans

    return spans(requirement)


def _assumed(estate: Estate) -> Callable[[Case], tuple[str, ...]]:
    """What gives the assumptions of one case."""
    from policy_audit.rulebook.assumptions import assumptions
    from policy_audit.sources.reliance import Reliance

    reliance = Reliance(estate)

    def assumed(case: Case) -> tuple[str, ...]:
        answered, show = case.answered, estate.symbols.show
        own = (*answered.assumptions, *assumptions(case.requirement, answered, estate.symbols))
        return tuple(dict.fromkeys((*map(show, own), *reliance.on(case.spans))))

    return assumed


def _collect(cases: Cases, possible: Sequence[World], estate: Estate, options: Options, detailed: bool) -> list[Judged]:
    """A line, and a finding or none, for each requirement, whatever the number of `possible` worlds it was asked in.

    What is undecided is a finding only if the user is strict.
    """
    judged = []
    made = {address: marks for one in estate.templates for address, marks in one.written().items()}
    assumed = _assumed(estate) if detailed else None
    for same in cases.values():
        asked = [one for one in same if any(world in possible for world in one.worlds)]
        if not asked:
            continue
        worst = min(asked, key=lambda one: ("refuted", "undecided", "proven").index(one.answered.answer))
        requirement = at_fault(worst.requirement, worst.answered)
        holding = [
            world
            for one in asked
            if one.answered.answer == worst.answered.answer
            for world in one.worlds
            if world in possible
        ]
        when = estate.when(holding, possible) if len(holding) < len(possible) else ()
        line = checked(requirement, worst.answered, estate.symbols)._replace(when=when)
        line = line if assumed is None else line._replace(assumptions=assumed(worst))
        found = None
        if worst.answered.answer == "refuted" or (options.strict and worst.answered.answer == "undecided"):
            found = finding(requirement, worst.answered, estate.symbols, options.root)._replace(when=when)
            if found.address in made:
                found = found._replace(related=(*found.related, *made[found.address]))
        judged.append(Judged(requirement, line, found))
    return judged
