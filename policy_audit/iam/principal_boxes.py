"""`Principal` and `NotPrincipal` as questions about the dimension of callers, by the way in which callers are named."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from policy_audit.iam.boxes import Draft, Naming, Term
from policy_audit.iam.domains import Matches
from policy_audit.iam.patterns import STAR, Pattern, glob, glob_of, literal, matches
from policy_audit.iam.principal_domain import TYPES
from policy_audit.iam.readings import Reading, exactly, join, parse
from policy_audit.iam.space import PRINCIPAL, Space
from policy_audit.model.policy import Principal, Statement
from policy_audit.model.value import ACCOUNT, has_holes, has_letters, is_hole

_EVERYBODY: Final = glob("*")
_FEDERATED: Final = glob(TYPES["FederatedUser"])
_ROLES: Final = glob(TYPES["AssumedRole"])

Named = tuple[Naming, Reading]


def principal_terms(draft: Draft, space: Space, bounded: bool) -> Iterator[tuple[Naming, Term | None]]:
    """The ways in which the statement names callers, each with its question; None stands for everybody.

    A statement without `Principal` is about nobody: it yields nothing. `bounded`: the callers have a boundary.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    statement = draft.statement
    if statement is None or statement.unknown:
        yield "directly", None
        return
    if statement.principals is None:
        return
    if statement.not_principal:
        # "Will always deny any IAM principal that has a permissions boundary policy attached":
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        listed = () if bounded and space.requests.kind == "signed" else statement.principals
        yield "as anyone", _not_principal(statement, listed, space)
        return
    ways: dict[Naming, list[Reading]] = {}
    for principal in statement.principals:
        for naming, reading in _named(principal, space):
            ways.setdefault(naming, []).append(reading)
    for naming, readings in ways.items():
        yield _through_principal_arn(naming, statement), _asked(join(readings), space)


def _through_principal_arn(naming: Naming, statement: Statement) -> Naming:
    """`Principal: "*"` with a condition on `aws:PrincipalArn` grants to the session itself.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    if naming == "as anyone" and any(each.key.lower() == "aws:principalarn" for each in statement.conditions):
        return "directly"
    return naming


def _asked(reading: Reading, space: Space, negated: bool = False) -> Term | None:
    if _EVERYBODY in reading.narrow and not negated:
        return None
    dimension = space.dimensions[PRINCIPAL]
    wide = tuple(dimension.add(Matches(pattern)) for pattern in reading.wide)
    narrow = tuple(dimension.add(Matches(pattern)) for pattern in reading.narrow)
    return Term(PRINCIPAL, wide, narrow, negated, reason=reading.reason)


def _maybe(reason: str, *patterns: Pattern) -> Reading:
    return Reading(patterns, (), reason)


def _named(principal: Principal, space: Space) -> Iterator[Named]:
    kind, value = principal
    signed = space.requests.kind == "signed"
    if value == "*" and kind in ("*", "AWS"):
        yield "as anyone", exactly(_EVERYBODY)
    elif kind == "Service":
        if space.requests.kind == "service":
            yield "directly", exactly(_EVERYBODY) if value == "*" else _equal(value)
    elif kind == "Federated":
        if signed:
            yield "directly", exactly(_FEDERATED) if value == "*" else _equal(value)
    elif kind == "CanonicalUser":
        if signed:
            yield "by account", _maybe("whose canonical user id this is cannot be told", _EVERYBODY)
    elif kind not in ("*", "AWS"):
        yield "directly", _maybe(f"IAM has no type of principal `{kind}`", _EVERYBODY)
    elif signed:
        yield from _by_arn(value, space)
    elif has_letters(value) and _may_be_anybody(value, space):
        yield "as anyone", _maybe("an open principal may be `*`", _EVERYBODY)


def _equal(value: str) -> Reading:
    parsed = parse(value, False, None)
    if parsed is None or not parsed[1]:
        return exactly(literal(value))
    return _maybe(parsed[1], glob_of(parsed[0]))


def _may_be_anybody(value: str, space: Space) -> bool:
    return len(value) == 1 and (is_hole(value) or space.symbols.of(value).shape.admits("*"))


def _by_arn(value: str, space: Space) -> Iterator[Named]:
    parts = value.split(":", 5)
    if len(parts) < 6:
        yield from _by_word(value, space)
        return
    if has_holes(value):
        pattern = glob_of([STAR if is_hole(character) else character for character in value])
        patterns = [pattern]
        if has_holes(parts[5]):
            patterns.append(glob(f"arn:{_open(parts[1])}:*::{_open(parts[4])}:*"))
        yield "directly", _maybe("a part of a principal is not known", *patterns)
    elif parts[5] == "root":
        yield "by account", exactly(glob(f"arn:{parts[1]}:*::{parts[4]}:*"))
    elif parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        name = parts[5].split("/")[1]
        head = f"arn:{parts[1]}:iam::{parts[4]}:role/"
        roles = (literal(head + name), glob_of([*head, STAR, "/", *name]))
        yield "directly", _maybe("a session is named, which tells only some requests of its role", *roles)
    else:
        yield "by role" if parts[5].startswith("role/") or has_letters(parts[5]) else "directly", _equal(value)


def _open(text: str) -> str:
    return "".join("*" if is_hole(character) else character for character in text)


def _by_word(value: str, space: Space) -> Iterator[Named]:
    """A principal that is not an ARN: an account's twelve digits, an open value, or a unique id of somebody gone."""
    if re.fullmatch("[0-9]{12}", value):
        yield "by account", exactly(glob(f"arn:*:*::{value}:*"))
    elif has_letters(value):
        if _may_be_anybody(value, space):
            yield "as anyone", _maybe("an open principal may be `*`", _EVERYBODY)
            yield "by account", _maybe("an open principal may be an account", _EVERYBODY)
        account = glob(f"arn:*:*::{_open(value)}:*")
        if len(value) == 1 and not is_hole(value) and space.symbols.of(value).shape == ACCOUNT:
            yield "by account", exactly(account)
            return
        if not _may_be_anybody(value, space):
            yield "by account", _maybe("an open principal may be an account", account)
        yield "by role", _equal(value)
    elif value.startswith("AROA"):
        yield "by role", _maybe("a principal is named by its unique id, which nothing tells", _ROLES)
    elif value.startswith("AIDA"):
        yield "directly", _maybe("a principal is named by its unique id, which nothing tells", _EVERYBODY)


