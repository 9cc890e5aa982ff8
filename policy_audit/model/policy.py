"""A policy document as IAM reads it: statements, principals, conditions; open parts of its texts are letters."""

from typing import Literal

from policy_audit.origin import Span
from policy_audit.record import NamedTuple

Effect = Literal["Allow", "Deny"]
PrincipalType = Literal["AWS", "Service", "Federated", "CanonicalUser", "*"]


class Condition(NamedTuple):
    """One key under one operator: `operator` as written, qualifier and `IfExists` included; values are OR-ed."""

    operator: str
    key: str
    values: tuple[str, ...]
    span: Span | None = None


class Principal(NamedTuple):
    """One entry of `Principal`: the type it stands under (`*` for the bare string) and its value as written."""

    type: str
    value: str


class Statement(NamedTuple):
    """One statement. An element that the document lacks is None; `NotX` is the list with its flag set."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None = None
    principals: tuple[Principal, ...] | None = None
    conditions: tuple[Condition, ...] = ()
    not_action: bool = False
    not_resource: bool = False
    not_principal: bool = False
    sid: str | None = None
    unknown: tuple[str, ...] = ()
    """Why parts of this statement could not be read: if not empty, whether it applies is unknown."""
    span: Span | None = None


class Policy(NamedTuple):
    """One document. `version` decides whether `${…}` is a variable: only in `2012-10-17`."""

    statements: tuple[Statement, ...]
    version: str = "2008-10-17"
    name: str = ""
    """How a person knows it: `PatternBRole/HttpInvokeRestApi`, `RestApi.Policy`, an ARN."""
    unknown: str = ""
    """Why the document could not be read at all: it may hold any statement."""
    span: Span | None = None
