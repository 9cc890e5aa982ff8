"""Verdicts over open values must hold for every value: random questions, with the values put in one by one."""

import random
from collections.abc import Iterator
from itertools import product

import pytest

from policy_audit.iam.decide import decide
from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.patterns import glob, literal, matches
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.question import Question
from policy_audit.iam.request import (
    Caller,
    Key,
    Policies,
    Proven,
    Refuted,
    Request,
    RequestSet,
    Texts,
    Undecided,
)
from policy_audit.iam.symbols import condition_of, substitute
from policy_audit.iam.unifiers import unifiers
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import ACCOUNT, ANYTHING, API_ID, Shape, Symbol, Symbols, letters

ONE, TWO = "111111111111", "222222222222"
STAGE = Shape("stage", "A-Za-z0-9_", 1, 128)
ROLE_NAME = Shape("role name", "A-Za-z0-9+=,.@_-", 1, 64)


class Open:
    """Symbols, and for each the values that are tried."""

    def __init__(self) -> None:
        self.symbols = Symbols()
        self.values: dict[str, tuple[str, ...]] = {}
        self.account = self._add("Account", ACCOUNT, ONE, TWO, "333333333333")
        self.name = self._add("Name", ROLE_NAME, "Exec", "Other", "Execx", "x", "fresh-name")
        self.stage = self._add("Stage", STAGE, "prod", "dev", "x", "stage9")
        self.listed = self._add("Listed", Shape("listed", values=("prod", "test")), "prod", "test")
        self.api = self._add("Api", API_ID, "abcde12345", "zzzzz99999")
        self.endpoint = self._add("Endpoint", Shape("anything"), "vpce-1", "vpce-2", "vpce-77")
        self.arn = self._add(
            "Arn", Shape("anything"), f"arn:aws:iam::{ONE}:role/Exec", f"arn:aws:iam::{TWO}:role/Other"
        )

    def _add(self, name: str, shape: Shape, *values: str) -> str:
        letter = self.symbols.symbol(Symbol(f"${{{name}}}", shape))
        self.values[letter] = values
        return letter


def pick(dice: random.Random, *choices: str) -> str:
    return dice.choice(choices)


def principal(dice: random.Random, given: Open, globs: bool) -> str:
    if dice.random() < 0.2:
        return given.arn
    tail = pick(
        dice, "role/Exec", f"role/{given.name}", "role/Other", *(("role/*", "role/Ex*", f"role/{given.name}*") * globs)
    )
    account = pick(dice, ONE, given.account, *("*" * globs))
    return f"arn:aws:iam::{account}:{tail}"


def method(dice: random.Random, given: Open) -> str:
    api = pick(dice, "abcde12345", given.api, "*")
    stage = pick(dice, "prod", given.stage, given.listed, "*", "p*")
    return f"arn:aws:execute-api:eu-central-1:{ONE}:{api}/{stage}/{pick(dice, '*', 'GET/x', 'GET/*')}"


def condition(dice: random.Random, given: Open) -> Condition:
    negated = dice.choice(("Not", "Not", ""))
    if dice.random() < 0.25:
        return Condition(f"String{negated}Equals", "aws:SourceVpce", (pick(dice, "vpce-1", given.endpoint),))
    if dice.random() < 0.2:
        return Condition(f"String{negated}Equals", "aws:PrincipalAccount", (pick(dice, ONE, given.account),))
    family = dice.choice(("String", "Arn"))
    kind = dice.choice(("Equals", "Like"))
    values = {principal(dice, given, globs=kind == "Like") for _ in range(dice.choice((1, 1, 2)))}
    return Condition(f"{family}{negated}{kind}", "aws:PrincipalArn", tuple(sorted(values)))


