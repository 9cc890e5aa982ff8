"""`allow` and `deny` about what a service sends to a queue, topic or function, which that one's own policy decides."""

from collections.abc import Iterator

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.request import Key, Policies, Texts, literal
from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.system import System
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.requirement import Requirement, context_of, place, question, surroundings, when
from policy_audit.rulebook.rule import Permission, Rule


def service_sends(
    rule: Rule, clause: Permission, subject: object, system: System, action: str, owner: OwnPolicy
) -> Iterator[Requirement]:
    """That the policy lets every such request of the service in, or none, as the clause says.

    A service has no identity policies here: without a role it is the resource's policy alone that lets it in.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    show, service = system.symbols.show, clause.principal.service
    resource = clause.resource.of(subject)
    assert isinstance(resource, str)
    context, missing = context_of(clause, subject, system)
    policies = Policies((), resource=owner.policy)

    def ask(keys: dict[str, Key]) -> Question:
        keys = keys | surroundings(system, owner.arn)
        return question(service, action, resource, owner.account, keys, policies)

    told = {
        key.lower(): Key(Texts((literal(other.telling[0]),)))
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan) and other.telling
    }
    allowing = clause.effect == "allow"
    asked = " and ".join(f"{key} `{show(text)}`" for key, text in when(clause, subject))
    whose = f" for {asked}" if allowing and asked else "" if allowing else " for another account"
    yield Requirement(
        rule,
        subject,
        f"`{service}` {'may' if allowing else 'may not'} call `{action}` on `{show(resource)}`{whose}",
        owner.address,
        owner.policy.span or owner.span,
        place(subject)[1],
        effect=clause.effect,
        questions=(ask(context),),
        telling=(ask(context | told),) if told else (),
        missing=missing,
        unseen=owner.unseen,
        principal=service,
        action=action,
        resource=show(resource),
    )
