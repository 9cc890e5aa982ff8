"""The audited system as a whole: every fact that was read, and the words by which rules ask about them.

A rule's right-hand side is a path such as `call.connection.secret_arn`. Its first word is a fact (`call`, `rest_api`,
`state_machine`), each further one a public property of the classes here and in `model.resources`. A property returns a
value, `Missing` (the audit can't see it, and why) or None (there is none).
"""

from collections.abc import Mapping, Sequence

from policy_audit.model.call import Field, Task
from policy_audit.model.resources import (
    Api,
    Connection,
    Fact,
    Method,
    Missing,
    PortRule,
    ResourceConfiguration,
    ResourceGateway,
    Role,
    SecurityGroup,
    StateMachine,
)
from policy_audit.model.routes import Routes
from policy_audit.model.value import Symbols, has_letters, is_letter, letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

HTTP_TASK_SECONDS = 60
"""https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html"""

_NO_STAGES = "the API's stages are not among the audited files"

_PORTS = tuple(":" + "?" * digits for digits in range(1, 6))
_OF_ONE_HOST = tuple(f"{port}{path}" for port in ("", *_PORTS) for path in ("", "/*"))
"""What may follow a URL's host, as globs: more after a colon than a port makes it a user's name, of another host."""

VERBS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What `ANY` stands for: a request carries one of these, never `ANY`."""


class ApiRequest(NamedTuple):
    """Requests to one method of an API: `arn` as IAM sees them, with `*` where the path has a parameter."""

    arn: str
    method: Method | None
    """None when the audited files don't show the method."""
    exact: bool = True
    """Whether `arn` is one request's ARN as it stands, and not a pattern."""


class OtherThan(NamedTuple):
    """Every text that matches the glob `pattern` and none of `but`; `telling` are members that a reader grasps."""

    pattern: str
    but: tuple[str, ...]
    telling: tuple[str, ...] = ()


class System:
    """Everything that was read, as one estate, with the indexes that keep every question about it cheap."""

    __slots__ = (
        "_apis",
        "_calls_by_api",
        "_calls_by_role",
        "_connections",
        "_hosts",
        "_names_endpoints",
        "_reached",
        "_roles",
        "_routes",
        "account",
        "apis",
        "calls",
        "connections",
        "intended_callers",
        "partition",
        "region",
        "roles",
        "state_machines",
        "symbols",
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
    ) -> None:
        self.symbols = symbols
        self.partition, self.region, self.account = partition, region, account
        self.roles, self.connections, self.apis = roles, connections, apis
        self.state_machines = state_machines
        self.intended_callers: Mapping[str, tuple[str, ...]] = intended_callers or {}
        """From the configuration: address of an API to ARNs of the roles that may call it."""
        self._roles = {role.arn: role for role in roles}
        self._connections = {connection.arn: connection for connection in connections}
        self._apis = {api.id: api for api in apis}
        self.calls = tuple(Call(self, machine, task) for machine in state_machines for task in machine.definition.tasks)
        """Every task of every state machine."""
        self._calls_by_api: dict[str, list[Call]] = {}
        self._calls_by_role: dict[str, list[Call]] = {}
        self._hosts: dict[str, tuple[str, ...] | Missing] = {}
        self._names_endpoints: dict[str, bool] = {}
        self._routes: dict[str, Routes] = {}
        self._reached: dict[tuple[str, str, str], Method | Missing | None] = {}
        for call in self.calls:
            if call.integration == "apigateway:invoke" and call.auth_type == "IAM_ROLE" and isinstance(call.api, Api):
                self._calls_by_api.setdefault(call.api.id, []).append(call)
            if call.integration == "http:invoke" and isinstance(call.role, Role):
                self._calls_by_role.setdefault(call.role.arn, []).append(call)

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

    def role(self, arn: str) -> Role | None:
        return self._roles.get(arn)

    def connection(self, arn: str) -> Connection | None:
        return self._connections.get(arn)

    def signed_calls(self, api_id: str) -> "Sequence[Call]":
        """The calls that `apigateway:invoke` makes to the API, signed by their role."""
        return self._calls_by_api.get(api_id, ())

    def http_calls(self, role_arn: str) -> "Sequence[Call]":
        """The HTTP Tasks that run with the role."""
        return self._calls_by_role.get(role_arn, ())

    def hosts(self, role_arn: str) -> tuple[str, ...] | Missing:
        """The hosts that the HTTP Tasks of the role call, each once."""
        if role_arn not in self._hosts:
            self._hosts[role_arn] = _hosts(self.http_calls(role_arn))
        return self._hosts[role_arn]

    def names_endpoints(self, role: Role) -> bool:
        """Whether a condition of the role's policies is about `states:HTTPEndpoint`."""
        if role.arn not in self._names_endpoints:
            self._names_endpoints[role.arn] = any(
                condition.key.lower() == "states:httpendpoint"
                for policy in role.policies
                for statement in policy.statements
                for condition in statement.conditions
            )
        return self._names_endpoints[role.arn]


