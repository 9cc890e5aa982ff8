"""What AWS decides itself, whatever policies say: things it keeps from everybody, and what cannot be denied."""

from typing import Final

from policy_audit.iam.context import IAM_PRINCIPALS, Facts
from policy_audit.iam.truth import Truth

_CHANGES: Final = tuple(
    f"iam:{verb}"
    for verb in "add change create delete put remove reset set tag untag update upload".split()  # noqa: SIM905
)
_LIMITED_BY_RCP: Final = frozenset(
    "aoss cognito-identity cognito-idp dynamodb ecr kms logs s3 secretsmanager sqs sts".split()  # noqa: SIM905
)
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""


def is_always_allowed(facts: Facts) -> bool:
    """`sts:GetCallerIdentity` needs no permission, and a Deny on it has no effect.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    return facts.action == "sts:getcalleridentity" and facts.kind in IAM_PRINCIPALS


def is_never_allowed(facts: Facts) -> bool:
    """Changes to what AWS manages in every account: its aliases, its policies, the roles it reserves."""
    action, resource = facts.action, facts.resource
    if not action.startswith(("kms:", "iam:")):
        return False
    if action.startswith("kms:"):
        return action.endswith("alias") and _is_managed_alias(resource)
    if not action.startswith((*_CHANGES, "iam:attach", "iam:detach", "iam:passrole")):
        return False
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[2] != "iam":
        return False
    if parts[4] == "aws" and parts[5].startswith("policy/"):
        return action.startswith(_CHANGES)
    # Passing one is refused too, by what public evaluators have observed: https://github.com/cloud-copilot/iam-simulate
    return parts[5].startswith("role/aws-reserved/")


def _is_managed_alias(resource: str) -> bool:
    parts = resource.split(":", 5)
    return len(parts) == 6 and parts[2] == "kms" and parts[5].startswith("alias/aws/")


def is_service_linked(facts: Facts) -> Truth:
    """Whether the caller is a service-linked role, which no SCP and no RCP binds.

    It is known by its path. A session's ARN has none: one with a service-linked role's name cannot be told.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    if facts.kind not in ("role", "session"):
        return False
    arn = facts.lookup("aws:principalarn") if facts.with_principal_keys or facts.kind == "session" else facts.arn
    if isinstance(arn, str) and ":role/aws-service-role/" in arn:
        return True
    told = facts.kind == "role" or "aws:principalarn" in facts.context
    return None if not told and ":assumed-role/AWSServiceRoleFor" in facts.arn else False


def is_limited_by_rcps(facts: Facts) -> bool:
    """Whether RCPs reach the resource: those of listed services, not the keys that AWS manages.

    https://docs.aws.amazon.com/kms/latest/developerguide/resource-control-policies.html
    """
    service = facts.action.partition(":")[0]
    if facts.action == "kms:retiregrant" or (service == "kms" and _is_managed_alias(facts.resource)):
        return False
    return service in _LIMITED_BY_RCP or facts.action_is_open
