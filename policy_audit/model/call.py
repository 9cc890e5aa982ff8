"""What a workflow does: the tasks of a state machine, each with what it calls and how."""

from typing import Final, Literal

from policy_audit.origin import Span
from policy_audit.record import NamedTuple

Pattern = Literal["request-response", "sync", "wait-for-task-token"]
Part = Literal["Headers", "QueryParameters"]
PARTS: Final[tuple[Part, ...]] = ("Headers", "QueryParameters")
"""Parameters of `apigateway:invoke` whose values are lists."""


class Field(NamedTuple):
    """One value of a task as the definition gives it: text that may hold letters, and where it stands."""

    text: str
    span: Span


class SentValue(NamedTuple):
    """One header or query parameter of an API call, by its name; the value may be a secret and is not kept."""

    part: Part
    name: str
    form: Literal["list", "single", "open"]
    """Whether the value is a list; `open` when the definition does not tell."""
    span: Span


class Task(NamedTuple):
    """One Task state. A field is None when the definition does not have it.

    `integration` is the tail of the state's `Resource` without pattern suffix: `http:invoke`, `apigateway:invoke`,
    `lambda:invoke`, `aws-sdk:sqs:sendMessage`; for a Lambda function's or an activity's ARN as `Resource` it is
    `lambda:invoke` or `activity`, and `resource` tells the ARN. It is a hole when `Resource` does not tell. A value
    that the workflow computes while it runs is a hole, with as much literal text around it as the expression shows.
    """

    state: str
    path: tuple[str, ...]
    """Names of the enclosing states (Map, Parallel), outermost first; for Parallel with the branch: `Fan out[0]`."""
    integration: str
    pattern: Pattern
    resource: str
    span: Span
    """The state's name, where the definition has it."""
    endpoint: Field | None = None
    method: Field | None = None
    url_path: Field | None = None
    stage: Field | None = None
    auth_type: Field | None = None
    connection: Field | None = None
    credentials_role: Field | None = None
    timeout_seconds: Field | None = None
    headers: tuple[tuple[str, Field], ...] | None = ()
    """Names, with the place of each. Values may be secrets: their text is left empty. None when names are computed."""
    sent_values: tuple[SentValue, ...] = ()
    """Of `apigateway:invoke`: the headers and query parameters that are written out."""
    body: Field | None = None
    """Of `apigateway:invoke`: where `RequestBody` stands. It may be a secret: its text is left empty."""
    arguments: tuple[tuple[str, Field], ...] = ()
    """Top-level scalar parameters of any other integration, such as `StateMachineArn`, and a few from further within,
    such as `Entries.EventBusName`: one for each item of a list."""
    computed: Field | None = None
    """A hole when the workflow computes all arguments as a whole: `endpoint` and the like are then this hole too."""

    @property
    def name(self) -> str:
        """The state's name with the states that enclose it: `Each order / Call`."""
        return " / ".join((*self.path, self.state))


class DistributedMap(NamedTuple):
    """A Map state in DISTRIBUTED mode. Reading its input and writing its results are calls like those of a task:
    `s3:getObject` and so on, with `Bucket` and the like for arguments; None where the state does not have them."""

    name: str
    span: Span
    label: Field | None = None
    reader: Task | None = None
    writer: Task | None = None


class Definition(NamedTuple):
    """A state machine's definition: its tasks, and what could not be read of it (`problems`, with place)."""

    tasks: tuple[Task, ...]
    problems: tuple[tuple[str, Span], ...] = ()
    distributed_maps: tuple[str, ...] = ()
    """Names of the Map states in DISTRIBUTED mode, each with the states that enclose it, as in `Task.name`."""
    maps: tuple[DistributedMap, ...] = ()
    """Those of the Map states whose mode is known to be DISTRIBUTED."""
