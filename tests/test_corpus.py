"""Every public template of the corpus is audited without a fault, and without an alarm that a reader disputes."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.findings import Report, at_least, exit_code
from policy_audit.options import Options
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.files import load
from policy_audit.sources.worlds import World

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
SUFFIXES = {".yaml", ".yml", ".json", ".template"}
EVERY = {"relevant": 1, "large": 1, "asl": 2, "any": 2, "terraform-plan": 3}
"""Of each group one file in so many is audited: the whole takes most of a minute."""

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of public templates is not at {CORPUS}")


def sample(group: str) -> Iterator[Path]:
    files = sorted(path for path in (CORPUS / group).rglob("*") if path.suffix in SUFFIXES and path.is_file())
    yield from files[:: EVERY[group]]


def audited(path: Path) -> Report | None:
    """The report, or None for a file that is no template."""
    try:
        return audit([str(path)], Options(strict=True))
    except AuditError as error:
        if error.exit_code != NOTHING_AUDITED or not error.message:
            raise
        return None


@pytest.mark.parametrize("group", EVERY)
def test_every_template_is_audited(group: str) -> None:
    kinds: Counter[str] = Counter()
    for path in sample(group):
        report = audited(path)
        if report is None:
            kinds["no template"] += 1
            continue
        # Files that a template names may be missing here; the template is audited all the same.
        kinds["audited" if report.targets else "broken"] += 1
        exit_code(report)
        for one in report.findings:
            assert one.message
            assert one.location.file == str(path) or Path(one.location.file).is_relative_to(path.parent)
            assert all(ord(character) < 0xF0000 for character in repr(one)), path
            assert "\\U000f" not in repr(one), path
        assert all(one.reasons for one in report.requirements if one.answer == "undecided"), path
        assert all(one.reason for one in report.skipped), path
    assert kinds["audited"] > 9 * kinds["broken"] or group == "asl"


def test_apis_are_as_a_careful_reader_saw_them() -> None:
    """Whether every method asks for IAM authentication, and whether a resource policy denies anything explicitly."""
    compared = 0
    for label in map(json.loads, (CORPUS / "labels.jsonl").read_text(encoding="utf-8").splitlines()):
        expected = {one["api"]: one for one in label["rest_api"] if one["endpoint_type"] != "WEBSOCKET"}
        if not expected:
            continue
        estate = Estate(load([str(CORPUS / name) for name in (label["file"], *label["companions"])]).inputs, Given())
        estate.assume(World({}))
        apis = {one.address.rpartition("#")[2]: one for one in read_system(estate, {}).apis}
        for name, one in expected.items():
            methods = [method for method in apis[name].methods if not method.is_preflight]
            assert methods, (label["file"], name)
            signed = all(method.authorization == "AWS_IAM" for method in methods)
            assert signed == (one["iam_auth"] == "yes"), (label["file"], name)
            policy = apis[name].policy
            denies = any(statement.effect == "Deny" for statement in policy.statements) if policy else False
            assert denies == (one["explicit_deny"] == "yes"), (label["file"], name)
            compared += 1
    assert compared > 15


def test_no_alarm_where_a_careful_reader_saw_nothing_wrong() -> None:
    labels = [json.loads(line) for line in (CORPUS / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    fine = [
        one for one in labels if all(caller["verdict"] != "no" for caller in one["callers"]) and not one["real_bugs"]
    ]
    assert len(fine) > 10
    for label in fine:
        report = audited(CORPUS / label["file"])
        alarms = [one for one in report.findings if at_least(one.severity, "medium")] if report else []
        assert not [(label["file"], one.message) for one in alarms if one.answer == "refuted"]
