"""Whole requests with their policies, read as JSON lines, decided, and answered as JSON lines."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from policy_audit.errors import AuditError
from policy_audit.iam.api_gateway import authorization_of
from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.open_text import UNKNOWN
from policy_audit.iam.request import (
    Authorization,
    Caller,
    ContextValue,
    Decision,
    Policies,
    PrincipalKind,
    Request,
)
from policy_audit.misplaced import with_elements_in_place
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.policy import Policy
from policy_audit.record import NamedTuple
from policy_audit.sources.policies import read_policy

_AUTHORIZATIONS: Final = get_args(Authorization)
_KEY: Final = re.compile("arn:[^:]*:kms:[^:]*:[^:]*:key/")
_ROLE: Final = re.compile("arn:[^:]*:iam::[^:]*:role/")
_ASKED_OF_TRUST: Final = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})
"""What a caller does in assuming a role, beside the assuming: the role's trust policy has to allow it too.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
"""
_IDENTITY_POOLS: Final = "cognito-identity.amazonaws.com"
"""Named like a service, yet an identity provider: `Federated` of a trust policy.

https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html
"""
_PRINCIPAL_HELP: Final = (
    'write an ARN, `{"Service": "states.amazonaws.com"}`, or `{"type": "Anonymous"}` as `request.principal`'
)


class Case(NamedTuple):
    """One line: a request, the policies in force, and whose rules combine them."""

    id: str
    request: Request
    policies: Policies
    authorization: Authorization


def simulate(
    lines: Iterable[str], name: str = "cases", complain: Callable[[AuditError], None] | None = None
) -> Iterator[str]:
    """One JSON line for each case, in order; blank lines are passed over.

    An answer has `id`, `decision`, `decided_by` and `undecided_because`; that of an implicit denial tells in
    `denied_by` the type of policy that lacks an Allow. `name` is what messages call the input. A line that is not a
    case is told to `complain`, with its number, and answered as undecided, so that answers and lines stay side by
    side; without `complain` it raises the AuditError.
    """
    import json

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        reader = _Reader(f"{name}:{number}")
        try:
            answer = _decide(reader.case(line))
        except AuditError as error:
            if complain is None:
                raise
            complain(error)
            answer = _answer(reader.id, Decision("Undecided", (), (f"the line is not a case: {error.message}",)))
        yield json.dumps(answer, ensure_ascii=False)


def read_cases(lines: Iterable[str], name: str = "cases") -> Iterator[Case]:
    """The cases that `lines` hold. Raises AuditError with the line's number at a line that is not a case."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _Reader(f"{name}:{number}").case(line)


def _decide(case: Case) -> dict[str, object]:
    # A case whose other keys are unknown may be completed with any of them, those of the caller included.
    adds_keys = case.request.unlisted == "absent"
    evaluator = Evaluator(case.policies, case.authorization, with_principal_keys=adds_keys)
    decision = evaluator.decide(case.request)
    if decision.outcome == "Allowed" and case.request.resource == "*" and _names_resources(case.request.action):
        # A Deny of some resources is no Deny of `*`, and yet they are not all allowed.
        decision = evaluator.decide(case.request._replace(resource=UNKNOWN))
    return _answer(case.id, decision)


def _answer(case_id: str, decision: Decision) -> dict[str, object]:
    decided_by = [
        {
            "policy_type": deciding.policy_type,
            "policy": deciding.policy.name,
            "statement": deciding.index,
            "sid": deciding.statement.sid,
            "effect": deciding.statement.effect,
        }
        for deciding in decision.decided_by
    ]
    answer: dict[str, object] = {
        "id": case_id,
        "decision": decision.outcome,
        "decided_by": decided_by,
        "undecided_because": list(decision.undecided_because),
    }
    if decision.outcome == "ImplicitlyDenied" and decision.denied_by is not None:
        answer["denied_by"] = decision.denied_by
    return answer


