"""A rule as its file states it: which facts it is about, what it requires of each, and what to say."""

from typing import Literal

from policy_audit.findings import Confidence, Severity
from policy_audit.model.resources import Missing
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class Path(NamedTuple):
    """A dotted path to a property of the model: `call.connection.secret_arn`, without its first word."""

    names: tuple[str, ...]
    text: str

    def of(self, fact: object) -> object:
        """The property's value. The walk stops at the first thing that is not there: a Missing, or None."""
        for name in self.names:
            fact = getattr(fact, name)
            if fact is None or isinstance(fact, Missing):
                return fact
        return fact


class Principal(NamedTuple):
    """Who a requirement is about: the role at `path`, everybody but the roles at `path` or but a service, a service,
    anyone at all, whoever calls without a signature, or such a one outside the networks at `path`."""

    kind: Literal["role", "anyone_but", "anyone_but_service", "anyone", "service", "unsigned", "anyone_outside"]
    path: Path | None = None
    service: str = ""


class Permission(NamedTuple):
    """`allow` and `deny`: every request for these actions must be allowed, or none may be."""

    effect: Literal["allow", "deny"]
    actions: tuple[str, ...] | Path
    """As the rule writes them, or the property that lists them."""
    principal: Principal
    resource: Path
    when: tuple[tuple[str, Path], ...] = ()
    """Context keys and what they are."""
    by: Path | None = None
    """The resource whose own policy has a say: an API, a key, or a role with its trust policy."""
    unconfirmed_resource: Path | None = None
    """Another form of the resource, that AWS's pages name as well but nobody has confirmed for these actions."""
    or_resource: Path | None = None
    """Another form of the resource, that AWS documents for these actions: either is enough."""
    or_actions: tuple[str, ...] = ()
    """Other actions, each of which is enough in place of those that are listed."""
    together: bool = False
    """Whether the actions are one thing that is needed, told in one finding."""
    span: Span | None = None


class Property(NamedTuple):
    """`holds`: a property of the model that must hold."""

    path: Path
    span: Span | None = None


Clause = Permission | Property


class Rule(NamedTuple):
    """One rule. `where` narrows the facts: each path must have one of its values."""

    id: str
    summary: str
    severity: Severity
    confidence: Confidence
    since: str
    about: str
    where: tuple[tuple[Path, tuple[str, ...]], ...]
    require: tuple[Clause, ...]
    message: str
    help: str
    references: tuple[str, ...]
    file: str
    fix: Literal["", "safe", "unsafe"] = ""
    """Whether `check --fix` mends its findings, or some of them: always safely, or with `--unsafe-fixes`."""
