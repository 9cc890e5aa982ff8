"""How the types of policies combine: the ways to be allowed, as gates that a request has to pass.

It is written down here a second time, apart from the evaluator, so that each can catch the other's mistakes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

from collections.abc import Container, Iterator
from typing import Final

from policy_audit.iam.boxes import Draft, Naming
from policy_audit.iam.question import Question
from policy_audit.iam.request import PolicyType
from policy_audit.iam.reserved_boxes import CALLER_IDENTITY
from policy_audit.iam.search import Alternative, Atoms, Box
from policy_audit.iam.space import ACTION, PRINCIPAL
from policy_audit.record import NamedTuple

ALWAYS: Final = Alternative(())
"""The way to be allowed that everybody has."""


class Formula(NamedTuple):
    """Who is allowed: those of some alternative, without those of a Deny."""

    alternatives: tuple[Alternative, ...]
    denies: tuple[Box, ...]


class Gate(NamedTuple):
    """Drafts of which one has to apply, or a request that is in one of the boxes of `open_for`."""

    drafts: tuple[Draft, ...] = ()
    open_for: tuple[Box, ...] = ()


def formula_of(question: Question, *, allow_may: bool, without: Container[int] = ()) -> Formula:
    """Who may be allowed (`allow_may`: what may apply allows, what must apply denies), or who must be.

    `without` are the `id`s of `Deciding`s to leave out.
    """
    alternatives: list[Alternative] = []
    for gates, contested in _ways(question):
        if allow_may or not contested:
            closed = [boxes for gate in gates if () not in (boxes := _boxes(gate, allow_may, without))]
            if not closed:
                alternatives = [ALWAYS]  # What else allows makes no difference.
                break
            alternatives.append(Alternative(tuple(closed)))
    return Formula(tuple(alternatives), denies_of(question, allow_may=allow_may, without=without))


def denies_of(question: Question, *, allow_may: bool, without: Container[int] = ()) -> tuple[Box, ...]:
    """Of what must be denied (`allow_may`), or of what may be, the boxes; `without` as above."""
    denies = [
        box
        for draft in question.drafts()
        if draft.effect == "Deny"
        and id(draft.deciding) not in without
        and (box := draft.box(may=not allow_may)) is not None
    ]
    return tuple(dict.fromkeys(denies))


def _boxes(gate: Gate, may: bool, without: Container[int]) -> tuple[Box, ...]:
    boxes = [
        box for draft in gate.drafts if id(draft.deciding) not in without and (box := draft.box(may=may)) is not None
    ]
    return tuple(dict.fromkeys((*boxes, *gate.open_for)))


def _allowing(question: Question, policy_type: PolicyType, *namings: Naming) -> tuple[Draft, ...]:
    """The Allow drafts of a type of policy, of these ways of naming only if any are given."""
    return tuple(
        draft
        for level in question.levels
        if level.policy_type == policy_type
        for draft in level.drafts
        if draft.effect == "Allow" and (not namings or draft.naming in namings)
    )


def _callers(question: Question, name: str, *, but: bool = False) -> tuple[Box, ...]:
    """The box of callers of a kind, or of all others."""
    dimension = question.space.dimensions[PRINCIPAL]
    mask: Atoms = dimension.masks[question.predicates[name]]
    mask = dimension.everything & ~mask if but else mask
    return (((PRINCIPAL, mask),),) if mask else ()


def _ways(question: Question) -> Iterator[tuple[list[Gate], bool]]:
    """Every way to be allowed as a list of gates, and whether AWS leaves open that it is one."""
    common = _common_gates(question)
    for gates, contested in _ways_by_account(question):
        yield [*common, *gates], contested
    if question.about_caller_identity:
        index = question.predicates[f"{ACTION} {CALLER_IDENTITY}"]
        yield [Gate(open_for=(((ACTION, question.space.dimensions[ACTION].masks[index]),),))], False


def _common_gates(question: Question) -> list[Gate]:
    gates: list[Gate] = []
    if question.policies.endpoint:
        gates.append(Gate(_allowing(question, "VPC endpoint policy")))
    if question.signed and question.policies.scps:
        free = _callers(question, "service-linked")
        for level in question.levels:
            if level.policy_type == "SCP":
                gates.append(Gate(tuple(draft for draft in level.drafts if draft.effect == "Allow"), free))
    return gates


def _ways_by_account(question: Question) -> Iterator[tuple[list[Gate], bool]]:
    trust = question.authorization == "trust"
    kind: PolicyType = "trust policy" if trust else "resource policy"
    if question.authorization in ("api-gateway-none", "api-gateway-cognito") and question.policies.resource is None:
        yield [], False
        return
    everyone = Gate(_allowing(question, kind))
    if question.authorization == "api-gateway-custom":
        yield [Gate(_allowing(question, "identity policy"))], False  # What the Lambda authorizer returned.
    if not question.signed:
        if question.authorization != "api-gateway-iam" or question.requests.kind != "anonymous":
            yield [everyone], False
        return
    limits = _limits(question)
    own = [_identity(question), *limits]
    if not question.requests.same_account:
        yield [*own, everyone], False
        return
    if question.authorization in ("kms", "trust"):
        yield [*own, Gate(_allowing(question, kind, "by account"))], False
    else:
        yield own, False
    directly, by_role = _allowing(question, kind, "directly"), _allowing(question, kind, "by role")
    anyone = _allowing(question, kind, "as anyone")
    if directly:
        yield [Gate(directly)], False
    if by_role:
        yield [*limits, Gate(by_role)], False
    if anyone:
        # AWS does not say whether a boundary or session policy limits a grant to `Principal: "*"`.
        yield [*limits, Gate(anyone)], False
        if limits:
            yield [Gate(anyone)], True


def _identity(question: Question) -> Gate:
    return Gate(_allowing(question, "identity policy"), _callers(question, "root"))


def _limits(question: Question) -> list[Gate]:
    """What limits the caller's permissions: boundary and session policy. A federated user without one has nothing.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
    """
    root = _callers(question, "root")
    gates: list[Gate] = []
    if question.policies.boundaries is not None:
        gates.append(Gate(_allowing(question, "permissions boundary"), root))
    if question.policies.session is not None:
        gates.append(Gate(_allowing(question, "session policy"), root))
    elif _callers(question, "federated"):
        gates.append(Gate(open_for=_callers(question, "federated", but=True)))
    return gates
