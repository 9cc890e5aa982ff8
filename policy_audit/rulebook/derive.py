"""Rule × fact → requirement: what must be allowed, denied or true, asked of the audited system."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from policy_audit.iam.api_gateway import Question, authorization_of, caller, others
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Api, Missing, Role
from policy_audit.model.system import ApiRequest, Call, Fact, OtherThan, RestApi, System, private_paths
from policy_audit.model.value import has_holes
from policy_audit.origin import Span
from policy_audit.rulebook.rule import Permission, Property, Rule

_GRANTS_EVERYTHING: Final = Policy((Statement("Allow", ("*",), ("*",)),), "2012-10-17", "(assumed identity policy)")


class Requirement(NamedTuple):
    """One thing that one rule asks. Exactly one of `questions`, `fact` and `missing` says how it is answered.

    `address` and `span` are the resource that is at fault if it is not met, `needed_at` the place that needs it.
    """

    rule: Rule
    subject: object
    sentence: str
    address: str
    span: Span
    needed_at: Span
    effect: str = "allow"
    questions: tuple[Question, ...] = ()
    doubtful: tuple[Question, ...] = ()
    """Asked when the answer is no: a form of the resource that nobody has confirmed. If this is allowed, undecided."""
    telling: tuple[Question, ...] = ()
    """Smaller sets, asked first for a counterexample that a reader grasps."""
    fact: Fact | None = None
    missing: str = ""
    unseen: tuple[str, ...] = ()
    """Policies that may grant it, or methods that it should cover, but that are not visible."""
    tentative: str = ""
    """Why a counterexample may be of a request that can't happen: then a no is undecided."""
    principal: str = ""
    action: str = ""
    resource: str = ""


def derive(rules: Sequence[Rule], system: System) -> tuple[Requirement, ...]:
    """Every requirement of `rules` on `system`, each once."""
    found: dict[tuple[str, str, str], Requirement] = {}
    for rule in rules:
        for subject in _facts(rule.about, system):
            for requirement in _ask(rule, subject, system):
                found.setdefault((rule.id, requirement.address, requirement.sentence), requirement)
    return tuple(found.values())


def _facts(about: str, system: System) -> Sequence[object]:
    if about == "call":
        return system.calls
    if about == "rest_api":
        return system.rest_apis()
    return system.state_machines if about == "state_machine" else private_paths(system)


def _ask(rule: Rule, subject: object, system: System) -> Iterator[Requirement]:
    doubt = ""
    for path, values in rule.where:
        value = path.of(subject)
        if isinstance(value, Missing):
            doubt = doubt or value.reason
        elif isinstance(value, str) and has_holes(value):
            doubt = doubt or system.symbols.reasons(value)[0]
        elif _word(value) not in values:
            return
    if doubt:
        yield _undecidable(rule, subject, rule.summary, f"whether this is asked is not known: {doubt}", system)
        return
    for clause in rule.require:
        match clause:
            case Property():
                yield from _property(rule, clause, subject, system)
            case Permission(effect="allow"):
                yield from _allow(rule, clause, subject, system)
            case Permission():
                yield from _deny(rule, clause, subject, system)


