"""One question, compiled: request set and policies as cubes and boxes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.iam.boxes import (
    WITH_PRINCIPAL,
    Draft,
    Naming,
    Term,
    add_action,
    add_conditions,
    add_resource,
    demands,
    resolve,
    resource_of,
)
from policy_audit.iam.domains import Matches
from policy_audit.iam.limits import Steps
from policy_audit.iam.patterns import Pattern, glob, literal, matches
from policy_audit.iam.principal_boxes import principal_terms
from policy_audit.iam.principal_domain import ROOT, TYPES
from policy_audit.iam.readings import set_reading
from policy_audit.iam.request import (
    UNSIGNED,
    Authorization,
    Deciding,
    Decision,
    Policies,
    PolicyType,
    Request,
    RequestSet,
)
from policy_audit.iam.reserved_boxes import CALLER_IDENTITY, reserved
from policy_audit.iam.search import Atoms
from policy_audit.iam.space import ACTION, PRINCIPAL, RESOURCE, Space, is_open_arn
from policy_audit.model.policy import Policy
from policy_audit.model.value import Symbols, has_letters
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.iam.evaluate import Evaluator

_FEDERATED: Final = glob(TYPES["FederatedUser"])
_SERVICE_LINKED: Final = glob("arn:*:iam::*:role/aws-service-role/*")
_RCP_SERVICES: Final = (
    "aoss",
    "cognito-identity",
    "cognito-idp",
    "dynamodb",
    "ecr",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sqs",
    "sts",
)
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""


class Level(NamedTuple):
    """Drafts of all documents that have a say together: one type of policy; for SCPs and RCPs one level."""

    policy_type: PolicyType | Literal["reserved"]
    drafts: list[Draft]


class Question:
    """A request set against policies, refined and ready to be searched. Raises `OverBudgetError`."""

    def __init__(
        self,
        requests: RequestSet,
        policies: Policies,
        symbols: Symbols,
        authorization: Authorization,
        space: Space | None = None,
        steps: Steps | None = None,
        *,
        broad: bool = False,
    ) -> None:
        """With `space` the question is one of several about it, and is ready once `refine` has been given them all.

        A `broad` question tells no resources of the set apart: what may be allowed of some counts as allowed of all,
        and what denies only some is left out.
        """
        requests = as_taken(requests, authorization)
        self.requests = requests
        self.policies = policies
        self.authorization: Authorization = authorization
        self.space = space or Space(requests, symbols, has_open_arns(requests, policies), steps)
        self.levels: list[Level] = []
        self.predicates: dict[str, int] = {}
        self._evaluator: Evaluator | None = None
        self._cost_of_decision = 0
        self._broad = broad
        self.left_out: list[Pattern] = []
        """For a broad question, the resources of which something is denied that it leaves out."""
        self._overstated: set[int] = set()
        self.signed = requests.kind == "signed"
        actions = [set_reading(text.lower()) for text in requests.actions.patterns]
        self.about_caller_identity = self.signed and any(matches(each, CALLER_IDENTITY) for each in actions)
        self._collect()
        if space is None:
            refine((self,))

    def decision_on(self, request: Request) -> Decision:
        """The evaluator's decision. It is imported here, as a proof without a counterexample does without it."""
        if self._evaluator is None:
            from policy_audit.iam.evaluate import Evaluator

            self._evaluator = Evaluator(self.policies, self.authorization, self.space.symbols)
            self._cost_of_decision = 10 + sum(map(_open_texts, self.policies.documents()))
        self.space.steps.take(self._cost_of_decision)
        return self._evaluator.decide(request)

    # ---- drafts

    def _collect(self) -> None:
        policies = self.policies
        kind: PolicyType = "trust policy" if self.authorization == "trust" else "resource policy"
        groups: list[tuple[PolicyType, Iterable[Policy] | None]] = [
            (kind, (policies.resource,) if policies.resource is not None else None),
            ("VPC endpoint policy", policies.endpoint or None),
        ]
        if self.signed or self.authorization == "api-gateway-custom":
            groups.append(("identity policy", policies.identity))
        if self.signed:
            groups += [
                ("permissions boundary", policies.boundaries),
                ("session policy", (policies.session,) if policies.session is not None else None),
            ]
            groups += [("SCP", level) for level in policies.scps or ()]
        groups += [("RCP", level) for level in policies.rcps or ()]
        for policy_type, documents in groups:
            if documents is not None:
                self.levels.append(Level(policy_type, list(self._drafts(policy_type, documents))))
        own = reserved(self.requests)
        if own:
            self.levels.append(Level("reserved", list(self._drafts("SCP", own))))

    def _drafts(self, policy_type: PolicyType, documents: Iterable[Policy]) -> Iterator[Draft]:
        for policy in documents:
            if policy.unknown:
                yield Draft("Allow", None, policy.unknown, "directly")
                yield Draft("Deny", None, policy.unknown)
            for index, statement in enumerate(policy.statements):
                doubt = statement.unknown[0] if statement.unknown else _misplaced(policy_type, policy, index)
                if not doubt and not self.space.may_concern(statement):
                    continue
                draft = Draft(statement.effect, Deciding(policy_type, policy, index), doubt)
                if not self._broad or self._counts_broadly(draft):
                    yield draft

    def _counts_broadly(self, draft: Draft) -> bool:
        """Whether a broad question takes the statement into account."""
        if draft.statement is None or draft.statement.resources is None or draft.unread:
            return True
        reading = resource_of(draft, self.space)
        negated = draft.statement.not_resource
        if not negated and self.space.is_about_all(reading):
            return True
        if draft.effect == "Deny":
            self.left_out += (glob("*"),) if negated else reading.wide
            return False
        self._overstated.add(id(draft.deciding))
        draft.must = None
        return True

    @property
    def is_whole(self) -> bool:
        """Whether the question takes every statement for what it is."""
        return not self.left_out and not self._overstated

    def understate(self) -> bool:
        """Leaves out the Allows that a broad question takes for more than they are; False when it takes none so."""
        self.levels = [
            Level(level.policy_type, [draft for draft in level.drafts if id(draft.deciding) not in self._overstated])
            for level in self.levels
        ]
        return bool(self._overstated)

    def stages(self) -> Iterator[Sequence[int] | None]:
        """Narrows the drafts dimension by dimension, so that those refined last are asked by few statements.

        Yields the dimensions (None: all context keys) to be refined before it goes on.
        """
        if self.about_caller_identity:
            self._except("Deny", ACTION, literal(CALLER_IDENTITY))
        self._limit_rcps()
        yield from self._stage(lambda draft: add_action(draft, self.space), (ACTION,))
        self._name_principals()
        self._add_fixed_predicates()
        yield from self._stage(lambda draft: add_conditions(draft, self.space, on_principal=True), (PRINCIPAL,))
        yield from self._stage(lambda draft: None if self._broad else add_resource(draft, self.space), (RESOURCE,))
        for draft in self.drafts():
            if draft.statement is not None:
                self.space.quantified.update(
                    each.key.lower() for each in draft.statement.conditions if each.operator.startswith("For")
                )
        yield ()  # Before a key is asked for, every question has to have said which keys have several values.
        yield from self._stage(lambda draft: add_conditions(draft, self.space, on_principal=False), None)

    def _except(self, effect: str, dimension: int, pattern: Pattern, policy_types: tuple[str, ...] = ()) -> None:
        """Statements (of these types of policy) do not apply to what matches `pattern`."""
        index = self.space.dimensions[dimension].add(Matches(pattern), own=True)
        self.predicates[f"{dimension} {pattern.text}"] = index
        for level in self.levels:
            if not policy_types or level.policy_type in policy_types:
                for draft in level.drafts:
                    if draft.effect == effect:
                        draft.terms.append(Term(dimension, (index,), (index,), negated=True))

    def _limit_rcps(self) -> None:
        """RCPs reach the resources of some services, but no key that AWS manages."""
        if not self.policies.rcps:
            return
        dimension = self.space.dimensions[ACTION]
        reached = tuple(dimension.add(Matches(glob(f"{service}:*")), own=True) for service in _RCP_SERVICES)
        for level in self.levels:
            if level.policy_type == "RCP":
                for draft in level.drafts:
                    draft.terms.append(Term(ACTION, reached, reached))
        self._except("Deny", ACTION, literal("kms:retiregrant"), ("RCP",))
        if self.space.may_ask("kms:"):
            self._except("Deny", RESOURCE, glob("arn:*:kms:*:*:alias/aws/*"), ("RCP",))

    def drafts(self) -> Iterator[Draft]:
        """All that are left."""
        for level in self.levels:
            yield from level.drafts

    def _stage(self, add: Callable[[Draft], None], dimensions: Sequence[int] | None) -> Iterator[Sequence[int] | None]:
        """Adds terms, lets `dimensions` be refined, and drops the drafts that cannot apply."""
        for draft in self.drafts():
            add(draft)
        yield dimensions
        asked = set(self.space.contextual() if dimensions is None else dimensions)
        self.levels = [
            Level(level.policy_type, [draft for draft in level.drafts if self._narrow(draft, asked)])
            for level in self.levels
        ]

    def _narrow(self, draft: Draft, asked: set[int]) -> bool:
        """Takes the terms about these dimensions into the boxes; False when the statement cannot apply."""
        for term in draft.terms:
            if term.dimension in asked and not _conjoin(draft, term, *self._masks(term)):
                return False
        return True

    def _masks(self, term: Term) -> tuple[Atoms, Atoms]:
        return resolve(term, self.space.dimensions[term.dimension])

    def _name_principals(self) -> None:
        """Makes of each statement of a policy with principals one draft for each way of naming them."""
        levels: list[Level] = []
        for level in self.levels:
            if level.policy_type not in WITH_PRINCIPAL:
                levels.append(level)
                continue
            named: list[Draft] = []
            for draft in level.drafts:
                if draft.deciding is None:
                    named.append(draft)
                    continue
                for naming, term in principal_terms(draft, self.space, self.policies.boundaries is not None):
                    named.append(_with(draft, naming, term))
            levels.append(Level(level.policy_type, named))
        self.levels = levels

    def _add_fixed_predicates(self) -> None:
        """What the combination of policies asks of the caller: root, federated, service-linked."""
        if not self.signed:
            return
        dimension = self.space.dimensions[PRINCIPAL]
        self.predicates["root"] = dimension.add(Matches(ROOT), own=True)
        if self.policies.session is None:
            self.predicates["federated"] = dimension.add(Matches(_FEDERATED), own=True)
        if self.policies.scps or self.policies.rcps:
            self.predicates["service-linked"] = dimension.add(Matches(_SERVICE_LINKED), own=True)
            self._except("Deny", PRINCIPAL, _SERVICE_LINKED, ("SCP", "RCP"))


