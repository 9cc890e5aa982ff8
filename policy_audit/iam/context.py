"""One request made ready for matching: its texts, its context keys, and the keys that follow from the caller."""

from collections.abc import Callable
from typing import Final, Literal

from policy_audit.iam.globs import LONGEST
from policy_audit.iam.open_text import UNKNOWN, is_open_text, matches
from policy_audit.iam.request import Caller, ContextValue, Request
from policy_audit.iam.truth import Truth
from policy_audit.model.value import Symbols, has_letters

Known = ContextValue | Literal[False] | None
"""What is known of a context key: its value, False when it is absent, None when not even that is known."""

IAM_PRINCIPALS: Final = frozenset({"role", "session", "user", "federated", "root"})


class Facts:
    """A request as statements are matched with it.

    `unsigned` makes the caller anonymous, whoever it is; `bounded` says that it has a permissions boundary.
    """

    __slots__ = (
        "absent",
        "account",
        "action",
        "action_is_open",
        "arn",
        "context",
        "is_bounded",
        "kind",
        "request",
        "resource",
        "resource_is_open",
        "rest_is_unknown",
        "symbols",
        "with_principal_keys",
    )

    def __init__(
        self, request: Request, symbols: Symbols | None, with_principal_keys: bool, unsigned: bool, bounded: bool
    ) -> None:
        caller, action, resource, _, self.context, self.absent, unlisted = request
        self.request = request
        self.kind = kind = _kind(caller, unsigned)
        self.arn = arn = "" if kind == "anonymous" else caller.arn
        if kind in IAM_PRINCIPALS:
            self.account = _account(arn)
            self.is_bounded = bounded
        else:
            self.account = ""
            self.is_bounded = False
        self.action = action = _as_set(action.lower())
        self.action_is_open = (len(action) > LONGEST or not action.isascii()) and is_open_text(action)
        # An action without resource-level permissions is asked for with the resource `*`, which no ARN covers:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
        self.resource = resource = resource if resource == "*" else _as_set(resource)
        self.resource_is_open = (len(resource) > LONGEST or not resource.isascii()) and is_open_text(resource)
        self.rest_is_unknown = unlisted == "unknown"
        self.symbols = symbols
        self.with_principal_keys = with_principal_keys

    def lookup(self, key: str) -> Known:
        """What is known of the context key `key` (in lower case). An empty text or list counts as absent.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
        """
        value: Known = self.context.get(key)
        if value is not None:
            if isinstance(value, str):
                return value or False
            return value if value and any(value) else False
        if key in self.absent:
            return False
        derive = PRINCIPAL_KEYS.get(key) if self.with_principal_keys else None
        value = derive(self) if derive is not None else False
        if value is False and self.rest_is_unknown and not (derive is not None and self.kind == "anonymous"):
            return None
        return value

    def is_same_account(self) -> Truth:
        """Whether the caller belongs to the account that owns the resource."""
        if self.account == self.request.resource_account and UNKNOWN not in self.account:
            return True
        if not has_letters(self.account) and not has_letters(self.request.resource_account):
            return False
        return matches(self.account, self.request.resource_account, False, self.symbols)


def _kind(caller: Caller, unsigned: bool) -> str:
    """The kind of caller that counts. Who comes from an identity provider has no identity policies: only the trust
    policy of the role that they ask for decides."""
    if unsigned and caller.kind != "service":
        return "anonymous"
    if caller.kind == "federated" and ":federated-user/" not in caller.arn:
        return "identity provider"
    return caller.kind


def _as_set(text: str) -> str:
    """A request for `bucket/*` asks for every such resource: wildcards become text of which nothing is known."""
    return text.replace("*", UNKNOWN).replace("?", UNKNOWN) if "*" in text or "?" in text else text


def _account(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else UNKNOWN


def role_of_session(arn: str) -> str:
    """The ARN of the role that an sts assumed-role ARN tells of, as far as it tells.

    A session's ARN drops the path of its role. It is read as the default path, `/`; a request by a role with a path
    gives `aws:PrincipalArn` itself.
    """
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return UNKNOWN
    name = parts[5].split("/")[1] if "/" in parts[5] else UNKNOWN
    return ":".join(("arn", parts[1], "iam", "", parts[4], f"role/{name}"))


def _principal_arn(facts: Facts) -> Known:
    if facts.kind not in IAM_PRINCIPALS:
        return False
    return role_of_session(facts.arn) if facts.kind == "session" else facts.arn


def _principal_account(facts: Facts) -> Known:
    if facts.kind in IAM_PRINCIPALS:
        return facts.account
    return "anonymous" if facts.kind == "anonymous" else False


_TYPES: Final[dict[str, Known]] = {
    "role": "AssumedRole",
    "session": "AssumedRole",
    "user": "User",
    "federated": "FederatedUser",
    "root": "Account",
    "anonymous": "Anonymous",
}


def _principal_type(facts: Facts) -> Known:
    return _TYPES.get(facts.kind, False)


def _username(facts: Facts) -> Known:
    return facts.arn.rpartition("/")[2] if facts.kind == "user" and "/" in facts.arn else False


def _userid(facts: Facts) -> Known:
    """The ids that an ARN tells; those of users and roles (`AIDA…`, `AROA…`) it does not."""
    if facts.kind == "root":
        return facts.account
    if facts.kind == "federated" and "/" in facts.arn:
        return f"{facts.account}:{facts.arn.partition('/')[2]}"
    return "anonymous" if facts.kind == "anonymous" else False


def _is_service(facts: Facts) -> Known:
    return "true" if facts.kind == "service" else "false" if facts.kind in IAM_PRINCIPALS else False


def _service_name(facts: Facts) -> Known:
    return facts.arn if facts.kind == "service" else False


PRINCIPAL_KEYS: Final[dict[str, Callable[[Facts], Known]]] = {
    "aws:principalarn": _principal_arn,
    "aws:principalaccount": _principal_account,
    "aws:principaltype": _principal_type,
    "aws:username": _username,
    "aws:userid": _userid,
    "aws:principalisawsservice": _is_service,
    "aws:principalservicename": _service_name,
}
"""The keys that follow from the caller. False where the caller does not have the key, or does not tell it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
"""
