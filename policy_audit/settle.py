"""Which findings count: those that are neither ignored nor in the baseline; and what is to be said of both."""

from collections.abc import Iterator, Mapping, Sequence

from policy_audit.collect import Judged, Settled, checked, finding
from policy_audit.findings import Finding
from policy_audit.model.system import System
from policy_audit.options import Options
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.rule import Rule
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded


def settle(
    judged: list[Judged], estate: Estate, loaded: Loaded, rules: Sequence[Rule], known: frozenset[str], options: Options
) -> Settled:
    """`judged`, parted by ignores and the baseline, with what the `rules` about these say; `known` are all rules."""
    from policy_audit.ignores import concerning, sort
    from policy_audit.sources.ignore_comments import comment_ignores
    from policy_audit.sources.ignore_metadata import metadata_ignores

    files = [target.path for target in loaded.targets]
    ignores = [
        *comment_ignores(estate.templates, loaded.texts, known),
        *metadata_ignores(estate.templates, known),
        *concerning(options.ignores, files, judged),
    ]
    sorted_out = sort(judged, ignores, options.today or _today(), options.disabled)
    found = [*sorted_out.judged, *_judge("AuditedIgnore", sorted_out.ignores, rules, estate, options)]
    if not options.baseline:
        return Settled(found, sorted_out.ignored)
    from policy_audit.baseline import part, read_baseline

    resources = [one.address(name) for one in estate.templates for name in one.resources]
    parted = part(found, read_baseline(options.baseline), resources, files, options.root)
    stale = _judge("KnownFinding", parted.known, rules, estate, options)
    return Settled([*parted.judged, *stale], sorted_out.ignored, parted.baselined)


def _judge(
    name: str, facts: tuple[object, ...], rules: Sequence[Rule], estate: Estate, options: Options
) -> Iterator[Judged]:
    """What the rules find wrong with ignores or entries of the baseline; that they are in order is not worth a line."""
    for requirement in derive(rules, System(estate.symbols, others={name: facts})) if facts else ():
        answered = decide(requirement, estate.symbols)
        if answered.answer != "proven":
            line = checked(requirement, answered, estate.symbols)
            yield Judged(requirement, line, finding(requirement, answered, estate.symbols, options.root))


def own_lines(options: Options, findings: Sequence[Finding]) -> Mapping[str, tuple[str, ...]]:
    """The lines of the configuration and of the baseline that findings point at."""
    from policy_audit.baseline import entry_lines
    from policy_audit.ignores import said_lines

    files = {one.location.file for one in findings}
    lines = said_lines(options.ignores, files)
    return lines | entry_lines(options.baseline) if options.baseline in files else lines


def _today() -> str:
    from datetime import date

    return date.today().isoformat()
