"""Which requests of a REST API the statements of its policy reach, and what that makes of the policy as a whole.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.operators import key_of, operator_of
from policy_audit.model.patterns import glob
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.policy_upkeep import is_iam_key
from policy_audit.model.resources import Api, Fact, Missing
from policy_audit.model.rest_api import ApiRequest, RestApi
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.api_policies import ApiPolicy

_READING: Final = ("GET", "HEAD", "OPTIONS")
_MOST_PAIRS: Final = 20_000
"""How many resources of statements are compared with requests: few policies and APIs come near."""
_MOST_GUARDS: Final = 20
"""How many pairs of a Deny and an Allow are compared as wholes, before any request is looked at."""
_OWN: Final = "id"
"""Stands for the API's id, which AWS makes: requests and statements of its own policy have the same."""
_OTHERWISE: Final = ("NONE", "CUSTOM", "COGNITO_USER_POOLS")
_TOO_LARGE: Final = "the policy and the API are too large to be compared"


class Reach:
    """The requests that one statement is about, as far as its action and its resources say."""

    __slots__ = ("_api", "_globs", "_invokes", "_written", "statement")

    def __init__(self, statement: Statement, api: Api) -> None:
        self.statement = statement
        self._api = api
        invokes = any(glob(action.lower()).matches("execute-api:invoke") for action in statement.actions)
        self._invokes = invokes is not statement.not_action
        self._written = [written for text in statement.resources or ("*",) if (written := own_form(text))]
        self._globs = [glob(text) for text in self._written]

    def overlaps(self, request: ApiRequest) -> bool | None:
        """Whether it is about some of the requests."""
        return self._any(request, "overlaps")

    def covers(self, request: ApiRequest) -> bool | None:
        """Whether it is about all of them."""
        return self._any(request, "covers")

    def takes_in(self, other: "Reach") -> bool:
        """Whether it is about whatever the other is about, whichever requests there are."""
        if not self._invokes or self.statement.not_resource or other.statement.not_resource:
            return False
        if len(self._globs) * len(other._written) > _MOST_PAIRS:
            return False
        return all(any(one.covers(text) for one in self._globs) for text in other._written)

    def _any(self, request: ApiRequest, how: str) -> bool | None:
        if not self._invokes:
            return False
        if self.statement.not_resource:
            how = "covers" if how == "overlaps" else "overlaps"
        pattern = _OWN + request.arn[len(self._api.arn) :]
        truths = [getattr(one, how)(pattern) for one in self._globs]
        found = True if True in truths else None if None in truths else False
        return found if not self.statement.not_resource or found is None else not found


def own_form(text: str) -> str:
    """What a resource of an API's policy says of the API's requests, from the id on; empty when it is about others.

    An id that is written out is taken for the API's own: a template can't refer to it within its own policy.
    """
    fields = text.split(":", 5)
    if len(fields) < 6:
        return "*" if "*" in text else ""
    if fields[2] != "execute-api" and "*" not in fields[2]:
        return ""
    own, separator, rest = fields[5].partition("/")
    return (own if "*" in own or "?" in own else _OWN) + separator + rest


class _Requests(NamedTuple):
    """An API's requests with the statements of its policy; `doubt` says why they can't be compared."""

    requests: tuple[ApiRequest, ...]
    reaches: tuple[Reach, ...]
    doubt: str = ""

    def of_type(self, *authorizations: str) -> list[ApiRequest]:
        return [one for one in self.requests if one.method is not None and one.method.authorization in authorizations]

    def of(self, effect: str) -> list[Reach]:
        return [one for one in self.reaches if one.statement.effect == effect]


def _requests(about: "ApiPolicy") -> _Requests:
    requests = RestApi(about.system, about.api).requests
    if about.policy.unknown:
        return _Requests((), (), about.policy.unknown)
    if isinstance(requests, Missing):
        return _Requests((), (), requests.reason)
    if sum(len(one.resources or ("",)) for one in about.policy.statements) * len(requests) > _MOST_PAIRS:
        return _Requests((), (), _TOO_LARGE)
    unclear = next((reason for one in about.policy.statements for reason in one.unknown), "")
    open_types = [one for one in requests if one.method is not None and has_letters(one.method.authorization)]
    doubt = unclear or ("the authorization type of a method is not known" if open_types else "")
    reaches = tuple(Reach(statement, about.api) for statement in about.policy.statements)
    return _Requests(requests, reaches, doubt or (about.api.unseen[0] if about.api.unseen else ""))


def _says(about: "ApiPolicy", holds: bool | None, detail: str, reach: Reach | None = None) -> Fact:
    return Fact(holds, detail, about.address, (reach.statement.span if reach else None) or about.span)


def _method(request: ApiRequest) -> str:
    assert request.method is not None
    return f"`{request.method.http_method} {request.method.path}` ({request.method.authorization})"


