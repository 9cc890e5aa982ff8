"""Policy documents statement by statement, as rules ask about them: what each says, and to whom it belongs."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from policy_audit.model import caller_conditions
from policy_audit.model.api_policies import called_unsigned
from policy_audit.model.policy import Condition, Policy, Statement
from policy_audit.model.resources import Api, Fact, Key, Role
from policy_audit.model.rest_api import RestApi
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

DocumentKind = Literal[
    "identity", "boundary", "trust", "rest-api", "vpc-endpoint", "key", "secret", "event-bus", "bucket", "queue",
    "topic", "repository", "logs", "lattice", "scp", "rcp",
]  # fmt: skip


class PolicyDocument(NamedTuple):
    """One document of the audited files, with the resource whose policy it is."""

    kind: DocumentKind
    policy: Policy
    address: str
    span: Span
    owner: object
    """The role, API or VPC endpoint that it belongs to: the first one, where several share a managed policy."""


class PolicyStatement(NamedTuple):
    """One statement of a document. Its properties of several facts have none where they do not concern it.

    Most documents have no statement of the kinds that `denials` and `invoke_resources` are about; they are imported
    for those that have.
    """

    system: "System"
    document: PolicyDocument
    statement: Statement
    index: int  # type: ignore[assignment]  # tuple.index is not used on it
    with_path: Mapping[str, Role]
    """Roles of the audited files that have a path, by the ARN that they would have without it."""
    running: frozenset[str]
    """ARNs of the roles that state machines run with, and that rules, pipes and schedules invoke their targets with."""
    called: frozenset[str]
    """Ids of the REST APIs that HTTP Tasks, API destinations, rules and pipes call."""

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

    @property
    def label(self) -> str:
        """The statement among all those of its resource."""
        return f"`{self.name}` of `{self.document.policy.name or self.kind}`"

    @property
    def is_proven(self) -> bool:
        """Whether rules on calls and callers prove what the document must allow and whom it must keep out: a mistake
        that matters is then found as what it does."""
        owner = self.document.owner
        if isinstance(owner, Api):
            api = RestApi(self.system, owner)
            return api.restricted or owner.id in self.called or bool(api.workflows)
        return isinstance(owner, Role) and owner.arn in self.running

    @property
    def is_closed(self) -> bool:
        """Whether rules on callers prove that nobody else gets in by the document."""
        owner = self.document.owner
        return isinstance(owner, Api) and RestApi(self.system, owner).restricted

    @property
    def names_no_session(self) -> tuple[Fact, ...]:
        """Whether `aws:PrincipalArn` is compared with ARNs of roles and users, and not of sessions."""
        return tuple(caller_conditions.no_session(self))

    @property
    def has_no_idle_wildcard(self) -> tuple[Fact, ...]:
        """Whether keys that hold ARNs are compared with wildcards under operators that know them only."""
        return tuple(caller_conditions.no_idle_wildcard(self))

    @property
    def names_whole_roles(self) -> tuple[Fact, ...]:
        """Whether `aws:PrincipalArn` is compared with ARNs that have the path of their role."""
        return tuple(caller_conditions.whole_roles(self))

    @property
    def names_whole_principals(self) -> tuple[Fact, ...]:
        """Whether no ARN of `Principal` has a wildcard in it."""
        return tuple(caller_conditions.whole_principals(self))

    @property
    def says_whom(self) -> tuple[Fact, ...]:
        """That the statement has `NotPrincipal`; nothing of one that has not."""
        return tuple(caller_conditions.not_principal(self))

    @property
    def fits_a_service(self) -> tuple[Fact, ...]:
        """Whether an Allow that asks for keys of services' own calls may be about a service."""
        return tuple(caller_conditions.can_be_a_service(self))

    @property
    def asks_for_what_it_compares(self) -> tuple[Fact, ...]:
        """Whether an Allow that compares by `ForAllValues` is not met by requests without the key."""
        return tuple(caller_conditions.sets_ask_for_presence(self))

    @property
    def denies_without_the_key(self) -> tuple[Fact, ...]:
        """Whether a Deny reaches requests that lack the key it asks for, where it means these as well."""
        from policy_audit.model import denials

        return tuple(denials.reaches_the_unmarked(self))

    @property
    def has_one_exception(self) -> tuple[Fact, ...]:
        """Whether a Deny of an API excepts by one aspect of a request only: who calls, or from where."""
        from policy_audit.model import denials

        return tuple(denials.one_aspect(self))

    @property
    def spares_services(self) -> tuple[Fact, ...]:
        """Whether a Deny for all but some `aws:PrincipalArn` leaves alone the services that the policy allows."""
        from policy_audit.model import denials

        return tuple(denials.spares_services(self))

    @property
    def has_no_braces(self) -> tuple[Fact, ...]:
        """Whether the ARNs of API requests have no name of a path parameter."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.no_braces(self))

    @property
    def has_real_verbs(self) -> tuple[Fact, ...]:
        """Whether the ARNs of API requests have methods that requests are made with, and not `ANY`."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.real_verbs(self))

    @property
    def ends_the_root_in_a_slash(self) -> tuple[Fact, ...]:
        """Whether the ARNs of requests to the root of an API end in a slash."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.root_with_slash(self))

    @property
    def has_the_stage(self) -> tuple[Fact, ...]:
        """Whether the ARNs of API requests have the stage before the method."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.with_stage(self))

    @property
    def goes_on_to_the_method(self) -> tuple[Fact, ...]:
        """Whether the ARNs of API requests do not end before the method."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.as_far_as_the_method(self))

    @property
    def names_apis_in_full(self) -> tuple[Fact, ...]:
        """Whether API requests are named by ARNs, outside of the API's own policy."""
        from policy_audit.model import invoke_resources

        return tuple(invoke_resources.in_full(self))

    def fact(self, holds: bool | None, detail: str, condition: Condition | None = None) -> Fact:
        """A fact about the statement, which points at `condition` if that is at fault."""
        return Fact(holds, detail, self.address, (condition.span if condition else None) or self.span)


