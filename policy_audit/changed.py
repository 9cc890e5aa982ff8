"""What of a report concerns files that changed: the whole project is audited, and the rest is not told."""

import os
from collections.abc import Sequence

from policy_audit.findings import Finding, Report, Skipped


def concerning(report: Report, paths: Sequence[str]) -> Report:
    """The report without findings, requirements and omissions that have no place in one of `paths` (or below it).

    A finding concerns a file if it is about a resource there, points at it, or at what needs it there.
    """
    changed = [os.path.realpath(path) for path in paths]
    known: dict[str, bool] = {}

    def is_changed(file: str) -> bool:
        if file not in known:
            real = os.path.realpath(file)
            known[file] = any(real == path or real.startswith(os.path.join(path, "")) for path in changed)
        return known[file]

    def concerns(finding: Finding) -> bool:
        return any(map(is_changed, (finding.address.partition("#")[0], *finding.files)))

    return report._replace(
        findings=tuple(filter(concerns, report.findings)),
        requirements=tuple(
            one for one in report.requirements if is_changed(one.span.file) or is_changed(one.address.partition("#")[0])
        ),
        skipped=tuple(one for one in report.skipped if is_changed(_file(one))),
        ignored=tuple(one for one in report.ignored if concerns(one.finding)),
        baselined=tuple(filter(concerns, report.baselined)),
    )


def _file(skipped: Skipped) -> str:
    """The file that was not audited; a target may have line and column behind it."""
    if skipped.span is not None:
        return skipped.span.file
    file, line, column = (*skipped.target.rsplit(":", 2), "", "")[:3]
    return file if line.isdecimal() and column.isdecimal() else skipped.target
