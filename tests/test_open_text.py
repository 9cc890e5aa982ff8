"""Matching with letters: the verdict admits what comes out for every value that the letters may have."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_audit.iam.arn_patterns import match_arn
from policy_audit.iam.globs import ANY, ANY_IN_SEGMENT, ONE, ONE_IN_SEGMENT, Part, Parts, joined, matcher, parse_glob
from policy_audit.iam.open_text import UNKNOWN, matches, matches_parts
from policy_audit.iam.values import is_arn
from policy_audit.model.value import ACCOUNT, ANYTHING, API_ID, GENERATED_NAME, REGION, Shape, Symbol, Symbols

SYMBOLS = Symbols()
ANY_TEXT = SYMBOLS.symbol(Symbol("${Any}"))
LOWER = SYMBOLS.symbol(Symbol("${Lower}", Shape("lower case", "a-b", 1, 3)))
STAGE = SYMBOLS.symbol(Symbol("${Stage}", Shape("stage", values=("a", "ab:", "bb"))))
THREE = SYMBOLS.symbol(Symbol("${Three}", Shape("three", "ab", 3, 3), generated=True))
OTHER_THREE = SYMBOLS.symbol(Symbol("${OtherThree}", Shape("three", "ab", 3, 3), generated=True))
PERHAPS_GLOB = SYMBOLS.symbol(Symbol("${Perhaps}", Shape("perhaps", values=("a", "*", "b?"))))
HOLE = SYMBOLS.hole("it is computed")
VALUES = {
    ANY_TEXT: st.text("ab:*", max_size=4),
    LOWER: st.text("ab", min_size=1, max_size=3),
    STAGE: st.sampled_from(["a", "ab:", "bb"]),
    THREE: st.sampled_from(["aaa", "bab"]),
    OTHER_THREE: st.sampled_from(["aab", "bbb"]),
    PERHAPS_GLOB: st.sampled_from(["a", "*", "b?"]),
    HOLE: st.text("ab:*", max_size=4),
}
LETTERS = "".join(VALUES)
ASSIGNMENTS = st.fixed_dictionaries(VALUES)
TEXTS = st.text("ab:" + LETTERS, max_size=7)
PATTERNS = st.text("ab:*?" + LETTERS, max_size=7)


def given_values(text: str, values: dict[str, str]) -> str:
    return "".join(values.get(character, character) for character in text)


def simply(parts: Parts, text: str) -> bool:
    """The same question by dynamic programming over single characters, as a check of the fast ways."""
    pattern = [item for part in parts for item in (part if isinstance(part, str) else (part,))]
    row = [True] + [False] * len(text)
    for item in pattern:
        following = [False] * (len(text) + 1)
        if item in (ANY, ANY_IN_SEGMENT):
            following[0] = row[0]
            for index, character in enumerate(text):
                crosses = item == ANY or character != ":"
                following[index + 1] = row[index + 1] or (following[index] and crosses)
        else:
            for index, character in enumerate(text):
                one = item in (ONE, character) or (item == ONE_IN_SEGMENT and character != ":")
                following[index + 1] = row[index] and one
        row = following
    return row[-1]


PIECES: list[Part] = ["a", "b", ":", "ab", ANY, ONE, ANY_IN_SEGMENT, ONE_IN_SEGMENT]
PARTS = st.lists(st.sampled_from(PIECES), max_size=8).map(joined)


@given(PARTS, st.text("ab:", max_size=9))
def test_globs_match_as_defined(parts: Parts, text: str) -> None:
    expected = simply(parts, text)
    assert matcher(parts)(text) is expected
    assert matches_parts(parts, text) is expected


@settings(max_examples=800)
@given(PATTERNS, TEXTS, st.booleans(), st.booleans(), st.lists(ASSIGNMENTS, min_size=1, max_size=4))
def test_the_verdict_admits_every_substitution(
    pattern: str, text: str, wildcards: bool, with_table: bool, assignments: list[dict[str, str]]
) -> None:
    verdict = matches(pattern, text, wildcards, SYMBOLS if with_table else None)
    for values in assignments:
        written = given_values(pattern, values)
        concrete = simply(parse_glob(written) if wildcards else (written,), given_values(text, values))
        assert verdict in (None, concrete)


@settings(max_examples=300)
@given(
    st.lists(st.text("a*" + LETTERS, max_size=3), min_size=5, max_size=6),
    st.lists(st.text("a" + LETTERS, max_size=3), min_size=5, max_size=6),
    st.booleans(),
    ASSIGNMENTS,
)
def test_arns_too(ours: list[str], theirs: list[str], with_table: bool, values: dict[str, str]) -> None:
    pattern, text = ":".join(("arn", *ours)), ":".join(("arn", *theirs))
    verdict = match_arn(parse_glob(pattern), text, SYMBOLS if with_table else None)
    concrete = given_values(text, values)
    if is_arn(concrete):
        assert verdict in (None, match_arn(parse_glob(given_values(pattern, values)), concrete, None))


ACCOUNT_ID = SYMBOLS.symbol(Symbol("${AWS::AccountId}", ACCOUNT))
REGION_ID = SYMBOLS.symbol(Symbol("${AWS::Region}", REGION))
API = SYMBOLS.symbol(Symbol("${Api}", API_ID, generated=True))
OTHER_API = SYMBOLS.symbol(Symbol("${OtherApi}", API_ID, generated=True))
NAME = SYMBOLS.symbol(Symbol("${Role}", GENERATED_NAME, generated=True))
OTHER_NAME = SYMBOLS.symbol(Symbol("${OtherRole}", GENERATED_NAME, generated=True))
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/"


@pytest.mark.parametrize(
    ("pattern", "text", "verdict"),
    [
        (ROLE + "x", ROLE + "x", True),
        (ROLE + "x", ROLE + "y", False),
        (ROLE + "*", ROLE + NAME, True),
        (ROLE + "?", ROLE + "x", True),
        (f"arn:aws:iam::{ACCOUNT_ID}?:role/x", ROLE + "x", False),
        ("arn:aws:iam::123456789012:role/x", ROLE + "x", None),
        ("arn:aws:iam::12345678901:role/x", ROLE + "x", False),
        ("arn:aws:iam::aws:role/x", ROLE + "x", False),
        (ROLE + NAME, ROLE + NAME, True),
        (ROLE + NAME, ROLE + OTHER_NAME, False),
        (ROLE + NAME, ROLE + "stack-Role-ABCDEFGHIJKL", None),
        (ROLE + NAME, ROLE + "sfn-exec", False),
        (ROLE + NAME, ROLE + "a-rather-long-role-name", False),
        (ROLE + NAME + "*", ROLE + OTHER_NAME, None),
        (f"{API}/*/GET/*", f"{API}/prod/GET/x", True),
        (f"{API}/*", f"{OTHER_API}/prod/GET/x", False),
        (f"{API}/*", "abcdefghij/prod", None),
        (f"{API}/*", "abcdefghi/prod", False),
        (f"{API}/*", "abcdefghiJ/prod", False),
        (f"{REGION_ID}-x", "eu-west-1-x", None),
        (f"{REGION_ID}-x", "eu-west-1-y", False),
        (HOLE, HOLE, True),
        (HOLE, "x", None),
        ("*", HOLE, True),
        ("*", UNKNOWN, True),
        (UNKNOWN, UNKNOWN, None),
        (UNKNOWN + "*", UNKNOWN + "a", None),
        (UNKNOWN + "a", UNKNOWN + "b", False),
        (UNKNOWN + "ab", UNKNOWN + "b", None),
        (PERHAPS_GLOB, "xyz", None),
        (PERHAPS_GLOB, "a", None),
        (HOLE, "x" + HOLE, None),
        ("a" + HOLE, "b" + HOLE, False),
    ],
)
def test_what_shapes_tell(pattern: str, text: str, verdict: bool | None) -> None:
    assert matches(pattern, text, True, SYMBOLS) is verdict


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 60 + "b", "a" * 4000),
        ("a?" * 400 + "*" + "a?" * 400, "a" * 6000),
        ("*?" * 500, "a" * 3000),
        ((HOLE + "*a") * 60, "a" * 2000),
        ("*a" * 60 + "b", ("a" + ANY_TEXT) * 1000),
        ((LOWER + "a") * 200, "ab" * 1000),
    ],
)
def test_hostile_globs_end_soon(pattern: str, text: str) -> None:
    started = time.process_time()
    matches(pattern, text, True, SYMBOLS)
    matcher(parse_glob(pattern))(text)
    assert time.process_time() - started < 3


def test_a_letter_that_no_table_knows_is_any_text() -> None:
    assert matches("\U000fff00", "x", False, SYMBOLS) is None
    assert ANYTHING.admits("x")
