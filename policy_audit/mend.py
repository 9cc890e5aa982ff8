"""Applies the fixes of a report to its files, and audits again until nothing more can be mended."""

from collections.abc import Callable, Iterator

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.findings import Edited, Report
from policy_audit.fixes import edited
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import read_text

MOST_ROUNDS = 10
"""Mending one thing may bring another to light; a fix that never settles is not followed for ever."""


class Mended(NamedTuple):
    """The report on the files as they are now, and how many findings were mended in how many files."""

    report: Report
    findings: int
    files: int

    @property
    def told(self) -> str:
        """`2 findings mended in 1 file`."""
        findings = f"{self.findings} finding{'s' * (self.findings != 1)}"
        return f"{findings} mended in {self.files} file{'s' * (self.files != 1)}"


def mend(report: Report, again: Callable[[], Report]) -> Mended:
    """Writes the edits of `report` to its files; `again` audits them anew.

    Raises AuditError for a file that changed since it was read, or can't be written; what was written stays.
    """
    findings = 0
    files: set[str] = set()
    for _ in range(MOST_ROUNDS):
        if not report.edits:
            break
        for path, fixes in report.edits.items():
            _write(path, fixes)
            findings += len(fixes.findings)
            files.add(path)
        report = again()
    return Mended(report, findings, len(files))


def _write(path: str, fixes: Edited) -> None:
    text = edited(read_text(path), fixes.edits)
    try:
        # As bytes: line ends stay as they are.
        with open(path, "r+b") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise AuditError("only files in UTF-8 are mended", where=path, help="save the file as UTF-8")
            file.seek(0)
            file.write(text.encode("utf-8"))
            file.truncate()
    except OSError as error:
        reason = f"the file cannot be written: {(error.strerror or str(error)).lower()}"
        raise AuditError(reason, where=path, help="check its permissions", exit_code=INCOMPLETE) from None


def difference(report: Report) -> str:
    """What the report's edits change, as a unified diff without lines around; secrets are masked."""
    return "".join(line for path, fixes in sorted(report.edits.items()) for line in _difference(path, fixes, report))


def _difference(path: str, fixes: Edited, report: Report) -> Iterator[str]:
    from difflib import unified_diff

    before = "\n".join(report.texts.get(path, ()))
    old, new = before.split("\n"), edited(before, fixes.edits).split("\n")
    for line in unified_diff(old, new, path, path, n=0, lineterm=""):
        yield line + "\n"
