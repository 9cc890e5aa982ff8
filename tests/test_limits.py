"""Hostile questions end soon: decided, or undecided with the budget as the reason. Never a hang."""

import time
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hostile_questions import Hostile, is_given_up, questions

from policy_audit.iam import limits
from policy_audit.iam import symbols as symbol_values
from policy_audit.iam.limits import OverBudgetError, Steps
from policy_audit.iam.patterns import Pattern
from policy_audit.iam.prove import prove_denied
from policy_audit.iam.relation import relation
from policy_audit.iam.request import Policies, Proven, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import NAME, Symbol, Symbols

ALL = list(questions())


@pytest.mark.parametrize("question", ALL, ids=[each.name for each in ALL])
def test_hostile_questions_end_soon(question: Hostile) -> None:
    """The aim is half a second, and `tests/benchmark.py` measures it; this guards against three times as long."""
    started = time.process_time()
    verdict = question.answer()
    assert time.process_time() - started < 1.5
    if question.decided:
        assert not is_given_up(verdict), verdict


def test_what_is_not_decided_says_so() -> None:
    given_up = [question for question in ALL if not question.decided]
    assert any(is_given_up(question.answer()) for question in given_up[:4])


def test_an_account_of_steps_is_used_up() -> None:
    steps = Steps(3)
    steps.take(2)
    steps.take()
    with pytest.raises(OverBudgetError, match="too many ways"):
        steps.take()


def test_a_proof_without_steps_for_its_core_is_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is proven stays proven when there is no budget left to find out which statements carry it."""
    everybody = (Principal("*", "*"),)
    denies = tuple(
        Statement("Deny", ("*",), ("*",), everybody, (Condition("StringLike", f"aws:PrincipalTag/t{each}", ("x",)),))
        for each in range(20)
    )
    allow = Statement("Allow", ("*",), ("*",), everybody)
    deny_all = Statement("Deny", ("*",), ("*",), everybody)
    policies = Policies(identity=None, resource=Policy((allow, *denies, deny_all), "2012-10-17"))
    asked = RequestSet("signed", Texts(("*",)), Texts(("s3:GetObject",)), Texts(("*",)), "123456789012")
    outcomes = set()
    for most in range(50, 600, 25):
        monkeypatch.setattr(limits.Steps.__init__, "__defaults__", (most,))
        verdict = prove_denied(asked, policies, Symbols())
        if isinstance(verdict, Proven):
            outcomes.add(len(verdict.because))
    assert outcomes == {21, 1}


def test_values_of_symbols_that_were_not_tried_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept out only as long as a parameter does not name the bucket: however small the budget, never proven."""
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Bucket}", NAME))
    allow = Statement("Allow", ("s3:GetObject",), (f"arn:aws:s3:::{letter}/*", "arn:aws:s3:::other/*"))
    policies = Policies(identity=(Policy((allow,), "2012-10-17"),))
    nothing = Policies(identity=())
    whole = symbol_values.substitutions

    def and_nothing_left(
        patterns: Iterable[Sequence[Pattern]],
        symbols: Symbols,
        accounts: Sequence[Pattern],
        steps: Steps,
        alone: Mapping[int, Pattern] = {},
    ) -> symbol_values.Substitutions:
        found = whole(patterns, symbols, accounts, steps, alone)
        assert found.found and found.complete
        steps.left = 0
        return found

    asked = RequestSet(
        "signed",
        Texts(("arn:aws:iam::123456789012:role/x",)),
        Texts(("s3:GetObject",)),
        Texts(("arn:aws:s3:::bucket/*k",)),
        "123456789012",
    )
    seen = set()
    for most in range(10, 3000, 23):
        monkeypatch.setattr(limits.Steps.__init__, "__defaults__", (most,))
        verdict = prove_denied(asked, policies, symbols)
        seen.add(getattr(verdict, "unless", "").strip("`")[:9])
        assert not isinstance(verdict, Proven), most
        compared = relation(nothing, policies, asked, symbols)
        assert compared.outcome == "undecided", most
    assert seen == {"", "${Bucket}"}
    monkeypatch.setattr(limits.Steps.__init__, "__defaults__", (limits.MOST_STEPS,))
    monkeypatch.setattr(symbol_values, "substitutions", and_nothing_left)
    monkeypatch.setattr("policy_audit.iam.relation.substitutions", and_nothing_left)
    assert is_given_up(prove_denied(asked, policies, symbols))
    assert relation(nothing, policies, asked, symbols).outcome == "undecided"