def is_for_all(statement: Statement) -> bool:
    """Whether the statement is about every principal."""
    return not statement.not_principal and any(one.value == "*" for one in statement.principals or ())


def _opens(reach: Reach) -> bool:
    """Whether a statement allows everybody without a condition."""
    return reach.statement.effect == "Allow" and is_for_all(reach.statement) and not reach.statement.conditions


def _first(pairs: Iterable[bool | None]) -> bool | None:
    """Whether one of them is true; None when that is not known."""
    found: bool | None = False
    for one in pairs:
        if one:
            return True
        found = None if one is None else found
    return found


# ---- methods that know no IAM principal -----------------------------------------------------------------------------


def tells_callers_apart(about: "ApiPolicy") -> Iterator[Fact]:
    """Only requests to methods of type AWS_IAM carry the keys of IAM principals; elsewhere everybody is anonymous.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
    """
    if not any(_asked(one) or _is_named(one) for one in about.policy.statements):
        return
    found = _requests(about)
    for reach in found.reaches:
        fact = _at_other_methods(about, reach, found)
        if fact is not None:
            yield fact
            return
    yield _says(about, None if found.doubt else True, found.doubt or "callers are told apart where they are known")


def _at_other_methods(about: "ApiPolicy", reach: Reach, found: _Requests) -> Fact | None:
    """What is wrong with a statement about IAM principals, for the methods that don't know them."""
    statement = reach.statement
    asked = _asked(statement)
    if not asked and not _is_named(statement):
        return None
    others = [one for one in found.of_type(*_OTHERWISE) if reach.overlaps(one)]
    if not others:
        return None
    what = f"`{asked[0].key}`" if asked else "its principals"
    without = all(operator_of(one).holds_without_the_key for one in statement.conditions)
    if asked and len(asked) == len(statement.conditions) and without and is_for_all(statement):
        does = "denies every request" if statement.effect == "Deny" else "lets every request in"
        return _says(
            about, False, f"a statement tells callers apart by {what}, and {does} to {_method(others[0])}", reach
        )
    if (without and asked) or any(reach.overlaps(one) is not False for one in found.of_type("AWS_IAM")):
        return None
    detail = f"a statement tells callers apart by {what}, and never applies: it is about {_method(others[0])}"
    return None if found.doubt else _says(about, False, detail, reach)


def _asked(statement: Statement) -> list[Condition]:
    """The conditions that tell IAM principals apart, but for those that are about anonymous callers by name."""
    return [
        one
        for one in statement.conditions
        if is_iam_key(key_of(one))
        and operator_of(one).comparison != "null"
        and "anonymous" not in {value.lower() for value in one.values}
    ]


def _is_named(statement: Statement) -> bool:
    """Whether the statement names principals of IAM, and only such."""
    principals = statement.principals or ()
    return bool(principals) and all(one.type == "AWS" and one.value != "*" for one in principals)


def lets_somebody_in(about: "ApiPolicy") -> Iterator[Fact]:
    """At a method of type NONE or COGNITO_USER_POOLS a policy has to allow explicitly: what it does not, is refused."""
    found = _requests(about)
    concerned = found.of_type("NONE", "COGNITO_USER_POOLS")
    if not concerned:
        return
    allows = found.of("Allow")
    if not allows and not found.doubt:
        yield _says(
            about, False, f"the policy only denies, so that it refuses every request to {_method(concerned[0])}"
        )
        return
    for request in found.of_type("COGNITO_USER_POOLS"):
        reached = _first(one.overlaps(request) for one in allows)
        if reached is False and not found.doubt:
            yield _says(about, False, f"no Allow reaches {_method(request)}: it refuses every token")
            return
    yield _says(about, None if found.doubt else True, found.doubt or "the policy allows where only it can")


def leaves_it_to_the_authorizer(about: "ApiPolicy") -> Iterator[Fact]:
    """At a method of type CUSTOM an Allow of the policy suffices where the authorizer's policy says nothing."""
    found = _requests(about)
    guarded = found.of_type("CUSTOM")
    for reach in filter(_opens, found.reaches):
        for request in guarded:
            if reach.covers(request) and not _first(one.overlaps(request) for one in found.of("Deny")):
                detail = f"an Allow for everybody opens {_method(request)} wherever the authorizer's policy is silent"
                yield _says(about, False, detail, reach)
                return
    if guarded:
        yield _says(about, None if found.doubt else True, found.doubt or "the policy leaves it to the authorizer")


# ---- restrictions that are none -------------------------------------------------------------------------------------


