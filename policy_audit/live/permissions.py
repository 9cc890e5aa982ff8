"""The least policy with which an account can be read, made from the table of calls."""

from collections.abc import Iterable
from typing import Final

from policy_audit.live.calls import OPERATIONS, Operation

_SIDS: Final = {"apigateway": "ApiGateway", "secretsmanager": "ConnectionSecrets", "organizations": "Organization"}
"""The names of statements that are about something; everything else is in one statement."""

_ORGANIZATION: Final = frozenset({"accounts", "organization"})
"""The places of calls that are made with the credentials of the organization."""


def account_policy(partition: str) -> dict[str, object]:
    """The identity policy that the audited account's credentials need, in IAM's JSON shape.

    `partition` is `aws`, `aws-cn` or `aws-us-gov`.
    """
    return _policy((one for one in OPERATIONS if one.place not in _ORGANIZATION), partition)


def organization_policy(partition: str) -> dict[str, object]:
    """The identity policy that the credentials of `--management-profile` need, in IAM's JSON shape."""
    return _policy((one for one in OPERATIONS if one.place in _ORGANIZATION), partition)


def _policy(operations: Iterable[Operation], partition: str) -> dict[str, object]:
    granted: dict[str, tuple[set[str], set[str]]] = {}
    for one in operations:
        for action in one.actions:
            sid = _SIDS.get(action.partition(":")[0], "Account")
            actions, resources = granted.setdefault(sid, (set(), set()))
            actions.add(action)
            resources |= {resource.format(partition=partition) for resource in one.resources}
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
        for sid, (actions, resources) in granted.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}
