"""Dimensions decided lazily against the same ones with all atoms listed, and against enumeration."""

import random
from collections.abc import Callable
from itertools import combinations, product

import pytest
from realistic_policies import at_random, by_stage

from policy_audit.iam import automata, domains, lazy
from policy_audit.iam.automata import bits
from policy_audit.iam.lazy import (
    EVERYTHING,
    Formula,
    Sets,
    Texts,
    ValueSet,
)
from policy_audit.iam.limits import OverBudgetError, Steps
from policy_audit.iam.patterns import (
    CharClass,
    Pattern,
    arn_glob_of,
    concatenate,
    fold,
    glob,
    literal,
    matches,
    some,
    tokens,
)
from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Key, Policies, RequestSet, Verdict
from policy_audit.iam.request import Texts as Given
from policy_audit.iam.search import Atoms
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import NAME, Symbol, Symbols

WORDS = ["".join(letters) for length in range(1, 6) for letters in product("ab:x", repeat=length)]
Tree = tuple[str, int, "tuple[Tree, ...]"]


def random_glob(dice: random.Random) -> Pattern:
    text = "".join(dice.choice("aab:**?") for _ in range(dice.randint(0, 5)))
    if dice.random() < 0.15:
        return literal(text.replace("*", "a").replace("?", "b"))
    return fold(glob(text)) if dice.random() < 0.2 else glob(text)


def random_tree(dice: random.Random, count: int, depth: int = 3) -> Tree:
    """A combination of predicates: `is`, `and`, `or` and `not`."""
    kind = dice.choice(("is", "and", "or", "not")) if depth else "is"
    if kind == "is":
        return kind, dice.randrange(count), ()
    number = 1 if kind == "not" else dice.randint(1, 4)
    return kind, 0, tuple(random_tree(dice, count, depth - 1) for _ in range(number))


def is_true(tree: Tree, predicate: Callable[[int], bool]) -> bool:
    kind, index, parts = tree
    if kind == "is":
        return predicate(index)
    truths = [is_true(part, predicate) for part in parts]
    return not truths[0] if kind == "not" else any(truths) if kind == "or" else all(truths)


def value_set(tree: Tree, leaves: list[ValueSet]) -> ValueSet:
    kind, index, parts = tree
    if kind == "is":
        return leaves[index]
    sets = [value_set(part, leaves) for part in parts]
    if kind == "not":
        return ~sets[0]
    result: ValueSet = sets[0] & -1
    for each in sets[1:]:
        result = result | each if kind == "or" else result & each
    return result


def leaves_of(members: Texts | Sets, count: int) -> list[ValueSet]:
    return [ValueSet(members, Formula(True, 1 << index, 0)) for index in range(count)]


@pytest.mark.parametrize("seed", range(60))
def test_texts_agree_with_all_atoms_and_with_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    patterns = [random_glob(dice) for _ in range(dice.randint(1, 5))]
    within: list[list[Pattern]] = []
    if dice.random() < 0.6:
        within.append([glob(dice.choice(("a*", "ab*", "a:*b", "*b", "aA*")))])
    if dice.random() < 0.4:
        within.append([random_glob(dice), random_glob(dice)])
    atoms = automata.atoms(patterns, within)
    assert atoms is not None
    listed = [word for word in WORDS if all(any(matches(each, word) for each in group) for group in within)]
    texts = Texts("the text", patterns, within, Steps())
    leaves = leaves_of(texts, len(patterns))
    if dice.random() < 0.5:
        # No first look, and hardly one at each wanted pattern: on to following one of them place by place.
        monkeypatch.setattr(lazy, "_FIRST_LOOK", -1000)
        monkeypatch.setattr(lazy, "_ONE_WANTED", dice.choice((1, 4)))
    for _ in range(12):
        tree = random_tree(dice, len(patterns))
        chosen = value_set(tree, leaves) & ValueSet(texts, EVERYTHING)  # The absent value is none of the texts.
        expected = any(is_true(tree, lambda index, vector=vector: bool(vector >> index & 1)) for vector in atoms)  # type: ignore[misc]
        # In turns, as sets remember which of the members found so far are theirs.
        found = texts.find(chosen.formula) if dice.random() < 0.5 else None
        assert bool(chosen) is expected, (patterns, within, tree)
        found = found or texts.find(chosen.formula)
        if found is not None:
            assert all(any(matches(each, found) for each in group) for group in within)
            assert is_true(tree, lambda index, word=found: matches(patterns[index], word))  # type: ignore[misc]
        elif listed:
            assert not any(is_true(tree, lambda index, w=word: matches(patterns[index], w)) for word in listed)  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(30))