def as_taken(requests: RequestSet, authorization: Authorization) -> RequestSet:
    """The set as it counts. A method without AWS_IAM takes every request for an unsigned one."""
    unsigned = authorization in UNSIGNED and requests.kind == "signed"
    return requests._replace(kind="anonymous") if unsigned else requests


def refine(questions: Sequence[Question]) -> None:
    """Makes the questions about one space ready, so that their boxes are made of the same atoms."""
    space = questions[0].space
    for dimensions, *_ in zip(*(question.stages() for question in questions), strict=True):
        for index in space.contextual() if dimensions is None else dimensions:
            dimension = space.dimensions[index]
            dimension.refine()
            if dimension.several:
                for draft in (draft for question in questions for draft in question.drafts()):
                    for term in draft.terms:
                        if term.dimension == index:
                            for mask in demands(term, dimension):
                                dimension.demand(mask)
                dimension.close()


def _conjoin(draft: Draft, term: Term, may: Atoms, must: Atoms) -> bool:
    dimension = term.dimension
    may &= draft.may.get(dimension, -1)
    if not may:
        return False
    draft.may[dimension] = may
    if draft.must is not None:
        must &= draft.must.get(dimension, -1)
        if must:
            draft.must[dimension] = must
        else:
            draft.must = None
    return True


