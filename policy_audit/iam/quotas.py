"""How long a policy document may be, and how long one is."""

from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple


class Quota(NamedTuple):
    """The most characters of a document, blanks between its tokens left out, and what has so many."""

    characters: int
    of_what: str


_IAM: Final = {
    "AWS::IAM::ManagedPolicy": Quota(6_144, "a managed policy"),
    "AWS::IAM::Group": Quota(5_120, "a group, in all its inline policies,"),
    "AWS::IAM::GroupPolicy": Quota(5_120, "a group, in all its inline policies,"),
    "AWS::IAM::Role": Quota(10_240, "a role, in all its inline policies,"),
    "AWS::IAM::RolePolicy": Quota(10_240, "a role, in all its inline policies,"),
    "AWS::IAM::User": Quota(2_048, "a user, in all its inline policies,"),
    "AWS::IAM::UserPolicy": Quota(2_048, "a user, in all its inline policies,"),
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_BY_KIND: Final = {
    "trust": Quota(2_048, "a trust policy, unless the quota was raised,"),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    "key": Quota(32_768, "a key policy"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html
    "bucket": Quota(20_480, "a bucket policy"),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    "queue": Quota(8_192, "the policy of a queue"),
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    "rcp": Quota(5_120, "a resource control policy"),
}


def quota(resource_type: str, kind: str) -> Quota | None:
    """The quota of a document of this kind in a resource of this type; None where no page names one that is known."""
    return _BY_KIND.get(kind) or _IAM.get(resource_type)


def size(node: Node) -> tuple[int, bool]:
    """How many characters a document has in JSON without blanks, and whether open parts make it more than that.

    "IAM doesn't count white space when calculating the size of a policy".
    """
    characters, is_open, pending = 0, False, [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Scalar):
            is_open = is_open or has_letters(current.text)
            characters += _written(current)
        elif isinstance(current, Sequence):
            characters += 2 + max(len(current.items) - 1, 0)
            pending += current.items
        elif isinstance(current, Mapping):
            characters += 2 + max(len(current.entries) - 1, 0)
            for entry in current.entries:
                characters += _written(entry.key) + 1
                pending.append(entry.value)
    return characters, is_open


def _written(scalar: Scalar) -> int:
    if scalar.kind == "null":
        return 4
    if scalar.text.lstrip().startswith("{"):
        return sum(not character.isspace() for character in scalar.text)
    quotes = 2 if scalar.kind == "string" else 0
    return len(scalar.text) + quotes + scalar.text.count('"') + scalar.text.count("\\")
