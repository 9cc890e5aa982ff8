"""`deny`: who must be kept out of an API, and what a role must not be allowed beyond its workflow."""

from collections.abc import Iterator

from policy_audit.iam.api_gateway import AUTHORIZERS, Question, authorization_of, others
from policy_audit.iam.request import Authorization, Key, Policies, Texts, literal
from policy_audit.model.resources import Missing, Role
from policy_audit.model.rest_api import ApiRequest, RestApi
from policy_audit.model.system import System
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.requirement import (
    Requirement,
    actions_of,
    context_of,
    place,
    question,
    surroundings,
    undecidable,
)
from policy_audit.rulebook.rule import Permission, Rule


def deny(rule: Rule, clause: Permission, subject: object, system: System) -> Iterator[Requirement]:
    """What the clause requires of `subject`: a requirement for each action."""
    actions = actions_of(clause, subject)
    if isinstance(actions, Missing):
        yield undecidable(rule, subject, rule.summary, actions.reason, system)
        return
    for action in actions:
        if clause.principal.kind == "anyone_outside":
            # Only private APIs are asked about networks.
            from policy_audit.rulebook.network import nobody_from_elsewhere

            yield from nobody_from_elsewhere(rule, clause, subject, system, action)  # type: ignore[arg-type]
        elif isinstance(subject, RestApi) and clause.principal.kind == "anyone_but":
            yield _restriction(rule, clause, subject, system, action)
        elif clause.principal.kind == "service":
            yield from _of_service(rule, clause, subject, system, action)
        elif clause.principal.kind == "anyone":
            from policy_audit.rulebook.strangers import nobody_unknown

            yield from nobody_unknown(rule, clause, subject, system, action)
        elif clause.principal.kind == "anyone_but_service":
            from policy_audit.rulebook.strangers import nobody_else_assumes

            yield from nobody_else_assumes(rule, clause, subject, system, action)
        else:
            yield from _excess(rule, clause, subject, system, action)


def _of_service(rule: Rule, clause: Permission, subject: object, system: System, action: str) -> Iterator[Requirement]:
    """A service may not do something on behalf of those whom the clause's keys tell."""
    if action == "sts:AssumeRole":
        from policy_audit.rulebook.assumed_roles import kept_out

        yield kept_out(rule, clause, subject, system, action)
        return
    from policy_audit.rulebook.service_calls import service_requests

    yield from service_requests(rule, clause, subject, system, (action,))


def _restriction(rule: Rule, clause: Permission, subject: RestApi, system: System, action: str) -> Requirement:
    """Nobody but the callers reaches any method of the API, on any stage."""
    assert clause.principal.path is not None
    callers, requests = clause.principal.path.of(subject), clause.resource.of(subject)
    sentence = f"no principal but its callers may call `{action}` on any method of `{subject.name}`"
    for needed in (callers, requests):
        if isinstance(needed, Missing):
            return undecidable(rule, subject, sentence, needed.reason, system)
    assert isinstance(callers, tuple) and isinstance(requests, tuple)
    by_authorization: dict[Authorization, list[str]] = {}
    unseen = list(subject.api.unseen)
    for request in requests:
        assert isinstance(request, ApiRequest)
        kind = authorization_of(request.method.authorization if request.method else "")
        if kind is None:
            shown = request.method.authorization if request.method else ""
            unseen.append(f"how `{system.symbols.show(request.arn)}` authorizes is not known (`{shown}`)")
        else:
            by_authorization.setdefault(kind, []).append(request.arn)
    questions = [
        asked
        for kind in ("api-gateway-none", "api-gateway-iam")
        if kind in by_authorization
        for asked in others(subject.api, by_authorization[kind], kind, callers, subject.workflows)
    ]
    guarded = [
        (asked, f"{decides} decides at `{system.symbols.show(by_authorization[kind][0])}`")
        for kind, decides in AUTHORIZERS.items()
        if kind in by_authorization
        for asked in others(subject.api, by_authorization[kind], kind, callers)
    ]
    policy = subject.api.policy
    denies = policy is not None and any(statement.effect == "Deny" for statement in policy.statements)
    return Requirement(
        rule,
        subject,
        sentence,
        subject.address,
        (policy.span if policy else None) or subject.span,
        subject.span,
        effect="deny",
        questions=tuple(questions),
        guarded=tuple(guarded),
        missing="" if questions or guarded else (unseen or ["the API has no method"])[0],
        unseen=tuple(dict.fromkeys(unseen)),
        tentative="the API's stages are not among the audited files" if denies and not subject.api.stages else "",
        principal=", ".join(f"`{system.symbols.show(arn)}`" for arn in callers) or "nobody",
        action=action,
        resource=system.symbols.show(subject.api.arn),
    )


def _excess(rule: Rule, clause: Permission, subject: object, system: System, action: str) -> Iterator[Requirement]:
    """A role may not do more than its workflow needs."""
    role = clause.principal.path.of(subject) if clause.principal.path else None
    resource = clause.resource.of(subject)
    context, missing = context_of(clause, subject, system)
    show = system.symbols.show
    if not isinstance(role, Role) or not isinstance(resource, str):
        unknown = next((each.reason for each in (role, resource) if isinstance(each, Missing)), "the role is not known")
        yield undecidable(rule, subject, f"{rule.summary} ({action})", unknown, system)
        return
    others = [other for _, path in clause.when if isinstance(other := path.of(subject), OtherThan)]
    sentence = f"`{show(role.arn)}` may not call `{action}` on `{show(resource)}`"
    if others:
        sentence = f"`{show(role.arn)}` may call `{action}` on `{show(resource)}` for the workflow's own endpoints only"
    requirement = Requirement(
        rule,
        subject,
        sentence,
        role.address,
        role.span,
        place(subject)[1],
        effect="deny",
        principal=role.address.rpartition("#")[2],
        action=action,
        resource=show(resource),
    )
    if missing:
        yield requirement._replace(missing=missing)
        return
    policies = Policies(role.policies)

    def ask(keys: dict[str, Key]) -> Question:
        return question(role.arn, action, resource, role.account, keys | surroundings(system, resource), policies)

    telling = [
        ask(context | {key.lower(): Key(Texts((literal(text),)))})
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan)
        for text in other.telling
    ]
    yield requirement._replace(questions=(ask(context),), telling=tuple(telling))
