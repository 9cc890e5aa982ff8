"""Least policies: enough for what workflows do, not without any part, and the same when a template has them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy_audit.audit import audit
from policy_audit.cli import main
from policy_audit.config import load_config
from policy_audit.config_files import NAME
from policy_audit.errors import CLEAN, INCOMPLETE, NOTHING_AUDITED, USAGE
from policy_audit.formats.permissions import render
from policy_audit.options import Options
from policy_audit.permissions.apis import is_enough as api_is_enough
from policy_audit.permissions.derived import Least, least
from policy_audit.permissions.roles import is_enough, smaller_policies
from policy_audit.sources.cloudformation import read_system

FIXTURES = Path(__file__).parent.parent / "fixtures"
ESTATES = sorted(path for path in FIXTURES.glob("estate*") if path.is_dir())
each_estate = pytest.mark.parametrize("estate", ESTATES, ids=[path.name for path in ESTATES])


def of(path: Path, **options: Any) -> Least:
    config = path / NAME
    said = load_config(file=str(config)).options if config.is_file() else Options()
    return least([str(path)], said._replace(**options))


@each_estate
def test_the_policy_of_a_role_is_enough_and_no_part_of_it_can_go(estate: Path) -> None:
    found = of(estate)
    assert found.skipped == ()
    for one in found.roles:
        assert one.needs
        assert one.open == ()
        assert is_enough(one.policy, one.needs, found.symbols)
        smaller = [policy for policy, _ in smaller_policies(one.policy)]
        assert len(smaller) >= sum(len(statement.actions) for statement in one.policy.statements)
        assert not any(is_enough(policy, one.needs, found.symbols) for policy in smaller)


def test_every_estate_with_workflows_has_roles() -> None:
    with_roles = {path.name for path in ESTATES if of(path).roles}
    assert with_roles >= {"estate", "estate-private-api", "estate-api-destination", "estate-integrations"}


@pytest.mark.parametrize("name", ["estate", "estate-private-api", "estate-resource-policy", "estate-api-destination"])
def test_the_policy_of_an_api_lets_its_callers_in_and_nobody_else(name: str) -> None:
    from policy_audit.rulebook.derive import derive
    from policy_audit.rulebook.read import read_rules
    from policy_audit.sources.estate import Estate, Given
    from policy_audit.sources.files import load

    found = of(FIXTURES / name)
    assert found.apis
    estate = Estate(load([str(FIXTURES / name)]).inputs, Given())
    next(iter(estate.worlds()))
    system = read_system(estate, {}, ())
    assert derive(read_rules(), system)
    for one in found.apis:
        assert one.policy is not None
        assert one.open == ()
        assert {need.effect for need in one.needs} >= {"deny"}
        assert api_is_enough(one.policy, one.needs, system)
        for index in range(len(one.policy.statements)):
            rest = (*one.policy.statements[:index], *one.policy.statements[index + 1 :])
            fewer = one.policy._replace(statements=rest)
            if one.policy.statements[index].sid != "TheCallers":  # The roles' own policies let them in as well.
                assert not api_is_enough(fewer, one.needs, system)


class _Loader(yaml.SafeLoader):
    """CloudFormation's short forms as long ones."""


def _long(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value = (
        loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.MappingNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else node.value
    )
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long)


@pytest.mark.parametrize("name", ["estate", "estate-private-api", "estate-api-destination", "estate-integrations"])
def test_a_template_with_these_policies_and_no_others_is_proven(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed for CloudFormation is put in the place of all policies of the roles, and audited again."""
    expected = {(one.rule, one.requirement) for one in audit([str(FIXTURES / name)]).requirements}
    found = of(FIXTURES / name)
    documents = {
        path.name: yaml.load(path.read_text(encoding="utf-8"), _Loader) for path in (FIXTURES / name).glob("*.yaml")
    }
    for one in found.roles:
        path, _, role = one.role.address.partition("#")
        resources = documents[Path(path).name]["Resources"]
        resources[role]["Properties"].pop("Policies", None)
        for policy in [key for key, each in resources.items() if is_policy_of(each, role)]:
            del resources[policy]
        text = render(found._replace(roles=(one,), apis=()), "cloudformation")
        resources |= yaml.safe_load(text)
    for file, document in documents.items():
        (tmp_path / file).write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    report = audit(["."])
    lost = {(one.rule, one.requirement) for one in report.requirements if one.answer != "proven"}
    assert expected
    assert lost == set()


def is_policy_of(resource: dict[str, Any], role: str) -> bool:
    properties = resource.get("Properties", {})
    attached = [properties.get("RoleName"), *(properties.get("Roles") or [])]
    return resource["Type"] in ("AWS::IAM::RolePolicy", "AWS::IAM::Policy") and {"Ref": role} in attached


OPEN = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]
      PermissionsBoundary: !Ref Boundary
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Put
        States:
          Put:
            Type: Task
            Resource: arn:aws:states:::dynamodb:putItem
            Parameters: {TableName: orders, Item: {}}
            End: true
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]
"""


def test_what_no_policy_of_the_role_can_give_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.yaml").write_text(OPEN)
    assert main(["permissions", str(tmp_path), "--no-cache"]) == INCOMPLETE
    out = capsys.readouterr().out
    assert "# not covered:" in out
    assert "dynamodb:PutItem" in out
    (tmp_path / "app.yaml").write_text(OPEN.replace('"s3:*"', '"*"'))
    assert main(["permissions", str(tmp_path), "--no-cache"]) == CLEAN
    assert "not covered" not in capsys.readouterr().out


def test_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", str(FIXTURES / "estate"), "--format", "json", "--no-cache"]) == CLEAN
    document = json.loads(capsys.readouterr().out)
    assert [one["address"].rpartition("#")[2] for one in document["roles"]] == ["LedgerRole", "OrdersRole"]
    assert [one["address"].rpartition("#")[2] for one in document["apis"]] == ["OrdersApi"]
    assert document["roles"][0]["policy"]["Version"] == "2012-10-17"
    assert main(["permissions", str(FIXTURES / "estate"), "--format", "terraform", "--no-cache"]) == CLEAN
    out = capsys.readouterr().out
    assert 'resource "aws_iam_role_policy" "orders_role"' in out
    assert 'resource "aws_api_gateway_rest_api_policy" "orders_api"' in out
    assert "${AWS::" not in out
    assert "# give as variables: var.orders_api" in out


def test_only_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", str(FIXTURES / "estate"), "--only", "OrdersRole", "--no-cache"]) == CLEAN
    out = capsys.readouterr().out
    assert "LedgerRole" not in out
    assert "OrdersApi:" not in out
    assert main(["permissions", str(FIXTURES / "estate"), "--only", "Nobody", "--no-cache"]) == USAGE
    assert "`Nobody` is no role" in capsys.readouterr().err


def test_nothing_to_audit(tmp_path: Path) -> None:
    assert main(["permissions", str(tmp_path), "--no-cache"]) == NOTHING_AUDITED


def test_policy_variables_are_left_to_iam() -> None:
    """`${aws:username}` is IAM's, and must reach it through `Fn::Sub` and Terraform."""
    from policy_audit.permissions.references import Names, References

    found = of(FIXTURES / "estate")
    references = References(Names(), found.symbols)
    assert references.for_sub("arn:aws:s3:::b/${aws:username}/*")[0] == "arn:aws:s3:::b/${!aws:username}/*"
    assert references.for_terraform("arn:aws:s3:::b/${aws:username}/*") == "arn:aws:s3:::b/$${aws:username}/*"