def policy(dice: random.Random, given: Open) -> Policy:
    statements = []
    for _ in range(dice.randint(1, 3)):
        resources = ("*",) if dice.random() < 0.5 else (method(dice, given),)
        conditions = tuple(condition(dice, given) for _ in range(dice.choice((0, 1, 1))))
        named = (Principal("*", "*"),)
        effect = "Deny" if conditions and dice.random() < 0.7 else "Allow"
        if effect == "Allow" and dice.random() < 0.4:
            named = (Principal("AWS", principal(dice, given, globs=False)),)
        statements.append(Statement(effect, ("execute-api:*",), resources, named, conditions))  # type: ignore[arg-type]
    return Policy(tuple(statements), "2012-10-17")


def question(dice: random.Random, given: Open) -> tuple[RequestSet, Policies]:
    account = pick(dice, ONE, given.account)
    callers = Texts(("*",), (principal(dice, given, globs=False),))
    if dice.random() < 0.4:
        # A literal caller of an account that is given as the resource's own.
        callers = Texts((f"arn:aws:iam::{account}:role/{pick(dice, 'Exec', given.name)}",))
    resource = f"arn:aws:execute-api:eu-central-1:{ONE}:{pick(dice, 'abcde12345', given.api)}/"
    resource += pick(dice, "prod", given.stage, given.listed) + pick(dice, "/GET/x", "/*")
    endpoint = Key(Texts((pick(dice, "vpce-1", given.endpoint),)), dice.random() < 0.3)
    requests = RequestSet(
        "signed",
        callers,
        Texts(("execute-api:Invoke",)),
        Texts((resource,)),
        account,
        True,
        {"aws:sourcevpce": endpoint},
    )
    identity = None
    if dice.random() < 0.6:
        identity = (Policy((Statement("Allow", ("*",), (pick(dice, "*", method(dice, given)),)),), "2012-10-17"),)
    return requests, Policies(identity, resource=policy(dice, given))


@pytest.mark.parametrize("seed", range(5))
def test_verdicts_hold_for_all_values(seed: int) -> None:
    dice = random.Random(seed)
    given = Open()
    counts = {"Proven": 0, "Refuted": 0, "Undecided": 0}
    for _ in range(15):
        requests, policies = question(dice, given)
        for prove in (prove_denied, prove_allowed):
            verdict = prove(requests, policies, given.symbols, "api-gateway-iam")
            counts[type(verdict).__name__] += 1
            if isinstance(verdict, Undecided):
                continue
            choices = [[(letter, value) for value in values] for letter, values in given.values.items()]
            for bindings in dice.sample(list(product(*choices)), 6):
                concrete = prove(*substitute(requests, policies, bindings), given.symbols, "api-gateway-iam")
                if isinstance(concrete, Undecided) and "no request belongs to the set" in concrete.reasons:
                    continue
                case = (requests, policies, condition_of(bindings, given.symbols), verdict, concrete)
                if isinstance(verdict, Proven):
                    assert isinstance(concrete, Proven), case
                else:
                    assert isinstance(concrete, Refuted), case
    assert counts["Proven"] + counts["Refuted"] >= 4


def statements(policies: Policies) -> dict[tuple[int, int], Statement]:
    """By document and place."""
    return {
        (number, place): each
        for number, document in enumerate(policies.documents())
        for place, each in enumerate(document.statements)
    }


def less(policies: Policies, left_out: set[tuple[int, int]]) -> Policies:
    """The policies of `question` without some statements."""
    documents = [
        each._replace(statements=tuple(one for at, one in enumerate(each.statements) if (number, at) not in left_out))
        for number, each in enumerate(policies.documents())
    ]
    return policies._replace(identity=tuple(documents[:-1]) or policies.identity, resource=documents[-1])


@pytest.mark.parametrize("seed", [1, 14, 20])
def test_what_carries_a_proof_is_enough_and_none_of_it_too_much(seed: int) -> None:
    """For every value of the symbols: with other seeds too, where one value needs other statements than another."""
    dice = random.Random(seed)
    given = Open()
    proofs = 0
    for _ in range(15):
        requests, policies = question(dice, given)
        for prove, effect in ((prove_denied, "Deny"), (prove_allowed, "Allow")):
            verdict = prove(requests, policies, given.symbols, "api-gateway-iam")
            if not isinstance(verdict, Proven):
                continue
            numbers = {id(document): number for number, document in enumerate(policies.documents())}
            carrying = {(numbers[id(each.policy)], each.index) for each in verdict.because}
            rest = {key for key, each in statements(policies).items() if each.effect == effect} - carrying
            proofs += bool(rest and carrying)
            for left_out in (rest, *(rest | {one} for one in carrying)):
                again = prove(requests, less(policies, left_out), given.symbols, "api-gateway-iam")
                assert isinstance(again, Proven) == (left_out == rest), (requests, policies, left_out)
    assert proofs


