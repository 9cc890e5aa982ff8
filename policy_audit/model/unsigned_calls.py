"""Calls that carry no signature of IAM's: HTTP Tasks and API destinations, with the API and VPC endpoint on their way.

A connection offers an API key, basic and OAuth credentials, and AWS reserves the headers that a signature needs: API
Gateway sees an anonymous caller.
https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policy_audit.model.api_destinations import ApiDestination
from policy_audit.model.call import Field
from policy_audit.model.fix import Append, Fix, Remove
from policy_audit.model.http_requests import (
    METHODS,
    PRIVATE_NAMES,
    covers,
    endpoint_id_of,
    is_reserved,
    may_be_private,
    port_of,
)
from policy_audit.model.private_domains import BasePath, PrivateDomain
from policy_audit.model.resources import Api, Connection, Fact, Method, Missing, ResourceConfiguration
from policy_audit.model.urls import host_of
from policy_audit.model.value import has_holes, has_letters
from policy_audit.model.vpc_endpoints import VpcEndpoint
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System
    from policy_audit.model.workflow import Call


class UnsignedCall(NamedTuple):
    """One HTTP Task or API destination. `task` is None for the latter."""

    system: "System"
    address: str
    span: Span
    label: str
    """What a reader knows it by: "state `X`", "the API destination `Y`"."""
    endpoint: Field | None
    method: Field | None
    connection: Connection | Missing
    task: "Call | None" = None

    @property
    def is_a_task(self) -> bool:
        """Whether it is a workflow's."""
        return self.task is not None

    # ---- the connection ----

    @property
    def private(self) -> bool | Missing:
        """Whether it goes through a private connection."""
        if isinstance(self.connection, Missing):
            return self.connection
        found = self.connection.resource_configuration
        if isinstance(found, Missing) and self.connection.configuration is None:
            return found
        # One that names a resource configuration is private, whether that is among the audited files or not.
        return found is not None

    @property
    def resource_configuration(self) -> ResourceConfiguration | Missing | None:
        """The resource configuration that its connection goes through, if it is private."""
        return self.connection if isinstance(self.connection, Missing) else self.connection.resource_configuration

    @property
    def goes_a_visible_way(self) -> bool:
        """Whether its connection is private, and the resource configuration is among the audited files."""
        return isinstance(self.resource_configuration, ResourceConfiguration)

    @property
    def port_is_open(self) -> Fact:
        """Whether the resource configuration has the port that the URL names, 443 where it names none."""
        configuration, endpoint = self.resource_configuration, self.endpoint
        if isinstance(configuration, Missing):
            return Fact(None, configuration.reason)
        if configuration is None or configuration.ports is None:
            return Fact(True, "")
        port = "" if endpoint is None else port_of(endpoint.text, self.system.symbols)
        if not (port.isascii() and port.isdecimal() and len(port) < 6):
            return Fact(None, "the port of the endpoint is not known")
        verdicts = [covers(one.text, int(port)) for one in configuration.ports]
        if True in verdicts:
            return Fact(True, "")
        shown = ", ".join(f"`{self.system.symbols.show(one.text)}`" for one in configuration.ports) or "none"
        span = configuration.ports[0].span if configuration.ports else configuration.span
        detail = f"calls port {port}, and the resource configuration has the ports {shown}"
        file, _, logical_id = configuration.address.partition("#")
        ranges = ("Resources", logical_id, "Properties", "PortRanges")
        fix = Fix((Append(file, ranges, port),)) if configuration.ports else None
        return Fact(None if None in verdicts else False, detail, configuration.address, span, fix=fix)

    # ---- the request ----

    @property
    def names_a_public_domain(self) -> Fact:
        """Whether the endpoint's host may be a public name; a certificate for it must be publicly trusted."""
        host = self._host()
        if isinstance(host, Missing):
            return Fact(None, host.reason)
        shown = self.system.symbols.show(host)
        if host.lower().rstrip(".").endswith(PRIVATE_NAMES):
            return Fact(False, f"calls `{shown}`", span=self._endpoint_span())
        if may_be_private(host[-1], self.system.symbols):
            return Fact(None, f"the end of the host `{shown}` is not known", span=self._endpoint_span())
        return Fact(True, "")

    @property
    def has_a_possible_method(self) -> Fact:
        """Whether the method is one of the seven that AWS lists."""
        if self.method is None:
            return Fact(None, "no method is given")
        text, span = self.method.text, self.method.span
        if has_letters(text):
            reasons = self.system.symbols.reasons(text)
            return Fact(None, reasons[0] if reasons else f"`{self.system.symbols.show(text)}` is not known", span=span)
        if text not in METHODS and text.upper() in METHODS:
            return Fact(None, f"AWS lists `{text.upper()}`, and does not say that case does not matter", span=span)
        return Fact(text in METHODS, f"calls with the method `{text}`", span=span)

    @property
    def sets_allowed_headers(self) -> Fact:
        """Whether it sets no header that AWS reserves: an HTTP Task with one fails with `States.Runtime`."""
        if self.task is None:
            return Fact(True, "")
        headers = self.task.task.headers
        if headers is None:
            return Fact(None, "the workflow computes the names of the headers")
        reserved = [(name, field) for name, field in headers if is_reserved(name)]
        if reserved:
            shown = ", ".join(f"`{self.system.symbols.show(name)}`" for name, _ in reserved)
            fix = Fix(tuple(Remove(field.span) for _, field in reserved))
            return Fact(False, f"sets {shown}", span=reserved[0][1].span, fix=fix)
        unknown = [(name, field) for name, field in headers if has_letters(name)]
        for name, field in unknown:
            return Fact(None, f"the header `{self.system.symbols.show(name)}` is not known", span=field.span)
        return Fact(True, "")

    # ---- the API ----

    @property
    def at(self) -> str:
        """`api` when it calls an API of the audited files, `elsewhere` when not, `unknown` when nobody can tell."""
        api = self.api
        if isinstance(api, Missing):
            return "unknown" if self._may_reach_an_api() else "elsewhere"
        return "elsewhere" if api is None else "api"

    def _may_reach_an_api(self) -> bool:
        """Whether an endpoint that is not known is still worth a word: it has an API's host, or could be a private API.

        That a host is computed is told by the rules about the task itself.
        """
        host = host_of(self.endpoint.text) if self.endpoint else ""
        return ".execute-api." in host or self.system.private_apis or self.system.has("PrivateDomain")

    @property
    def can_arrive(self) -> bool | Missing:
        """Whether the connection leads to the API at all: a private API is not reached by the internet."""
        found = self.api_is_private
        if isinstance(found, Missing) or not found:
            return True
        return self.private

    @property
    def uses_a_private_connection(self) -> Fact:
        """Whether its connection is private."""
        private = self.private
        if isinstance(private, Missing):
            return Fact(None, private.reason)
        detail = f"calls the private API `{self.api_name}` through a connection without a resource configuration"
        return Fact(private, detail, span=self._endpoint_span())

    @property
    def api(self) -> Api | Missing | None:
        """The API that the endpoint's host names, by any of the forms that AWS documents; None for another host.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-test-invoke-url.html
        """
        host = self._host()
        if isinstance(host, Missing):
            return host
        domain = self.domain
        if domain is not None:
            return self._mapped(domain)
        label, separator, rest = host.partition(".execute-api.")
        if not separator or "." in label:
            return self._at_another_name(host)
        if rest.partition(".")[2].startswith("vpce."):
            return Missing("the header `x-apigw-api-id` says which API is called, and values of headers are not read")
        found = self.system.api(label.partition("-")[0])
        if found is not None:
            return found
        reasons = self.system.symbols.reasons(label)
        shown = self.system.symbols.show(label)
        return Missing(reasons[0] if reasons else f"the API `{shown}` is not among the audited files")

    def _at_another_name(self, host: str) -> Missing | None:
        if not has_letters(host):
            return None
        if has_holes(host):
            return Missing(self.system.symbols.reasons(host)[0])
        # A parameter may hold any host, but a name that ends in letters is one of no API of AWS's own naming.
        return None if host[-1].isalpha() and not host.endswith("amazonaws.com") else self._open(host)

    def _open(self, host: str) -> Missing | None:
        if any(self.system.symbols.of(one).generated for one in host if has_letters(one)):
            return None
        return Missing(f"whether `{self.system.symbols.show(host)}` is an API's host is not known")

    @property
    def api_kind(self) -> str | Missing:
        """`REST` or `HTTP`; empty when it calls no API."""
        api = self.api
        return api if isinstance(api, Missing) else "" if api is None else api.kind

    @property
    def api_is_private(self) -> bool | Missing:
        """Whether the API is reached through VPC endpoints only."""
        api = self.api
        if isinstance(api, Missing):
            return api
        return api is not None and "PRIVATE" in api.endpoint_types

    @property
    def api_name(self) -> str:
        """The API's logical id."""
        return self.api.address.rpartition("#")[2] if isinstance(self.api, Api) else "?"

    @property
    def api_has_a_policy(self) -> bool | Missing:
        """Whether the API has a resource policy: a private one can't be deployed without."""
        api = self.api
        return api if isinstance(api, Missing) else api is not None and api.policy is not None

    @property
    def policy_fits_the_endpoint_type(self) -> bool:
        """Whether the API's policy asks for no network key that requests to this type of API lack.

        One that asks for such a key is the business of the rules on those keys, not of this call.
        """
        from policy_audit.model.api_networks import misplaced_keys

        return not isinstance(self.api, Api) or not misplaced_keys(self.api)

    @property
    def method_authorization(self) -> str | Missing:
        """The authorization type of the method that the call reaches."""
        found = self.api_method
        if found is None:
            return Missing("the API has no such method")
        return found if isinstance(found, Missing) else found.authorization

    @property
    def domain(self) -> PrivateDomain | None:
        """The private custom domain name that it calls."""
        host = self._host()
        return self.system.index(PrivateDomain, "name").get(host) if isinstance(host, str) and host else None

    @property
    def called_by_domain(self) -> bool:
        """Whether it calls a private custom domain name of the audited files."""
        return self.domain is not None

    @property
    def domain_arn(self) -> str | Missing:
        """What `execute-api:Invoke` is asked on at the policy of the custom domain name."""
        return self.domain.arn if self.domain is not None else Missing("it calls no private custom domain name")

    def _mapped(self, domain: PrivateDomain) -> Api | Missing:
        base = domain.base_path(self._url_path())
        if base is None:
            return Missing(f"no base path of `{domain.name}` that is among the audited files fits")
        shown = self.system.symbols.show(base.api)
        return self.system.api(base.api) or Missing(f"the API `{shown}` is not among the audited files")

    @property
    def request_arn(self) -> str | Missing:
        """The ARN that `execute-api:Invoke` is asked on: API, stage, method and path of the URL."""
        api, method = self.api, self.method
        if not isinstance(api, Api):
            return api or Missing("it calls no API")
        if method is None:
            return Missing("no method is given")
        stage, path = self._stage_and_path()
        return f"{api.arn}/{stage}/{method.text}/{path.removeprefix('/')}"

    @property
    def api_method(self) -> Method | Missing | None:
        """The method of the API that the call reaches; None when the API has no such method."""
        api, method = self.api, self.method
        if not isinstance(api, Api):
            return api
        if method is None:
            return Missing("no method is given")
        path = self._stage_and_path()[1]
        return self.system.method(api, method.text, "/" + path.strip("/"))

    @property
    def method_takes_unsigned_calls(self) -> Fact:
        """Whether the method that the call reaches has another authorization type than AWS_IAM."""
        found = self.api_method
        if found is None:
            return Fact(None, f"`{self.api_name}` has no such method")
        if isinstance(found, Missing):
            return Fact(None, found.reason)
        if has_letters(found.authorization):
            return Fact(None, "the authorization type of the method is not known")
        shown = f"calls `{found.http_method} {found.path}` of `{self.api_name}`, which has the authorization type "
        return Fact(found.authorization != "AWS_IAM", f"{shown}{found.authorization}", found.address, found.span)

    # ---- the VPC endpoint ----

    @property
    def vpc_endpoint(self) -> VpcEndpoint | Missing | None:
        """The `execute-api` endpoint through which the call enters API Gateway; None when it comes by the internet.

        A resource configuration names it by its DNS name; the URL's own `-vpce-…` says nothing about the way there.
        """
        configuration = self.resource_configuration
        if configuration is None or isinstance(configuration, Missing):
            return configuration
        name = configuration.domain_name
        if name is None:
            return Missing("the resource configuration names no domain")
        endpoint_id = endpoint_id_of(name.text)
        found = self.system.index(VpcEndpoint, "id").get(endpoint_id)
        reasons = self.system.symbols.reasons(name.text)
        shown = self.system.symbols.show(name.text)
        return found or Missing(reasons[0] if reasons else f"no audited VPC endpoint has the name `{shown}`")

    @property
    def endpoint_has_a_valid_policy(self) -> bool | Missing:
        """Whether the VPC endpoint has a policy of its own, and one that AWS takes; its default allows everything."""
        endpoint = self.vpc_endpoint
        return endpoint if isinstance(endpoint, Missing) else endpoint is not None and endpoint.has_a_valid_policy

    @property
    def endpoint_id(self) -> str | Missing:
        """The id of the VPC endpoint, also of one that is not among the audited files."""
        endpoint, configuration = self.vpc_endpoint, self.resource_configuration
        if isinstance(endpoint, VpcEndpoint):
            return endpoint.id
        if isinstance(configuration, ResourceConfiguration) and configuration.domain_name is not None:
            found = endpoint_id_of(configuration.domain_name.text)
            if found:
                return found
        return endpoint or Missing("the call comes by the internet")

    # ---- pieces of the URL ----

    def _host(self) -> str | Missing:
        if self.endpoint is None:
            return Missing("no endpoint is given")
        host = host_of(self.endpoint.text)
        if not host or (has_holes(host) and ".execute-api." not in host):
            reasons = self.system.symbols.reasons(host or self.endpoint.text)
            return Missing(reasons[0] if reasons else "the endpoint's host is not known")
        return host

    def _endpoint_span(self) -> Span | None:
        return self.endpoint.span if self.endpoint else None

    def _url_path(self) -> str:
        """The URL's path as it is sent: what a rule's target fills in for `*` is open."""
        text = self.endpoint.text if self.endpoint else ""
        path = "/" + text.partition("://")[2].partition("/")[2].partition("?")[0].partition("#")[0]
        if self.task is None and "*" in path:
            path = path.replace("*", self.system.symbols.hole("the rule's target fills in a part of the path"))
        return path

    def _stage_and_path(self) -> tuple[str, str]:
        path, domain, api = self._url_path(), self.domain, self.api
        if domain is not None:
            base = domain.base_path(path) or BasePath("", "", "")
            depth = len([part for part in base.path.split("/") if part])
            return base.stage, "/".join(path.strip("/").split("/")[depth:])
        if isinstance(api, Api) and api.kind == "HTTP" and any(stage.name == "$default" for stage in api.stages):
            first = path.strip("/").partition("/")[0]
            if first not in {stage.name for stage in api.stages}:
                return "$default", path.strip("/")
        stage, _, rest = path.removeprefix("/").partition("/")
        return stage, rest


def every(system: "System") -> tuple[UnsignedCall, ...]:
    """Every HTTP Task and every API destination."""
    return (*_of_workflows(system), *_of_destinations(system))


def _of_workflows(system: "System") -> Iterator[UnsignedCall]:
    for call in system.calls:
        if call.integration == "http:invoke":
            task = call.task
            yield UnsignedCall(
                system,
                call.address,
                call.span,
                f"state `{call.state}`",
                task.endpoint,
                task.method,
                call.connection,
                call,
            )


def _of_destinations(system: "System") -> Iterator[UnsignedCall]:
    for one in system.all(ApiDestination):
        name = one.address.rpartition("#")[2]
        yield UnsignedCall(
            system,
            one.address,
            one.span,
            f"the API destination `{name}`",
            one.endpoint,
            one.method,
            _connection_of(system, one),
        )


def _connection_of(system: "System", destination: ApiDestination) -> Connection | Missing:
    if destination.connection is None:
        return Missing("the API destination names no connection")
    shown = system.symbols.show(destination.connection.text)
    reasons = system.symbols.reasons(destination.connection.text)
    return system.connection(destination.connection.text) or Missing(
        reasons[0] if reasons else f"the connection `{shown}` is not among the audited files"
    )
