"""Unknown keys: a verdict admits the verdict of every completion, and what is undecided says of what it hangs."""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import pytest
from random_policies import ANONYMOUS, CALLERS, HERE, SERVICES, VALUES, WORLDS, asked, policies, possible

from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.request import Authorization, ContextValue, Decision, Key, Policies, Request, Texts
from policy_audit.iam.write import case_of
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.simulate import simulate

MOST_COMPLETIONS = 30
OF_THE_CALLER: dict[str, tuple[str, ...]] = {
    "aws:username": ("U", "x"),
    "aws:principaltype": ("User", "AssumedRole"),
    "aws:principalarn": (CALLERS[0].arn, CALLERS[3].arn),
    "aws:principalaccount": (HERE, "222222222222"),
}
"""Keys that follow from the caller, for `simulate`: with unknown keys it takes them for unknown too."""


class Partial:
    """Policies and a request of which some keys are unknown, with what they may be."""

    def __init__(self, dice: random.Random, several: bool = True) -> None:
        world = dice.choice(WORLDS)
        self.authorization: Authorization = dice.choice(world.authorizations)
        self.policies = policies(dice, world, self.authorization, several=several)
        self.caller = dice.choice((*CALLERS, *CALLERS, *SERVICES, ANONYMOUS))
        self.action, self.resource = dice.choice(world.actions), dice.choice(world.resources)
        self.known: dict[str, ContextValue] = {}
        self.absent: set[str] = set()
        self.open: dict[str, list[ContextValue | None]] = {}
        for name in sorted(asked(self.policies) & set(VALUES)):
            may_be = possible(name, Key(Texts(VALUES[name][:3]), maybe_absent=True))
            chosen, known = dice.choice(may_be), dice.random() < 0.5
            if known and chosen is not None:
                self.known[name] = chosen
            elif known:
                self.absent.add(name)
            else:
                self.open[name] = may_be

    def request(self) -> Request:
        return Request(
            self.caller, self.action, self.resource, HERE, self.known, frozenset(self.absent), unlisted="unknown"
        )

    def completions(self, dice: random.Random) -> Iterator[Request]:
        """All of them, or as many as are looked at."""
        if prod(map(len, self.open.values())) <= MOST_COMPLETIONS:
            every = list(product(*self.open.values()))
        else:
            every = [tuple(map(dice.choice, self.open.values())) for _ in range(MOST_COMPLETIONS)]
        for chosen in every:
            given = {name: value for name, value in zip(self.open, chosen, strict=True) if value is not None}
            yield Request(self.caller, self.action, self.resource, HERE, {**self.known, **given})


def check(before: Decision, after: Sequence[str], case: object) -> None:
    """That what is decided without the unknown keys is so with them, and that a sure denial is one."""
    if before.outcome != "Undecided":
        assert set(after) == {before.outcome}, case
        return
    assert before.undecided_because, case
    if before.denied_by is not None:
        assert "Allowed" not in after, case


@pytest.mark.parametrize("seed", range(2))
def test_every_completion_is_admitted(seed: int) -> None:
    dice = random.Random(4000 + seed)
    decided = hanging = 0
    for _ in range(200):
        partial = Partial(dice)
        evaluator = Evaluator(partial.policies, partial.authorization)
        before = evaluator.decide(partial.request())
        after = [evaluator.decide(request).outcome for request in partial.completions(dice)]
        check(before, after, (partial.request(), partial.policies, partial.authorization, before, after))
        decided += bool(partial.open) and before.outcome != "Undecided"
        hanging += before.outcome == "Undecided" and len(set(after)) > 1
    assert decided > 40
    assert hanging > 8


def writable(given: Policies) -> bool:
    """Whether the policies can be written as JSON: nothing unread, and no key twice under one operator."""
    statements = [part for document in given.documents() for part in document.statements]
    twice = [len({(one.operator, one.key) for one in part.conditions}) < len(part.conditions) for part in statements]
    return given.identity is not None and not any(twice) and not any(part.unknown for part in statements)


@pytest.mark.parametrize("seed", range(1))
def test_simulate_admits_every_completion(seed: int) -> None:
    """With `unlisted_keys` unknown, also the keys that follow from the caller may be anything, or absent."""
    dice = random.Random(5000 + seed)
    decided = hanging = 0
    for _ in range(25):
        partial = Partial(dice, several=False)
        if not writable(partial.policies):
            continue
        for name in sorted(asked(partial.policies) & set(OF_THE_CALLER)):
            partial.open[name] = [None, *OF_THE_CALLER[name]]
        requests = [partial.request(), *partial.completions(dice)]
        cases = [case_of(each, partial.policies, partial.authorization, str) for each in requests]
        before, *after = (json.loads(line) for line in simulate(map(json.dumps, cases)))
        outcomes = {each["decision"] for each in after}
        if before["decision"] == "Undecided":
            assert before["undecided_because"]
            hanging += len(outcomes) > 1
        else:
            assert outcomes == {before["decision"]}, (cases[0], before, outcomes)
            decided += bool(partial.open)
    assert decided > 5
    assert hanging > 2


@pytest.mark.parametrize("seed", range(1))
def test_a_key_more_that_is_known_never_makes_a_decision_another(seed: int) -> None:
    """From nothing known to all known, key by key, a decision is made at most once."""
    dice = random.Random(6000 + seed)
    made = 0
    for _ in range(60):
        partial = Partial(dice)
        evaluator = Evaluator(partial.policies, partial.authorization)
        *_, whole = partial.completions(dice)
        context: dict[str, ContextValue] = {}
        absent: set[str] = set()
        outcomes = ["Undecided"]
        for name in dice.sample(sorted(asked(partial.policies)), len(asked(partial.policies))):
            if name in whole.context:
                context[name] = whole.context[name]
            elif name in VALUES:
                absent.add(name)
            given = whole._replace(context=dict(context), absent=frozenset(absent), unlisted="unknown")
            outcomes.append(evaluator.decide(given).outcome)
        decisions = [each for each in outcomes if each != "Undecided"]
        assert len(set(decisions)) <= 1, (whole, partial.policies, outcomes)
        first = outcomes.index(decisions[0]) if decisions else len(outcomes)
        assert "Undecided" not in outcomes[first:], (whole, partial.policies, outcomes)
        made += bool(decisions)
    assert made > 20


@pytest.mark.parametrize("principal", [CALLERS[0].arn, "*"])
def test_what_limits_a_grant_is_named(principal: str) -> None:
    """A role that the resource's policy names is limited by its boundary, which hangs on an unknown key."""
    limited = Statement("Allow", ("*",), ("*",), conditions=(Condition("Null", "aws:PrincipalTag/a", ("true",)),))
    granted = Statement("Allow", ("*",), ("*",), (Principal("AWS", principal),))
    given = Policies((), (Policy((limited,)),), resource=Policy((granted,)))
    request = Request(CALLERS[0], "s3:GetObject", "arn:aws:s3:::b/x", HERE, unlisted="unknown")
    decision = Evaluator(given).decide(request)
    assert decision.outcome == "Undecided"
    assert "aws:PrincipalTag/a" in decision.undecided_because