def test_atoms_after_a_common_beginning_are_those_without(seed: int) -> None:
    """What all words begin with is skipped; a group of two patterns that begin so is not seen to have it."""
    dice = random.Random(seed)
    head = dice.choice(("ab", "a:b", "aab"))
    patterns = [random_glob(dice) for _ in range(4)]
    arn = arn_glob_of(tokens("a:*:b:*:?:x*"))
    assert arn is not None
    patterns += [arn, fold(glob(head + "a*")), glob(head), glob("*"), glob(head + "*b")]
    skipped = automata.atoms(patterns, [[glob(head + "*")]])
    apart = automata.atoms(patterns, [[glob(head + "*"), glob(head + "x*")]])
    assert skipped is not None and apart is not None
    assert {vector: len(word) for vector, word in skipped.items()} == {
        vector: len(word) for vector, word in apart.items()
    }


def test_a_pattern_that_ends_in_some_characters_is_not_met_for_good() -> None:
    name = concatenate(("a", some(CharClass(frozenset("bc")))))
    patterns = [glob("a*d"), name]
    found = automata.atoms(patterns, [[name]])
    assert found is not None and set(found) == {0b10}
    texts = Texts("the text", patterns, [[name]], Steps())
    assert texts.find(Formula(True, 0b01, 0)) is None
    assert texts.find(Formula(True, 0, 0b10)) is None


def test_a_word_is_nothing_but_the_common_beginning() -> None:
    found = automata.atoms([glob("ab"), glob("abx*")], [[glob("ab*")]])
    assert found is not None
    assert found[0b01] == "ab"
    texts = Texts("the text", [glob("ab"), glob("abx*")], [[glob("ab*")]], Steps())
    assert texts.find(Formula(True, 1, 0)) == "ab"
    assert texts.find(Formula(True, 1, 1)) is None
    assert texts.find(Formula(True, 3, 0)) is None
    assert texts.find(EVERYTHING) is not None


def test_letters_are_matched_by_a_star_and_by_themselves_alone() -> None:
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Name}", NAME))
    texts = Texts("the text", [glob("a?"), glob(f"a{letter}"), glob("a*")], [], Steps())
    assert texts.find(Formula(True, 0b110, 0b001)) == f"a{letter}"
    assert texts.find(Formula(True, 0b011, 0)) is None


@pytest.mark.parametrize("number", [8, 20, 30])
def test_infix_globs_are_decided(number: int) -> None:
    """There are 2^30 atoms of thirty such globs."""
    texts = Texts("the text", [glob(f"*K{index:02}*") for index in range(number)], [], Steps())
    everything = (1 << number) - 1
    none, all_of_them = texts.find(Formula(True, 0, everything)), texts.find(Formula(True, everything, 0))
    assert none is not None and "K0" not in none
    assert all_of_them is not None and all(f"K{index:02}" in all_of_them for index in range(number))
    but_one = texts.find(Formula(True, everything ^ 4, 4))
    assert but_one is not None and "K02" not in but_one and "K03" in but_one


@pytest.mark.parametrize(
    ("inside", "outside", "included"),
    [
        ("*a" + "?" * 16, "*a" + "?" * 16 + "*", True),
        ("*a" + "?" * 16 + "*", "*a" + "?" * 16, False),
        ("*a" + "?" * 60, "*a" + "?" * 60 + "*", True),
        ("foo*?bar", "foo?*bar", True),
        ("ab*b*b*b", "a*b*b*b", True),
        ("a*b*b*b", "ab*b*b*b", False),
        ("*" + "ab" * 200 + "*", "*ba*", True),
    ],
)
def test_inclusions_without_all_atoms(inside: str, outside: str, included: bool) -> None:
    texts = Texts("the text", [glob(inside), glob(outside)], [], Steps())
    assert (texts.find(Formula(True, 0b01, 0b10)) is None) is included


