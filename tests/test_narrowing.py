"""A permission among many for resources with open names is proven by the statement that names its own."""

import pytest

from policy_audit.iam.limits import MANY_NAMES
from policy_audit.iam.narrowing import narrowed
from policy_audit.iam.prove import prove_allowed
from policy_audit.iam.request import Policies, Proven, Refuted, RequestSet, Texts, Undecided, literal
from policy_audit.model.policy import Effect, Policy, Statement
from policy_audit.model.value import GENERATED_NAME, Symbol, Symbols

ROLE = "arn:aws:iam::111122223333:role/flow"
COUNT = 24


def queue(symbols: Symbols, number: int, *, generated: bool = True) -> str:
    """The ARN of a queue that AWS names, or of one whose name is a parameter's value."""
    letter = symbols.symbol(Symbol(f"${{Q{number}}}", GENERATED_NAME, generated))
    return f"arn:aws:sqs:eu-west-1:111122223333:{letter}"


def statement(effect: Effect, *resources: str) -> Statement:
    return Statement(effect, ("sqs:SendMessage",), resources)


def ask(resource: str) -> RequestSet:
    return RequestSet(
        "signed", Texts((literal(ROLE),)), Texts(("sqs:SendMessage",)), Texts((literal(resource),)), "111122223333"
    )


@pytest.fixture
def symbols() -> Symbols:
    return Symbols()


@pytest.fixture
def queues(symbols: Symbols) -> list[str]:
    return [queue(symbols, number) for number in range(COUNT)]


def split(queues: list[str], *more: Statement) -> Policies:
    """Two policies with one Allow for each queue, the second with statements more."""
    allows = [statement("Allow", one) for one in queues]
    first, second = Policy(tuple(allows[:20]), name="first"), Policy((*allows[20:], *more), name="second")
    return Policies((first, second))


@pytest.mark.parametrize(("asked", "policy", "index"), [(3, "first", 3), (20, "second", 0), (COUNT - 1, "second", 3)])
def test_the_statement_that_names_the_resource_carries_the_proof(
    symbols: Symbols, queues: list[str], asked: int, policy: str, index: int
) -> None:
    policies = split(queues)
    verdict = prove_allowed(ask(queues[asked]), policies, symbols)
    assert isinstance(verdict, Proven)
    (deciding,) = verdict.because
    assert (deciding.policy.name, deciding.index, deciding.statement.resources) == (policy, index, (queues[asked],))
    assert any(deciding.policy is one for one in policies.identity or ())


def test_what_none_names_is_not_proven(symbols: Symbols, queues: list[str]) -> None:
    policies = split(queues[:-1])
    assert not isinstance(prove_allowed(ask(queues[-1]), policies, symbols), Proven)


def test_an_allow_without_open_names_and_a_deny_with_one_still_count(symbols: Symbols, queues: list[str]) -> None:
    another = queue(symbols, COUNT, generated=False)
    everything = split(queues, statement("Allow", "arn:aws:sqs:*:*:*"))
    assert isinstance(prove_allowed(ask(another), everything, symbols), Proven)
    denied = split(queues, statement("Deny", another))
    assert isinstance(prove_allowed(ask(queues[5]), denied, symbols), Undecided)


def test_few_are_asked_together(queues: list[str]) -> None:
    few = Policies((Policy(tuple(statement("Allow", one) for one in queues[: MANY_NAMES + 1])),))
    assert narrowed(ask(queues[0]), few, MANY_NAMES) is None
    more = Policies((Policy(tuple(statement("Allow", one) for one in queues[: MANY_NAMES + 2])),))
    fewer = narrowed(ask(queues[0]), more, MANY_NAMES)
    assert fewer is not None and [len(one.statements) for one in fewer.policies.identity or ()] == [1]


def test_what_none_names_is_refuted_however_many_there_are(symbols: Symbols, queues: list[str]) -> None:
    """What two other names have in common is nothing to the one resource that is asked about."""
    more = [queue(symbols, number) for number in range(COUNT, 120)]
    verdict = prove_allowed(ask(more[-1]), split([*queues, *more[:-1]]), symbols)
    assert isinstance(verdict, Refuted)
