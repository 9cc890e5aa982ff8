"""`Auth` of SAM's APIs: what the transform writes of it into the API's OpenAPI document.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-httpapiauth.html
"""

from collections.abc import Callable, Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.openapi import AUTHORIZER, INTEGRATION
from policy_audit.sources.tree import child, entries, is_true, items, text

AWS_IAM: Final = "AWS_IAM"
_KEY: Final = "api_key"
_NO_KEY: Final = "api_key_false"
_NOT_OPERATIONS: Final = frozenset({"parameters", "summary", "description", "servers", "$ref"})
_IDENTITIES: Final = {
    "Headers": "request.header.",
    "QueryStrings": "request.querystring.",
    "StageVariables": "stageVariables.",
    "Context": "context.",
}


def of_event(auth: Node | None, authorizers: Node | None) -> Node | None:
    """The `security` of one method, as its event asks for it; None if it does not."""
    name = text(child(auth, "Authorizer"))
    needs_key = child(auth, "ApiKeyRequired")
    asked: list[Node] = []
    if name and auth is not None:
        scopes = child(auth, "AuthorizationScopes") or child(authorizers, name, "AuthorizationScopes")
        asked.append(_requirement(name, scopes, auth.place))
    if isinstance(needs_key, Scalar) and auth is not None:
        asked.append(_requirement(_KEY if is_true(needs_key) else _NO_KEY, None, auth.place))
    return listing(auth.place, asked) if asked and auth is not None else None


def secured(paths: Mapping, auth: Node | None, kind: str) -> Mapping:
    """The paths of a document with the API's default authorizer and API key at each operation that names none."""
    default = child(auth, "DefaultAuthorizer")
    key_required = is_true(child(auth, "ApiKeyRequired")) and kind == "Api"
    names = {AWS_IAM, *(one.key.text for one in entries(child(auth, "Authorizers")))}

    def change(verb: str, operation: Mapping) -> Mapping:
        given = operation.get("security")
        if operation.get(INTEGRATION) is None or (given is not None and not isinstance(given, Sequence)):
            return operation
        asked = list(items(given))
        preflight = verb.lower() == "options"
        if isinstance(default, Scalar) and not (preflight and not _on_preflight(auth, kind)):
            asked = _with_default(asked, default, names, child(auth, "Authorizers"), kind)
        if key_required:
            asked = _with_key(asked, default or operation, preflight and not _key_on_preflight(auth))
        if given is not None and asked == list(given.items):
            return operation
        place = given.place if given is not None else default.place if default is not None else operation.place
        rest = tuple(one for one in operation.entries if one.key.text != "security")
        held = Entry(scalar("security", place), listing(place, asked))
        return operation._replace(entries=(*rest, held)) if asked or given is not None else operation

    return _with_operations(paths, change)


def _with_default(
    asked: list[Node], default: Scalar, names: set[str], authorizers: Node | None, kind: str
) -> list[Node]:
    keys = [set(one.keys()) if isinstance(one, Mapping) else set() for one in asked]
    if kind == "HttpApi" and asked:
        return asked
    if any("NONE" in one for one in keys):
        return [one for one, held in zip(asked, keys, strict=True) if "NONE" not in held and not held & names]
    if any(one & names for one in keys):
        return asked
    scopes = child(authorizers, default.text, "AuthorizationScopes")
    return [*asked, _requirement(default.text, scopes, default.place)]


def _with_key(asked: list[Node], near: Node, never: bool) -> list[Node]:
    keys = [set(one.keys()) if isinstance(one, Mapping) else set() for one in asked]
    rest = [one for one, held in zip(asked, keys, strict=True) if not held & {_KEY, _NO_KEY}]
    if never or any(_NO_KEY in held for held in keys):
        return rest
    return [*rest, _requirement(_KEY, None, near.place)]


def _on_preflight(auth: Node | None, kind: str) -> bool:
    """Whether the default authorizer is asked of CORS preflights too, as it is in REST APIs unless told otherwise."""
    return kind == "Api" and (text(child(auth, "AddDefaultAuthorizerToCorsPreflight")) or "true").lower() != "false"


def _key_on_preflight(auth: Node | None) -> bool:
    return (text(child(auth, "AddApiKeyRequiredToCorsPreflight")) or "true").lower() != "false"


