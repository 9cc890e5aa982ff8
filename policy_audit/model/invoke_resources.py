"""The ARNs of API requests that a statement lists, part by part, and the forms that cover no request.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from policy_audit.model.fix import replaced
from policy_audit.model.patterns import glob
from policy_audit.model.resources import Fact
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import VERBS
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.statements import PolicyStatement
    from policy_audit.model.system import System

_SHORT = "execute-api:/"
_VERBS = (*VERBS, "ANY")
_MOST_PAIRS = 5_000
_TOO_MANY = "the statement lists too many resources to compare each with each"


class InvokeResource(NamedTuple):
    """One entry of `Resource` that is about requests to an API: `api/stage/verb/path`, each part as written."""

    text: str
    api: str
    """The id, which may be a wildcard; empty in the short form `execute-api:/stage/verb/path`."""
    parts: tuple[str, ...]
    """What follows the first `/`: stage, verb, and the parts of the path."""

    @property
    def whole(self) -> str:
        """The resource from the id of the API on."""
        return "/".join((self.api, *self.parts))

    @property
    def has_wildcard(self) -> bool:
        return "*" in self.whole or "?" in self.whole


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
    every = invoke_resources(about)
    idle = _first_idle(every, lambda one: None if _is_http_api(one, about.system) else _without_braces(one))
    if isinstance(idle, InvokeResource):
        named = [part for part in idle.parts[2:] if part.startswith("{") and part.endswith("}")]
        fix = replaced(f"/{named[0]}", "/*") if len(named) == 1 else None
        detail = f"`{idle.text}` has the name of a path parameter, where requests have its value"
        yield about.fact(False, detail)._replace(fix=fix)
    elif any(len(one.parts) > 2 and not _is_http_api(one, about.system) for one in every):
        yield about.fact(idle, _TOO_MANY if idle is None else "paths are written as requests have them")


def _without_braces(one: InvokeResource) -> tuple[str, ...] | None:
    parts = tuple("*" if part.startswith("{") and part.endswith("}") else part for part in one.parts)
    return parts if parts[2:] != one.parts[2:] else None


def real_verbs(about: "PolicyStatement") -> Iterator[Fact]:
    """`ANY` is how a method is configured; the ARN of a request has the verb that it was made with."""
    every = invoke_resources(about)
    idle = _first_idle(every, lambda one: (one.parts[0], "*", *one.parts[2:]) if one.parts[1:2] == ("ANY",) else None)
    if isinstance(idle, InvokeResource):
        fix = replaced(f"/{idle.parts[0]}/ANY", f"/{idle.parts[0]}/*")
        detail = f"`{idle.text}` has the method `ANY`, which no request is made with"
        yield about.fact(False, detail)._replace(fix=fix)
    elif any(len(one.parts) > 1 for one in every):
        yield about.fact(idle, _TOO_MANY if idle is None else "methods are those of requests")


def root_with_slash(about: "PolicyStatement") -> Iterator[Fact]:
    """The ARN of a request to the root ends in a slash: `stage/GET/`."""
    every = invoke_resources(about)
    idle = _first_idle(every, lambda one: (*one.parts, "") if _ends_like_the_root(one) == 2 else None)
    if isinstance(idle, InvokeResource):
        root = "/".join(("", *idle.parts))
        detail = f"`{idle.text}` covers no request, not even the root's: that ends in a slash"
        yield about.fact(False, detail)._replace(fix=replaced(root, f"{root}/"))
    elif any(map(_ends_like_the_root, every)):
        yield about.fact(idle, _TOO_MANY if idle is None else "the root is written with its slash")


def _ends_like_the_root(one: InvokeResource) -> int:
    """The number of its parts, if a resource ends with a stage and a method, the slash of the root apart; else 0."""
    ends = len(one.parts) > 1 and one.parts[1] in VERBS and one.parts[0] not in VERBS and not any(one.parts[2:])
    return len(one.parts) if ends else 0


def with_stage(about: "PolicyStatement") -> Iterator[Fact]:
    """The stage stands before the method: an ARN that begins with the method covers no request."""
    known = [one for one in invoke_resources(about) if one.parts and one.parts[0]]
    for one in known:
        begins = one.parts[0] in _VERBS and one.parts[1:2] not in [(verb,) for verb in VERBS]
        if begins and not _has_stage(one, one.parts[0], about.system):
            begin = "/".join(("", *one.parts[:2]))
            fact = about.fact(False, f"`{one.text}` has no stage before the method")
            yield fact._replace(fix=replaced(begin, f"/*{begin}"))
            return
    if known:
        yield about.fact(True, "the stage comes first")


def as_far_as_the_method(about: "PolicyStatement") -> Iterator[Fact]:
    """An ARN that ends before the method, without a wildcard, covers no request."""
    known = invoke_resources(about)
    for one in known:
        ends_early = len(one.parts) < 2 or (len(one.parts) == 2 and not one.parts[1])
        without_stage = bool(one.parts) and one.parts[0] in _VERBS
        if ends_early and not without_stage and not one.has_wildcard and not _is_open(one, about.system):
            end = "/".join(("", *one.parts)) if one.parts else ""
            fix = replaced(end, f"{end.rstrip('/')}/*") if end else None
            yield about.fact(False, f"`{one.text}` ends before the method")._replace(fix=fix)
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


def _first_idle(
    known: Sequence[InvokeResource], meant: Callable[[InvokeResource], tuple[str, ...] | None]
) -> InvokeResource | bool | None:
    """The first entry that covers nothing, by what it was meant to be, if no other entry says that.

    True when there is none, None when there are too many to compare. Beside one that covers what was meant, an entry
    that covers nothing does no harm.
    """
    suspects = [(one, parts) for one in known if (parts := meant(one)) is not None]
    if len(suspects) * len(known) > _MOST_PAIRS:
        return None
    globs = [(one, glob(one.whole)) for one in known] if suspects else []
    for suspect, parts in suspects:
        whole = suspect._replace(parts=parts).whole
        if not any(one is not suspect and covering.covers(whole) for one, covering in globs):
            return suspect
    return True


def _is_http_api(one: InvokeResource, system: "System") -> bool:
    api = system.api(one.api)
    return api is not None and api.kind == "HTTP"


def _has_stage(one: InvokeResource, name: str, system: "System") -> bool:
    api = system.api(one.api)
    return api is not None and any(stage.name == name for stage in api.stages)


def _is_open(one: InvokeResource, system: "System") -> bool:
    """Whether a part may hold more than one of its kind: an open text that may have slashes and wildcards."""
    api = one.api if system.api(one.api) is None else ""
    return has_letters(api) or (has_letters("/".join(one.parts)) and not _names_a_stage(one, system))


def _names_a_stage(one: InvokeResource, system: "System") -> bool:
    return len(one.parts) >= 1 and _has_stage(one, one.parts[0], system)
