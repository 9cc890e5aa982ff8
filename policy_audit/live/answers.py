"""One call: the pages that it gave, and why there are no more, if there should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from policy_audit.live.calls import Operation
from policy_audit.record import NamedTuple

Page = Mapping[str, Any]

EXPIRED: Final = frozenset(
    {
        "CredentialRetrievalError",
        "ExpiredToken",
        "ExpiredTokenException",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RequestExpired",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
"""Codes and exceptions after which no call with the same credentials succeeds.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""
NOT_ENABLED: Final = frozenset(
    {"AuthFailure", "InvalidClientTokenId", "InvalidToken", "OptInRequired", "UnrecognizedClientException"}
)
"""How the services of a Region that is not enabled answer to an account's credentials.

https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
"""
UNREACHABLE: Final = "EndpointConnectionError"
_LONGEST_REASON: Final = 300
_ENCODED: Final = "Encoded authorization failure message"


class Failure(NamedTuple):
    """Why a call gave no answer: AWS's error code or the name of the client's exception, and the error's own words."""

    code: str
    reason: str


INTERRUPTED: Final = Failure("Interrupted", "the reading was broken off")


class Answer(NamedTuple):
    """The pages that came, and what kept further ones from coming."""

    pages: tuple[Page, ...] = ()
    failure: Failure | None = None


def ask(
    client: Callable[[], Any], operation: Operation, arguments: Mapping[str, object], stopped: Callable[[], bool]
) -> Answer:
    """Makes a call, with all its pages. What AWS and the network do is part of the answer, and never raised.

    `client` makes the client; once `stopped` says so, no further page is asked for.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    pages: list[Page] = []
    try:
        for page in _pages(client(), operation, arguments):
            if stopped():
                return Answer(tuple(pages), INTERRUPTED)
            pages.append(page)
    except ClientError as error:
        told = error.response.get("Error", {})
        code = str(told.get("Code") or "ClientError")
        if code in operation.nothing:
            return Answer(({},))
        return Answer(tuple(pages), Failure(code, _reason(str(told.get("Message") or code))))
    except BotoCoreError as error:
        return Answer(tuple(pages), Failure(type(error).__name__, _reason(str(error))))
    return Answer(tuple(pages))


def _pages(client: Any, operation: Operation, arguments: Mapping[str, object]) -> Iterator[Page]:
    from botocore import xform_name
    from botocore.paginate import Paginator

    name = xform_name(operation.name)
    size = {"PaginationConfig": {"PageSize": operation.page_size}} if operation.page_size else {}
    if client.can_paginate(name):
        yield from client.get_paginator(name).paginate(**arguments, **size)
    elif operation.pages is not None:
        given = operation.pages
        config = {"input_token": given.input_token, "output_token": given.output_token, "result_key": given.items}
        model = client.meta.service_model.operation_model(operation.name)
        yield from Paginator(getattr(client, name), config, model).paginate(**arguments)
    else:
        yield getattr(client, name)(**arguments)


def _reason(message: str) -> str:
    """The error's words on one line, without the text that AWS encodes for those who may decode it."""
    text = " ".join(message.partition(_ENCODED)[0].split()).rstrip(". ")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
