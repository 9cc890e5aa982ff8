"""Atoms against enumeration: every combination of patterns that some word has, and a shortest word for each."""

import random
import time
from itertools import product

import pytest

from policy_audit.iam import automata, readings
from policy_audit.iam.domains import prefix_words, text_atoms
from policy_audit.iam.patterns import Pattern, arn_glob_of, fold, glob, literal, matches, tokens
from policy_audit.iam.principal_domain import ROOT, USER, Principals
from policy_audit.iam.request import PolicyType
from policy_audit.model.value import ACCOUNT, NAME, PARTITION, Symbol, Symbols

WORDS = ["".join(letters) for length in range(1, 7) for letters in product("ab:x", repeat=length)]


def random_glob(dice: random.Random) -> Pattern:
    text = "".join(dice.choice("aab:**?") for _ in range(dice.randint(0, 5)))
    kind = dice.random()
    if kind < 0.15:
        return literal(text.replace("*", "a").replace("?", "b"))
    return fold(glob(text)) if kind < 0.3 else glob(text)


def vector(patterns: list[Pattern], word: str) -> int:
    return sum(1 << index for index, pattern in enumerate(patterns) if matches(pattern, word))


@pytest.mark.parametrize("seed", range(60))
def test_atoms_are_complete_and_their_words_shortest(seed: int) -> None:
    dice = random.Random(seed)
    patterns = [random_glob(dice) for _ in range(dice.randint(1, 4))]
    within = [[random_glob(dice), random_glob(dice)]] if dice.random() < 0.5 else []
    found = automata.atoms(patterns, within)
    assert found is not None
    shortest: dict[int, int] = {}
    for word in WORDS:
        if all(any(matches(pattern, word) for pattern in group) for group in within):
            shortest.setdefault(vector(patterns, word), len(word))
    for atom, length in shortest.items():
        assert len(found[atom]) <= length, (patterns, within, atom)
    for atom, word in found.items():
        assert word
        assert vector(patterns, word) == atom
        assert all(any(matches(pattern, word) for pattern in group) for group in within)
        if len(word) <= 6 and set(word) <= set("ab:x"):
            assert len(word) == shortest[atom]


@pytest.mark.parametrize("seed", range(20))
def test_matching_agrees_with_a_naive_matcher(seed: int) -> None:
    def naive(pattern: str, word: str) -> bool:
        if not pattern:
            return not word
        if pattern[0] == "*":
            return naive(pattern[1:], word) or (bool(word) and naive(pattern, word[1:]))
        return bool(word) and pattern[0] in ("?", word[0]) and naive(pattern[1:], word[1:])

    dice = random.Random(seed)
    text = "".join(dice.choice("ab:**?") for _ in range(dice.randint(0, 6)))
    for word in ["", *WORDS[:1400]]:
        assert matches(glob(text), word) == naive(text, word), (text, word)


@pytest.mark.parametrize(
    ("pattern", "word", "expected"),
    [
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:2:role/x", False),
        ("arn:aws:sns:*:*:t*", "arn:aws:sns:r:1:t:sub", True),
        ("arn:aws:sns:?:1:t", "arn:aws:sns:::1:t", False),
        ("arn:*:*:*:*:*", "arn:aws:s3:::b", True),
    ],
)
def test_arn_globs_stay_in_their_part(pattern: str, word: str, expected: bool) -> None:
    compiled = arn_glob_of(tokens(pattern))
    assert compiled is not None
    assert matches(compiled, word) is expected


def test_symbols_are_matched_by_a_star_and_by_themselves_alone() -> None:
    letter, other = chr(0xF0000), chr(0xF0001)
    assert matches(glob("a*"), "a" + letter)
    assert matches(glob("a" + letter + "?"), "a" + letter + "x")
    assert not matches(glob("a?"), "a" + letter)
    assert not matches(glob("a" + other), "a" + letter)
    found = automata.atoms([glob("a" + letter), glob("a?"), glob("a*")])
    assert found is not None
    assert set(found) == {0b000, 0b100, 0b101, 0b110}


@pytest.mark.parametrize(
    ("inside", "outside", "included"),
    [
        ("foo*?bar", "foo?*bar", True),
        ("foo?*bar", "foo*?bar", True),
        ("ab*b*b*b", "a*b*b*b", True),
        ("a*b*b*b", "ab*b*b*b", False),
        ("*a??????????", "*a??????????*", True),
        ("*a??????????*", "*a??????????", False),
        ("a*", "*a", False),
        ("*", "?*", True),
    ],
)
def test_inclusions_that_trap_solvers(inside: str, outside: str, included: bool) -> None:
    found = automata.atoms([glob(inside), glob(outside)])
    assert found is not None
    assert (0b01 not in found) is included