class Call(NamedTuple):
    """One task of a workflow, with everything that it passes on its way."""

    system: System
    state_machine: StateMachine
    task: Task

    @property
    def address(self) -> str:
        return self.state_machine.address

    @property
    def span(self) -> Span:
        return self.task.span

    @property
    def state(self) -> str:
        """The state's name, with the states that enclose it."""
        return self.task.name

    @property
    def integration(self) -> str:
        """`http:invoke`, `apigateway:invoke`, …"""
        return self.task.integration

    @property
    def auth_type(self) -> str:
        """How `apigateway:invoke` authenticates; without a word it is NO_AUTH.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
        """
        return self.task.auth_type.text if self.task.auth_type else "NO_AUTH"

    @property
    def role(self) -> Role | Missing:
        """The role that the call is made with."""
        if self.task.credentials_role is not None:
            arn = self.task.credentials_role.text
            return self.system.role(arn) or Missing(
                f"the role `{self.system.symbols.show(arn)}` is not among the audited files"
            )
        return self.state_machine.role

    # ---- HTTP Task ----

    @property
    def endpoint(self) -> str | Missing:
        """`ApiEndpoint` as the state has it; what the workflow computes is a hole."""
        return self.task.endpoint.text if self.task.endpoint else Missing("the state has no `ApiEndpoint`")

    @property
    def method(self) -> str | Missing:
        """`Method` as the state has it."""
        return self.task.method.text if self.task.method else Missing("the state has no `Method`")

    @property
    def connection(self) -> Connection | Missing:
        """The EventBridge connection whose credentials the call uses."""
        field = self.task.connection
        if field is None:
            return Missing("the state names no connection")
        return self.system.connection(field.text) or _outside_connection(self.system, field)

    @property
    def private(self) -> bool | Missing:
        """Whether the call goes through a private connection."""
        connection = self.connection
        if isinstance(connection, Missing):
            return connection
        if isinstance(connection.resource_configuration, Missing):
            return connection.resource_configuration
        return connection.resource_configuration is not None

    @property
    def resource_configuration(self) -> ResourceConfiguration | Missing | None:
        """The VPC Lattice resource configuration that the call's connection goes through, if it is private."""
        connection = self.connection
        return connection if isinstance(connection, Missing) else connection.resource_configuration

    @property
    def lattice_resource(self) -> str | Missing:
        """What `vpc-lattice-svcs:Invoke` is asked on: AWS documents no ARN form for resource configurations.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonvpclatticeservices.html
        """
        return self.system.symbols.hole(
            "AWS documents no resource ARN of `vpc-lattice-svcs:Invoke` for resource configurations", "any resource"
        )

    @property
    def host(self) -> str | Missing:
        """The endpoint's host, as far as it is literal; Missing when the workflow computes a part of it."""
        endpoint = self.endpoint
        if isinstance(endpoint, Missing):
            return endpoint
        host = host_of(endpoint)
        if not host or any(is_letter(character) and not _is_symbol(character) for character in host):
            return Missing("the workflow computes the endpoint's host while it runs")
        return host

    @property
    def uses_https(self) -> Fact:
        """An HTTP Task calls HTTPS endpoints only."""
        endpoint = self.endpoint
        if isinstance(endpoint, Missing):
            return Fact(None, endpoint.reason)
        shown = self.system.symbols.show(endpoint)
        scheme, separator, _ = endpoint.partition("://")
        if separator and not has_letters(scheme):
            return self._at_endpoint(scheme.lower() == "https", f"calls `{shown}`")
        if has_letters(scheme[:8]):
            return self._at_endpoint(None, f"the scheme of `{shown}` is not known before the workflow runs")
        return self._at_endpoint(False, f"calls `{shown}`, which does not start with `https://`")

    @property
    def uses_a_domain_name(self) -> Fact:
        """A private endpoint is called by a domain name; its certificate can't be for an IP address."""
        host, private = self.host, self.private
        named = None if isinstance(host, Missing) else names_a_domain(host, self.system.symbols)
        if private is False or named:
            return Fact(True, "")
        if named is None and not isinstance(host, Missing):
            return self._at_endpoint(None, f"whether `{self.system.symbols.show(host)}` is a domain name is not known")
        for unknown in (host, private):
            if isinstance(unknown, Missing):
                return Fact(None, unknown.reason)
        return self._at_endpoint(False, f"calls the IP address `{host}`")

    @property
    def has_a_possible_timeout(self) -> Fact:
        """Whether the state's timeout is one that an HTTP Task can have."""
        field = self.task.timeout_seconds
        if field is None:
            return Fact(True, "sets no timeout")
        digits = field.text.strip()
        if not (digits.isascii() and digits.isdigit()):
            reasons = self.system.symbols.reasons(field.text) or ("it is not a number",)
            return Fact(None, f"its timeout is not known: {reasons[0]}", span=field.span)
        # AWS takes at most 99,999,999 s, and Python no number of thousands of digits.
        long = len(digits.lstrip("0")) > 8 or int(digits) > HTTP_TASK_SECONDS
        return Fact(not long, f"waits for up to {digits[:12]} s", span=field.span)

    def _at_endpoint(self, holds: bool | None, detail: str) -> Fact:
        return Fact(holds, detail, span=self.task.endpoint.span if self.task.endpoint else None)

    @property
    def role_names_endpoints(self) -> bool:
        """Whether the role's policies restrict `states:InvokeHTTPEndpoint` by `states:HTTPEndpoint`."""
        role = self.role
        return isinstance(role, Role) and self.system.names_endpoints(role)

    @property
    def other_endpoints(self) -> OtherThan | Missing:
        """Endpoints on hosts that no workflow of this role calls."""
        role = self.role
        if isinstance(role, Missing):
            return role
        hosts = self.system.hosts(role.arn)
        if isinstance(hosts, Missing):
            return hosts
        own = tuple(f"https://{host}{rest}" for host in hosts for rest in _OF_ONE_HOST)
        telling = (
            *(f"https://{host}.attacker.example/" for host in hosts),
            *(f"https://{host}:x@attacker.example/" for host in hosts),
            "https://attacker.example/",
        )
        return OtherThan("https://*", own, telling)

    # ---- apigateway:invoke ----

    @property
    def api(self) -> Api | Missing:
        """The API that `apigateway:invoke` calls."""
        endpoint = self.endpoint
        if isinstance(endpoint, Missing):
            return endpoint
        api_id = api_id_of(endpoint)
        found = self.system.api(api_id) if api_id else None
        if found is not None:
            return found
        reasons = self.system.symbols.reasons(endpoint)
        shown = self.system.symbols.show(api_id or endpoint)
        return Missing(reasons[0] if reasons else f"the API `{shown}` is not among the audited files")

    @property
    def api_kind(self) -> str | Missing:
        """`REST` or `HTTP`."""
        api = self.api
        return api if isinstance(api, Missing) else api.kind

    @property
    def request_arn(self) -> str | Missing:
        """The ARN that `execute-api:Invoke` is asked on: API, stage, method and path that the state names.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
        """
        start = self._api_arn()
        if isinstance(start, Missing):
            return start
        method = self.method
        if isinstance(method, Missing):
            return method
        return f"{start}/{self._stage()}/{method}/{self._path()}"

    @property
    def default_route_arn(self) -> str | Missing | None:
        """The ARN for a call that reaches the `$default` route of an HTTP API; None when it reaches another.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
        """
        method, start = self.api_method, self._api_arn()
        if not isinstance(method, Method) or isinstance(start, Missing) or not method.by_default:
            return None
        return f"{start}/{self._stage()}/$default"

    def _stage(self) -> str:
        return self.task.stage.text if self.task.stage else "$default"

    def _path(self) -> str:
        path = self.task.url_path.text if self.task.url_path else ""
        return path.partition("?")[0].removeprefix("/")

    def _api_arn(self) -> str | Missing:
        api = self.api
        if isinstance(api, Api):
            return api.arn
        endpoint = self.endpoint
        if isinstance(endpoint, Missing):
            return endpoint
        api_id = api_id_of(endpoint)
        if not api_id:
            return Missing(f"`{self.system.symbols.show(endpoint)}` is not the host name of an API")
        system = self.system
        return f"arn:{system.partition}:execute-api:{region_of(endpoint) or system.region}:{system.account}:{api_id}"

    @property
    def api_method(self) -> Method | Missing | None:
        """The method of the API that the call reaches; None when the API has no such method."""
        api = self.api
        if isinstance(api, Missing):
            return api
        method = self.method
        if isinstance(method, Missing):
            return method
        return self.system.method(api, method, "/" + self._path().strip("/"))

    @property
    def method_authorization(self) -> str | Missing:
        """The authorization type of the method that the call reaches."""
        method = self.api_method
        if method is None:
            return Missing("the API has no such method")
        return method if isinstance(method, Missing) else method.authorization

    @property
    def reaches_a_stage(self) -> Fact:
        """Whether the API has the stage that the state names."""
        api = self.api
        if isinstance(api, Missing):
            return Fact(None, api.reason)
        stage = self.task.stage
        names = [one.name for one in api.stages]
        if stage is None:
            if api.kind == "HTTP":
                return Fact(True, "")
            # A path that starts with a stage's name may make up for it: nobody has confirmed that it does not.
            first = self._path().partition("/")[0]
            if first in names or has_letters(first):
                return Fact(None, f"names no stage, but its path starts with `{self.system.symbols.show(first)}`")
            holds = None if api.unseen or not names else False
            return Fact(holds, f"names no stage, and a REST API has none by default: {_listed(names)}")
        if stage.text in names:
            return Fact(True, "", span=stage.span)
        if not names:
            return Fact(None, api.unseen[0] if api.unseen else _NO_STAGES, span=stage.span)
        shown = self.system.symbols.show(stage.text)
        if has_letters(stage.text) or any(has_letters(name) for name in names) or api.unseen:
            reasons = (*self.system.symbols.reasons(stage.text), *api.unseen)
            return Fact(None, reasons[0] if reasons else f"`{shown}` is not known", span=stage.span)
        return Fact(False, f"calls the stage `{shown}`, and the API has {_listed(names)}", span=stage.span)

    @property
    def reaches_a_method(self) -> Fact:
        """Whether the API has the method and path that the state names."""
        found = self.api_method
        field = self.task.url_path or self.task.method
        span = field.span if field else None
        if isinstance(found, Missing):
            return Fact(None, found.reason, span=span)
        if found is not None:
            return Fact(True, "", span=span)
        method, api = self.method, self.api
        shown = f"{method if isinstance(method, str) else ''} /{self._path()}"
        has = [f"{one.http_method} {one.path}" for one in api.methods] if isinstance(api, Api) else []
        return Fact(False, f"calls `{self.system.symbols.show(shown)}`, and the API has {_listed(has)}", span=span)

    @property
    def agrees_with_the_method(self) -> Fact:
        """Whether the call authenticates in the way that the method asks for: an unsigned one can't pass AWS_IAM."""
        found = self.api_method
        if found is None:
            return Fact(None, "the API has no such method")
        if isinstance(found, Missing):
            return Fact(None, found.reason)
        if has_letters(found.authorization) or has_letters(self.auth_type):
            return Fact(None, "the authorization type is not known")
        signed = self.auth_type == "IAM_ROLE"
        detail = f"`{found.http_method} {found.path}` has the authorization type {found.authorization}"
        span = self.task.auth_type.span if self.task.auth_type else self.task.span
        if self.auth_type == "NO_AUTH":
            return Fact(found.authorization != "AWS_IAM", detail, span=span)
        return Fact(not signed or found.authorization != "NONE", detail, address=found.address, span=found.span)


