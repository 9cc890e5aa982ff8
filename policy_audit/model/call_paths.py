"""The way of every call as a reader follows it: from the workflow, by its role and connection, to what answers."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from policy_audit.findings import CallPath, Stop
from policy_audit.model import event_targets, unsigned_calls
from policy_audit.model.api_destinations import ApiDestination
from policy_audit.model.event_targets import EventTarget
from policy_audit.model.private_domains import PrivateDomain
from policy_audit.model.resources import (
    Api,
    Connection,
    Method,
    Missing,
    ResourceConfiguration,
    ResourceGateway,
    Role,
    StateMachine,
)
from policy_audit.model.unsigned_calls import UnsignedCall
from policy_audit.model.urls import host_of
from policy_audit.model.vpc_endpoints import VpcEndpoint
from policy_audit.model.workflow import Call
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class Backends(NamedTuple):
    """What stands behind APIs and names. `behind` is by the address of a method, or by the id of an HTTP API; `named`
    by the DNS name of a load balancer."""

    behind: Mapping[str, tuple[Stop, ...]] = {}
    named: Mapping[str, Stop] = {}


def call_paths(system: "System", backends: Backends = Backends()) -> tuple[CallPath, ...]:  # noqa: B008 - immutable
    """The way of every task of every workflow, and of every target of a rule, pipe or schedule."""
    paths = _Paths(system, backends)
    unsigned = {(one.address, one.span): one for one in unsigned_calls.every(system)}
    found = [paths.of_call(call, unsigned.get((call.address, call.span))) for call in system.calls]
    found += [paths.of_machine(machine) for machine in system.state_machines if not machine.definition.tasks]
    found += [paths.of_target(target, unsigned) for target in event_targets.every(system)]
    return tuple(dict.fromkeys(found))


def parts_of_stops(system: "System") -> dict[str, str]:
    """By the address of a method or stage that of its API; by a security group's that of the gateway it is for."""
    found: dict[str, str] = {}
    for api in system.apis:
        addresses = [*(one.address for one in api.methods), *(one.address for one in api.stages)]
        found |= dict.fromkeys((*addresses, *(one.address for one in api.deployments)), api.address)
    for connection in system.connections:
        configuration = connection.resource_configuration
        gateway = configuration.gateway if isinstance(configuration, ResourceConfiguration) else None
        for group in gateway.security_groups if isinstance(gateway, ResourceGateway) else ():
            if not isinstance(group, Missing):
                found.setdefault(group.address, gateway.address if isinstance(gateway, ResourceGateway) else "")
    return found


