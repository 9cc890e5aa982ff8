"""Why a request is not allowed: the statements that would allow it but for one thing."""

from collections.abc import Iterator
from typing import Final

from policy_audit.iam.combine import Group, ask
from policy_audit.iam.context import Facts
from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.request import Authorization, Deciding, Policies, Request
from policy_audit.iam.statements import CompiledStatement
from policy_audit.iam.truth import Truth, any_of
from policy_audit.model.value import Symbols
from policy_audit.record import NamedTuple

_LONGEST: Final = 128
_CLOSE: Final = 0.85


class NearMiss(NamedTuple):
    """An Allow statement that fails by exactly one element.

    `failed` is `principal`, `action`, `resource`, or operator and key of a condition, such as
    `StringEquals states:HTTPEndpoint`; `values` are what the statement has there.
    """

    deciding: Deciding
    failed: tuple[str, ...]
    values: tuple[str, ...]


def near_misses(
    request: Request,
    policies: Policies,
    authorization: Authorization = "ordinary",
    symbols: Symbols | None = None,
) -> tuple[NearMiss, ...]:
    """The Allow statements that miss the request by one element, the closest first.

    An action that merely differs says nothing; one that looks like a slip of the pen is told when nothing else is near.
    """
    evaluator = Evaluator(policies, authorization, symbols)
    facts = evaluator.facts(request)
    lacking = [group for group in evaluator.groups() if ask(group, facts).allow is not True]
    statements = [(group, statement) for group in lacking for statement in group.allows]
    found = [miss for group, statement in statements for miss in _miss(group, statement, facts)]
    found = found or [miss for group, statement in statements for miss in _misspelt(group, statement, facts)]
    return tuple(sorted(found, key=lambda miss: _distance(miss, facts)))


def _failing(group: Group, statement: CompiledStatement, facts: Facts) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The elements of the statement that do not fit the request, each with its values."""
    written = statement.statement
    failing: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    if group.has_principals and _names(statement, facts) is False:
        failing.append((("principal",), tuple(principal.value for principal in written.principals or ())))
    if statement.fits_action(facts) is False:
        failing.append((("action",), written.actions))
    if statement.fits_resource(facts) is False:
        failing.append((("resource",), written.resources or ()))
    for compiled in statement.conditions:
        if compiled.check(facts) is False:
            condition = compiled.condition
            failing.append(((f"{condition.operator} {condition.key}",), condition.values))
    return failing


def _names(statement: CompiledStatement, facts: Facts) -> Truth:
    return any_of(truth for _, truth in statement.names(facts))


def _miss(group: Group, statement: CompiledStatement, facts: Facts) -> Iterator[NearMiss]:
    failing = _failing(group, statement, facts)
    if len(failing) == 1 and failing[0][0] != ("action",):
        yield NearMiss(statement.deciding, *failing[0])


def _misspelt(group: Group, statement: CompiledStatement, facts: Facts) -> Iterator[NearMiss]:
    failing = _failing(group, statement, facts)
    if len(failing) != 1 or failing[0][0] != ("action",) or statement.statement.not_action:
        return
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(b=facts.action[:_LONGEST], autojunk=False)
    close: list[str] = []
    for action in failing[0][1]:
        matcher.set_seq1(action.lower()[:_LONGEST])
        if matcher.real_quick_ratio() >= _CLOSE and matcher.quick_ratio() >= _CLOSE and matcher.ratio() >= _CLOSE:
            close.append(action)
    if close:
        yield NearMiss(statement.deciding, ("action",), tuple(close))


def _distance(miss: NearMiss, facts: Facts) -> tuple[int, int]:
    """Conditions before resources before principals; of resources the one that agrees longest."""
    kind = {"resource": 1, "principal": 2, "action": 3}.get(miss.failed[0], 0)
    if miss.failed != ("resource",):
        return kind, 0
    return kind, -max((_agreeing(value, facts.request.resource) for value in miss.values), default=0)


def _agreeing(one: str, other: str) -> int:
    """The number of characters that both begin with."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