class RestApi(NamedTuple):
    """A REST API, with who calls it."""

    system: System
    api: Api

    @property
    def address(self) -> str:
        return self.api.address

    @property
    def span(self) -> Span:
        return self.api.span

    @property
    def name(self) -> str:
        """The API's logical id."""
        return self.api.address.rpartition("#")[2]

    @property
    def restricted(self) -> bool:
        """Whether somebody is meant to call it and nobody else: a workflow calls it with its role, or the
        configuration names its callers."""
        return bool(self.system.intended_callers.get(self.api.address) or self.system.signed_calls(self.api.id))

    @property
    def callers(self) -> tuple[str, ...] | Missing:
        """ARNs of the roles that call it, by a workflow or by the configuration."""
        arns: dict[str, None] = {}
        for call in self.system.signed_calls(self.api.id):
            if isinstance(call.role, Missing):
                return call.role
            arns[call.role.arn] = None
        return tuple(arns | dict.fromkeys(self.intended_callers))

    @property
    def intended_callers(self) -> tuple[str, ...]:
        """ARNs of the roles that the configuration names."""
        return self.system.intended_callers.get(self.api.address, ())

    @property
    def requests(self) -> tuple[ApiRequest, ...] | Missing:
        """Every kind of request that the API can answer: each stage with each method and path."""
        if not self.api.methods:
            return Missing(self.api.unseen[0] if self.api.unseen else "the API has no method")
        stages = [stage.name for stage in self.api.stages] or ["*"]
        return tuple(
            ApiRequest(f"{self.api.arn}/{stage}/{verb}/{_request_path(method.path)}", method, exact=False)
            for method in self.api.methods
            for stage in stages
            for verb in (VERBS if method.http_method == "ANY" else (method.http_method,))
        )

    @property
    def every_method_uses_iam(self) -> tuple[Fact, ...]:
        """Whether each method has the authorization type AWS_IAM; one fact for each that has not."""
        facts = []
        for method in self.api.methods:
            if method.http_method == "OPTIONS" and method.authorization == "NONE":
                # A CORS preflight can't be signed; API Gateway answers it from a mock integration.
                # https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
                continue
            shown = f"`{method.http_method} {method.path}` has the authorization type {method.authorization or 'NONE'}"
            if has_letters(method.authorization):
                facts.append(Fact(None, f"the authorization type of `{method.http_method} {method.path}` is not known"))
            else:
                facts.append(Fact(method.authorization == "AWS_IAM", shown, method.address, method.span))
        if not facts or self.api.unseen:
            reason = self.api.unseen[0] if self.api.unseen else "the API has no method"
            facts.append(Fact(None, reason, self.api.address, self.api.span))
        return tuple(facts)


