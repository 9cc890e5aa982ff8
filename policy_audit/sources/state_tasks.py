"""Reads one Task state of a definition: what it calls, and with which arguments."""

import collections.abc
from typing import Final

from policy_audit.model.call import PARTS, Field, Pattern, SentValue, Task
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import Symbols, has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.computed import computed, is_expression, shorten

JSONATA: Final = "JSONata"
JSONPATH: Final = "JSONPath"
_HTTP: Final = "http:invoke"
_API_GATEWAY: Final = "apigateway:invoke"
_PATTERNS: Final[dict[str, Pattern]] = {
    "": "request-response",
    "sync": "sync",
    "sync:2": "sync",
    "waitForTaskToken": "wait-for-task-token",
}
_WITHIN: Final = {"Entries": ("EventBusName",), "Overrides": ("ExecutionRoleArn", "TaskRoleArn")}
"""Parameters further within others that a permission is about."""
_DEFAULTS: Final = {"EventBusName": "default"}
"""What such a parameter is where it is not given: an event goes to the default bus.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
"""
_SECRET_NAMES: Final = ("password", "secretstring", "secretbinary", "apikey", "clientsecret", "authtoken")


class State(NamedTuple):
    """A state with what the definition around it says."""

    key: Scalar
    body: Mapping
    path: tuple[str, ...]
    language: str
    """`JSONPath`, `JSONata`, or empty when it is not known."""
    variables: collections.abc.Mapping[str, str]

    @property
    def name(self) -> str:
        return self.key.text


