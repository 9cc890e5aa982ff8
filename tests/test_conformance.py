"""Public suites of evaluation cases, read in place: every decision is the expected one."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy_audit.simulate import simulate

CASES = Path(__file__).resolve().parents[2] / "shared" / "conformance"

DIFFERENT = {
    "arsenal/condition/957#54": (
        "expects BinaryNotEquals to hold, an operator that IAM does not have",
        "IAM User Guide, IAM JSON policy elements: Condition operators, Binary condition operators",
    ),
}
"""Cases that expect what AWS's page does not say, with the page."""


def read(name: str) -> list[str]:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"the public cases are not here: {path} is missing")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def is_met(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    expected, decision = case["expected"], answer["decision"]
    return bool(decision == expected or (expected == "Denied" and decision.endswith("Denied")))


@pytest.mark.parametrize("name", ["evaluation.jsonl", "three_valued.jsonl"])
def test_every_case_is_decided_as_expected(name: str) -> None:
    lines = read(name)
    cases = [json.loads(line) for line in lines]
    answers = [json.loads(line) for line in simulate(lines, name)]
    assert [answer["id"] for answer in answers] == [case["id"] for case in cases]
    wrong = {case["id"] for case, answer in zip(cases, answers, strict=True) if not is_met(case, answer)}
    assert wrong == set(DIFFERENT) & {case["id"] for case in cases}


@pytest.mark.parametrize("name", ["evaluation.jsonl", "three_valued.jsonl"])
def test_every_answer_says_why(name: str) -> None:
    for line in simulate(read(name), name):
        answer = json.loads(line)
        effects = {deciding["effect"] for deciding in answer["decided_by"]}
        if answer["decision"] == "Allowed":
            assert effects == {"Allow"}
        if answer["decision"] == "ExplicitlyDenied":
            assert effects == {"Deny"}
        assert bool(answer["undecided_because"]) == (answer["decision"] == "Undecided")