FRESH = ("444444444444", "Fresh", "fresh", "test", "fresh00000", "vpce-9", "arn:aws:iam::555555555555:role/Fresh")
"""A value for each symbol of `Open` that nothing in `question` speaks of."""


def test_an_undecided_verdict_tells_what_holds_for_all_other_values() -> None:
    dice = random.Random(4)
    given = Open()
    told = 0
    for _ in range(50):
        requests, policies = question(dice, given)
        for prove in (prove_denied, prove_allowed):
            verdict = prove(requests, policies, given.symbols, "api-gateway-iam")
            if isinstance(verdict, Undecided) and verdict.likelier and verdict.is_whole:
                fresh = substitute(requests, policies, tuple(zip(given.values, FRESH, strict=True)))
                concrete = prove(*fresh, given.symbols, "api-gateway-iam")
                assert type(concrete).__name__.lower() == verdict.likelier, (verdict, concrete)
                told += 1
    assert told > 5


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("arn:aws:iam::{account}:role/x", f"arn:aws:iam::{ONE}:role/x", [f"`${{Account}}` is `{ONE}`"]),
        ("arn:aws:iam::{account}:role/x", f"arn:aws:iam::{ONE}:role/y", []),
        ("arn:aws:iam::{account}:role/x", "arn:aws:iam::short:role/x", []),
        ("role/{name}", "role/Exec", ["`${Name}` is `Exec`"]),
        ("role/{name}", "role/a/Exec", []),
        ("{stage}-exec", "prod-exec", ["`${Stage}` is `prod`"]),
        ("{stage}-exec", "prod-other", []),
        ("{listed}/x", "prod/x", ["`${Listed}` is `prod`"]),
        ("{listed}/x", "dev/x", []),
        ("{stage}/{stage}", "a/a", ["`${Stage}` is `a`"]),
        ("{stage}/{stage}", "a/b", []),
        ("{name}/{stage}", "a/b", ["`${Name}` is `a` and `${Stage}` is `b`"]),
        ("{stage}", "{name}", ["`${Stage}` is `${Name}`"]),
        ("role/{name}", "*", []),
        ("role/{name}", "role/*", []),
        ("{stage}-exec-{name}", "prod-exec-{name}", ["`${Stage}` is `prod`"]),
        ("{name}/{stage}/{name}", "{name}/prod/{name}", ["`${Stage}` is `prod`"]),
        ("arn:aws:iam::{account}:role/x", "arn:*:*:role/*", []),
    ],
)
def test_unifiers(one: str, other: str, expected: list[str]) -> None:
    given = Open()
    names = {"account": given.account, "name": given.name, "stage": given.stage, "listed": given.listed}
    result = unifiers(glob(one.format(**names)), glob(other.format(**names)), given.symbols)
    assert result.complete
    assert [condition_of(bindings, given.symbols) for bindings in result.found] == expected


@pytest.mark.parametrize(("shortest", "equal"), [(0, True), (1, False)])
def test_symbols_without_a_common_character_are_equal_if_both_may_be_empty(shortest: int, equal: bool) -> None:
    symbols = Symbols()
    digits = symbols.symbol(Symbol("${Digits}", Shape("digits", "0-9", shortest)))
    letters = symbols.symbol(Symbol("${Letters}", Shape("letters", "a-z", shortest)))
    assert bool(unifiers(literal(digits), literal(letters), symbols).found) == equal


