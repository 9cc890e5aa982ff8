"""Mends findings: writes the texts of the files that an audit of them proves better, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.findings import Finding, Key, Repair, Report
from policy_audit.mending.edits import Drafts
from policy_audit.mending.layout import Cut
from policy_audit.mending.sites import Layouts
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import read_text

MOST_AUDITS = 60
"""Each set of fixes that is tried costs an audit; one that works is the rule."""
_ABOUT_FINDINGS = frozenset({"ignore-unused", "ignore-expired", "baseline-fixed"})
"""Rules about the records of findings: that one of these is of no use any more follows from mending."""

Again = Callable[[Mapping[str, str]], Report]
"""Audits with texts, by path, in the place of what files hold."""


class Refused(NamedTuple):
    """A finding whose fixes are not made, and why, as a clause."""

    finding: Finding
    reason: str


class Mended(NamedTuple):
    """The report on the files as they are to be, their texts before and after, and what was and was not mended."""

    report: Report
    before: Report
    texts: Mapping[str, str]
    findings: tuple[Finding, ...]
    refused: tuple[Refused, ...] = ()
    """What has a fix that brings another finding or a doubt, or is no help: nothing of that is written."""
    is_unfinished: bool = False
    """Whether there is more than was tried."""

    @property
    def told(self) -> str:
        """`2 findings mended in 1 file`, and what was not."""
        lines = [f"{_counted(len(self.findings), 'finding')} mended in {_counted(len(self.texts), 'file')}"]
        lines += [f"not mended: {one.finding.rule} at {one.finding.address}: {one.reason}" for one in self.refused]
        lines += ["there is more to mend: run it again"] if self.is_unfinished else []
        return "\n".join(lines)

    def write(self) -> None:
        """Writes the texts. Raises AuditError for a file that changed since it was read, or can't be written."""
        for path, text in self.texts.items():
            if read_text(path) != self.before.sources[path]:
                raise AuditError("the file changed while it was mended", where=path, help="run it again")
            _write(path, text)

    def difference(self) -> str:
        """What is mended, as a unified diff without lines around; secrets are masked."""
        return "".join(line for path in sorted(self.texts) for line in self._difference(path))

    def _difference(self, path: str) -> Iterator[str]:
        from difflib import unified_diff

        old, new = self.before.texts.get(path, ()), self.report.texts.get(path, ())
        if old[-1:] == new[-1:]:
            # What is added at the end is told so, and not as a change of the empty line behind the last.
            old, new = old[:-1], new[:-1]
        for line in unified_diff(old, new, path, path, n=0, lineterm=""):
            yield line + "\n"


def mend(report: Report, again: Again) -> Mended:
    """Mends what can be mended of `report`, in texts only; `again` audits them.

    Fixes are tried together. If a finding stays or another comes, each half of them is tried alone.
    """
    return _Mending(report, again).run()


class _Mending:
    def __init__(self, report: Report, again: Again) -> None:
        self.before = self.report = report
        self._again = again
        self._texts: dict[str, str] = {}
        self._refused: dict[Key, Refused] = {}
        self._mended: list[Finding] = []
        self._audits = 0

    def run(self) -> Mended:
        while (batch := self._next()) and self._audits < MOST_AUDITS:
            self._try(batch)
        refused = tuple(self._refused.values())
        return Mended(self.report, self.before, self._texts, tuple(self._mended), refused, bool(batch))

    def _next(self) -> Sequence[Repair]:
        """What is to be tried: first what may be all that is wrong, such as a slip of the pen."""
        found = [one for one in self.report.repairs if one.finding.key not in self._refused]
        return [one for one in found if not one.late] or found

    def _try(self, batch: Sequence[Repair]) -> bool:
        """Whether some of the repairs could be made; those that can't be are noted."""
        if self._audits >= MOST_AUDITS:
            return False
        reason = "its fix can't be written there"
        most = max(len(one.fixes) for one in batch)
        for choice in range(most if len(batch) == 1 else 1):
            taken, texts = self._drafted(batch, choice)
            if not taken:
                continue
            self._audits += 1
            report = self._again(self._texts | texts)
            reason = _objection(self.report, report, taken)
            if not reason:
                self.report, self._texts = report, self._texts | texts
                self._mended += taken
                return True
        if len(batch) == 1:
            self._refused[batch[0].finding.key] = Refused(batch[0].finding, reason)
            return False
        half = len(batch) // 2
        # After the first half is made, the second has other places: it comes in the next round.
        return self._try(batch[:half]) or self._try(batch[half:])

    def _drafted(self, batch: Sequence[Repair], choice: int) -> tuple[list[Finding], dict[str, str]]:
        """The findings whose fixes go together, and the texts with them."""
        sources = {**self.report.sources}
        drafts = Drafts(Layouts(sources))
        taken = []
        for one in batch:
            fixes = one.fixes[choice : choice + 1] if choice else one.fixes
            if any(drafts.take(fix.changes) for fix in fixes):
                taken.append(one.finding)
        return taken, {path: _with(sources[path], cuts) for path, cuts in drafts.cuts().items()}


def _objection(before: Report, after: Report, mended: Sequence[Finding]) -> str:
    """Why the files are not better so: one of `mended` stays, another comes, or a doubt, or less can be read."""
    # A place in a file moves with what is written above it: reasons tell these apart.
    broken = Counter(one.reason for one in before.skipped if one.broken)
    unread = Counter(one.reason for one in after.skipped if one.broken) - broken
    if unread:
        return f"with its fix, not all could be audited: {next(iter(unread))}"
    known, now = _keys(before), _keys(after)
    if any(now[one.key] for one in mended):
        return "its fix would not be enough"
    more = sorted(key for key in now if now[key] > known[key] and key[0] not in _ABOUT_FINDINGS)
    if more:
        return f"its fix would bring {more[0][0]} at {more[0][1]}"
    doubts = sorted(_undecided(after) - _undecided(before))
    return f"with its fix, {doubts[0][0]} at {doubts[0][1]} could not be decided" if doubts else ""


def _undecided(report: Report) -> frozenset[Key]:
    return frozenset(one.key for one in report.requirements if one.answer == "undecided")


def _keys(report: Report) -> Counter[Key]:
    return Counter(one.key for one in report.findings)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _with(text: str, cuts: Sequence[Cut]) -> str:
    """`text` with the edits, which are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for one in cuts:
        parts += (text[at : one.start], one.new)
        at = one.end
    return "".join((*parts, text[at:]))


def _write(path: str, text: str) -> None:
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
