"""Answer → finding: what to say of a requirement that is not met, and where to point."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.findings import Admitted, Checked, Counterexample, Finding, Mark
from policy_audit.iam.api_gateway import Question
from policy_audit.iam.known_keys import mentioned_keys
from policy_audit.iam.request import Deciding, Policies, Request
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import Symbols
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.rulebook.decide import Answered, is_caller_in_another_case
from policy_audit.rulebook.requirement import Requirement, label_of
from policy_audit.rulebook.rule import Path

if TYPE_CHECKING:
    from policy_audit.iam.explain import NearMiss

_ADMITTED: Final = 24
"""Kinds of principals that a finding tells of."""
_MISMATCHES = {
    "principal": "is for another principal",
    "action": "allows another action",
    "resource": "allows another resource",
}


class Judged(NamedTuple):
    """A requirement with its verdict, and the finding, if it is one that counts."""

    requirement: Requirement
    checked: Checked
    finding: Finding | None


class Line(NamedTuple):
    """What is left of it when its estate is gone: enough to tell whether it is ignored, or in the baseline."""

    checked: Checked
    finding: Finding | None
    span: Span
    """Where the finding points at, or would."""
    actions: tuple[str, ...]
    """Of the requirement, and of the request that breaks it."""


def line(judged: Judged) -> Line:
    """What a requirement leaves."""
    found, requirement = judged.finding, judged.requirement
    broken = (found.counterexample.action,) if found and found.counterexample else ()
    span = found.location if found else requirement.span
    return Line(judged.checked, found, span, (requirement.action, *broken))


def at_fault(requirement: Requirement, answered: Answered) -> Requirement:
    """The requirement with the address of the resource at fault: an API whose own policy denies what is needed.

    Or one of another account, whose own policy has to allow it and does not.
    """
    decision = answered.decision
    if requirement.effect == "deny" or not requirement.policy_address or decision is None:
        return requirement
    if decision.denied_by == "resource policy":
        return requirement._replace(address=requirement.policy_address)
    if any(one.policy_type == "resource policy" and one.statement.effect == "Deny" for one in decision.decided_by):
        return requirement._replace(address=requirement.policy_address)
    return requirement


def checked(requirement: Requirement, answered: Answered, symbols: Symbols) -> Checked:
    """The requirement with its answer, as `--verbose` shows it."""
    because = tuple(
        Mark(_span(deciding) or requirement.needed_at, symbols.show(f"{deciding.policy.name}: {_label(deciding)}"))
        for deciding in answered.because
    )
    return Checked(
        requirement.rule.id,
        requirement.address,
        requirement.sentence,
        answered.answer,
        requirement.needed_at,
        because,
        tuple(map(symbols.show, answered.reasons)) if answered.answer == "undecided" else (),
        tuple(map(symbols.show, answered.assumptions)),
    )


def finding(requirement: Requirement, answered: Answered, symbols: Symbols, root: str = "") -> Finding:
    """The finding for a requirement that is refuted, or undecided; `root` as for `fingerprint`."""
    rule = requirement.rule
    words = _words(requirement, answered, symbols)
    location, label, reasons = requirement.span, "", answered.reasons
    related: tuple[Mark, ...] = ()
    counterexample = None
    admitted: tuple[Admitted, ...] = ()
    if answered.answer == "refuted" and answered.request is not None and answered.question is not None:
        location, label, related, reasons = _point(requirement, answered, symbols)
        counterexample = _counterexample(answered, symbols)
        admitted = _admitted(requirement, symbols)
    elif requirement.effect == "holds":
        reasons = ()
        label = words["detail"]
    needed = requirement.effect == "allow" or (requirement.effect == "holds" and hasattr(requirement.subject, "state"))
    if requirement.needed_at != location and needed:
        related = (*related, Mark(requirement.needed_at, _need(requirement.subject)))
        related += tuple(Mark(span, _need(subject)) for subject, span in requirement.also or ())
    message = symbols.show(_fill(rule.message, words))
    if answered.answer == "undecided":
        message = symbols.show(f"cannot decide whether {_lower(requirement.sentence)}")
        reasons = answered.reasons
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        confidence=rule.confidence,
        answer="refuted" if answered.answer == "refuted" else "undecided",
        address=requirement.address,
        requirement=requirement.sentence,
        message=message,
        help=_fill(rule.help, words),
        page=rule.id,
        location=location,
        label=symbols.show(label),
        related=tuple(mark._replace(label=symbols.show(mark.label)) for mark in related),
        counterexample=counterexample,
        admitted=admitted,
        reasons=tuple(map(symbols.show, reasons)),
        references=rule.references,
        fingerprint=fingerprint(rule.id, requirement.address, requirement.sentence, root),
    )


def fingerprint(rule: str, address: str, sentence: str, root: str = "") -> str:
    """16 hexadecimal digits that stay the same while the file around the resource changes.

    With `root`, a folder, they are the same from whichever folder the audit is run.
    """
    from hashlib import sha256

    said = "\0".join((rule, rooted(address, root), sentence))
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def rooted(address: str, root: str) -> str:
    """An address, or a path, that starts from the folder `root` and not from the current one; an ARN as it is."""
    path, hash_sign, name = address.partition("#")
    if not root or path.startswith("arn:"):
        return address
    return f"{os.path.relpath(path, root)}{hash_sign}{name}"


# ---- where to point -------------------------------------------------------------------------------------------------


class Pointer(NamedTuple):
    """Where to look, what to read there, where else, and why the request is decided as it is."""

    location: Span
    label: str
    related: tuple[Mark, ...] = ()
    reasons: tuple[str, ...] = ()


def _point(requirement: Requirement, answered: Answered, symbols: Symbols) -> Pointer:
    """What to point at for a request that breaks the requirement."""
    decision, question, request = answered.decision, answered.question, answered.request
    assert decision is not None and question is not None and request is not None
    if requirement.effect == "deny":
        return _point_at_the_way_in(requirement, answered)
    if decision.outcome == "ExplicitlyDenied" and decision.decided_by:
        denial = decision.decided_by[0]
        reason = f"{denial.policy_type} `{denial.policy.name}` denies it explicitly"
        return Pointer(_span(denial) or requirement.span, "denies it", (), (reason,))
    lacking = decision.denied_by or "identity policy"
    if lacking in {"permissions boundary", "session policy", "SCP", "RCP"}:
        policy = _policy_of(question.policies, lacking)
        named = f" `{policy.name}`" if policy and policy.name else ""
        place = (policy.span if policy else None) or requirement.span
        return Pointer(place, f"the {lacking} does not allow it", (), (f"the {lacking}{named} does not allow it",))
    whose = "the VPC endpoint policy" if lacking == "VPC endpoint policy" else "its policies"
    # Only a refused permission asks for it: an audit that finds none starts faster without.
    from policy_audit.iam.explain import near_misses

    near = near_misses(request, question.policies, question.authorization, symbols)
    if near:
        first = near[0]
        marks = tuple(
            Mark(span, _miss(miss, symbols)) for miss in near[1:3] if (span := _span(miss.deciding)) is not None
        )
        where = first.deciding.policy.name
        reason = f"no statement of {whose} allows it; the nearest, in `{where}`, {_miss(first, symbols)}"
        return Pointer(_span(first.deciding) or requirement.span, _miss(first, symbols), marks, (reason,))
    return Pointer(requirement.span, "no statement allows it", (), (f"no statement of {whose} allows it",))


def _point_at_the_way_in(requirement: Requirement, answered: Answered) -> Pointer:
    decision, question = answered.decision, answered.question
    assert decision is not None and question is not None
    ways = [deciding for deciding in decision.decided_by if deciding.statement.effect == "Allow"]
    visible = [span for deciding in ways if (span := _span(deciding)) is not None]
    location: Span = visible[0] if visible else requirement.span
    label = "lets it in" if visible else "nothing keeps it out"
    denials = _denials(question.policies)
    marks = tuple(Mark(statement.span, "does not deny it") for statement in denials if statement.span is not None)[:3]
    if question.policies.resource is None and question.policies.identity is None:
        reason = f"{question.about} gets in: the API has no resource policy"
        return Pointer(location, "has no resource policy", (), (reason,))
    return Pointer(location, label, marks, (f"{question.about} gets in",) if question.about else ())


def _denials(policies: Policies) -> Iterable[Statement]:
    documents = (policies.resource, *(policies.identity or ()))
    return (one for policy in documents if policy for one in policy.statements if one.effect == "Deny")


def _policy_of(policies: Policies, kind: str) -> Policy | None:
    if kind == "permissions boundary" and policies.boundaries:
        return policies.boundaries[0]
    return policies.session if kind == "session policy" else None


def _miss(miss: "NearMiss", symbols: Symbols) -> str:
    failed = miss.failed[0] if miss.failed else "resource"
    if failed in _MISMATCHES:
        shown = ", ".join(f"`{symbols.show(value)}`" for value in miss.values[:2])
        return f"{_MISMATCHES[failed]}: {shown}" if shown else _MISMATCHES[failed]
    shown = " or ".join(f"`{symbols.show(value)}`" for value in miss.values[:2])
    return f"asks for {failed} {shown}".strip()


def _span(deciding: Deciding) -> Span | None:
    statements = deciding.policy.statements
    return statements[deciding.index].span if 0 <= deciding.index < len(statements) else deciding.policy.span


def _label(deciding: Deciding) -> str:
    if not 0 <= deciding.index < len(deciding.policy.statements):
        return "decides"
    statement = deciding.statement
    return f"{statement.effect} {statement.sid}" if statement.sid else f"{statement.effect} statement {deciding.index}"


# ---- words ----------------------------------------------------------------------------------------------------------


def _words(requirement: Requirement, answered: Answered, symbols: Symbols) -> dict[str, str]:
    principal = requirement.principal
    if requirement.effect == "deny" and answered.request is not None:
        caller = answered.request.caller
        principal = symbols.show(caller.arn) if caller.arn else "anybody (unsigned)"
    values = answered.request.context if answered.request else {}
    detail = requirement.fact.detail if requirement.fact else ""
    if requirement.effect == "deny" and not detail:
        detail = ", ".join(symbols.show(str(value)) for key, value in values.items() if key.startswith("states:"))
    words = {
        "principal": principal,
        "action": "`, `".join(answered.lacking) or requirement.action,
        "resource": symbols.show(answered.request.resource) if answered.request else requirement.resource,
        "detail": detail,
        "name": requirement.address.rpartition("#")[2],
    }
    subject = requirement.subject
    for text in (requirement.rule.message, requirement.rule.help):
        for word in _placeholders(text):
            if word not in words:
                found = Path(tuple(word.split(".")[1:]), word).of(subject)
                shown = getattr(found, "text", found)
                words[word] = symbols.show(shown) if isinstance(shown, str) else "?"
    return words


def _placeholders(text: str) -> list[str]:
    return re.findall(r"\{([^}]*)\}", text)


def _fill(text: str, words: dict[str, str]) -> str:
    """`text` with its `{words}` replaced; the values are not looked at again."""
    return re.sub(r"\{([^}]*)\}", lambda found: words.get(found.group(1), found.group()), text).strip()


def _need(subject: object) -> str:
    label = label_of(subject)
    part = getattr(subject, "part", "")
    return f"{label} needs it" if label else f"`{part}` needs it" if part else "needs it"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _counterexample(answered: Answered, symbols: Symbols) -> Counterexample:
    # Only a refuted requirement has a case to write: an audit that finds none starts faster without.
    from policy_audit.iam.write import case_of

    request, question, decision = answered.request, answered.question, answered.decision
    assert request is not None and question is not None and decision is not None
    return Counterexample(
        _principal(request, symbols),
        request.action,
        symbols.show(request.resource),
        _context(request, question, symbols),
        decision.outcome,
        case_of(request, question.policies, question.authorization, symbols.sample),
    )


def _principal(request: Request, symbols: Symbols) -> str:
    return symbols.show(request.caller.arn) if request.caller.kind != "anonymous" else "anonymous"


def _context(request: Request, question: Question, symbols: Symbols) -> Mapping[str, str | tuple[str, ...]]:
    """The keys to show: those that every request has are worth a line only where a policy asks for them."""

    def show(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        return symbols.show(value) if isinstance(value, str) else tuple(symbols.show(one) for one in value)

    # On whose behalf a service calls is worth a line most of all where no policy asks.
    asked = {key.lower() for key in mentioned_keys(question.policies)} | {"aws:sourcearn"}
    keys = sorted(request.context.items())
    return {key: show(one) for key, one in keys if key in asked or not key.startswith("aws:")}


def _admitted(requirement: Requirement, symbols: Symbols) -> tuple[Admitted, ...]:
    """Who gets in past a restriction of everybody but some: one principal of each kind, the shortest first."""
    if requirement.effect != "deny" or not any("*" in one for one in requirement.callers()):
        return ()
    from policy_audit.iam.prove import members_allowed

    found: dict[tuple[str, str], Admitted] = {}
    for question in requirement.questions:
        for refuted in members_allowed(question.requests, question.policies, symbols, question.authorization):
            if is_caller_in_another_case(refuted.request, question):
                continue
            principal = _principal(refuted.request, symbols)
            shown = symbols.show(refuted.request.resource)
            admitted = Admitted(principal, question.about, shown, _context(refuted.request, question, symbols))
            found.setdefault((principal, question.about), admitted)
    return tuple(sorted(found.values(), key=lambda one: (len(one.principal), one.principal, one.about))[:_ADMITTED])
