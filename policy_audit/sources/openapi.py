"""OpenAPI documents of APIs: operations with their paths, who may call them, and the authorizers that they name."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.model.resources import Method
from policy_audit.model.value import Symbols, has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.template import Template
from policy_audit.sources.tree import child, entries, items, text, unknown

ANY: Final = "x-amazon-apigateway-any-method"
INTEGRATION: Final = "x-amazon-apigateway-integration"
AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
POLICY: Final = "x-amazon-apigateway-policy"
_AUTH: Final = "x-amazon-apigateway-auth"
_VERBS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", ANY})
_MOST_NODES: Final = 200_000
_NO_AUTHORIZER: Final = "NONE"
"""The name of no scheme: the Serverless transform leaves it where an operation wants none of the API's authorizers."""
_AUTHORIZATIONS: Final = {
    "token": "CUSTOM",
    "request": "CUSTOM",
    "cognito_user_pools": "COGNITO_USER_POOLS",
    "jwt": "JWT",
}
"""The authorization type of a method, by the type of its authorizer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
"""


class Operation(NamedTuple):
    """One operation of a document: its key, its path, and what it says."""

    verb: Scalar
    path: str
    body: Mapping

    @property
    def integration(self) -> Node | None:
        """What API Gateway does with its requests."""
        return self.body.get(INTEGRATION)

    @property
    def span(self) -> Span:
        return self.verb.place.span


class Scheme(NamedTuple):
    """A security scheme as API Gateway reads it. `authorization` is `AWS_IAM`, `CUSTOM` …, or `KEY` for an API key."""

    name: str
    authorization: str
    span: Span
    type: str = ""
    """The type of its authorizer: `token`, `request`, `jwt` …"""
    identity_sources: tuple[str, ...] | None = ()