# ---- NotPrincipal


def _not_principal(statement: Statement, principals: Iterable[Principal], space: Space) -> Term:
    """`NotPrincipal` spares an IAM principal only when its account is listed too, and a session's role with both.

    With Allow AWS does not support it: whatever it grants carries no proof, and neither does what it may not grant.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    ways: dict[Naming, list[Reading]] = {}
    for principal in principals:
        for naming, reading in _named(principal, space):
            ways.setdefault(naming, []).append(reading)
    spared = _spared(ways, space)
    if statement.effect == "Allow":
        # May apply to whoever is not spared for certain, need not apply to anybody.
        reason = "AWS does not support `NotPrincipal` with Allow"
        spared = Reading((_EVERYBODY,), spared.narrow, reason)
    term = _asked(spared, space, negated=True)
    assert term is not None
    return term


def _spared(ways: dict[Naming, list[Reading]], space: Space) -> Reading:
    """Whom the list spares for certain (`narrow`), and whom it may spare (`wide`)."""
    anyone, directly = join(ways.get("as anyone", ())), join(ways.get("directly", ()))
    if space.requests.kind != "signed":
        return join((anyone, directly))
    accounts, roles = join(ways.get("by account", ())), join(ways.get("by role", ()))
    wide, narrow = list(anyone.wide), list(anyone.narrow)
    narrow += [root for pattern in accounts.narrow if (root := _root_of(pattern)) is not None]
    narrow += [each for each in directly.narrow if any(_is_in(each, account) for account in accounts.narrow)]
    if accounts.wide:
        listed = (*directly.wide, *roles.wide)
        wide += [each for each in listed if any(_may_be_in(each, account) for account in accounts.wide)]
        wide += [root for pattern in accounts.wide if (root := _root_of(pattern)) is not None]
        wide += [pattern for pattern in accounts.wide if _root_of(pattern) is None]
    reason = anyone.reason or directly.reason or accounts.reason
    if roles.wide and accounts.wide:
        reason = reason or "whether `NotPrincipal` spares a role hangs on its session being listed"
    return Reading(tuple(wide), tuple(narrow), reason)


def _root_of(account: Pattern) -> Pattern | None:
    """The root users of the accounts that a pattern made by `_by_arn` or `_by_word` stands for."""
    text = _text_of(account)
    if text is None or not text.startswith("arn:") or not text.endswith(":*"):
        return None
    parts = text.split(":")
    return glob(f"arn:{parts[1]}:iam::{parts[4]}:root")


def _is_in(principal: Pattern, account: Pattern) -> bool:
    """Whether the principal, a literal, belongs to the account that is listed."""
    return principal.kind == "literal" and matches(account, principal.text)


def _may_be_in(principal: Pattern, account: Pattern) -> bool:
    positions = (*principal.positions, *account.positions)
    opened = has_letters("".join(position for position in positions if isinstance(position, str)))
    return opened or principal.kind != "literal" or matches(account, principal.text)


def _text_of(pattern: Pattern) -> str | None:
    """The glob that `pattern` was made of, if it has no `?`."""
    parts: list[str] = []
    loops = {at for at, _ in pattern.loops}
    for at, position in enumerate(pattern.positions):
        if at in loops:
            parts.append("*")
        if not isinstance(position, str):
            return None
        parts.append(position)
    if len(pattern.positions) in loops:
        parts.append("*")
    return "".join(parts)
