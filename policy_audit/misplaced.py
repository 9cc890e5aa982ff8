"""Elements that a case has where AWS refuses them, left out when they say nothing of its request, or lacks where AWS
asks for them, put in when they can say but one thing.

Cases written for other evaluators have a `Resource` in a trust policy, a `Principal` in an identity policy. One
that covers the request in any case does not change what the statement says; any other leaves the case undecided.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html ("You cannot use the
`Resource` element in a role trust policy"); …/reference_policies_elements_principal.html ("You cannot use the
`Principal` element in an identity-based policy")

They also have statements without `Principal` in VPC endpoint policies ("It must contain a Principal element"; the
default policy and those of gateway endpoints have `*`) and in RCPs ("The only supported value is `*`"): it is read as
`*`. A resource's own policy may name anybody, so that a statement of it without `Principal` names nobody.
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
"""

from collections.abc import Callable
from typing import Final

from policy_audit.iam.request import Authorization, Policies, Request
from policy_audit.model.policy import Policy, Principal, Statement

_ANYONE: Final = (Principal("*", "*"),)


def with_elements_in_place(policies: Policies, request: Request, authorization: Authorization) -> Policies:
    """The policies, less the misplaced elements that cover `request`, with the missing ones that can only be `*`."""

    def identity(statement: Statement) -> Statement:
        return statement._replace(principals=None) if _names_caller(statement, request) else statement

    def trust(statement: Statement) -> Statement:
        return statement._replace(resources=None) if _covers_role(statement, request) else statement

    resource = policies.resource
    return policies._replace(
        identity=_mapped(policies.identity, identity),
        boundaries=_mapped(policies.boundaries, identity),
        session=policies.session and _policy(policies.session, identity),
        scps=policies.scps and tuple(_mapped(level, identity) or () for level in policies.scps),
        rcps=policies.rcps and tuple(_mapped(level, _for_anyone) or () for level in policies.rcps),
        endpoint=_mapped(policies.endpoint, _for_anyone),
        resource=_policy(resource, trust) if resource is not None and authorization == "trust" else resource,
    )


def _mapped(policies: tuple[Policy, ...] | None, change: Callable[[Statement], Statement]) -> tuple[Policy, ...] | None:
    return None if policies is None else tuple(_policy(policy, change) for policy in policies)


def _policy(policy: Policy, change: Callable[[Statement], Statement]) -> Policy:
    statements = tuple(map(change, policy.statements))
    return policy if statements == policy.statements else policy._replace(statements=statements)


def _for_anyone(statement: Statement) -> Statement:
    lacks = statement.principals is None and not statement.unknown
    return statement._replace(principals=_ANYONE) if lacks else statement


def _names_caller(statement: Statement, request: Request) -> bool:
    if statement.not_principal or statement.principals is None:
        return False
    named = {principal.value for principal in statement.principals if principal.type in ("*", "AWS")}
    return "*" in named or (bool(request.caller.arn) and request.caller.arn in named)


def _covers_role(statement: Statement, request: Request) -> bool:
    if statement.not_resource or statement.resources is None:
        return False
    return "*" in statement.resources or request.resource in statement.resources
