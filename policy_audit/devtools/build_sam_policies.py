"""Writes the table of SAM's policy templates from the ones that the package aws-sam-translator brings.

    python -m policy_audit.devtools.build_sam_policies FILE_OF_POLICY_TEMPLATES VERSION_OF_THE_PACKAGE

Of each template the table keeps what it grants: its parameters' names and its statements, without `Sid`.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from policy_audit.sources.sam_policies import TABLE


def table(templates: Mapping[str, Any], version: str) -> str:
    """The text of the table for the templates of this version of the package."""
    found = {
        name: {
            "parameters": sorted(template["Parameters"]),
            "statements": [
                {key: value for key, value in statement.items() if key != "Sid"}
                for statement in template["Definition"]["Statement"]
            ],
        }
        for name, template in sorted(templates.items())
    }
    lines = (f"  {json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in found.items())
    return f'{{"aws-sam-translator": {json.dumps(version)}, "templates": {{\n' + ",\n".join(lines) + "\n}}\n"


def main(file: str, version: str) -> None:
    """Reads the file of policy templates and writes the table."""
    with open(file, encoding="utf-8") as source:
        templates = json.load(source)["Templates"]
    with open(TABLE, "w", encoding="utf-8") as target:
        target.write(table(templates, version))


if __name__ == "__main__":
    main(*sys.argv[1:3])
