"""Verdicts over symbols hold for every value of their shapes, also where patterns reach halfway into a value."""

import random
from itertools import product

import pytest

from policy_audit.iam.evaluate import evaluate
from policy_audit.iam.patterns import glob, literal, matches
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Caller, Policies, Proven, Refuted, Request, RequestSet, Texts, Undecided
from policy_audit.iam.symbol_values import Part, forms, language, tokens_of
from policy_audit.iam.symbols import substitute, substitutions
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import ACCOUNT, GENERATED_NAME, REGION, Shape, Symbol, Symbols

HERE = "123456789012"
MACHINE = "arn:aws:states:{}:{}:stateMachine:{}"


def start(machine: str, *statements: tuple[str, str]) -> tuple[RequestSet, Policies]:
    """A role that starts `machine`, and what its policy says of machines: effect and resource."""
    callers, actions = Texts((f"arn:aws:iam::{HERE}:role/x",)), Texts(("states:StartExecution",))
    asked = RequestSet("signed", callers, actions, Texts((machine,)), HERE)
    said = tuple(Statement(effect, ("states:*",), (resource,)) for effect, resource in statements)  # type: ignore[arg-type]
    return asked, Policies(identity=(Policy(said, "2012-10-17"),))


@pytest.mark.parametrize(
    ("shape", "machine", "denied"),
    [
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("eu-*", "*", "*")),
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("*-1", "*", "*")),
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("*-west-*", "*", "*")),
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("??-????-1", "*", "*")),
        (ACCOUNT, MACHINE.format("us-east-1", "{}", "m"), MACHINE.format("*", "1*", "*")),
        (ACCOUNT, MACHINE.format("us-east-1", "{}", "m"), MACHINE.format("*", "1???????????", "*")),
        (ACCOUNT, MACHINE.format("us-east-1", "{}", "m"), MACHINE.format("*", "*?1?*", "*")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "app-*")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "*-ABC*")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "app*x")),
    ],
)
def test_a_deny_of_some_values_of_a_symbol_leaves_it_open(shape: Shape, machine: str, denied: str) -> None:
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Open}", shape))
    question = start(machine.format(letter), ("Allow", "*"), ("Deny", denied))
    for prove in (prove_allowed, prove_denied):
        verdict = prove(*question, symbols)
        assert isinstance(verdict, Undecided), verdict
        assert "${Open}" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("shape", "machine", "denied"),
    [
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("EU-*", "*", "*")),
        (REGION, MACHINE.format("{}", HERE, "m"), MACHINE.format("eu-?", "*", "*")),
        (ACCOUNT, MACHINE.format("us-east-1", "{}", "m"), MACHINE.format("*", "a*", "*")),
        (ACCOUNT, MACHINE.format("us-east-1", "{}", "m"), MACHINE.format("*", "1????????????", "*")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "app")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "*.")),
        (GENERATED_NAME, MACHINE.format("us-east-1", HERE, "{}"), MACHINE.format("*", "*", "*-1234567")),
    ],
)
def test_a_deny_of_what_no_value_is_does_not(shape: Shape, machine: str, denied: str) -> None:
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Open}", shape))
    verdict = prove_allowed(*start(machine.format(letter), ("Allow", "*"), ("Deny", denied)), symbols)
    assert isinstance(verdict, Proven), verdict


SHAPES = {
    Shape("two or three of two", "ab", 2, 3): [*map("".join, [*product("ab", repeat=2), *product("ab", repeat=3)])],
    Shape("one to three", "a-c", 1, 3): ["".join(each) for size in (1, 2, 3) for each in product("abc", repeat=size)],
    Shape("exactly four", "ab", 4, 4): ["".join(each) for each in product("ab", repeat=4)],
    Shape("listed", values=("ab", "ba", "abc")): ["ab", "ba", "abc"],
}
"""Shapes with few values, and these."""


def some_glob(dice: random.Random) -> str:
    return "".join(dice.choice("aab*?") for _ in range(dice.randint(1, 5)))


def some_question(dice: random.Random, one: str, other: str) -> tuple[RequestSet, Policies]:
    """About a machine with two symbols in its name, and statements that reach halfway into them."""
    head = f"arn:aws:states:x:{HERE}:stateMachine:"

    def said() -> list[tuple[str, str]]:
        parts = [(dice.choice((some_glob(dice), one)), dice.choice((some_glob(dice), other))) for _ in range(3)]
        return [(dice.choice(("Allow", "Allow", "Deny")), head + "-".join(each)) for each in parts]

    asked, policies = start(f"{head}{one}-{other}", *said())
    bound = start("", *said())[1].identity
    return asked, policies._replace(boundaries=dice.choice((None, bound)))


