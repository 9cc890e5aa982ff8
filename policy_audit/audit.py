"""The audit: load, derive, prove, collect."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from policy_audit.findings import Report


class Options(NamedTuple):
    """What the user may say about an audit; the same from the command line and from `policy_audit.yaml`."""

    parameters: Mapping[str, str] = {}
    """Template parameters by name; `file.yaml:Name` sets it for one template only."""
    stacks: Mapping[str, str] = {}
    """Stack name to template path."""
    partition: str = ""
    region: str = ""
    account: str = ""
    callers: Mapping[str, tuple[str, ...]] = {}
    """REST API address (`template.yaml#LogicalId` or logical id) to the roles that may call it (addresses or ARNs)."""
    rules: Sequence[str] = ()
    """Folders with rules of the user's own."""
    disabled: frozenset[str] = frozenset()
    strict: bool = False


def audit(paths: Sequence[str], options: Options = Options()) -> Report:  # noqa: B008 - immutable
    """The report on `paths` (files and folders) as one estate. Raises AuditError when nothing can be audited."""
    raise NotImplementedError
