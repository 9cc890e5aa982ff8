"""CloudFormation templates to the facts of the model, and what in them the audit does not read."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from policy_audit.findings import Skipped
from policy_audit.model.node import Scalar
from policy_audit.model.resources import Role
from policy_audit.model.system import System
from policy_audit.model.value import Symbols
from policy_audit.record import NamedTuple
from policy_audit.sources.apis import read_apis
from policy_audit.sources.estate import Estate
from policy_audit.sources.policy_documents import TYPES as DOCUMENT_TYPES
from policy_audit.sources.private_connections import read_connections
from policy_audit.sources.roles import read_roles
from policy_audit.sources.state_machines import read_state_machines
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child

_UNREAD = {
    "AWS::CloudFormation::StackSet": "a stack set: its template is not read",
    "AWS::CloudFormation::Stack": "a nested stack: its template is not read",
    "AWS::Serverless::": "a resource of the Serverless transform: it is not expanded",
    "AWS::EventsV2::EventBus": "a custom event bus: its permissions are not read",
    "AWS::EventsV2::EventSource": "a source of a custom event bus: its permissions are not read",
    "AWS::EventsV2::ResourcePolicy": "the policy of a custom event bus: it is not read",
}
"""Types, or the start of types, whose effect on permissions the audit does not see."""


class Reader(NamedTuple):
    """A function of a module of this package that reads resources which few estates have.

    It takes the templates and returns facts of the class `gives`; it is imported where a template has a resource of
    one of `types`, and where that has, at the path `at`, something that begins with `begins` or is no plain text.
    """

    types: frozenset[str]
    module: str
    function: str
    gives: str
    at: tuple[str, ...] = ()
    begins: str = ""

    def concerns(self, resource: Resource) -> bool:
        """Whether there may be something to read in the resource."""
        if resource.type not in self.types or not self.at:
            return resource.type in self.types
        found = child(resource.properties, *self.at)
        return not isinstance(found, Scalar | None) or (
            isinstance(found, Scalar) and found.text.startswith(self.begins)
        )


_TARGETS: Final = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::Lambda::Function",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::Serverless::Function",
        "AWS::Serverless::SimpleTable",
    }
)
_WITH_OWN_POLICIES: Final = frozenset({"AWS::Lambda::Function", "AWS::SNS::Topic", "AWS::SQS::Queue"})
_READERS: Final[tuple[Reader, ...]] = (
    Reader(frozenset({"AWS::Events::ApiDestination"}), "api_destinations", "read_api_destinations", "ApiDestination"),
    Reader(
        frozenset({"AWS::ApiGateway::Authorizer", "AWS::ApiGatewayV2::Authorizer"}),
        "authorizers",
        "read_authorizers",
        "Authorizer",
    ),
    Reader(
        frozenset({"AWS::ApiGateway::Method"}),
        "step_functions_integrations",
        "read_method_integrations",
        "ApiIntegration",
        ("Integration", "Type"),
        "AWS",
    ),
    Reader(
        frozenset({"AWS::ApiGatewayV2::Integration"}),
        "step_functions_integrations",
        "read_integrations",
        "ApiIntegration",
        ("IntegrationType",),
        "AWS",
    ),
    Reader(
        frozenset({"AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"}),
        "step_functions_integrations",
        "read_body_integrations",
        "ApiIntegration",
        ("Body",),
        "{",
    ),
    Reader(
        frozenset({"AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"}),
        "authorizers",
        "read_body_authorizers",
        "Authorizer",
        ("Body",),
        "{",
    ),
    Reader(
        frozenset({"AWS::ApiGatewayV2::Api"}),
        "websocket_apis",
        "read_websocket_apis",
        "WebSocketApi",
        ("ProtocolType",),
        "WEBSOCKET",
    ),
    Reader(frozenset({"AWS::EC2::VPCEndpoint"}), "vpc_endpoints", "read_vpc_endpoints", "VpcEndpoint"),
    Reader(frozenset({"AWS::ApiGateway::DomainNameV2"}), "private_domains", "read_private_domains", "PrivateDomain"),
    Reader(
        frozenset({"AWS::Events::Rule", "AWS::EventsV2::Subscriber", "AWS::Pipes::Pipe", "AWS::Scheduler::Schedule"}),
        "senders",
        "read_senders",
        "Sender",
    ),
    Reader(frozenset({"AWS::RAM::ResourceShare"}), "resource_shares", "read_resource_shares", "ResourceShare"),
    Reader(frozenset({"AWS::KMS::Key"}), "keys", "read_keys", "Key"),
    Reader(_TARGETS, "targets", "read_targets", "Target"),
    Reader(_WITH_OWN_POLICIES, "own_policies", "read_own_policies", "OwnPolicy"),
    Reader(
        frozenset({"AWS::Events::EventBus", "AWS::Events::EventBusPolicy"}),
        "event_buses",
        "read_event_buses",
        "OwnPolicy",
    ),
    Reader(frozenset({"AWS::ECS::TaskDefinition"}), "targets", "read_task_definitions", "TaskDefinition"),
    Reader(DOCUMENT_TYPES, "policy_documents", "read_policy_documents", "WrittenPolicy"),
)

_TRANSFORMS = {"AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"}


def read_system(
    estate: Estate, callers: Mapping[str, Sequence[str]], deployers: Sequence[str] = (), cache: str = ""
) -> System:
    """Everything that the estate declares in its present world.

    `callers` are the intended callers of APIs, `deployers` the roles that deploy the templates; `cache` is the folder
    for what may be remembered from run to run, or empty.
    """
    templates = estate.templates
    roles = read_roles(templates)
    apis = read_apis(templates)
    intended = {
        api.address: arns
        for api in apis
        if (arns := _callers(api.address, callers, roles, estate.symbols)) and api.kind == "REST"
    }
    first = templates[0] if templates else None
    return System(
        estate.symbols,
        partition=first.partition if first else "",
        region=first.region if first else "",
        account=first.account if first else "",
        roles=roles,
        state_machines=read_state_machines(templates, roles),
        connections=read_connections(templates),
        apis=apis,
        intended_callers=intended,
        others=_others(templates) | _deployers(deployers, roles),
        cache=cache,
        is_spread=len({(one.region, one.account) for one in templates}) > 1,
        workflows_unread=next((one.workflows_unread for one in templates if one.workflows_unread), ""),
        private_apis=first is not None and first.elsewhere.has_private_apis,
    )


def _others(templates: Sequence[Template]) -> dict[str, tuple[object, ...]]:
    """Facts of the classes that few estates have, by the class's name."""
    declared: dict[str, list[Resource]] = {}
    for template in templates:
        for resource in template.resources.values():
            declared.setdefault(resource.type, []).append(resource)
    found: dict[str, tuple[object, ...]] = {}
    for reader in _READERS:
        if any(reader.concerns(resource) for name in reader.types for resource in declared.get(name, ())):
            read = getattr(import_module(f"policy_audit.sources.{reader.module}"), reader.function)
            found[reader.gives] = (*found.get(reader.gives, ()), *read(templates))
    return found


