"""Putting the types of policies together: what each says of a request, and who has to agree.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

from collections.abc import Iterable, Iterator, Sequence

from policy_audit.iam.context import IAM_PRINCIPALS, Facts
from policy_audit.iam.naming import Named, Naming
from policy_audit.iam.request import Authorization, PolicyType
from policy_audit.iam.reserved import is_limited_by_rcps, is_service_linked
from policy_audit.iam.statements import BY_STAR, CompiledStatement
from policy_audit.iam.truth import Truth, agree, all_of, any_of, both, either, negate
from policy_audit.model.policy import Policy
from policy_audit.record import NamedTuple

IDENTITY_NOT_VISIBLE = "the caller's identity policies are not visible"
AUTHORIZER_NOT_VISIBLE = "what the Lambda authorizer answers is not known"
SAME_ACCOUNT_NOT_KNOWN = "whether the caller belongs to the resource's account"
SERVICE_LINKED_NOT_KNOWN = "whether the caller's role is service-linked, which its session's ARN does not tell"
WILDCARD_UNDER_LIMITS = (
    'AWS does not say whether a permissions boundary or session policy limits a grant to `Principal: "*"`'
)


Hit = tuple[CompiledStatement, Truth]
"""A statement that applies to the request (True), or may apply (None). A plain tuple, as each decision makes some."""
_Entry = tuple[CompiledStatement, Truth, tuple[str, ...], bool]
"""A statement, whether it is about an action, and texts of which a resource it is about begins with one, if told; and
whether it is about each resource that does."""
_Relevant = tuple[tuple[_Entry, ...], tuple[_Entry, ...]]
_MOST_ACTIONS = 1024


class Group:
    """All documents of one type that have a say together: their statements, and why some could not be read."""

    __slots__ = ("_relevant", "allows", "denies", "has_principals", "policy_type", "silence", "unreadable")

    def __init__(self, policy_type: PolicyType, policies: Iterable[Policy]) -> None:
        policies = tuple(policies)
        self.policy_type: PolicyType = policy_type
        self.has_principals = policy_type in ("resource policy", "trust policy", "VPC endpoint policy", "RCP")
        compiled = [
            CompiledStatement(policy, index, policy_type)
            for policy in policies
            for index in range(len(policy.statements))
        ]
        self.allows = tuple(statement for statement in compiled if statement.allows)
        self.denies = tuple(statement for statement in compiled if not statement.allows)
        self.unreadable = tuple(policy.unknown for policy in policies if policy.unknown)
        self._relevant: dict[str, _Relevant] = {}
        self.silence = Answer(self, False, False, (), (), {})

    def relevant(self, facts: Facts) -> "_Relevant":
        """The Allow and the Deny statements that may be about the request's action.

        Kept by action: many requests ask for few actions, and a long policy says little of each.
        """
        found = self._relevant.get(facts.action)
        if found is None:
            if len(self._relevant) >= _MOST_ACTIONS:
                self._relevant.clear()
            found = self._relevant[facts.action] = (_about(self.allows, facts), _about(self.denies, facts))
        return found


def _about(statements: tuple[CompiledStatement, ...], facts: Facts) -> tuple[_Entry, ...]:
    fits = ((statement, statement.fits_action(facts)) for statement in statements)
    return tuple(
        (statement, truth, *statement.beginnings())
        for statement, truth in fits
        if truth is not False or statement.unclear
    )


def _hits(entries: tuple[_Entry, ...], facts: Facts) -> tuple[Hit, ...]:
    """Those that may apply to the request, principals apart: most are set aside by how their resources begin."""
    hits: list[Hit] = []
    opened, resource = facts.resource_is_open, facts.resource
    for statement, action, beginnings, told in entries:
        if beginnings and not opened:
            if not resource.startswith(beginnings):
                continue
            truth = statement.is_about(facts, action, told)
        else:
            truth = statement.is_about(facts, action)
        if truth is not False:
            hits.append((statement, truth))
    return tuple(hits)


class Answer(NamedTuple):
    """What one group of documents says of a request."""

    group: Group
    allow: Truth
    deny: Truth
    allowing: tuple[Hit, ...]
    denying: tuple[Hit, ...]
    ways: dict[Naming, Truth]
    """For policies with principals: by which way of naming the caller it allows."""


def ask(group: Group, facts: Facts) -> Answer:
    """What the documents of `group` say of the request."""
    allows, denies = group.relevant(facts)
    if group.has_principals:
        return _ask_by_principal(group, facts, allows, denies)
    allowing = _hits(allows, facts) if allows else ()
    denying = _hits(denies, facts) if denies else ()
    if not allowing and not denying and not group.unreadable:
        return group.silence
    return Answer._make((group, _any(allowing, group), _any(denying, group), allowing, denying, {}))


def _any(hits: Iterable[Hit], group: Group) -> Truth:
    """Whether a statement applies, one of an unreadable document included."""
    result: Truth = None if group.unreadable else False
    for _, truth in hits:
        if truth:
            return True
        result = None
    return result


def _ask_by_principal(group: Group, facts: Facts, allows: tuple[_Entry, ...], denies: tuple[_Entry, ...]) -> Answer:
    ways: dict[Naming, Truth] = {"directly": None} if group.unreadable else {}
    allowing: list[Hit] = []
    denying: list[Hit] = []
    for hit in _hits(allows, facts) if allows else ():
        statement, truth = hit
        named = statement.names(facts)
        for naming, way in named:
            if naming == "as anyone" and statement.asks_principal_arn:
                naming = "directly"
            ways[naming] = True if truth and way else either(ways.get(naming, False), both(truth, way))
        if named:
            allowing.append(hit if named is BY_STAR else (statement, _together(truth, named)))
    for hit in _hits(denies, facts) if denies else ():
        named = hit[0].names(facts)
        if named:
            denying.append(hit if named is BY_STAR else (hit[0], _together(hit[1], named)))
    if not allowing and not denying and not ways:
        return group.silence
    deny = _any(denying, group) if denying or group.unreadable else False
    allow = True if True in ways.values() else any_of(ways.values())
    return Answer._make((group, allow, deny, tuple(allowing), tuple(denying), ways))


def _together(truth: Truth, named: Sequence[Named]) -> Truth:
    """Whether a statement applies that is about the request so far, and names the caller in these ways."""
    return both(truth, any_of([way for _, way in named]))


class Answers(NamedTuple):
    """What every policy in force says. None where there is no such policy; `identity` None: not visible."""

    identity: Answer | None
    boundary: Answer | None
    session: Answer | None
    resource: Answer | None
    endpoint: Answer | None
    scps: tuple[Answer, ...]
    rcps: tuple[Answer, ...]

    def all(self) -> Iterator[Answer]:
        yield from self.scps
        yield from self.rcps
        for answer in (self.resource, self.identity, self.boundary, self.session, self.endpoint):
            if answer is not None:
                yield answer


class Grant(NamedTuple):
    """Whether the policies together allow, denials apart: by whose Allow, or for lack of whose."""

    truth: Truth
    by: tuple[Answer, ...] = ()
    lacking: PolicyType | None = None
    because: tuple[str, ...] = ()
    """What `truth` hangs on beside statements."""


def denied(answers: Answers, facts: Facts) -> Truth:
    """Whether some policy explicitly denies the request."""
    for answer in answers.all():
        if answer.deny is not False:
            break
    else:
        return False
    free = is_service_linked(facts) if answers.scps or answers.rcps else False
    bound = negate(free)
    truths = [answer.deny for answer in (*_of_the_caller(answers), answers.resource, answers.endpoint) if answer]
    if facts.kind in IAM_PRINCIPALS:
        truths += [all_of((bound, answer.deny)) for answer in answers.scps]
    if is_limited_by_rcps(facts):
        truths += [all_of((bound, answer.deny)) for answer in answers.rcps]
    return any_of(truths)


def _of_the_caller(answers: Answers) -> tuple[Answer | None, ...]:
    return answers.identity, answers.boundary, answers.session


def granted(answers: Answers, facts: Facts, authorization: Authorization) -> Grant:
    """Whether every party whose Allow is needed allows."""
    grant = _granted_to(answers, facts, authorization)
    gates: list[Answer] = []
    because: list[str] = []
    if facts.kind in IAM_PRINCIPALS and answers.scps:
        free = is_service_linked(facts)
        if free is not True:
            gates += answers.scps
            because += [SERVICE_LINKED_NOT_KNOWN] if free is None else []
            truths = [any_of((free, answer.allow)) for answer in answers.scps]
            grant = _through(grant, all_of(truths), "SCP")
    if answers.endpoint is not None:
        gates.append(answers.endpoint)
        grant = _through(grant, answers.endpoint.allow, "VPC endpoint policy")
    return grant._replace(by=(*gates, *grant.by), because=(*because, *grant.because)) if gates else grant


def _through(grant: Grant, gate: Truth, policy_type: PolicyType) -> Grant:
    lacking = policy_type if gate is False else grant.lacking
    return grant._replace(truth=all_of((grant.truth, gate)), lacking=lacking)


def _granted_to(answers: Answers, facts: Facts, authorization: Authorization) -> Grant:
    resource = answers.resource
    if authorization in ("api-gateway-none", "api-gateway-cognito") and resource is None:
        return Grant(True)
    if authorization == "api-gateway-custom":
        return _with_authorizer(answers)
    if facts.kind not in IAM_PRINCIPALS:
        if authorization == "api-gateway-iam" and facts.kind == "anonymous":
            return Grant(False, lacking="identity policy")  # A method of type AWS_IAM refuses unsigned requests.
        allow = resource.allow if resource is not None else False
        lacking: PolicyType = "trust policy" if authorization == "trust" else "resource policy"
        return Grant(allow, (resource,) if resource else (), lacking if allow is False else None)
    same = facts.is_same_account()
    if same is None:
        one, other = _within_account(answers, facts, authorization), _across_accounts(answers, facts, authorization)
        because = (*one.because, *other.because)
        because += (SAME_ACCOUNT_NOT_KNOWN,) if one.truth is not other.truth else ()
        return Grant(agree(one.truth, other.truth), (*one.by, *other.by), other.lacking, because)
    return (_within_account if same else _across_accounts)(answers, facts, authorization)


def _with_authorizer(answers: Answers) -> Grant:
    """Table A with the policy that the Lambda authorizer returns: either side's Allow suffices."""
    resource, returned = answers.resource, answers.identity
    if returned is None:  # It may deny as well as allow.
        return Grant(None, (resource,) if resource is not None else (), because=(AUTHORIZER_NOT_VISIBLE,))
    by = tuple(answer for answer in (returned, resource) if answer is not None)
    truth = any_of(answer.allow for answer in by)
    return Grant(truth, by, "identity policy" if truth is False else None)


