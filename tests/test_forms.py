"""One estate in every form: the same findings wherever it is written, for what is right and for each way to be wrong.

`fixtures/forms/<form>` holds the estate in one form, and `fixtures/forms/variants.yaml` what can be wrong with it.
"""

import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from policy_audit.audit import audit
from policy_audit.findings import Finding, Report
from policy_audit.options import Options

FOLDER = Path(__file__).parent.parent / "fixtures" / "forms"
VARIANTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "variants.yaml").read_text(encoding="utf-8"))
PINNED = Options(account="123456789012", region="eu-west-1", partition="aws", strict=True)


class Form(NamedTuple):
    """How a form calls its resources: `name` gives the logical id in CloudFormation of what an address names."""

    told_as: frozenset[str]
    """What the report calls the files that it was read from."""
    name: Callable[[str], str]
    reach: int
    """How many lines one resource takes in it: a finding has a mark no farther from what was changed."""
    instead: Mapping[str, str] = {}
    """Resources that the form does not have, by logical id in CloudFormation: where their findings are told."""


def _logical_id(name: str) -> str:
    return name


def _construct(path: str) -> str:
    """The last construct of the app's own on the way: `Flows/LedgerRole/Resource` is the `LedgerRole`."""
    return path.split("/")[1]


def _terraform(address: str) -> str:
    """The name of `module.flows.aws_iam_role.ledger_role[0]` in camel case: `LedgerRole`."""
    name = re.sub(r"\[[^]]*]$", "", address).rpartition(".")[2]
    return "".join(word.capitalize() for word in name.split("_"))


FORMS: Mapping[str, Form] = {
    "cloudformation": Form(frozenset({"CloudFormation template"}), _logical_id, 35),
    "sam": Form(frozenset({"SAM template"}), _logical_id, 45, {"ReadOrderMethod": "OrdersApi"}),
    "cdk": Form(frozenset({"CDK stack"}), _construct, 80, {"ReadOrderMethod": "OrdersApi"}),
    "terraform": Form(frozenset({"Terraform configuration"}), _terraform, 45),
    "terraform-plan": Form(frozenset({"Terraform plan"}), _terraform, 250),
}


def told(report: Report, form: Form) -> Counter[str]:
    """The findings as `expect` of a variant has them."""
    return Counter(f"{one.severity} {one.rule} {form.name(one.address.partition('#')[2])}" for one in report.findings)


def edited(text: str, edit: Mapping[str, str]) -> tuple[str, int]:
    """`text` with one change made, and the line of it. Raises ValueError where its place is not found."""
    start = text.index(edit["after"]) if "after" in edit else 0
    at = text.index(edit["replace"], start)
    return text[:at] + edit["with"] + text[at + len(edit["replace"]) :], text.count("\n", 0, at) + 1


def lines_away(finding: Finding, file: str, line: int) -> int:
    """How far the nearest mark of a finding is from a line of a file."""
    spans = [finding.location, *(mark.span for mark in finding.related)]
    return min((abs(span.line - line) for span in spans if span.file == file), default=sys.maxsize)


CASES = [pytest.param(form, one, id=f"{form}-{one['name']}") for form in FORMS for one in VARIANTS]


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FORMS)
def test_the_estate_is_clean_in_every_form(name: str) -> None:
    report = audit([str(FOLDER / name)], PINNED)
    assert [one.message for one in report.findings] == []
    assert {one.form for one in report.targets} == FORMS[name].told_as
    assert not [one for one in report.skipped if one.broken]
    assert report.count("proven") > 100


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_a_variant_has_the_same_findings_in_every_form(name: str, variant: Mapping[str, Any], in_folder: Path) -> None:
    form, edit = FORMS[name], {**variant, **variant["edits"][name]}
    shutil.copytree(FOLDER / name, name)
    file = in_folder / name / edit["file"]
    text, line = edited(file.read_text(encoding="utf-8"), edit)
    file.write_text(text, encoding="utf-8")
    report = audit([name], PINNED)
    expected = Counter(
        f"{rule} {form.instead.get(at, at)}" for rule, _, at in (one.rpartition(" ") for one in variant["expect"])
    )
    assert told(report, form) == expected
    assert all(
        Path(one.location.file).is_file() and Path(name) in Path(one.location.file).parents for one in report.findings
    )
    assert min(lines_away(one, f"{name}/{edit['file']}", line) for one in report.findings) <= form.reach


def test_each_open_method_of_a_document_is_a_finding(in_folder: Path) -> None:
    shutil.copytree(FOLDER / "sam", "sam")
    file = Path("sam/template.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("{type: AWS_IAM}", "{type: NONE}"), encoding="utf-8")
    found = [one for one in audit(["sam"], PINNED).findings if one.rule == "rest-api-iam-authorization"]
    assert len({one.fingerprint for one in found}) == len({one.location for one in found}) == 2


def test_a_policy_of_its_own_is_proven_only_where_it_is_attached(in_folder: Path) -> None:
    text = (FOLDER / "cloudformation" / "flows.yaml").read_text(encoding="utf-8")
    wrong = text.replace("events:RetrieveConnectionCredentials", "events:RetrieveConectionCredentials", 1)
    wrong = wrong.replace("AWS::IAM::RolePolicy", "AWS::IAM::Policy").replace(
        "RoleName: !Ref LedgerRole", "Roles: [!Ref LedgerRole]"
    )
    other = "  Unused: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}\n"
    shared = wrong.replace("[!Ref LedgerRole]", "[!Ref LedgerRole, !Ref Unused]") + "\n" + other
    for flows, typos in ((wrong, 0), (shared, 1)):
        Path("flows.yaml").write_text(flows, encoding="utf-8")
        report = audit(["flows.yaml", str(FOLDER / "cloudformation" / "network.yaml")], PINNED)
        assert sum(one.rule == "policy-action-typo" for one in report.findings) == typos
