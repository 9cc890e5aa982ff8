"""`allow` and `deny` about a service's own calls to an API, which the API's resource policy decides."""

from collections.abc import Iterator

from policy_audit.iam.api_gateway import authorization_of, service_call
from policy_audit.iam.request import Texts, literal
from policy_audit.model.resources import Api, Missing
from policy_audit.model.system import System
from policy_audit.model.value import has_letters
from policy_audit.rulebook.requirement import Requirement, context_of, place, undecidable
from policy_audit.rulebook.rule import Permission, Rule


def service_requests(
    rule: Rule, clause: Permission, subject: object, system: System, action: str
) -> Iterator[Requirement]:
    """That the API lets every such request of the service in, or none, as the clause says.

    `aws:SourceArn` and `aws:SourceAccount` of the clause's `when` tell on whose behalf the service calls.
    """
    service, resource = clause.principal.service, clause.resource.of(subject)
    api = clause.by.of(subject) if clause.by else None
    sentence = f"{rule.summary} ({action})"
    for needed in (api, resource):
        if isinstance(needed, Missing):
            yield undecidable(rule, subject, sentence, needed.reason, system)
            return
    assert isinstance(api, Api) and isinstance(resource, str)
    show = system.symbols.show
    context, missing = context_of(clause, subject, system)
    may = "may" if clause.effect == "allow" else "may not"
    method = getattr(subject, "method_authorization", "AWS_IAM")
    authorization = authorization_of(_known(method))
    if authorization is None:
        missing = missing or f"an authorizer decides at `{show(resource)}` ({show(_known(method))})"
    name = api.address.rpartition("#")[2]
    questions = (
        () if authorization is None else (service_call(api, Texts((literal(resource),)), context, authorization),)
    )
    about = "a workflow of its own" if clause.effect == "allow" else "another workflow"
    yield Requirement(
        rule,
        subject,
        f"`{service}` {may} call `{action}` on `{show(resource)}` for {about}: {rule.summary}",
        api.address,
        (api.policy.span if api.policy else None) or api.span,
        place(subject)[1],
        effect=clause.effect,
        questions=tuple(one._replace(about=about) for one in questions),
        missing=missing,
        unseen=(f"the resource policy of `{name}`",) if api.policy is not None and api.policy.unknown else (),
        principal=service,
        action=action,
        resource=show(resource),
    )


def _known(method: object) -> str:
    """The authorization type; a method that is not visible is another rule's business, and most are of one type."""
    return method if isinstance(method, str) and (method or has_letters(method)) else "AWS_IAM"