def every(system: "System") -> tuple[PolicyStatement, ...]:
    """Every statement of the documents that the audited files hold, each once."""
    with_path = caller_conditions.roles_with_path(system.roles)
    roles, apis = _of_targets(system)
    called = called_unsigned(system) | apis
    running = roles | {machine.role.arn for machine in system.state_machines if isinstance(machine.role, Role)}
    return tuple(
        PolicyStatement(system, document, statement, index, with_path, running, called)
        for document in documents(system)
        for index, statement in enumerate(document.policy.statements)
    )


def _of_targets(system: "System") -> tuple[frozenset[str], frozenset[str]]:
    """The ARNs of the roles that targets of events are invoked with, and the ids of the APIs among the targets."""
    if not system.has("Sender"):
        return frozenset(), frozenset()
    from policy_audit.model.event_targets import every as targets

    found = targets(system)
    roles = frozenset(one.role.arn for one in found if isinstance(one.role, Role))
    return roles, frozenset(one.api.id for one in found if isinstance(one.api, Api))


def documents(system: "System") -> tuple[PolicyDocument, ...]:
    """Every policy document of the audited files, each once; AWS's own managed policies are not among them."""
    found: dict[tuple[str, Span], PolicyDocument] = {}
    own = (*_of_roles(system.roles), *_of_apis(system.apis))
    for document in (*own, *_of_endpoints(system), *_of_keys(system.all(Key)), *_of_others(system)):
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


def _of_others(system: "System") -> Iterator[PolicyDocument]:
    """Policies that no role of the audited files has: unattached ones, those of other principals and of resources."""
    if not system.has("WrittenPolicy"):
        return
    from policy_audit.model.documents import WrittenPolicy

    known: set[tuple[str | Span | None, str]] = {(api.address, "rest-api") for api in system.apis}
    known |= {(role.address, "identity") for role in system.roles}
    known |= {(role.address, "trust") for role in system.roles}
    known |= {(policy.span, "identity") for role in system.roles for policy in role.policies}
    known |= {(role.boundary.span, "identity") for role in system.roles if isinstance(role.boundary, Policy)}
    for written in system.all(WrittenPolicy):
        kind = written.kind
        if written.policy.span is not None and not {(written.address, kind), (written.span, kind)} & known:
            yield PolicyDocument(kind, written.policy, written.address, written.span, written)  # type: ignore[arg-type]
