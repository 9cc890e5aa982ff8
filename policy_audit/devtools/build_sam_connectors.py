"""Writes the table of SAM's connectors from the profiles that the package aws-sam-translator brings.

    python -m policy_audit.devtools.build_sam_connectors FILE_OF_PROFILES VERSION_OF_THE_PACKAGE

Of each pair of types the table keeps what is made (a policy of a role, a queue or a topic, or a permission of a
function), for which of the two, and the statements of each kind of access.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from policy_audit.sources.sam_connectors import TABLE

_MAKES: Final = {
    "AWS_IAM_ROLE_MANAGED_POLICY": "role",
    "AWS_SQS_QUEUE_POLICY": "queue",
    "AWS_SNS_TOPIC_POLICY": "topic",
    "AWS_LAMBDA_PERMISSION": "function",
}


def table(permissions: Mapping[str, Mapping[str, Any]], version: str) -> str:
    """The text of the table for the profiles of this version of the package."""
    found = {
        f"{source} {destination}": {
            "makes": _MAKES[profile["Type"]],
            "of": "source" if profile["Properties"]["SourcePolicy"] else "destination",
            "access": {
                name: access.get("Statement", [access])
                for name, access in profile["Properties"]["AccessCategories"].items()
            },
        }
        for source, destinations in sorted(permissions.items())
        for destination, profile in sorted(destinations.items())
    }
    lines = (f"  {json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in found.items())
    return f'{{"aws-sam-translator": {json.dumps(version)}, "connectors": {{\n' + ",\n".join(lines) + "\n}}\n"


def main(file: str, version: str) -> None:
    """Reads the file of profiles and writes the table."""
    with open(file, encoding="utf-8") as source:
        permissions = json.load(source)["Permissions"]
    with open(TABLE, "w", encoding="utf-8") as target:
        target.write(table(permissions, version))


if __name__ == "__main__":
    main(*sys.argv[1:3])