class Document:
    """An OpenAPI document, version 2 or 3, with its variables filled in. `unseen` is why operations may be missing."""

    def __init__(self, body: Mapping, symbols: Symbols) -> None:
        self.body = body
        self.symbols = symbols
        self.unseen: list[str] = []
        self._schemes: dict[str, Scheme] | None = None

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the order written; what can't be read goes to `unseen`."""
        paths = self.body.get("paths")
        if paths is not None and not isinstance(paths, Mapping):
            self.unseen.append(f"the paths of an API's document are not known{self._because(paths)}")
        if self.body.get("Fn::Transform") is not None:
            self.unseen.append("a macro writes parts of an API's document when the stack is deployed")
        for path in entries(paths):
            yield from self._of_path(path)

    def _of_path(self, path: Entry) -> Iterator[Operation]:
        name = path.key.text
        if name.startswith(("Fn::", "x-")):
            if name.startswith("Fn::"):
                self.unseen.append(f"`{name}` writes paths of an API's document{self._because(path.value)}")
            return
        if not isinstance(path.value, Mapping) or path.value.get("$ref") is not None:
            self.unseen.append(f"the operations of the path `{name}` are not known{self._because(path.value)}")
            return
        for operation in path.value.entries:
            verb = operation.key.text
            if verb.lower() in _VERBS:
                if isinstance(operation.value, Mapping):
                    yield Operation(operation.key, name, operation.value)
                elif not _is_null(operation.value):
                    reason = self._because(operation.value)
                    self.unseen.append(f"the operation `{verb} {name}` is not known{reason}")
            elif verb.startswith("Fn::"):
                self.unseen.append(f"`{verb}` writes operations of the path `{name}`{self._because(operation.value)}")

    def _because(self, node: Node) -> str:
        reason = unknown(node, self.symbols)
        return f": {reason}" if reason else ""

    # ---- who may call ----

    def authorization(self, operation: Operation) -> tuple[str, str, bool | None]:
        """The authorization type of an operation (a hole where it is not known), its scheme, and whether it needs a
        key.

        Only what stands at the operation itself counts: AWS documents neither what `security` nor what
        `x-amazon-apigateway-auth` means for the document as a whole.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-auth.html
        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
        """
        shown = f"`{operation.verb.text} {operation.path}`"
        by_auth, named = self._by_auth(operation), self._named(operation, shown)
        needs_key = None if named is None else any(one.authorization == "KEY" for one in named)
        kinds = {one.authorization: one.name for one in named or () if one.authorization != "KEY"}
        if named is None or any(map(has_letters, kinds)):
            reason = f"which of the document's security schemes {shown} has is not known"
            return by_auth or self.symbols.hole(reason), "", needs_key
        if by_auth:
            kinds = {by_auth: kinds.get(by_auth, "")} | kinds
        if len(kinds) > 1:
            return self.symbols.hole(f"{shown} has authorization of several kinds"), "", needs_key
        if not kinds:
            return self._by_document(operation, shown), "", needs_key
        ((kind, name),) = kinds.items()
        return kind, name, needs_key

    def _by_auth(self, operation: Operation) -> str:
        """What `x-amazon-apigateway-auth` of the operation says, empty if it does not."""
        return (text(child(operation.body, _AUTH, "type")) or "").upper()

    def _by_document(self, operation: Operation, shown: str) -> str:
        """The authorization of an operation that says nothing of it."""
        whole = self.body.get("security")
        if whole is not None and items(whole) and operation.body.get("security") is None:
            return self.symbols.hole(
                f"`security` stands beside the paths and not at {shown}: AWS does not say if it counts"
            )
        if text(child(self.body, _AUTH, "type")) is not None:
            return self.symbols.hole(
                f"`{_AUTH}` stands beside the paths and not at {shown}: AWS does not say if it counts"
            )
        return "NONE"

    def _named(self, operation: Operation, shown: str) -> list[Scheme] | None:
        """The schemes that the operation's `security` names; None if they are not known."""
        given = operation.body.get("security")
        if given is not None and not isinstance(given, Sequence) and not _is_null(given):
            return None
        found = []
        for requirement in items(given):
            if not isinstance(requirement, Mapping):
                return None
            for one in requirement.entries:
                scheme = self.schemes().get(one.key.text)
                if scheme is not None:
                    found.append(scheme)
                elif one.key.text not in (_NO_AUTHORIZER, "api_key_false"):
                    return None
        return found

    def schemes(self) -> dict[str, Scheme]:
        """The document's security schemes, by name."""
        if self._schemes is None:
            self._schemes = {}
            for section in (child(self.body, "components", "securitySchemes"), child(self.body, "securityDefinitions")):
                for entry in entries(section):
                    self._schemes[entry.key.text] = self._scheme(entry)
        return self._schemes

    def _scheme(self, entry: Entry) -> Scheme:
        name, span, body = entry.key.text, entry.key.place.span, entry.value
        kind = text(child(body, "x-amazon-apigateway-authtype")) or ""
        authorizer = child(body, AUTHORIZER)
        if authorizer is not None:
            type = (text(child(authorizer, "type")) or "").lower()
            authorization = _AUTHORIZATIONS.get(type) or self.symbols.hole(f"the type of `{name}` is not known")
            return Scheme(name, authorization, span, type, self._identity_sources(body, authorizer, type))
        if kind.lower() == "awssigv4":
            return Scheme(name, "AWS_IAM", span)
        if (text(child(body, "type")), (text(child(body, "name")) or "").lower()) == ("apiKey", "x-api-key"):
            return Scheme(name, "KEY", span)
        return Scheme(name, self.symbols.hole(f"what API Gateway makes of the scheme `{name}` is not known"), span)

    def _identity_sources(self, scheme: Node, authorizer: Node, type: str) -> tuple[str, ...] | None:
        given = child(authorizer, "identitySource")
        if given is None and type == "token":
            # Of a token's authorizer the scheme itself names the header.
            given = child(scheme, "name")
            header = text(given)
            return (f"method.request.header.{header}",) if header and not has_letters(header) else None
        found = [text(one) for one in items(given)]
        if any(one is None or has_letters(one) for one in found):
            return None
        return tuple(part.strip() for one in found for part in (one or "").split(",") if part.strip())


