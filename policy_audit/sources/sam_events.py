"""Events of a SAM template's functions and state machines that are requests to APIs, by the API that takes them.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-api.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-statemachine-statemachineapi.html
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.build import attribute, mapping, scalar
from policy_audit.sources.openapi import ANY, INTEGRATION
from policy_audit.sources.tree import child, entries, text

IMPLICIT: Final = {"Api": "ServerlessRestApi", "HttpApi": "ServerlessHttpApi"}
"""The API that takes the events that name none, by their type."""
_ID: Final = {"Api": "RestApiId", "HttpApi": "ApiId"}
_LAMBDA: Final = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations"
)
_START: Final = "arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution"


class ApiEvent(NamedTuple):
    """One request that an API passes on to the resource `target`."""

    key: Scalar
    kind: str
    """`Api` or `HttpApi`."""
    target: str
    is_machine: bool
    verb: str
    """As an OpenAPI document has it."""
    path: Scalar
    auth: Node | None
    condition: str
    """The condition of the target, empty if it has none."""

    @property
    def place(self) -> Place:
        return self.key.place


def events_by_api(resources: Mapping) -> dict[str, list[ApiEvent]]:
    """Every such event of the template, by the logical id of its API."""
    found: dict[str, list[ApiEvent]] = {}
    for entry in resources.entries:
        kind = text(child(entry.value, "Type"))
        if kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
            for api, event in _of_target(entry, kind.endswith("StateMachine")):
                found.setdefault(api, []).append(event)
    return found


def _of_target(entry: Entry, is_machine: bool) -> Iterator[tuple[str, ApiEvent]]:
    for one in entries(child(entry.value, "Properties", "Events")):
        kind = text(child(one.value, "Type")) or ""
        if kind not in IMPLICIT or (is_machine and kind == "HttpApi"):
            continue
        properties = child(one.value, "Properties")
        given = child(properties, _ID[kind])
        api = IMPLICIT[kind] if given is None else text(child(given, "Ref")) or text(given)
        path, verb = child(properties, "Path"), text(child(properties, "Method"))
        if kind == "HttpApi" and path is None and verb is None:
            # The default route.
            path, verb = scalar("$default", one.key.place), ANY
        if api is None or verb is None or not isinstance(path, Scalar):
            continue
        verb = ANY if verb.lower() == "any" else verb.lower()
        condition = text(child(entry.value, "Condition")) or ""
        auth = child(properties, "Auth")
        yield api, ApiEvent(one.key, kind, entry.key.text, is_machine, verb, path, auth, condition)


def integration(event: ApiEvent, api_auth: Node | None) -> Mapping:
    """What the API does with the request: it calls the function, or starts the state machine with the event's role."""
    place = event.place
    if not event.is_machine:
        return mapping(
            place,
            [
                ("type", scalar("aws_proxy", place)),
                ("httpMethod", scalar("POST", place)),
                ("uri", _sub(_LAMBDA.replace("%s", event.target), place)),
                ("credentials", _credentials(event, api_auth)),
            ],
        )
    machine = f'"stateMachineArn": "${{{event.target}}}"'
    template = f'{{"input": "$util.escapeJavaScript($input.json(\'$\'))", {machine}}}'
    return mapping(
        place,
        [
            ("type", scalar("aws", place)),
            ("httpMethod", scalar("POST", place)),
            ("uri", _sub(_START, place)),
            ("credentials", attribute(role_of(event), "Arn", place)),
            ("requestTemplates", mapping(place, [("application/json", _sub(template, place))])),
        ],
    )


def role_of(event: ApiEvent) -> str:
    """The logical id of the role with which an API starts a state machine."""
    return f"{event.target}{event.key.text}Role"


def _credentials(event: ApiEvent, api_auth: Node | None) -> Node | None:
    """The role with which a method of AWS_IAM calls its function: the caller's own, if no other is told."""
    signed = text(child(event.auth, "Authorizer")) == "AWS_IAM" or (
        event.auth is None and text(child(api_auth, "DefaultAuthorizer")) == "AWS_IAM"
    )
    if not signed or event.kind != "Api":
        return None
    given = child(event.auth, "InvokeRole") or child(api_auth, "InvokeRole")
    if given is None or text(given) == "CALLER_CREDENTIALS":
        return _sub("arn:${AWS::Partition}:iam::*:user/*", event.place)
    return None if text(given) in (None, "NONE") and isinstance(given, Scalar) else given


def operation(event: ApiEvent, api_auth: Node | None, security: Node | None) -> Entry:
    """The operation of an OpenAPI document for the event; it is there when its target is."""
    place = event.place
    body: Mapping = mapping(place, [(INTEGRATION, integration(event, api_auth)), ("security", security)])
    return Entry(scalar(event.verb, place), conditional(event.condition, body))


def conditional(condition: str, body: Mapping) -> Mapping:
    """The body where the condition holds, and nothing else."""
    if not condition:
        return body
    from policy_audit.sources.build import listing, reference

    place = body.place
    branches = listing(place, [scalar(condition, place), body, reference("AWS::NoValue", place)])
    return mapping(place, [("Fn::If", branches)])


def _sub(template: str, place: Place) -> Mapping:
    return mapping(place, [("Fn::Sub", scalar(template, place))])