class _Reader:
    """Reads one line; knows its place for messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.id = ""
        """The case's own, as soon as it is read: a line with another fault is answered under it."""

    def fail(self, message: str, help: str) -> AuditError:
        return AuditError(message, where=self.where, help=help)

    def case(self, line: str) -> Case:
        from policy_audit.sources.nodes import parse_json

        try:
            node = parse_json(line, self.where)
        except AuditError as error:
            raise self.fail(f"the line is not JSON: {error.message}", error.help or "write one case a line") from error
        if not isinstance(node, Mapping):
            raise self.fail("the line is not a JSON object", "write one case a line, as an object with a `request`")
        case_id = node.get("id")
        self.id = case_id.text if isinstance(case_id, Scalar) else ""
        request = self.request(node)
        authorization = self.authorization(node.get("authorization"), request)
        policies = with_elements_in_place(self.policies(node, authorization), request, authorization)
        return Case(self.id, request, policies, authorization)

    def policies(self, node: Mapping, authorization: Authorization) -> Policies:
        identity = self.documents(node, "identity_policies")
        if identity is None and authorization != "api-gateway-custom":
            identity = ()  # Only a Lambda authorizer's answer can be unknown: a case lists all policies of its caller.
        # A permissions boundary or an endpoint policy that lists no document is none.
        return Policies(
            identity,
            self.documents(node, "permission_boundaries") or None,
            self.document(node, "session_policy"),
            self.document(node, "resource_policy"),
            self.documents(node, "vpc_endpoint_policies") or None,
            self.levels(node, "scps"),
            self.levels(node, "rcps"),
        )

    def document(self, node: Mapping, field: str) -> Policy | None:
        value = node.get(field)
        return None if value is None or _is_null(value) else read_policy(value, field, bare_principals=True)

    def documents(self, node: Mapping, field: str) -> tuple[Policy, ...] | None:
        value = node.get(field)
        if value is None or _is_null(value):
            return None
        return self._documents(value, field)

    def _documents(self, value: Node, field: str) -> tuple[Policy, ...]:
        if not isinstance(value, Sequence):
            raise self.fail(f"`{field}` is not a list", f"write a list of policy documents as `{field}`")
        return tuple(
            read_policy(item, f"{field}[{index}]", bare_principals=True)
            for index, item in enumerate(value.items)
            if not _is_null(item)
        )

    def levels(self, node: Mapping, field: str) -> tuple[tuple[Policy, ...], ...] | None:
        value = node.get(field)
        if value is None or _is_null(value):
            return None
        if not isinstance(value, Sequence):
            raise self.fail(f"`{field}` is not a list", f"write one list of documents for each level as `{field}`")
        return tuple(
            self._documents(level, f"{field}[{index}]")
            for index, level in enumerate(value.items)
            if not _is_null(level)
        )

    def request(self, node: Mapping) -> Request:
        fields = node.get("request")
        if not isinstance(fields, Mapping):
            raise self.fail("the case has no `request`", "give `principal`, `action` and `resource` under `request`")
        caller = self.caller(fields.get("principal"))
        resource = self.text(fields, "resource")
        account = fields.get("resource_account")
        return Request(
            caller,
            self.text(fields, "action"),
            resource,
            account.text if isinstance(account, Scalar) and account.text else _owner(resource, caller),
            self.context(fields.get("context")),
            frozenset(key.lower() for key in self.texts(node.get("absent_keys"), "absent_keys")),
            self.unlisted(node.get("unlisted_keys")),
        )

    def text(self, fields: Mapping, name: str) -> str:
        value = fields.get(name)
        if not isinstance(value, Scalar) or value.kind != "string" or not value.text:
            raise self.fail(f"`request.{name}` is not a text", f"give the {name} of the request as a string")
        return value.text

    def texts(self, node: Node | None, name: str) -> tuple[str, ...]:
        if node is None or _is_null(node):
            return ()
        if isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
            return tuple(item.text for item in node.items if isinstance(item, Scalar) and item.kind != "null")
        raise self.fail(f"`{name}` is not a list of texts", f"write `{name}` as a list of strings")

    def context(self, node: Node | None) -> dict[str, ContextValue]:
        if node is None or _is_null(node):
            return {}
        if not isinstance(node, Mapping):
            raise self.fail("`request.context` is not an object", "write each context key with its value or values")
        result: dict[str, ContextValue] = {}
        for key, value in node.entries:
            name = key.text.lower()
            given = value.text if isinstance(value, Scalar) else self.texts(value, f"request.context.{key.text}")
            # Keys of tags may differ only in case, which names of context keys do not tell apart: a condition "matches
            # a resource tag key named either TagKey1 or tagkey1, but not both", and no page tells which of them.
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
            result[name] = given if result.get(name, given) == given else UNKNOWN
        return result

    def unlisted(self, node: Node | None) -> Literal["absent", "unknown"]:
        if node is None or _is_null(node):
            return "absent"
        text = node.text if isinstance(node, Scalar) else ""
        if text not in ("absent", "unknown"):
            raise self.fail("`unlisted_keys` is neither `absent` nor `unknown`", 'write "absent" or "unknown"')
        return cast(Literal["absent", "unknown"], text)

    def authorization(self, node: Node | None, request: Request) -> Authorization:
        if node is None or _is_null(node):
            return _usual_authorization(request)
        by_method = authorization_of(node.text) if isinstance(node, Scalar) else None
        if by_method is not None:
            return by_method
        if not isinstance(node, Scalar) or node.text not in _AUTHORIZATIONS:
            words = ", ".join(_AUTHORIZATIONS)
            help = f"write one of {words}, or the authorization type of an API's method, such as AWS_IAM"
            raise self.fail("`authorization` is not known", help)
        return cast(Authorization, node.text)

    def caller(self, node: Node | None) -> Caller:
        if isinstance(node, Scalar) and node.kind == "string":
            return self._by_text(node.text)
        if isinstance(node, Mapping):
            kind = node.get("type")
            if isinstance(kind, Scalar) and kind.text.lower() == "anonymous":
                return Caller("anonymous", "")
            for name, read in (("Service", "service"), ("Federated", "federated")):
                value = node.get(name)
                if isinstance(value, Scalar) and value.text:
                    return Caller(cast(PrincipalKind, read), value.text)
            value = node.get("AWS")
            if isinstance(value, Scalar) and value.text:
                return self._by_text(value.text)
        raise self.fail("`request.principal` is not a principal", _PRINCIPAL_HELP)

    def _by_text(self, text: str) -> Caller:
        if re.fullmatch("[0-9]{12}", text):
            return Caller("root", f"arn:aws:iam::{text}:root")
        if text != _IDENTITY_POOLS and re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", text):
            return Caller("service", text)
        if text == "*":
            return Caller("anonymous", "")
        if re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", text):
            return Caller("federated", text)
        parts = text.split(":", 5)
        if len(parts) == 6 and parts[0] == "arn":
            head = parts[5].partition("/")[0]
            kind = _KINDS.get((parts[2], head))
            if kind is not None:
                return Caller(kind, text)
        raise self.fail(f"`{text[:80]}` is not a principal", _PRINCIPAL_HELP)


