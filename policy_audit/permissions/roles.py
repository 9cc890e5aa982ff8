"""What each role needs for what its workflows do: the smallest policy that is proven to be enough."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.iam.prove import EVERYTHING
from policy_audit.iam.request import literal, literal_text
from policy_audit.model.policy import Condition, Policy, Statement
from policy_audit.model.resources import Role
from policy_audit.model.value import Symbols, is_hole
from policy_audit.permissions.substituted import with_policies
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.requirement import Requirement
from policy_audit.rulebook.rule import Permission, Rule

VERSION: Final = "2012-10-17"
Texts = tuple[str, ...]
Conditions = tuple[Condition, ...]


class RolePolicy(NamedTuple):
    """The policy that a role needs. `needs` are the requirements that it meets; `open` says what is not covered."""

    role: Role
    policy: Policy
    needs: tuple[Requirement, ...]
    open: tuple[str, ...] = ()


def role_policies(
    requirements: Iterable[Requirement], roles: Mapping[str, Role], symbols: Symbols
) -> tuple[RolePolicy, ...]:
    """The least policy of each of `roles` (by ARN) of which one of `requirements` asks anything.

    What is needed beyond a role's own policies (an API whose policy denies the role, a boundary) is told as `open`.
    """
    needs: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        arn = role_of(requirement)
        if arn in roles:
            needs.setdefault(arn, []).append(requirement)
    return tuple(_of(role, needs[arn], symbols) for arn, role in roles.items() if arn in needs)


def role_of(requirement: Requirement) -> str:
    """The ARN of the role whose own policies the requirement is about; empty for any other requirement."""
    if requirement.effect != "allow":
        return ""
    if requirement.missing:
        role = getattr(requirement.subject, "role", None)
        return role.arn if isinstance(role, Role) and _asks_of_a_role(requirement.rule) else ""
    for question in requirement.questions:
        callers = question.requests.callers.patterns
        arn = literal_text(callers[0]) if len(callers) == 1 else None
        if question.authorization != "trust" and question.requests.kind == "signed" and arn:
            return arn
    return ""


def _asks_of_a_role(rule: Rule) -> bool:
    return any(
        isinstance(one, Permission) and one.effect == "allow" and one.principal.kind == "role" for one in rule.require
    )


def _of(role: Role, requirements: Sequence[Requirement], symbols: Symbols) -> RolePolicy:
    unknown = [f"{one.sentence}: {one.missing}" for one in requirements if one.missing]
    needs = []
    for one in requirements:
        if one.missing:
            continue
        answered = decide(with_policies(one, lambda policies: policies._replace(identity=(EVERYTHING,))), symbols)
        if answered.answer == "proven":
            needs.append(one)
        else:
            reason = answered.reasons[0] if answered.reasons else "another policy denies it"
            unknown.append(f"{one.sentence}: {reason}")
    statements = _merged(statement for one in needs for statement in granting(one))
    policy = _minimal(Policy(statements, VERSION, "least"), needs, symbols)
    return RolePolicy(role, policy, tuple(needs), tuple(map(symbols.show, dict.fromkeys(unknown))))


def is_enough(policy: Policy, needs: Sequence[Requirement], symbols: Symbols) -> bool:
    """Whether a role with `policy` as its only one meets every one of `needs`."""

    def meets(requirement: Requirement) -> bool:
        asked = with_policies(requirement, lambda policies: policies._replace(identity=(policy,)))
        return decide(asked, symbols).answer == "proven"

    return all(map(meets, needs))


# ---- statements -----------------------------------------------------------------------------------------------------


def granting(requirement: Requirement) -> Iterator[Statement]:
    """A statement for each action that the requirement asks for, on its resource, limited by the rule's own keys."""
    keys = {
        key.lower(): key
        for clause in requirement.rule.require
        if isinstance(clause, Permission)
        for key, _ in clause.when
    }
    for question in requirement.questions:
        requests = question.requests
        conditions = []
        for name, key in sorted(requests.context.items()):
            if name in keys and key.values is not None and not key.values.but and not key.maybe_absent:
                values = tuple(map(pattern_of, key.values.patterns))
                if "*" not in values:
                    operator = "StringLike" if any("*" in value for value in values) else "StringEquals"
                    conditions.append(Condition(operator, keys[name], values))
        for action in requests.actions.patterns:
            resources = tuple(map(pattern_of, requests.resources.patterns))
            yield Statement("Allow", (action,), resources, conditions=tuple(conditions))


def pattern_of(glob: str) -> str:
    """A glob as a policy has it: `*` for each part that only the running workflow knows."""
    if glob == literal("*"):
        return "*"  # What AWS's pages ask for where an action has no resource.
    opened = "".join("*" if is_hole(character) else character for character in glob)
    while "**" in opened:
        opened = opened.replace("**", "*")
    return opened


def _merged(statements: Iterator[Statement]) -> tuple[Statement, ...]:
    """As few statements as say the same: actions on one resource together, then resources of the same actions."""
    by_resource: dict[tuple[Texts, Conditions], dict[str, None]] = {}
    for one in statements:
        by_resource.setdefault((one.resources or (), one.conditions), {}).update(dict.fromkeys(one.actions))
    by_action: dict[tuple[Texts, Conditions], dict[str, None]] = {}
    for (resources, conditions), actions in by_resource.items():
        by_action.setdefault((tuple(actions), conditions), {}).update(dict.fromkeys(resources))
    return tuple(
        Statement("Allow", actions, tuple(resources), conditions=conditions)
        for (actions, conditions), resources in by_action.items()
    )


def _minimal(policy: Policy, needs: Sequence[Requirement], symbols: Symbols) -> Policy:
    """The policy without every action and every resource that it is enough without."""
    found = True
    while found:
        found = False
        for smaller, actions in smaller_policies(policy):
            affected = [one for one in needs if actions & _actions(one)]
            if affected and is_enough(smaller, affected, symbols):
                policy, found = smaller, True
                break
    return policy


def smaller_policies(policy: Policy) -> Iterator[tuple[Policy, frozenset[str]]]:
    """The policy without one action, or one resource, of one statement; with the actions that this is about."""
    for index, statement in enumerate(policy.statements):
        for action in statement.actions:
            rest = tuple(one for one in statement.actions if one != action)
            yield _replaced(policy, index, statement._replace(actions=rest) if rest else None), frozenset({action})
        resources = statement.resources or ()
        for resource in resources if len(resources) > 1 else ():
            rest = tuple(one for one in resources if one != resource)
            yield _replaced(policy, index, statement._replace(resources=rest)), frozenset(statement.actions)


def _replaced(policy: Policy, index: int, statement: Statement | None) -> Policy:
    kept = (statement,) if statement is not None else ()
    return policy._replace(statements=(*policy.statements[:index], *kept, *policy.statements[index + 1 :]))


def _actions(requirement: Requirement) -> frozenset[str]:
    return frozenset(action for question in requirement.questions for action in question.requests.actions.patterns)
