"""Which actions an `aws-sdk` integration needs: a table in the package, of which only the services used are read.

The file has a heading of one line (form, its number, the day of the data, the length of the index), an index, and a
block for each IAM prefix. Index and blocks are compressed, each on its own. The index has a line for each service, with
tabs between its name as Step Functions has it, its IAM prefix (empty if nobody knows it), where the prefix's block
starts and how long it is, the operations with other actions than their own name (`headObject=s3:GetObject`), the
operations whose actions are not known, and some that Step Functions does not offer. A block holds the names of the
prefix's actions, with spaces between. `policy_audit.devtools.build_sdk_operations` writes it.
"""

import os
import zlib
from functools import cache
from typing import Final

from policy_audit.record import NamedTuple
from policy_audit.suggest import did_you_mean

TABLE: Final = os.path.join(os.path.dirname(__file__), "sdk_operations.table")
FORM: Final = "sdk-operations 1"


class Unknown(NamedTuple):
    """An operation whose permissions are not known; `reason` is a clause that says why."""

    reason: str


class Service(NamedTuple):
    """One service of the index, as the module's docstring tells."""

    prefix: str
    start: int
    length: int
    others: dict[str, tuple[str, ...]]
    unknown: frozenset[str]
    not_offered: frozenset[str]


def actions_of_operation(service: str, operation: str) -> tuple[str, ...] | Unknown:
    """The IAM actions that `aws-sdk:SERVICE:OPERATION` needs: those that AWS names, else the one of its own name.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    found = _services().get(service)
    if found is None:
        hint = did_you_mean(service, _services())
        return Unknown(f"the service `{service}` is not known" + (f", {hint}" if hint else ""))
    name = operation.lower()
    if name in found.others:
        return found.others[name]
    if not found.prefix or name in found.unknown:
        return Unknown(f"which permission `{service}:{operation}` needs is not known")
    action = _actions(found.start, found.length).get(name)
    if action is None:
        hint = did_you_mean(operation, (_camel(one) for one in _actions(found.start, found.length).values()))
        reason = f"AWS lists no action of the name of `{service}:{operation}`"
        return Unknown(reason + (f", {hint}" if hint else ""))
    return (f"{found.prefix}:{action}",)


def is_not_offered(service: str, operation: str) -> bool:
    """Whether AWS's page names the operation among those that Step Functions does not support.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    found = _services().get(service)
    return found is not None and operation.lower() in found.not_offered


def table_date() -> str:
    """The day that the table's data is of, as `2026-01-31`."""
    with open(TABLE, "rb") as file:
        return file.readline().decode("ascii").split()[2]


def service_names() -> tuple[str, ...]:
    """Every service of the table, sorted."""
    return tuple(sorted(_services()))


@cache
def _services() -> dict[str, Service]:
    return dict(_service(line) for line in _text(0).splitlines())


def _service(line: str) -> tuple[str, Service]:
    name, prefix, start, length, others, unknown, not_offered = line.split("\t")
    pairs = (one.partition("=") for one in others.split())
    actions = {operation.lower(): tuple(listed.split(",")) for operation, _, listed in pairs}
    words = [frozenset(field.lower().split()) for field in (unknown, not_offered)]
    return name, Service(prefix, int(start), int(length), actions, *words)


@cache
def _actions(start: int, length: int) -> dict[str, str]:
    """The actions of a block by their names in lower case."""
    return {name.lower(): name for name in _text(start, length).split()} if length else {}


def _text(start: int, length: int = 0) -> str:
    """A block of the table; the index for a length of 0. Blocks start after the index."""
    with open(TABLE, "rb") as file:
        form, number, _, index = file.readline().decode("ascii").split()
        if f"{form} {number}" != FORM:
            raise ValueError(f"{TABLE} is not of the form {FORM}")
        if length:
            file.seek(int(index) + start, os.SEEK_CUR)
        return zlib.decompress(file.read(length or int(index))).decode("ascii")


def _camel(name: str) -> str:
    """An action's name as an operation is written: `putObject`."""
    return name[:1].lower() + name[1:]