@pytest.mark.parametrize("seed", range(3))
def test_a_verdict_holds_for_every_value(seed: int) -> None:
    dice = random.Random(seed)
    decided = set()
    for _ in range(10):
        symbols = Symbols()
        shapes = dice.choices(list(SHAPES), k=2)
        letters = [symbols.symbol(Symbol(f"${{{index}}}", shape)) for index, shape in enumerate(shapes)]
        asked, policies = some_question(dice, *letters)
        allowed, denied = prove_allowed(asked, policies, symbols), prove_denied(asked, policies, symbols)
        decided |= {(type(allowed), "allowed"), (type(denied), "denied")}
        for values in product(*(SHAPES[shape] for shape in shapes)):
            put_in = substitute(asked, policies, tuple(zip(letters, values, strict=True)))
            is_allowed = evaluate(request_of(put_in[0]), put_in[1]).outcome == "Allowed"
            assert isinstance(allowed, Undecided) or isinstance(allowed, Proven) == is_allowed, (
                values,
                asked,
                policies,
            )
            assert isinstance(denied, Undecided) or isinstance(denied, Refuted) == is_allowed, (values, policies)
    assert len(decided) == 6


def request_of(asked: RequestSet) -> Request:
    """The one request of a set."""
    (caller,), (action,), (resource,) = asked.callers.patterns, asked.actions.patterns, asked.resources.patterns
    return Request(Caller("role", caller), action, resource, HERE)


def test_a_value_of_both_kinds_is_tried_as_well() -> None:
    """Allowed by the policy in `eu-*`, by the boundary in `*-1`: in `eu-west-1` it is allowed altogether."""
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${AWS::Region}", REGION))
    asked, policies = start(MACHINE.format(letter, HERE, "m"), ("Allow", MACHINE.format("eu-*", HERE, "m")))
    bound = start("", ("Allow", MACHINE.format("*-1", HERE, "m")))[1].identity
    assert isinstance(prove_denied(asked, policies._replace(boundaries=bound), symbols), Undecided)
    other = start("", ("Allow", MACHINE.format("us-*", HERE, "m")))[1].identity
    assert isinstance(prove_denied(asked, policies._replace(boundaries=other), symbols), Proven)


@pytest.mark.parametrize("seed", range(4))
def test_a_part_of_a_pattern_has_a_value_if_the_symbol_may_have_one(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        shape, values = dice.choice([each for each in SHAPES.items() if not each[0].values])
        symbols = Symbols()
        part = Part(symbols.symbol(Symbol("${Open}", shape)), symbols)
        text = some_glob(dice)
        value = part.value() if all(map(part.take, tokens_of(glob(text)))) else None
        fitting = [each for each in values if matches(glob(text), each)]
        assert value in fitting if fitting else value is None, (text, shape)


@pytest.mark.parametrize("text", ["a*b?c", "*", "?", "abc", "**a", ""])
def test_tokens_are_another_way_to_write_a_pattern(text: str) -> None:
    assert language(tokens_of(glob(text))) == glob(text)


@pytest.mark.parametrize(
    ("shape", "within", "without"),
    [
        (REGION, ["eu-west-1", "ap-southeast-2"], ["eu", "EU-WEST-1"]),
        (GENERATED_NAME, ["app-Machine-1A2B3C4D5E6F", "abcde-123456789"], ["app-Machine", "-ABCDEFGHIJK:"]),
        (Shape("listed", values=("a", "b")), ["a", "b"], ["c", "ab"]),
    ],
)
def test_the_forms_of_a_shape_hold_its_values(shape: Shape, within: list[str], without: list[str]) -> None:
    for text in within:
        assert shape.admits(text)
        assert any(matches(form, text) for form in forms(shape))
    for text in without:
        assert not any(matches(form, text) for form in forms(shape))


def test_parts_that_hold_other_symbols_are_not_told_apart() -> None:
    """`${Y}-*` and `a*` may have values of `${X}` in common, and nobody looks for them: so none of it is complete."""
    symbols = Symbols()
    one, other = (symbols.symbol(Symbol(name)) for name in ("${X}", "${Y}"))
    patterns = [literal(one), glob(f"{other}-*"), glob("a*")]
    assert not substitutions([patterns], symbols).complete
    assert substitutions([patterns[::2]], symbols).complete