_KINDS: Final[dict[tuple[str, str], PrincipalKind]] = {
    ("iam", "root"): "root",
    ("iam", "user"): "user",
    ("iam", "role"): "role",
    ("sts", "assumed-role"): "session",
    ("sts", "federated-user"): "federated",
    ("iam", "saml-provider"): "federated",
    ("iam", "oidc-provider"): "federated",
}


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


def _owner(resource: str, caller: Caller) -> str:
    """The account that the resource's ARN tells, or else the caller's."""
    for arn in (resource, caller.arn):
        parts = arn.split(":", 5)
        if len(parts) == 6 and parts[4]:
            return parts[4]
    return ""


@lru_cache(512)
def _names_resources(action: str) -> bool:
    """Whether a request for `action` is always one for some resource, so that `*` asks for all of them.

    An action without resource-level permissions is asked for with `*` itself, which no ARN covers.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    from policy_audit.iam.catalog import Catalog
    from policy_audit.iam.reference import Unlisted

    types = Catalog().resource_types(action)
    return not isinstance(types, Unlisted) and bool(types)


def _usual_authorization(request: Request) -> Authorization:
    """KMS keys and role trusts have rules of their own, which a case need not name.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    action = request.action.lower()
    if action.startswith("kms:") and _KEY.match(request.resource) and action != "kms:listkeys":
        return "kms"
    if (action.startswith("sts:assumerole") or action in _ASKED_OF_TRUST) and _ROLE.match(request.resource):
        return "trust"
    return "ordinary"