def _with(draft: Draft, naming: Naming, term: Term | None) -> Draft:
    """A copy of `draft` for one way of naming principals."""
    copy = Draft(draft.effect, draft.deciding, draft.doubt, naming)
    copy.unread = draft.unread
    copy.terms = [*draft.terms, *([] if term is None else [term])]
    copy.may = dict(draft.may)
    copy.must = None if draft.must is None else dict(draft.must)
    return copy


def _misplaced(policy_type: PolicyType, policy: Policy, index: int) -> str:
    """Why AWS refuses such a statement in this type of policy, or an empty text."""
    statement = policy.statements[index]
    if policy_type == "trust policy" and statement.resources is not None:
        return "a trust policy may not have `Resource`"
    if policy_type not in ("resource policy", "trust policy") and statement.resources is None:
        return f"a statement of this {policy_type} has no `Resource`"
    if policy_type not in WITH_PRINCIPAL and statement.principals is not None:
        return f"a statement of this {policy_type} has a `Principal`, which AWS refuses"
    return ""


def _open_texts(policy: Policy) -> int:
    """The steps that open texts of a policy add to a decision: each is compared character by character."""
    steps = 0
    for statement in policy.statements:
        for text in (*(statement.resources or ()), *(value for each in statement.conditions for value in each.values)):
            steps += 90 + 3 * len(text) if has_letters(text) else 1
    return steps


def is_closed(requests: RequestSet, policies: Policies) -> bool:
    """Whether no text of the question is open: there is but one run of the prover for it."""
    context = (key.values for key in requests.context.values() if key.values is not None)
    sets = (requests.callers, requests.actions, requests.resources, *context)
    return not (
        has_letters(requests.resource_account)
        or any(has_letters(text) for texts in sets for text in (*texts.patterns, *texts.but))
        or any(
            has_letters(text)
            for policy in policies.documents()
            for statement in policy.statements
            for text in (
                *statement.actions,
                *(statement.resources or ()),
                *(principal.value for principal in statement.principals or ()),
                *(text for each in statement.conditions for text in (each.key, *each.values)),
            )
        )
    )


def has_open_arns(requests: RequestSet, policies: Policies) -> bool:
    """Whether some principal or condition value begins with a letter."""
    if any(is_open_arn(text) for text in (*requests.callers.patterns, *requests.callers.but)):
        return True
    return any(
        is_open_arn(text)
        for policy in policies.documents()
        for statement in policy.statements
        for text in (
            *(principal.value for principal in statement.principals or ()),
            *(value for condition in statement.conditions for value in condition.values),
        )
    )
