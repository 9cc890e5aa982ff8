"""`allow` and `deny` about what is sent to a queue, topic, function or bus, where that one's own policy decides."""

from collections.abc import Iterator, Mapping

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.request import Key, Policies, Texts, literal
from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.policy import Policy, Principal
from policy_audit.model.resources import Role
from policy_audit.model.system import System
from policy_audit.model.value import Symbol, has_letters
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.requirement import (
    GRANTS_EVERYTHING,
    Requirement,
    context_of,
    place,
    question,
    surroundings,
    when,
)
from policy_audit.rulebook.rule import Permission, Rule


def _may_let_in(policy: Policy, service: str) -> bool:
    """Whether a statement of the policy may be about the service."""
    return bool(policy.unknown) or any(
        one.unknown or one.not_principal or any(_may_be(each, service) for each in one.principals or ())
        for one in policy.statements
    )


def _may_be(principal: Principal, service: str) -> bool:
    if principal.value == "*" or (len(principal.value) == 1 and has_letters(principal.value)):
        return True
    return principal.type == "Service" and (principal.value == service or has_letters(principal.value))


def service_sends(
    rule: Rule, clause: Permission, subject: object, system: System, actions: tuple[str, ...], owner: OwnPolicy
) -> Iterator[Requirement]:
    """That the policy lets every such request of the service in, or none, as the clause says.

    A service has no identity policies here: without a role it is the resource's policy alone that lets it in.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    show, service = system.symbols.show, clause.principal.service
    action = "`, `".join(actions)
    resource = clause.resource.of(subject)
    assert isinstance(resource, str)
    context, missing = context_of(clause, subject, system)
    # What keeps somebody out needs no help of the organization's.
    rcps = system.rcps(owner.account) if clause.effect == "allow" else None
    policies = Policies((), resource=owner.policy, rcps=rcps)
    # A policy that says nothing of the service lets it in for nobody: all that it is asked for are one gap.
    is_closed = clause.effect == "allow" and not missing and not _may_let_in(owner.policy, service)

    def ask(keys: dict[str, Key]) -> tuple[Question, ...]:
        keys = keys | surroundings(system, owner.arn)
        return tuple(question(service, one, resource, owner.account, keys, policies) for one in actions)

    told = {
        key.lower(): Key(Texts((literal(other.telling[0]),)))
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan) and other.telling
    }
    allowing = clause.effect == "allow"
    asked = " and ".join(f"{key} `{show(text)}`" for key, text in when(clause, subject))
    whose = "" if is_closed else f" for {asked}" if allowing and asked else "" if allowing else " for another account"
    yield Requirement(
        rule,
        subject,
        f"`{service}` {'may' if allowing else 'may not'} call `{action}` on `{show(resource)}`{whose}",
        owner.address,
        owner.policy.span or owner.span,
        place(subject)[1],
        effect=clause.effect,
        questions=ask(context),
        telling=ask(context | told) if told else (),
        also=() if allowing else None,
        is_closed=is_closed,
        missing=missing,
        unseen=owner.unseen,
        principal=service,
        action=action,
        resource=show(resource),
    )


def lets_in(
    requirement: Requirement,
    role: Role,
    actions: tuple[str, ...],
    resource: str,
    owner: OwnPolicy,
    context: Mapping[str, Key],
    system: System,
) -> Requirement:
    """That the policy of a resource of another account lets the role in, whatever the role's own policies allow.

    Both have to: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    policies = Policies((GRANTS_EVERYTHING,), resource=owner.policy)
    show = system.symbols.show
    called = f"`{requirement.action}` on `{requirement.resource}`"
    organization = system.symbols.symbol(Symbol(f"${{the organization of {role.account}}}"))
    keys = {"aws:principalorgid": Key(Texts((literal(organization),)))} | dict(context) | surroundings(system, resource)
    asked = (question(role.arn, one, resource, owner.account, keys, policies, "ordinary", False) for one in actions)
    return requirement._replace(
        questions=tuple(asked),
        unseen=owner.unseen,
        sentence=f"the policy of `{owner.address.rpartition('#')[2]}` lets `{show(role.arn)}` call {called}",
        address=owner.address,
        span=owner.policy.span or owner.span,
    )
