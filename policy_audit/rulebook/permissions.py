"""`allow`: what a role, a service or an intended caller must be allowed to do."""

from collections.abc import Iterator, Mapping

from policy_audit.iam.api_gateway import AUTHORIZERS, Question, authorization_of, caller
from policy_audit.iam.known_keys import ABSENT
from policy_audit.iam.request import Authorization, Key, Policies, Texts, literal
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Api, Missing, Role
from policy_audit.model.resources import Key as KmsKey
from policy_audit.model.rest_api import RestApi
from policy_audit.model.system import System
from policy_audit.model.value import Symbol, has_letters
from policy_audit.model.workflow import Call
from policy_audit.rulebook.requirement import (
    GRANTS_EVERYTHING,
    Requirement,
    actions_of,
    context_of,
    name_of,
    place,
    question,
    surroundings,
    undecidable,
    when,
)
from policy_audit.rulebook.rule import Path, Permission, Rule


def allow(rule: Rule, clause: Permission, subject: object, system: System) -> Iterator[Requirement]:
    """What the clause requires of `subject`: a requirement for each action, and for each caller that is named."""
    if clause.principal.kind == "unsigned":
        # Few estates have a private API on the way: what asks about it is imported where one has.
        from policy_audit.rulebook.network import admitted

        for action in actions_of(clause, subject):
            assert isinstance(action, str)
            yield from admitted(rule, clause, subject, system, action)  # type: ignore[arg-type]
        return
    resource = clause.resource.of(subject)
    role = clause.principal.path.of(subject) if clause.principal.path else None
    by = clause.by.of(subject) if clause.by else None
    actions = actions_of(clause, subject)
    if isinstance(actions, Missing):
        yield undecidable(rule, subject, rule.summary, actions.reason, system)
        return
    for group in (actions,) if clause.together else tuple((action,) for action in actions):
        sentence = f"{rule.summary} ({', '.join(group)})"
        for needed in (role, resource):
            if isinstance(needed, Missing):
                yield undecidable(rule, subject, sentence, needed.reason, system)
                break
        else:
            if clause.principal.kind == "service" and group == ("sts:AssumeRole",):
                yield from _trust(rule, clause, subject, system, group[0])
            elif clause.principal.kind == "service":
                from policy_audit.rulebook.service_calls import service_requests

                yield from service_requests(rule, clause, subject, system, group)
            elif isinstance(role, Role):
                yield from _permission(rule, clause, subject, system, group, role, by)
            elif isinstance(role, tuple) and isinstance(by, Api):
                yield from _admitted(rule, subject, system, role, by)


def _permission(
    rule: Rule, clause: Permission, subject: object, system: System, actions: tuple[str, ...], role: Role, by: object
) -> Iterator[Requirement]:
    resource = clause.resource.of(subject)
    assert isinstance(resource, str)
    show = system.symbols.show
    span = place(subject)[1]
    context, missing = context_of(clause, subject, system)
    context = context | _organization(role, resource)
    asked = ", ".join(f"{key} `{show(text)}`" for key, text in when(clause, subject))
    listed = "`, `".join(actions)
    sentence = f"`{show(role.arn)}` may call `{listed}` on `{show(resource)}`{' with ' + asked if asked else ''}"
    requirement = Requirement(
        rule,
        subject,
        sentence,
        role.address,
        role.span,
        span,
        principal=role.address.rpartition("#")[2],
        action=listed,
        resource=show(resource),
        unseen=(*role.unseen, *getattr(subject, "other_grants", ())),
    )
    boundary = role.boundary
    if missing or isinstance(boundary, Missing):
        reason = missing or f"the role's permissions boundary is not visible: {boundary.reason}"  # type: ignore[union-attr]
        yield requirement._replace(missing=reason)
        return
    if isinstance(by, Role):
        yield _at_role(requirement, role, actions[0], by, context | surroundings(system, by.arn))
        return
    if by is not None and not isinstance(by, Api | KmsKey | Missing):
        yield _past(requirement, role, actions, resource, by, context, system)
        return
    if isinstance(by, Missing) and clause.by is not None and clause.by.names[-1] in ("own_policy", "key"):
        yield requirement._replace(missing=by.reason)
        return
    if clause.by is not None and not isinstance(by, KmsKey):
        yield _at_api(requirement, subject, role, resource, boundary, by)
        return

    key = by if isinstance(by, KmsKey) else None
    policies = Policies(
        role.policies,
        (boundary,) if boundary else None,
        resource=key.policy if key else None,
        scps=role.scps,
        rcps=role.rcps if resource.split(":", 5)[4:5] == [role.account] else None,
    )
    kind: Authorization = "kms" if key else "ordinary"

    def ask(action: str, on: str) -> Question:
        return question(role.arn, action, on, role.account, context | surroundings(system, on), policies, kind)

    unconfirmed = _another(clause.unconfirmed_resource, subject, resource)
    instead = _another(clause.or_resource, subject, resource)
    yield requirement._replace(
        questions=tuple(ask(action, resource) for action in actions),
        otherwise=(
            *(ask(actions[0], on) for on in instead),
            *(ask(action, resource) for action in clause.or_actions),
        ),
        doubtful=tuple(ask(action, on) for on in unconfirmed for action in actions),
        also=() if key else None,
    )


