"""What AWS keeps to itself, written as policies: changes to what it manages in every account are never allowed."""

import re
from typing import Final

from policy_audit.iam.request import RequestSet
from policy_audit.model.policy import Policy, Statement

_SERVICES: Final = ("kms:", "iam:")
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
    return (RESERVED,) if any(map(_may_write, requests.actions.patterns)) else ()


def _may_write(action: str) -> bool:
    """Whether a pattern for actions may stand for one of IAM or KMS, judged by what it begins with."""
    found = re.match("[a-z0-9:-]*", action.lower())
    beginning = found.group() if found is not None else ""
    if beginning == action.lower():
        return beginning.startswith(_SERVICES)
    return any(service.startswith(beginning[:4]) for service in _SERVICES)
