"""Whom a statement of a resource policy names: `Principal` and `NotPrincipal` against the caller of one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from collections.abc import Iterator
from typing import Literal

from policy_audit.iam.context import IAM_PRINCIPALS, Facts
from policy_audit.iam.open_text import UNKNOWN, matches
from policy_audit.iam.truth import Truth, all_of, any_of
from policy_audit.model.policy import Principal
from policy_audit.model.value import has_letters

Naming = Literal["directly", "by role", "by account", "as anyone"]
"""How a statement names a caller: a user, session or service itself; a role, which its boundary and session policy
still limit; an account, which delegates to its identity policies; or by `*`."""
Named = tuple[Naming, Truth]


def named(principals: tuple[Principal, ...], facts: Facts) -> Iterator[Named]:
    """Every way in which `Principal` names the caller, or may name them."""
    for principal in principals:
        for naming, truth in _named(principal, facts):
            if truth is not False:
                yield naming, truth


def is_exempt(principals: tuple[Principal, ...], facts: Facts) -> Truth:
    """Whether `NotPrincipal` spares the caller.

    It spares an IAM principal only when the list has the account and the principal itself, and for a session also the
    session; else AWS may deny at the part that is missing. A request told by its role's ARN has a session that
    nothing tells: whether that is listed is unknown.
    """
    if facts.is_bounded:
        # "Will always deny any IAM principal that has a permissions boundary policy attached":
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        return False
    ways: dict[Naming, Truth] = {}
    for naming, truth in named(principals, facts):
        ways[naming] = any_of((ways.get(naming, False), truth))
    anyone, account = ways.get("as anyone", False), ways.get("by account", False)
    if facts.kind == "root":
        return any_of((anyone, account))
    if facts.kind in ("user", "federated"):
        return any_of((anyone, all_of((account, ways.get("directly", False)))))
    if facts.kind == "session":
        return any_of((anyone, all_of((account, ways.get("by role", False), ways.get("directly", False)))))
    if facts.kind == "role":
        exempt = all_of((account, ways.get("by role", False)))
        return any_of((anyone, None if exempt else exempt))
    return any_of((anyone, ways.get("directly", False)))


def _named(principal: Principal, facts: Facts) -> Iterator[Named]:
    kind, value = principal
    if value == "*" and kind in ("*", "AWS"):
        yield "as anyone", True
    elif kind == "Service":
        if facts.kind == "service":
            yield "directly", True if value == "*" else _equal(value, facts.arn, facts)
    elif kind == "Federated":
        if facts.kind == "identity provider":
            yield "directly", True if value == "*" else _equal(value, facts.arn, facts)
    elif kind == "CanonicalUser":
        # The canonical id of an account cannot be worked out from anything that the request tells.
        if facts.kind in IAM_PRINCIPALS:
            yield "by account", None
    elif kind == "AWS" and facts.kind in IAM_PRINCIPALS:
        yield from _named_by_arn(value, facts)
    elif kind in ("*", "AWS"):
        yield "as anyone", _equal(value, "*", facts)


def _named_by_arn(value: str, facts: Facts) -> Iterator[Named]:
    parts = value.split(":", 5)
    if len(parts) < 6:
        yield from _named_by_word(value, facts)
        return
    root = _equal(parts[5], "root", facts)
    if root is not False:
        yield "by account", all_of((root, _is_account_of(parts, facts)))
    naming: Naming = "by account" if facts.kind == "root" else "by role" if facts.kind == "role" else "directly"
    yield naming, _equal(value, facts.arn, facts)
    if facts.kind == "session":
        yield "by role", _is_role_of(parts, facts)
    if facts.kind == "role" and parts[2] == "sts":
        # The session that the role's request is made with is not told.
        yield "directly", all_of((_is_session_of(parts, facts), None))


def _is_account_of(parts: list[str], facts: Facts) -> Truth:
    """Whether the `:root` ARN `parts` is that of the caller's account."""
    given = facts.arn.split(":", 5)
    if len(given) < 6:
        return None
    return _equal(":".join((*parts[:5], "root")), ":".join(("arn", given[1], "iam", "", given[4], "root")), facts)


def _named_by_word(value: str, facts: Facts) -> Iterator[Named]:
    """A principal that is not an ARN: an account's twelve digits, an open value, or a unique id of somebody gone."""
    if len(value) == 12 and value.isascii() and value.isdecimal():
        yield "by account", _equal(value, facts.account, facts)
    elif has_letters(value):
        # The value may be `*`, an account, or the ARN of any principal.
        yield "as anyone", _equal(value, "*", facts)
        yield "by account", all_of((_equal(value, facts.account, facts), None))
        naming: Naming = "by role" if facts.kind in ("role", "session") else "directly"
        truth = _equal(value, facts.arn, facts)
        yield naming, None if truth is False and facts.kind == "session" else truth
    elif value[:4] in ("AIDA", "AROA"):
        user_id = facts.lookup("aws:userid")
        naming = "by role" if value.startswith("AROA") else "directly"
        if user_id is None:
            yield naming, None
        elif isinstance(user_id, str):
            yield naming, _equal(value, user_id.partition(":")[0], facts)


def _is_role_of(parts: list[str], facts: Facts) -> Truth:
    """Whether the role ARN `parts` is that of the session: by name alone, for a session's ARN drops the role's path."""
    given = facts.arn.split(":", 5)
    if len(given) < 6 or not (parts[5].startswith("role/") or has_letters(parts[5])):
        return None if len(given) < 6 else False
    session = given[5].split("/")
    name = session[1] if len(session) > 1 else UNKNOWN
    ours = ":".join((*parts[:5], f"role/{parts[5].rpartition('/')[2]}"))
    return _equal(ours, ":".join(("arn", given[1], "iam", "", given[4], f"role/{name}")), facts)


def _is_session_of(parts: list[str], facts: Facts) -> Truth:
    """Whether the assumed-role ARN `parts` is that of a session of the calling role."""
    given = facts.arn.split(":", 5)
    session = parts[5].split("/")
    if len(given) < 6 or session[0] != "assumed-role" or len(session) < 2:
        return None if has_letters(facts.arn) or has_letters(parts[5]) else False
    ours = ":".join((parts[0], parts[1], "iam", "", parts[4], session[1]))
    return _equal(ours, ":".join((*given[:5], given[5].rpartition("/")[2])), facts)


def _equal(value: str, text: str, facts: Facts) -> Truth:
    """Principals are compared as they stand: only the whole `*` is a wildcard."""
    if value == text and UNKNOWN not in value:
        return True
    if not has_letters(value) and not has_letters(text):
        return False
    return matches(value, text, False, facts.symbols)
