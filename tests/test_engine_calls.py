"""Proofs and decisions stay short, counted in calls of Python functions: those are the same on every machine."""

import sys
from collections.abc import Callable
from statistics import median
from types import FrameType

import pytest
from engine_benchmark import decided, identity, resource
from realistic_policies import at_random, role

from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.model.value import Symbols

MOST_OF_A_PROOF, MOST_OF_A_LONG_ONE = 5_000, 11_000
"""Calls of the median proof about an API's policy within 8 kB, and of the longest of fifteen: a tenth above both."""
MOST_OF_A_ROLE = 4_000
"""Calls of a proof about a role of 200 statements."""


def calls(work: Callable[[], object]) -> int:
    """How many Python functions are called, with what is imported on first use imported already."""
    work()
    made = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal made
        made += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


def test_realistic_proofs_make_few_calls() -> None:
    made = []
    for seed in range(15):
        given = at_random(seed)
        made.append(
            calls(lambda given=given: prove_denied(given.requests, given.policies, Symbols(), given.authorization))  # type: ignore[misc]
        )
    assert 0 < median(made) <= MOST_OF_A_PROOF
    assert max(made) <= MOST_OF_A_LONG_ONE


def test_a_long_role_is_sliced() -> None:
    policies, asked = role(200)
    assert calls(lambda: prove_allowed(asked, policies, Symbols())) <= MOST_OF_A_ROLE


@pytest.mark.parametrize(("work", "most"), [(decided(identity(6), 5), 29), (decided(resource(5), 4), 29)])
def test_decisions_make_few_calls(work: Callable[[], object], most: int) -> None:
    assert 0 < calls(work) <= most