def guards_all_it_opens(about: "ApiPolicy") -> Iterator[Fact]:
    """A Deny with an exception beside an Allow for everybody: where the Deny does not reach, the Allow opens."""
    statements = about.policy.statements
    guards = [Reach(one, about.api) for one in statements if _is_guard(one)]
    opening = [one for one in (Reach(one, about.api) for one in statements) if _opens(one)]
    if not guards or not opening:
        return
    few = len(guards) * len(opening) <= _MOST_GUARDS
    if few and any(all(guard.takes_in(one) for one in opening) for guard in guards):
        yield _says(about, True, "the Deny reaches whatever the Allow opens")
        return
    found = _requests(about)
    doubt = found.doubt
    for request in found.requests:
        opened = _first(one.covers(request) for one in opening)
        guarded = _first(one.overlaps(request) for one in guards)
        doubt = doubt or ("which requests the Deny reaches is not known" if None in (opened, guarded) else "")
        if opened and guarded is False:
            missed = next((one for one in guards if _is_meant(one, request, about.api)), None)
            if missed is not None:
                shown = request.arn[len(about.api.arn) + 1 :]
                yield _says(about, False, f"the Deny does not reach `{shown}`, which the Allow beside it opens", missed)
                return
    yield _says(about, None if doubt else True, doubt or "the Deny reaches what it seems to guard")


def _is_guard(statement: Statement) -> bool:
    """Whether a statement denies everybody but some."""
    return (
        statement.effect == "Deny"
        and is_for_all(statement)
        and any(operator_of(one).negated for one in statement.conditions)
    )


def _is_meant(guard: Reach, request: ApiRequest, api: Api) -> bool:
    """Whether a guard is about the same path, but on another stage, or of the verbs only under those that read.

    A path that is guarded while others are open, and writing that is guarded while reading is open, are often meant.
    """
    _, verb, *path = request.arn[len(api.arn) + 1 :].split("/")
    for text in guard.statement.resources or ():
        parts = own_form(text).split("/")[1:]
        if parts and parts[-1].endswith("*"):
            parts += ["*"] * (3 - len(parts))  # A `*` at the end reaches over all that follows.
        if guard.statement.not_resource or len(parts) < 3:
            continue
        same_path = glob("/".join(parts[2:])).covers("/".join(path))
        same_verb = parts[1] == verb or "*" in parts[1]
        only_reading = parts[1] in _READING and verb not in _READING
        if same_path and (same_verb or only_reading):
            return True
    return False


def keeps_its_conditions(about: "ApiPolicy") -> Iterator[Fact]:
    """Each Allow opens for itself: beside one without a condition, the condition of another keeps nobody out."""
    found = _requests(about)
    conditional = [one for one in found.of("Allow") if one.statement.conditions]
    if about.policy.unknown:
        yield _says(about, None, about.policy.unknown)
    if not conditional:
        return
    opening = [one for one in found.reaches if _opens(one)]
    for request in found.requests:
        wide = next((one for one in opening if one.covers(request)), None)
        if wide is None or any(one.overlaps(request) is not False for one in found.of("Deny")):
            continue
        limited = next((one for one in conditional if one.overlaps(request)), None)
        if limited is not None:
            condition = limited.statement.conditions[0]
            detail = f"{_method(request)} is open to everybody beside the Allow that asks for `{condition.key}`"
            yield _says(about, False, detail, wide)
            return
    yield _says(about, None if found.doubt else True, found.doubt or "no Allow opens what another limits")


def restricts(about: "ApiPolicy") -> Iterator[Fact]:
    """Within an account an Allow for one role keeps out nobody whose own policies allow the call."""
    statements = about.policy.statements
    named = [value for one in statements if one.effect == "Allow" for value in _named_in(one)]
    if not named or any(one.effect == "Allow" and not _named_in(one) for one in statements):
        return
    foreign = [value for value in named if _account(value) != about.api.account]
    if any(not has_letters(_account(value)) for value in foreign):
        return
    if any(one.effect == "Deny" for one in statements):
        yield _says(about, True, "a Deny keeps others out")
        return
    found = _requests(about)
    if not found.doubt and found.of_type(*_OTHERWISE):
        return
    doubt = found.doubt or ("whether the principals belong to the API's account is not known" if foreign else "")
    detail = f"the policy allows `{named[0]}`, and denies nobody else of the account"
    yield _says(about, None if doubt else False, doubt or detail)


def _named_in(statement: Statement) -> list[str]:
    """The roles and users that an Allow is for: by its principals, or by a condition on `aws:PrincipalArn`."""
    if statement.not_principal:
        return []
    values = [one.value for one in statement.principals or () if one.type == "AWS" and "*" not in one.value]
    for one in statement.conditions:
        if key_of(one) == "aws:principalarn" and not operator_of(one).negated and operator_of(one).comparison != "null":
            values += one.values
    return [value for value in values if ":role/" in value or ":user/" in value]


def _account(arn: str) -> str:
    return arn.split(":", 5)[4] if arn.count(":") >= 5 else ""
