"""What a baseline holds, as facts that a rule is about: is it still found?"""

from collections.abc import Sequence

from policy_audit.model.resources import Fact
from policy_audit.model.system import System
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class KnownFinding(NamedTuple):
    """A finding of the baseline. `finding_address` is what it is about, `address` and `span` its entry in the file."""

    address: str
    span: Span
    fingerprint: str
    rule: str
    finding_address: str
    requirement: str
    found: bool = True

    @property
    def label(self) -> str:
        """The finding in words."""
        return f"finding of `{self.rule}` at `{self.finding_address}`"

    @property
    def presence(self) -> Fact:
        """Whether there is still such a finding."""
        return Fact(self.found, "is found no more", span=self.span)


def every(system: System) -> Sequence[KnownFinding]:
    """Every entry of the baseline that is about audited files."""
    return system.all(KnownFinding)
