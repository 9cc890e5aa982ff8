"""`AWS::Serverless::StateMachine`: the state machine with the text of its definition file, and the role that it gets.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-statemachine.html
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.build import attribute, resource, scalar
from policy_audit.sources.sam_event_rules import of_state_machine
from policy_audit.sources.sam_files import Surroundings, file_text
from policy_audit.sources.sam_roles import role
from policy_audit.sources.tree import child, is_true

_RENAMED: Final = {
    "Name": "StateMachineName",
    "Type": "StateMachineType",
    "Role": "RoleArn",
    "Logging": "LoggingConfiguration",
    "Tracing": "TracingConfiguration",
}
_AS_THEY_ARE: Final = ("Definition", "DefinitionSubstitutions", "Tags")


def state_machine(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """What the resource at `key` becomes."""
    properties = body.get("Properties")
    place = key.place
    found: dict[str, Node | None] = {name: child(properties, name) for name in _AS_THEY_ARE}
    found |= {new: child(properties, old) for old, new in _RENAMED.items()}
    found |= _definition(child(properties, "DefinitionUri"), around)
    if found["RoleArn"] is None:
        name = scalar(f"{key.text}Role", place)
        found["RoleArn"] = attribute(name.text, "Arn", place)
        managed = ("AWSXrayWriteOnlyAccess",) if is_true(child(properties, "Tracing", "Enabled")) else ()
        yield name, role(name, properties, "states.amazonaws.com", managed=managed)
    yield key, resource("AWS::StepFunctions::StateMachine", place, found.items())
    yield from of_state_machine(key, properties)


def _definition(given: Node | None, around: Surroundings) -> dict[str, Node | None]:
    """A local file by its text; an object or an `s3://` address as the place in S3 that it is."""
    if given is None:
        return {}
    if not isinstance(given, Scalar) or given.text.startswith("s3://"):
        return {"DefinitionS3Location": given}
    found = file_text(given, around)
    if found is None:
        return {"DefinitionUnread": given._replace(text=f"its definition `{given.text}` can't be read")}
    return {"DefinitionFile": found}
