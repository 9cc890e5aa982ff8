"""`allow` and `deny` about a service's own calls to an API, which the API's resource policy decides."""

from collections.abc import Iterator

from policy_audit.iam.api_gateway import STEP_FUNCTIONS, Question, authorization_of, requests_to, service_call
from policy_audit.iam.request import Key, Texts, literal
from policy_audit.model.resources import Api, Missing
from policy_audit.model.system import System
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.requirement import Requirement, context_of, place, undecidable, when
from policy_audit.rulebook.rule import Permission, Rule


def service_requests(
    rule: Rule, clause: Permission, subject: object, system: System, actions: tuple[str, ...]
) -> Iterator[Requirement]:
    """That the API lets every such request of the service in, or none, as the clause says.

    For what has a policy of its own and is no API, several actions are asked as one requirement.

    `aws:SourceArn` and `aws:SourceAccount` of the clause's `when` tell on whose behalf the service calls.
    """
    service, resource = clause.principal.service, clause.resource.of(subject)
    api = clause.by.of(subject) if clause.by else None
    action = "`, `".join(actions)
    sentence = f"{rule.summary} ({', '.join(actions)})"
    for needed in (api, resource):
        if isinstance(needed, Missing):
            yield undecidable(rule, subject, sentence, needed.reason, system)
            return
    if not isinstance(api, Api):
        from policy_audit.model.own_policies import OwnPolicy
        from policy_audit.rulebook.own_policies import service_sends

        assert isinstance(api, OwnPolicy)
        yield from service_sends(rule, clause, subject, system, actions, api)
        return
    assert isinstance(resource, str)
    show = system.symbols.show
    may, whose = ("may", "a workflow of its own") if clause.effect == "allow" else ("may not", "another workflow")
    if service != STEP_FUNCTIONS:
        asked = " and ".join(f"{key} `{show(text)}`" for key, text in when(clause, subject))
        whose = asked or "one of its resources"
    method = getattr(subject, "method_authorization", "AWS_IAM")
    context, missing = context_of(clause, subject, system)

    def ask(keys: dict[str, Key]) -> tuple[Question, ...]:
        authorization = authorization_of(_known(method))
        if authorization is None:
            return ()
        asked = service_call(api, requests_to(literal(resource)), keys, authorization, service)
        return (asked._replace(about=whose),)

    questions, told = ask(context), _told(clause, subject)
    guarded = "" if questions else f"an authorizer decides at `{show(resource)}` ({show(_known(method))})"
    policy = api.policy
    yield Requirement(
        rule,
        subject,
        f"`{service}` {may} call `{action}` on `{show(resource)}` for {whose}: {rule.summary}",
        api.address,
        (policy.span if policy else None) or api.span,
        place(subject)[1],
        effect=clause.effect,
        questions=questions,
        telling=ask(context | told) if told else (),
        missing=missing or guarded,
        unseen=(f"the API's resource policy ({policy.unknown})",) if policy is not None and policy.unknown else (),
        principal=service,
        action=action,
        resource=show(resource),
    )


def _told(clause: Permission, subject: object) -> dict[str, Key]:
    """Values of the keys that make a counterexample easy to grasp."""
    return {
        key.lower(): Key(Texts((literal(other.telling[0]),)))
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan) and other.telling
    }


def _known(method: object) -> str:
    """The authorization type; a method that is not visible is another rule's business, and most are of one type."""
    return method if isinstance(method, str) and (method or has_letters(method)) else "AWS_IAM"
