"""The report for a person: a frame for each finding, what was left out and why, and one line that sums it up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.findings import SEVERITIES, Answer, Checked, Finding, Mark, Report, Skipped
from policy_audit.formats import View
from policy_audit.formats.order import (
    audited,
    sorted_findings,
    sorted_ignored,
    sorted_requirements,
    sorted_skipped,
    undecided_only,
)
from policy_audit.formats.paint import Paint, Role, painter
from policy_audit.formats.visible import inert, visible

_BRIEFLY: Final = 20
"""How many lines of a list are shown without `--verbose`."""
_RELATED: Final = 8


def render(report: Report, view: View) -> str:
    """The whole text; with `view.quiet` only the findings and what makes the audit incomplete."""
    paint = painter(view.color)
    if view.errors:
        from policy_audit.formats.frame import error

        return inert("".join(error(problem, paint) for problem in view.errors))
    blocks = [_finding(finding, report, view, paint) for finding in sorted_findings(report.findings)]
    blocks.append(_skipped(report.skipped, view, paint))
    if not view.quiet:
        numbers = _numbered(report) if view.verbose else {}
        blocks.append(_requirements(report, numbers, paint) if view.verbose else _undecided(report, paint))
        blocks.append(_settled(report, paint) if view.verbose else "")
        blocks.append(_assumptions(report.assumptions, numbers, view, paint))
        blocks.append(summary(report, paint))
    return inert("\n".join(block for block in blocks if block))


# ---- findings -------------------------------------------------------------------------------------------------------


def _finding(finding: Finding, report: Report, view: View, paint: Paint) -> str:
    # A report without findings starts faster without.
    from policy_audit.formats.frame import frames, gutter_width, note

    role: Role = finding.severity if finding.answer == "refuted" else "undecided"
    related = finding.related if view.verbose else finding.related[:_RELATED]
    marks = [Mark(finding.location, finding.label), *related]
    gutter = gutter_width(marks)
    title = paint(f"{role}[{visible(finding.rule)}]", role)
    lines = [f"{title}{paint(':', 'bold')} {paint(visible(finding.message), 'bold')}"]
    lines += frames(marks, report.texts, paint, role)
    if hidden := len(finding.related) - len(related):
        lines.append(note(gutter, "note", f"{_count(hidden, 'more place')}, -v shows all", paint))
    lines += [note(gutter, name, text, paint) for name, text in _notes(finding, view) if text]
    return "\n".join(lines) + "\n"


def _notes(finding: Finding, view: View) -> Iterator[tuple[str, str]]:
    """Name and text of what stands below the frame; help, the counterexample and who gets in may have several lines."""
    from policy_audit.formats.requests import columns, decision, elements

    if finding.counterexample:
        yield decision(finding.counterexample), columns(elements(finding.counterexample))
    if view.verbose and len(finding.admitted) > 1:
        yield "gets in", columns([(one.principal, one.about) for one in finding.admitted])
    yield from (("why", visible(reason)) for reason in finding.reasons)
    yield from (("when", visible(combination)) for combination in finding.when)
    yield "help", finding.help
    yield "address", visible(finding.address)
    if view.verbose:
        yield "requirement", visible(finding.requirement)
        yield from (("see", visible(reference)) for reference in finding.references)
    if finding.answer == "undecided":
        yield "severity", f"{finding.severity}, should the requirement not be met"
    if finding.confidence != "high":
        yield "confidence", finding.confidence
    yield "rule", f"policy-audit explain {finding.page or finding.rule}"


# ---- what is no finding ---------------------------------------------------------------------------------------------


def _skipped(skipped: Iterable[Skipped], view: View, paint: Paint) -> str:
    """What was not audited, grouped by reason."""
    groups: dict[tuple[bool, str, str], list[Skipped]] = {}
    for item in sorted_skipped(skipped):
        if item.broken or not view.quiet:
            groups.setdefault((item.broken, item.reason, item.help), []).append(item)
    blocks = []
    for (broken, reason, help), items in groups.items():
        title = paint("incomplete:", "error") if broken else paint("not audited:", "bold")
        lines = [f"{title} {visible(reason)}"]
        lines += _shortened([f"  {paint('-->', 'frame')} {visible(_where(item))}" for item in items], view.verbose)
        if help:
            from policy_audit.formats.frame import note

            lines.append(note(1, "help", help, paint))
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _where(item: Skipped) -> str:
    if item.span is None:
        return item.target
    return str(item.span) if item.target == item.span.file else f"{item.span} {item.target}"


def _undecided(report: Report, paint: Paint) -> str:
    """The requirements that are neither proven nor refuted and no findings, a line each."""
    lines = [
        f"  {visible(checked.rule)}  {visible(checked.address)}  {visible(checked.requirement)}"
        + (f": {visible('; '.join(checked.reasons))}" if checked.reasons else "")
        for checked in sorted_requirements(undecided_only(report))
    ]
    return _section("undecided", "undecided", _shortened(lines, False), paint)


def _numbered(report: Report) -> dict[str, int]:
    """The assumptions, those of the whole audit first, with the numbers by which the requirements name them."""
    assuming = (checked for checked in report.requirements if checked.assumptions)
    own = (each for checked in sorted_requirements(assuming) for each in checked.assumptions)
    return {text: number for number, text in enumerate(dict.fromkeys((*report.assumptions, *own)), 1)}


def _requirements(report: Report, numbers: Mapping[str, int], paint: Paint) -> str:
    """Every requirement with its verdict, the statements that decide it, and what it rests on."""
    requirements = sorted_requirements(report.requirements)
    rule = max((len(visible(checked.rule)) for checked in requirements), default=0)
    address = max((len(visible(checked.address)) for checked in requirements), default=0)
    lines: list[str] = []
    for checked in requirements:
        verdict = paint(f"{checked.answer:<9}", checked.answer)
        lines.append(
            f"  {verdict}  {visible(checked.rule):<{rule}}  {visible(checked.address):<{address}}"
            f"  {visible(checked.requirement)}"
        )
        lines += [" " * 13 + visible(detail) for detail in _details(checked, numbers)]
    return _section("requirements", "bold", lines, paint)


def _details(checked: Checked, numbers: Mapping[str, int]) -> Iterator[str]:
    yield from (f"by {mark.span} {mark.label}".rstrip() for mark in checked.because)
    yield from (f"why: {reason}" for reason in checked.reasons)
    if checked.assumptions:
        yield "assuming " + ", ".join(str(number) for number in sorted(numbers[text] for text in checked.assumptions))
    yield from (f"when {combination}" for combination in checked.when)


def _settled(report: Report, paint: Paint) -> str:
    """The findings that fail no audit because the user said so, a line each with the reason."""
    ignored = [_line(item.finding, item.reason) for item in sorted_ignored(report.ignored)]
    baselined = [_line(finding, "in the baseline") for finding in sorted_findings(report.baselined)]
    return _section("ignored", "bold", [*ignored, *baselined], paint)


def _line(finding: Finding, reason: str) -> str:
    return f"  {visible(finding.rule)}  {visible(finding.address)}  {visible(finding.message)}: {visible(reason)}"


def _assumptions(assumptions: Sequence[str], numbers: Mapping[str, int], view: View, paint: Paint) -> str:
    if view.verbose:
        width = len(str(len(numbers)))
        lines = [f"  {number:>{width}}  {visible(text)}" for text, number in numbers.items()]
        return _section("assumptions", "bold", lines, paint)
    return f"{_count(len(assumptions), 'assumption')}, -v lists them\n" if assumptions else ""


def _section(name: str, role: Role, lines: Sequence[str], paint: Paint) -> str:
    return "\n".join([f"{paint(name + ':', role)}", *lines]) + "\n" if lines else ""


def _shortened(lines: list[str], verbose: bool) -> list[str]:
    # One line too many is shown rather than counted.
    if verbose or len(lines) <= _BRIEFLY + 1:
        return lines
    return [*lines[:_BRIEFLY], f"  … and {len(lines) - _BRIEFLY} more, -v shows all"]


# ---- the last line --------------------------------------------------------------------------------------------------


def summary(report: Report, paint: Paint) -> str:
    """The line that sums it up, newline included."""
    if not report.targets:
        return paint("nothing was audited", "bold") + ": no file of a known form\n"
    verdicts = ", ".join(_verdict(number, answer, paint) for answer, number in report.verdicts().items())
    requirements = _count(len(report.requirements), "requirement")
    settled = [f"{len(report.ignored)} ignored"] if report.ignored else []
    settled += [f"{len(report.baselined)} in the baseline"] if report.baselined else []
    told = f"{_severities(report.findings, paint)} in {visible(audited(report))}"
    return f"{paint(requirements, 'bold')}: {verdicts} · {told}{' · ' if settled else ''}{', '.join(settled)}\n"


def _verdict(number: int, answer: Answer, paint: Paint) -> str:
    return paint(f"{number} {answer}", answer) if number else f"0 {answer}"


def _severities(findings: Sequence[Finding], paint: Paint) -> str:
    if not findings:
        return "no findings"
    numbers = [
        paint(f"{number} {severity}", severity)
        for severity in reversed(SEVERITIES)
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    return f"{_count(len(findings), 'finding')} ({', '.join(numbers)})"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
