"""What is said of an account of which something could not be read: never a clean result, and never a false alarm."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError
from recorded_account import account, estate, iam, role, trusting
from recorded_reading import EVERYTHING, Reading, led_to, refusing
from wire import ACCOUNT, REGION, RefusedError, Request, Responses

from policy_audit.audit import audit
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE
from policy_audit.findings import Report, exit_code
from policy_audit.formats import View, render
from policy_audit.live.kept import OPERATIONS as KEPT
from policy_audit.live.reader import Scope
from policy_audit.live.snapshot import Snapshot, dump

ROLES = "iam.GetAccountAuthorizationDetails"
Fault = Callable[[Request, int], None]


class Whole:
    """A reading without a fault: its requests, and the answer to each requirement."""

    def __init__(self, reading: Reading, folder: Path) -> None:
        reading.anew()
        report = audited(reading(), folder)
        assert exit_code(report) == CLEAN and not report.findings
        self.requests = frozenset((one.operation, one.key) for one in reading.wire.requests)
        self.answers = answers(report)


@pytest.fixture(scope="module")
def shared() -> Iterator[Reading]:
    with ThreadPoolExecutor(2) as calls:
        yield Reading(calls)


@pytest.fixture
def reading(shared: Reading) -> Reading:
    shared.anew()
    return shared


@pytest.fixture(scope="module")
def whole(shared: Reading, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(shared, tmp_path_factory.mktemp("whole"))


def audited(snapshot: Snapshot, folder: Path) -> Report:
    path = str(folder / "account.json")
    dump(snapshot, path)
    return audit([path])


def answers(report: Report) -> dict[tuple[str, str, str], str]:
    return {(one.rule, one.address, one.requirement): one.answer for one in report.requirements}


@pytest.mark.parametrize("operation", sorted(KEPT))
def test_a_call_that_is_denied_is_told_and_nothing_is_clean_for_it(
    operation: str, reading: Reading, whole: Whole, tmp_path: Path
) -> None:
    reading.wire.fault = refusing(operation, "AccessDeniedException")
    snapshot = reading()
    service, _, name = operation.partition(".")
    denied = {(one.service, one.operation, one.code) for one in snapshot.not_inspected}
    assert denied == {(service, name, "AccessDeniedException")}
    # With what the first call returns, this one would be made again for what is above it.
    keys = {key for asked, key in whole.requests if asked == operation and asked != "organizations.ListParents"}
    assert {one.resource for one in snapshot.not_inspected} == (keys or {ACCOUNT})
    assert operation not in snapshot.regions[REGION] | snapshot.everywhere
    made = {(one.operation, one.key) for one in reading.wire.requests}
    assert {asked for asked, _ in whole.requests - made} <= led_to(operation)

    report = audited(snapshot, tmp_path)
    assert exit_code(report) == INCOMPLETE
    text = render("text", report, View())
    assert f"not inspected: {service} {name}" in text and "is not authorized" in text
    found = answers(report)
    assert not [one for one, answer in found.items() if answer == "refuted"]
    assert not [one for one, answer in found.items() if answer == "proven" and whole.answers.get(one, answer) != answer]


def throttled() -> Fault:
    return refusing("stepfunctions.ListStateMachines", "ThrottlingException", page=1)


def expired() -> Fault:
    return refusing("apigateway.GetResources", "ExpiredTokenException")


def silent() -> Fault:
    def fault(request: Request, page: int) -> None:
        if request.operation == ROLES and page == 1:
            raise ReadTimeoutError(endpoint_url="https://iam.amazonaws.com/")

    return fault


def not_enabled() -> Fault:
    def fault(request: Request, page: int) -> None:
        if request.region == "me-south-1":
            raise RefusedError("UnrecognizedClientException", "The security token included in the request is invalid")

    return fault


@pytest.mark.parametrize(
    ("fault", "regions", "words"),
    [
        (throttled, (REGION,), "not inspected: stepfunctions ListStateMachines in eu-west-1 (ThrottlingException"),
        (silent, (REGION,), "not inspected: iam GetAccountAuthorizationDetails (ReadTimeoutError"),
        (
            expired,
            (REGION,),
            "not inspected: apigateway GetResources of `parcelsapi` in eu-west-1 (ExpiredTokenException",
        ),
        (not_enabled, (REGION, "me-south-1"), "me-south-1"),
    ],
    ids=["throttled", "timeout in the middle of pages", "credentials that expire", "a Region that is not enabled"],
)
def test_what_goes_wrong_on_the_way_makes_the_audit_incomplete(
    fault: Callable[[], Fault], regions: tuple[str, ...], words: str, reading: Reading, tmp_path: Path
) -> None:
    reading.wire.fault = fault()
    report = audited(reading(Scope(regions)), tmp_path)
    assert exit_code(report) == INCOMPLETE
    assert not [one for one in report.requirements if one.answer == "refuted"]
    assert words in render("text", report, View())


def test_findings_are_told_before_what_is_missing(reading: Reading, tmp_path: Path) -> None:
    replay(reading, role("broken", trusting("states.amazonaws.com", "*")), "{}")
    reading.wire.fault = refusing("pipes.ListPipes", "AccessDeniedException")
    report = audited(reading(), tmp_path)
    assert exit_code(report) == FINDINGS
    assert exit_code(report, strict=True) == INCOMPLETE


def replay(reading: Reading, one: dict[str, object], policy: str) -> None:
    """The recorded account with one role more, whose policy is this text."""
    one["RolePolicyList"] = [{"PolicyName": "Own", "PolicyDocument": policy}]
    page = {"RoleDetailList": [one], "Policies": [], "IsTruncated": False}
    responses: Responses = {**account(), ROLES: {"": [*account()[ROLES][""], page]}}
    reading.wire.replay(responses)


@pytest.mark.parametrize(
    "policy", ["%7B%22Version%22%3A", iam({"Version": "2012-10-17", "Statement": [{"Effect": "?"}]})]
)
def test_a_malformed_policy_of_one_role_is_found_and_hides_no_other(
    policy: str, reading: Reading, whole: Whole, tmp_path: Path
) -> None:
    replay(reading, role("broken", trusting("states.amazonaws.com", "*")), policy)
    report = audited(reading(), tmp_path)
    assert [one.address.rpartition("/")[2] for one in report.findings if one.rule == "policy-malformed"] == ["broken"]
    assert exit_code(report) == FINDINGS
    found = answers(report)
    assert {one: found[one] for one in whole.answers} == whole.answers


def test_an_empty_account_is_clean(reading: Reading, tmp_path: Path) -> None:
    reading.wire.replay({"sts.GetCallerIdentity": estate()["sts.GetCallerIdentity"]})
    report = audited(reading(EVERYTHING), tmp_path)
    assert (exit_code(report), report.requirements) == (CLEAN, ())
