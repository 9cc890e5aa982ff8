"""Policy documents statement by statement, as rules ask about them: what each says, and to whom it belongs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Api, Key, Role
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

DocumentKind = Literal["identity", "boundary", "trust", "rest-api", "vpc-endpoint", "key", "secret", "event-bus"]


class PolicyDocument(NamedTuple):
    """One document of the audited files, with the resource whose policy it is."""

    kind: DocumentKind
    policy: Policy
    address: str
    span: Span
    owner: object
    """The role, API or VPC endpoint that it belongs to: the first one, where several share a managed policy."""


class PolicyStatement(NamedTuple):
    """One statement of a document."""

    system: "System"
    document: PolicyDocument
    statement: Statement
    index: int  # type: ignore[assignment]  # tuple.index is not used on it

    @property
    def address(self) -> str:
        return self.document.address

    @property
    def span(self) -> Span:
        return self.statement.span or self.document.span

    @property
    def kind(self) -> str:
        """Whose document it is: `identity`, `boundary`, `trust`, `rest-api`, `vpc-endpoint`, `key`, …"""
        return self.document.kind

    @property
    def effect(self) -> str:
        """`Allow` or `Deny`."""
        return self.statement.effect

    @property
    def name(self) -> str:
        """What a reader knows the statement by: its `Sid`, or its place in the document from 1."""
        return self.statement.sid or f"statement {self.index + 1}"


def every(system: "System") -> tuple[PolicyStatement, ...]:
    """Every statement of the documents that the audited files hold, each once."""
    return tuple(
        PolicyStatement(system, document, statement, index)
        for document in documents(system)
        for index, statement in enumerate(document.policy.statements)
    )


def documents(system: "System") -> tuple[PolicyDocument, ...]:
    """Every policy document of the audited files, each once; AWS's own managed policies are not among them."""
    found: dict[tuple[str, Span], PolicyDocument] = {}
    own = (*_of_roles(system.roles), *_of_apis(system.apis))
    for document in (*own, *_of_endpoints(system), *_of_keys(system.all(Key))):
        if document.policy.span is not None:
            found.setdefault((document.kind, document.policy.span), document)
    return tuple(found.values())


def _of_roles(roles: tuple[Role, ...]) -> Iterator[PolicyDocument]:
    for role in roles:
        yield PolicyDocument("trust", role.trust, role.address, role.trust.span or role.span, role)
        for policy in role.policies:
            yield PolicyDocument("identity", policy, role.address, policy.span or role.span, role)
        if isinstance(role.boundary, Policy):
            yield PolicyDocument("boundary", role.boundary, role.address, role.boundary.span or role.span, role)


def _of_apis(apis: tuple[Api, ...]) -> Iterator[PolicyDocument]:
    for api in apis:
        if api.policy is not None:
            yield PolicyDocument("rest-api", api.policy, api.address, api.policy.span or api.span, api)


def _of_endpoints(system: "System") -> Iterator[PolicyDocument]:
    if not system.has("VpcEndpoint"):
        return
    from policy_audit.model.vpc_endpoints import VpcEndpoint

    for endpoint in system.all(VpcEndpoint):
        if endpoint.policy is not None:
            span = endpoint.policy.span or endpoint.span
            yield PolicyDocument("vpc-endpoint", endpoint.policy, endpoint.address, span, endpoint)


def _of_keys(keys: tuple[Key, ...]) -> Iterator[PolicyDocument]:
    for key in keys:
        yield PolicyDocument("key", key.policy, key.address, key.policy.span or key.span, key)
