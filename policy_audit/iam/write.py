"""Requests and policies as the JSON that AWS and `policy-audit simulate` read."""

from collections.abc import Callable, Mapping

from policy_audit.iam.request import Authorization, Caller, Policies, Request
from policy_audit.model.policy import Condition, Policy, Principal, Statement

Write = Callable[[str], str]
"""How a text is written: with its letters replaced by values or by names."""


def case_of(request: Request, policies: Policies, authorization: Authorization, write: Write) -> Mapping[str, object]:
    """One case for `policy-audit simulate`: the request with the policies in force.

    Identity policies that the audit does not see are written as one that allows everything, the worst case; the answer
    of a Lambda authorizer that nobody knows as null.
    """
    everything: list[Mapping[str, object]] = [
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    ]
    identity = everything
    if policies.identity is not None:
        identity = [document_of(policy, write) for policy in policies.identity]
    if request.caller.kind in {"service", "anonymous"} and authorization != "api-gateway-custom":
        identity = []
    unknown = policies.identity is None and authorization == "api-gateway-custom"
    return {
        "identity_policies": None if unknown else identity,
        "permission_boundaries": _documents(policies.boundaries, write),
        "session_policy": document_of(policies.session, write) if policies.session else None,
        "resource_policy": document_of(policies.resource, write) if policies.resource else None,
        "vpc_endpoint_policies": _documents(policies.endpoint, write),
        "scps": [_documents(level, write) for level in policies.scps] if policies.scps else None,
        "rcps": [_documents(level, write) for level in policies.rcps] if policies.rcps else None,
        "request": {
            "principal": _caller(request.caller, write),
            "action": request.action,
            "resource": write(request.resource),
            "resource_account": write(request.resource_account),
            "context": {
                key: write(value) if isinstance(value, str) else [write(one) for one in value]
                for key, value in sorted(request.context.items())
            },
        },
        "unlisted_keys": request.unlisted,
        "absent_keys": sorted(request.absent),
        "authorization": authorization,
    }


def document_of(policy: Policy, write: Write = str) -> Mapping[str, object]:
    """The policy as a JSON document."""
    return {"Version": policy.version, "Statement": [_statement(one, write) for one in policy.statements]}


def _documents(policies: tuple[Policy, ...] | None, write: Write) -> list[Mapping[str, object]] | None:
    return None if policies is None else [document_of(policy, write) for policy in policies]


def _caller(caller: Caller, write: Write) -> object:
    if caller.kind == "anonymous":
        return {"type": "Anonymous"}
    return {"Service": caller.arn} if caller.kind == "service" else write(caller.arn)


def _statement(statement: Statement, write: Write) -> Mapping[str, object]:
    written: dict[str, object] = {} if statement.sid is None else {"Sid": write(statement.sid)}
    written["Effect"] = statement.effect
    if statement.principals is not None:
        written["NotPrincipal" if statement.not_principal else "Principal"] = _principals(statement.principals, write)
    written["NotAction" if statement.not_action else "Action"] = [write(one) for one in statement.actions]
    if statement.resources is not None:
        written["NotResource" if statement.not_resource else "Resource"] = [write(one) for one in statement.resources]
    if statement.conditions:
        written["Condition"] = _conditions(statement.conditions, write)
    return written


def _principals(principals: tuple[Principal, ...], write: Write) -> object:
    if any(principal.type == "*" for principal in principals):
        return "*"
    by_type: dict[str, list[str]] = {}
    for principal in principals:
        by_type.setdefault(principal.type, []).append(write(principal.value))
    return by_type


def _conditions(conditions: tuple[Condition, ...], write: Write) -> Mapping[str, Mapping[str, list[str]]]:
    by_operator: dict[str, dict[str, list[str]]] = {}
    for condition in conditions:
        by_operator.setdefault(condition.operator, {})[condition.key] = [write(one) for one in condition.values]
    return by_operator