def _word(value: object) -> str:
    """A property's value as a rule file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    field = getattr(value, "text", value)
    return "" if field is None else str(field)


def _name(subject: object, system: System) -> str:
    """What a reader knows the subject by: a call by its state."""
    if isinstance(subject, Call):
        return subject.state
    return str(getattr(subject, "address", "")).rpartition("#")[2]


def _place(subject: object) -> tuple[str, Span]:
    return subject.address, subject.span  # type: ignore[attr-defined, no-any-return]


def _undecidable(rule: Rule, subject: object, sentence: str, reason: str, system: System) -> Requirement:
    address, span = _place(subject)
    name = f"state `{subject.state}`" if isinstance(subject, Call) else f"`{_name(subject, system)}`"
    return Requirement(rule, subject, f"{name}: {sentence}", address, span, span, missing=reason)


# ---- holds ----------------------------------------------------------------------------------------------------------


def _property(rule: Rule, clause: Property, subject: object, system: System) -> Iterator[Requirement]:
    value = clause.path.of(subject)
    if isinstance(value, Missing):
        yield _undecidable(rule, subject, rule.summary, value.reason, system)
        return
    address, span = _place(subject)
    facts = value if isinstance(value, tuple) and not isinstance(value, Fact) else (value,)
    name = _name(subject, system)
    for fact in facts:
        if not isinstance(fact, Fact):
            continue
        at = fact.address or address
        about = f"state `{name}`" if isinstance(subject, Call) else f"`{at.rpartition('#')[2]}`"
        yield Requirement(
            rule, subject, f"{about}: {rule.summary}", at, fact.span or span, span, fact=fact, effect="holds"
        )


# ---- allow ----------------------------------------------------------------------------------------------------------


def _allow(rule: Rule, clause: Permission, subject: object, system: System) -> Iterator[Requirement]:
    resource = clause.resource.of(subject)
    role = clause.principal.path.of(subject) if clause.principal.path else None
    by = clause.by.of(subject) if clause.by else None
    for action in clause.actions:
        sentence = f"{rule.summary} ({action})"
        for needed in (role, resource):
            if isinstance(needed, Missing):
                yield _undecidable(rule, subject, sentence, needed.reason, system)
                break
        else:
            if clause.principal.kind == "service":
                yield from _trust(rule, clause, subject, system, action)
            elif isinstance(role, Role):
                yield from _permission(rule, clause, subject, system, action, role, by)
            elif isinstance(role, tuple) and isinstance(by, Api):
                yield from _admitted(rule, subject, system, role, by)


def _permission(
    rule: Rule, clause: Permission, subject: object, system: System, action: str, role: Role, by: object
) -> Iterator[Requirement]:
    resource = clause.resource.of(subject)
    assert isinstance(resource, str)
    show = system.symbols.show
    address, span = _place(subject)
    context, missing = _context(clause, subject, system)
    asked = ", ".join(f"{key} `{show(text)}`" for key, text in _when(clause, subject))
    sentence = f"`{show(role.arn)}` may call `{action}` on `{show(resource)}`{' with ' + asked if asked else ''}"
    requirement = Requirement(
        rule,
        subject,
        sentence,
        role.address,
        role.span,
        span,
        principal=role.address.rpartition("#")[2],
        action=action,
        resource=show(resource),
        unseen=role.unseen,
    )
    boundary = role.boundary
    if missing or isinstance(boundary, Missing):
        reason = missing or f"the role's permissions boundary is not visible: {boundary.reason}"  # type: ignore[union-attr]
        yield requirement._replace(missing=reason)
        return
    if clause.by is not None:
        yield _at_api(requirement, subject, role, resource, boundary, by)
        return

    def ask(on: str) -> Question:
        requests = RequestSet(
            "signed",
            Texts((literal(role.arn),)),
            Texts((action,)),
            Texts((literal(on),)),
            role.account,
            True,
            context | _surroundings(system, on, role),
        )
        return Question(requests, Policies(role.policies, (boundary,) if boundary else None), "ordinary")

    unconfirmed = clause.unconfirmed_resource.of(subject) if clause.unconfirmed_resource else None
    doubtful = (ask(unconfirmed),) if isinstance(unconfirmed, str) and unconfirmed != resource else ()
    yield requirement._replace(questions=(ask(resource),), doubtful=doubtful)


def _at_api(
    requirement: Requirement, subject: object, role: Role, resource: str, boundary: Policy | None, by: object
) -> Requirement:
    """The request that the role makes to an API: combined with the API's own policy, by the method it reaches."""
    if not isinstance(by, Api):
        reason = by.reason if isinstance(by, Missing) else "the API is not known"
        if not isinstance(subject, Call):
            return requirement._replace(missing=reason)
        # An API that the audited files don't show: the identity policy suffices unless the API's policy denies.
        outside = Api("REST", "", requirement.span, "", "", role.account)
        question = caller(outside, literal(resource), role.arn, role.policies, boundary, "api-gateway-iam")
        return requirement._replace(
            questions=(question,), unseen=(*requirement.unseen, f"the resource policy of the API ({reason})")
        )
    authorization: Authorization | None = "api-gateway-iam"
    if isinstance(subject, Call):
        method = subject.method_authorization
        if isinstance(method, Missing):
            # A method that the API doesn't have is the business of another rule; here IAM's answer counts.
            method = "AWS_IAM"
        authorization = authorization_of(method)
        if authorization is None:
            return requirement._replace(missing=f"the method is guarded by an authorizer ({method})")
    question = caller(by, literal(resource), role.arn, role.policies, boundary, authorization)
    return requirement._replace(questions=(question,))


