"""What an audit says: requirements with their verdicts, findings among them, and everything that was not audited."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, NOTHING_AUDITED
from policy_audit.model.fix import Fix
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.rulebook.rule import Rule

Severity = Literal["note", "low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("note", "low", "medium", "high", "critical")
FailOn = Literal["note", "low", "medium", "high", "critical", "never"]
Confidence = Literal["low", "medium", "high"]
Answer = Literal["proven", "refuted", "undecided"]


class Mark(NamedTuple):
    """A place worth showing, and why: `label` is a short clause such as `grants another path`."""

    span: Span
    label: str = ""


class Counterexample(NamedTuple):
    """The one request that breaks a requirement, in IAM's words; `case` is what `policy-audit simulate` reads."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]]
    decision: str
    case: Mapping[str, object]


class Admitted(NamedTuple):
    """One kind of principals that gets in where only some are meant to: one of them, and a request that it may make.

    Two principals are of one kind when no statement tells them apart. `about` says how they come: as a principal of
    the API's account, as an AWS service …
    """

    principal: str
    about: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = {}


Key = tuple[str, str, str]
"""Rule, address and requirement: what a finding and the requirement that it is about have in common."""


class Checked(NamedTuple):
    """One requirement with its verdict. `because` are the statements that decide, `reasons` why it is undecided."""

    rule: str
    address: str
    requirement: str
    answer: Answer
    span: Span
    because: tuple[Mark, ...] = ()
    reasons: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    """The combinations of template conditions it was asked in, when the answers differ between them."""

    @property
    def key(self) -> Key:
        return self.rule, self.address, self.requirement


class Finding(NamedTuple):
    """A requirement that is not met, or could not be decided. `address` is `template.yaml#LogicalId`."""

    rule: str
    severity: Severity
    confidence: Confidence
    answer: Literal["refuted", "undecided"]
    address: str
    requirement: str
    message: str
    help: str
    page: str
    """The rule's page as `policy-audit explain` finds it: the rule's id."""
    location: Span
    label: str = ""
    """What to read at `location`."""
    related: tuple[Mark, ...] = ()
    counterexample: Counterexample | None = None
    admitted: tuple[Admitted, ...] = ()
    """For a restriction: all kinds of principals that get in, the shortest first, up to a number."""
    reasons: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    fingerprint: str = ""
    """Stable over edits: made from rule, address and requirement, never from a line."""

    @property
    def files(self) -> frozenset[str]:
        """The files that it points at."""
        return frozenset((self.location.file, *(mark.span.file for mark in self.related)))

    @property
    def key(self) -> Key:
        return self.rule, self.address, self.requirement


class Repair(NamedTuple):
    """How a finding may be mended: its fixes, the best first. `late` ones wait for others that may do as well."""

    finding: Finding
    fixes: tuple[Fix, ...]
    late: bool = False


class Ignored(NamedTuple):
    """A finding that the user has decided to live with, and why: it fails no audit."""

    finding: Finding
    reason: str
    span: Span | None = None
    """Where the user says so: a comment, `Metadata`, an entry of the configuration."""
    in_source: bool = False
    """Whether that is beside what it is about (a comment, `Metadata`), and not in a file of its own."""


class Skipped(NamedTuple):
    """A file, or a part of one, that was not audited; `broken` when it should have been: the audit is incomplete."""

    target: str
    reason: str
    help: str = ""
    broken: bool = False
    span: Span | None = None


class Target(NamedTuple):
    """A file that was read, and as what: `CloudFormation template`."""

    path: str
    form: str


class Stop(NamedTuple):
    """A resource that a call passes. `kind` is a reader's word: `role`, `connection`, `REST API`, `load balancer` …"""

    kind: str
    name: str
    address: str = ""
    """Empty for what no audited file declares."""
    span: Span | None = None
    detail: str = ""
    """What a reader wants to know of it at a glance: `internal`, `port 443` …"""
    unseen: str = ""
    """Why the audit does not see it, as a clause."""


class CallPath(NamedTuple):
    """The way of one call: what makes it, and every resource that it passes, in this order.

    A requirement is about this call if its `span` is the call's; it is about a stop if its address is the stop's, or
    that of a part of it (`Report.parts`), and its `span` no call's.
    """

    origin: Stop
    """The state machine, event rule, pipe or schedule."""
    name: str
    """The state, or the target."""
    call: str
    """What it calls: `GET /orders`, `dynamodb:putItem`."""
    span: Span
    stops: tuple[Stop, ...] = ()


class Report(NamedTuple):
    """Everything one audit found. `texts` gives the lines of the files for excerpts, secrets masked."""

    findings: tuple[Finding, ...] = ()
    requirements: Sequence[Checked] = ()
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    texts: Mapping[str, tuple[str, ...]] = {}
    rules: Mapping[str, str] = {}
    """Every rule that was asked, with its version (`since`)."""
    ignored: tuple[Ignored, ...] = ()
    baselined: tuple[Finding, ...] = ()
    """Findings that the baseline holds: they fail no audit."""
    asked: tuple["Rule", ...] = ()
    """The rules of `rules`, for formats that tell what they require."""
    paths: tuple[CallPath, ...] = ()
    """The way of every call, where that was asked for."""
    parts: Mapping[str, str] = {}
    """By the address of what belongs to a stop of `paths`, as a method does to its API: the address of the stop."""
    repairs: tuple[Repair, ...] = ()
    """How findings may be mended; only if that was asked for."""
    sources: Mapping[str, str] = {}
    """The texts of the files that may be mended, by path, likewise; nothing in them is masked."""

    def count(self, answer: Answer) -> int:
        """How many requirements have this answer."""
        return self.verdicts()[answer]

    def verdicts(self) -> dict[Answer, int]:
        """How many requirements have which answer."""
        numbers: dict[Answer, int] = {"proven": 0, "refuted": 0, "undecided": 0}
        for checked in self.requirements:
            numbers[checked.answer] += 1
        return numbers


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether `severity` is `threshold` or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(threshold)


def fails(finding: Finding, fail_on: FailOn = "medium", strict: bool = False) -> bool:
    """Whether `finding` makes an audit end with `FINDINGS`."""
    return fail_on != "never" and at_least(finding.severity, fail_on) and (strict or finding.answer == "refuted")


def exit_code(report: Report, fail_on: FailOn = "medium", strict: bool = False) -> int:
    """What `policy-audit check` ends with: see the constants of `errors`.

    A finding fails the audit when it is `fail_on` or worse; one about an undecided requirement only when `strict`.
    An incomplete audit is told after findings, or before them when `strict`.
    """
    failing = any(fails(finding, fail_on, strict) for finding in report.findings)
    broken = any(skipped.broken for skipped in report.skipped)
    if failing and not (broken and strict):
        return FINDINGS
    if broken:
        return INCOMPLETE
    return CLEAN if report.targets else NOTHING_AUDITED