def _past(
    requirement: Requirement,
    role: Role,
    actions: tuple[str, ...],
    resource: str,
    by: object,
    context: Mapping[str, Key],
    system: System,
) -> Requirement:
    """Whether a VPC endpoint's policy, or that of what is called, lets the role in: few estates have any of these."""
    from policy_audit.model.own_policies import OwnPolicy

    if isinstance(by, OwnPolicy):
        from policy_audit.rulebook.own_policies import lets_in

        return lets_in(requirement, role, actions, resource, by, context, system)
    from policy_audit.rulebook.network import through_endpoint

    return through_endpoint(requirement, role, resource, by, system)


def _organization(role: Role, resource: str) -> dict[str, Key]:
    """The keys that tell the organization of the caller, and that of the resource where it is of the same account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    if not role.organization:
        return {}
    own = Key(Texts((literal(role.organization),)))
    is_same = resource.split(":", 5)[4:5] == [role.account]
    return {"aws:principalorgid": own} | ({"aws:resourceorgid": own} if is_same else {})


def _another(path: Path | None, subject: object, resource: str) -> tuple[str, ...]:
    """The other form of a resource, if there is one."""
    found = path.of(subject) if path else None
    return (found,) if isinstance(found, str) and found != resource else ()


def _at_role(requirement: Requirement, role: Role, action: str, by: Role, context: Mapping[str, Key]) -> Requirement:
    """Whether the role `by` trusts `role`, whatever the policies of `role` are."""
    policies = Policies((GRANTS_EVERYTHING,), resource=by.trust, rcps=by.rcps)
    same_account = role.arn.split(":", 5)[4:5] == [by.account]
    asked = question(role.arn, action, by.arn, by.account, context, policies, "trust", same_account)
    return requirement._replace(questions=(asked,), unseen=(), address=by.address, span=by.span)


def _at_api(
    requirement: Requirement, subject: object, role: Role, resource: str, boundary: Policy | None, by: object
) -> Requirement:
    """The request that the role makes to an API: combined with the API's own policy, by the method it reaches."""
    if not isinstance(by, Api):
        reason = by.reason if isinstance(by, Missing) else "the API is not known"
        if not hasattr(subject, "method_authorization"):
            return requirement._replace(missing=reason)
        # An API that the audited files don't show: the identity policy suffices unless the API's policy denies.
        outside = Api("REST", "", requirement.span, "", "", role.account)
        found = caller(outside, literal(resource), role.arn, role.policies, boundary, "api-gateway-iam", role.scps)
        return requirement._replace(
            questions=(found,), unseen=(*requirement.unseen, f"the resource policy of the API ({reason})")
        )
    method = getattr(subject, "method_authorization", "AWS_IAM")
    if isinstance(method, Missing):
        # A method that the API doesn't have is the business of another rule; here IAM's answer counts.
        method = "AWS_IAM"
    authorization = authorization_of(method)
    if authorization is None:
        return requirement._replace(missing=f"the authorization type of the method is not known (`{method}`)")
    # A Lambda authorizer's answer stands in the place of identity policies, and nobody sees it before it is given.
    identity = None if authorization in AUTHORIZERS else role.policies

    def ask(on: str) -> Question:
        return caller(by, literal(on), role.arn, identity, boundary, authorization, role.scps)

    if authorization in AUTHORIZERS:
        reason = f"the method is guarded by {AUTHORIZERS[authorization]}"
        return requirement._replace(guarded=((ask(resource), reason),), unseen=(), policy_address=by.address)

    if role.account != by.account and has_letters(role.account + by.account):
        # In one account either policy suffices, in two both must allow: what one account refuses, two refuse as well.
        here = caller(by._replace(account=role.account), literal(resource), role.arn, identity, boundary, authorization)
        reason = "whether the role and the API are of one account is not known (`accounts` tells where templates are)"
        return requirement._replace(guarded=((here, reason),), policy_address=by.address)
    route = subject.default_route_arn if isinstance(subject, Call) else None
    otherwise = (ask(route),) if isinstance(route, str) else ()
    return requirement._replace(questions=(ask(resource),), otherwise=otherwise, policy_address=by.address)