def _when(clause: Permission, subject: object) -> Iterator[tuple[str, str]]:
    for key, path in clause.when:
        value = path.of(subject)
        if isinstance(value, str):
            yield key, value


def _context(clause: Permission, subject: object, system: System) -> tuple[dict[str, Key], str]:
    """The context keys of a clause, lower case, and why one of them is not known."""
    keys: dict[str, Key] = {}
    for key, path in clause.when:
        value = path.of(subject)
        if isinstance(value, Missing):
            return {}, value.reason
        if isinstance(value, OtherThan):
            keys[key.lower()] = Key(Texts((value.pattern,), value.but))
        elif isinstance(value, str):
            keys[key.lower()] = Key(Texts((literal(value),)))
    return keys, ""


def _surroundings(system: System, resource: str, role: Role) -> dict[str, Key]:
    """Keys that every request carries: the Region it is made in, and TLS."""
    keys = {"aws:securetransport": Key(Texts(("true",))), "aws:requestedregion": Key(Texts((literal(system.region),)))}
    account = resource.split(":", 5)[4:5]
    if account and account[0]:
        keys["aws:resourceaccount"] = Key(Texts((literal(account[0]),)))
    return keys


def _trust(
    rule: Rule, clause: Permission, subject: object, system: System, action: str
) -> Iterator[Requirement]:
    role = clause.by.of(subject) if clause.by else None
    service = clause.principal.service
    sentence = f"`{service}` may call `{action}` on the role of `{_name(subject, system)}`"
    address, span = _place(subject)
    if not isinstance(role, Role):
        reason = role.reason if isinstance(role, Missing) else "the role is not known"
        yield _undecidable(rule, subject, sentence, reason, system)
        return
    context, missing = _context(clause, subject, system)
    sentence = f"`{service}` may call `{action}` on `{system.symbols.show(role.arn)}`"
    requests = RequestSet(
        "service",
        Texts((service,)),
        Texts((action,)),
        Texts((literal(role.arn),)),
        role.account,
        True,
        {"sts:externalid": Key(None, maybe_absent=True)} | context | _surroundings(system, role.arn, role),
    )
    yield Requirement(
        rule,
        subject,
        sentence,
        role.address,
        role.span,
        span,
        questions=(Question(requests, Policies((), resource=role.trust), "trust"),),
        missing=missing,
        principal=service,
        action=action,
        resource=system.symbols.show(role.arn),
    )


