"""Where a configuration has credentials written out: no report shows those stretches of its files."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Place
from policy_audit.sources.terraform.hcl_syntax import (
    Argument,
    Body,
    Call,
    Conditional,
    Expression,
    ListOf,
    Literal,
    ObjectOf,
    Template,
)
from policy_audit.sources.tree import is_true

_SECRETS: Final = frozenset(
    {
        "access_key", "api_token", "auth_token", "client_secret", "master_password", "master_user_password", "password",
        "private_key", "secret", "secret_access_key", "secret_binary", "secret_key", "secret_string",
        "secret_string_wo", "session_token", "token",
    }
)  # fmt: skip
"""Arguments of providers and resources that are credentials."""
_ENDS: Final = ("_api_key", "_password", "_private_key", "_secret", "_secret_key", "_token", "_webhook")
"""How the names of locals and variables end that are."""
_WITHIN: Final = frozenset({"api_key", "basic", "body", "client_parameters", "header", "query_string"})
"""Blocks of `aws_cloudwatch_event_connection` whose `value` is, or may be, one.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_event_connection
"""


def secrets(body: Body) -> Iterator[Place]:
    """The places of literal texts that are credentials, and of defaults of sensitive variables."""
    pending: list[tuple[str, str, Body]] = [("", "", body)]
    while pending:
        around, label, one = pending.pop()
        if around == "variable" and (is_sensitive(one) or _is_secret(label)):
            default = one.get("default")
            if default is not None:
                yield default.place
        for argument in one.arguments:
            yield from _written(argument, around)
        pending += [(each.type.text, each.labels[0].text if each.labels else "", each.body) for each in one.blocks]


def is_sensitive(body: Body) -> bool:
    """Whether the body of a variable or output says that it is sensitive."""
    return any(
        isinstance(value := body.get(name), Literal) and is_true(value.value) for name in ("sensitive", "ephemeral")
    )


def _written(argument: Argument, around: str) -> Iterator[Place]:
    """The texts of a secret argument, and those of secret keys in objects."""
    name = argument.name.text
    hidden = _is_secret(name) or (around in _WITHIN and name == "value")
    pending: list[tuple[Expression, bool]] = [(argument.value, hidden)]
    while pending:
        expression, secret = pending.pop()
        if isinstance(expression, ObjectOf):
            for key, value in expression.items:
                named = key.value.text if isinstance(key, Literal) else ""
                pending.append((value, secret or _is_secret(named)))
        elif isinstance(expression, ListOf):
            pending += [(one, secret) for one in expression.items]
        elif isinstance(expression, Call):
            pending += [(one, secret or expression.name == "sensitive") for one in expression.arguments]
        elif isinstance(expression, Conditional):
            pending += [(expression.yes, secret), (expression.no, secret)]
        elif secret and isinstance(expression, Literal | Template):
            kind = expression.value.kind if isinstance(expression, Literal) else "string"
            if kind == "string":
                yield expression.place


def _is_secret(name: str) -> bool:
    return name.lower() in _SECRETS or name.lower().endswith(_ENDS)
