"""What rules can be about: the kinds of facts by the word that a rule file has for them, loaded when there are any."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

from policy_audit.model.system import System
from policy_audit.record import NamedTuple


class Kind(NamedTuple):
    """A kind of fact: the class `name` in `policy_audit.model.<module>`, whose `every(system)` lists the facts.

    `needs` are attributes of the system, or names of classes of its `others`: without any of these there is no such
    fact, and the module is not imported.
    """

    module: str
    name: str
    needs: tuple[str, ...]


FACTS: Final[dict[str, Kind]] = {
    "api_destination": Kind("destinations", "Destination", ("ApiDestination",)),
    "api_gateway_call": Kind("api_gateway_calls", "ApiGatewayCall", ("calls",)),
    "api_network": Kind("api_networks", "ApiNetwork", ("apis",)),
    "assumed_role": Kind("assumed_roles", "AssumedRole", ("assumed_roles",)),
    "call": Kind("workflow", "Call", ("calls",)),
    "connection": Kind("connections", "AuditedConnection", ("connections",)),
    "endpoint_caller": Kind("endpoint_callers", "EndpointCaller", ("VpcEndpoint",)),
    "endpoint_statement": Kind("endpoint_statements", "EndpointStatement", ("VpcEndpoint",)),
    "connection_deployment": Kind("deployments", "ConnectionDeployment", ("Deployer",)),
    "encrypted_connection": Kind("encrypted_connections", "EncryptedConnection", ("encrypted_connections",)),
    "known_finding": Kind("baselines", "KnownFinding", ("KnownFinding",)),
    "encrypted_task": Kind("encrypted_tasks", "EncryptedTask", ("OwnPolicy",)),
    "encrypted_target": Kind("encrypted_targets", "EncryptedTarget", ("OwnPolicy",)),
    "event_bus": Kind("event_buses", "EventBus", ("OwnPolicy",)),
    "event_rule": Kind("event_rules", "EventRule", ("Sender",)),
    "event_target": Kind("event_targets", "EventTarget", ("Sender",)),
    "ignore": Kind("ignores", "AuditedIgnore", ("AuditedIgnore",)),
    "integration": Kind("step_functions_integrations", "StepFunctionsIntegration", ("ApiIntegration",)),
    "passed_role": Kind("passed_roles", "PassedRole", ("Deployer",)),
    "machine_trust": Kind("machine_trust", "MachineTrust", ("state_machines",)),
    "need": Kind("needs", "Need", ("needs",)),
    "dead_letter_queue": Kind("dead_letters", "DeadLetterQueue", ("Sender",)),
    "document": Kind("documents", "AuditedDocument", ("WrittenPolicy",)),
    "document_statement": Kind("document_statements", "DocumentStatement", ("WrittenPolicy",)),
    "private_path": Kind("private_path", "PrivatePath", ("connections",)),
    "api_policy": Kind("api_policies", "ApiPolicy", ("apis",)),
    "rest_api": Kind("rest_api", "RestApi", ("apis",)),
    "role_grants": Kind("role_grants", "RoleGrants", ("state_machines",)),
    "schedule_operation": Kind("schedule_operations", "ScheduleOperation", ("Sender",)),
    "sent_task": Kind("sent_tasks", "SentTask", ("calls_abroad",)),
    "shared_configuration": Kind("shared_configurations", "SharedConfiguration", ("connections_of_others",)),
    "state_machine": Kind("resources", "StateMachine", ("state_machines",)),
    "states_statement": Kind("states_statements", "StatesStatement", ("roles",)),
    "statement": Kind("statements", "PolicyStatement", ("roles", "apis", "others")),
    "unsigned_call": Kind("unsigned_calls", "UnsignedCall", ("calls", "ApiDestination")),
    "vpc_endpoint": Kind("vpc_endpoints", "VpcEndpoint", ("VpcEndpoint",)),
    "task": Kind("task_forms", "TaskForm", ("integrations",)),
}
"""The word after `for:` in a rule file, and what its paths may name: the public properties of the class."""


def fact_class(word: str) -> type:
    """The class of the facts that `word` stands for."""
    kind = FACTS[word]
    found: type = getattr(_module(kind), kind.name)
    return found


def facts(word: str, system: System) -> Sequence[object]:
    """Every fact of the system that `word` stands for."""
    kind = FACTS[word]
    if not any(system.has(name) for name in kind.needs):
        return ()
    every: Callable[[System], Sequence[object]] = _module(kind).every
    return every(system)


def _module(kind: Kind) -> Any:
    return import_module(f"policy_audit.model.{kind.module}")
