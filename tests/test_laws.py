"""Laws that hold of every verdict, whatever the policies: writing them otherwise, adding to them, asking for less."""

import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from random_policies import (
    HERE,
    OPERATORS,
    WORLDS,
    Case,
    asked,
    finite_set,
    policies,
    small_set,
    statement,
    with_field,
)

from policy_audit.iam.operators import parse_operator
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Policies, RequestSet, Texts
from policy_audit.model.policy import Policy, Principal, Statement
from policy_audit.model.value import Symbols

CASES = 8
EVERYBODY = (Principal("*", "*"),)


def verdicts(case: Case) -> tuple[str, str]:
    """The kinds of verdict on both questions."""
    given = (case.requests, case.policies, Symbols(), case.authorization)
    return type(prove_denied(*given)).__name__, type(prove_allowed(*given)).__name__


def random_cases(seed: int) -> Iterator[tuple[random.Random, Case]]:
    """Questions about finite sets and wide ones, without end."""
    dice = random.Random(seed)
    while True:
        world = dice.choice(WORLDS)
        authorization = dice.choice(world.authorizations)
        given = policies(dice, world, authorization, several=True)
        requests = small_set(dice, world, asked(given))
        if dice.random() < 0.5 and requests.kind == "signed":
            requests = finite_set(dice, world, ())._replace(callers=Texts(("*",)), unlisted="any")
        yield dice, Case(requests, given, authorization)


# ---- the same policies, written otherwise

Rewrite = Callable[[tuple[Statement, ...]], tuple[Statement, ...]]


def rewritten(given: Policies, rewrite: Rewrite) -> Policies:
    """The policies with the statements of every document rewritten."""

    def one(document: Policy) -> Policy:
        return document._replace(statements=rewrite(document.statements))

    return Policies(
        None if given.identity is None else tuple(map(one, given.identity)),
        None if given.boundaries is None else tuple(map(one, given.boundaries)),
        None if given.session is None else one(given.session),
        None if given.resource is None else one(given.resource),
        None if given.endpoint is None else tuple(map(one, given.endpoint)),
        None if given.scps is None else tuple(tuple(map(one, level)) for level in given.scps),
        None if given.rcps is None else tuple(tuple(map(one, level)) for level in given.rcps),
    )


