"""`deny` about those that nobody knows: strangers at an API's methods, and whoever else may assume a service's role."""

from collections.abc import Iterator

from policy_audit.iam.api_gateway import Question, stranger
from policy_audit.iam.known_keys import impossible_keys
from policy_audit.iam.request import Policies, RequestSet, Texts, literal
from policy_audit.model.resources import Api, Missing, Role
from policy_audit.model.rest_api import ApiRequest
from policy_audit.model.system import System
from policy_audit.rulebook.requirement import Requirement, place, surroundings, undecidable
from policy_audit.rulebook.rule import Permission, Rule


def nobody_unknown(
    rule: Rule, clause: Permission, subject: object, system: System, action: str
) -> Iterator[Requirement]:
    """No unsigned request from just anywhere is allowed at the methods that `resource` lists."""
    api, requests = clause.by.of(subject) if clause.by else None, clause.resource.of(subject)
    for needed in (api, requests):
        if isinstance(needed, Missing):
            yield undecidable(rule, subject, rule.summary, needed.reason, system)
            return
    assert isinstance(api, Api) and isinstance(requests, tuple)
    arns = tuple(request.arn for request in requests if isinstance(request, ApiRequest))
    address, span = place(subject)
    yield Requirement(
        rule,
        subject,
        f"no stranger may call `{action}` on `{system.symbols.show(arns[0])}`",
        address,
        span,
        span,
        effect="deny",
        questions=(stranger(api, Texts(arns)),),
        action=action,
        resource=system.symbols.show(arns[0]),
    )


def nobody_else_assumes(
    rule: Rule, clause: Permission, subject: object, system: System, action: str
) -> Iterator[Requirement]:
    """Nobody but the service may assume the role: no other service, and no principal of any account."""
    role = clause.by.of(subject) if clause.by else None
    if not isinstance(role, Role):
        reason = role.reason if isinstance(role, Missing) else "the role is not known"
        yield undecidable(rule, subject, rule.summary, reason, system)
        return
    service = clause.principal.service
    yield Requirement(
        rule,
        subject,
        f"nobody but `{service}` may call `{action}` on `{system.symbols.show(role.arn)}`",
        role.address,
        role.trust.span or role.span,
        place(subject)[1],
        effect="deny",
        questions=tuple(_others_assume(role, service, action, system)),
        principal=service,
        action=action,
        resource=system.symbols.show(role.arn),
    )


def _others_assume(role: Role, service: str, action: str, system: System) -> Iterator[Question]:
    everybody = f"arn:{literal(system.partition)}:*:*:*:*"
    policies = Policies(identity=None, resource=role.trust)

    def ask(kind: str, callers: Texts, about: str, same_account: bool = True) -> Question:
        requests = RequestSet(
            kind,  # type: ignore[arg-type]
            callers,
            Texts((action,)),
            Texts((literal(role.arn),)),
            role.account,
            same_account,
            impossible_keys(policies, action) | surroundings(system, role.arn),
        )
        return Question(requests, policies, "trust", about)

    yield ask("service", Texts(("*",), (service,)), "another service")
    yield ask("signed", Texts((everybody,)), "a principal of another account", same_account=False)
    yield ask("signed", Texts((everybody,)), "a principal of the role's account")