class PrivatePath(NamedTuple):
    """The network side of a private connection that a workflow uses."""

    system: System
    connection: Connection
    configuration: ResourceConfiguration

    @property
    def address(self) -> str:
        return self.configuration.address

    @property
    def span(self) -> Span:
        return self.configuration.span

    @property
    def reaches_a_domain_name(self) -> Fact:
        """Whether the resource configuration names a domain, as a connection needs, and not an IP address."""
        configuration = self.configuration
        if configuration.ip_address is not None:
            shown = self.system.symbols.show(configuration.ip_address.text)
            return Fact(False, f"points at the IP address `{shown}`", span=configuration.ip_address.span)
        if configuration.domain_name is None:
            return Fact(None, "the resource configuration has no `DnsResource`")
        name = configuration.domain_name
        named = names_a_domain(name.text, self.system.symbols)
        if named is None:
            reasons = self.system.symbols.reasons(name.text)
            shown = f"`{self.system.symbols.show(name.text)}` is not known"
            return Fact(None, reasons[0] if reasons else shown, span=name.span)
        return Fact(named, f"points at the IP address `{name.text}`", span=name.span)

    @property
    def gateway(self) -> ResourceGateway | Missing:
        found = self.configuration.gateway
        return Missing("the resource configuration names no resource gateway") if found is None else found

    @property
    def gateway_lets_https_out(self) -> Fact:
        """Whether the gateway's security groups let TCP 443 out to the target.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private-rc-provider.html
        """
        return self._gateway_rule("egress", "lets TCP 443 out")

    @property
    def gateway_lets_https_in(self) -> Fact:
        """Whether the gateway's security groups let TCP 443 in, which AWS's pages disagree about needing."""
        return self._gateway_rule("ingress", "lets TCP 443 in")

    def _gateway_rule(self, direction: str, wanted: str) -> Fact:
        gateway = self.gateway
        if isinstance(gateway, Missing):
            return Fact(None, gateway.reason)
        if not gateway.security_groups:
            return Fact(None, "the resource gateway names no security group", gateway.address, gateway.span)
        missing = [group.reason for group in gateway.security_groups if isinstance(group, Missing)]
        groups = [group for group in gateway.security_groups if isinstance(group, SecurityGroup)]
        verdicts: list[bool | None] = []
        for group in groups:
            rules: tuple[PortRule, ...] | None = group.egress if direction == "egress" else group.ingress
            if rules is None:
                return Fact(True, "")
            verdicts += [rule.admits(443) for rule in rules]
            missing += group.unseen
        if True in verdicts:
            return Fact(True, "")
        if missing or None in verdicts:
            return Fact(None, missing[0] if missing else "the ports of a rule are not known")
        group = groups[0]
        return Fact(False, f"no rule of `{group.address.rpartition('#')[2]}` {wanted}", group.address, group.span)


