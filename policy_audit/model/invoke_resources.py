"""The ARNs of API requests that a statement lists, part by part, and the forms that cover no request.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policy_audit.model.patterns import glob
from policy_audit.model.resources import Fact
from policy_audit.model.rest_api import VERBS
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.statements import PolicyStatement
    from policy_audit.model.system import System

_SHORT = "execute-api:/"


class InvokeResource(NamedTuple):
    """One entry of `Resource` that is about requests to an API: `api/stage/verb/path`, each part as written."""

    text: str
    api: str
    """The id, which may be a wildcard; empty in the short form `execute-api:/stage/verb/path`."""
    parts: tuple[str, ...]
    """What follows the first `/`: stage, verb, and the parts of the path."""

    @property
    def tail(self) -> str:
        return "/".join(self.parts)


def invoke_resource(text: str) -> InvokeResource | None:
    """What `text` says of requests to APIs; None when it is about something else."""
    if text.startswith(_SHORT):
        return InvokeResource(text, "", tuple(text[len(_SHORT) :].split("/")))
    fields = text.split(":", 5)
    if len(fields) < 6 or fields[0] != "arn" or fields[2] != "execute-api":
        return None
    api, separator, tail = fields[5].partition("/")
    return InvokeResource(text, api, tuple(tail.split("/")) if separator else ())


def invoke_resources(about: "PolicyStatement") -> tuple[InvokeResource, ...]:
    """The entries of `Resource` that are about requests to APIs, if the statement is about `execute-api:Invoke`."""
    actions = [action.lower() for action in about.statement.actions]
    if about.statement.not_action or not any(one == "*" or one.startswith("execute-api:") for one in actions):
        return ()
    return tuple(found for text in about.statement.resources or () if (found := invoke_resource(text)) is not None)


def no_braces(about: "PolicyStatement") -> Iterator[Fact]:
    """A request's ARN has the values of path parameters, never their names: braces match nothing."""
    known = [one for one in invoke_resources(about) if len(one.parts) > 2 and not _is_http_api(one, about.system)]
    for one in known:
        if any(part.startswith("{") and part.endswith("}") for part in one.parts[2:]):
            meant = "/".join("*" if part.startswith("{") and part.endswith("}") else part for part in one.parts)
            if not _is_covered(one._replace(parts=tuple(meant.split("/"))), known):
                yield about.fact(False, f"`{one.text}` has the name of a path parameter, where requests have its value")
                return
    if known:
        yield about.fact(True, "paths are written as requests have them")


def real_verbs(about: "PolicyStatement") -> Iterator[Fact]:
    """`ANY` is how a method is configured; the ARN of a request has the verb that it was made with."""
    known = [one for one in invoke_resources(about) if len(one.parts) > 1]
    for one in known:
        if one.parts[1] == "ANY" and not _is_covered(one._replace(parts=(one.parts[0], "*", *one.parts[2:])), known):
            yield about.fact(False, f"`{one.text}` has the method `ANY`, which no request is made with")
            return
    if known:
        yield about.fact(True, "methods are those of requests")


def root_with_slash(about: "PolicyStatement") -> Iterator[Fact]:
    """The ARN of a request to the root ends in a slash: `stage/GET/`."""
    known = invoke_resources(about)
    ending = [one for one in known if len(one.parts) in (2, 3) and one.parts[1] in VERBS and not any(one.parts[2:])]
    for one in ending:
        if (
            len(one.parts) == 2
            and one.parts[0] not in VERBS
            and not _is_covered(one._replace(parts=(*one.parts, "")), known)
        ):
            yield about.fact(False, f"`{one.text}` covers no request, not even the root's: that ends in a slash")
            return
    if ending:
        yield about.fact(True, "the root is written with its slash")


def with_stage(about: "PolicyStatement") -> Iterator[Fact]:
    """The stage stands before the method: an ARN that begins with the method covers no request."""
    known = [one for one in invoke_resources(about) if one.parts and one.parts[0]]
    for one in known:
        begins = one.parts[0] in (*VERBS, "ANY") and one.parts[1:2] not in [(verb,) for verb in VERBS]
        if begins and not _has_stage(one, one.parts[0], about.system):
            yield about.fact(False, f"`{one.text}` has no stage before the method")
            return
    if known:
        yield about.fact(True, "the stage comes first")


def as_far_as_the_method(about: "PolicyStatement") -> Iterator[Fact]:
    """An ARN that ends before the method, without a wildcard, covers no request."""
    known = invoke_resources(about)
    for one in known:
        whole = f"{one.api}/{one.tail}"
        ends_early = len(one.parts) < 2 or (len(one.parts) == 2 and not one.parts[1])
        ends_early = ends_early and one.parts[:1] not in [(verb,) for verb in (*VERBS, "ANY")]
        if ends_early and "*" not in whole and "?" not in whole and not _is_open(one, about.system):
            yield about.fact(False, f"`{one.text}` ends before the method")
            return
    if known:
        yield about.fact(True, "ARNs go on to the method, or have a wildcard")


def in_full(about: "PolicyStatement") -> Iterator[Fact]:
    """The short form `execute-api:/…` is completed in an API's own resource policy, and nowhere else.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
    """
    if about.kind == "rest-api":
        return
    known = invoke_resources(about)
    short = [one for one in known if not one.api and one.text.startswith(_SHORT)]
    if short:
        yield about.fact(False, f"`{short[0].text}` is no ARN")
    elif known:
        yield about.fact(True, "APIs are named by their ARNs")


def _is_covered(meant: InvokeResource, others: tuple[InvokeResource, ...] | list[InvokeResource]) -> bool:
    """Whether another entry says what was meant: then the one that covers nothing does no harm."""
    return any(
        one.text != meant.text and one.api in (meant.api, "*") and glob(one.tail).covers(meant.tail) for one in others
    )


def _is_http_api(one: InvokeResource, system: "System") -> bool:
    api = system.api(one.api)
    return api is not None and api.kind == "HTTP"


def _has_stage(one: InvokeResource, name: str, system: "System") -> bool:
    api = system.api(one.api)
    return api is not None and any(stage.name == name for stage in api.stages)


def _is_open(one: InvokeResource, system: "System") -> bool:
    """Whether a part may hold more than one of its kind: an open text that may have slashes and wildcards."""
    api = one.api if system.api(one.api) is None else ""
    return has_letters(api) or (has_letters(one.tail) and not _names_a_stage(one, system))


def _names_a_stage(one: InvokeResource, system: "System") -> bool:
    return len(one.parts) >= 1 and _has_stage(one, one.parts[0], system)