def schemes(auth: Node | None, events_ask: set[str], kind: str, place: Place) -> Mapping:
    """The security schemes that `Auth` declares, and those that come of themselves with what is asked for."""
    found: list[tuple[str | Scalar, Node | None]] = []
    default = text(child(auth, "DefaultAuthorizer"))
    built_in = is_true(child(auth, "EnableIamAuthorizer")) if kind == "HttpApi" else AWS_IAM in {default, *events_ask}
    declared = list(entries(child(auth, "Authorizers")))
    if built_in and AWS_IAM not in {one.key.text for one in declared}:
        signed = [("type", "apiKey"), ("name", "Authorization"), ("x-amazon-apigateway-authtype", "awsSigv4")]
        found.append((AWS_IAM, mapping(place, [(key, scalar(value, place)) for key, value in signed])))
    if is_true(child(auth, "ApiKeyRequired")) or _KEY in events_ask:
        key = [("type", "apiKey"), ("name", "x-api-key"), ("in", "header")]
        found.append((_KEY, mapping(place, [(name, scalar(value, place)) for name, value in key])))
    for entry in declared:
        found.append((entry.key, _scheme(entry, kind)))
    return mapping(place, found)


def _scheme(entry: Entry, kind: str) -> Mapping:
    """One authorizer as a security scheme.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html
    """
    place, given = entry.key.place, entry.value
    identity = child(given, "Identity")
    if kind == "HttpApi":
        if child(given, "JwtConfiguration") is not None:
            return _authorizer("jwt", place, "", child(given, "IdentitySource"))
        return _authorizer("request", place, "", _sources(identity, "$", place))
    header = text(child(identity, "Header")) or "Authorization"
    if child(given, "UserPoolArn") is not None:
        return _authorizer("cognito_user_pools", place, header, None)
    if text(child(given, "FunctionPayloadType")) == "REQUEST":
        return _authorizer("request", place, "", _sources(identity, "method.", place))
    return _authorizer("token", place, header, None)


def _authorizer(kind: str, place: Place, header: str, sources: Node | None) -> Mapping:
    made = mapping(place, [("type", scalar(kind, place)), ("identitySource", sources)])
    named = scalar(header, place) if header else None
    return mapping(place, [("type", scalar("apiKey", place)), ("name", named), (AUTHORIZER, made)])


def _sources(identity: Node | None, start: str, place: Place) -> Node | None:
    """Where the authorizer finds who calls, as one text with commas."""
    found = []
    for name, prefix in _IDENTITIES.items():
        begin = start if prefix.startswith("request.") or start == "$" else ""
        found += [begin + prefix + (text(one) or "") for one in items(child(identity, name))]
    return scalar(", ".join(found), place) if found else None


# ---- operations, inside of conditions as well -----------------------------------------------------------------------

Change = Callable[[str, Mapping], Mapping]


def _with_operations(paths: Mapping, change: Change) -> Mapping:
    """The paths with every operation changed, whichever condition it stands under."""

    def of_operation(entry: Entry) -> Entry:
        verb = entry.key.text
        if verb in _NOT_OPERATIONS or verb.startswith("Fn::"):
            return entry
        return entry._replace(value=_each(entry.value, lambda body: change(verb, body)))

    def of_path(item: Mapping) -> Mapping:
        return item._replace(entries=tuple(map(of_operation, item.entries)))

    return paths._replace(
        entries=tuple(
            one if one.key.text.startswith("Fn::") else one._replace(value=_each(one.value, of_path))
            for one in paths.entries
        )
    )


def _each(node: Node, change: Callable[[Mapping], Mapping]) -> Node:
    """The mapping changed; of an `Fn::If` both branches."""
    if not isinstance(node, Mapping):
        return node
    branches = node.get("Fn::If")
    if isinstance(branches, Sequence) and len(node.entries) == 1 and len(branches.items) == 3:
        whole = branches._replace(items=(branches.items[0], *(_each(one, change) for one in branches.items[1:])))
        return node._replace(entries=(node.entries[0]._replace(value=whole),))
    return node if node.get("Ref") is not None else change(node)


def verbs(item: Node | None) -> Iterator[str]:
    """The verbs of a path, whichever condition they stand under."""
    if not isinstance(item, Mapping):
        return
    branches = item.get("Fn::If")
    if isinstance(branches, Sequence) and len(branches.items) == 3:
        for one in branches.items[1:]:
            yield from verbs(one)
        return
    names = (one.key.text for one in item.entries)
    yield from (one for one in names if one not in _NOT_OPERATIONS and one != "Ref" and not one.startswith("Fn::"))


def _requirement(name: str, scopes: Node | None, place: Place) -> Mapping:
    return mapping(place, [(name, scopes if isinstance(scopes, Sequence) else listing(place, ()))])
