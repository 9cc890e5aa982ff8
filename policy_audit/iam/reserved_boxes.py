"""What AWS keeps to itself, written as policies: changes to what it manages in every account are never allowed."""

from typing import Final

from policy_audit.iam.request import RequestSet
from policy_audit.model.policy import Policy, Statement

CALLER_IDENTITY: Final = "sts:getcalleridentity"
"""Needs no permission and cannot be denied.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""
_WRITES: Final = tuple(
    f"iam:{verb}*"
    for verb in (
        "Add",
        "Change",
        "Create",
        "Delete",
        "Put",
        "Remove",
        "Reset",
        "Set",
        "Tag",
        "Untag",
        "Update",
        "Upload",
    )
)
RESERVED: Final = Policy(
    (
        Statement("Deny", ("kms:*Alias",), ("arn:*:kms:*:*:alias/aws/*",)),
        Statement("Deny", _WRITES, ("arn:*:iam::aws:policy/*",)),
        Statement(
            "Deny",
            (*_WRITES, "iam:Attach*", "iam:Detach*", "iam:PassRole"),
            ("arn:*:iam::*:role/aws-reserved/*",),
        ),
    ),
    name="what AWS reserves",
)


def reserved(requests: RequestSet) -> tuple[Policy, ...]:
    """The policies of AWS itself that may matter for these requests."""
    return (RESERVED,) if any(text[:4].lower() in ("kms:", "iam:") for text in requests.actions.patterns) else ()