def test_what_has_no_end_is_given_up() -> None:
    """Twenty wanted globs and one unwanted that none of them alone is kept from: only the budget ends it."""
    wanted = [glob(f"*{index:02}*{19 - index:02}*") for index in range(20)]
    unwanted = [glob("*0*1*0*1*0*1*1*1*1*1*1*1*0*1*0*")]
    texts = Texts("the text", [*wanted, *unwanted], [], Steps(20_000))
    with pytest.raises(OverBudgetError, match="the patterns for the text overlap"):
        texts.find(Formula(True, (1 << 20) - 1, 1 << 20))


def test_patterns_that_are_too_long_together_are_not_even_laid_out() -> None:
    with pytest.raises(OverBudgetError, match="the patterns for the text are too long together"):
        Texts("the text", [glob("*ab" * (1 << 16))], [], Steps())


# ---- sets of values


@pytest.mark.parametrize("seed", range(40))
def test_sets_agree_with_enumeration(seed: int) -> None:
    dice = random.Random(seed)
    size, count = dice.randint(1, 4), dice.randint(1, 4)
    base = (1 << size) - 1
    demands = [dice.randint(0, base) for _ in range(count)]
    sets = Sets("the set", base, demands, Steps())
    leaves = leaves_of(sets, count)
    everyone = [chosen for number in range(1, size + 1) for chosen in combinations(range(size), number)]
    for _ in range(8):
        tree = random_tree(dice, count)

        def fits(values: tuple[int, ...], tree: Tree = tree) -> bool:
            return is_true(tree, lambda index: any(demands[index] >> value & 1 for value in values))

        chosen = value_set(tree, leaves) & ValueSet(sets, EVERYTHING)
        assert bool(chosen) is any(map(fits, everyone)), (demands, tree)
        found = sets.search(chosen.formula)
        if found is not None:
            assert fits(tuple(next(bits(each)) for each in found if isinstance(each, int)))


@pytest.mark.parametrize("optional", [False, True])
def test_only_an_optional_key_of_several_values_may_be_absent(optional: bool, lazily: Callable[[bool], None]) -> None:
    for on in (False, True):
        lazily(on)
        dimension = domains.Dimension("the set", optional=optional, several=True)
        indexes = [dimension.add(domains.Matches(glob(text))) for text in ("a*b", "*c*")]
        dimension.refine()
        for mask in dimension.masks:
            dimension.demand(mask)
        dimension.close()
        hits = [dimension.hits(dimension.masks[index]) for index in indexes]
        assert bool(dimension.everything & ~dimension.present) is optional
        assert bool(dimension.absent) is optional
        assert dimension.everything & hits[0] & hits[1]
        assert dimension.everything & hits[0] & ~hits[1]
        assert not dimension.absent & hits[0]


# ---- whole questions


