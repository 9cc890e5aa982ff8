"""`policy-audit live` at the command line: what it takes, what it prints, where it keeps snapshots, how it ends."""

import io
import json
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from recorded_account import LEDGER_MACHINE, ORDERS_ROOT, ORDERS_STATEMENTS, ORDERS_TRUST, account, allow, estate, role
from wire import ACCOUNT, REGION, RefusedError, Request, Wire

from policy_audit.cli import INTERRUPTED, main
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, USAGE
from policy_audit.live.accounts import Wanted
from policy_audit.live.progress import Bars
from policy_audit.live.sessions import Access
from policy_audit.live.snapshot import load

ESTATE = Path(__file__).parent.parent / "fixtures" / "estate"
ROLES = "iam.GetAccountAuthorizationDetails"
OPTIONS = ("live", "--no-config", "--region", REGION)


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's own credentials are used by tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def one_wire() -> Wire:
    return Wire()


@pytest.fixture
def wire(one_wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The account of `recorded_account`, as the credentials of whoever runs the command show it."""
    one_wire.replay(account())

    def opened(access: Access) -> boto3.Session:
        return one_wire.session

    monkeypatch.setattr("policy_audit.live.accounts.open_session", opened)
    monkeypatch.setattr("policy_audit.live.accounts.ATTEMPTS", 1)
    return one_wire


# ---- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", REGION, "--all-regions"], "--region and --all-regions exclude each other"),
        (["--external-id", "x"], "--external-id goes with --role-arn"),
        (["--role-arn", "PolicyAudit"], "--role-arn: `PolicyAudit` is not the ARN of a role"),
        (["--accounts", ACCOUNT], "--accounts asks for a role in each account"),
        (["--accounts", "12345"], "--accounts: `12345` is neither an account id of twelve digits nor a file"),
        (["--accounts", f"organization,{ACCOUNT}"], "`--accounts organization` goes with no other accounts"),
        (["-v", "-q"], "-v/--verbose and -q/--quiet exclude each other"),
        (["--max-workers", "0"], "--max-workers"),
    ],
)
def test_what_does_not_go_together_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "--no-config", *arguments]) == USAGE
    assert message in capsys.readouterr().err


def test_without_boto3_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert main([*OPTIONS]) == USAGE
    assert "`pip install boto3`" in capsys.readouterr().err


def test_without_credentials_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*OPTIONS]) == USAGE
    assert "there are no AWS credentials" in capsys.readouterr().err


def test_a_profile_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*OPTIONS, "--profile", "nobody"]) == USAGE
    assert "the config profile (nobody) could not be found" in capsys.readouterr().err


def test_without_a_region_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    assert main(["live", "--no-config"]) == USAGE
    assert "no Region is given" in capsys.readouterr().err


def test_credentials_that_aws_refuses_make_the_audit_incomplete(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(request: Request, page: int) -> None:
        raise RefusedError("ExpiredToken", "The security token included in the request is expired", 403)

    wire.fault = fault
    assert main([*OPTIONS, "--format", "json"]) == INCOMPLETE
    streams = capsys.readouterr()
    assert "AWS refuses the credentials" in streams.err and "is expired" in streams.err
    (told,) = json.loads(streams.out)["errors"]
    assert "AWS refuses the credentials" in told["message"]


def test_a_region_that_there_is_not_is_told(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(request: Request, page: int) -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.eu-wst-1.amazonaws.com/")

    wire.fault = fault
    assert main(["live", "--no-config", "--region", "eu-wst-1"]) == INCOMPLETE
    assert "AWS cannot be asked: could not connect to the endpoint URL" in capsys.readouterr().err


def test_accounts_may_be_listed_in_a_file_and_each_is_read_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed: list[Wanted] = []

    class Unread:
        broken_off = True
        disabled: Mapping[str, tuple[str, ...]] = {}

        def __init__(self, wanted: Wanted, *rest: object) -> None:
            listed.append(wanted)

        def read(self, keep: object) -> None:
            """Reads nothing."""

    monkeypatch.setattr("policy_audit.live.accounts.Accounts", Unread)
    file = tmp_path / "accounts.txt"
    file.write_text(f"# ours\n{ACCOUNT}  # the first\n\n999999999999\n", encoding="utf-8")
    role = "arn:aws:iam::{account}:role/PolicyAudit"
    assert main([*OPTIONS, "--role-arn", role, "--accounts", str(file), "--accounts", ACCOUNT]) == INTERRUPTED
    assert [one.accounts for one in listed] == [(ACCOUNT, "999999999999")]


def test_accounts_that_may_not_be_listed_make_the_audit_incomplete(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(request: Request, page: int) -> None:
        if request.operation == "organizations.ListAccounts":
            raise RefusedError("AccessDeniedException", "you don't have permissions to access this resource")

    wire.fault = fault
    role = "arn:aws:iam::{account}:role/PolicyAudit"
    assert main([*OPTIONS, "--role-arn", role, "--accounts", "organization"]) == INCOMPLETE
    assert "cannot be listed: you don't have permissions to access this resource" in capsys.readouterr().err


# ---- snapshots ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["account.json", "folder"])
def test_a_snapshot_is_kept_where_the_user_says_for_the_user_alone(
    wire: Wire, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    main([*OPTIONS, "--save", str(tmp_path / name)])
    path = tmp_path / (f"folder/{ACCOUNT}.json" if name == "folder" else name)
    snapshot = load(str(path))
    assert (snapshot.account, snapshot.complete, snapshot.not_inspected) == (ACCOUNT, True, [])
    assert LEDGER_MACHINE in snapshot.regions[REGION]["stepfunctions.DescribeStateMachine"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"saved {path}" in capsys.readouterr().err


def test_a_snapshot_that_cannot_be_written_is_told(
    wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.replay({name: one for name, one in estate().items() if name.startswith("sts.")})
    assert main([*OPTIONS, "--save", str(tmp_path / "none" / "account.json")]) == USAGE
    assert "the snapshot cannot be written: no such file or directory" in capsys.readouterr().err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals of this platform go to no thread of choice")
def test_ctrl_c_keeps_what_was_read_until_then(wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(request: Request, page: int) -> None:
        if request.operation == "stepfunctions.DescribeStateMachine":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.3)

    wire.fault = fault
    path = tmp_path / "account.json"
    assert main([*OPTIONS, "--max-workers", "1", "--save", str(path)]) == 130
    snapshot = load(str(path))
    assert not snapshot.complete
    assert "stepfunctions.ListStateMachines" in snapshot.regions[REGION]
    assert {one.code for one in snapshot.not_inspected} == {"Interrupted"}
    streams = capsys.readouterr()
    assert f"interrupted; {path} holds what was read until then" in streams.err
    assert streams.out == ""


# ---- the audit ------------------------------------------------------------------------------------------------------


def test_the_audit_is_that_of_check(wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "account.json")
    assert main([*OPTIONS, "--format", "json", "--save", path]) == CLEAN
    first = json.loads(capsys.readouterr().out)
    assert main(["check", "--no-config", "--format", "json", path]) == CLEAN
    assert json.loads(capsys.readouterr().out) == first
    assert first["counts"]["proven"] > 90


def test_a_finding_shows_where_the_template_declares_what_is_deployed(
    wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = account()
    (machine,) = found["stepfunctions.DescribeStateMachine"][LEDGER_MACHINE]
    insecure = {**machine, "definition": machine["definition"].replace("https://ledger", "http://ledger")}
    machines = {**found["stepfunctions.DescribeStateMachine"], LEDGER_MACHINE: [insecure]}
    wire.replay({**found, "stepfunctions.DescribeStateMachine": machines})
    stack = f"parcels-workflows={ESTATE / 'workflows.yaml'}"
    given = ("--templates", str(ESTATE), "--stack", stack, "--save", str(tmp_path / "account.json"))
    assert main([*OPTIONS, *given]) == FINDINGS
    told = capsys.readouterr().out
    assert "high[http-task-https]" in told
    assert "made as `LedgerWorkflow` by the stack `parcels-workflows`" in told
    assert "workflows.yaml:" in told and "declared here" in told


@pytest.mark.parametrize("more", ["", "s3:GetObject"])
def test_what_is_deployed_is_compared_with_templates(more: str, wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    found = account()
    changed = allow(more, "*") if more else allow("execute-api:Invoke", ORDERS_ROOT)
    orders = role("parcels-orders-workflow", ORDERS_TRUST, *ORDERS_STATEMENTS, changed)
    details = [
        {**page, "RoleDetailList": [orders if one["Arn"] == orders["Arn"] else one for one in page["RoleDetailList"]]}
        for page in found[ROLES][""]
    ]
    wire.replay({**found, ROLES: {"": details}})
    assert main([*OPTIONS, "--against", str(ESTATE), "--format", "json"]) == (FINDINGS if more else CLEAN)
    changes = json.loads(capsys.readouterr().out)["changes"]
    told = [(one["effect"], one["actions"]) for one in changes if one["effect"] != "undecided"]
    assert told == ([("allowed", [more])] if more else [])


def test_a_comparison_is_told_in_its_own_formats(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*OPTIONS, "--against", str(ESTATE), "--format", "sarif"]) == USAGE
    assert "--against is told in the formats text, json, markdown" in capsys.readouterr().err
    assert wire.requests == []


def test_a_report_is_there_though_the_snapshot_is_not_kept(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    wire.fault = lambda request, page: _refuse(request)
    assert main([*OPTIONS]) == INCOMPLETE
    streams = capsys.readouterr()
    assert "not inspected: pipes ListPipes" in streams.out
    assert "is not kept without `--save`" in streams.err


def _refuse(request: Request) -> None:
    if request.operation == "pipes.ListPipes":
        raise RefusedError("AccessDeniedException")


def test_a_wrong_configuration_is_told_before_anything_is_read(
    wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy_audit.yaml").write_text("fail-on: sometimes\n", encoding="utf-8")
    assert main(["live", "--region", REGION, "--config", str(tmp_path / "policy_audit.yaml")]) == USAGE
    assert "sometimes" in capsys.readouterr().err
    assert wire.requests == []


# ---- Regions --------------------------------------------------------------------------------------------------------


def test_of_all_regions_those_that_are_not_enabled_are_named_and_not_read(
    wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {REGION: "opt-in-not-required", "af-south-1": "opted-in", "me-south-1": "not-opted-in"}
    listed = {"Regions": [{"RegionName": name, "OptInStatus": status} for name, status in names.items()]}
    wire.replay({"sts.GetCallerIdentity": estate()["sts.GetCallerIdentity"], "ec2.DescribeRegions": {"": [listed]}})
    main(["live", "--no-config", "--all-regions", "--save", str(tmp_path / "account.json")])
    snapshot = load(str(tmp_path / "account.json"))
    assert set(snapshot.regions) == {REGION, "af-south-1"}
    assert snapshot.not_inspected == []
    assert f"{ACCOUNT}: not enabled, and not read: me-south-1" in capsys.readouterr().err


def test_where_regions_may_not_be_listed_all_that_there_are_are_read_and_it_is_told(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(request: Request, page: int) -> None:
        if request.operation == "ec2.DescribeRegions":
            raise RefusedError("UnauthorizedOperation", "You are not authorized to perform this operation.")

    wire.replay({"sts.GetCallerIdentity": estate()["sts.GetCallerIdentity"]})
    wire.fault = fault
    monkeypatch.setattr(wire.session, "get_available_regions", lambda service, partition: [REGION])
    assert main(["live", "--no-config", "--all-regions"]) == INCOMPLETE
    assert "not inspected: ec2 DescribeRegions (UnauthorizedOperation" in capsys.readouterr().out
    assert {one.region for one in wire.requests if one.operation == "events.ListConnections"} == {REGION}


# ---- progress -------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_tell_each_region_and_the_services_that_are_not_done_and_go_away_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    seconds = iter(range(100))
    bars = Bars(terminal, lambda: next(seconds))
    for region, service, calls in (("", "iam", 1), (REGION, "events", 3), (REGION, "pipes", 1)):
        for _ in range(calls):
            bars.planned(ACCOUNT, region, service)
    bars.answered(ACCOUNT, REGION, "events")
    drawn = terminal.getvalue().splitlines()
    assert [line.split()[0] for line in drawn] == ["global", REGION]
    assert drawn[1].endswith("1/4  events 1/3, pipes 0/1")
    bars.answered(ACCOUNT, "", "iam")
    bars.finish()
    assert terminal.getvalue().endswith("\x1b[1A\r\x1b[J")


def test_bars_of_many_regions_leave_the_terminal_room() -> None:
    terminal = Terminal()
    bars = Bars(terminal, lambda: 1.0)
    for number in range(30):
        bars.planned(ACCOUNT, f"eu-west-{number}", "events")
        bars.planned("999999999999", f"eu-west-{number}", "events")
    bars.answered(ACCOUNT, "eu-west-0", "events")
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 13
    assert lines[-1] == "and 47 more"
    assert lines[0].startswith("999999999999 eu-west-0")


def test_nothing_is_drawn_where_no_terminal_is(wire: Wire, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wire.replay({"sts.GetCallerIdentity": estate()["sts.GetCallerIdentity"]})
    main([*OPTIONS, "--save", str(tmp_path / "account.json")])
    assert "\x1b" not in capsys.readouterr().err
