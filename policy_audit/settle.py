"""Which findings count: those that are neither ignored nor in the baseline; and what is to be said of both."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from policy_audit.collect import Judged, Line, checked, finding, line
from policy_audit.findings import Checked, Finding, Ignored
from policy_audit.model.system import System
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.rule import Rule
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded


class Settled(NamedTuple):
    """The open requirements, with a finding only where it counts; those that are ignored, or in the baseline; and what
    is asked `more`: of the ignores of the configuration and of the baseline."""

    lines: Sequence[Line]
    ignored: tuple[Ignored, ...]
    baselined: tuple[Finding, ...]
    more: tuple[Checked, ...]


def without_ignored(
    judged: Sequence[Judged],
    estate: Estate,
    texts: Mapping[str, str],
    known: frozenset[str],
    options: Options,
    rules: Sequence[Rule],
) -> tuple[list[Judged], tuple[Ignored, ...]]:
    """`judged` without the findings that comments and `Metadata` of the estate's files ignore, with what `rules` say of
    these ignores; and what is ignored. `known` are all rules."""
    from policy_audit.ignores import sort
    from policy_audit.sources.ignore_comments import comment_ignores
    from policy_audit.sources.ignore_metadata import metadata_ignores

    ignores = [*comment_ignores(estate.templates, texts, known), *metadata_ignores(estate.templates, known)]
    found = sort(map(line, judged), ignores, options.today or _today(), options.disabled)
    left = [one._replace(finding=each.finding) for one, each in zip(judged, found.lines, strict=True)]
    return [*left, *_judge("AuditedIgnore", found.ignores, rules, options)], found.ignored


def settle(
    lines: Sequence[Line],
    asked: Sequence[Checked],
    resources: Sequence[str],
    loaded: Loaded,
    rules: Sequence[Rule],
    options: Options,
) -> Settled:
    """`lines`, parted by the ignores of the configuration and by the baseline, with what `rules` say of these.

    `asked` are all requirements, `resources` the addresses of all that the templates declare.
    """
    from policy_audit.ignores import concerning, sort

    files = [target.path for target in loaded.targets]
    ignores = concerning(options.ignores, files, asked)
    found = sort(lines, ignores, options.today or _today(), options.disabled)
    more = [*_judge("AuditedIgnore", found.ignores, rules, options)]
    left = [*found.lines, *map(line, more)]
    if not options.baseline:
        return Settled(left, found.ignored, (), tuple(one.checked for one in more))
    from policy_audit.baseline import part, read_baseline

    now = chain(asked, (one.checked for one in more))
    parted = part(left, read_baseline(options.baseline), now, resources, files, options.root)
    stale = [*_judge("KnownFinding", parted.known, rules, options)]
    told = tuple(one.checked for one in (*more, *stale))
    return Settled([*parted.lines, *map(line, stale)], found.ignored, parted.baselined, told)


def _judge(name: str, facts: tuple[object, ...], rules: Sequence[Rule], options: Options) -> Iterator[Judged]:
    """What the rules find wrong with ignores or entries of the baseline; that they are in order is not worth a line."""
    symbols = Symbols()
    for requirement in derive(rules, System(symbols, others={name: facts})) if facts else ():
        answered = decide(requirement, symbols)
        if answered.answer != "proven":
            told = checked(requirement, answered, symbols)
            yield Judged(requirement, told, finding(requirement, answered, symbols, options.root))


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