@pytest.mark.parametrize("number", [4, 8, 12, 20, 60])
def test_hostile_families_are_decided_or_given_up_soon(number: int) -> None:
    started = time.process_time()
    found = automata.atoms([glob(f"*K{index}*") for index in range(number)])
    automata.atoms([glob("*a" + "?" * number + "*"), glob("*a" + "?" * number)])
    assert time.process_time() - started < 1.5
    assert found is None or len(found) == 2**number


def test_many_prefixes_and_suffixes() -> None:
    found = text_atoms([glob(f"prefix/{index:03}*") for index in range(300)])
    assert found is not None
    assert len(found) == 301
    some = automata.atoms([glob(f"*{index:02}") for index in range(60)])
    assert some is not None
    assert len(some) == 61


@pytest.mark.parametrize("seed", range(60))
def test_words_for_prefixes_agree_with_the_automaton(seed: int) -> None:
    dice = random.Random(seed)
    texts = ["".join(dice.choice("ab/") for _ in range(dice.randint(0, 4))) for _ in range(dice.randint(1, 6))]
    patterns = [glob(text + "*") if dice.random() < 0.5 else literal(text) for text in texts if text]
    words = prefix_words(patterns)
    assert words is not None
    assert {vector(patterns, word) for word in words} == set(automata.atoms(patterns) or ())


PARTITIONS = ["aws", "aws-cn", "*"]
ACCOUNTS = ["111111111111", "222222222222", "*"]
TAILS = [
    "role/A",
    "role/A*",
    "role/team/*",
    "user/*",
    "user/U",
    "root",
    "*",
    "federated-user/F",
    "role/",
    "assumed-role/A/s",
]


@pytest.mark.parametrize("seed", range(40))
def test_words_for_principals_agree_with_the_automaton(seed: int) -> None:
    symbols = Symbols()
    letters = [
        symbols.symbol(Symbol("account", ACCOUNT)),
        symbols.symbol(Symbol("partition", PARTITION)),
        symbols.symbol(Symbol("name", NAME)),
        symbols.symbol(Symbol("arn")),
    ]
    dice = random.Random(seed)
    patterns: list[Pattern] = [ROOT, USER]
    for _ in range(dice.randint(1, 4)):
        partition, account, tail = dice.choice(PARTITIONS), dice.choice(ACCOUNTS), dice.choice(TAILS)
        if dice.random() < 0.3:
            account = letters[0]
        if dice.random() < 0.2:
            partition = letters[1]
        if dice.random() < 0.2:
            tail = "role/" + letters[2] + dice.choice(("", "*"))
        patterns.append(glob(f"arn:{partition}:iam::{account}:{tail}"))
    if dice.random() < 0.3:
        patterns.append(literal(letters[3]))
    if dice.random() < 0.3:
        patterns.append(glob("*"))
    universe = Principals(symbols)
    quickly = text_atoms(patterns, (), universe)
    fully = automata.atoms(patterns, [universe.patterns(patterns)])
    assert quickly is not None
    assert fully is not None
    assert universe.words(patterns) is not None
    assert set(quickly) == set(fully), patterns
    for words in quickly.values():
        for word in words:
            assert any(matches(each, word) for each in universe.patterns(patterns)), word


def test_plain_texts_are_read_as_all_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a short way because nothing in it but `*` stands for another text is the pattern that it would be."""
    dice = random.Random(11)
    symbols = Symbols()
    pieces = [*"aab::::**?/", "arn:", "execute-api:/", "iam::1:u", "${*}", "${aws:x}", symbols.hole("why")]
    texts = {"".join(dice.choices(pieces, k=dice.randint(0, 12))) for _ in range(2_000)}
    types: list[PolicyType] = ["resource policy", "identity policy", "SCP"]

    def read(text: str) -> list[readings.Reading]:
        found = [readings.text_reading(text, wildcards, False, lambda _: "v") for wildcards in (True, False)]
        for kind in types:
            for own_api in ("", "arn:aws:execute-api:r:1:api"):
                found.append(readings.resource_reading(text, kind, lambda _: "v", own_api, text < "b"))
        return found

    taken = {text: read(text) for text in texts if readings._is_plain(text)}
    assert len(taken) > 200
    assert sum(readings._is_free(text) for text in taken) > 50
    shortened = {text: read(text) for text in texts}
    monkeypatch.setattr(readings, "_is_plain", lambda text: False)
    for text in texts:
        long_way = read(text)
        assert shortened[text] == long_way, text
        for one, other in zip(shortened[text], long_way, strict=True):
            assert [(each.kind, each.positions, each.loops, hash(each)) for each in one.wide] == [
                (each.kind, each.positions, each.loops, hash(each)) for each in other.wide
            ], text
