"""The audited system as a whole: every fact that was read, and the words by which rules ask about them.

A rule's right-hand side is a path such as `call.connection.secret_arn`. Its first word is a fact (`call`, `rest_api`,
`state_machine`), each further one a public property of the classes here and in `model.resources`. A property returns a
value, `Missing` (the audit can't see it, and why) or None (there is none).
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from policy_audit.model.nearest import Nearest
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api, Connection, Method, Missing, ResourceConfiguration, Role, StateMachine
from policy_audit.model.rest_api import RestApi
from policy_audit.model.routes import Routes
from policy_audit.model.value import Symbols, has_letters
from policy_audit.model.workflow import API_CALLS, Call

T = TypeVar("T")


class System:
    """Everything that was read, as one estate, with the indexes that keep every question about it cheap."""

    __slots__ = (
        "_apis",
        "_calls_by_api",
        "_calls_by_role",
        "_connections",
        "_homes",
        "_hosts",
        "_indexes",
        "_names_endpoints",
        "_reached",
        "_roles",
        "_routes",
        "_workflows_by_api",
        "account",
        "apis",
        "cache",
        "calls",
        "connections",
        "intended_callers",
        "others",
        "partition",
        "private_apis",
        "region",
        "roles",
        "state_machines",
        "symbols",
        "workflows_unread",
    )

    def __init__(
        self,
        symbols: Symbols,
        *,
        partition: str = "",
        region: str = "",
        account: str = "",
        roles: tuple[Role, ...] = (),
        state_machines: tuple[StateMachine, ...] = (),
        connections: tuple[Connection, ...] = (),
        apis: tuple[Api, ...] = (),
        intended_callers: Mapping[str, tuple[str, ...]] | None = None,
        others: Mapping[str, tuple[object, ...]] | None = None,
        cache: str = "",
        workflows_unread: str = "",
        is_spread: bool = False,
        private_apis: bool = False,
    ) -> None:
        self.symbols = symbols
        self.cache = cache
        """The folder for what may be remembered from run to run, or empty."""
        self.workflows_unread = workflows_unread
        """Why there may be workflows that were not read, where that is known: nobody can say then who is a stranger."""
        self.private_apis = private_apis or any("PRIVATE" in api.endpoint_types for api in apis)
        """Whether there are private APIs, be it in another estate of the audit."""
        self.partition, self.region, self.account = partition, region, account
        self.roles, self.connections, self.apis = roles, connections, apis
        self.state_machines = state_machines
        self.intended_callers: Mapping[str, tuple[str, ...]] = intended_callers or {}
        """From the configuration: address of an API to ARNs of the roles that may call it."""
        self.others: Mapping[str, tuple[object, ...]] = others or {}
        """Resources that few estates have, by the name of their class: see `all`."""
        self._roles: Nearest[Role] = Nearest()
        for role in roles:
            self._roles.add(role.arn, role.address.partition("#")[0], role)
        self._connections = {connection.arn: connection for connection in connections}
        self._apis = {api.id: api for api in apis}
        self._calls_by_api: dict[str, list[Call]] = {}
        self._calls_by_role: dict[str, list[Call]] = {}
        self._workflows_by_api: dict[str, dict[str, None]] = {}
        self._indexes: dict[tuple[type, str], Mapping[str, object]] = {}
        self._hosts: dict[str, tuple[str, ...] | Missing] = {}
        self._names_endpoints: dict[str, bool] = {}
        self._routes: dict[str, Routes] = {}
        self._reached: dict[tuple[str, str, str], Method | Missing | None] = {}
        self._homes: dict[tuple[str, str], System] | None = {} if is_spread else None
        self.calls = tuple(
            Call(home, machine, task)
            for machine in state_machines
            for home in (self.at(machine.arn),)
            for task in machine.definition.tasks
        )
        """Every task of every state machine."""
        for home in (self._homes or {}).values():
            home.calls = self.calls
        for call in self.calls:
            if call.integration == "apigateway:invoke" and isinstance(call.api, Api):
                if call.auth_type == "IAM_ROLE":
                    self._calls_by_api.setdefault(call.api.id, []).append(call)
                elif call.auth_type == "RESOURCE_POLICY":
                    self._workflows_by_api.setdefault(call.api.id, {})[call.state_machine.arn] = None
            if call.integration == "http:invoke" and isinstance(call.role, Role):
                self._calls_by_role.setdefault(call.role.address, []).append(call)

    def close(self) -> None:
        """Lets go of what knows it: nothing is to be asked any more."""
        for home in (self, *(self._homes or {}).values()):
            home.calls = ()
            home._calls_by_api, home._calls_by_role = {}, {}
        self._homes = None

    @property
    def is_spread(self) -> bool:
        """Whether the estate is in several Regions or accounts."""
        return self._homes is not None

    def at(self, arn: str) -> "System":
        """The system as it is seen from the Region and the account of `arn`, where the estate is in several.

        What an ARN leaves out is this system's own.
        """
        parts = arn.split(":", 5)
        if self._homes is None or len(parts) < 6:
            return self
        here = (parts[3] or self.region, parts[4] or self.account)
        if here == (self.region, self.account):
            return self
        if here not in self._homes:
            from copy import copy

            found = copy(self)
            found.region, found.account = here
            self._homes[here] = found
        return self._homes[here]

    @property
    def needs(self) -> bool:
        """Whether a workflow may need more than its calls of APIs do: what `model.needs` is about."""
        return self.integrations or any(
            machine.definition.maps or machine.log_level != "OFF" or machine.tracing != "false"
            for machine in self.state_machines
        )

    @property
    def integrations(self) -> bool:
        """Whether a task does anything else than to call an API and to take the response."""
        return not all(call.is_plain for call in self.calls)

    @property
    def assumed_roles(self) -> bool:
        """Whether a task runs with a role of its own (`Credentials`)."""
        return any(call.task.credentials_role is not None for call in self.calls)

    @property
    def calls_abroad(self) -> bool:
        """Whether a task's argument is an ARN, or a queue's URL, that may be of another account than the workflow."""
        return any(
            one.text.startswith(("arn:", "https://sqs")) and call.state_machine.account not in one.text
            for call in self.calls
            if call.integration not in API_CALLS
            for _, one in call.task.arguments
        )

    def has(self, name: str) -> bool:
        """Whether there is any of what `name` says: an attribute of the system, or a class of its `others`."""
        return bool(self.others.get(name) or getattr(self, name, ()))

    def all(self, kind: type[T]) -> tuple[T, ...]:
        """Every resource of a class that few estates have, in the order of the files."""
        return cast("tuple[T, ...]", self.others.get(kind.__name__, ()))

    def index(self, kind: type[T], name: str) -> Mapping[str, T]:
        """Every resource of a class that few estates have, by its attribute `name`; the first of several."""
        key = (kind, name)
        if key not in self._indexes:
            found: dict[str, T] = {}
            for one in self.all(kind):
                found.setdefault(getattr(one, name), one)
            self._indexes[key] = found
        return cast("Mapping[str, T]", self._indexes[key])

    def rcps(self, account: str) -> tuple[tuple[Policy, ...], ...] | None:
        """The resource control policies that bind what an account has, by level from the root; None if not known.

        Each of its roles knows them.
        """
        key = (Role, "account")
        if key not in self._indexes:
            self._indexes[key] = {one.account: one for one in self.roles}
        found = self._indexes[key].get(account)
        return found.rcps if isinstance(found, Role) else None

    @property
    def encrypted_connections(self) -> tuple[Connection, ...]:
        """The connections that name a key of the customer's."""
        return tuple(one for one in self.connections if one.key is not None)

    @property
    def connections_of_others(self) -> tuple[Connection, ...]:
        """The connections whose resource configuration is declared in another account, or in what may be another."""
        return tuple(
            one
            for one in self.connections
            if isinstance(one.resource_configuration, ResourceConfiguration)
            and one.resource_configuration.arn.split(":", 5)[4] != one.account
        )

    def rest_apis(self) -> "tuple[RestApi, ...]":
        """Every REST API, with who is meant to call it."""
        return tuple(RestApi(self, api) for api in self.apis if api.kind == "REST")

    def api(self, api_id: str) -> Api | None:
        return self._apis.get(api_id)

    def method(self, api: Api, verb: str, path: str) -> Method | Missing | None:
        """The method of `api` that a request reaches; None when the API has no such method."""
        key = (api.id, verb, path)
        if key not in self._reached:
            if api.id not in self._routes:
                self._routes[api.id] = Routes(api.methods)
            self._reached[key] = _reached(api, self._routes[api.id], verb, path, self.symbols)
        return self._reached[key]

    def role(self, arn: str, near: str) -> Role | None:
        """The role of this ARN; of several the one that what has the address `near` means."""
        found = self._roles.of(arn, near.partition("#")[0])
        return found[-1] if found else None

    def connection(self, arn: str) -> Connection | None:
        return self._connections.get(arn)

    def signed_calls(self, api_id: str) -> "Sequence[Call]":
        """The calls that `apigateway:invoke` makes to the API, signed by their role."""
        return self._calls_by_api.get(api_id, ())

    def workflows(self, api_id: str) -> tuple[str, ...]:
        """ARNs of the state machines that call the API unsigned but by name, as its resource policy asks for."""
        return tuple(self._workflows_by_api.get(api_id, ()))

    def http_calls(self, role: Role) -> "Sequence[Call]":
        """The HTTP Tasks that run with the role."""
        return self._calls_by_role.get(role.address, ())

    def hosts(self, role: Role) -> tuple[str, ...] | Missing:
        """The hosts that the HTTP Tasks of the role call, each once."""
        if role.address not in self._hosts:
            self._hosts[role.address] = _hosts(self.http_calls(role))
        return self._hosts[role.address]

    def names_endpoints(self, role: Role) -> bool:
        """Whether a condition of the role's policies is about `states:HTTPEndpoint`."""
        if role.address not in self._names_endpoints:
            self._names_endpoints[role.address] = any(
                condition.key.lower() == "states:httpendpoint"
                for policy in role.policies
                for statement in policy.statements
                for condition in statement.conditions
            )
        return self._names_endpoints[role.address]


def _reached(api: Api, routes: Routes, verb: str, path: str, symbols: Symbols) -> Method | Missing | None:
    certain, possible = routes.reached(verb, path)
    if certain:
        return certain[0]
    if possible:
        authorizations = {candidate.authorization for candidate in possible}
        if len(possible) == 1 or len(authorizations) == 1:
            return possible[0]
        return Missing(f"which method `{symbols.show(f'{verb} {path}')}` reaches depends on its value")
    if has_letters(verb):
        return Missing(f"the method `{symbols.show(verb)}` is not known")
    if not api.methods:
        return Missing(api.unseen[0] if api.unseen else "the API's methods are not among the audited files")
    return Missing(api.unseen[0]) if api.unseen else None


def _hosts(calls: "Sequence[Call]") -> tuple[str, ...] | Missing:
    hosts: dict[str, None] = {}
    for call in calls:
        host = call.host
        if isinstance(host, Missing):
            return host
        hosts[host] = None
    return tuple(hosts)
