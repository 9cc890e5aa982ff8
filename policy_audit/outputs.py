"""Where reports go beside standard output: files that the user names, each in a format."""

import os
from collections.abc import Iterable, Sequence

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.findings import Report
from policy_audit.formats import FORMATS, View, render
from policy_audit.record import NamedTuple
from policy_audit.suggest import did_you_mean


class Output(NamedTuple):
    """A file to write, and in which format. `added` is what stands there already kept, as in the summary of a job."""

    format: str
    path: str
    added: bool = False


def planned(given: Sequence[str], standard: str, summary: str, paths: Iterable[str]) -> tuple[Output, ...]:
    """The files that `--output` names (`given`); and `summary`, if that is the file for the summary of a job, and if
    one of the formats, with that of standard output, is GitHub's. Raises AuditError where no report can be written, as
    over one of `paths`, which are to be audited."""
    found = _named(given)
    refuse_audited(found, paths)
    if summary and "github" in {standard, *(each.format for each in found)}:
        return (*found, Output("markdown", summary, added=True))
    return found


def _named(given: Sequence[str]) -> tuple[Output, ...]:
    found: dict[str, Output] = {}
    for text in given:
        format, separator, path = text.partition("=")
        where = f"--output {text}"
        if format not in FORMATS:
            help = did_you_mean(format, frozenset(FORMATS)) or f"formats are {', '.join(FORMATS)}"
            raise AuditError(f"`{format}` is not an output format", where=where, help=help)
        if not separator or not path:
            raise AuditError(
                "an output is a format and a file", where=where, help="write `--output sarif=report.sarif`"
            )
        if path == "-":
            help = f"`--format {format}` chooses what it gets"
            raise AuditError("standard output is not a file", where=where, help=help)
        real = os.path.realpath(path)
        if real in found:
            raise AuditError("two reports cannot be one file", where=where, help="name another file for one of them")
        _refuse_unwritable(path, where)
        found[real] = Output(format, path)
    return tuple(found.values())


def _refuse_unwritable(path: str, where: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise AuditError(f"`{path}` is a folder", where=where, help="name a file")
    if not os.path.isdir(folder):
        raise AuditError(f"there is no folder `{folder}`", where=where, help="make it first")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise AuditError(f"`{path}` cannot be written", where=where, help="name a file that you may write")


def refuse_audited(files: Iterable[Output], audited: Iterable[str]) -> None:
    """Raises AuditError if a report would be written over a file that is audited."""
    paths = {os.path.realpath(path) for path in audited}
    for output in files:
        if os.path.realpath(output.path) in paths:
            message = f"the report would be written over `{output.path}`, which is audited"
            raise AuditError(message, where=f"--output {output.format}={output.path}", help="name another file")


def write_all(files: Iterable[Output], report: Report, view: View) -> tuple[AuditError, ...]:
    """Writes the report to each of `files`; what went wrong, for one keeps none of the others from being written."""
    problems = []
    for output in files:
        try:
            _write(output, render(output.format, report, view._replace(color=False)))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"the report cannot be written: {reason}"
            problems.append(AuditError(message, where=output.path, exit_code=INCOMPLETE))
    return tuple(problems)


def _write(output: Output, text: str) -> None:
    # A file name that is not UTF-8 has halves of characters; line breaks stay as they are on every system.
    mode = "a" if output.added else "w"
    with open(output.path, mode, encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)
