"""API Gateway integrations that call Step Functions' own API, as rules ask about them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.model.call import Field
from policy_audit.model.fix import Fix, property_of, written
from policy_audit.model.resources import Api, Fact, Method, Missing, Role, StateMachine
from policy_audit.model.rest_api import ApiRequest, requests_of
from policy_audit.model.value import has_letters
from policy_audit.model.websocket_apis import WebSocketApi
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

ResourceType = Literal["stateMachine", "execution", "mapRun", "token", "none", "other"]

_BY_TYPE: Final[dict[ResourceType, str]] = {
    "stateMachine": (
        "CreateStateMachineAlias DeleteStateMachine DescribeStateMachine ListExecutions ListStateMachineAliases "
        "ListStateMachineVersions PublishStateMachineVersion StartExecution StartSyncExecution UpdateStateMachine"
    ),
    "execution": (
        "DescribeExecution DescribeStateMachineForExecution GetExecutionHistory ListMapRuns RedriveExecution "
        "StopExecution"
    ),
    "mapRun": "DescribeMapRun UpdateMapRun",
    "token": "SendTaskFailure SendTaskHeartbeat SendTaskSuccess",
    "none": "ListActivities ListStateMachines TestState ValidateStateMachineDefinition",
    "other": (
        "CreateActivity CreateStateMachine DeleteActivity DeleteStateMachineAlias "
        "DeleteStateMachineVersion DescribeActivity DescribeStateMachineAlias GetActivityTask ListTagsForResource "
        "TagResource UntagResource UpdateStateMachineAlias"
    ),
}
RESOURCE_TYPES: Final[dict[str, ResourceType]] = {
    action: resource_type for resource_type, actions in _BY_TYPE.items() for action in actions.split()
}
"""The actions of Step Functions' API, each with the type of resource that it is authorized on.

`none` are authorized on `*` alone; `token` on the activity, or the state machine, whose task the token is of, which
only the request tells: the reference lists no resource for them, but the guide names activities, and others have seen
them refused on a state machine. `other` are on resources that the audit does not read.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
https://docs.aws.amazon.com/step-functions/latest/dg/concept-create-iam-advanced.html
https://github.com/aws/aws-cdk/pull/8486
"""
_SUBTYPES: Final = ("StartExecution", "StartSyncExecution", "StopExecution")
"""What an HTTP API's integration can call.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
"""
_CALLERS_OWN: Final = "arn:aws:iam::*:user/*"
"""In the place of a role: the caller's own identity is passed through.

https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
"""


class ApiIntegration(NamedTuple):
    """An integration of an API with Step Functions, as the template has it; a field is None when it does not set it.

    `action` is the last part of its URI (`StartExecution`) or subtype. `target` is the ARN that its mapping template or
    its parameters give the action; parts that only a request tells are holes.
    """

    address: str
    span: Span
    kind: Literal["REST", "HTTP", "WEBSOCKET"]
    api: str
    """The API's id."""
    action: Field
    target: Field | None
    credentials: Field | None
    http_method: Field | None
    arn_start: str
    """How ARNs of Step Functions begin there: `arn:P:states:R:A`."""
    methods: tuple[str, ...] | None
    """Addresses of the methods or routes that lead to it; None when they are not read."""
    at: Span | None = None
    """Where the one of them stands that it belongs to, if the address has several."""