@pytest.mark.parametrize("seed", range(20))
def test_unifiers_make_patterns_meet(seed: int) -> None:
    """Two texts that differ as letters meet under every unifier, and under no tried values unless there is one."""
    dice = random.Random(seed)
    given = Open()
    parts = ["a", "b", "/", given.stage, given.name]
    one = "".join(dice.choice(parts) for _ in range(dice.randint(1, 4)))
    other = "".join(dice.choice(parts[:3]) for _ in range(dice.randint(1, 4)))
    result = unifiers(glob(one), glob(other), given.symbols)
    for bindings in result.found:
        table = {ord(letter): value for letter, value in bindings}
        assert matches(glob(one.translate(table)), other)
    for stage, name in product(("a", "b", "ab", "ba", "aa"), ("a", "b", "ab", "ba", "aa")):
        if one.translate({ord(given.stage): stage, ord(given.name): name}) == other and one != other:
            assert result.found


UNSPOKEN = {
    "account": "987654321098",
    "name": "FreshName",
    "stage": "freshstage",
    "listed": "test",
    "api": "q1w2e3r4t5",
    "endpoint": "vpce-fresh",
    "arn": "arn:aws:iam::555555555555:role/FreshArn",
}
"""Values of which no policy speaks."""


def bindings_of(unless: str, given: Open) -> list[dict[str, str]]:
    """The conditions of a verdict, read back: for each, the letters with their values."""
    letters = {given.symbols.show(letter): letter for letter in given.values}
    return [
        {
            letters[name]: letters.get(value, value)
            for name, value in (part.strip("`").split("` is `") for part in each.split(" and "))
        }
        for each in unless.split(" or ")
    ]


