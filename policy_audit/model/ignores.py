"""What the user left out of the report on purpose, as facts that rules are about: is it read, in force, in use?"""

from collections.abc import Sequence

from policy_audit.model.fix import replaced
from policy_audit.model.resources import Fact
from policy_audit.model.system import System
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class Ignore(NamedTuple):
    """One rule that a comment, `Metadata` or the configuration says to ignore, where, why and until when.

    It covers the findings of the rule at one of `addresses` (in which `*` stands for any text) or within one of
    `stretches`. With `action` or `requirement`, only those about this action, or of this sentence.
    """

    rule: str
    address: str
    """What stands for the ignore itself, should a finding be about it."""
    span: Span
    addresses: tuple[str, ...] = ()
    stretches: tuple[Span, ...] = ()
    reason: str = ""
    expires: str = ""
    """The last day on which it counts, as 2027-01-31; empty for no end."""
    action: str = ""
    requirement: str = ""
    in_source: bool = True
    """Whether it stands beside what it is about, and not in the configuration."""
    written: str = ""
    """The whole of a comment that says nothing but this."""
    problem: str = ""
    """Why it can't be read as an ignore; it then covers nothing."""


class AuditedIgnore(NamedTuple):
    """An ignore with what became of it in the audit."""

    ignore: Ignore
    used: bool
    expired: bool

    @property
    def address(self) -> str:
        return self.ignore.address

    @property
    def span(self) -> Span:
        return self.ignore.span

    @property
    def label(self) -> str:
        """`ignore of `http-task-timeout``."""
        return f"ignore of `{self.ignore.rule}`" if self.ignore.rule else "ignore"

    @property
    def rule(self) -> str:
        """The rule that it names."""
        return self.ignore.rule

    @property
    def form(self) -> Fact:
        """Whether it is written in a form that is read, and names a rule that there is."""
        return Fact(not self.ignore.problem, self.ignore.problem, span=self.span)

    @property
    def term(self) -> Fact:
        """Whether its last day is still to come."""
        return Fact(not self.expired, f"expired after {self.ignore.expires}", span=self.span)

    @property
    def use(self) -> Fact:
        """Whether there is a finding, or an undecided requirement, that it covers."""
        useful = self.used or self.expired or bool(self.ignore.problem)
        fix = replaced(self.ignore.written, "", safe=True) if self.ignore.written and not useful else None
        return Fact(useful, "covers no finding", span=self.span, fix=fix)


def every(system: System) -> Sequence[AuditedIgnore]:
    """Every ignore of the audited files and of the configuration."""
    return system.all(AuditedIgnore)