class _Sides(NamedTuple):
    """The caller's own policies: what they grant together, and what limits them."""

    truth: Truth
    limits: Truth
    by: tuple[Answer, ...]
    lacking: PolicyType | None
    because: tuple[str, ...]


def _own_side(answers: Answers, facts: Facts) -> _Sides:
    """Identity policies within boundary and session policy. The root user may do everything in its account.

    A federated user has what its session policy gives, and without one nothing:
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
    """
    if facts.kind == "root":
        return _Sides(True, True, (), None, ())
    boundary, session = answers.boundary, answers.session
    if boundary is None and session is None and answers.identity is not None and facts.kind != "federated":
        truth = answers.identity.allow
        return _Sides(truth, True, (answers.identity,), "identity policy" if truth is False else None, ())
    limits = [(answer.group.policy_type, answer.allow) for answer in (boundary, session) if answer is not None]
    identity = None if answers.identity is None else answers.identity.allow
    if facts.kind == "federated" and session is None:
        identity, limits = False, [*limits, ("session policy", False)]
    limited = all_of(truth for _, truth in limits)
    lacking: PolicyType | None = "identity policy" if identity is False else None
    for policy_type, truth in limits:
        lacking = policy_type if lacking is None and truth is False else lacking
    because = (IDENTITY_NOT_VISIBLE,) if answers.identity is None and limited is not False else ()
    by = tuple(answer for answer in (answers.identity, boundary, session) if answer is not None)
    return _Sides(both(identity, limited), limited, by, lacking, because)


