"""Requirement → answer: the engine's verdicts, merged, and softened where the audit does not see everything."""

from collections.abc import Iterator

from policy_audit.findings import Answer
from policy_audit.iam.api_gateway import Question
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Deciding, Decision, Proven, Refuted, Request, Undecided, Verdict
from policy_audit.model.value import Symbols
from policy_audit.record import NamedTuple
from policy_audit.rulebook.requirement import Requirement


class Answered(NamedTuple):
    """The answer to one requirement. For `refuted`, `request` breaks it, under `policies`, as `decision` tells."""

    answer: Answer
    reasons: tuple[str, ...] = ()
    because: tuple[Deciding, ...] = ()
    assumptions: tuple[str, ...] = ()
    request: Request | None = None
    decision: Decision | None = None
    question: Question | None = None
    lacking: tuple[str, ...] = ()
    """Of a requirement for several actions: those that are refused."""


def decide(requirement: Requirement, symbols: Symbols) -> Answered:
    """The answer to `requirement`."""
    if requirement.missing:
        return Answered("undecided", (requirement.missing,))
    if requirement.fact is not None:
        if requirement.fact.holds is None:
            return Answered("undecided", (requirement.fact.detail,))
        return Answered("proven" if requirement.fact.holds else "refuted", (requirement.fact.detail,))
    if requirement.effect == "deny":
        return _denied(requirement, symbols)
    return _allowed(requirement, symbols)


def _allowed(requirement: Requirement, symbols: Symbols) -> Answered:
    answers = [_prove(question, symbols, "allow") for question in requirement.questions]
    worst = _worst([*answers, *_guarded(requirement, symbols, "allow")])
    if worst.answer == "refuted":
        others = [_prove(question, symbols, "allow") for question in requirement.otherwise]
        worst = next((one for one in others if one.answer != "refuted"), worst)
    if worst.answer == "proven":
        unseen = tuple(f"{name} is not visible, and is assumed not to deny" for name in requirement.unseen)
        return worst._replace(assumptions=worst.assumptions + unseen + _dated(worst.because))
    if worst.answer == "undecided":
        unseen = tuple(f"{name} is not visible, and may allow it" for name in requirement.unseen)
        return worst._replace(reasons=(*unseen, *worst.reasons))
    if worst.answer == "refuted" and worst.decision and worst.decision.outcome == "ImplicitlyDenied":
        if requirement.unseen and worst.decision.denied_by in {None, "identity policy", "resource policy"}:
            reasons = tuple(f"{name} is not visible, and may allow it" for name in requirement.unseen)
            return Answered("undecided", reasons)
        for question in requirement.doubtful:
            if _prove(question, symbols, "allow").answer == "proven":
                shown = symbols.show(question.requests.resources.patterns[0])
                reason = (
                    f"allowed only on `{shown}`, a form of the resource that AWS's pages name, but not all of them, "
                    "or not for this request"
                )
                return Answered("undecided", (reason,))
    return worst


def _dated(because: tuple[Deciding, ...]) -> tuple[str, ...]:
    """From when the policies of AWS's own are that carry a proof: AWS may have changed them since."""
    own = dict.fromkeys(one.policy.name for one in because if ":iam::aws:policy/" in one.policy.name)
    if not own:
        return ()
    from policy_audit.sources.aws_managed_policies import table_date

    return tuple(f"`{name}` is as AWS had it on {table_date()}" for name in own)


def _denied(requirement: Requirement, symbols: Symbols) -> Answered:
    for question in requirement.telling:
        answered = _prove(question, symbols, "deny")
        if answered.answer == "refuted":
            return answered
    answers = [_prove(question, symbols, "deny") for question in requirement.questions]
    worst = _worst([*answers, *_guarded(requirement, symbols, "deny")])
    if worst.answer == "refuted" and _is_caller_in_another_case(worst):
        reason = "only a role whose name differs from a caller's in upper and lower case gets in, and IAM admits none"
        return Answered("undecided", (reason,))
    if worst.answer == "refuted" and requirement.tentative:
        return Answered("undecided", (requirement.tentative,))
    if worst.answer == "proven" and requirement.unseen:
        return Answered("undecided", requirement.unseen)
    return worst


def _guarded(requirement: Requirement, symbols: Symbols, effect: str) -> Iterator[Answered]:
    """Where an authorizer has a say beside the policies: these settle it alone only by keeping everybody out."""
    out = "refuted" if effect == "allow" else "proven"
    for question, reason in requirement.guarded:
        answered = _prove(question, symbols, effect)
        yield answered if answered.answer == out else Answered("undecided", (reason,))


def _is_caller_in_another_case(answered: Answered) -> bool:
    request, question = answered.request, answered.question
    return request is not None and question is not None and is_caller_in_another_case(request, question)


def is_caller_in_another_case(request: Request, question: Question) -> bool:
    """Whether the one who gets in is no other role: names of roles are unique whatever their case.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    arn = request.caller.arn.lower()
    return bool(arn) and arn in {pattern.lower() for pattern in question.requests.callers.but}


def _prove(question: Question, symbols: Symbols, effect: str) -> Answered:
    ask = prove_allowed if effect == "allow" else prove_denied
    verdict: Verdict = ask(question.requests, question.policies, symbols, question.authorization)
    match verdict:
        case Proven(because, assumptions):
            return Answered("proven", (), because, assumptions, question=question)
        case Refuted(request, decision, assumptions):
            return Answered("refuted", (), decision.decided_by, assumptions, request, decision, question)
        case Undecided(reasons, _, likely):
            hangs = (*reasons, _hanging(verdict)) if verdict.unless else reasons
            said = dict.fromkeys((*hangs, *_why_open(question, symbols), *_pins(hangs)))
            return Answered("undecided", tuple(said), request=likely, question=question)


def _hanging(verdict: Undecided) -> str:
    """What an undecided verdict hangs on: `refuted unless …`, where all other values of the symbols give one answer."""
    if not verdict.likelier:
        return f"it depends on whether {verdict.unless}"
    return f"{verdict.likelier} unless{'' if verdict.is_whole else ', for one,'} {verdict.unless}"


def _pins(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """What the user can say to settle what the verdict hangs on."""
    options = (("AWS::AccountId", "--account"), ("AWS::Region", "--region"), ("AWS::Partition", "--partition"))
    return tuple(
        f"`{option}` says what `${{{name}}}` is"
        for name, option in options
        if any(f"${{{name}}}" in reason for reason in reasons if "is not known" in reason)
    )


def _why_open(question: Question, symbols: Symbols) -> tuple[str, ...]:
    """Why parts of the requests themselves are not known."""
    requests = question.requests
    keys = [key.values for key in requests.context.values() if key.values is not None]
    texts = (requests.callers, requests.resources, *keys)
    return tuple(reason for each in texts for pattern in each.patterns for reason in symbols.reasons(pattern))


def _worst(answers: list[Answered]) -> Answered:
    """One answer for several questions: a no wins over a doubt, a doubt over a yes."""
    for answer in ("refuted", "undecided"):
        found = [one for one in answers if one.answer == answer]
        if found:
            reasons = tuple(dict.fromkeys(reason for one in found for reason in one.reasons))
            lacking = tuple(one.request.action for one in found if one.request and len(answers) > 1)
            return found[0]._replace(reasons=reasons, lacking=lacking if answer == "refuted" else ())
    because = tuple(dict.fromkeys(deciding for one in answers for deciding in one.because))
    assumptions = tuple(dict.fromkeys(text for one in answers for text in one.assumptions))
    return Answered("proven", (), because, assumptions, question=answers[0].question if answers else None)
