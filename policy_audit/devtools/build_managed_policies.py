"""Writes the table of AWS managed policies from a file of facts: the same bytes for the same facts and zlib.

    python -m policy_audit.devtools.build_managed_policies FACTS_FILE

The facts are a JSON object whose `policies` give for each name the ARN, the default version, the day it was last
changed, and the document. A policy without ARN is left out: whether AWS still has it, and in which wording, is not
known. Of a document the table keeps what it grants and denies: no `Sid`, and no action that another one of the same
statement covers.
"""

import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from policy_audit.sources.aws_managed_policies import FORM, TABLE, VERSION

BLOCK_SIZE: Final = 32_000
"""Characters of a block before compression: larger ones make a smaller file, smaller ones a faster look-up."""
_PREFIX: Final = "arn:aws:iam::aws:policy/"
_STATEMENT_KEYS: Final = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}

MISSING: Final[dict[str, dict[str, Any]]] = {
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html
    "AdministratorAccess": {
        "arn": f"{_PREFIX}AdministratorAccess",
        "version": "v1",
        "updated": "2015-02-06",
        "document": {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    },
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html
    "PowerUserAccess": {
        "arn": f"{_PREFIX}PowerUserAccess",
        "version": "v12",
        "updated": "2026-02-12",
        "document": {
            "Version": VERSION,
            "Statement": [
                {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": [
                        "account:GetAccountInformation",
                        "account:GetGovCloudAccountInformation",
                        "account:GetPrimaryEmail",
                        "account:ListRegions",
                        "iam:CreateServiceLinkedRole",
                        "iam:DeleteServiceLinkedRole",
                        "iam:ListRoles",
                        "organizations:DescribeEffectivePolicy",
                        "organizations:DescribeOrganization",
                    ],
                    "Resource": "*",
                },
            ],
        },
    },
}
"""What the facts lack, from AWS's reference."""


def main(arguments: list[str]) -> int:
    """Builds the table from the file that `arguments` name, and returns the process's exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        policies = json.load(file)["policies"]
    content = table(policies)
    with open(TABLE, "wb") as output:
        output.write(content)
    left_out = sorted(name for name, policy in policies.items() if not policy["arn"])
    print(f"{content.splitlines()[0].decode('ascii')}: {len(content):,} bytes; without ARN, left out: {len(left_out)}")
    return 0


def table(policies: dict[str, dict[str, Any]]) -> bytes:
    """The file's content, for `policies` as the facts give them."""
    known = [policy for policy in {**MISSING, **policies}.values() if policy["arn"]]
    entries = sorted(_entry(policy) for policy in known)
    blocks = [(first, zlib.compress(text.encode("ascii"), 9)) for first, text in _blocks(entries)]
    index = zlib.compress("\n".join(f"{first}\t{len(data)}" for first, data in blocks).encode("ascii"), 9)
    date = max(policy["updated"] for policy in known)
    heading = f"{FORM} {date} {len(entries)} {len(index)}\n".encode("ascii")
    return heading + index + b"".join(data for _, data in blocks)


def _blocks(entries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """First name and text of each block; `entries` are names with their lines, in order."""
    names: list[str] = []
    texts: list[str] = []
    for name, text in entries:
        if sum(map(len, texts)) > BLOCK_SIZE:
            yield names[0], "\n\n".join(texts)
            names, texts = [], []
        names.append(name)
        texts.append(text)
    yield names[0], "\n\n".join(texts)


def _entry(policy: dict[str, Any]) -> tuple[str, str]:
    """Path and name, and all lines, of one policy."""
    arn, document = policy["arn"], policy["document"]
    if not arn.startswith(_PREFIX) or document["Version"] != VERSION:
        raise ValueError(f"{arn}: not an AWS managed policy of version {VERSION}")
    name = arn.removeprefix(_PREFIX)
    statements = [_statement(statement) for statement in _list(document["Statement"])]
    return name, "\n".join(("\t".join((name, policy["version"], policy["updated"])), *statements))


def _statement(statement: dict[str, Any]) -> str:
    if unknown := statement.keys() - _STATEMENT_KEYS:
        raise ValueError(f"unknown elements {sorted(unknown)}")
    conditions = [
        _joined("|", [operator, key, *(_text(value) for value in _list(values))])
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    fields = [
        {"Allow": "A", "Deny": "D"}[statement["Effect"]],
        "!" * ("NotAction" in statement) + _actions(_list(statement.get("Action", statement.get("NotAction")))),
        "!" * ("NotResource" in statement)
        + _joined("|", sorted(set(_list(statement.get("Resource", statement.get("NotResource")))))),
        *sorted(conditions),
    ]
    return _joined("\t", fields)


def _actions(actions: list[str]) -> str:
    """`actions` by service: no two that differ in case alone, none that one ending in `*` covers."""
    unique = {action.lower(): action for action in sorted(actions, reverse=True)}
    prefixes = tuple(action[:-1] for action in unique if action.endswith("*"))
    services: dict[str, list[str]] = {}
    for lower, action in sorted(unique.items()):
        # Its own prefix is among them, so only those that are shorter than the action without its star count.
        if any(lower.startswith(prefix) for prefix in prefixes if len(prefix) < len(lower.removesuffix("*"))):
            continue
        service, _, name = action.partition(":")
        services.setdefault(service, []).append(_joined(",", [name]))
    groups = [f"{service}:{','.join(names)}" if names != [""] else service for service, names in services.items()]
    return _joined(" ", groups)


def _joined(separator: str, parts: list[str]) -> str:
    """`parts` with `separator` between them, which none of them may hold."""
    if not parts or any(separator in part or "\n" in part for part in parts):
        raise ValueError(f"cannot be written with {separator!r} between them: {parts}")
    return separator.join(parts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