class _Paths:
    """The words for one system."""

    def __init__(self, system: "System", backends: Backends) -> None:
        self._system = system
        self._backends = backends
        self._show = system.symbols.show

    # ---- whole paths ----

    def of_call(self, call: Call, unsigned: UnsignedCall | None) -> CallPath:
        stops = [self._role(call.role)]
        if call.integration == "apigateway:invoke":
            stops += self._api(call.api, call.api_method)
        elif unsigned is not None:
            stops += self._by_connection(unsigned)
        else:
            stops.append(self._service(call))
        return CallPath(self._machine(call.state_machine), call.state, self._called(call), call.span, tuple(stops))

    def of_machine(self, machine: StateMachine) -> CallPath:
        """A workflow of whose calls nothing is known."""
        why = machine.unseen[0] if machine.unseen else "it makes no calls"
        return CallPath(self._machine(machine), "", why, machine.span, (self._role(machine.role),))

    def of_target(self, target: EventTarget, unsigned: Mapping[tuple[str, Span], UnsignedCall]) -> CallPath:
        origin = Stop(target.sender.kind, _name(target.sender.address), target.sender.address, target.sender.span)
        stops = [self._role(target.role)] if target.has_role else []
        called = target.kind
        if target.kind == "api-destination":
            destination = self._system.index(ApiDestination, "name_arn").get(_text(target.name_arn))
            if destination is not None:
                detail = f"{_field(destination.method)} {self._show(_field(destination.endpoint))}".strip()
                stops.append(_of("API destination", destination.address, destination.span, detail))
                if found := unsigned.get((destination.address, destination.span)):
                    stops += self._by_connection(found)
            else:
                stops.append(self._unseen("API destination", target.arn))
        elif target.kind in {"rest-api", "private-api", "http-api"}:
            stops += self._api(target.api, target.api_method)
        elif target.kind == "state-machine":
            arn = _text(target.state_machine_arn)
            machine = next((one for one in self._system.state_machines if one.arn == arn), None)
            stops.append(self._machine(machine) if machine else self._unseen("state machine", target.arn))
        else:
            stops.append(self._unseen("target", target.arn))
        return CallPath(origin, target.target.name, called, target.span, tuple(stops))

    # ---- stops ----

    def _machine(self, machine: StateMachine) -> Stop:
        return _of("state machine", machine.address, machine.span, self._show(machine.type).lower())

    def _role(self, role: Role | Missing) -> Stop:
        if isinstance(role, Missing):
            return Stop("role", "not visible", unseen=self._show(role.reason))
        return _of("role", role.address, role.span)

    def _service(self, call: Call) -> Stop:
        service, _, rest = call.integration.partition(":")
        name = rest.partition(":")[0] if service == "aws-sdk" else service
        return Stop("service", self._show(name), detail="by SDK" if service == "aws-sdk" else "")

    def _by_connection(self, call: UnsignedCall) -> Iterator[Stop]:
        """From the connection on: by the network of a VPC, or by the internet."""
        yield self._connection(call.connection)
        configuration = call.resource_configuration
        if isinstance(configuration, Missing):
            if not isinstance(call.connection, Missing):
                yield Stop("resource configuration", "not visible", unseen=self._show(configuration.reason))
        elif configuration is not None:
            yield from self._private(configuration)
        endpoint = call.vpc_endpoint
        if isinstance(endpoint, VpcEndpoint):
            yield _of("VPC endpoint", endpoint.address, endpoint.span, endpoint.service)
        if call.domain is not None:
            yield self._domain(call.domain)
        api = call.api
        if isinstance(api, Api):
            yield from self._api(api, call.api_method)
        else:
            yield self._answers(call)

    def _connection(self, connection: Connection | Missing) -> Stop:
        if isinstance(connection, Missing):
            return Stop("connection", "not visible", unseen=self._show(connection.reason))
        if not connection.address:
            return self._unseen("connection", connection.arn)
        detail = "public" if connection.resource_configuration is None else "private"
        return _of("connection", connection.address, connection.span, detail)

    def _private(self, configuration: ResourceConfiguration) -> Iterator[Stop]:
        ports = ", ".join(self._show(one.text) for one in configuration.ports or ())
        detail = f"port {ports}" if ports else ""
        yield _of("resource configuration", configuration.address, configuration.span, f"VPC Lattice {detail}".strip())
        gateway = configuration.gateway
        if isinstance(gateway, Missing):
            yield Stop("resource gateway", "not visible", unseen=self._show(gateway.reason))
        elif gateway is not None:
            yield _of("resource gateway", gateway.address, gateway.span, "VPC Lattice")

    def _domain(self, domain: PrivateDomain) -> Stop:
        return _of("domain name", domain.address, domain.span, self._show(domain.name))

    def _answers(self, call: UnsignedCall) -> Stop:
        """What a call reaches that is no API of the audited files: a load balancer of theirs, or a name."""
        configuration = call.resource_configuration
        named = None
        if isinstance(configuration, ResourceConfiguration) and configuration.domain_name is not None:
            named = configuration.domain_name.text
            if named in self._backends.named:
                return self._backends.named[named]
        host = host_of(call.endpoint.text) if call.endpoint else ""
        if host in self._backends.named:
            return self._backends.named[host]
        return Stop("endpoint", self._show(named or host) or "not known", detail="private" if named else "")

    def _api(self, api: Api | Missing, method: Method | Missing | None) -> Iterator[Stop]:
        if isinstance(api, Missing):
            yield Stop("API", "not visible", unseen=self._show(api.reason))
            return
        detail = ", ".join(self._show(one).lower() for one in api.endpoint_types)
        yield _of(f"{api.kind} API", api.address, api.span, detail)
        behind = self._backends.behind
        if isinstance(method, Method):
            yield from behind.get(method.address) or behind.get(api.id, ())

    def _unseen(self, kind: str, arn: str | Missing) -> Stop:
        if isinstance(arn, Missing):
            return Stop(kind, "not known", unseen=self._show(arn.reason))
        return Stop(kind, self._show(arn.rpartition(":")[2]), unseen="it is not among the audited files")

    # ---- words ----

    def _called(self, call: Call) -> str:
        task = call.task
        if call.integration == "http:invoke":
            return self._show(f"{_field(task.method)} {_field(task.endpoint)}".strip())
        if call.integration == "apigateway:invoke":
            found = call.api_method
            signed = f", {found.authorization}" if isinstance(found, Method) else ""
            return self._show(f"{_field(task.method)} {_field(task.url_path) or '/'}{signed}".strip())
        return self._show(call.integration)


def _of(kind: str, address: str, span: Span, detail: str = "") -> Stop:
    return Stop(kind, _name(address), address, span, detail)


def _name(address: str) -> str:
    return address.rpartition("#")[2]


def _field(field: object) -> str:
    return getattr(field, "text", "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
