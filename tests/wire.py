"""Recorded responses on the wire, as AWS sends them: botocore serialises, signs, pages and parses, without a network.

Responses are written in the shapes of botocore's service models, and held against them when they are replayed.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.session import Session as BotocoreSession
from botocore.validate import validate_parameters

from policy_audit.live.calls import BY_ID
from policy_audit.live.kept import OPERATIONS as KEPT

ACCOUNT = "123456789012"
REGION = "eu-west-1"
Pages = Sequence[Mapping[str, Any]]
Responses = Mapping[str, Mapping[str, Pages]]
"""By operation, and by the key that snapshots give to what was asked about: the pages."""


LOADER = create_loader()
"""Service models take a tenth of a second to read: once for all tests."""


def new_session(**given: str) -> boto3.Session:
    """A session of boto3 with credentials and a Region of tests."""
    inner = BotocoreSession()
    inner.register_component("data_loader", LOADER)
    credentials = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "planted-secret-access-key"}
    return boto3.Session(botocore_session=inner, region_name=REGION, **{**credentials, **given})


class RefusedError(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str = "not today", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


class Request:
    """One request as it went over the wire."""

    def __init__(self, operation: str, region: str, arguments: Mapping[str, Any], sent: AWSPreparedRequest) -> None:
        self.operation = operation
        self.region = region
        self.arguments = arguments
        self.method = sent.method
        self.path = urlsplit(sent.url).path
        self.headers = {name.lower(): value for name, value in sent.headers.items()}

    @property
    def key(self) -> str:
        kept = KEPT.get(self.operation)
        return " ".join(str(self.arguments.get(name, "")) for name in kept.keys) if kept else ""


class Wire:
    """Stands in for AWS behind every client of `session`: answers with `responses`, and with what `fault` raises.

    With `only`, requests of other operations than these go out to wherever the session's clients send them.
    """

    def __init__(self, session: boto3.Session | None = None, only: frozenset[str] | None = None) -> None:
        self.session = session or new_session(aws_session_token="planted-token")
        self._only = only
        self.responses: Responses = {}
        self.fault: Callable[[Request, int], None] = lambda request, page: None
        """Called with each request and the number of the page that it asks for; what it raises is the answer."""
        self.requests: list[Request] = []
        self._asked = threading.local()
        self.session.events.register("provide-client-params", self._note)
        self.session.events.register("before-send", self._answer)

    def replay(self, responses: Responses) -> None:
        """Answers with these from now on."""
        self.responses = responses
        self.fault = lambda request, page: None
        self.requests = []

    def _note(self, params: Mapping[str, Any], model: OperationModel, context: Mapping[str, Any], **_: object) -> None:
        self._asked.call = (dict(params), model, str(context["client_region"]))

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        arguments, model, region = self._asked.call
        made = Request(f"{model.service_model.service_name}.{model.name}", region, arguments, request)
        if self._only is not None and made.operation not in self._only:
            return None
        assert "authorization" in made.headers, "the request is not signed"
        self.requests.append(made)
        try:
            page, number = self._page(made, model)
            self.fault(made, number)
        except RefusedError as refusal:
            return _sent(request, refusal.status, *_refused(model, refusal))
        return _sent(request, 200, *_serialised(model, page))

    def _page(self, request: Request, model: OperationModel) -> tuple[Mapping[str, Any], int]:
        pages = self.responses.get(request.operation, {}).get(request.key) or [{}]
        tokens = _tokens(self.session, request.operation)
        if tokens is None:
            number, page = 0, pages[0]
            assert len(pages) == 1, f"{request.operation} has no pages"
        else:
            asks, gives, more = tokens
            number = int(str(request.arguments.get(asks, "page-0")).removeprefix("page-"))
            page = pages[number]
            if number + 1 < len(pages):
                page = {**page, gives: f"page-{number + 1}"} | ({more: True} if more else {})
        if page:
            validate_parameters(page, model.output_shape)
        return page, number


def _tokens(session: boto3.Session, operation: str) -> tuple[str, str, str | None] | None:
    """The names of the token that a request carries, the one that a response gives, and the mark that there is more."""
    row = BY_ID.get(operation)
    if row is not None and row.pages is not None:
        return row.pages.input_token, row.pages.output_token, None
    service, _, name = operation.partition(".")
    models = session._session.get_component("data_loader")
    config = models.load_service_model(service, "paginators-1")["pagination"].get(name)
    return (config["input_token"], config["output_token"], config.get("more_results")) if config else None


# ---- AWS's protocols ------------------------------------------------------------------------------------------------


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _sent(request: AWSPreparedRequest, status: int, headers: Mapping[str, str], body: str) -> AWSResponse:
    return AWSResponse(request.url, status, {"x-amzn-requestid": "1", **headers}, _Raw(body.encode()))


def _serialised(model: OperationModel, response: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    protocol = model.service_model.protocol
    if protocol in ("json", "rest-json"):
        return {"content-type": "application/json"}, json.dumps(_json(response, model.output_shape))
    members = _members(response, model.output_shape, protocol)
    if protocol == "ec2":
        return {}, f"<{model.name}Response>{members}<requestId>1</requestId></{model.name}Response>"
    result = model.output_shape.serialization.get("resultWrapper", f"{model.name}Result")
    return {}, f"<{model.name}Response><{result}>{members}</{result}></{model.name}Response>"


def _refused(model: OperationModel, refusal: RefusedError) -> tuple[dict[str, str], str]:
    code, message = escape(refusal.code), escape(refusal.message)
    match model.service_model.protocol:
        case "json" | "rest-json":
            return {"x-amzn-errortype": refusal.code}, json.dumps({"__type": refusal.code, "message": refusal.message})
        case "ec2":
            error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            return {}, f"<Response>{error}<RequestID>1</RequestID></Response>"
        case _:
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            return {}, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"


def _json(value: Any, shape: Shape) -> Any:
    match shape:
        case StructureShape():
            return {
                shape.members[name].serialization.get("name", name): _json(one, shape.members[name])
                for name, one in value.items()
            }
        case ListShape():
            return [_json(one, shape.member) for one in value]
        case MapShape():
            return {name: _json(one, shape.value) for name, one in value.items()}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        iso = shape.serialization.get("timestampFormat") == "iso8601"
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if iso else moment.timestamp()
    return value


def _members(value: Mapping[str, Any], shape: StructureShape, protocol: str) -> str:
    return "".join(
        _xml(shape.members[name], _name(shape.members[name], name), one, protocol) for name, one in value.items()
    )


def _name(shape: Shape, name: str) -> str:
    return str(shape.serialization.get("name", name))


def _xml(shape: Shape, name: str, value: Any, protocol: str) -> str:
    match shape:
        case StructureShape():
            return f"<{name}>{_members(value, shape, protocol)}</{name}>"
        case ListShape():
            each = shape.member.serialization.get("name", "item" if protocol == "ec2" else "member")
            return f"<{name}>{''.join(_xml(shape.member, each, one, protocol) for one in value)}</{name}>"
        case MapShape():
            entries = (
                f"<entry>{_xml(shape.key, 'key', key, protocol)}{_xml(shape.value, 'value', one, protocol)}</entry>"
                for key, one in value.items()
            )
            return f"<{name}>{''.join(entries)}</{name}>"
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"<{name}>{escape(str(value))}</{name}>"