class StepFunctionsIntegration(NamedTuple):
    """An integration with the API that it belongs to, its role, and the state machine that it is about."""

    system: "System"
    integration: ApiIntegration
    state_machine: StateMachine | None
    methods: tuple[Method, ...]
    """The methods or routes that lead to it, as far as they are visible."""

    @property
    def address(self) -> str:
        return self.integration.address

    @property
    def span(self) -> Span:
        return self.integration.span

    @property
    def name(self) -> str:
        """The logical id of the method or integration."""
        return self.address.rpartition("#")[2]

    @property
    def kind(self) -> str:
        """`REST`, `HTTP` or `WEBSOCKET`."""
        return self.integration.kind

    @property
    def action(self) -> str:
        """The action of Step Functions' API that it calls: `StartExecution`."""
        return self.integration.action.text

    # ---- the role ----

    @property
    def has_a_role(self) -> bool:
        """Whether it names a role; one that passes the caller's identity through, or names nothing, does not."""
        return self.integration.credentials is not None and not self._passes_the_caller_through()

    def _passes_the_caller_through(self) -> bool:
        credentials = self.integration.credentials
        return credentials is not None and credentials.text.endswith(_CALLERS_OWN.removeprefix("arn:aws"))

    @property
    def role(self) -> Role | Missing:
        """The role that API Gateway calls Step Functions with."""
        credentials = self.integration.credentials
        if credentials is None:
            return Missing("the integration names no role")
        shown = self.system.symbols.show(credentials.text)
        return self.system.role(credentials.text, self.address) or Missing(
            f"the role `{shown}` is not among the audited files"
        )

    @property
    def has_credentials(self) -> Fact:
        """Whether the call to Step Functions is signed by anybody: by a role, or by the caller of an AWS_IAM method."""
        span = self.integration.credentials.span if self.integration.credentials else None
        if self.integration.credentials is None:
            return Fact(False, "names no credentials")
        if not self._passes_the_caller_through() or self.method_guard == "AWS_IAM":
            return Fact(True, "", span=span)
        if self.method_guard == "" or has_letters(self.method_guard):
            return Fact(None, "passes its caller's identity through, and its method is not visible", span=span)
        detail = f"passes its caller's identity through, and its method has the authorization type {self.method_guard}"
        return Fact(False, detail, span=span)

    # ---- what it calls ----

    @property
    def exists(self) -> Fact:
        """Whether its action is one that the API's kind of integration can call."""
        field = self.integration.action
        if has_letters(field.text):
            return Fact(None, f"the action `{self.system.symbols.show(field.text)}` is not known", span=field.span)
        known = _SUBTYPES if self.kind == "HTTP" else RESOURCE_TYPES
        return Fact(field.text in known, f"calls `{field.text}`", span=field.span, fix=_meant(field, known))

    @property
    def has_an_action(self) -> bool:
        """Whether its action is one of Step Functions' API; of another, nothing more is asked."""
        return self.action in RESOURCE_TYPES

    @property
    def uses_post(self) -> Fact:
        """Whether API Gateway calls Step Functions with POST, as its API asks for."""
        field = self.integration.http_method
        if self.kind == "HTTP":
            return Fact(True, "")
        if field is None:
            given = Fix((property_of(self.address, "POST", "Integration", "IntegrationHttpMethod"),))
            return Fact(False, "sets no HTTP method for the integration", fix=given)
        if has_letters(field.text):
            return Fact(None, f"the method `{self.system.symbols.show(field.text)}` is not known", span=field.span)
        fix = written(field.span, "POST")
        return Fact(field.text == "POST", f"calls Step Functions with `{field.text}`", span=field.span, fix=fix)

    @property
    def permissions(self) -> tuple[str, ...] | Missing:
        """The IAM actions that the role needs: the one of the same name."""
        return (f"states:{self.action}",)

    @property
    def resource(self) -> str | Missing:
        """What the action is authorized on: state machines without version or alias, executions, or `*`.

        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        resource_type = RESOURCE_TYPES.get(self.action, "other")
        if resource_type == "none":
            return "*"
        if resource_type == "token":
            return self.system.symbols.hole("whose task the token is of is not known before a request names it")
        target = self.integration.target
        if resource_type == "other" or target is None:
            return Missing(f"which resource `states:{self.action}` is asked on is not read from the template")
        if target.text.startswith("arn:") or self._is_a_symbol(target.text):
            return ":".join(target.text.split(":")[:7]) if resource_type == "stateMachine" else target.text
        reasons = self.system.symbols.reasons(target.text)
        hole = self.system.symbols.hole(reasons[0] if reasons else "a request names it")
        return f"{self.integration.arn_start}:{resource_type}:{hole}"

    def _is_a_symbol(self, text: str) -> bool:
        return len(text) == 1 and has_letters(text) and not self.system.symbols.reasons(text)

    @property
    def runs_synchronously(self) -> Fact:
        """Whether the state machine is of the type that can be started synchronously: Express.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
        """
        return self._is_of_type("EXPRESS")

    @property
    def can_be_stopped(self) -> Fact:
        """Whether executions of the state machine can be stopped: not those of Express ones.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
        """
        target = self.integration.target
        if target is not None and target.text.split(":")[5:6] == ["express"]:
            return Fact(False, "stops an execution of an Express state machine", span=target.span)
        return self._is_of_type("STANDARD")

    def _is_of_type(self, wanted: str) -> Fact:
        machine, target = self.state_machine, self.integration.target
        span = target.span if target else None
        if machine is None:
            reasons = self.system.symbols.reasons(target.text) if target else ()
            return Fact(None, reasons[0] if reasons else "the state machine is not among the audited files", span=span)
        name = machine.address.rpartition("#")[2]
        if has_letters(machine.type):
            return Fact(None, f"the type of `{name}` is not known", span=span)
        return Fact(machine.type == wanted, f"is about `{name}`, which is a {machine.type} state machine", span=span)

    # ---- who may call it ----

    @property
    def api(self) -> Api | Missing:
        """The API that it belongs to."""
        return self.system.api(self.integration.api) or Missing("the integration's API is not among the audited files")

    @property
    def method_guard(self) -> str:
        """The authorization type of its methods, NONE if one of them has none; empty where none is visible."""
        guards = [method.authorization for method in self.methods]
        return "NONE" if "NONE" in guards else guards[0] if guards else ""

    @property
    def open_requests(self) -> tuple[ApiRequest, ...] | Missing:
        """Requests to those of its methods that ask for neither a signature nor an authorizer nor an API key."""
        api = self.api
        if isinstance(api, Missing):
            return api
        if self.integration.methods is None:
            return Missing("the methods that lead to it stand in a form that the audit does not read")
        methods = [one for one in self.methods if one.authorization == "NONE" and one.needs_api_key is False]
        if not methods:
            return Missing("whether its methods ask for authorization or an API key is not known")
        return requests_of(api, methods)

    @property
    def asks_who_connects(self) -> Fact:
        """Whether a WebSocket API asks who connects, at its `$connect` route: what follows comes by the connection."""
        api = self.system.index(WebSocketApi, "id").get(self.integration.api)
        if api is None:
            return Fact(None, "the integration's API is not among the audited files")
        if api.is_open is None:
            return Fact(None, api.unseen or "the authorization of its `$connect` route is not known", api.address)
        missing = "has no `$connect` route that asks for authorization"
        return Fact(not api.is_open, missing, api.address, api.span)

    @property
    def may_be_open(self) -> bool:
        """Whether one of its methods asks for neither authorization nor an API key, as far as the audit sees."""
        if self.integration.methods is None:
            return True
        api = self.api
        if isinstance(api, Api) and "PRIVATE" in api.endpoint_types and api.policy is None:
            # Nobody can call it: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
            return False
        return any(
            (one.authorization == "NONE" or has_letters(one.authorization)) and one.needs_api_key is not True
            for one in self.methods
        )


def every(system: "System") -> tuple[StepFunctionsIntegration, ...]:
    """Every integration that calls Step Functions, with the state machine that it is about."""
    machines = {machine.arn: machine for machine in system.state_machines}
    methods: dict[tuple[str, Span | None], list[Method]] = {}
    for api in system.apis:
        for method in api.methods:
            methods.setdefault((method.address, None), []).append(method)
            methods.setdefault((method.address, method.span), []).append(method)
    return tuple(
        StepFunctionsIntegration(
            system,
            one,
            _machine_of(one.target.text, machines) if one.target else None,
            tuple(method for address in one.methods or () for method in methods.get((address, one.at), ())),
        )
        for one in system.all(ApiIntegration)
    )


def _meant(field: Field, known: Iterable[str]) -> Fix | None:
    """The action that was probably meant."""
    from policy_audit.suggest import did_you_mean

    hint = did_you_mean(field.text, known)
    return written(field.span, hint.split("`")[1]) if hint else None


def _machine_of(target: str, machines: dict[str, StateMachine]) -> StateMachine | None:
    """The state machine whose ARN, version, alias or execution `target` is."""
    parts = target.split(":")
    if len(parts) > 6 and parts[5] in ("execution", "express"):
        parts[5] = "stateMachine"
    return machines.get(":".join(parts[:7]))
