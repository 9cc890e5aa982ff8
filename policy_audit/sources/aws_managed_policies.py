"""What AWS's own managed policies grant: a table in the package, of which only the policy that is asked for is read.

The file has a heading, an index and blocks. The heading is one line of text: form, its number, the date of the data,
how many policies there are, and how many bytes the index has. Index and blocks are compressed, each on its own. The
index has a line for each block: the first policy's path and name, and the block's length. A block is a run of policies
in order, an empty line between two, each a line `path and name, version, date`, and below it a line for each statement,
in AWS's order:

    A  lambda:Get*,List* logs:PutLogEvents  *  StringEquals|aws:RequestedRegion|eu-west-1

with tabs between effect (`A` or `D`), actions, resources, and as many conditions as there are. Actions of one service
stand together. `!` before the actions or the resources stands for `NotAction` or `NotResource`. All documents are of
version 2012-10-17. `policy_audit.devtools.build_managed_policies` writes the file.
"""

import os
import zlib
from bisect import bisect_right
from typing import BinaryIO, Final

from policy_audit.model.policy import Condition, Effect, Policy, Statement

TABLE: Final = os.path.join(os.path.dirname(__file__), "aws_managed_policies.table")
FORM: Final = "aws-managed-policies 1"
VERSION: Final = "2012-10-17"
"""The one version that documents of the table have."""
_ARN_PARTS: Final = 6


def aws_managed_policy(arn: str) -> Policy | None:
    """The AWS managed policy that `arn` names, or None when the table does not have it: it may then grant anything.

    The table has the default version of each policy in the partition `aws`. For another partition (the ARN may have a
    letter there) the same grants are given with that partition in their ARNs: AWS publishes most policies everywhere
    in one wording. https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html
    """
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2:5] != ["iam", "", "aws"]:
        return None
    kind, _, name = parts[5].partition("/")
    if kind != "policy" or "\t" in name or "\n" in name:
        return None
    lines = _find(name)
    return _policy(lines, parts[1]) if lines else None


def table_date() -> str:
    """The day that the table's data is of, as `2026-01-31`."""
    with open(TABLE, "rb") as file:
        return _heading(file)[0]


def names() -> tuple[str, ...]:
    """Path and name of every policy of the table, sorted: `service-role/AWSLambdaBasicExecutionRole`."""
    with open(TABLE, "rb") as file:
        _, index_length = _heading(file)
        blocks = [int(line.split("\t")[1]) for line in _inflated(file, index_length)]
        entries = (entry for length in blocks for entry in _entries(_inflated(file, length)))
        return tuple(entry[0].split("\t")[0] for entry in entries)


def path_and_name(name: str) -> str:
    """The path and name of the policy of that name, such as `service-role/AWSLambdaRole`; empty if there is none."""
    return next((one for one in names() if one.rpartition("/")[2] == name), "")


def _find(name: str) -> list[str]:
    """The lines of the policy of this path and name; empty when there is none."""
    with open(TABLE, "rb") as file:
        _, index_length = _heading(file)
        index = [line.split("\t") for line in _inflated(file, index_length)]
        block = bisect_right([first for first, _ in index], name) - 1
        if block < 0:
            return []
        lengths = [int(length) for _, length in index]
        file.seek(sum(lengths[:block]), os.SEEK_CUR)
        text = f"\n\n{zlib.decompress(file.read(lengths[block])).decode('ascii')}\n\n"
    # The empty line before a policy keeps `policy/A` from finding a statement.
    start = text.find(f"\n\n{name}\t")
    return text[start + 2 : text.index("\n\n", start + 2)].split("\n") if start >= 0 else []


def _heading(file: BinaryIO) -> tuple[str, int]:
    """Date of the data and length of the index; leaves `file` where the index starts."""
    form, number, date, _, length = file.readline().decode("ascii").split()
    if f"{form} {number}" != FORM:
        raise ValueError(f"{TABLE} is not of the form {FORM}")
    return date, int(length)


def _inflated(file: BinaryIO, length: int) -> list[str]:
    return zlib.decompress(file.read(length)).decode("ascii").splitlines()


def _entries(lines: list[str]) -> list[list[str]]:
    """The policies of a block: an empty line stands between two."""
    entries: list[list[str]] = [[]]
    for line in lines:
        if line:
            entries[-1].append(line)
        else:
            entries.append([])
    return entries


# ---- one policy -----------------------------------------------------------------------------------------------------


def _policy(lines: list[str], partition: str) -> Policy:
    name, version, _ = lines[0].split("\t")
    statements = (
        _statement(line if partition == "aws" else line.replace("arn:aws:", f"arn:{partition}:")) for line in lines[1:]
    )
    return Policy(tuple(statements), VERSION, f"{name.rpartition('/')[2]} {version}")


def _statement(line: str) -> Statement:
    letter, actions, resources, *conditions = line.split("\t")
    effect: Effect = "Allow" if letter == "A" else "Deny"
    return Statement(
        effect,
        actions=tuple(_actions(actions.removeprefix("!"))),
        resources=tuple(resources.removeprefix("!").split("|")),
        conditions=tuple(_condition(text) for text in conditions),
        not_action=actions.startswith("!"),
        not_resource=resources.startswith("!"),
    )


def _actions(text: str) -> list[str]:
    found = []
    for group in text.split(" "):
        service, colon, actions = group.partition(":")
        found += [f"{service}:{action}" for action in actions.split(",")] if colon else [service]
    return found


def _condition(text: str) -> Condition:
    operator, key, *values = text.split("|")
    return Condition(operator, key, tuple(values))
