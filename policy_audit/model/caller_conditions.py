"""What a statement says of callers, by `Principal` and by condition keys, and where it does not mean what it says."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import Fix, Put, Remove, Rename, Replace, replaced
from policy_audit.model.operators import asks_for_presence, key_of, operator_of
from policy_audit.model.policy import Condition, Principal, Statement
from policy_audit.model.resources import Fact, Role
from policy_audit.model.value import has_letters

if TYPE_CHECKING:
    from policy_audit.model.statements import PolicyStatement

PRINCIPAL_ARN: Final = "aws:principalarn"
_WITHOUT_WILDCARDS: Final = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")
_OF_SERVICES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})
"""Keys that a request carries only when a service makes it on behalf of a resource.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""


def no_session(about: "PolicyStatement") -> Iterator[Fact]:
    """`aws:PrincipalArn` of a session is the ARN of its role, so a session's ARN as value matches nobody.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    conditions = [one for one in about.statement.conditions if key_of(one) == PRINCIPAL_ARN]
    lost = [value for one in conditions for value in one.values if _is_session(value) and not _has_role(value, one)]
    if lost:
        fact = about.fact(False, f"`aws:PrincipalArn` is compared with the session `{lost[0]}`")
        yield fact._replace(fix=_as_role(lost[0]))
    elif conditions:
        yield about.fact(True, "`aws:PrincipalArn` is compared with no session")


def _is_session(value: str) -> bool:
    return ":assumed-role/" in value and ":role/" not in value


def _as_role(session: str) -> Fix | None:
    """The role's ARN in the place of the session's."""
    name, _, rest = session.partition(":assumed-role/")[2].partition("/")
    if not rest or has_letters(name + rest):
        return None
    whole = f":assumed-role/{name}/{rest}"
    return Fix((Replace(":sts::", ":iam::"), Replace(whole, f":role/{name}")))


def _has_role(session: str, condition: Condition) -> bool:
    """Whether the role of the session is listed as well: then the session's ARN beside it does no harm."""
    name = session.partition(":assumed-role/")[2].partition("/")[0]
    return any(":role/" in value and value.rpartition("/")[2] == name for value in condition.values)


def no_idle_wildcard(about: "PolicyStatement") -> Iterator[Fact]:
    """`StringEquals` and `StringNotEquals` take `*` and `?` for the characters themselves, which no ARN has."""
    conditions = [one for one in about.statement.conditions if key_of(one).endswith("arn")]
    for one in conditions:
        if operator_of(one).comparison in _WITHOUT_WILDCARDS:
            for value in one.values:
                if _has_wildcard(value):
                    detail = f"`{one.operator}` compares `{one.key}` with `{value}`, in which `*` is no wildcard"
                    yield about.fact(False, detail, one)._replace(fix=_that_knows_wildcards(about.statement, one))
                    return
    if conditions:
        yield about.fact(True, "no wildcard stands where it is none")


def _that_knows_wildcards(statement: Statement, condition: Condition) -> Fix | None:
    """The operator for patterns in the place of the one for texts, where it compares nothing else."""
    alone = sum(one.operator == condition.operator for one in statement.conditions) == 1
    like = condition.operator.replace("IgnoreCase", "").replace("Equals", "Like")
    if statement.span is None or not alone or like == condition.operator:
        return None
    return Fix((Rename(statement.span, ("Condition", condition.operator), like),))


def _has_wildcard(value: str) -> bool:
    plain = value.replace("${*}", "").replace("${?}", "").replace("${$}", "")
    return "*" in plain or "?" in plain


def whole_roles(about: "PolicyStatement") -> Iterator[Fact]:
    """The ARN of a role holds its path: a value without the path names another role."""
    values = [
        (value, one) for one in about.statement.conditions if key_of(one) == PRINCIPAL_ARN for value in one.values
    ]
    known = False
    for value, one in values:
        role = about.with_path.get(value)
        if role is not None:
            old, new = value.partition(":role/")[2], role.arn.partition(":role/")[2]
            fix = None if has_letters(old + new) else replaced(f":role/{old}", f":role/{new}")
            detail = f"`{value}` leaves out the path of the role `{role.arn}`"
            yield about.fact(False, detail, one)._replace(fix=fix)
            return
        known = known or about.system.role(value, about.address) is not None
    if known:
        yield about.fact(True, "the roles are named with their paths")


