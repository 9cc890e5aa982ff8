"""What a verdict assumes beside the files: policies that no template shows, the form of open values, the requests."""

from collections.abc import Iterable, Iterator
from typing import Final

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.known_keys import mentioned_keys
from policy_audit.iam.request import literal_text
from policy_audit.model.policy import Statement
from policy_audit.model.rest_api import RestApi
from policy_audit.model.value import ANYTHING, Shape, Symbols, is_hole, letters
from policy_audit.origin import Span
from policy_audit.rulebook.decide import Answered
from policy_audit.rulebook.requirement import Requirement

ORGANIZATION: Final = (
    "service control policies and resource control policies, which no template shows, deny nothing here"
)
ORGANIZATION_OF_CALLERS: Final = "service control policies, which no template shows, deny nothing here"
SERVICE: Final = "resource control policies, which no template shows, deny nothing here"
SESSION: Final = "no session policy limits the role's session"
ENDPOINT: Final = "the policy of the VPC endpoint that the call comes through denies nothing here"
GUARDS: Final = (
    "no policy that the audit does not read (service or resource control policy, policy of a VPC endpoint) keeps it out"
)
PRIVATE: Final = (
    "every request to a private API comes through a VPC endpoint: `aws:SourceVpce`, `aws:SourceVpc` and "
    "`aws:VpcSourceIp` are there, and nothing is known of their values"
)
PUBLIC: Final = "no request to a public API carries `aws:SourceVpce`, `aws:SourceVpc` or `aws:VpcSourceIp`"
HOLES: Final = "a part that is shown as `…` may be any text"
_OWN_POLICIES: Final = {
    "secretsmanager": "no policy of the secret itself denies it",
    "vpc-lattice-svcs": "no auth policy of VPC Lattice denies it",
}
"""Services whose resources have policies of their own, which the audit does not read."""
_VPC_KEYS: Final = frozenset({"aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"})


def assumptions(requirement: Requirement, answered: Answered, symbols: Symbols) -> tuple[str, ...]:
    """What the verdict on policies assumes, beside what the engine itself says; none for facts and doubts."""
    if answered.answer == "undecided" or not requirement.questions:
        return ()
    questions = requirement.questions
    if answered.answer == "refuted" and answered.question is not None:
        questions = (answered.question,)
    found: list[str] = []
    for question in questions:
        found += _unseen(requirement, answered, question)
        found += _keys(question)
    statements = [deciding.statement for deciding in answered.because if deciding.policy.statements]
    return tuple(dict.fromkeys((*found, *_open(questions, statements, symbols))))


def _unseen(requirement: Requirement, answered: Answered, question: Question) -> Iterator[str]:
    """Policies that may say otherwise. They can only take access away: proofs that nobody gets in need none."""
    if requirement.effect == "deny":
        if answered.answer == "refuted":
            yield GUARDS
        return
    if answered.answer == "refuted":
        return
    signed = question.requests.kind == "signed"
    policies = question.policies
    if signed and policies.scps is None:
        yield ORGANIZATION if policies.rcps is None else ORGANIZATION_OF_CALLERS
    elif policies.rcps is None:
        yield SERVICE
    if signed:
        yield SESSION
    service = question.requests.actions.patterns[0].partition(":")[0].lower()
    if service in _OWN_POLICIES and question.policies.resource is None:
        yield _OWN_POLICIES[service]
    if service == "execute-api" and question.policies.endpoint is None:
        yield ENDPOINT


def _keys(question: Question) -> Iterator[str]:
    """What is known of the condition keys that the policies ask for."""
    written = {key.lower(): key for key in mentioned_keys(question.policies)}
    asked, context = written.keys(), question.requests.context
    if asked & _VPC_KEYS and context.keys() >= _VPC_KEYS:
        yield PUBLIC if all(context[key].values is None for key in _VPC_KEYS) else PRIVATE
    for key in sorted(asked & context.keys() - _VPC_KEYS):
        values = context[key].values
        if values is None:
            yield f"no such request carries `{written[key]}`"
        elif len(values.patterns) == 1 and (text := literal_text(values.patterns[0])) and key.startswith("aws:"):
            yield f"`{written[key]}` is `{text}` in every such request"


def _open(questions: Iterable[Question], statements: Iterable[Statement], symbols: Symbols) -> Iterator[str]:
    """What is known of the open values in the requests, and in the statements that decide."""
    texts = {text for question in questions for text in _texts_of(question)}
    texts |= {text for statement in statements for text in _texts_in(statement)}
    found = sorted({letter for text in texts if not text.isascii() for letter in letters(text)})
    if any(map(is_hole, found)):
        yield HOLES
    for letter in found:
        if not is_hole(letter):
            yield f"`{symbols.of(letter).name}` is any {_form(symbols.of(letter).shape)}"


def _texts_of(question: Question) -> Iterator[str]:
    requests = question.requests
    keys = (key.values for key in requests.context.values() if key.values is not None)
    for texts in (requests.callers, requests.actions, requests.resources, *keys):
        yield from texts.patterns
        yield from texts.but
    yield requests.resource_account


def _texts_in(statement: Statement) -> Iterator[str]:
    yield from statement.resources or ()
    yield from (principal.value for principal in statement.principals or ())
    yield from (value for condition in statement.conditions for value in condition.values)


def _form(shape: Shape) -> str:
    """`account id (12 characters of 0-9)`."""
    if shape == ANYTHING:
        return "text"
    if shape.values:
        return "of " + ", ".join(f"`{value}`" for value in shape.values[:8]) + (" …" if shape.values[8:] else "")
    most = "" if shape.longest < 0 else str(shape.longest)
    length = (
        most if shape.shortest == shape.longest else f"{shape.shortest} to {most}" if most else f"{shape.shortest}+"
    )
    return f"{shape.name} ({length} characters" + (f" of {shape.characters})" if shape.characters else ")")


def spans(requirement: Requirement) -> frozenset[Span]:
    """The places of everything that the requirement is made of: its subject, what that leads to, and the policies."""
    subject = requirement.subject
    found: set[Span] = {requirement.span, requirement.needed_at}
    pending: list[object] = [subject, requirement.questions, requirement.fact]
    if isinstance(subject, RestApi):
        pending += subject.system.signed_calls(subject.api.id)
    for name, attribute in vars(type(subject)).items():
        if isinstance(attribute, property):
            pending.append(getattr(subject, name))
    while pending:
        value = pending.pop()
        if isinstance(value, Span):
            found.add(value)
        elif isinstance(value, tuple):
            pending.extend(value)
    return frozenset(found)
