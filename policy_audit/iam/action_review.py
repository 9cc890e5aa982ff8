"""Actions and condition keys of a statement against what IAM knows: names that nobody lists, and what was meant."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from policy_audit.iam.action_names import ANYTHING, ActionNames, KnownService
from policy_audit.iam.known_keys import GLOBAL_KEYS, is_of_identity_provider
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

_OTHER_NAMES: Final = {
    "eventsv2": ("events", "AWS names no actions with it: permissions of custom event buses are `events:` ones"),
    "apigatewayv2": ("apigateway", "actions on HTTP and WebSocket APIs have the prefix `apigateway`"),
    "stepfunctions": ("states", "the actions of Step Functions have the prefix `states`"),
    "eventbridge": ("events", "the actions of EventBridge have the prefix `events`"),
    "cloudwatchlogs": ("logs", "the actions of CloudWatch Logs have the prefix `logs`"),
    "elb": ("elasticloadbalancing", "the actions of load balancers have the prefix `elasticloadbalancing`"),
}
"""Prefixes that somebody may take for that of a service, with the real one.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""


class Unknown(NamedTuple):
    """An action that nobody lists. `meant` is the one that it is probably a misspelling of, or empty."""

    action: str
    meant: str
    reason: str


def unknown_actions(statement: Statement, names: ActionNames) -> Iterator[Unknown | None]:
    """The actions of the statement that the table lacks; None for one that is open and may be any."""
    for action in statement.actions:
        if has_letters(action):
            yield None
        elif action not in ("*", "*:*") and re.fullmatch(r"[A-Za-z0-9.-]+:[^:\s]+", action):
            found = _unknown(action, names)
            if found:
                yield found


def _unknown(action: str, names: ActionNames) -> Unknown | None:
    prefix, _, name = action.partition(":")
    service = names.service(prefix)
    if service is None:
        return _no_service(action, prefix.lower(), name, names)
    if name.strip("*") == "" or service.matching(name):
        return None
    return Unknown(action, _near(service, name), f"no action of service `{service.prefix}`")


def _no_service(action: str, prefix: str, name: str, names: ActionNames) -> Unknown:
    if prefix in _OTHER_NAMES:
        real, reason = _OTHER_NAMES[prefix]
        return Unknown(action, f"{real}:{name}", reason)
    near = sorted(other for other in names.prefixes() if _is_misspelt(prefix, other))
    # Many prefixes are short, and near to others: the action's name has to be one of that service.
    fitting = [one for one in near if (service := names.service(one)) and service.matching(name)]
    return Unknown(action, f"{fitting[0]}:{name}" if fitting else "", f"`{prefix}` is the prefix of no service")


def _near(service: KnownService, name: str) -> str:
    """The action of the service that `name`, which has no wildcard, is a misspelling of, or the empty text."""
    if "*" in name or "?" in name:
        return ""
    found = sorted(one.name for lower, one in service.actions.items() if _is_misspelt(name.lower(), lower))
    return f"{service.prefix}:{found[0]}" if found else ""


def _is_misspelt(word: str, other: str) -> bool:
    """Whether the words, both in lower case, differ by one letter too many, too few or wrong, or by two swapped."""
    if word == other or abs(len(word) - len(other)) > 1 or min(len(word), len(other)) < 4:
        return False
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    ours, theirs = word[start:], other[start:]
    if ours[1:] == theirs[1:] or ours == theirs[1:] or ours[1:] == theirs:
        return True
    return len(ours) > 1 and ours[:2] == theirs[1::-1] and ours[2:] == theirs[2:]


# ---- condition keys -------------------------------------------------------------------------------------------------

_GLOBAL: Final = {key.lower(): kind for key, kind in GLOBAL_KEYS.items()} | {"aws:sourceowner": "String"}
"""With `AWS:SourceOwner` of SNS's default topic policies, which `aws:SourceAccount` has replaced:
https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"""
_TAGS: Final = tuple((key.partition("${")[0], kind) for key, kind in _GLOBAL.items() if "${" in key)


def key_type(condition: Condition, services: Iterable[KnownService]) -> str | None:
    """The type of a condition's key: of a global one or one of `services`; None when neither has such a key."""
    key = condition.key.lower()
    found = _GLOBAL.get(key) or next((kind for start, kind in _TAGS if key.startswith(start)), None)
    if found is not None:
        return found
    return next((kind for one in services if (kind := one.key_type(key)) is not None), None)


def unknown_keys(statement: Statement, services: tuple[KnownService, ...]) -> Iterator[Condition]:
    """The conditions whose key neither is global nor one of the services that the statement names actions of."""
    for condition in statement.conditions:
        known = has_letters(condition.key) or is_of_identity_provider(condition.key)
        if not known and key_type(condition, services) is None:
            yield condition


def services_of(statement: Statement, names: ActionNames) -> tuple[KnownService, ...] | None:
    """The services that the statement is about; None for one that may be about any, or one that is not known."""
    if statement.not_action:
        return None
    found: dict[str, KnownService] = {}
    for action in statement.actions:
        if has_letters(action) or ":" not in action or "*" in action.partition(":")[0]:
            return None
        service = names.service(action.partition(":")[0])
        if service is None or ANYTHING in service.keys:
            return None
        found[service.prefix] = service
    return tuple(found.values())


_FITTING: Final = {
    "string": ("String", "ARN", ""),
    "arn": ("ARN", "String", ""),
    "numeric": ("Numeric", "Date", ""),
    "date": ("Date", "Numeric", ""),
    "bool": ("Bool", ""),
    "address": ("IPAddress", ""),
    "binary": ("Binary", "String", ""),
}
"""By the family of an operator, the types of keys that it compares."""


def mismatch(condition: Condition, kind: str) -> str:
    """Why the condition's operator does not fit a key of type `kind`, or the empty text.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    from policy_audit.iam.operators import parse_operator

    operator = parse_operator(condition.operator)
    if operator is None or operator.family == "null":
        return ""
    single = kind.removeprefix("ArrayOf")
    if single not in _FITTING[operator.family] and not _compares_as_text(operator.family, single, condition):
        return f"`{condition.operator}` compares no value of `{condition.key}`, which is of type {single}"
    return ""


def _compares_as_text(family: str, kind: str, condition: Condition) -> bool:
    """Whether a value of the key is compared well as text: `true`, or an address in full."""
    if family == "string":
        return kind in ("Bool", "Numeric", "Date") or (
            kind == "IPAddress" and not any("/" in v for v in condition.values)
        )
    return (
        family == "bool" and kind == "String" and all(value.lower() in ("true", "false") for value in condition.values)
    )
