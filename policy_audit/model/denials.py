"""Deny statements that reach fewer requests than they seem to, or more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.model.caller_conditions import PRINCIPAL_ARN
from policy_audit.model.operators import asks_for_presence, key_of, operator_of
from policy_audit.model.patterns import glob
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.policy_coverage import is_for_all, own_form
from policy_audit.model.resources import Api, Fact

if TYPE_CHECKING:
    from policy_audit.model.statements import PolicyStatement

_MFA: Final = "aws:multifactorauthpresent"
_MFA_AGE: Final = "aws:multifactorauthage"
_SPARES_SERVICES: Final = frozenset(
    {
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
    }
)
_ASPECTS: Final = {
    PRINCIPAL_ARN: "who calls",
    "aws:userid": "who calls",
    "aws:sourceip": "from which address",
    "aws:vpcsourceip": "from which address",
    "aws:sourcevpc": "through which VPC",
    "aws:sourcevpce": "through which VPC",
}
_MOST_STATEMENTS: Final = 300
_MOST_PAIRS: Final = 5_000
_VPC_KEYS: Final = frozenset({"aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce"})


def reaches_the_unmarked(about: "PolicyStatement") -> Iterator[Fact]:
    """A Deny that asks for a key's value misses the requests without the key, which it most often means as well.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
    """
    statement = about.statement
    if statement.effect != "Deny":
        return
    for one in statement.conditions:
        meant = _meant(one)
        if not meant:
            continue
        if operator_of(one).holds_without_the_key or _is_seen_to(key_of(one), about):
            yield about.fact(True, f"requests without `{one.key}` are denied as well")
        else:
            yield about.fact(False, f"`{one.operator}` on `{one.key}` misses {meant}", one)
        return


def _meant(condition: Condition) -> str:
    """The requests that lack the key, where a Deny of this form means them as well."""
    key, operator = key_of(condition), operator_of(condition)
    if key == _MFA and operator.comparison == "bool" and {one.lower() for one in condition.values} == {"false"}:
        return "requests with long-term access keys, which do not carry it"
    if key == _MFA_AGE and operator.comparison in ("numericgreaterthan", "numericgreaterthanequals"):
        return "requests without MFA, which do not carry it"
    if operator.quantifier and operator.negated and key.endswith("orgpaths"):
        return "callers of no organization, which do not carry it"
    return ""


def _is_seen_to(key: str, about: "PolicyStatement") -> bool:
    """Whether the policy speaks of requests without the key elsewhere: then the author has thought of them."""
    if asks_for_presence(about.statement, key, True) or len(about.document.policy.statements) > _MOST_STATEMENTS:
        return True
    return any(
        (
            one.effect == "Deny"
            and any(key_of(each) == key and operator_of(each).holds_without_the_key for each in one.conditions)
        )
        or asks_for_presence(one, key, False)
        for one in about.document.policy.statements
    )


def one_aspect(about: "PolicyStatement") -> Iterator[Fact]:
    """Two negated keys are ANDed: "unless role A and unless VPC B" denies only where both differ."""
    statement, api = about.statement, about.document.owner
    if statement.effect != "Deny" or not isinstance(api, Api):
        return
    private = "PRIVATE" in api.endpoint_types
    found: dict[str, Condition] = {}
    for one in statement.conditions:
        aspect = _ASPECTS.get(key_of(one))
        if aspect and operator_of(one).negated and (private or key_of(one) not in _VPC_KEYS):
            found.setdefault(aspect, one)
    if len(found) > 1:
        first, second = list(found.values())[:2]
        yield about.fact(False, f"the Deny applies only where `{first.key}` and `{second.key}` both differ", first)
    elif found:
        yield about.fact(True, "the Deny has one exception")


def spares_services(about: "PolicyStatement") -> Iterator[Fact]:
    """Service principals are not among those that carry `aws:PrincipalArn`: a Deny but for one ARN shuts them out.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    statement = about.statement
    negated = [one for one in statement.conditions if key_of(one) == PRINCIPAL_ARN and operator_of(one).negated]
    if statement.effect != "Deny" or not negated or not is_for_all(statement):
        return
    if len(about.document.policy.statements) > _MOST_STATEMENTS:
        yield about.fact(None, "the policy has too many statements to compare each with each")
        return
    allowed = [one for one in about.document.policy.statements if _services(one) and _meet(one, statement)]
    if not allowed:
        return
    shown = _services(allowed[0])[0]
    spared = any(key_of(one) in _SPARES_SERVICES for one in statement.conditions)
    if spared or asks_for_presence(statement, PRINCIPAL_ARN, True):
        yield about.fact(True, f"`{shown}` is spared")
    else:
        yield about.fact(False, f"`{shown}` is allowed, and likely denied for lack of `aws:PrincipalArn`", negated[0])


def _services(statement: Statement) -> list[str]:
    """The services that an Allow names."""
    if statement.effect != "Allow" or statement.not_principal:
        return []
    return [one.value for one in statement.principals or () if one.type == "Service"]


def _meet(one: Statement, other: Statement) -> bool:
    """Whether some request is in the resources of both."""
    if one.not_resource or other.not_resource or one.resources is None or other.resources is None:
        return True
    if len(one.resources) * len(other.resources) > _MOST_PAIRS:
        return True
    return any(
        glob(own_form(left)).overlaps(own_form(right)) is not False
        for left in one.resources
        for right in other.resources
    )
