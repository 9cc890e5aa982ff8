"""The audit: load, derive, prove, collect."""

from collections.abc import Mapping, Sequence

from policy_audit.collect import at_fault, checked, finding
from policy_audit.findings import Checked, Finding, Report, Skipped
from policy_audit.model.system import System
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.requirement import Requirement
from policy_audit.rulebook.rule import Rule
from policy_audit.sources.cloudformation import read_system, unsupported
from policy_audit.sources.estate import Estate, Given, World
from policy_audit.sources.excerpts import masked
from policy_audit.sources.files import load


class Outcome(NamedTuple):
    """One requirement with its answer in one world."""

    requirement: Requirement
    answered: Answered
    world: World


class Audited(NamedTuple):
    """What was found in one world."""

    world: World
    outcomes: Sequence[Outcome]


def audit(paths: Sequence[str], options: Options = Options(), cache: str = "") -> Report:  # noqa: B008 - immutable
    """The report on `paths` (files and folders) as one estate. Raises AuditError when nothing can be audited.

    `cache` is a folder for what may be remembered from run to run, or empty: it never changes the report.
    """
    rules = tuple(rule for rule in read_rules(options.rules, cache) if rule.id not in options.disabled)
    loaded = load(paths)
    given = Given(options.parameters, options.stacks, options.partition, options.region, options.account)
    estate = Estate(loaded.documents, given)
    worlds = [_in_world(estate, world, rules, options) for world in estate.worlds()]
    possible = [one for one in worlds if estate.possible(one.world)]
    findings, requirements = _collect(possible, estate, options.strict)
    return Report(
        findings=findings,
        requirements=requirements,
        skipped=(*loaded.skipped, *_problems(estate, options), *unsupported(estate, options.callers)),
        assumptions=_assumptions(estate),
        targets=loaded.targets,
        texts=_texts(estate, loaded.texts, findings),
        rules={rule.id: rule.since for rule in rules},
    )


def _texts(estate: Estate, texts: Mapping[str, str], findings: Sequence[Finding]) -> dict[str, tuple[str, ...]]:
    """The lines of the files that findings point at."""
    files = {span.file for one in findings for span in (one.location, *(mark.span for mark in one.related))}
    return {one.path: masked(one, texts[one.path]) for one in estate.templates if one.path in files}


def _in_world(estate: Estate, world: World, rules: Sequence[Rule], options: Options) -> Audited:
    system: System = read_system(estate, options.callers)
    asked = derive(rules, system)
    outcomes = [Outcome(requirement, decide(requirement, estate.symbols), world) for requirement in asked]
    return Audited(world, outcomes)


def _collect(
    audited: Sequence[Audited], estate: Estate, strict: bool
) -> tuple[tuple[Finding, ...], tuple[Checked, ...]]:
    """One finding and one line for each requirement, whatever the number of worlds it was asked in.

    What is undecided is a finding only if the user is `strict`.
    """
    by_requirement: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in (outcome for one in audited for outcome in one.outcomes):
        asked = outcome.requirement
        by_requirement.setdefault((asked.rule.id, asked.address, asked.sentence), []).append(outcome)
    findings, requirements = [], []
    worlds = [one.world for one in audited]
    for same in by_requirement.values():
        worst = min(same, key=lambda one: ("refuted", "undecided", "proven").index(one.answered.answer))
        requirement = at_fault(worst.requirement, worst.answered)
        when = estate.when([one.world for one in same if one.answered.answer == worst.answered.answer], worlds)
        requirements.append(checked(requirement, worst.answered, estate.symbols)._replace(when=when))
        if worst.answered.answer == "refuted" or (strict and worst.answered.answer == "undecided"):
            findings.append(finding(requirement, worst.answered, estate.symbols)._replace(when=when))
    return tuple(findings), tuple(requirements)


def _problems(estate: Estate, options: Options) -> list[Skipped]:
    """What CloudFormation would refuse in the templates, what the audit does not follow, and what it had no use for."""
    found = [Skipped(str(problem.span), problem.message, span=problem.span) for problem in estate.problems()]
    found += [
        Skipped(f"--parameter {name}", "no audited template declares this parameter")
        for name in options.parameters
        if name.rpartition(":")[2] not in {each for one in estate.templates for each in one.parameters}
    ]
    if estate.unfinished:
        help = "give values for parameters that conditions compare, with `--parameter`"
        found.append(Skipped("conditions", estate.unfinished, help, broken=True))
    return found


def _assumptions(estate: Estate) -> tuple[str, ...]:
    parameters = [
        f"parameter `{name}` of {template.path} has its default"
        for template in estate.templates
        for name in template.assumed_parameters()
    ]
    return (*estate.assumptions, *parameters)
