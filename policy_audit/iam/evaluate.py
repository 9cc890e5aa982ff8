"""The reference evaluator: one request, every policy that has a say on it, the decision and why.

Truth is three-valued throughout. An unknown Allow is never taken for an Allow, nor an unknown Deny for none, and a
definite decision stays as it is whatever the unknown parts turn out to be.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policy_audit.iam.combine import Answer, Answers, Grant, Group, Hit, ask, denied, granted
from policy_audit.iam.context import IAM_PRINCIPALS, Facts
from policy_audit.iam.request import UNSIGNED, Authorization, Deciding, Decision, Policies, PolicyType, Request
from policy_audit.iam.reserved import is_always_allowed, is_never_allowed
from policy_audit.iam.truth import Truth
from policy_audit.model.policy import Policy
from policy_audit.model.value import Symbols


def evaluate(
    request: Request,
    policies: Policies,
    authorization: Authorization = "ordinary",
    symbols: Symbols | None = None,
) -> Decision:
    """The decision on one request. For many requests against the same policies, compile them once: `Evaluator`.

    With `symbols`, the table of the letters that texts hold, more can be told of them than that they are open.
    """
    return Evaluator(policies, authorization, symbols).decide(request)


class Evaluator:
    """Policies compiled for any number of requests."""

    def __init__(
        self,
        policies: Policies,
        authorization: Authorization = "ordinary",
        symbols: Symbols | None = None,
        *,
        with_principal_keys: bool = True,
    ) -> None:
        """`with_principal_keys` False: keys that follow from the caller are not added to what a request lists."""
        self.authorization: Authorization = authorization
        self._symbols = symbols
        self._with_principal_keys = with_principal_keys
        self._identity = _group("identity policy", policies.identity)
        self._boundary = _group("permissions boundary", policies.boundaries)
        self._session = _group("session policy", None if policies.session is None else (policies.session,))
        resource_type: PolicyType = "trust policy" if authorization == "trust" else "resource policy"
        self._resource = _group(resource_type, None if policies.resource is None else (policies.resource,))
        self._endpoint = _group("VPC endpoint policy", policies.endpoint or None)
        self._scps = tuple(Group("SCP", level) for level in policies.scps or ())
        self._rcps = tuple(Group("RCP", level) for level in policies.rcps or ())
        groups = [group for group in self.groups() if group is not self._identity]
        alone = authorization not in ("kms", "trust") and not groups
        self._alone = self._identity if alone else None
        # Beside identity policies a resource policy, in which either Allow is enough within one account.
        plain = authorization in ("ordinary", "api-gateway-iam") and groups == [self._resource]
        self._own = self._resource if plain else None

    def facts(self, request: Request) -> Facts:
        """The request as it is matched. A method without AWS_IAM takes every request for an unsigned one."""
        unsigned = self.authorization in UNSIGNED
        return Facts(request, self._symbols, self._with_principal_keys, unsigned, self._boundary is not None)

    def groups(self) -> Iterator[Group]:
        """The compiled policies, by type."""
        yield from self._scps
        yield from self._rcps
        for group in (self._resource, self._identity, self._boundary, self._session, self._endpoint):
            if group is not None:
                yield group

    def decide(self, request: Request) -> Decision:
        """The decision on `request`."""
        facts = self.facts(request)
        if is_always_allowed(facts):
            return Decision("Allowed")
        if self._alone is not None and facts.kind in _WITH_IDENTITY and facts.is_same_account():
            decision = _by_identity_alone(ask(self._alone, facts), facts)
            if decision is not None:
                return decision
        elif self._own is not None and facts.kind in _WITH_IDENTITY and facts.is_same_account():
            identity = None if self._identity is None else ask(self._identity, facts)
            decision = _by_resource_policy(ask(self._own, facts), identity, facts)
            if decision is not None:
                return decision
        has_own = facts.kind in IAM_PRINCIPALS
        answers_for_it = self.authorization == "api-gateway-custom"  # A Lambda authorizer, in a policy of its own.
        answers = Answers(
            ask(self._identity, facts) if self._identity is not None and (has_own or answers_for_it) else None,
            ask(self._boundary, facts) if self._boundary is not None and has_own else None,
            ask(self._session, facts) if self._session is not None and has_own else None,
            None if self._resource is None else ask(self._resource, facts),
            None if self._endpoint is None else ask(self._endpoint, facts),
            tuple([ask(level, facts) for level in self._scps]),
            tuple([ask(level, facts) for level in self._rcps]),
        )
        return _decision(answers, facts, self.authorization)


def _group(policy_type: PolicyType, policies: Iterable[Policy] | None) -> Group | None:
    return None if policies is None else Group(policy_type, policies)


_WITH_IDENTITY: Final = frozenset({"role", "session", "user"})


def _by_identity_alone(answer: Answer, facts: Facts) -> Decision | None:
    """The decision where nothing but the caller's identity policies has a say, in one account: the most usual case,
    and decided as all others are but in half the time. None when something is not known, or AWS itself decides."""
    if answer.deny is not False or answer.allow is None or is_never_allowed(facts):
        return None
    if not answer.allow:
        return Decision._make(("ImplicitlyDenied", (), (), "identity policy"))
    return Decision._make(("Allowed", _deciding([hit for hit in answer.allowing if hit[1]]), (), None))


def _by_resource_policy(resource: Answer, identity: Answer | None, facts: Facts) -> Decision | None:
    """The decision where a resource policy settles it for a caller of its own account, decided as all others are but
    in half the time. None when it leaves it to others, when something is not known, or AWS itself decides."""
    if resource.deny is None or (identity is not None and identity.deny is None) or is_never_allowed(facts):
        return None
    if resource.deny or (identity is not None and identity.deny):
        denying = resource.denying if identity is None else resource.denying + identity.denying
        return Decision._make(("ExplicitlyDenied", _deciding([hit for hit in denying if hit[1]]), (), None))
    ways = resource.ways
    if not (ways.get("as anyone") or ways.get("directly") or ways.get("by role")):
        return None  # Naming the caller's account leaves it to the identity policies.
    allowing = resource.allowing if identity is None else identity.allowing + resource.allowing
    return Decision._make(("Allowed", _deciding([hit for hit in allowing if hit[1]]), (), None))


def _decision(answers: Answers, facts: Facts, authorization: Authorization) -> Decision:
    denial = denied(answers, facts)
    if denial:
        hits = [hit for answer in answers.all() for hit in answer.denying if hit[1]]
        return Decision("ExplicitlyDenied", _deciding(hits))
    grant = granted(answers, facts, authorization)
    if is_never_allowed(facts):
        grant = Grant(False)
    if denial is None or grant.truth is None:
        return _undecided(answers, facts, denial, grant)
    if grant.truth:
        return Decision("Allowed", _deciding([hit for answer in grant.by for hit in answer.allowing if hit[1]]))
    return Decision("ImplicitlyDenied", denied_by=grant.lacking)


def _undecided(answers: Answers, facts: Facts, denial: Truth, grant: Grant) -> Decision:
    """Undecided, and what it hangs on. With `denied_by` set it is denied in any case: only how is open."""
    open_hits: list[Hit] = []
    reasons: list[str] = []
    if denial is None:
        open_hits += [hit for answer in answers.all() for hit in answer.denying if hit[1] is None]
        reasons += [reason for answer in answers.all() for reason in answer.group.unreadable]
    if grant.truth is None:
        reasons += grant.because
        for answer in grant.by:
            if answer.allow is not True or answer.ways:
                open_hits += [hit for hit in answer.allowing if hit[1] is None]
                reasons += answer.group.unreadable
    for statement, _ in open_hits:
        reasons += statement.why_unknown(facts)
    return Decision("Undecided", _deciding(open_hits), tuple(dict.fromkeys(reasons)), grant.lacking)


def _deciding(hits: Sequence[Hit]) -> tuple[Deciding, ...]:
    """The statements of `hits`, each once. Told apart by identity, as comparing whole policies takes long."""
    if len(hits) == 1:
        return (hits[0][0].deciding,)
    found = {id(statement): statement for statement, _ in hits}
    return tuple(statement.deciding for statement in found.values())
