"""A requirement: one thing that one rule asks of one fact, with the sets of requests that answer it."""

from collections.abc import Iterator, Mapping
from typing import Final

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.known_keys import ABSENT, impossible_keys
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Absent, Fact, Missing
from policy_audit.model.system import System
from policy_audit.model.workflow import OtherThan
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.rulebook.rule import Path, Permission, Rule

GRANTS_EVERYTHING: Final = Policy((Statement("Allow", ("*",), ("*",)),), "2012-10-17", "(assumed identity policy)")
"""Stands for a caller's own policies where the question is what another policy says of it."""


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
    otherwise: tuple[Question, ...] = ()
    """Asked when the answer is no: another name for the same principal or resource. If allowed, so is the first."""
    doubtful: tuple[Question, ...] = ()
    """Asked when the answer is no: a form of the resource that nobody has confirmed. If this is allowed, undecided."""
    telling: tuple[Question, ...] = ()
    """Smaller sets, asked first for a counterexample that a reader grasps."""
    guarded: tuple[tuple[Question, str], ...] = ()
    """Asked like `questions`, where more than policies has a say: unless they settle it alone, undecided, and why."""
    fact: Fact | None = None
    missing: str = ""
    unseen: tuple[str, ...] = ()
    """Policies that may grant it, or methods that it should cover, but that are not visible."""
    tentative: str = ""
    """Why a counterexample may be of a request that can't happen: then a no is undecided."""
    policy_address: str = ""
    """The resource whose own policy has a say, beside those of the role."""
    principal: str = ""
    action: str = ""
    resource: str = ""
    also: tuple[tuple[object, Span], ...] | None = None
    """Other subjects that ask for the same, and where they stand; None where these are not worth a word."""
    is_closed: bool = False
    """Whether the answer is no for whatever context: all that are told in the same words are then one gap."""

    def callers(self) -> Iterator[str]:
        """The globs of the callers that it asks about."""
        return (pattern for question in self.questions for pattern in question.requests.callers.patterns)

    @property
    def asks(self) -> tuple[object, ...]:
        """What the answer follows from: two requirements that ask the same have the same answer."""
        sets = (self.questions, self.otherwise, self.doubtful, self.telling, self.guarded)
        return (self.effect, *sets, self.fact, self.missing, self.unseen, self.tentative)


def question(
    caller: str,
    action: str,
    resource: str,
    account: str,
    context: Mapping[str, Key],
    policies: Policies,
    authorization: Authorization = "ordinary",
    same_account: bool = True,
) -> Question:
    """Whether `caller`, the ARN of a role or the name of a service, may make one request, known but for its context.

    `account` is the resource's, `same_account` whether the caller belongs to it. `context` are keys by their lower-case
    names; those that no such request can carry are added as absent.
    """
    requests = RequestSet(
        "signed" if caller.startswith("arn:") else "service",
        Texts((literal(caller),)),
        Texts((action,)),
        Texts((literal(resource),)),
        account,
        same_account,
        context=impossible_keys(policies, action) | dict(context),
    )
    return Question(requests, policies, authorization)


def name_of(subject: object, system: System) -> str:
    """What a reader knows the subject by: a call, and what a state needs, by the state."""
    state = getattr(subject, "state", "")
    if isinstance(state, str) and state:
        return state
    return str(getattr(subject, "address", "")).rpartition("#")[2]


def label_of(subject: object) -> str:
    """What a reader tells the subject by from others of its resource: a state's name, a statement's; empty if alone."""
    state = getattr(subject, "state", "")
    return f"state `{state}`" if state else str(getattr(subject, "label", ""))


def place(subject: object) -> tuple[str, Span]:
    """The address of what a rule asks about, and where it stands."""
    return subject.address, subject.span  # type: ignore[attr-defined]


def undecidable(rule: Rule, subject: object, sentence: str, reason: str, system: System) -> Requirement:
    """A requirement that can't even be asked, because of `reason`."""
    address, span = place(subject)
    return Requirement(
        rule, subject, f"{about(subject, address, system)}: {sentence}", address, span, span, missing=reason
    )


def about(subject: object, address: str, system: System) -> str:
    """How a sentence names what it is about: a call by its state, anything else by the resource at `address`.

    One part of a resource that has several, such as a target of a rule, is named with it.
    """
    label = label_of(subject)
    if label:
        return label
    name = f"`{address.rpartition('#')[2]}`"
    part = getattr(subject, "part", "") if address == place(subject)[0] else ""
    return f"`{system.symbols.show(part)}` of {name}" if part else name


def actions_of(clause: Permission, subject: object) -> tuple[str, ...] | Missing:
    """The actions of a clause: those that it lists, or those of the property that it names."""
    if isinstance(clause.actions, tuple) and not isinstance(clause.actions, Path):
        return clause.actions
    found = clause.actions.of(subject)
    if isinstance(found, Missing):
        return found
    return found if isinstance(found, tuple) else ()


def when(clause: Permission, subject: object) -> Iterator[tuple[str, str]]:
    """The context keys of a clause with the texts they have, as the rule writes them."""
    for key, path in clause.when:
        value = path.of(subject)
        if isinstance(value, str):
            yield key, value


def context_of(clause: Permission, subject: object, system: System) -> tuple[dict[str, Key], str]:
    """The context keys of a clause, lower case, and why one of them is not known."""
    keys: dict[str, Key] = {}
    for key, path in clause.when:
        value = path.of(subject)
        if isinstance(value, Missing):
            return {}, value.reason
        if isinstance(value, Absent):
            keys[key.lower()] = ABSENT
        elif isinstance(value, OtherThan):
            keys[key.lower()] = Key(Texts((value.pattern,), value.but))
        elif isinstance(value, str):
            keys[key.lower()] = Key(Texts((literal(value),)))
    return keys, ""


def surroundings(system: System, resource: str) -> dict[str, Key]:
    """Keys that every request carries: the Region it is made in, and TLS."""
    parts = resource.split(":", 5)
    region, account = parts[3:5] if len(parts) == 6 else ("", "")
    keys = {
        "aws:securetransport": Key(Texts(("true",))),
        # A resource without a Region of its own is asked for in that of the estate.
        "aws:requestedregion": Key(Texts((literal(region if region not in ("", "*") else system.region),))),
    }
    if account:
        keys["aws:resourceaccount"] = Key(Texts((literal(account),)))
    return keys
