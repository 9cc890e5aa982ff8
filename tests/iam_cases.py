"""Short words for requests and policies, for the tests of the engine."""

import json
from collections.abc import Iterable, Mapping
from typing import Literal

from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.request import Authorization, Caller, ContextValue, Decision, Policies, Request
from policy_audit.model.policy import Policy
from policy_audit.model.value import Symbols
from policy_audit.sources.policies import read_policy_text

ACCOUNT = "111122223333"
OTHER = "444455556666"
ROLE = Caller("role", f"arn:aws:iam::{ACCOUNT}:role/team/runner")
SESSION = Caller("session", f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/s1")
USER = Caller("user", f"arn:aws:iam::{ACCOUNT}:user/ana")
ROOT = Caller("root", f"arn:aws:iam::{ACCOUNT}:root")
SERVICE = Caller("service", "states.amazonaws.com")
ANONYMOUS = Caller("anonymous", "")
FEDERATED = Caller("federated", f"arn:aws:sts::{ACCOUNT}:federated-user/bo")
OBJECT = "arn:aws:s3:::bucket/key"

Written = dict[str, object]
Documents = Policy | tuple[Policy, ...] | None


def allow(action: object = "*", resource: object = "*", **elements: object) -> Written:
    """An Allow statement as JSON would have it; an element given as None is left out."""
    return _statement("Allow", action, resource, elements)


def deny(action: object = "*", resource: object = "*", **elements: object) -> Written:
    """A Deny statement, like `allow`."""
    return _statement("Deny", action, resource, elements)


def _statement(effect: str, action: object, resource: object, elements: Written) -> Written:
    written = {"Effect": effect, "Action": action, "Resource": resource, **elements}
    return {key: value for key, value in written.items() if value is not None}


def document(*statements: Written, version: str | None = "2012-10-17", name: str = "") -> Policy:
    """The policy with these statements; `version` None leaves it out."""
    whole: Written = {"Statement": list(statements)} | ({"Version": version} if version else {})
    return read_policy_text(json.dumps(whole), name)


EVERYTHING = document(allow())
NOTHING = document()


def decide(
    caller: Caller = ROLE,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    *,
    owner: str = ACCOUNT,
    context: Mapping[str, ContextValue] | None = None,
    unlisted: Literal["absent", "unknown"] = "absent",
    absent: Iterable[str] = (),
    authorization: Authorization = "ordinary",
    symbols: Symbols | None = None,
    identity: Documents = (),
    boundary: Documents = None,
    session: Policy | None = None,
    resource_policy: Policy | None = None,
    endpoint: Documents = None,
    scps: tuple[tuple[Policy, ...], ...] | None = None,
    rcps: tuple[tuple[Policy, ...], ...] | None = None,
) -> Decision:
    """The decision on one request; one document may stand for a list of one."""
    request = Request(caller, action, resource, owner, context or {}, frozenset(absent), unlisted)
    policies = Policies(
        _several(identity), _several(boundary), session, resource_policy, _several(endpoint), scps, rcps
    )
    return evaluate(request, policies, authorization, symbols)


def _several(documents: Documents) -> tuple[Policy, ...] | None:
    return (documents,) if isinstance(documents, Policy) else documents
