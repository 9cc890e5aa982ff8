"""Many snapshots: each audited by itself, and the reports joined; on a cluster where one is installed."""

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import large_account
import pytest

from policy_audit.audit import audit
from policy_audit.errors import FINDINGS, INCOMPLETE
from policy_audit.findings import Report, exit_code
from policy_audit.fleet import joined
from policy_audit.formats import View, render
from policy_audit.live.snapshot import NotInspected, dump
from policy_audit.origin import Span

README = Path(__file__).parent.parent / "README.md"
ACCOUNTS = ("111122223333", "222233334444", "333344445555")


def written(folder: Path) -> list[str]:
    """A snapshot for each account: the first is right, a role of the second lacks its grant, a call of the third one
    was refused."""
    paths = []
    for index, number in enumerate(ACCOUNTS):
        found = large_account.snapshot(20)
        if index == 1:
            details: Any = found.everywhere["iam.GetAccountAuthorizationDetails"][""]
            details["RoleDetailList"][0]["RolePolicyList"].clear()
        if index == 2:
            found.not_inspected.append(NotInspected("kms", "DescribeKey", large_account.REGION, "k", "AccessDenied"))
        path = folder / f"{number}.json"
        dump(found, str(path))
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(large_account.ACCOUNT, number), encoding="utf-8")
        paths.append(str(path))
    return paths


def test_reports_of_accounts_are_one(tmp_path: Path) -> None:
    reports = [audit([path]) for path in written(tmp_path)]
    report = joined(reports)
    assert len(report.requirements) == sum(len(one.requirements) for one in reports)
    assert {one.address.split(":")[4] for one in report.findings} == {ACCOUNTS[1]}
    assert exit_code(report) == FINDINGS
    assert exit_code(joined([reports[0], reports[2]])) == INCOMPLETE
    assert [one.path for one in report.targets] == [str(tmp_path / f"{one}.json") for one in ACCOUNTS]
    assert report.rules == reports[0].rules
    shown = render("text", report, View())
    assert f"{ACCOUNTS[1]}:role/" in shown


def test_a_report_survives_the_way_to_another_machine(tmp_path: Path) -> None:
    report = audit(written(tmp_path)[:2])
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert isinstance(again, Report)
    assert copy.copy(report.findings[0].location) == report.findings[0].location
    assert isinstance(copy.copy(report.findings[0].location), Span)


def test_of_no_accounts_the_report_is_empty() -> None:
    assert joined([]) == Report()


def test_the_driver_of_readme_runs_on_a_local_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `fleet` is not installed")
    (driver,) = re.findall(
        r"```python\n(from distributed import .*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert len([line for line in driver.split("\n") if line and not line.startswith(("from ", "import "))]) == 3
    paths = written(tmp_path)
    monkeypatch.chdir(tmp_path)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        names: dict[str, Any] = {}
        exec(driver.replace("tcp://scheduler:8786", cluster.scheduler_address), names)
    report = names["report"]
    assert report == joined([audit([Path(path).name]) for path in paths])