def _admitted(
    rule: Rule, subject: object, system: System, arns: tuple[str, ...], api: Api
) -> Iterator[Requirement]:
    """Callers that the configuration names: nothing is known of their identity policies, only that the API's policy
    must not deny them."""
    requests = subject.requests if isinstance(subject, RestApi) else ()
    if isinstance(requests, Missing):
        return
    for arn in arns:
        sentence = f"`{system.symbols.show(arn)}` is not kept out of `{_name(subject, system)}`"
        questions = [
            caller(api, request.arn, arn, (_GRANTS_EVERYTHING,), None, "api-gateway-iam")
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


# ---- deny -----------------------------------------------------------------------------------------------------------


def _deny(rule: Rule, clause: Permission, subject: object, system: System) -> Iterator[Requirement]:
    for action in clause.actions:
        if isinstance(subject, RestApi) and clause.principal.kind == "anyone_but":
            yield _restriction(rule, clause, subject, system, action)
        else:
            yield from _excess(rule, clause, subject, system, action)


def _restriction(rule: Rule, clause: Permission, subject: RestApi, system: System, action: str) -> Requirement:
    """Nobody but the callers reaches any method of the API, on any stage."""
    assert clause.principal.path is not None
    callers, requests = clause.principal.path.of(subject), clause.resource.of(subject)
    sentence = f"no principal but its callers may call `{action}` on any method of `{subject.name}`"
    for needed in (callers, requests):
        if isinstance(needed, Missing):
            return _undecidable(rule, subject, sentence, needed.reason, system)
    assert isinstance(callers, tuple) and isinstance(requests, tuple)
    by_authorization: dict[Authorization, list[str]] = {}
    unseen = list(subject.api.unseen)
    for request in requests:
        assert isinstance(request, ApiRequest)
        kind = authorization_of(request.method.authorization if request.method else "")
        if kind is None:
            shown = request.method.authorization if request.method else ""
            unseen.append(f"an authorizer decides at `{system.symbols.show(request.arn)}` ({shown})")
        else:
            by_authorization.setdefault(kind, []).append(request.arn)
    questions = [
        question for kind, arns in by_authorization.items() for question in others(subject.api, arns, kind, callers)
    ]
    policy = subject.api.policy
    guarded = policy is not None and any(statement.effect == "Deny" for statement in policy.statements)
    return Requirement(
        rule,
        subject,
        sentence,
        subject.address,
        (policy.span if policy else None) or subject.span,
        subject.span,
        effect="deny",
        questions=tuple(questions),
        missing="" if questions else (unseen or ["the API has no method"])[0],
        unseen=tuple(dict.fromkeys(unseen)),
        tentative="the API's stages are not among the audited files" if guarded and not subject.api.stages else "",
        principal=", ".join(f"`{system.symbols.show(arn)}`" for arn in callers) or "nobody",
        action=action,
        resource=system.symbols.show(subject.api.arn),
    )


def _excess(
    rule: Rule, clause: Permission, subject: object, system: System, action: str
) -> Iterator[Requirement]:
    """A role may not do more than its workflow needs."""
    role = clause.principal.path.of(subject) if clause.principal.path else None
    resource = clause.resource.of(subject)
    context, missing = _context(clause, subject, system)
    if missing or not isinstance(role, Role) or not isinstance(resource, str):
        return
    address, span = _place(subject)
    show = system.symbols.show

    def ask(keys: dict[str, Key]) -> Question:
        requests = RequestSet(
            "signed",
            Texts((literal(role.arn),)),
            Texts((action,)),
            Texts((literal(resource),)),
            role.account,
            True,
            keys | _surroundings(system, resource, role),
        )
        return Question(requests, Policies(role.policies), "ordinary")

    telling = [
        ask(context | {key.lower(): Key(Texts((literal(text),)))})
        for key, path in clause.when
        if isinstance(other := path.of(subject), OtherThan)
        for text in other.telling
    ]
    yield Requirement(
        rule,
        subject,
        f"`{show(role.arn)}` may call `{action}` on `{show(resource)}` for the workflow's own endpoints only",
        role.address,
        role.span,
        span,
        effect="deny",
        questions=(ask(context),),
        telling=tuple(telling),
        principal=role.address.rpartition("#")[2],
        action=action,
        resource=show(resource),
    )