@pytest.fixture
def lazily(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A switch: whether dimensions of texts, and of sets of them, are decided lazily, however few atoms they have."""

    def switch(on: bool) -> None:
        monkeypatch.setattr(domains, "MOST_ATOMS", 0 if on else 4096)
        monkeypatch.setattr(domains, "FEW_STATES", 0 if on else 6000)

    return switch


def outcome(verdict: Verdict) -> str:
    return type(verdict).__name__


@pytest.mark.parametrize("seed", range(16))
def test_realistic_questions_have_the_same_verdict(seed: int, lazily: Callable[[bool], None]) -> None:
    asked = at_random(seed) if seed else by_stage(5)
    answers = []
    for on in (False, True):
        lazily(on)
        if on and _compares_addresses(asked.policies):
            continue  # Addresses are never too many to be listed.
        answers.append(outcome(prove_denied(asked.requests, asked.policies, Symbols(), asked.authorization)))
    assert len(set(answers)) == 1, answers


def _compares_addresses(policies: Policies) -> bool:
    conditions = [one for each in policies.documents() for part in each.statements for one in part.conditions]
    return any("IpAddress" in condition.operator for condition in conditions)


KEYS = ("aws:PrincipalTag/team", "aws:SourceVpce", "aws:PrincipalArn", "aws:TagKeys")
VALUES = ("t*", "*x*", "tax", "?ax", "arn:aws:iam::*:role/A*", "arn:aws:iam::111111111111:role/AB", "*A*", "*B")


def random_statement(dice: random.Random) -> Statement:
    conditions = []
    for key in dice.sample(KEYS, dice.choice((0, 1, 1, 2))):
        operator = dice.choice(("StringLike", "StringNotLike", "StringEquals", "StringNotEquals", "Null"))
        if operator == "Null":
            conditions.append(Condition(operator, key, (dice.choice(("true", "false")),)))
            continue
        if key == "aws:TagKeys":
            operator = dice.choice(("ForAnyValue:", "ForAllValues:")) + operator
        if dice.random() < 0.2:
            operator += "IfExists"
        conditions.append(Condition(operator, key, tuple(dice.sample(VALUES, dice.choice((1, 1, 2))))))
    resources = dice.choice((("*",), ("arn:aws:s3:::b/*",), ("arn:aws:s3:::*/k*", "arn:aws:s3:::c*x")))
    effect = dice.choice(("Allow", "Deny", "Deny"))
    return Statement(effect, ("s3:*",), resources, (Principal("*", "*"),), tuple(conditions))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(60))
def test_random_questions_have_the_same_verdict(seed: int, lazily: Callable[[bool], None]) -> None:
    dice = random.Random(seed)
    statements = [random_statement(dice) for _ in range(dice.randint(1, 5))]
    statements.append(Statement("Allow", ("s3:*",), ("*",), (Principal("*", "*"),)))
    policies = Policies(identity=(), resource=Policy(tuple(statements), "2012-10-17"))
    asked = RequestSet(
        "signed",
        Given(("*",), but=("arn:aws:iam::111111111111:role/A",)),
        Given(("s3:GetObject",)),
        Given((dice.choice(("arn:aws:s3:::b/*", "*", "arn:aws:s3:::*/k")),)),
        "111111111111",
        dice.random() < 0.7,
        {"aws:sourcevpce": Key(Given(("t*",)), dice.random() < 0.5)},
    )
    for prove in (prove_denied, prove_allowed):
        answers = []
        for on in (False, True):
            lazily(on)
            answers.append(outcome(prove(asked, policies, Symbols())))
        assert answers[0] == answers[1], policies


def test_the_switch_makes_a_difference(lazily: Callable[[bool], None]) -> None:
    def masks(on: bool) -> list[Atoms]:
        lazily(on)
        dimension = domains.Dimension("the text")
        dimension.add(domains.Matches(glob("a*b")))
        dimension.refine()
        return dimension.masks

    assert isinstance(masks(False)[0], int)
    assert isinstance(masks(True)[0], ValueSet)


def test_a_complement_says_nothing_of_members_that_are_found_later() -> None:
    texts = Texts("the resource", [glob("a*"), glob("*b")], [], Steps())
    begins = ValueSet(texts, Formula(True, 1, 0))
    others = ~begins
    for word in ("ax", "ab", "a", "xb"):
        texts.atom(word)
    assert not begins & others
    assert begins & ValueSet(texts, Formula(True, 2, 0))
    assert others & ValueSet(texts, Formula(True, 2, 0))
    assert begins | others


def test_sets_made_of_many_others_are_put_together_in_turn() -> None:
    """However many are made of each other before one is asked for its formula, which nothing but recursion reads."""
    texts = Texts("the resource", [glob("a*"), glob("*b")], [], Steps())
    made = one = ValueSet(texts, Formula(True, 1, 0))
    for _ in range(5_000):
        made = made & ~~one
    assert made.formula == one.formula
