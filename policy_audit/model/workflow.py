"""One task of a workflow with everything that its call passes on its way: role, connection, API, stage and method."""

from typing import TYPE_CHECKING

from policy_audit.model.call import Field, Task
from policy_audit.model.fix import replaced, written
from policy_audit.model.resources import (
    Api,
    Connection,
    Fact,
    Method,
    Missing,
    ResourceConfiguration,
    Role,
    StateMachine,
)
from policy_audit.model.urls import api_id_of, host_of, is_https, names_a_domain, region_of
from policy_audit.model.value import has_letters, is_letter
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

HTTP_TASK_SECONDS = 60
"""https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html"""

_NO_STAGES = "the API's stages are not among the audited files"

API_CALLS = ("http:invoke", "apigateway:invoke")
"""The integrations that call an API."""
VERBS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What a request's method is; what `ANY` of an API's method stands for, and never `ANY` itself."""
_PORTS = tuple(":" + "?" * digits for digits in range(1, 6))
_OF_ONE_HOST = tuple(f"{port}{path}" for port in ("", *_PORTS) for path in ("", "/*"))
"""What may follow a URL's host, as globs: more after a colon than a port makes it a user's name, of another host."""


class OtherThan(NamedTuple):
    """Every text that matches the glob `pattern` and none of `but`; `telling` are members that a reader grasps."""

    pattern: str
    but: tuple[str, ...]
    telling: tuple[str, ...] = ()


class Call(NamedTuple):
    """One task of a workflow, with everything that it passes on its way."""

    system: "System"
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
    def region(self) -> str:
        """The Region of the state machine."""
        parts = self.state_machine.arn.split(":", 5)
        return parts[3] if len(parts) > 3 else self.system.region

    @property
    def integration(self) -> str:
        """`http:invoke`, `apigateway:invoke`, …"""
        return self.task.integration

    @property
    def is_plain(self) -> bool:
        """Whether it calls an API, takes the response, and does nothing else."""
        return self.integration in API_CALLS and self.task.pattern == "request-response"

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
            reasons = self.system.symbols.reasons(arn)
            shown = self.system.symbols.show(arn)
            return self.system.role(arn, self.state_machine.address) or Missing(
                f"the role of `Credentials` is not known: {reasons[0]}"
                if reasons
                else f"the role `{shown}` is not among the audited files"
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
    def names_a_verb(self) -> bool:
        """Whether `Method` may be a method of requests: what else it is, no API has."""
        method = self.method
        return isinstance(method, Missing) or has_letters(method) or method.upper() in VERBS

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
        verdict = is_https(endpoint)
        if verdict is None:
            return self._at_endpoint(None, f"the scheme of `{shown}` is not known before the workflow runs")
        more = "" if "://" in endpoint else ", which does not start with `https://`"
        found = self._at_endpoint(verdict, f"calls `{shown}`{more}")
        return found._replace(fix=replaced("http://", "https://")) if endpoint.startswith("http://") else found

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
        fix = replaced(field.text, str(HTTP_TASK_SECONDS), safe=True) if long else None
        return Fact(not long, f"waits for up to {digits[:12]} s", span=field.span, fix=fix)

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
        hosts = self.system.hosts(role)
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
        if self.task.stage is not None:
            return self.task.stage.text
        if self.api_kind == "REST":
            return self.system.symbols.hole("the state names no stage, and a REST API has none by default")
        return "$default"

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
        # It is taken to be of the workflow's own account.
        system, account = self.system, self.state_machine.account
        region = region_of(endpoint) or self.region
        return f"arn:{system.partition}:execute-api:{region}:{account}:{api_id}"

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
            # That a REST API's call needs the stage follows from its URL, but no page of AWS's says it.
            return Fact(None, f"names no stage, and the API has {_listed(names)}")
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
            fix = written(self.task.auth_type.span, "IAM_ROLE") if self.task.auth_type else None
            return Fact(found.authorization != "AWS_IAM", detail, span=span, fix=fix)
        return Fact(not signed or found.authorization != "NONE", detail, address=found.address, span=found.span)


def _is_symbol(character: str) -> bool:
    return is_letter(character) and ord(character) < 0x100000


def _outside_connection(system: "System", field: Field) -> Connection | Missing:
    """The connection that an ARN names though no audited file declares it: its secret's name follows from its own."""
    parts = field.text.split(":", 5)
    reasons = system.symbols.reasons(field.text)
    if len(field.text) == 1 and _is_symbol(field.text):
        return _open_connection(system, field)
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


def _open_connection(system: "System", field: Field) -> Connection:
    """The connection whose ARN is a parameter: what a policy says of the same parameter is about this connection.

    Its secret has the name that all secrets of connections begin with, in some Region and account.
    """

    def open_part(what: str) -> str:
        return system.symbols.hole(f"{what} of the connection `{system.symbols.show(field.text)}` is not known")

    where = f"{open_part('the Region')}:{open_part('the account')}"
    return Connection(
        address="",
        span=field.span,
        arn=field.text,
        name_arn=field.text,
        secret_arn=f"arn:{system.partition}:secretsmanager:{where}:secret:events!connection/{open_part('the name')}",
        account="",
        resource_configuration=Missing(
            f"the connection `{system.symbols.show(field.text)}` is not among the audited files"
        ),
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return (shown + (" and more" if len(names) > 5 else "")) or "none"


def every(system: "System") -> tuple[Call, ...]:
    """Every task that tells what it calls: one that does not is the business of the state machine, not read whole."""
    return tuple(call for call in system.calls if not has_letters(call.integration))
