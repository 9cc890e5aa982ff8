"""`deny` about a service that assumes a role: on whose behalf it must not be allowed to."""

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.known_keys import ABSENT
from policy_audit.iam.request import Key, Policies, Texts, literal
from policy_audit.model.resources import Missing, Role
from policy_audit.model.system import System
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.requirement import (
    Requirement,
    context_of,
    name_of,
    place,
    question,
    surroundings,
    undecidable,
)
from policy_audit.rulebook.rule import Permission, Rule


def kept_out(rule: Rule, clause: Permission, subject: object, system: System, action: str) -> Requirement:
    """A service may not assume a role for anybody whom the clause's keys describe.

    They are accounts outside of the role's organization: a condition on that keeps them out as well.
    """
    role, service = clause.by.of(subject) if clause.by else None, clause.principal.service
    if not isinstance(role, Role):
        reason = role.reason if isinstance(role, Missing) else "the role is not known"
        return undecidable(rule, subject, rule.summary, reason, system)
    context, missing = context_of(clause, subject, system)
    outside = {"sts:externalid": ABSENT, "aws:sourceorgid": ABSENT, "aws:sourceorgpaths": ABSENT}
    policies = Policies((), resource=role.trust)

    def ask(keys: dict[str, Key]) -> Question:
        return question(
            service, action, role.arn, role.account, outside | keys | surroundings(system, role.arn), policies, "trust"
        )._replace(about=f"`{service}`, on behalf of another account,")

    telling = {
        key.lower(): Key(Texts((literal(other.telling[0]),)))
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan) and other.telling
    }
    return Requirement(
        rule,
        subject,
        f"`{service}` may assume `{name_of(role, system)}` for its own account only",
        role.address,
        role.trust.span or role.span,
        place(subject)[1],
        effect="deny",
        questions=(ask(context),),
        telling=(ask(context | telling),) if telling else (),
        missing=missing,
        principal=service,
        action=action,
        resource=system.symbols.show(role.arn),
    )
