"""`AWS::Serverless::Api` and `AWS::Serverless::HttpApi`: the API with its OpenAPI document, its deployment and stage.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html
"""

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

from policy_audit.findings import Skipped
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar
from policy_audit.sources.build import listing, mapping, reference, resource, scalar
from policy_audit.sources.openapi import INTEGRATION
from policy_audit.sources.sam_api_auth import of_event, schemes, secured, verbs
from policy_audit.sources.sam_api_policies import statements
from policy_audit.sources.sam_events import IMPLICIT, ApiEvent, operation
from policy_audit.sources.sam_files import Surroundings, file_document
from policy_audit.sources.tree import child, is_true, items, text

POLICY: Final = "x-amazon-apigateway-policy"
_SCHEMES: Final = "securityDefinitions"
_MOCK: Final = "mock"


def rest_api(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """What the resource at `key` becomes."""
    properties, place = body.get("Properties"), key.place
    stage = child(properties, "StageName") or scalar("", place)
    document, location = _document(key, properties, "Api", around)
    made = resource(
        "AWS::ApiGateway::RestApi",
        place,
        [
            ("Name", child(properties, "Name")),
            ("Body", document),
            ("BodyS3Location", location),
            ("Policy", child(properties, "Policy")),
            ("EndpointConfiguration", _endpoint(child(properties, "EndpointConfiguration"))),
            ("DisableExecuteApiEndpoint", child(properties, "DisableExecuteApiEndpoint")),
            ("Mode", child(properties, "Mode")),
        ],
    )
    yield key, made
    api = reference(key.text, place)
    # Without `OpenApiVersion` the deployment makes a stage of its own, whose name is `Stage`.
    # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html#sam-api-openapiversion
    extra = None if child(properties, "OpenApiVersion") is not None else scalar("Stage", place)
    # The transform puts a hash of the API's definition here, so that every change of it is deployed.
    deployment = f"{key.text}Deployment{crc32(key.text.encode()):08x}00"
    yield (
        scalar(deployment, place),
        resource("AWS::ApiGateway::Deployment", place, [("RestApiId", api), ("StageName", extra)]),
    )
    around.aliases[f"{key.text}.Deployment"] = deployment
    name = f"{key.text}{_part(stage)}Stage"
    around.aliases[f"{key.text}.Stage"] = name
    yield (
        scalar(name, place),
        resource("AWS::ApiGateway::Stage", stage.place, [("RestApiId", api), ("StageName", stage)]),
    )


def http_api(key: Scalar, body: Mapping, around: Surroundings) -> Iterator[tuple[Scalar, Mapping]]:
    """What the resource at `key` becomes."""
    properties, place = body.get("Properties"), key.place
    stage = child(properties, "StageName") or scalar("$default", place)
    document, location = _document(key, properties, "HttpApi", around)
    yield (
        key,
        resource(
            "AWS::ApiGatewayV2::Api",
            place,
            [
                ("Name", child(properties, "Name")),
                ("ProtocolType", scalar("HTTP", place)),
                ("Body", document),
                ("BodyS3Location", location),
                ("DisableExecuteApiEndpoint", child(properties, "DisableExecuteApiEndpoint")),
            ],
        ),
    )
    name = f"{key.text}{'ApiGatewayDefault' if text(stage) == '$default' else _part(stage)}Stage"
    around.aliases[f"{key.text}.Stage"] = name
    made = [("ApiId", reference(key.text, place)), ("StageName", stage)]
    yield scalar(name, place), resource("AWS::ApiGatewayV2::Stage", stage.place, made)


def implicit(declared: set[str], around: Surroundings) -> Iterator[Entry]:
    """The APIs that take the events which name none, as resources of the transform."""
    for kind, name in IMPLICIT.items():
        events = [one for one in around.events.get(name, ()) if one.kind == kind]
        if not events or name in declared:
            continue
        place = events[0].place
        stage = [("StageName", scalar("Prod", place))] if kind == "Api" else []
        made = mapping(
            place, [("Type", scalar(f"AWS::Serverless::{kind}", place)), ("Properties", mapping(place, stage))]
        )
        conditions = {one.condition for one in events}
        if len(conditions) == 1 and "" not in conditions:
            made = made._replace(
                entries=(*made.entries, Entry(scalar("Condition", place), scalar(conditions.pop(), place)))
            )
        yield Entry(scalar(name, place), made)


def _part(stage: Node) -> str:
    """The stage's part of its logical id; of a name that is computed, a hash that nobody writes by hand."""
    name = text(stage) or ""
    return name if name.isalnum() else "Computed"


def _endpoint(given: Node | None) -> Node | None:
    if given is None:
        return None
    types = child(given, "Type")
    if types is None:
        return mapping(given.place, [("Types", listing(given.place, [given]))])
    endpoints = child(given, "VPCEndpointIds") or child(given, "VpcEndpointIds")
    return mapping(given.place, [("Types", listing(types.place, [types])), ("VpcEndpointIds", endpoints)])


# ---- the document ---------------------------------------------------------------------------------------------------


def _document(key: Scalar, properties: Node | None, kind: str, around: Surroundings) -> tuple[Node | None, Node | None]:
    """The API's document as the transform completes it, and else where it lies."""
    location, given = child(properties, "DefinitionUri"), child(properties, "DefinitionBody")
    auth = child(properties, "Auth")
    if location is not None:
        if auth is not None:
            reason = "`Auth` works with `DefinitionBody` alone: the transform refuses it beside `DefinitionUri`"
            around.skipped.append(Skipped(str(auth.place.span), reason, span=auth.place.span))
        return _file(location, around)
    events = [one for one in around.events.get(key.text, ()) if one.kind == kind]
    paths = child(given, "paths")
    if given is None:
        document = mapping(key.place, [("paths", _managed(events, auth, key.place))])
    elif not isinstance(given, Mapping) or not isinstance(paths, Mapping):
        return given, None
    elif kind == "HttpApi" or is_true(child(properties, "MergeDefinitions")):
        document = _with_paths(given, _merged(paths, _managed(events, auth, key.place), replace=kind == "Api"))
    else:
        document = _with_paths(given, _overridden(paths, events))
    cors = child(properties, "Cors")
    if cors is not None and kind == "Api":
        document = _with_paths(document, _with_preflights(_paths_of(document), cors.place))
    asked = _asked(events)
    if auth is not None or asked:
        document = _with_paths(document, secured(_paths_of(document), auth, kind))
        document = _extended(document, _SCHEMES, schemes(auth, asked, kind, key.place))
        document = _with_policy(document, properties, events, key.place)
    return document, None


def _file(location: Node, around: Surroundings) -> tuple[Node | None, Node | None]:
    """The document in a local file; or else where in S3 it lies, or that it can't be read."""
    if isinstance(location, Scalar) and not location.text.startswith("s3://"):
        found = file_document(location, around)
        if found is not None:
            return found, None
    return None, location


def _managed(events: Sequence[ApiEvent], auth: Node | None, place: Place) -> Mapping:
    """The paths of the events, each operation where its event stands."""
    paths: dict[str, list[Entry]] = {}
    keys: dict[str, Scalar] = {}
    for event in events:
        security = of_event(event.auth, child(auth, "Authorizers"))
        paths.setdefault(event.path.text, []).append(operation(event, auth, security))
        keys.setdefault(event.path.text, event.path)
    return mapping(place, [(keys[path], Mapping(tuple(held), keys[path].place)) for path, held in paths.items()])


def _merged(under: Mapping, over: Mapping, *, replace: bool) -> Mapping:
    """The paths of both. An operation of both keeps what the document says of it, and gets the event's integration;
    with `replace`, all that the event says stands before what the document says."""
    found = []
    by_path = {one.key.text: one.value for one in over.entries}
    for path in under.entries:
        more = by_path.get(path.key.text)
        if not isinstance(more, Mapping) or not isinstance(path.value, Mapping) or path.value.get("Fn::If") is not None:
            found.append(path)
            continue
        held = {one.key.text.lower(): one for one in more.entries}
        merged = [
            one._replace(value=_both(one.value, held.pop(one.key.text.lower()).value, replace=replace))
            if one.key.text.lower() in held
            else one
            for one in path.value.entries
        ]
        found.append(path._replace(value=path.value._replace(entries=(*merged, *held.values()))))
    named = {one.key.text for one in under.entries}
    return under._replace(entries=(*found, *(one for one in over.entries if one.key.text not in named)))


def _both(under: Node, over: Node, *, replace: bool) -> Node:
    if not isinstance(under, Mapping) or not isinstance(over, Mapping) or over.get("Fn::If") is not None:
        return over
    first = {one.key.text for one in (over if replace else under).entries}
    if replace:
        return over._replace(entries=(*over.entries, *(one for one in under.entries if one.key.text not in first)))
    integration = tuple(one for one in over.entries if one.key.text == INTEGRATION)
    rest = tuple(one for one in under.entries if one.key.text != INTEGRATION)
    asked = tuple(one for one in over.entries if one.key.text == "security" and under.get("security") is None)
    return under._replace(entries=(*rest, *integration, *asked))


def _overridden(paths: Mapping, events: Sequence[ApiEvent]) -> Mapping:
    """The document's own paths with what events say of them against the API (`OverrideApiAuth`)."""
    overriding = {
        (event.path.text, event.verb): security
        for event in events
        if is_true(child(event.auth, "OverrideApiAuth")) and not event.is_machine
        if (security := of_event(event.auth, None)) is not None
    }

    def of_operation(path: str, one: Entry) -> Entry:
        security = overriding.get((path, one.key.text.lower()))
        if security is None or not isinstance(one.value, Mapping):
            return one
        return one._replace(value=_extended(one.value, "security", security, over=True))

    def of_path(path: Entry) -> Entry:
        if not isinstance(path.value, Mapping):
            return path
        changed = tuple(of_operation(path.key.text, one) for one in path.value.entries)
        return path._replace(value=path.value._replace(entries=changed))

    return paths._replace(entries=tuple(map(of_path, paths.entries))) if overriding else paths


def _with_preflights(paths: Mapping, place: Place) -> Mapping:
    """Each path with the OPTIONS method of `Cors`, which a mock answers, where it has none of its own."""
    mock = mapping(place, [(INTEGRATION, mapping(place, [("type", scalar(_MOCK, place))]))])
    found = []
    for path in paths.entries:
        item = path.value
        has = not isinstance(item, Mapping) or any(one.lower() == "options" for one in verbs(item))
        if not has and isinstance(item, Mapping) and item.get("Fn::If") is None:
            item = item._replace(entries=(*item.entries, Entry(scalar("options", place), mock)))
        found.append(path._replace(value=item))
    return paths._replace(entries=tuple(found))


def _with_policy(document: Mapping, properties: Node | None, events: Sequence[ApiEvent], place: Place) -> Mapping:
    """The document with the resource policy of `Auth`, of the API and of single events."""
    stage = child(properties, "StageName") or scalar("", place)
    paths = {one.key.text: tuple(dict.fromkeys(verbs(one.value))) for one in _paths_of(document).entries}
    given = child(properties, "Auth", "ResourcePolicy")
    made: list[Node] = []
    for event in events:
        own = child(event.auth, "ResourcePolicy")
        if own is not None:
            made += statements(own, [(event.path.text, paths.get(event.path.text, ()))], stage)
    if given is not None:
        made += statements(given, paths.items(), stage)
    if not made:
        return document
    before = document.get(POLICY)
    where = given.place if given is not None else made[0].place
    policy = mapping(
        where,
        [
            ("Version", scalar("2012-10-17", where)),
            ("Statement", listing(where, [*items(child(before, "Statement")), *made])),
        ],
    )
    return _extended(document, POLICY, policy, over=True)


def _asked(events: Sequence[ApiEvent]) -> set[str]:
    """What events ask for by name: authorizers, and `api_key`."""
    found = {text(child(one.auth, "Authorizer")) or "" for one in events}
    if any(is_true(child(one.auth, "ApiKeyRequired")) for one in events):
        found.add("api_key")
    if any(child(one.auth, "ResourcePolicy") is not None for one in events):
        found.add("policy")
    return found - {""}


def _paths_of(document: Mapping) -> Mapping:
    paths = document.get("paths")
    assert isinstance(paths, Mapping)
    return paths


def _with_paths(document: Mapping, paths: Mapping) -> Mapping:
    return _extended(document, "paths", paths, over=True)


def _extended(node: Mapping, name: str, value: Node, *, over: bool = False) -> Mapping:
    """The mapping with `value` under `name`: in the place of what is there, or joined to it."""
    before = node.get(name)
    if before is None:
        return node._replace(entries=(*node.entries, Entry(scalar(name, value.place), value)))
    if not over and isinstance(before, Mapping) and isinstance(value, Mapping):
        named = {one.key.text for one in value.entries}
        value = value._replace(entries=(*(one for one in before.entries if one.key.text not in named), *value.entries))
    return node._replace(
        entries=tuple(one._replace(value=value) if one.value is before else one for one in node.entries)
    )
