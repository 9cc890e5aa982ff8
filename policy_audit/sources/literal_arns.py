"""What the ARNs in templates tell of where these are deployed: partition, Region and account, as far as written out."""

import re
from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.record import NamedTuple

_ARN: Final = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([^:\s\"']*):([^:\s\"']*)")
_OF_OTHERS: Final = frozenset(
    {
        "Credentials",
        "Description",
        "Fn::GetStackOutput",
        "LayerArn",
        "Layers",
        "Metadata",
        "NotPrincipal",
        "Principal",
    }
)
_REGION: Final = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d")


class LiteralArns(NamedTuple):
    """The partitions, Regions and accounts that ARNs name."""

    partitions: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()

    def joined(self, other: "LiteralArns") -> "LiteralArns":
        """Those of both."""
        return LiteralArns(*(ours | theirs for ours, theirs in zip(self, other, strict=True)))


def literal_arns(*documents: Mapping) -> LiteralArns:
    """What the ARNs of all documents name."""
    partitions: set[str] = set()
    regions: set[str] = set()
    accounts: set[str] = set()
    for document in documents:
        for partition, service, region, account in _arns(document):
            # The resource of a state is no real ARN.
            if (service, region) != ("states", ""):
                partitions.add(partition)
            if _REGION.fullmatch(region):
                regions.add(region)
            if len(account) == 12 and account.isdigit():
                accounts.add(account)
    return LiteralArns(frozenset(partitions), frozenset(regions), frozenset(accounts))


def _arns(document: Mapping) -> Iterator[tuple[str, str, str, str]]:
    """Partition, service, region and account of each ARN, as far as it is literal.

    Principals, published layers, roles for tasks and for outputs of other stacks, and whatever is only told to readers
    belong to other accounts.
    """
    pending: list[Node] = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            if "arn:" in node.text:
                yield from _ARN.findall(node.text)
        elif isinstance(node, Mapping):
            pending += [one.value for one in node.entries if one.key.text not in _OF_OTHERS]
        else:
            pending += node.items
