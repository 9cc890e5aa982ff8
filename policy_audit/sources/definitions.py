"""Amazon States Language files by themselves: a state machine whose role nobody has told."""

import os
from collections.abc import Sequence

from policy_audit.errors import AuditError
from policy_audit.model.node import Mapping
from policy_audit.sources.build import in_camel_case, mapping, resource, scalar, template
from policy_audit.sources.document import DocumentError
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach

FORM = "state machine definition"


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The definition in the file as a state machine without a role; None if the file is no definition.

    Its placeholders (`${Name}`) are open, since what fills them in is not there. A file whose name says that it is a
    definition (`.asl.`) may be one only when they are filled in; otherwise what can't be parsed is none.
    """
    try:
        document = reach.document(path)
        if not isinstance(document, Mapping) or document.get("StartAt") is None or document.get("States") is None:
            return None
    except AuditError as error:
        if isinstance(error, DocumentError) and not error.syntax:
            raise  # It is YAML or JSON, with a key twice for example.
        if ".asl." not in os.path.basename(path):
            return None
        if "${" not in content:
            raise
    definition = reach.whole(path)
    place = definition.place
    machine = resource(
        "AWS::StepFunctions::StateMachine",
        place,
        [("DefinitionFile", definition), ("DefinitionSubstitutions", mapping(place, ()))],
    )
    return (Input(path, template(place, [(scalar(_name(path), place), machine)]), FORM),)


def _name(path: str) -> str:
    """A logical id from the file's name: `order-flow.asl.json` is `OrderFlow`."""
    return in_camel_case(os.path.basename(path).partition(".")[0]) or "StateMachine"