def private_paths(system: System) -> tuple[PrivatePath, ...]:
    """The network side of every private connection, each resource configuration once."""
    found: dict[str, PrivatePath] = {}
    for connection in system.connections:
        configuration = connection.resource_configuration
        if isinstance(configuration, ResourceConfiguration):
            found.setdefault(configuration.address, PrivatePath(system, connection, configuration))
    return tuple(found.values())


def host_of(url: str) -> str:
    """The host of a URL, without user, port and path; empty if there is none."""
    _, separator, rest = url.partition("://")
    authority = (rest if separator else url).partition("/")[0].partition("?")[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def is_ip_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address and not a name."""
    parts = host.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts):
        return True
    return ":" in host


def names_a_domain(host: str, symbols: Symbols) -> bool | None:
    """Whether `host` is a name and not an address; None when that depends on an open value.

    What a resource of the template calls itself (a load balancer's DNSName, an endpoint's DnsEntries) is a name, and
    so is all that ends in a letter of the alphabet; an open parameter may be anything.
    """
    if not has_letters(host):
        return not is_ip_address(host)
    made = [symbols.of(letter) for letter in letters(host)]
    named = host[-1].isalpha() or all(one.generated or ".DnsEntries}" in one.name for one in made)
    return True if named else None


def api_id_of(endpoint: str) -> str:
    """The API's id in `ID.execute-api.REGION.amazonaws.com`, with or without scheme; empty if it is another host."""
    host = host_of(endpoint)
    api_id, separator, _ = host.partition(".execute-api.")
    return api_id if separator and api_id and "." not in api_id else ""


def region_of(endpoint: str) -> str:
    """The Region in an API's host name; empty if there is none."""
    return host_of(endpoint).partition(".execute-api.")[2].partition(".")[0]


def _is_symbol(character: str) -> bool:
    return is_letter(character) and ord(character) < 0x100000


def _outside_connection(system: System, field: Field) -> Connection | Missing:
    """The connection that an ARN names though no audited file declares it: its secret's name follows from its own."""
    parts = field.text.split(":", 5)
    reasons = system.symbols.reasons(field.text)
    if len(parts) < 6 or not parts[5].startswith("connection/"):
        shown = system.symbols.show(field.text)
        return Missing(reasons[0] if reasons else f"the connection `{shown}` is not among the audited files")
    name = parts[5].split("/")[1]
    start = ":".join(parts[:5])
    tail = system.symbols.hole("AWS makes the end of the name of a connection's secret")
    return Connection(
        address="",
        span=field.span,
        arn=field.text,
        name_arn=f"{start}:connection/{name}",
        secret_arn=f"{start.replace(':events:', ':secretsmanager:', 1)}:secret:events!connection/{name}/{tail}",
        account=parts[4],
        resource_configuration=Missing(f"the connection `{system.symbols.show(name)}` is not among the audited files"),
    )


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


def _request_path(template: str) -> str:
    """The path of a method's requests, `*` for each parameter: a request's ARN has values, never `{names}`."""
    parts = template.strip("/").split("/")
    return "/".join("*" if part.startswith("{") else part for part in parts)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return (shown + (" and more" if len(names) > 5 else "")) or "none"