def roles_with_path(roles: Iterable[Role]) -> Mapping[str, Role]:
    """The roles that have a path, by the ARN that they would have without it, if no other role has that one."""
    roles = tuple(roles)
    exact = {role.arn for role in roles}
    found: dict[str, Role] = {}
    for role in roles:
        start, separator, rest = role.arn.partition(":role/")
        bare = f"{start}{separator}{rest.rpartition('/')[2]}"
        if "/" in rest and bare not in exact:
            found[bare] = role
    return found


def whole_principals(about: "PolicyStatement") -> Iterator[Fact]:
    """A principal's ARN takes no wildcard: only the whole `*` is one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    named = [one.value for one in about.statement.principals or () if one.type == "AWS" and one.value != "*"]
    partial = [value for value in named if "*" in value or "?" in value]
    if partial:
        yield about.fact(False, f"the principal `{partial[0]}` has a wildcard in it")
    elif named:
        yield about.fact(True, "principals are named in full")


def not_principal(about: "PolicyStatement") -> Iterator[Fact]:
    """`NotPrincipal` is for Deny only, and even there AWS advises against it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if about.statement.not_principal:
        names = ", ".join(f"`{one.value}`" for one in (about.statement.principals or ())[:3])
        yield about.fact(False, f"`NotPrincipal` means everybody but {names}")


def can_be_a_service(about: "PolicyStatement") -> Iterator[Fact]:
    """Who asks for `aws:SourceArn` and the like asks for a service's own call: roles and users never carry the keys."""
    statement = about.statement
    asked = [
        one
        for one in statement.conditions
        if key_of(one) in _OF_SERVICES and not operator_of(one).holds_without_the_key and not _is_null(one)
    ]
    if statement.effect != "Allow" or not asked:
        return
    if about.kind in ("identity", "boundary"):
        detail = f"requests made with a role never carry `{asked[0].key}`"
        fix = None if statement.span is None else Fix((Remove(statement.span, _path(asked[0])),))
        yield about.fact(False, detail, asked[0])._replace(fix=fix)
    elif statement.principals and not statement.not_principal and all(map(_is_one_of_iam, statement.principals)):
        shown = statement.principals[0].value
        yield about.fact(False, f"requests of `{shown}` never carry `{asked[0].key}`", asked[0])
    else:
        yield about.fact(True, "the statement may be about a service")


def _path(condition: Condition) -> tuple[str, ...]:
    return ("Condition", condition.operator, condition.key)


def _is_null(condition: Condition) -> bool:
    return operator_of(condition).comparison == "null"


def _is_one_of_iam(principal: Principal) -> bool:
    return principal.type == "AWS" and principal.value != "*" and not _may_be_anything(principal.value)


def _may_be_anything(value: str) -> bool:
    """Whether a text may turn out to be `*`: a value that is wholly open."""
    return has_letters(value) and len(value) == 1


def sets_ask_for_presence(about: "PolicyStatement") -> Iterator[Fact]:
    """`ForAllValues` is met by a request without the key, so an Allow needs `Null: false` beside it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    statement = about.statement
    asked = [
        one
        for one in statement.conditions
        if operator_of(one).quantifier == "forallvalues" and not _is_null(one) and _tells_callers_apart(one, about)
    ]
    if statement.effect != "Allow" or not asked:
        return
    for one in asked:
        if not _is_sure_to_be_there(one, statement):
            fact = about.fact(
                False, f"`{one.operator}` on `{one.key}` is met by requests that do not carry the key", one
            )
            # With the key asked for, fewer requests are let in, and none more.
            there = ("Condition", "Null", one.key)
            fix = None if statement.span is None else Fix((Put(statement.span, there, "false"),), safe=True)
            yield fact._replace(fix=fix)
            return
    yield about.fact(True, "the keys under `ForAllValues` have to be there")


def _is_sure_to_be_there(condition: Condition, statement: Statement) -> bool:
    """Whether another condition fails where the key is absent."""
    key = key_of(condition)
    return asks_for_presence(statement, key, True) or any(
        key_of(one) == key and not operator_of(one).holds_without_the_key and not _is_null(one)
        for one in statement.conditions
    )


_ABOUT_CALLERS: Final = ("aws:principal", "aws:source", "aws:vpc", "aws:calledvia", "aws:userid", "aws:username")


def _tells_callers_apart(condition: Condition, about: "PolicyStatement") -> bool:
    """In a role's own policies `ForAllValues` mostly limits what is asked for, such as `aws:TagKeys`."""
    if about.kind in ("identity", "boundary"):
        return key_of(condition).startswith(_ABOUT_CALLERS)
    return True
