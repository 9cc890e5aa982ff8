"""Copies of an estate side by side, such as a folder for each environment: each is audited by itself."""

import re
import shutil
from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.model.nearest import Nearest
from policy_audit.options import Options

ESTATE = Path(__file__).parent.parent / "fixtures" / "forms" / "cloudformation"
PINNED = Options(account="123456789012", region="eu-west-1", partition="aws", strict=True)


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("dev", "prod"):
        shutil.copytree(ESTATE, name)


def test_each_copy_has_its_own_exports_roles_and_policies() -> None:
    report = audit(["."], PINNED)
    alone = audit(["prod"], PINNED)
    assert [one.message for one in report.findings] == []
    assert report.count("proven") == 2 * alone.count("proven")
    assert "`harbour-orders-api` is exported by dev/network.yaml" in report.assumptions


@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize("broken", ["dev", "prod"])
def test_what_one_copy_allows_is_not_allowed_in_the_other(broken: str, detailed: bool) -> None:
    """The roles have one name, and the workflow of either runs with its own."""
    file = Path(broken, "flows.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("/live/GET/orders/*", "/live/GET/order/*"))
    (finding,) = audit(["."], PINNED, detailed=detailed).findings
    assert (finding.rule, finding.address) == ("execute-api-invoke", f"{broken}/flows.yaml#OrdersRole")
    file.write_text(re.sub("events:InvokeApiDestination", "events:PutEvents", file.read_text(encoding="utf-8")))
    found = {(one.rule, one.address) for one in audit(["."], PINNED, detailed=detailed).findings}
    assert found == {
        ("execute-api-invoke", f"{broken}/flows.yaml#OrdersRole"),
        ("api-destination-invoke", f"{broken}/flows.yaml#AnnouncedRole"),
    }


def test_a_managed_policy_is_the_one_beside_the_role() -> None:
    for name, action in (("dev", "order"), ("prod", "orders")):
        Path(name, "policy.yaml").write_text(
            "Resources:\n  Calls:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: calls\n"
            "      Roles: [harbour-orders-workflow]\n"
            "      PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'execute-api:Invoke',"
            f" Resource: 'arn:aws:execute-api:*:*:*/live/GET/{action}/*'}}]}}\n"
        )
        flows = Path(name, "flows.yaml")
        flows.write_text(flows.read_text(encoding="utf-8").replace("/live/GET/orders/*", "/live/GET/none"))
    found = [(one.rule, one.address) for one in audit(["."], PINNED).findings if one.severity == "high"]
    assert found == [("execute-api-invoke", "dev/flows.yaml#OrdersRole")]


def test_the_nearest_of_one_name() -> None:
    found: Nearest[str] = Nearest()
    for path in ("a/x", "a/y", "b/x", "b/deep/x", "c"):
        found.add("role", path, path)
    assert found.of("role", "a/x") == ["a/x"]
    assert found.of("role", "a/z") == ["a/x", "a/y"]
    assert found.of("role", "b/z") == ["b/x"]
    assert found.of("role", "d") == ["c"]
    assert found.of("role", "d/z") == ["a/x", "a/y", "b/x", "b/deep/x", "c"]
    assert found.of("other", "a/x") == []
    assert found.count("role") == 5
    assert list(found) == ["role"]


def test_a_part_of_an_estate_tells_all_that_its_verdicts_assume() -> None:
    """What it imports is exported nowhere: the methods that its workflows call are not known."""
    report = audit(["dev/flows.yaml"], PINNED, detailed=True)
    assert report.count("undecided") > 10
    assert report.count("proven") > 10


def test_a_role_calls_what_its_own_workflow_calls() -> None:
    """What the workflow of the other copy calls is no reason to allow it here."""
    other = "https://ledger.prod.example/"
    prod = Path("prod", "flows.yaml")
    prod.write_text(prod.read_text(encoding="utf-8").replace("https://ledger.harbour.example/", other))
    assert audit(["."], PINNED).findings == ()
    dev = Path("dev", "flows.yaml")
    both = f"states:HTTPEndpoint: ['https://ledger.harbour.example/*', '{other}*']"
    dev.write_text(
        dev.read_text(encoding="utf-8").replace("states:HTTPEndpoint: https://ledger.harbour.example/*", both)
    )
    (finding,) = audit(["."], PINNED).findings
    assert (finding.rule, finding.address) == ("http-endpoint-pattern", "dev/flows.yaml#LedgerRole")