def _within_account(answers: Answers, facts: Facts, authorization: Authorization) -> Grant:
    """The caller's policies or the resource's suffice; a key's or a role's own policy has to take part.

    Whom the resource's policy names directly is not limited by boundary and session policy, a role is.
    """
    own = _own_side(answers, facts)
    resource = answers.resource
    if resource is None and authorization not in ("kms", "trust"):
        return Grant(own.truth, () if own.truth is False else own.by, own.lacking, () if own.truth else own.because)
    ways = resource.ways if resource is not None else {}
    anyone = ways.get("as anyone", False)
    through_resource = either(ways.get("directly", False), both(anyone, own.limits or None))
    if "by role" in ways:
        through_resource = either(through_resource, both(ways["by role"], own.limits))
    because: tuple[str, ...] = ()
    if through_resource is None and anyone and not own.limits:
        because = (WILDCARD_UNDER_LIMITS,)
    through_own = own.truth
    if authorization in ("kms", "trust"):
        # The account as principal is what lets identity policies count.
        through_own = both(own.truth, ways.get("by account", False))
    by: tuple[Answer, ...] = ()
    if through_own is not False or (through_resource is None and own.limits is None):
        by += own.by
    if resource is not None and (through_resource is not False or (through_own and authorization in ("kms", "trust"))):
        by += (resource,)
    truth = either(through_own, through_resource)
    lacking = own.lacking
    if authorization in ("kms", "trust") and (resource is None or resource.allow is False):
        lacking = "trust policy" if authorization == "trust" else "resource policy"
    because += own.because if through_own is None else ()
    return Grant(truth, by, lacking if truth is False else None, because if truth is None else ())


def _across_accounts(answers: Answers, facts: Facts, authorization: Authorization) -> Grant:
    """Both the resource's policy and the caller's policies have to allow; naming the account is enough."""
    own = _own_side(answers, facts)
    allow = answers.resource.allow if answers.resource is not None else False
    truth = both(own.truth, allow)
    lacking: PolicyType | None = own.lacking
    if allow is False:
        lacking = "trust policy" if authorization == "trust" else "resource policy"
    by = (*own.by, *((answers.resource,) if answers.resource is not None else ()))
    return Grant(truth, by, lacking if truth is False else None, own.because if truth is None else ())