def split_actions(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(
        part._replace(actions=actions)
        for part in statements
        for actions in ([part.actions] if part.not_action else [(each,) for each in part.actions])
    )


def split_resources(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(
        part._replace(resources=resources)
        for part in statements
        for resources in (
            [part.resources] if part.not_resource or part.resources is None else [(each,) for each in part.resources]
        )
    )


def split_principals(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(
        part._replace(principals=principals)
        for part in statements
        for principals in (
            [part.principals]
            if part.not_principal or part.principals is None
            else [(each,) for each in part.principals]
        )
    )


def split_values(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """A list of values is a disjunction under a positive operator that does not ask for all values."""
    result: list[Statement] = []
    for part in statements:
        parts = [part]
        for at, condition in enumerate(part.conditions):
            operator = parse_operator(condition.operator)
            assert operator is not None
            if not operator.negated and operator.quantifier != "ForAllValues" and operator.family != "null":
                parts = [
                    each._replace(
                        conditions=(
                            *each.conditions[:at],
                            condition._replace(values=(value,)),
                            *each.conditions[at + 1 :],
                        )
                    )
                    for each in parts
                    for value in condition.values
                ]
        result += parts
    return tuple(result)


def swap_case(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Actions and the names of keys are the same in any case."""
    return tuple(
        part._replace(
            actions=tuple(map(str.swapcase, part.actions)),
            conditions=tuple(each._replace(key=each.key.swapcase()) for each in part.conditions),
        )
        for part in statements
    )


REWRITES: dict[str, Rewrite] = {
    "reversed": lambda statements: statements[::-1],
    "twice": lambda statements: statements * 2,
    "an action each": split_actions,
    "a resource each": split_resources,
    "a principal each": split_principals,
    "a value each": split_values,
    "in another case": swap_case,
    "with other names": lambda statements: tuple(part._replace(sid=f"S{at}") for at, part in enumerate(statements)),
}


@pytest.mark.parametrize("name", REWRITES)
def test_how_policies_are_written_changes_no_verdict(name: str) -> None:
    changed = 0
    for _, case in random_cases(100 + list(REWRITES).index(name)):
        other = rewritten(case.policies, REWRITES[name])
        if other != case.policies:
            assert verdicts(case._replace(policies=other)) == verdicts(case), case
            changed += 1
        if changed == CASES:
            return


@pytest.mark.parametrize("field", ["identity", "boundaries", "endpoint"])
def test_a_document_for_each_statement_changes_no_verdict(field: str) -> None:
    for _, case in islice(random_cases(150), CASES):
        documents: tuple[Policy, ...] = getattr(case.policies, field) or ()
        pieces = tuple(each._replace(statements=(part,)) for each in documents for part in each.statements)
        if pieces:
            assert verdicts(case._replace(policies=with_field(case.policies, field, pieces))) == verdicts(case), case


# ---- consistent renaming

DIGITS = str.maketrans("0123456789", "0356728194")
TEXTUAL = frozenset(OPERATORS["String"]) | frozenset(OPERATORS["Arn"])
NUMBERED = ("aws:sourceip", "aws:multifactorauthage", "aws:currenttime", "test:binary")
"""Keys whose values are no names."""


def renamed_texts(texts: Texts) -> Texts:
    return Texts(*(tuple(text.translate(DIGITS) for text in part) for part in texts))


def renamed_statement(part: Statement) -> Statement:
    conditions = tuple(
        each
        if each.key.lower() in NUMBERED
        else each._replace(values=tuple(value.translate(DIGITS) for value in each.values))
        for each in part.conditions
    )
    resources = None if part.resources is None else tuple(text.translate(DIGITS) for text in part.resources)
    principals = part.principals and tuple(
        each._replace(value=each.value.translate(DIGITS)) for each in part.principals
    )
    return part._replace(resources=resources, principals=principals, conditions=conditions)


def renamed_set(requests: RequestSet) -> RequestSet:
    context = {
        name: key if name in NUMBERED or key.values is None else key._replace(values=renamed_texts(key.values))
        for name, key in requests.context.items()
    }
    return requests._replace(
        callers=renamed_texts(requests.callers),
        resources=renamed_texts(requests.resources),
        resource_account=requests.resource_account.translate(DIGITS),
        context=context,
    )


@pytest.mark.parametrize("seed", range(2))
def test_accounts_and_names_are_only_names(seed: int) -> None:
    """Every digit of every name exchanged for another, the same everywhere."""
    for _, case in islice(random_cases(200 + seed), CASES):
        other = rewritten(case.policies, lambda statements: tuple(map(renamed_statement, statements)))
        assert verdicts(case._replace(requests=renamed_set(case.requests), policies=other)) == verdicts(case), case


# ---- more policies


@pytest.mark.parametrize("seed", range(2))
def test_a_statement_more(seed: int) -> None:
    """A Deny more keeps what is proven denied and refuted to be allowed; an Allow more what is the other way round."""
    kept = 0
    for dice, case in islice(random_cases(300 + seed), CASES):
        where = dice.choice(("identity", "resource"))
        part = statement(dice, with_principal=where == "resource", deny=0.5)._replace(not_principal=False)
        if where == "resource" and case.authorization == "trust":
            part = part._replace(resources=None, not_resource=False)
        before, after = verdicts(case), verdicts(case._replace(policies=more(case.policies, where, part)))
        if part.effect == "Deny":
            assert before[0] != "Proven" or after[0] == "Proven", (case, part)
            assert before[1] != "Refuted" or after[1] == "Refuted", (case, part)
        else:
            assert before[0] != "Refuted" or after[0] == "Refuted", (case, part)
            assert before[1] != "Proven" or after[1] == "Proven", (case, part)
        kept += before != ("Undecided", "Undecided")
    assert kept > CASES / 2


def more(given: Policies, where: str, part: Statement) -> Policies:
    """The policies with one statement more in the identity policies, or in the policy of the resource."""
    if where == "resource":
        resource = given.resource or Policy((), "2012-10-17")
        return given._replace(resource=resource._replace(statements=(*resource.statements, part)))
    if given.identity is None:
        return given
    return given._replace(identity=(*given.identity, Policy((part,), "2012-10-17")))


@pytest.mark.parametrize("where", ["identity", "resource", "scps", "boundaries"])
def test_a_deny_of_everything_proves(where: str) -> None:
    for _, case in islice(random_cases(400), CASES):
        if case.requests.kind != "signed" or "sts:GetCallerIdentity" in case.requests.actions.patterns:
            continue
        everything = Statement("Deny", ("*",), ("*",), EVERYBODY if where == "resource" else None)
        if where == "resource" and case.authorization == "trust":
            everything = everything._replace(resources=None)
        if where in ("identity", "boundaries", "scps") and case.authorization == "api-gateway-none":
            continue
        given = case.policies
        if where in ("identity", "resource"):
            if where == "identity" and given.identity is None:
                continue
            given = more(given, where, everything)
        elif where == "boundaries":
            given = given._replace(boundaries=(*(given.boundaries or ()), Policy((everything,))))
        else:
            linked = any("aws-service-role" in text or text == "*" for text in case.requests.callers.patterns)
            given = given._replace(scps=(*(given.scps or ()), (Policy((everything,)),)))
            if linked:
                continue
        assert verdicts(case._replace(policies=given))[0] == "Proven", case


# ---- fewer requests


def smaller_sets(dice: random.Random, requests: RequestSet) -> Iterator[RequestSet]:
    """Sets of which every request is one of `requests`."""
    for field in ("callers", "actions", "resources"):
        texts: Texts = getattr(requests, field)
        if len(texts.patterns) > 1 and (field != "callers" or requests.kind != "anonymous"):
            fewer = texts._replace(patterns=tuple(dice.sample(texts.patterns, len(texts.patterns) - 1)))
            yield with_field(requests, field, fewer)
    but = (*requests.callers.but, f"arn:aws:iam::{HERE}:role/A", "*:root")
    yield requests._replace(callers=requests.callers._replace(but=but))
    for name, key in requests.context.items():
        if key.maybe_absent and key.values is not None:
            yield requests._replace(context={**requests.context, name: key._replace(maybe_absent=False)})
            yield requests._replace(context={**requests.context, name: key._replace(values=None)})
            return


@pytest.mark.parametrize("seed", range(3))
def test_what_is_proven_of_a_set_is_proven_of_its_parts(seed: int) -> None:
    """More intended callers, fewer actions, resources or keys: the other way round for what is refuted."""
    parts = 0
    for dice, case in islice(random_cases(500 + seed), CASES):
        before = verdicts(case)
        for smaller in smaller_sets(dice, case.requests):
            after = verdicts(case._replace(requests=smaller))
            parts += 1
            assert before[0] != "Proven" or after[0] == "Proven", (case, smaller)
            if before[1] == "Proven":
                empty = after[0] == "Proven"  # Of an empty set nothing is shown to be allowed.
                assert after[1] == "Proven" or empty, (case, smaller)
            if after[0] == "Refuted":
                assert before[0] != "Proven", (case, smaller)
    assert parts > CASES