def _trust(rule: Rule, clause: Permission, subject: object, system: System, action: str) -> Iterator[Requirement]:
    role = clause.by.of(subject) if clause.by else None
    service = clause.principal.service
    sentence = f"`{service}` may call `{action}` on the role of `{name_of(subject, system)}`"
    span = place(subject)[1]
    if not isinstance(role, Role):
        reason = role.reason if isinstance(role, Missing) else "the role is not known"
        yield undecidable(rule, subject, sentence, reason, system)
        return
    context, missing = context_of(clause, subject, system)
    # Of two that share a role each is asked: they differ in what they are to it.
    asked = ", ".join(f"{key} `{system.symbols.show(text)}`" for key, text in when(clause, subject))
    sentence = (
        f"`{service}` may call `{action}` on `{system.symbols.show(role.arn)}`{' with ' + asked if asked else ''}"
    )
    policies = Policies((), resource=role.trust, rcps=role.rcps)
    organization = system.symbols.symbol(Symbol("${the account's organization}"))
    known = {"sts:externalid": ABSENT, "aws:sourceorgid": Key(Texts((literal(organization),)))}
    context = known | context | surroundings(system, role.arn)

    def ask(principal: str) -> Question:
        return question(principal, action, role.arn, role.account, context, policies, "trust")

    # Step Functions answers to `states.<Region>.amazonaws.com` as well, which older versions of the AWS CDK and the
    # Serverless Framework write. https://github.com/aws/aws-cdk/issues/19267
    name, _, rest = service.partition(".")
    regional = f"{name}.{system.region}.{rest}"
    yield Requirement(
        rule,
        subject,
        sentence,
        role.address,
        role.span,
        span,
        questions=(ask(service),),
        otherwise=(ask(regional),) if service == "states.amazonaws.com" else (),
        missing=missing,
        principal=service,
        action=action,
        resource=system.symbols.show(role.arn),
    )


def _admitted(rule: Rule, subject: object, system: System, arns: tuple[str, ...], api: Api) -> Iterator[Requirement]:
    """Callers that the configuration names: nothing is known of their identity policies, only that the API's policy
    must not deny them."""
    requests = subject.requests if isinstance(subject, RestApi) else ()
    for arn in arns:
        sentence = f"`{system.symbols.show(arn)}` is not kept out of `{name_of(subject, system)}`"
        if isinstance(requests, Missing):
            yield undecidable(rule, subject, sentence, requests.reason, system)
            continue
        questions = [
            caller(api, request.arn, arn, (GRANTS_EVERYTHING,), None, "api-gateway-iam")
            for request in requests
            if request.method is not None and request.method.authorization == "AWS_IAM"
        ]
        yield Requirement(
            rule,
            subject,
            sentence,
            api.address,
            api.span,
            api.span,
            questions=tuple(questions),
            principal=system.symbols.show(arn),
            action="execute-api:Invoke",
            resource=system.symbols.show(api.arn),
            effect="admit",
        )
