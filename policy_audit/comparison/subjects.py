"""What is compared: what each role may do, who may assume it, and who may call each API, as questions to both sides."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from policy_audit.comparison.sides import Pair
from policy_audit.iam.api_gateway import authorization_of, others
from policy_audit.iam.known_keys import impossible_keys
from policy_audit.iam.request import Authorization, Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy, Principal, Statement
from policy_audit.model.resources import Api, Method, Missing, Role
from policy_audit.model.rest_api import requests_of
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

NOBODY: Final = Policy((Statement("Deny", ("*",), ("*",), (Principal("*", "*"),)),), "2012-10-17", "there is none")
"""In the place of the policy of an API, or of a method, that one side does not have."""
ASSUMING: Final = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")


class Compared(NamedTuple):
    """One set of requests, decided by the policies of both sides.

    `about` says what of the resource at `address` it is: what the role may do, who may assume it, who may call it.
    """

    address: str
    about: str
    requests: RequestSet
    authorization: Authorization
    old: Policies
    new: Policies
    span: Span
    scenario: str = ""
    """Who makes the requests, where there are several kinds of callers."""
    unseen: tuple[str, ...] = ()
    """Why it is not known what one side allows."""


class Changed(NamedTuple):
    """Methods that authorize in another way than before: no one question is about both sides."""

    address: str
    about: str
    span: Span
    old: tuple[Compared, ...]
    """What the old side allows, compared with nothing."""
    new: tuple[Compared, ...]


Subject = TypeVar("Subject", Role, Api)


def subjects(pair: Pair) -> Iterator[Compared | Changed]:
    """Everything of a pair of systems that is compared, in the order of the files."""
    for old_role, new_role in _paired(pair.old.roles, pair.new.roles):
        yield from _role(old_role, new_role, pair)
    for old_api, new_api in _paired(pair.old.apis, pair.new.apis):
        yield from _api(old_api, new_api)


def _paired(old: Sequence[Subject], new: Sequence[Subject]) -> Iterator[tuple[Subject | None, Subject | None]]:
    """The resources of both sides by address; None for one that a side lacks."""
    before: dict[str, Subject] = {one.address: one for one in old}
    after: dict[str, Subject] = {one.address: one for one in new}
    for address in dict.fromkeys((*after, *before)):
        yield before.get(address), after.get(address)


# ---- roles ----------------------------------------------------------------------------------------------------------


def _role(old: Role | None, new: Role | None, pair: Pair) -> Iterator[Compared]:
    role = new or old
    assert role is not None
    requests = RequestSet("signed", Texts((literal(role.arn),)), Texts(("*",)), Texts(("*",)), role.account)
    yield Compared(
        role.address,
        "may do",
        requests,
        "ordinary",
        _own(old),
        _own(new),
        role.span,
        unseen=tuple(_unseen(old, new)),
    )
    before = Policies(identity=None, resource=old.trust if old else Policy(()))
    after = Policies(identity=None, resource=new.trust if new else Policy(()))
    keys = impossible_keys(before, ASSUMING[0]) | impossible_keys(after, ASSUMING[0])
    everybody = f"arn:{literal(pair.new.partition or pair.old.partition or '*')}:*:*:*:*"
    for kind, callers, scenario, same_account in (
        ("service", "*", "an AWS service", True),
        ("signed", everybody, "a principal of another account", False),
        ("signed", everybody, "a principal of the role's account", True),
    ):
        asked = RequestSet(
            kind,  # type: ignore[arg-type]
            Texts((callers,)),
            Texts(ASSUMING if kind == "signed" else ASSUMING[:1]),
            Texts((literal(role.arn),)),
            role.account,
            same_account,
            keys,
        )
        yield Compared(role.address, "may be assumed by", asked, "trust", before, after, role.span, scenario)


def _own(role: Role | None) -> Policies:
    """A role's own policies. One that can't be seen, or a boundary that can't, leaves open what it may do."""
    if role is None:
        return Policies(identity=())
    boundary = role.boundary
    return Policies(role.policies, (boundary,) if isinstance(boundary, Policy) else None)


def _unseen(old: Role | None, new: Role | None) -> Iterator[str]:
    """What is not visible on one side and not the same on the other."""
    before, after = (set(one.unseen) if one else set() for one in (old, new))
    for name in sorted(before ^ after):
        yield f"`{name}` is not visible, and is attached on one side only"
    boundaries = [one.boundary.reason if one and isinstance(one.boundary, Missing) else "" for one in (old, new)]
    if boundaries[0] != boundaries[1]:
        yield next(filter(None, boundaries))


# ---- APIs -----------------------------------------------------------------------------------------------------------


def _api(old: Api | None, new: Api | None) -> Iterator[Compared | Changed]:
    """The methods of an API, by how they authorize before and after."""
    methods = [_methods(one) if one else {} for one in (old, new)]
    groups: dict[tuple[str, str], list[str]] = {}
    for arn in dict.fromkeys((*methods[1], *methods[0])):
        kinds = tuple(one[arn].authorization or "NONE" if arn in one else "" for one in methods)
        groups.setdefault((kinds[0], kinds[1]), []).append(arn)
    api = new or old
    assert api is not None
    for (before, after), arns in groups.items():
        if before == after or not before or not after:
            yield from _same(old if before else None, new if after else None, arns, after or before)
        else:
            about = f"`{arns[0]}` had the authorization type {before}, and has {after}"
            was = tuple(_same(old, None, arns, before))
            yield Changed(api.address, about, api.span, was, tuple(_same(None, new, arns, after)))


def _methods(api: Api) -> dict[str, Method]:
    """The methods by the ARNs of the requests that they answer."""
    return {one.arn: one.method for one in requests_of(api, api.methods) if one.method is not None}


def _same(old: Api | None, new: Api | None, arns: Sequence[str], authorization: str) -> Iterator[Compared]:
    """Who may call methods that authorize alike on both sides, or are there on one side only."""
    api = new or old
    kind = authorization_of(authorization)
    assert api is not None
    if kind is None:
        if (old is None) != (new is None):
            reason = f"how methods with the authorization type `{authorization}` decide is not known"
            nothing = RequestSet("anonymous", Texts(("*",)), Texts(()), Texts(tuple(arns)), api.account)
            yield Compared(
                api.address, "may be called by", nothing, "ordinary", Policies(), Policies(), api.span, unseen=(reason,)
            )
        return
    policies = [Policies(identity=None, resource=one.policy if one else NOBODY) for one in (old, new)]
    asked = [others(one, arns, kind, ()) for one in (old, new) if one is not None]
    for question in asked[-1]:
        # Keys that API Gateway never sends with such a request are absent, whichever version asks for them.
        context = {**asked[0][asked[-1].index(question)].requests.context, **question.requests.context}
        span = (api.policy.span if api.policy else None) or api.span
        yield Compared(
            api.address,
            "may be called by",
            question.requests._replace(context=context),
            kind,
            policies[0],
            policies[1],
            span,
            question.about,
        )
