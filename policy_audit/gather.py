"""What is to be told of all estates of an audit together: the report."""

from collections.abc import Mapping, Sequence
from typing import Final

from policy_audit.collect import Judged, Line, line
from policy_audit.examine import Examined, once
from policy_audit.findings import CallPath, Checked, Finding, Ignored, Repair, Report, Skipped
from policy_audit.options import Options
from policy_audit.rulebook.rule import Rule
from policy_audit.shelf import Boxes
from policy_audit.sources.cloudformation import named_in_vain, unsupported
from policy_audit.sources.estate import Estate, parameter_assumption
from policy_audit.sources.files import Loaded

_MOST_IN_MEMORY: Final = 5_000
"""Requirements; those beyond are on disk until they are told."""


class Gathering:
    """The report as it grows: `add` each estate, then take the `report`."""

    def __init__(self, options: Options, rules: Sequence[Rule], known: frozenset[str], traced: bool) -> None:
        """`rules` are those that are asked, `known` the ids of all."""
        self._options, self._rules, self._known = options, rules, known
        self._shows_all = traced or bool(options.fixes)
        """Whether the lines of all files are asked for, and not of those alone that findings point at."""
        self._requirements: Boxes[Checked] = Boxes(_MOST_IN_MEMORY)
        self._open: list[Line] = []
        """Of the requirements that are not proven, what may be ignored or in the baseline."""
        self._skipped: list[Sequence[Skipped]] = []
        self._omitted: list[Skipped] = []
        self._in_vain: dict[Skipped, int] = {}
        """What the user names and an estate does not have, with the number of these estates."""
        self._estates = 0
        self._assumptions: list[Sequence[str]] = []
        self._ignored: list[Ignored] = []
        self._resources: list[str] = []
        self._texts: dict[str, tuple[str, ...]] = {}
        self._repairs: list[Repair] = []
        self._ways: list[Sequence[CallPath]] = []
        self._parts: dict[str, str] = {}

    def add(self, loaded: Loaded, examined: Mapping[str, Examined]) -> None:
        """Adds one estate, of which `loaded` are the inputs and the files, as it was examined in each Region."""
        options, estates = self._options, [one.estate for one in examined.values()]
        first, judged = estates[0], _judged(examined)
        if any("policy-audit" in text for text in loaded.texts.values()):
            from policy_audit.settle import without_ignored

            judged, ignored = without_ignored(judged, first, loaded.texts, self._known, options, self._rules)
            self._ignored += ignored
        lines = [line(one) for one in judged if one.checked.answer != "proven"]
        self._open += lines
        self._requirements.add(one.checked for one in judged)
        self._estates += 1
        for skipped in once(_in_vain(one, loaded, options) for one in estates):
            self._in_vain[skipped] = self._in_vain.get(skipped, 0) + 1
        self._omitted += (skipped for one in loaded.inputs for skipped in one.skipped)
        self._skipped += (_problems(one) for one in estates)
        self._assumptions += (_assumptions(one) for one in estates)
        self._assumptions += (one.assumed for one in loaded.inputs)
        if options.baseline:
            self._resources += (one.address(name) for one in first.templates for name in one.resources)
        findings = [one.finding for one in lines if one.finding is not None]
        self._texts |= _texts(first, loaded.texts, findings, self._shows_all)
        if options.fixes:
            from policy_audit.mending.repairs import repairs

            self._repairs += repairs(judged, first, loaded, unsafe=options.fixes == "unsafe")
        for one in examined.values():
            self._ways.append(one.ways)
            self._parts |= one.parts

    def report(self, loaded: Loaded) -> Report:
        """The report on all that was added; `loaded` is all of it together."""
        options, rules, asked = self._options, self._rules, self._requirements
        lines: Sequence[Line] = self._open
        baselined: tuple[Finding, ...] = ()
        if options.ignores or options.baseline:
            from policy_audit.settle import settle

            settled = settle(lines, asked, self._resources, loaded, rules, options)
            lines, baselined = settled.lines, settled.baselined
            self._ignored += settled.ignored
            asked.add(settled.more)
        findings = tuple(one.finding for one in lines if one.finding is not None)
        counting = {id(one) for one in findings}
        return Report(
            findings=findings,
            requirements=tuple(asked) if len(asked) <= _MOST_IN_MEMORY else asked,
            skipped=(*loaded.skipped, *self._omitted, *once((*self._skipped, self._nowhere()))),
            assumptions=once(self._assumptions),
            targets=loaded.targets,
            texts=self._lines(findings),
            rules={rule.id: rule.since for rule in rules},
            ignored=tuple(self._ignored),
            baselined=baselined,
            repairs=tuple(one for one in self._repairs if id(one.finding) in counting),
            sources=loaded.texts if options.fixes else {},
            asked=tuple(rules),
            parts=self._parts,
            paths=once(self._ways),
        )

    def _nowhere(self) -> Sequence[Skipped]:
        """What the user names and no estate has."""
        return [skipped for skipped, count in self._in_vain.items() if count == self._estates]

    def _lines(self, findings: Sequence[Finding]) -> Mapping[str, tuple[str, ...]]:
        """The lines of the files that the findings point at; of all, if the report is to show more."""
        options, lines = self._options, self._texts
        if not self._shows_all:
            files = frozenset(file for one in findings for file in one.files)
            lines = {path: text for path, text in lines.items() if path in files}
        if findings and (options.ignores or options.baseline):
            from policy_audit.settle import own_lines

            return {**lines, **own_lines(options, findings)}
        return lines


def _judged(examined: Mapping[str, Examined]) -> Sequence[Judged]:
    if len(examined) == 1:
        return next(iter(examined.values())).judged
    from policy_audit.regions import merged

    return merged(examined)


def _texts(
    estate: Estate, texts: Mapping[str, str], findings: Sequence[Finding], all_of_them: bool
) -> Mapping[str, tuple[str, ...]]:
    """The lines of the files that findings point at, or of all, with secrets masked."""
    files = {file for one in findings for file in one.files}
    if all_of_them:
        files.update(texts)
    if not files:
        return {}
    # An audit without findings starts faster without.
    from policy_audit.sources.excerpts import masked

    return masked(estate.templates, {path: text for path, text in texts.items() if path in files})


def _problems(estate: Estate) -> Sequence[Skipped]:
    """What CloudFormation would refuse in the templates, and what the audit does not follow."""
    found = [Skipped(str(problem.span), problem.message, span=problem.span) for problem in estate.problems()]
    if estate.unfinished:
        help = "give values for parameters that conditions compare, with `--parameter`"
        found.append(Skipped("conditions", estate.unfinished, help, broken=True))
    return [*found, *unsupported(estate)]


def _in_vain(estate: Estate, loaded: Loaded, options: Options) -> Sequence[Skipped]:
    """What the user says of something that the estate does not have."""
    taken = frozenset(name for given in loaded.inputs for name in given.taken)
    found = [
        Skipped(f"--parameter {name}", "no audited template declares this parameter")
        for name in options.parameters
        if name not in taken
        and name.rpartition(":")[2] not in {each for one in estate.templates for each in one.parameters}
    ]
    return [*found, *named_in_vain(estate, options.callers, options.deployers), *estate.deployed_nowhere()]


def _assumptions(estate: Estate) -> tuple[str, ...]:
    parameters = [
        parameter_assumption(template, name) for template in estate.templates for name in template.assumed_parameters()
    ]
    return (*estate.assumptions, *parameters)