def document(template: Template, logical_id: str) -> Document | str | None:
    """The document in the `Body` of an API; why it is not known; None if there is no body."""
    node = template.value(logical_id, "Body")
    if node is None:
        return None
    if isinstance(node, Scalar) and node.text.lstrip().startswith("{"):
        # Imported here, as few bodies are text and the error's module is not needed else.
        from policy_audit.errors import AuditError

        try:
            node = template.embedded_document(node)
        except AuditError as error:
            return f"the `Body` of `{logical_id}` is no JSON: {error.message}"
    if not isinstance(node, Mapping):
        reason = unknown(node, template.symbols)
        return f"the `Body` of `{logical_id}` is not known" + (f": {reason}" if reason else "")
    return Document(_filled(node, template), template.symbols)


def resource_policy(template: Template, logical_id: str) -> Node | None:
    """The resource policy in the `Body` of an API; None if it has none, or is not known.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/openapi-extensions-policy.html
    """
    found = document(template, logical_id)
    return found.body.get(POLICY) if isinstance(found, Document) else None


def methods(template: Template, logical_id: str, api: str) -> tuple[list[Method], list[str]]:
    """The methods that the `Body` of an API declares, and why some may be missing. `api` is the API's id.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
    """
    found = document(template, logical_id)
    if found is None:
        return [], []
    if isinstance(found, str):
        return [], [found]
    address = template.address(logical_id)
    read = []
    for operation in found.operations():
        authorization, scheme, needs_key = found.authorization(operation)
        mocked = (text(child(operation.integration, "type")) or "").upper() == "MOCK"
        verb = "ANY" if operation.verb.text.lower() == ANY else operation.verb.text.upper()
        for path, by_default in _paths(operation.path, verb):
            read.append(
                Method(
                    address,
                    operation.span,
                    verb,
                    path,
                    authorization,
                    by_default=by_default,
                    mocked=mocked,
                    authorizer=authorizer_id(api, scheme) if scheme else "",
                    needs_api_key=needs_key,
                )
            )
    return read, [*found.unseen, *_based(template, logical_id)]


def authorizer_id(api: str, scheme: str) -> str:
    """How a method's authorizer is told from others: AWS makes an id that no document shows."""
    return f"{api}/authorizers/{scheme}"


def _paths(path: str, verb: str) -> tuple[tuple[str, bool], ...]:
    """The paths of an operation, and whether it takes what no other does: `$default` of an HTTP API."""
    if path.strip("/") == "$default" and verb == "ANY":
        return ("/", True), ("/{proxy+}", True)
    return (("/" + path.strip("/"), False),)


def _based(template: Template, logical_id: str) -> list[str]:
    """Why paths may begin with more than the document's: a base path that is told to count.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api-basePath.html
    """
    parameters = template.value(logical_id, "Parameters")
    given = text(child(parameters, "basepath")) or text(child(parameters, "basePath"))
    given = given or template.property_text(logical_id, "BasePath") or "ignore"
    return [] if given == "ignore" else [f"the base path of the `Body` of `{logical_id}` counts (`{given}`)"]


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


# ---- variables ------------------------------------------------------------------------------------------------------


def _filled(body: Mapping, template: Template) -> Mapping:
    """The document with the variables that API Gateway fills in when it imports one, where it has any.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/import-api-aws-variables.html
    """
    values = {
        "${AWS::AccountId}": template.account,
        "${AWS::Partition}": template.partition,
        "${AWS::Region}": template.region,
        "${AWS::URLSuffix}": template.url_suffix,
    }
    pending: list[Node] = [body]
    for _ in range(_MOST_NODES):
        if not pending:
            return body
        node = pending.pop()
        if isinstance(node, Scalar):
            if "${AWS::" in node.text:
                found = _with_values(body, values)
                assert isinstance(found, Mapping)
                return found
        elif isinstance(node, Mapping):
            pending += [one.value for one in node.entries]
        else:
            pending += node.items
    return body


def _with_values(node: Node, values: dict[str, str]) -> Node:
    if isinstance(node, Scalar):
        if "${AWS::" not in node.text:
            return node
        filled = node.text
        for variable, value in values.items():
            filled = filled.replace(variable, value)
        return node._replace(text=filled, pieces=())
    if isinstance(node, Mapping):
        return node._replace(entries=tuple(one._replace(value=_with_values(one.value, values)) for one in node.entries))
    return node._replace(items=tuple(_with_values(one, values) for one in node.items))
