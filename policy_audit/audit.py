"""The audit: load, derive, prove, collect."""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from policy_audit.collect import Judged, Settled, at_fault, checked, finding
from policy_audit.findings import CallPath, Finding, Repair, Report, Skipped
from policy_audit.model.system import System
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.requirement import Requirement
from policy_audit.rulebook.rule import Rule
from policy_audit.sources.cloudformation import read_system, unsupported
from policy_audit.sources.estate import Estate, parameter_assumption, said
from policy_audit.sources.files import Loaded, load
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


def audit(
    paths: Sequence[str],
    options: Options = Options(),  # noqa: B008 - immutable
    cache: str = "",
    *,
    detailed: bool = False,
    traced: bool = False,
    instead: Mapping[str, str] = {},
) -> Report:
    """The report on `paths` (files and folders) as one estate. Raises AuditError when nothing can be audited.

    `cache` is a folder for what may be remembered from run to run, or empty: it never changes the report. A `detailed`
    report tells of each requirement everything that its verdict assumes, and a `traced` one the way of every call.
    `instead` are texts by path, in the place of what these files hold.
    """
    # An audit makes millions of tuples that live to its end, and hardly a cycle: looking for some costs a fifth of it.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _audit(paths, options, cache, detailed, traced, instead)
    finally:
        if collecting:
            gc.enable()


def _audit(
    paths: Sequence[str], options: Options, cache: str, detailed: bool, traced: bool, instead: Mapping[str, str]
) -> Report:
    every = read_rules(options.rules, cache)
    rules = tuple(
        rule._replace(severity=options.severities[rule.id]) if rule.id in options.severities else rule
        for rule in every
        if rule.id not in options.disabled
    )
    loaded = load(paths, options.policies_are, options.parameters, instead)
    if options.templates:
        from policy_audit.sources.declared import with_declarations

        loaded = loaded._replace(inputs=with_declarations(loaded.inputs, options.templates, options.stacks))
    if options.several:
        from policy_audit.regions import Turn, in_turn, merged

        symbols, turns = Symbols(), in_turn(options)
        examined = [_examine(loaded, one, rules, cache, detailed, traced, symbols) for one in turns.values()]
        seen = zip(turns, examined, strict=True)
        judged = merged([Turn(region, one.estate.templates, one.judged) for region, one in seen])
    else:
        examined = [_examine(loaded, options, rules, cache, detailed, traced, Symbols())]
        judged = examined[0].judged
    estate = examined[0].estate
    settled = Settled(judged)
    if options.ignores or options.baseline or any("policy-audit" in text for text in loaded.texts.values()):
        from policy_audit.settle import settle

        settled = settle(judged, estate, loaded, rules, frozenset(rule.id for rule in every), options)
    findings = tuple(one.finding for one in settled.judged if one.finding is not None)
    return Report(
        findings=findings,
        requirements=tuple(one.checked for one in settled.judged),
        skipped=(*loaded.omitted, *_once(_problems(one, options, loaded) for one in examined)),
        assumptions=_once(
            (*(_assumptions(one.estate) for one in examined), [one for each in loaded.inputs for one in each.assumed])
        ),
        targets=loaded.targets,
        texts=_texts(estate, loaded.texts, findings, options, traced or bool(options.fixes)),
        rules={rule.id: rule.since for rule in rules},
        ignored=settled.ignored,
        baselined=settled.baselined,
        repairs=_repairs(settled.judged, estate, loaded, options) if options.fixes else (),
        sources=loaded.texts if options.fixes else {},
        asked=rules,
        parts={part: stop for one in examined for part, stop in one.parts.items()},
        paths=_once(one.ways for one in examined),
    )


class Examined(NamedTuple):
    """An estate in all its worlds: what was judged of it, the way of each call and the parts of what calls pass."""

    estate: Estate
    judged: list[Judged]
    ways: Sequence[CallPath]
    parts: Mapping[str, str]


def _examine(
    loaded: Loaded, options: Options, rules: Sequence[Rule], cache: str, detailed: bool, traced: bool, symbols: Symbols
) -> Examined:
    estate = Estate(loaded.inputs, said(options), symbols)
    cases: Cases = {}
    worlds = []
    ways: list[tuple[CallPath, ...]] = []
    parts: dict[str, str] = {}
    for world in estate.worlds():
        worlds.append(world)
        system = _in_world(estate, world, rules, options, cases, detailed, cache)
        if traced:
            ways.append(_paths(system, estate))
            parts |= _parts(system)
    possible = [world for world in worlds if estate.possible(world)]
    passed = _once(found for world, found in zip(worlds, ways, strict=False) if world in possible)
    return Examined(estate, _collect(cases, possible, estate, options, detailed), passed, parts)


def _repairs(judged: Sequence[Judged], estate: Estate, loaded: Loaded, options: Options) -> tuple[Repair, ...]:
    from policy_audit.mending.repairs import repairs

    return repairs(judged, estate, loaded, unsafe=options.fixes == "unsafe")


def _texts(
    estate: Estate, texts: Mapping[str, str], findings: Sequence[Finding], options: Options, traced: bool
) -> dict[str, tuple[str, ...]]:
    """The lines of the files that findings point at; of all, if the report is to show what decides each requirement."""
    files = set(texts) if traced else set()
    files |= {span.file for one in findings for span in (one.location, *(mark.span for mark in one.related))}
    if not files:
        return {}
    # An audit without findings starts faster without.
    from policy_audit.sources.excerpts import masked

    lines = masked(estate.templates, {path: text for path, text in texts.items() if path in files})
    if options.ignores or options.baseline:
        from policy_audit.settle import own_lines

        return {**lines, **own_lines(options, findings)}
    return lines


def _in_world(
    estate: Estate, world: World, rules: Sequence[Rule], options: Options, cases: Cases, detailed: bool, cache: str
) -> System:
    system: System = read_system(estate, options.callers, options.deployers, cache)
    for requirement in derive(rules, system):
        same = cases.setdefault((requirement.rule.id, requirement.address, requirement.sentence), [])
        case = next((one for one in same if one.requirement.asks == requirement.asks), None)
        if case is None:
            case = Case(
                requirement, decide(requirement, estate.symbols), _spans(requirement) if detailed else frozenset()
            )
            same.append(case)
        case.worlds.append(world)
    return system


def _once(found: Iterable[Iterable[T]]) -> tuple[T, ...]:
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


def _problems(one: Examined, options: Options, loaded: Loaded) -> list[Skipped]:
    """What CloudFormation would refuse in the templates, what the audit does not follow, and what it had no use for."""
    estate, taken = one.estate, frozenset(name for given in loaded.inputs for name in given.taken)
    found = [Skipped(str(problem.span), problem.message, span=problem.span) for problem in estate.problems()]
    found += [
        Skipped(f"--parameter {name}", "no audited template declares this parameter")
        for name in options.parameters
        if name not in taken
        and name.rpartition(":")[2] not in {each for one in estate.templates for each in one.parameters}
    ]
    if estate.unfinished:
        help = "give values for parameters that conditions compare, with `--parameter`"
        found.append(Skipped("conditions", estate.unfinished, help, broken=True))
    return [*found, *unsupported(estate, options.callers, options.deployers), *estate.deployed_nowhere()]


def _assumptions(estate: Estate) -> tuple[str, ...]:
    parameters = [
        parameter_assumption(template, name) for template in estate.templates for name in template.assumed_parameters()
    ]
    return (*estate.assumptions, *parameters)
