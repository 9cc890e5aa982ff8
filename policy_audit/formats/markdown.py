"""Markdown for a comment on a pull request, and for the summary of a job: short, and complete as far as it fits.

Everything from outside stands in code spans or is escaped, so that no name links, mentions somebody, or is markup.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from policy_audit.findings import SEVERITIES, Finding, Mark, Report
from policy_audit.formats import View
from policy_audit.formats.order import (
    audited,
    no_audit,
    sorted_findings,
    sorted_ignored,
    sorted_requirements,
    sorted_skipped,
    undecided_only,
)
from policy_audit.formats.requests import columns, decision, elements
from policy_audit.formats.visible import inert, visible, visible_lines

LIMIT: Final = 65_536
"""Characters of a comment. GitHub: «Body is too long (maximum is 65536 characters)».

https://github.com/orgs/community/discussions/41331
"""
MARKER: Final = "<!-- policy-audit -->"
"""What tells the comment from others, so that the next run can write over it."""
_REST: Final = 200
"""Characters kept for the line that tells how much does not fit."""
_WORD: Final = re.compile(r"[(]?[^\W_]+(?:[’'-][^\W_]+)*[’']?[),;:.]*|[(),;:.–—=-]+", re.ASCII)
_LONGEST: Final = 500


def render(report: Report, view: View) -> str:
    """At most `LIMIT` characters, the worst findings first; the last line tells what does not fit."""
    blocks = list(_blocks(report, view))
    text = f"{MARKER}\n{_headline(report, view)}\n"
    for number, block in enumerate(blocks):
        if len(text) + len(block) + 1 > LIMIT - _REST:
            left = len(blocks) - number
            return inert(f"{text}\n… and {left} more {'entry' if left == 1 else 'entries'}, too many for a comment.\n")
        text += f"\n{block}"
    return inert(text)


def _headline(report: Report, view: View) -> str:
    if no_audit(report, view):
        return "### policy-audit: there is no audit"
    verdicts = ", ".join(f"{number} {answer}" for answer, number in report.verdicts().items())
    numbers = [(severity, sum(one.severity == severity for one in report.findings)) for severity in SEVERITIES]
    told = ", ".join(f"{number} {severity}" for severity, number in reversed(numbers) if number)
    title = f"{_count(len(report.findings), 'finding')} ({told})" if told else "no findings"
    if any(item.broken for item in report.skipped):
        title += ", incomplete"
    lines = f"### policy-audit: {title}\n\n{_count(len(report.requirements), 'requirement')}: {verdicts}"
    settled = [f"{len(report.ignored)} ignored"] if report.ignored else []
    settled += [f"{len(report.baselined)} in the baseline"] if report.baselined else []
    return f"{lines} in {prose(audited(report))}{''.join(f' · {each}' for each in settled)}."


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _blocks(report: Report, view: View) -> Iterator[str]:
    """Parts that stand for themselves, what matters most first."""
    yield from (f"**error:** {prose(str(error))}\n" for error in no_audit(report, view))
    for item in sorted_skipped(report.skipped):
        if item.broken:
            where = str(item.span) if item.span else item.target
            yield f"- **incomplete:** {code(where)}: {prose(item.reason)}\n"
    worst = sorted(sorted_findings(report.findings), key=lambda one: -SEVERITIES.index(one.severity))
    yield from map(_finding, worst)
    for checked in sorted_requirements(undecided_only(report)):
        why = f": {prose('; '.join(checked.reasons))}" if checked.reasons else ""
        yield f"- **undecided** {code(checked.rule)}: {prose(checked.requirement)}{why}\n"
    if not view.verbose:
        return
    for ignored in sorted_ignored(report.ignored):
        found = ignored.finding
        yield f"- **ignored** {code(found.rule)}: {prose(found.message)} ({prose(ignored.reason)})\n"
    for finding in sorted_findings(report.baselined):
        yield f"- **in the baseline** {code(finding.rule)}: {prose(finding.message)}\n"
    for item in sorted_skipped(report.skipped):
        if not item.broken:
            yield f"- **not audited:** {code(item.target)}: {prose(item.reason)}\n"
    yield from (f"- **assumed:** {prose(text)}\n" for text in report.assumptions)


def _finding(finding: Finding) -> str:
    """A section that opens: its title is the message, in HTML, for Markdown is not read there."""
    role = finding.severity if finding.answer == "refuted" else f"undecided ({finding.severity})"
    title = f"<b>{role}</b> {_html(finding.message)}"
    lines = [f"<details><summary>{title}</summary>\n"]
    marks = [Mark(finding.location, finding.label), *finding.related]
    lines += [f"- {code(str(mark.span))} {prose(mark.label)}".rstrip() for mark in marks[:10]]
    if len(marks) > 10:
        lines.append(f"- and {len(marks) - 10} more places")
    if finding.counterexample:
        lines += ["", f"{decision(finding.counterexample)}:", _fenced(columns(elements(finding.counterexample)))]
    lines += [""] + [f"- why: {prose(reason)}" for reason in finding.reasons]
    lines += [f"- when: {prose(combination)}" for combination in finding.when]
    if finding.help:
        *before, last = finding.help.rstrip().split("\n")
        lines += ["- help:", _fenced(visible_lines(finding.help))] if before else [f"- help: {prose(last)}"]
    lines.append(f"- rule: {code(f'policy-audit explain {finding.page or finding.rule}')}")
    return "\n".join([*lines, "\n</details>\n"])


# ---- text that stays text -------------------------------------------------------------------------------------------


def code(text: str) -> str:
    """`text` as a code span, whatever backticks it holds."""
    text = _cut(visible(text))
    if not text.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence of the tool's own with names from outside in backticks: these become code spans, and so does each
    other word that is more than letters and the punctuation of a sentence. Wherever a hostile name closes its own
    backticks, what follows is one of the two."""
    parts = _cut(visible(text)).split("`")
    spans = [code(part) if index % 2 else _words(part) for index, part in enumerate(parts)]
    text = ""
    for span in spans:
        # Two code spans side by side would be one, or none.
        text += f" {span}" if text.endswith("`") and span.startswith("`") else span
    return text.strip()


def _words(text: str) -> str:
    return " ".join(word if not word or _WORD.fullmatch(word) else code(word) for word in text.split(" "))


def _html(text: str) -> str:
    """`prose`, where HTML is read and Markdown is not."""
    parts = _cut(visible(text)).split("`")
    return "".join(
        f"<code>{escape(part)}</code>" if index % 2 else _html_words(part) for index, part in enumerate(parts)
    )


def _html_words(text: str) -> str:
    words = text.split(" ")
    return " ".join(word if not word or _WORD.fullmatch(word) else f"<code>{escape(word)}</code>" for word in words)


def _fenced(text: str) -> str:
    """Lines (from `columns`) as a code block, whatever backticks they hold."""
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