class Problems:
    """What could not be read of a definition, as it is found."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._found: dict[tuple[str, Span], None] = {}

    def add(self, message: str, node: Node) -> None:
        self._found[message, node.place.span] = None

    def expected(self, what: str, form: str, node: Node) -> None:
        """`what` should have the form `form`, and `node` stands there."""
        if isinstance(node, Scalar) and has_letters(node.text):
            reasons = self._symbols.reasons(node.text)
            because = f" because {'; '.join(reasons)}" if reasons else ""
            self.add(f"{what} is not known: `{shorten(self._symbols.show(node.text))}`{because}", node)
        else:
            self.add(f"{what} is not {form}", node)

    def all(self) -> tuple[tuple[str, Span], ...]:
        return tuple(self._found)


class TaskReader:
    """Reads Task states; what they do not tell becomes a hole, and a problem where the definition is at fault."""

    def __init__(self, symbols: Symbols, problems: Problems) -> None:
        self._symbols = symbols
        self._problems = problems

    def read(self, state: State) -> Task:
        """The task that `state` is.

        https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
        """
        resource = self._field(state, state.body, "Resource")
        if resource is None:
            self._problems.add(f"{self._label(state)} has no `Resource`", state.key)
            resource = Field(self._symbols.hole("the state has no `Resource`"), state.key.place.span)
        integration, pattern = self._integration(state, resource)
        task = Task(
            state=state.name,
            path=state.path,
            integration=integration,
            pattern=pattern,
            resource=resource.text,
            span=state.key.place.span,
            credentials_role=self._nested(state, state.body, "Credentials", "RoleArn"),
            timeout_seconds=self._timeout(state),
        )
        arguments = self._arguments(state)
        if isinstance(arguments, Field):
            return _all_computed(task, arguments)
        return self._with_arguments(task, state, arguments)

    def _label(self, state: State) -> str:
        return f"state `{self._symbols.show(state.name)}`"

    def _integration(self, state: State, resource: Field) -> tuple[str, Pattern]:
        integration, suffix = split_resource(resource.text)
        pattern = _PATTERNS.get(suffix)
        if pattern is None:
            self._problems.add(f"{self._label(state)} has an unknown integration pattern `.{suffix}`", state.key)
            pattern = "request-response"
        if not integration:
            shown = shorten(self._symbols.show(resource.text))
            message = f"the `Resource` of {self._label(state)} does not tell what it calls: `{shown}`"
            self._problems.add(message, state.body.get("Resource") or state.key)
            integration = self._symbols.hole(message, "unknown")
        return integration, pattern

    def _arguments(self, state: State) -> Mapping | Field:
        """The object of arguments, or a hole when they are computed as a whole."""
        path_name, expression_name = "Parameters", "Arguments"
        name = expression_name if state.language == JSONATA else path_name
        other = path_name if state.language == JSONATA else expression_name
        misplaced = state.body.get(other)
        if misplaced is not None and state.language:
            self._problems.add(f"{self._label(state)} has `{other}`, which {state.language} does not have", misplaced)
        node = state.body.get(name) or misplaced or state.body.get(f"{name}.$")
        if isinstance(node, Mapping):
            return node
        if node is None:
            reason = f"the state has no `{name}` and sends what it was given when the workflow runs"
            return Field(self._symbols.hole(reason), state.key.place.span)
        return self._computed_object(state, name, node)

    def _computed_object(self, state: State, name: str, node: Node) -> Field:
        """The hole for an object that `node` does not write out; a problem unless it is an expression."""
        if isinstance(node, Scalar) and (
            (state.language != JSONPATH and is_expression(node.text))
            or (state.language != JSONATA and node.text.startswith("$"))
        ):
            # The expression is not shown: the values of an object, unlike those of a field, may be secrets.
            reason = f"the workflow computes `{name}` as a whole while it runs"
            return Field(self._symbols.hole(reason), node.place.span)
        what = f"`{name}` of {self._label(state)}"
        if isinstance(node, Scalar) and len(node.text) > 1:
            self._problems.add(f"{what} is not an object", node)
        else:
            self._problems.expected(what, "an object", node)
        return Field(self._symbols.hole(f"`{name}` is not an object that can be read"), node.place.span)

    def _with_arguments(self, task: Task, state: State, arguments: Mapping) -> Task:
        if task.integration == _HTTP or has_letters(task.integration):
            task = task._replace(connection=self._connection(state, arguments))
        if task.integration == _API_GATEWAY or has_letters(task.integration):
            task = task._replace(
                url_path=self._field(state, arguments, "Path"),
                stage=self._field(state, arguments, "Stage"),
                auth_type=self._field(state, arguments, "AuthType"),
                sent_values=_sent_values(state, arguments),
                body=_place_of(arguments, "RequestBody"),
            )
        if task.integration in (_HTTP, _API_GATEWAY) or has_letters(task.integration):
            task = task._replace(
                endpoint=self._field(state, arguments, "ApiEndpoint"),
                method=self._field(state, arguments, "Method"),
                headers=self._headers(state, arguments),
            )
        if task.integration not in (_HTTP, _API_GATEWAY):
            task = task._replace(arguments=self._scalars(state, arguments))
        return task

    def _connection(self, state: State, arguments: Mapping) -> Field | None:
        """The connection's ARN, from either of the two places the guide gives for it.

        https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
        """
        preferred = self._nested(state, arguments, "InvocationConfig", "ConnectionArn")
        older = self._nested(state, arguments, "Authentication", "ConnectionArn")
        if preferred is None or older is None:
            return preferred or older
        if preferred.text != older.text:
            self._problems.add(
                f"{self._label(state)} names one connection in `InvocationConfig` and another in `Authentication`",
                arguments.get("InvocationConfig") or arguments,
            )
        return preferred

    def _headers(self, state: State, arguments: Mapping) -> tuple[tuple[str, Field], ...] | None:
        """The names of the headers, each with its place. Values never leave the definition: they may be secrets."""
        node = arguments.get("Headers")
        if isinstance(node, Mapping):
            return tuple(
                (_plain_name(entry.key.text, state), Field("", entry.key.place.span)) for entry in node.entries
            )
        if node is None and arguments.get("Headers.$") is not None:
            return None
        if node is None or (isinstance(node, Scalar) and node.kind == "null"):
            return ()
        self._computed_object(state, "Headers", node)
        return None

    def _scalars(self, state: State, arguments: Mapping) -> tuple[tuple[str, Field], ...]:
        found: list[tuple[str, Field]] = []
        for key, node in arguments.entries:
            if key.text in _WITHIN:
                found += self._within(state, key.text, node)
            if not isinstance(node, Scalar) or node.kind == "null":
                continue
            name = _plain_name(key.text, state)
            if any(word in name.lower() for word in _SECRET_NAMES):
                text = self._symbols.hole(f"`{name}` may be a secret and is not kept")
            else:
                text = self._text(state, node, dynamic=name != key.text)
            found.append((name, Field(text, node.place.span)))
        return tuple(found)

    def _within(self, state: State, outer: str, node: Node) -> list[tuple[str, Field]]:
        """The parameters within `outer` that a permission is about; a hole each where an item is computed."""
        found = []
        for item in node.items if isinstance(node, Sequence) else (node,):
            for name in _WITHIN[outer]:
                span = item.place.span
                if isinstance(item, Mapping):
                    field = self._field(state, item, name)
                    if field is None and name in _DEFAULTS:
                        field = Field(_DEFAULTS[name], span)
                else:
                    field = Field(self._symbols.hole(f"`{outer}` is computed while the workflow runs"), span)
                if field is not None:
                    found.append((f"{outer}.{name}", field))
        return found

    def _timeout(self, state: State) -> Field | None:
        path = state.body.get("TimeoutSecondsPath")
        if isinstance(path, Scalar) and path.kind != "null":
            return Field(computed(path.text, self._symbols), path.place.span)
        return self._field(state, state.body, "TimeoutSeconds")

    def _nested(self, state: State, owner: Mapping, outer: str, inner: str) -> Field | None:
        """`inner` of the object `outer`; a hole when the object is computed."""
        node = owner.get(outer) or owner.get(f"{outer}.$")
        if node is None or (isinstance(node, Scalar) and node.kind == "null"):
            return None
        if isinstance(node, Mapping):
            return self._field(state, node, inner)
        return self._computed_object(state, outer, node)

    def _field(self, state: State, owner: Mapping, name: str) -> Field | None:
        """The text under `name` or `name.$`, None when there is neither."""
        plain, dynamic = owner.get(name), owner.get(f"{name}.$")
        node = dynamic if plain is None else plain
        if node is None or (isinstance(node, Scalar) and node.kind == "null"):
            return None
        span = node.place.span
        if plain is not None and dynamic is not None:
            self._problems.add(f"{self._label(state)} has both `{name}` and `{name}.$`", dynamic)
            return Field(self._symbols.hole(f"both `{name}` and `{name}.$` are given"), span)
        if not isinstance(node, Scalar):
            self._problems.expected(f"`{name}` of {self._label(state)}", "text", node)
            return Field(self._symbols.hole(f"`{name}` is not text"), span)
        return Field(self._text(state, node, dynamic=plain is None), span)

    def _text(self, state: State, scalar: Scalar, *, dynamic: bool) -> str:
        """What `scalar` stands for; `dynamic` when its key ends in `.$`."""
        if state.language == JSONPATH:
            if not dynamic:
                return scalar.text
            from policy_audit.sources.state_intrinsics import read_dynamic

            return read_dynamic(scalar.text, self._symbols, state.variables)
        if dynamic:
            return self._symbols.hole("keys that end in `.$` are JSONPath's, and the state is not known to use it")
        if not is_expression(scalar.text):
            return scalar.text
        if state.language == JSONATA:
            from policy_audit.sources.jsonata import read_expression

            return read_expression(scalar.text, self._symbols, state.variables)
        return computed(scalar.text, self._symbols)


def split_resource(text: str) -> tuple[str, str]:
    """Integration and pattern suffix of a Task's `Resource`, the integration empty when the text does not tell.

    `arn:aws:states:::ecs:runTask.sync:2` is `("ecs:runTask", "sync:2")`, the ARN of a function `("lambda:invoke", "")`,
    of an activity `("activity", "")`. Partition, region, account and a function's or activity's name may be open.
    https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
    """
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return "", ""
    _, _, service, region, account, tail = parts
    if service == "lambda" and tail.startswith("function:"):
        return "lambda:invoke", ""
    if service != "states":
        return "", ""
    if tail.startswith("activity:"):
        return "activity", ""
    integration, _, suffix = tail.partition(".")
    if region or account or has_letters(tail) or ":" not in integration:
        return "", ""
    return integration, suffix


def _sent_values(state: State, arguments: Mapping) -> tuple[SentValue, ...]:
    """The headers and query parameters that are written out, each with the form of its value."""
    nodes = {part: arguments.get(part) for part in PARTS}
    if not any(isinstance(node, Mapping) for node in nodes.values()):
        return ()
    from policy_audit.sources.sent_values import form_of

    return tuple(
        SentValue(
            part,
            _plain_name(entry.key.text, state),
            form_of(entry.value, state.language, dynamic=entry.key.text.endswith(".$")),
            entry.key.place.span,
        )
        for part, node in nodes.items()
        if isinstance(node, Mapping)
        for entry in node.entries
    )


def _place_of(arguments: Mapping, name: str) -> Field | None:
    """Where an argument stands, whatever it is; None when it is not there."""
    node = arguments.get(name) or arguments.get(f"{name}.$")
    if node is None or (isinstance(node, Scalar) and node.kind == "null"):
        return None
    return Field("", node.place.span)


def _plain_name(name: str, state: State) -> str:
    return name if state.language == JSONATA else name.removesuffix(".$")


def _all_computed(task: Task, whole: Field) -> Task:
    """`task` when nothing is known of its arguments."""
    task = task._replace(computed=whole)
    if task.integration == _HTTP or has_letters(task.integration):
        task = task._replace(connection=whole)
    if task.integration == _API_GATEWAY or has_letters(task.integration):
        task = task._replace(url_path=whole, stage=whole, auth_type=whole)
    if task.integration in (_HTTP, _API_GATEWAY) or has_letters(task.integration):
        task = task._replace(endpoint=whole, method=whole, headers=None)
    return task
