"""What the user may say about an audit, on the command line or in `policy_audit.yaml`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.findings import Severity
    from policy_audit.model.ignores import Ignore


class Options(NamedTuple):
    """The same from the command line and from the configuration; paths are relative to the current folder."""

    parameters: Mapping[str, str] = {}
    """Template parameters by name; `file.yaml:Name` sets it for one template only."""
    stacks: Mapping[str, str] = {}
    """Stack name to template path."""
    partition: str = ""
    region: str = ""
    account: str = ""
    callers: Mapping[str, tuple[str, ...]] = {}
    """REST API address (`template.yaml#LogicalId` or logical id) to the roles that may call it (addresses or ARNs)."""
    deployers: Sequence[str] = ()
    """The roles that deploy the templates: ARNs, addresses or logical ids."""
    rules: Sequence[str] = ()
    """Folders with rules of the user's own."""
    disabled: frozenset[str] = frozenset()
    severities: "Mapping[str, Severity]" = {}  # noqa: RUF012 - never changed
    """Rules whose findings have another severity than the rule says."""
    ignores: "Sequence[Ignore]" = ()
    """What the configuration says to ignore."""
    baseline: str = ""
    """The file of findings that are known, or empty."""
    today: str = ""
    """The day, as 2026-11-21, by which ignores expire; empty for the computer's."""
    root: str = ""
    """The folder that paths in fingerprints start from; empty for the current one."""
    strict: bool = False
    fixes: Literal["", "safe", "unsafe"] = ""
    """Which fixes of findings the report is to have as edits."""
    templates: Sequence[str] = ()
    """Files and folders with the templates of what is deployed, to show where a resource of an account is declared."""
    accounts: Mapping[str, str] = {}
    """Account by template, or by folder with templates: where they are deployed, for estates of several accounts."""
    regions: Mapping[str, str] = {}
    """Region by template or folder, likewise."""
    several: Mapping[str, tuple[str, ...]] = {}
    """The Regions of templates that are deployed to several, likewise; those of all templates under the empty path."""
    policies_are: str = ""
    """What policy documents in files of their own are: `identity`, `resource`, `trust`, `endpoint`, `scp`, `rcp`."""