def under(given: Open, chosen: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Values for all symbols: the chosen ones, equal symbols the same, and for the rest values nobody speaks of."""
    fresh = {getattr(given, name): value for name, value in UNSPOKEN.items()}
    values = {letter: chosen.get(letter, fresh[letter]) for letter in given.values}
    return tuple((letter, values.get(value, value)) for letter, value in sorted(values.items()))


def letters_of(requests: RequestSet, policies: Policies) -> set[str]:
    """The symbols that a question holds."""
    named = (text for document in policies.documents() for part in document.statements for text in texts_of(part))
    endpoints = (key.values.patterns for key in requests.context.values() if key.values is not None)
    parts = (requests.callers.patterns, requests.callers.but, requests.resources.patterns, *endpoints)
    return set(letters("".join((requests.resource_account, *named, *(text for part in parts for text in part)))))


def texts_of(part: Statement) -> Iterator[str]:
    yield from part.resources or ()
    yield from (each.value for each in part.principals or ())
    yield from (value for each in part.conditions for value in each.values)


@pytest.mark.parametrize("seed", range(4))
def test_a_condition_that_is_stated_turns_the_verdict(seed: int) -> None:
    """`proven unless ${X} = v`: with v alone it is no longer so, with values that nothing speaks of it is."""
    dice = random.Random(700 + seed)
    given = Open()
    turned = 0
    for _ in range(40):
        requests, policies = question(dice, given)
        if given.listed in letters_of(requests, policies) or policies.identity is None:
            continue  # A listed symbol has two values, of which neither is one that nothing speaks of.
        for side, prove in (("denied", prove_denied), ("allowed", prove_allowed)):
            verdict = prove(requests, policies, given.symbols, "api-gateway-iam")
            letter_run = decide(side, Question(requests, policies, given.symbols, "api-gateway-iam"))  # type: ignore[arg-type]
            if not isinstance(verdict, Undecided) or not verdict.unless or isinstance(letter_run, Undecided):
                continue
            fresh = substitute(requests, policies, under(given, {}))
            assert type(prove(*fresh, given.symbols, "api-gateway-iam")) is type(letter_run)
            for chosen in bindings_of(verdict.unless, given):
                bindings = tuple(sorted(chosen.items()))
                so = prove(*substitute(requests, policies, bindings), given.symbols, "api-gateway-iam")
                assert type(so) is not type(letter_run), (requests, policies, verdict.unless, chosen, so)
                turned += not isinstance(so, Undecided)
    assert turned > 1


@pytest.mark.parametrize("seed", range(3))
def test_what_is_proven_of_open_values_is_so_for_each_request(seed: int) -> None:
    """The evaluator on single requests, with values in the place of symbols, never contradicts a verdict."""
    dice = random.Random(800 + seed)
    given = Open()
    definite = 0
    for _ in range(25):
        requests, policies = question(dice, given)
        verdicts = [
            prove(requests, policies, given.symbols, "api-gateway-iam") for prove in (prove_denied, prove_allowed)
        ]
        for _ in range(4):
            bindings = tuple((letter, dice.choice(values)) for letter, values in given.values.items())
            concrete, closed = substitute(requests, policies, bindings)
            (resource,) = concrete.resources.patterns
            callers = [ONE, TWO, "333333333333"]
            arn = dice.choice(concrete.callers.patterns)
            if arn == "*":
                arn = f"arn:aws:iam::{concrete.resource_account}:{dice.choice(('role/Exec', 'user/x', 'role/Other'))}"
            if arn in concrete.callers.but or not any(f"::{account}:" in arn for account in callers):
                continue
            if f"::{concrete.resource_account}:" not in arn:
                continue
            (endpoint,) = concrete.context["aws:sourcevpce"].values.patterns  # type: ignore[union-attr]
            kind = "user" if ":user/" in arn else "role"
            request = Request(
                Caller(kind, arn),  # type: ignore[arg-type]
                "execute-api:Invoke",
                resource.replace("*", "GET/y"),
                concrete.resource_account,
                {"aws:sourcevpce": endpoint},
            )
            if policies.identity is None:
                closed = closed._replace(identity=(Policy((Statement("Allow", ("*",), ("*",)),)),))
            outcome = evaluate(request, closed, "api-gateway-iam").outcome
            case = (requests, policies, condition_of(bindings, given.symbols), request, outcome, verdicts)
            assert not (isinstance(verdicts[0], Proven) and outcome == "Allowed"), case
            if policies.identity is not None:
                assert not (isinstance(verdicts[1], Proven) and outcome != "Allowed"), case
                assert not (isinstance(verdicts[1], Refuted) and outcome == "Allowed"), case
            definite += not isinstance(verdicts[0], Undecided)
    assert definite > 5


@pytest.mark.parametrize(
    ("shape", "granted", "expected"),
    [
        (ANYTHING, "us-*t-1", ("`${Part}` holds no colon",)),
        (ANYTHING._replace(shortest=4), "us-*t-1", ("`${Part}` holds no colon",)),
        (ANYTHING, "us-{}t-1", ()),
        (ANYTHING._replace(characters="a-z"), "us-*t-1", ()),
        (ANYTHING._replace(values=("eas", "wes")), "us-*t-1", ()),
        (ANYTHING._replace(values=("eas", "e:s")), "us-*t-1", "`${Part}` is `e:s`"),
        (ANYTHING._replace(values=("eas", "e:s")), "us-{}t-1", ()),
    ],
)
def test_a_value_with_a_colon_is_no_part_of_an_arn(shape: Shape, granted: str, expected: tuple[str, ...] | str) -> None:
    """A `*` that keeps to its part takes such a value to have none: a proof says so, unless the value is listed."""
    symbols = Symbols()
    part = symbols.symbol(Symbol("${Part}", shape))
    head, tail = "arn:aws:sqs:", ":123456789012:q"
    role = Texts(("arn:aws:iam::123456789012:role/x",))
    resource = Texts((f"{head}us-{part}t-1{tail}",))
    asked = RequestSet("signed", role, Texts(("sqs:SendMessage",)), resource, "123456789012")
    allow = Statement("Allow", ("sqs:*",), (head + granted.format(part) + tail,))
    verdict = prove_allowed(asked, Policies(identity=(Policy((allow,), "2012-10-17"),)), symbols)
    if isinstance(expected, str):
        assert isinstance(verdict, Undecided)
        assert verdict.unless == expected
    else:
        assert isinstance(verdict, Proven), verdict
        assert verdict.assumptions == expected
