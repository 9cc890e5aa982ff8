"""Templates as the stacks of an account have deployed them: with its ids and names in the place of what was open."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.sources.inputs import Input, StackResource
from policy_audit.sources.physical_ids import REFERENCES
from policy_audit.sources.tree import child, entries, text

_NUMBERED: Final = frozenset({"AWS::ECS::TaskDefinition"})
"""Types whose physical ids end in a revision."""
_PREFIXES: Final = {"AWS::EC2::VPC": "vpc-", "AWS::EC2::VPCEndpoint": "vpce-"}
"""What begins ids, for types of which `physical_ids` makes the rest alone."""


class _Stack:
    """A stack of an account: its resources by logical id, and the input that tells of them."""

    def __init__(self, name: str, owner: Input) -> None:
        self.name = name
        self.owner = owner
        self.resources: dict[str, StackResource] = {}


def as_deployed(templates: Sequence[Input], accounts: Sequence[Input], stacks: Mapping[str, str]) -> tuple[Input, ...]:
    """The templates, one for each stack that was made from it, and those that no stack was made from as they are.

    A stack's template is the one that `stacks` names, or the one that has the most of its resources by type and logical
    id. Of templates that two stacks would be made from equally well none is taken.
    """
    made: dict[int, list[_Stack]] = {}
    declared = [
        {(text(child(entry.value, "Type")) or "", entry.key.text) for entry in entries(one.body.get("Resources"))}
        for one in templates
    ]
    ids: dict[str, Mapping[str, str]] = {}
    for account in accounts:
        ids |= account.ids
    for stack in _stacks(accounts):
        index = _template_of(stack, templates, declared, stacks)
        if index is not None:
            made.setdefault(index, []).append(stack)
    found: list[Input] = []
    for index, one in enumerate(templates):
        own = made.get(index, [])
        found += [_deployed(one, stack, ids, f"{one.id} {stack.name}" if len(own) > 1 else one.key) for stack in own]
        if not own:
            found.append(_pinned(one, accounts))
    return tuple(found)


def _stacks(accounts: Sequence[Input]) -> Iterator[_Stack]:
    found: dict[tuple[str, str, str], _Stack] = {}
    for account in accounts:
        for row in account.stack_resources:
            where = (account.pinned["AWS::AccountId"], row.region, row.stack)
            stack = found.setdefault(where, _Stack(row.stack, account))
            stack.resources[row.logical_id] = row
    yield from found.values()


def _template_of(
    stack: _Stack, templates: Sequence[Input], declared: Sequence[set[tuple[str, str]]], stacks: Mapping[str, str]
) -> int | None:
    """Which template the stack was made from; None if that is not told."""
    if stack.name in stacks:
        real = os.path.realpath(stacks[stack.name])
        return next((index for index, one in enumerate(templates) if os.path.realpath(one.path) == real), None)
    named = next((index for index, one in enumerate(templates) if one.stack == stack.name), None)
    if named is not None:
        return named
    own = {(row.kind, row.logical_id) for row in stack.resources.values()}
    shared = Counter({index: len(own & one) for index, one in enumerate(declared)})
    (best, most), *rest = [*shared.most_common(2), (None, 0)]
    return None if not most or rest[0][1] == most else best


def _deployed(one: Input, stack: _Stack, ids: Mapping[str, Mapping[str, str]], key: str) -> Input:
    """The template with the stack's name, place and physical ids."""
    own = {}
    for logical_id, row in stack.resources.items():
        known = {} if row.kind in _NUMBERED else {"": _name(row), ".Id": _name(row)}
        own[logical_id] = known | dict(ids.get(row.arn, {}))
    account, partition = (stack.owner.pinned[name] for name in ("AWS::AccountId", "AWS::Partition"))
    region = next(row.region for row in stack.resources.values())
    pinned = {**one.pinned, "AWS::AccountId": account, "AWS::Partition": partition, "AWS::Region": region,
              "AWS::StackName": stack.name}  # fmt: skip
    return one._replace(key=key, stack=stack.name, pinned=pinned, ids=own)


def _name(row: StackResource) -> str:
    """What `physical_ids` makes a resource's names and ARNs of: the name or id at the end of the physical id.

    Of a type that it does not know, `Ref` gives the physical id as it is.
    """
    id = row.physical_id
    if row.kind not in REFERENCES:
        return id
    if id.startswith(("arn:", "https://")):
        id = id.rpartition("/")[2].rpartition(":")[2]
    return id.rpartition("|")[2].removeprefix(_PREFIXES.get(row.kind, ""))


def _pinned(one: Input, accounts: Sequence[Input]) -> Input:
    """A template of no known stack, in the account and Region if there is one of each."""
    pinned = {}
    for name in ("AWS::AccountId", "AWS::Partition", "AWS::Region"):
        values = {account.pinned[name] for account in accounts}
        if len(values) == 1:
            pinned[name] = values.pop()
    return one._replace(pinned=pinned | dict(one.pinned))
