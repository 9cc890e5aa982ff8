"""The account snapshot: one account as read-only calls returned it, in a versioned JSON file that can be audited again.

    {"policy_audit_snapshot": 1, "account": "123456789012", "partition": "aws", "taken": "2026-11-21T12:00:00Z",
     "complete": true, "selected": {},
     "not_inspected": [{"service": "vpc-lattice", "operation": "GetResourceConfiguration", "region": "eu-west-1",
                        "resource": "rcfg-0a", "code": "AccessDeniedException", "reason": "…"}],
     "global": {"iam.GetAccountAuthorizationDetails": {"": {"RoleDetailList": […], "Policies": […]}}},
     "regions": {"eu-west-1": {"events.DescribeConnection": {"parcels": {"ConnectionArn": …}}}}}

A section has an object for each operation, and in it a response for each thing that was asked about, in the API's own
shape with its pages joined. `kept.OPERATIONS` says what of a response is kept: no credential, secret value, environment
or stage variable is. An operation without an entry was not called there; one that failed is in `not_inspected`.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from typing import Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.live.kept import EVERYWHERE, OPERATIONS, keep
from policy_audit.record import NamedTuple

MARK: Final = "policy_audit_snapshot"
"""The first key of the file, whose value is the version."""
VERSION: Final = 1
Section = dict[str, dict[str, dict[str, object]]]
"""By operation, and by the values of its key arguments: the response."""


class NotInspected(NamedTuple):
    """A call that gave no answer, or not all of it: what depends on it is undecided.

    `resource` is the key of the response that is missing, as in the section; empty when it is the whole operation.
    `region` is empty for the section `global`. `code` is AWS's error code, or the name of the client's own failure.
    """

    service: str
    operation: str
    region: str = ""
    resource: str = ""
    code: str = ""
    reason: str = ""


class Snapshot:
    """One account, on its way from responses to a file or back.

    `taken` is the time of the first call, in UTC, as `2026-11-21T12:00:00Z`. `selected` says what the reading was
    narrowed to (`{"state_machines": […], "apis": […]}`); empty for everything. `complete` is false when the reading
    was broken off.
    """

    def __init__(self, account: str, partition: str, taken: str) -> None:
        self.account = account
        self.partition = partition
        self.taken = taken
        self.complete = True
        self.selected: dict[str, list[str]] = {}
        self.everywhere: Section = {}
        self.regions: dict[str, Section] = {}
        self.not_inspected: list[NotInspected] = []

    def add(
        self,
        operation: str,
        response: Mapping[str, object],
        arguments: Mapping[str, str] | None = None,
        region: str = "",
    ) -> None:
        """Keeps a response, or a further page of one, to `operation` asked with `arguments`.

        `region` is empty for an operation of the section `global`. Raises KeyError for an operation that no snapshot
        has, or when one of its key arguments is missing.
        """
        kept = OPERATIONS[operation]
        key = key_of(operation, arguments or {})
        section = self.everywhere if operation in EVERYWHERE else self.regions.setdefault(region, {})
        found = keep(operation, response)
        before = section.setdefault(operation, {}).setdefault(key, found)
        if before is found:
            return
        for name in kept.pages.split():
            old, new = before.setdefault(name, []), found.get(name, [])
            assert isinstance(old, list) and isinstance(new, list)
            old += new

    def to_json(self) -> dict[str, object]:
        """The snapshot as it stands in the file."""
        return {
            MARK: VERSION,
            "account": self.account,
            "partition": self.partition,
            "taken": self.taken,
            "complete": self.complete,
            "selected": self.selected,
            "not_inspected": [dict(zip(one._fields, one, strict=True)) for one in self.not_inspected],
            "global": self.everywhere,
            "regions": self.regions,
        }


def key_of(operation: str, arguments: Mapping[str, str]) -> str:
    """The key of the response to `operation` asked with `arguments`: the key arguments' values, a space between two."""
    return " ".join(arguments[name] for name in OPERATIONS[operation].keys)


def dump(snapshot: Snapshot, path: str) -> None:
    """Writes the snapshot, whole or not at all, for its owner alone to read."""
    folder = os.path.dirname(path) or "."
    handle, written = tempfile.mkstemp(prefix=".snapshot-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(snapshot.to_json(), file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(written, path)
    except BaseException:
        os.unlink(written)
        raise


def load(path: str) -> Snapshot:
    """The snapshot in the file at `path`. Raises AuditError for any other file, and for one of another version."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise AuditError(f"cannot read the snapshot: {str(error).lower()}", where=path, exit_code=INCOMPLETE) from None
    version = found.get(MARK) if isinstance(found, dict) else None
    if version != VERSION:
        raise AuditError(
            f"this is no account snapshot of version {VERSION}",
            where=path,
            help="write it anew with `policy-audit live --save`",
            exit_code=INCOMPLETE,
        )
    snapshot = Snapshot(found["account"], found["partition"], found["taken"])
    snapshot.complete = bool(found.get("complete", True))
    snapshot.selected = found.get("selected", {})
    snapshot.everywhere, snapshot.regions = found["global"], found["regions"]
    snapshot.not_inspected = [NotInspected(**one) for one in found["not_inspected"]]
    return snapshot
