"""Globs against globs, held against all words of a small alphabet."""

import random
import re
import time
from itertools import product

import pytest

from policy_audit.model.patterns import LONGEST, glob
from policy_audit.model.value import REGION, Symbol, Symbols

WORDS = ["".join(word) for length in range(7) for word in product("ab", repeat=length)]


def matching(pattern: str) -> set[str]:
    expression = "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return {word for word in WORDS if re.fullmatch(expression, word)}


@pytest.mark.parametrize("seed", range(4))
def test_globs_overlap_where_a_word_matches_both(seed: int) -> None:
    dice = random.Random(seed)
    found = set()
    for _ in range(150):
        one, other = ("".join(dice.choices("ab*?", k=dice.randrange(5))) for _ in range(2))
        expected = bool(matching(one) & matching(other))
        assert glob(one).overlaps(other) is expected, (one, other)
        assert all(glob(one).matches(word) is (word in matching(one)) for word in dice.sample(WORDS, 10))
        found.add(expected)
    assert found == {True, False}


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("live/GET/*", "live/GET/orders/*", True),
        ("live/GET/orders/?", "live/GET/orders/*", False),
        ("live/GET/orders/7", "live/GET/orders/*", False),
        ("live/*/orders", "live/GET/orders", True),
        ("*", "*/GET/", True),
        ("live/*", "*/GET/", False),
    ],
)
def test_a_glob_covers_what_no_value_escapes(one: str, other: str, answer: bool) -> None:
    assert glob(one).covers(other) is answer


def test_a_letter_is_itself_and_may_be_anything_else() -> None:
    symbols = Symbols()
    stage, region = symbols.symbol(Symbol("${Stage}")), symbols.symbol(Symbol("${AWS::Region}", REGION))
    assert glob(f"{stage}/GET/").overlaps(f"{stage}/GET/") is True
    assert glob(f"{stage}/GET/").overlaps("live/GET/") is None
    assert glob("live/GET/").overlaps(f"{stage}/GET/") is None
    assert glob(f"{stage}/GET/").overlaps(f"{region}/GET/") is None
    assert glob(f"{stage}/GET/").overlaps("live/POST/") is False
    assert glob(f"{stage}/*").covers("live/GET/") is None


def test_what_is_longer_than_any_arn_is_not_looked_at() -> None:
    start = time.process_time()
    assert glob("*a" * 10**5).overlaps("a" * 10**5) is None
    assert glob("a").covers("a" * (LONGEST + 1)) is None
    assert glob("*a" * (LONGEST // 2) + "b").overlaps("a" * LONGEST) is False
    assert time.process_time() - start < 2
