"""The JSON Schemas that come with the package: each file `NAME.schema.json` beside this one."""

import os
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.suggest import did_you_mean

_ENDING: Final = ".schema.json"


def schema(name: str) -> str:
    """The text of the schema of that name. Raises AuditError if there is none, with those that there are."""
    folder = os.path.dirname(os.path.abspath(__file__))
    names = sorted(file.removesuffix(_ENDING) for file in os.listdir(folder) if file.endswith(_ENDING))
    if name not in names:
        known = f"there is {', '.join(f'`{each}`' for each in names)}"
        raise AuditError(f"there is no schema `{name}`", help=did_you_mean(name, frozenset(names)) or known)
    with open(os.path.join(folder, f"{name}{_ENDING}"), encoding="utf-8") as file:
        return file.read()