def _deployers(names: Sequence[str], roles: Sequence[Role]) -> dict[str, tuple[object, ...]]:
    """The roles of the templates that deploy them: each is given as ARN, address or logical id."""
    if not names:
        return {}
    from policy_audit.model.deployments import Deployer

    found = (
        Deployer(name, role)
        for name in names
        for role in roles
        if name == role.arn or names_address(name, role.address)
    )
    return {"Deployer": tuple(found)}


def _callers(
    address: str, callers: Mapping[str, Sequence[str]], roles: Sequence[Role], symbols: Symbols
) -> tuple[str, ...]:
    """ARNs of the intended callers of the API at `address`: each is given as ARN, address or logical id of a role."""
    named = [one for name, names in callers.items() if names_address(name, address) for one in names]
    return tuple(_arn(one, roles, symbols) for one in named)


def _arn(name: str, roles: Sequence[Role], symbols: Symbols) -> str:
    """The ARN of the role that the user named; a hole if it is neither an ARN nor among the audited roles."""
    found = next((role.arn for role in roles if names_address(name, role.address)), None)
    if found is None and not name.startswith("arn:"):
        return symbols.hole(f"the role `{name}` is not among the audited files", name)
    return found or name


def names_address(name: str, address: str) -> bool:
    """Whether the user's `name` is this address, or its logical id."""
    file, _, logical_id = address.rpartition("#")
    given, separator, given_id = name.rpartition("#")
    return given_id == logical_id and (not separator or os.path.realpath(given) == os.path.realpath(file))


def named_in_vain(estate: Estate, callers: Mapping[str, Sequence[str]], deployers: Sequence[str] = ()) -> list[Skipped]:
    """What the configuration names and no template declares: APIs of `callers`, and roles of `deployers`."""
    apis = [
        template.address(resource.logical_id)
        for template in estate.templates
        for resource in template.resources.values()
        if resource.type == "AWS::ApiGateway::RestApi"
    ]
    found = [
        Skipped(name, "`callers` names this REST API, which is not among the audited files")
        for name in callers
        if not any(names_address(name, address) for address in apis)
    ]
    roles = read_roles(estate.templates) if deployers else ()
    found += [
        Skipped(name, "`deployers` names this role, which is not among the audited files")
        for name in deployers
        if not _deployers((name,), roles)["Deployer"]
    ]
    return found


def unsupported(estate: Estate) -> list[Skipped]:
    """Resources and macros of the templates that the audit does not read."""
    found: list[Skipped] = []
    for template in estate.templates:
        for macro in template.transforms():
            if macro not in _TRANSFORMS:
                found.append(Skipped(template.path, f"the macro `{macro}` may change anything: it is not run"))
        for resource in template.resources.values():
            reason = _unread(resource.type)
            if reason and not template.nests(resource.logical_id):
                address = template.address(resource.logical_id)
                found.append(Skipped(address, f"`{resource.type}` is {reason}", span=resource.span))
    return found


def _unread(resource_type: str) -> str:
    if resource_type.endswith("::MODULE"):
        return "a module: it is not expanded"
    return next((reason for start, reason in _UNREAD.items() if resource_type.startswith(start)), "")
