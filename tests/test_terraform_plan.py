"""Terraform's plans and states: what they hold becomes resources that are audited like any other."""

import json
import shutil
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.formats import FORMATS, View, render
from policy_audit.model.call import Definition
from policy_audit.model.documents import WrittenPolicy
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.resources import Role
from policy_audit.model.system import System
from policy_audit.options import Options
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.files import load
from policy_audit.sources.inputs import Input
from policy_audit.sources.nodes import parse_json
from policy_audit.sources.places import File
from policy_audit.sources.terraform.instances import Instance, choice, encoded, joined, reference, variable
from policy_audit.sources.terraform.plan import instances
from policy_audit.sources.terraform.resources import to_input
from policy_audit.sources.tree import child, items, text
from policy_audit.sources.worlds import World

FORMS = Path(__file__).parent.parent / "fixtures" / "forms"
MODULES = FORMS / "terraform-modules" / "plan.json"
NOWHERE = Place(File("main.tf", "", "value"), 0, 0)
PINNED = Options(account="123456789012", region="eu-west-1", partition="aws")
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resource(address: str, values: MappingOf[str, object] | None = None, **more: object) -> dict[str, Any]:
    """A resource of planned values; `more` are its other keys."""
    kind = address.removeprefix("data.").split(".")[-2]
    mode = "data" if "data." in address else "managed"
    return {"address": address, "mode": mode, "type": kind, "values": dict(values or {}), **more}


def plan(*resources: dict[str, Any], **sections: object) -> dict[str, Any]:
    """A plan of these resources."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": list(resources)}},
        **sections,
    }


def opened(address: str, unknown: MappingOf[str, object], references: MappingOf[str, object]) -> dict[str, object]:
    """The sections of a plan that say of one resource what is open, and what that refers to."""
    expressions = {name: {"references": one} if isinstance(one, list) else one for name, one in references.items()}
    return {
        "resource_changes": [{"address": address, "change": {"actions": ["create"], "after_unknown": unknown}}],
        "configuration": {"root_module": {"resources": [{"address": address, "expressions": expressions}]}},
    }


def read(document: object, name: str = "plan.json") -> Input:
    """The one input that a file with this document comes to."""
    Path(name).write_text(json.dumps(document), encoding="utf-8")
    loaded = load([name])
    assert [one for one in loaded.skipped if one.broken] == []
    (found,) = loaded.inputs
    return found


def properties(given: Input, logical_id: str) -> object:
    """The properties of a resource as plain values."""
    return plain(child(given.body, "Resources", logical_id, "Properties"))


def plain(node: Any) -> object:
    if isinstance(node, Scalar):
        return node.text
    if node is not None and hasattr(node, "entries"):
        return {one.key.text: plain(one.value) for one in node.entries}
    return None if node is None else [plain(one) for one in node.items]


def made(address: str, condition: str = "", **arguments: Node) -> Instance:
    """An instance with these arguments."""
    entries = [Entry(Scalar(name, "string", NOWHERE), value) for name, value in arguments.items()]
    return Instance(address, address.split(".")[0], "managed", Mapping(tuple(entries), NOWHERE), NOWHERE, condition)


def some(text: str) -> Scalar:
    return Scalar(text, "string", NOWHERE)


def system(path: str | Path) -> System:
    """What the files declare."""
    found = Estate(load([str(path)]).inputs, Given(account="123456789012", region="eu-west-1", partition="aws"))
    found.assume(World({}))
    return read_system(found, {})


def role(found: System, name: str) -> Role:
    return next(one for one in found.roles if one.address.endswith(name))


def answers(report: Report, rule: str) -> list[str]:
    return [one.answer for one in report.requirements if one.rule == rule]


def asked(report: Report) -> set[tuple[str, str, str]]:
    """What a report asks, whatever the file."""
    return {(one.rule, one.address.partition("#")[2], one.answer) for one in report.requirements}


# ---- the estate of all forms ----------------------------------------------------------------------------------------


def test_plan_and_state_of_the_estate_prove_what_its_templates_do() -> None:
    names = ("terraform-plan", "terraform-state", "cloudformation")
    plan, state, templates = (audit([str(FORMS / name)], PINNED) for name in names)
    assert plan.findings == state.findings == ()
    assert plan.skipped == state.skipped == ()
    assert plan.count("proven") == len(plan.requirements) == templates.count("proven")
    assert asked(plan) == asked(state)


def test_the_first_plan_says_what_it_does_not_tell() -> None:
    report = audit([str(FORMS / "terraform-first-plan")], PINNED)
    assert report.findings == ()
    assert report.count("proven") > 100
    undecided = {one.rule: " ".join(one.reasons) for one in report.requirements if one.answer == "undecided"}
    assert {"state-machine-definition", "api-destination-invoke", "api-destination-https"} <= undecided.keys()
    assert undecided.pop("resource-configuration-port") == "the port of the endpoint is not known"
    for rule in ("state-machine-logging", "state-machine-tracing"):  # Their blocks may be dynamic ones.
        assert "state machine" in undecided.pop(rule)
    assert all("known after apply" in one for one in undecided.values())


@pytest.mark.parametrize("named", [".", "plan.json"])
def test_the_first_plan_is_decided_by_the_files_beside_it(named: str) -> None:
    shutil.copytree(FORMS / "terraform", ".", dirs_exist_ok=True)
    shutil.copy(FORMS / "terraform-first-plan" / "plan.json", "plan.json")
    report = audit([named], PINNED)
    assert (report.findings, report.skipped) == ((), ())
    assert report.count("proven") == len(report.requirements) > 130
    assert [one.form for one in report.targets] == ["Terraform plan"]


def test_findings_of_what_files_beside_a_plan_tell_stand_there() -> None:
    shutil.copytree(FORMS / "terraform", ".", dirs_exist_ok=True)
    shutil.copy(FORMS / "terraform-first-plan" / "plan.json", "plan.json")
    flows = Path("flows.tf").read_text(encoding="utf-8")
    unsigned = flows.rpartition('AuthType    = "IAM_ROLE"')
    Path("flows.tf").write_text(f'{unsigned[0]}AuthType    = "NO_AUTH"{unsigned[2]}', encoding="utf-8")
    (found,) = audit(["."], PINNED).findings
    assert found.address == "plan.json#aws_sfn_state_machine.orders_workflow"
    lines = {(one.span.file, one.span.line) for one in found.related} | {(found.location.file, found.location.line)}
    assert any(file == "flows.tf" and abs(line - unsigned[0].count("\n")) < 12 for file, line in lines)


def test_a_sensitive_document_is_audited_as_the_files_beside_the_plan_have_it() -> None:
    found = {one.address.rpartition(".")[2]: one for one in system(MODULES.parent).state_machines}
    assert found["with_token"].unseen == ()
    assert found["with_token"].definition != Definition(())


def test_a_state_as_terraform_keeps_it_is_the_same_state() -> None:
    raw, shown = (audit([str(FORMS / name)], PINNED) for name in ("terraform-raw-state", "terraform-state"))
    assert asked(raw) == asked(shown)
    assert [one.form for one in raw.targets] == ["Terraform state"]
    assert (raw.findings, raw.skipped) == ((), ())


def kept(*resources: dict[str, Any], **more: object) -> None:
    """Writes a state of these resources as Terraform keeps it."""
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "resources": resources, **more}
    Path("terraform.tfstate").write_text(json.dumps(state, indent=2), encoding="utf-8")


def instance(attributes: MappingOf[str, object], **more: object) -> dict[str, object]:
    return {"schema_version": 0, "attributes": attributes, "sensitive_attributes": [], **more}


def test_instances_of_a_raw_state_have_their_addresses_and_hide_what_is_sensitive() -> None:
    path = [{"type": "get_attr", "value": "inline_policy"}, {"type": "index", "value": {"value": 1, "type": "number"}}]
    role = {
        "name": "r",
        "assume_role_policy": TRUST,
        "inline_policy": [{"name": "a", "policy": TRUST}, {"name": "hush"}],
    }
    many = {
        "module": 'module.m["x"]', "mode": "managed", "type": "aws_iam_role", "name": "r",
        "instances": [
            instance(role, index_key='a"b', sensitive_attributes=[path]),
            instance({"name": "s"}, index_key=0, private="private-bytes"),
            instance({"name": "t"}, deposed="00000000"),
        ],
    }  # fmt: skip
    kept(
        many, {"mode": "managed", "type": "aws_db_instance", "name": "d", "instances": [instance({"password": "hush"})]}
    )
    loaded = load(["terraform.tfstate"])
    resources = child(loaded.inputs[0].body, "Resources")
    names = ['module.m["x"].aws_iam_role.r["a\\"b"]', 'module.m["x"].aws_iam_role.r[0]', "aws_db_instance.d"]
    assert isinstance(resources, Mapping)
    assert list(resources.keys()) == names
    assert "hush" not in repr(resources)
    shown = loaded.texts["terraform.tfstate"]
    assert "hush" not in shown and "private-bytes" not in shown and "sts:AssumeRole" in shown
    assert [one.reason for one in loaded.omitted] == ["the instance is not read: it is to be destroyed"]


def test_a_hostile_state_is_survived() -> None:
    path = [{"type": "get_attr", "value": "inline_policy"}] + [{"type": "index", "value": {"value": 10**9}}] * 5000
    odd = instance({"name": ["r"], "inline_policy": [[["x"]]]}, index_key=[1], sensitive_attributes=[path, 1, [1], {}])
    role = {"mode": "managed", "type": "aws_iam_role", "name": {"a": 1}, "instances": [odd, 1, [odd]]}
    kept(role, {"type": ["x"], "instances": "x"})
    assert audit(["terraform.tfstate"]).targets


def test_a_state_beside_its_configuration_is_not_audited_as_well() -> None:
    kept({"mode": "managed", "type": "aws_iam_role", "name": "r", "instances": [instance({"name": "old"})]})
    Path("main.tf").write_text('resource "aws_iam_role" "r" {\n  name = "new"\n}\n', encoding="utf-8")
    assert [one.form for one in load(["."]).targets] == ["Terraform configuration"]
    assert [one.form for one in load(["terraform.tfstate"]).targets] == ["Terraform state"]


def test_a_state_of_another_version_is_refused_with_what_to_do() -> None:
    kept(version=3)
    (told,) = load(["terraform.tfstate"]).skipped
    assert told.broken and "terraform show -json" in told.help


def test_a_plan_may_be_larger_than_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_audit.sources.document.MAXIMUM_BYTES", 10_000)
    whole = load([str(FORMS / "terraform-plan")])
    assert not whole.skipped and len(whole.inputs) == 1
    kept(resource("aws_iam_role.r", instances=[]), check_results=[" " * 20_000])
    assert not load(["terraform.tfstate"]).skipped


def test_values_before_and_after_a_plan_are_passed_over_and_hidden() -> None:
    change = {"actions": ["update"], "before": {"name": "before"}, "after": {"a": [{}]}, "after_unknown": {"arn": True}}
    address = "aws_iam_role.r"
    document = plan(resource(address, {"name": "r", "after": "kept"}), resource_drift=[{"x": {"name": "drift"}}])
    document["resource_changes"] = [{"address": address, "change": change}]
    Path("plan.json").write_text(json.dumps(document), encoding="utf-8")
    shown = load(["plan.json"]).texts["plan.json"]
    assert '"before": **' in shown and '"resource_drift": **' in shown and '"kept"' in shown
    assert '"name": "before"' not in shown and '"drift"' not in shown
    root = parse_json(json.dumps(document), "plan.json")
    (told,) = items(child(root, "resource_changes"))
    assert text(child(told, "change", "before")) == "" == text(child(told, "change", "after"))
    assert text(child(told, "change", "after_unknown", "arn")) == "true"


def test_the_account_of_a_state_is_that_of_its_arns() -> None:
    (given,) = load([str(FORMS / "terraform-state")]).inputs
    assert given.pinned == {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}


# ---- modules, count, for_each ---------------------------------------------------------------------------------------


def test_references_lead_through_modules_to_the_instance_with_the_same_key() -> None:
    found = system(MODULES)
    machines = {one.address.rpartition("#")[2]: one for one in found.state_machines}
    for key in ("book", "cancel"):
        runs_as = machines[f'module.flows["{key}"].aws_sfn_state_machine.this'].role
        assert isinstance(runs_as, Role)
        assert runs_as.address.endswith(f'#aws_iam_role.flow["{key}"]')
        assert runs_as.policies[0].name == f'aws_iam_policy.call["{key}"]'
    book = role(found, '#aws_iam_role.flow["book"]')
    assert [one.name for one in book.policies][1:] == ["arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"]


def test_an_output_leads_to_the_instance_that_it_is_of() -> None:
    found = role(system(MODULES), '#module.flows["book"].aws_iam_role.unused[0]')
    assert [one.name for one in found.policies] == ["aws_iam_role_policy.by_output"]


def test_a_policy_document_takes_in_another_with_what_is_open_in_it() -> None:
    policy = role(system(MODULES), '#aws_iam_role.flow["book"]').policies[0]
    assert [one.sid for one in policy.statements] == ["Secret", "Call"]
    assert policy.statements[1].conditions[0].values == ("POST",)
    assert not policy.unknown


def test_resources_of_modules_are_found_by_their_addresses() -> None:
    (given,) = load([str(MODULES)]).inputs
    resources = child(given.body, "Resources")
    assert resources is not None and not isinstance(resources, Scalar)
    assert 'module.flows["cancel"].aws_iam_role.unused[1]' in {
        one.key.text for one in getattr(resources, "entries", ())
    }


# ---- what is open ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["aws_iam_role.r.arn", "aws_iam_role.r"], {"Fn::GetAtt": ["aws_iam_role.r", "Arn"]}),
        (["aws_iam_role.r.id", "aws_iam_role.r"], {"Ref": "aws_iam_role.r"}),
        (["aws_iam_role.r.arn", "aws_iam_role.r", "var.x"], None),
        (["aws_iam_role.r.name", "aws_iam_role.r"], None),
        (["local.role"], None),
        (["var.role"], None),
    ],
)
def test_an_open_argument_is_the_one_thing_that_it_refers_to(references: list[str], expected: object) -> None:
    address = "aws_sfn_state_machine.m"
    sections = opened(address, {"role_arn": True}, {"role_arn": references})
    given = read(plan(resource(address, {"name": "m"}), resource("aws_iam_role.r"), **sections))
    found = properties(given, address)
    assert isinstance(found, dict)
    if expected is None:
        assert "known after apply" in found["RoleArn"]["Fn::Unread"]
    else:
        assert found["RoleArn"] == expected


def test_a_text_around_a_reference_is_not_taken_for_the_reference() -> None:
    address = "aws_cloudwatch_event_api_destination.d"
    sections = opened(
        address, {"invocation_endpoint": True}, {"invocation_endpoint": ["aws_api_gateway_rest_api.a.id", "x.a"]}
    )
    found = properties(read(plan(resource(address), **sections)), address)
    assert isinstance(found, dict)
    assert set(found["InvocationEndpoint"]) == {"Fn::Unread"}


def test_what_the_provider_makes_and_nobody_set_counts_as_not_set() -> None:
    address = "aws_api_gateway_rest_api.a"
    sections = opened(address, {"policy": True, "id": True}, {})
    found = properties(read(plan(resource(address, {"name": "a"}), **sections)), address)
    assert found == {"Name": "a"}


def test_items_of_a_list_are_what_its_expression_names_in_order() -> None:
    address = "aws_vpclattice_resource_gateway.g"
    references = ["aws_security_group.a.id", "aws_security_group.a", "aws_security_group.b.id", "aws_security_group.b"]
    sections = opened(address, {"security_group_ids": [True, True]}, {"security_group_ids": references})
    groups = [resource(f"aws_security_group.{name}") for name in "ab"]
    given = read(plan(resource(address, {"security_group_ids": [None, None]}), *groups, **sections))
    found = properties(given, address)
    assert isinstance(found, dict)
    assert found["SecurityGroupIds"] == [{"Ref": "aws_security_group.a"}, {"Ref": "aws_security_group.b"}]


def test_a_whole_policy_that_is_open_makes_no_proof() -> None:
    address = "aws_iam_role_policy.p"
    sections = opened(address, {"policy": True}, {"policy": ["aws_sqs_queue.q.arn", "aws_sqs_queue.q"]})
    trusted = resource("aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST})
    read(plan(trusted, resource(address, {"role": "r"}), **sections))
    (found,) = system("plan.json").roles
    assert "known after apply, with `aws_sqs_queue.q.arn` in it" in found.policies[0].unknown


def opened_document(values: MappingOf[str, object], unknown: MappingOf[str, object]) -> Any:
    """The policy of a document that is read once all is applied, and that the configuration tells nothing of."""
    address = "data.aws_iam_policy_document.d"
    sections: Any = opened("aws_iam_policy.p", {"policy": True}, {"policy": [f"{address}.json", address]})
    sections["resource_changes"].append({"address": address, "change": {"after_unknown": {"json": True, **unknown}}})
    given = read(plan(resource(address, values), resource("aws_iam_policy.p"), **sections))
    found = properties(given, "aws_iam_policy.p")
    assert isinstance(found, dict)
    return found["PolicyDocument"]


def test_statements_of_dynamic_blocks_are_not_lost() -> None:
    found = opened_document({}, {"statement": True})
    assert "known after apply" in found["Statement"][0]["Fn::Unread"]


def test_what_is_open_in_a_dynamic_block_is_not_lost() -> None:
    statement = {"actions": ["a:B"], "resources": [None], "condition": []}
    found = opened_document({"statement": [statement]}, {"statement": [{"resources": [True], "condition": True}]})
    assert set(found["Statement"][0]["Resource"][0]) == {"Fn::Unread"}
    assert set(found["Statement"][0]["Condition"]) == {"Fn::Unread"}


BESIDE = "audit the plan with the `.tf` files that it was made of beside it"
COUNT = """
resource "aws_vpc" "v" {}
resource "aws_iam_role" "r" {
  name = "r"
  dynamic "inline_policy" {
    for_each = split(",", aws_vpc.v.id)
    content {
      name   = "p"
      policy = jsonencode({ Statement = [] })
    }
  }
}
"""


@pytest.mark.parametrize(
    ("files", "unseen"),
    [
        ("", BESIDE),
        ('resource "aws_iam_role" "r" {\n  name = "r"\n}\n', ""),
        (COUNT, "an inline policy ("),
        ('resource "aws_iam_role" "r" {\n  name = "other"\n}\n', BESIDE),
    ],
    ids=["no files", "no block", "dynamic block", "other files"],
)
def test_a_dynamic_block_whose_number_is_open_is_not_taken_for_none(files: str, unseen: str) -> None:
    # As `terraform show -json` has it (1.11, provider 5.100), whether there is a dynamic block or none at all.
    address = "aws_iam_role.r"
    sections = opened(address, {"inline_policy": True, "arn": True}, {"name": {"constant_value": "r"}})
    values = {"name": "r", "assume_role_policy": TRUST}
    if files:
        Path("main.tf").write_text(files, encoding="utf-8")
    read(plan(resource(address, values), **sections))
    (found,) = system("plan.json").roles
    assert bool(found.unseen) == bool(unseen)
    assert all(unseen in one for one in found.unseen)


@pytest.mark.parametrize(
    ("address", "block", "path"),
    [
        ("aws_api_gateway_rest_api.a", "endpoint_configuration", ("EndpointConfiguration", "Types")),
        ("aws_pipes_pipe.p", "target_parameters", ("TargetParameters", "HttpParameters", "PathParameterValues")),
        ("aws_scheduler_schedule.s", "target", ("Target", "RoleArn")),
    ],
)
def test_what_stands_in_a_block_that_is_open_is_open(address: str, block: str, path: tuple[str, ...]) -> None:
    found = read(plan(resource(address), **opened(address, {block: True}, {})))
    node = child(found.body, "Resources", address, "Properties", *path)
    assert BESIDE in (text(child(node, "Fn::Unread")) or "")


def test_blocks_of_a_set_are_told_apart_by_what_is_literal_in_them() -> None:
    # A plan has them in an order of its own: `known` before `opened`.
    address = "aws_iam_role.r"
    blocks = (
        {"name": {"constant_value": "opened"}, "policy": {"references": ["data.aws_iam_policy_document.d.json"]}},
        {"name": {"constant_value": "known"}, "policy": {"references": ["data.aws_iam_policy_document.e.json"]}},
    )
    values = {"inline_policy": [{"name": "known", "policy": TRUST}, {"name": "opened"}]}
    sections = opened(address, {"inline_policy": [{}, {"policy": True}]}, {"inline_policy": blocks})
    documents = [resource(f"data.aws_iam_policy_document.{name}", {"json": "", "version": name}) for name in "de"]
    found: Any = properties(read(plan(resource(address, values), *documents, **sections)), address)
    assert found["Policies"][0] == {"PolicyName": "known", "PolicyDocument": TRUST}
    assert found["Policies"][1]["PolicyDocument"]["Version"] == "d"


def test_values_of_a_set_in_a_dynamic_block_are_those_of_the_files_beside_the_plan() -> None:
    address = "data.aws_iam_policy_document.d"
    statement = {"actions": ["a:B"], "resources": ["b", None]}
    sections = opened(address, {"statement": [{"actions": [False], "resources": [False, True]}]}, {})
    document = parse_json(json.dumps(plan(resource(address, {"statement": [statement]}), **sections)), "plan.json")
    block = made(
        "x.y", "", actions=Sequence((some("a:B"),), NOWHERE), resources=Sequence((some("c"), some("b")), NOWHERE)
    )
    beside = {address: made(address, "", statement=Sequence((block.arguments,), NOWHERE))}
    (found,) = instances(document, beside)
    assert plain(child(found.arguments, "statement")) == [{"actions": ["a:B"], "resources": ["c", "b"]}]


def test_a_plan_without_its_configuration_leaves_open_what_it_does_not_show() -> None:
    change = {"address": "aws_iam_role_policy.p", "change": {"after_unknown": {"policy": True, "id": True}}}
    own = resource("aws_iam_role_policy.p", {"role": "r", "name": "p"})
    found: Any = properties(read(plan(own, resource_changes=[change])), "aws_iam_role_policy.p")
    assert found["PolicyDocument"] == {"Fn::Unread": "it is known after apply"}


def test_a_rule_that_may_admit_its_own_group_is_not_left_out() -> None:
    address = "aws_security_group.g"
    marks = {"ingress": [{"from_port": True, "to_port": True, "protocol": True, "self": True}]}
    group = resource(address, {"name": "g", "ingress": [{"cidr_blocks": []}]})
    found: Any = properties(read(plan(group, **opened(address, marks, {}))), address)
    assert [set(one["SourceSecurityGroupId"]) for one in found["SecurityGroupIngress"]] == [{"Fn::Unread"}]


def test_a_null_arm_of_a_choice_is_no_value() -> None:
    arms = choice("var.kept", some("m"), Scalar("", "null", NOWHERE), NOWHERE)
    given = to_input("main.tf", NOWHERE, [made("aws_sfn_state_machine.m", "", name=arms)], "Terraform")
    found: Any = properties(given, "aws_sfn_state_machine.m")
    assert found["StateMachineName"]["Fn::If"][1:] == ["m", {"Ref": "AWS::NoValue"}]


def written_beside(values: MappingOf[str, object], **arguments: Node) -> object:
    """The arguments of a state machine, of which the plan leaves the role open, with what HCL has."""
    address = "aws_sfn_state_machine.m"
    sections: Any = opened(address, {"role_arn": True}, {"role_arn": ["local.role"]})
    document = parse_json(json.dumps(plan(resource(address, values), **sections)), "plan.json")
    beside = {address: made(address, "", **arguments)}
    (found,) = instances(document, beside)
    return plain(found.arguments)


def test_what_a_plan_leaves_open_is_taken_from_the_files_beside_it() -> None:
    found = written_beside({"name": "m"}, name=some("m"), role_arn=some("from HCL"), type=some("EXPRESS"))
    assert found == {"name": "m", "role_arn": "from HCL"}


def test_files_that_say_something_else_than_the_plan_are_not_those_it_was_made_of() -> None:
    found = written_beside({"name": "m"}, name=some("other"), role_arn=some("from HCL"))
    assert isinstance(found, dict)
    assert set(found["role_arn"]) == {"unknown"}


def test_a_reference_that_leads_to_itself_ends() -> None:
    address = "data.aws_iam_policy_document.d"
    statement = {"source_policy_documents": [True], "json": True}
    sections = opened(address, statement, {"source_policy_documents": [f"{address}.json", address]})
    policy = resource("aws_iam_policy.p")
    sections["resource_changes"] += [  # type: ignore[operator]
        {"address": "aws_iam_policy.p", "change": {"after_unknown": {"policy": True}}}
    ]
    own = {"address": "aws_iam_policy.p", "expressions": {"policy": {"references": [f"{address}.json", address]}}}
    sections["configuration"]["root_module"]["resources"].append(own)  # type: ignore[index]
    found = properties(read(plan(resource(address), policy, **sections)), "aws_iam_policy.p")
    assert "refers to itself" in json.dumps(found)


# ---- parts of other resources ---------------------------------------------------------------------------------------


def test_a_policy_attached_to_a_role_that_is_not_in_the_plan_is_told_of_roles_that_may_have_its_name() -> None:
    attached = {"role": "elsewhere", "policy_arn": "arn:aws:iam::123456789012:policy/p"}
    given = read(plan(resource("aws_iam_role_policy_attachment.a", attached)))
    assert properties(given, "aws_iam_role_policy_attachment.a policy") is not None
    assert given.names["aws_iam_role_policy_attachment.a policy"] == "aws_iam_role_policy_attachment.a"


def test_what_belongs_to_nothing_in_the_plan_is_told() -> None:
    target = resource("aws_cloudwatch_event_target.t", {"rule": "elsewhere", "arn": "arn:aws:lambda:x"})
    given = read(plan(target, resource("aws_iam_something_new.s"), resource("random_id.r")))
    assert [(one.target, one.reason) for one in given.skipped] == [
        ("plan.json#aws_iam_something_new.s", "`aws_iam_something_new` is not read"),
        ("plan.json#aws_cloudwatch_event_target.t", "the rule of this target is not among the audited files"),
    ]


def test_a_new_security_group_lets_nothing_out() -> None:
    given = read(plan(resource("aws_security_group.g", {"name": "g"})))
    found = properties(given, "aws_security_group.g")
    assert isinstance(found, dict)
    assert found["SecurityGroupEgress"] == [
        {"IpProtocol": "icmp", "FromPort": "252", "ToPort": "86", "CidrIp": "255.255.255.255/32"}
    ]


def test_rules_of_a_group_come_from_blocks_and_from_resources() -> None:
    block = {"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["10.0.0.0/8"], "self": True}
    rule = {
        "security_group_id": "sg-1",
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_ipv4": "0.0.0.0/0",
    }
    group = resource("aws_security_group.g", {"id": "sg-1", "egress": [block]})
    given = read(plan(group, resource("aws_vpc_security_group_egress_rule.r", rule)))
    found = properties(given, "aws_security_group.g")
    assert isinstance(found, dict)
    assert found["SecurityGroupEgress"] == [
        {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
        {"IpProtocol": "-1", "DestinationSecurityGroupId": "self"},
        {"IpProtocol": "tcp", "FromPort": "443", "ToPort": "443", "CidrIp": "0.0.0.0/0"},
    ]


def test_inline_policies_of_a_state_that_stand_apart_as_well_count_once() -> None:
    inline = [{"name": "p", "policy": TRUST}, {"name": "q", "policy": TRUST}]
    state = {"format_version": "1.0", "values": {"root_module": {"resources": []}}}
    state["values"]["root_module"]["resources"] = [  # type: ignore[index]
        resource("aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST, "inline_policy": inline}),
        resource("aws_iam_role_policy.p", {"name": "p", "role": "r", "policy": TRUST}),
    ]
    read(state, "state.json")
    (found,) = system("state.json").roles
    assert sorted(one.name for one in found.policies) == ["aws_iam_role.r/q", "aws_iam_role_policy.p"]


@pytest.mark.parametrize(("triggers", "stale"), [({"redeployment": "x"}, []), (None, ["deployment.d"])])
def test_a_deployment_with_triggers_is_made_anew(triggers: object, stale: list[str]) -> None:
    of_api = {"rest_api_id": "a1b2c3d4e5"}
    stage, deployment = "aws_api_gateway_stage.s", "aws_api_gateway_deployment.d"
    sections = opened(stage, {"deployment_id": True}, {"deployment_id": [f"{deployment}.id", deployment]})
    denial = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    api = {"name": "a", "id": "a1b2c3d4e5", "root_resource_id": "r", "policy": policy}
    method = {**of_api, "resource_id": "r", "http_method": "GET", "authorization": "AWS_IAM"}
    document = plan(
        resource("aws_api_gateway_rest_api.a", api),
        resource("aws_api_gateway_method.m", method),
        resource(deployment, {**of_api, "triggers": triggers, "id": "d1"}),
        resource(stage, {**of_api, "stage_name": "live"}),
        **sections,
    )
    found = Estate([read(document)], Given())
    found.assume(World({}))
    assert found.templates[0].property_text(stage, "DeploymentId") == "d1"
    findings = audit(["plan.json"], PINNED).findings
    told = [one.address.partition("gateway_")[2] for one in findings if one.rule == "rest-api-deployment-fresh"]
    assert told == stale


def test_names_that_the_provider_makes_up_begin_as_it_makes_them() -> None:
    given = read(plan(resource("aws_iam_role.r", {"name_prefix": "app-"}), resource("aws_sqs_queue.q")))
    assert properties(given, "aws_iam_role.r") == {
        "RoleName": {"Fn::Join": ["", ["app-", {"Ref": "aws_iam_role.r.name"}]]}
    }
    pattern = child(given.body, "Parameters", "aws_sqs_queue.q.name", "AllowedPattern")
    assert text(pattern) == "[0-9a-f]{26}"


# ---- what other readers of Terraform give ---------------------------------------------------------------------------


def cases(*instances: Instance) -> dict[tuple[str, ...], list[tuple[str, int]]]:
    """By what open values are assumed to be, each role with the number of its policies."""
    found = Estate([to_input("main.tf", NOWHERE, instances, "Terraform")], Given())
    return {
        tuple(sorted(world.values.values())): [(one.name, len(one.policies)) for one in read_system(found, {}).roles]
        for world in found.worlds()
    }


@pytest.mark.parametrize(
    ("condition", "when_true", "when_not"),
    [("var.x", ["r"], []), ("!var.x", [], ["r"]), ("var.x and !var.x", [], []), ("var.x and var.x", ["r"], [])],
)
def test_a_conditional_instance_is_there_where_its_condition_holds(
    condition: str, when_true: list[str], when_not: list[str]
) -> None:
    found = cases(made("aws_iam_role.r", condition, name=some("r")))
    assert [one for one, _ in found["true",]] == when_true
    assert [one for one, _ in found[()]] == when_not


def test_what_is_added_by_a_conditional_instance_is_there_where_its_condition_holds() -> None:
    policy = made("aws_iam_policy.p", name=some("p"), policy=some(TRUST))
    arn = reference(policy.address, ("arn",), NOWHERE)
    attached = made("aws_iam_role_policy_attachment.a", "var.x", role=some("r"), policy_arn=arn)
    found = cases(made("aws_iam_role.r", name=some("r")), policy, attached)
    assert found == {(): [("r", 0)], ("true",): [("r", 1)]}


def test_a_choice_is_followed_case_by_case() -> None:
    name = choice("var.x", some("yes"), joined([some("n"), some("o")], NOWHERE), NOWHERE)
    assert cases(made("aws_iam_role.r", name=name)) == {(): [("no", 0)], ("true",): [("yes", 0)]}


def test_encoded_documents_keep_their_structure_and_open_values_one_symbol() -> None:
    statement = Mapping(
        tuple(
            Entry(some(key), value)
            for key, value in (
                ("Effect", some("Allow")),
                ("Action", some("sqs:SendMessage")),
                ("Resource", Sequence((variable("var.q", NOWHERE), variable("var.q", NOWHERE)), NOWHERE)),
            )
        ),
        NOWHERE,
    )
    policy = encoded(Mapping((Entry(some("Statement"), statement),), NOWHERE), NOWHERE)
    found = Estate([to_input("main.tf", NOWHERE, [made("aws_iam_policy.p", policy=policy)], "Terraform")], Given())
    found.assume(World({}))
    (written,) = read_system(found, {}).all(WrittenPolicy)
    first, second = written.policy.statements[0].resources or ()
    assert first == second and found.symbols.show(first) == "${var.q}"


def test_a_chain_of_references_without_end_is_not_followed() -> None:
    chain = [
        made(f"aws_iam_role.r{i}", name=reference(f"aws_iam_role.r{i + 1}", ("name",), NOWHERE)) for i in range(500)
    ]
    given = to_input("main.tf", NOWHERE, chain, "Terraform")
    assert "nest too deeply" in json.dumps(properties(given, "aws_iam_role.r0"))


def test_what_an_argument_takes_tells_what_an_open_value_can_be() -> None:
    group = made("aws_security_group.g", vpc_id=variable("var.vpc", NOWHERE), description=variable("var.text", NOWHERE))
    given = to_input("main.tf", NOWHERE, [group], "Terraform")
    types = {name: text(child(given.body, "Parameters", name, "Type")) for name in ("var.vpc", "var.text")}
    assert types == {"var.vpc": "AWS::EC2::VPC::Id", "var.text": "String"}


def test_resources_of_the_cloud_control_provider_are_cloudformation_s_own() -> None:
    role = made("awscc_iam_role.r", role_name=some("r"), assume_role_policy_document=some(TRUST))
    arn = reference(role.address, ("arn",), NOWHERE)
    machine = made("awscc_stepfunctions_state_machine.m", state_machine_name=some("m"), role_arn=arn)
    other = made("awscc_events_archive.a")
    given = to_input("main.tf", NOWHERE, [role, machine, other], "Terraform")
    assert properties(given, "awscc_iam_role.r") == {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}
    assert [one.target for one in given.skipped] == ["main.tf#awscc_events_archive.a"]
    found = Estate([given], Given())
    found.assume(World({}))
    (read_machine,) = read_system(found, {}).state_machines
    assert isinstance(read_machine.role, Role)


# ---- policy documents -----------------------------------------------------------------------------------------------


def document(*statements: MappingOf[str, object], **more: object) -> object:
    """The policy that a data source with these statements comes to."""
    address = "data.aws_iam_policy_document.d"
    sections = opened("aws_iam_policy.p", {"policy": True}, {"policy": [f"{address}.json", address]})
    given = read(
        plan(resource(address, {"statement": list(statements), **more}), resource("aws_iam_policy.p"), **sections)
    )
    found = properties(given, "aws_iam_policy.p")
    assert isinstance(found, dict)
    return found["PolicyDocument"]


def test_a_document_has_the_elements_that_its_blocks_say() -> None:
    given = {
        "sid": "S",
        "effect": "Deny",
        "not_actions": ["s3:Get*"],
        "actions": [],
        "resources": ["arn:aws:s3:::b/&{aws:username}"],
        "not_principals": [
            {"type": "AWS", "identifiers": ["a"]},
            {"type": "Service", "identifiers": ["b"]},
            {"type": "AWS", "identifiers": ["c"]},
        ],
        "condition": [
            {"test": "StringEquals", "variable": "k", "values": ["1"]},
            {"test": "StringEquals", "variable": "k", "values": ["2"]},
            {"test": "Bool", "variable": "l", "values": ["true"]},
        ],
    }
    assert document(given, version="2008-10-17") == {
        "Version": "2008-10-17",
        "Statement": [
            {
                "Sid": "S",
                "Effect": "Deny",
                "NotAction": ["s3:Get*"],
                "Resource": ["arn:aws:s3:::b/${aws:username}"],
                "NotPrincipal": {"AWS": ["a", "c"], "Service": ["b"]},
                "Condition": {"StringEquals": {"k": ["1", "2"]}, "Bool": {"l": ["true"]}},
            }
        ],
    }


def test_everybody_is_a_star() -> None:
    found = document({"actions": ["a:B"], "principals": [{"type": "*", "identifiers": ["*"]}]})
    assert found == {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:B"], "Principal": "*"}]}


def test_statements_are_overridden_by_their_sids() -> None:
    source = json.dumps({"Statement": [{"Sid": "A", "Effect": "Allow"}, {"Effect": "Deny"}]})
    override = json.dumps({"Statement": {"Sid": "B", "Effect": "Deny"}})
    found = document(
        {"sid": "A", "actions": ["a:A"]},
        {"sid": "B", "actions": ["a:B"]},
        source_policy_documents=[source],
        override_policy_documents=[override],
    )
    assert isinstance(found, dict)
    assert found["Statement"] == [
        {"Sid": "A", "Effect": "Allow", "Action": ["a:A"]},
        {"Effect": "Deny"},
        {"Sid": "B", "Effect": "Deny"},
    ]


def test_a_source_that_is_no_document_is_not_left_out() -> None:
    found = document(source_policy_documents=["no JSON"])
    assert found == {"Version": "2012-10-17", "Statement": ["no JSON"]}


# ---- secrets --------------------------------------------------------------------------------------------------------

SECRETS = ("planted-api-key", "planted-token", "planted-ledger-key", "planted-berths-key")


FILES = ("plan/plan.json", "state/state.json", "first-plan/plan.json", "raw-state/terraform.tfstate")


@pytest.mark.parametrize("file", [MODULES, *(FORMS / f"terraform-{name}" for name in FILES)])
def test_no_sensitive_value_is_in_any_output(file: Path) -> None:
    content = file.read_text(encoding="utf-8")
    assert any(secret in content for secret in SECRETS)
    report = audit([str(file)], PINNED._replace(strict=True))
    every = audit([str(file)], PINNED._replace(strict=True), detailed=True)
    shown = {str(file): tuple(load([str(file)]).texts[str(file)].split("\n"))}
    for one in (report, every, report._replace(texts=shown)):
        printed = "".join(render(form, one, View(verbose=True)) for form in FORMATS) + repr(one)
        assert not [secret for secret in SECRETS if secret in printed]


def test_lines_of_a_plan_show_what_is_planned_and_keep_their_columns() -> None:
    sensitive = {"sensitive_values": {"name": True}}
    document = plan(
        resource("aws_sqs_queue.q", {"name": "hunter2"}, **sensitive),
        resource("aws_sqs_queue.r", {"name": "shown"}),
        variables={"key": {"value": "hunter2"}},
        configuration={"root_module": {"resources": [{"constant_value": "hunter2"}]}},
        prior_state={"values": {"outputs": {"o": {"value": "hunter2"}}}},
    )
    read(document)
    (hidden,) = load(["plan.json"]).texts.values()
    written = Path("plan.json").read_text(encoding="utf-8")
    assert len(hidden) == len(written)
    assert "hunter2" not in hidden
    assert '"name": "shown"' in hidden
    assert '"constant_value"' in hidden


def test_a_sensitive_name_is_one_open_value_wherever_it_stands() -> None:
    values = {"name": "hunter2", "assume_role_policy": TRUST}
    first = resource("aws_iam_role.r", values, sensitive_values={"name": True})
    second = resource("aws_iam_role_policy.p", {"role": "hunter2", "policy": TRUST}, sensitive_values={"role": True})
    read(plan(first, second))
    (found,) = system("plan.json").roles
    assert [one.name for one in found.policies] == ["aws_iam_role_policy.p"]
    assert "hunter2" not in repr(found)


# ---- forms, and what is no plan -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {"planned_values": {"outputs": {}}, "format_version": "1.0"},
        {"values": {"root_module": {}}},
        {"root_module": 1},
        ["root_module"],
    ],
)
def test_what_is_no_plan_is_left_to_other_forms(document: object) -> None:
    Path("other.json").write_text(json.dumps(document), encoding="utf-8")
    template = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    Path("template.json").write_text(json.dumps(template), encoding="utf-8")
    assert [one.path for one in load(["."]).inputs] == ["template.json"]


@pytest.mark.parametrize(
    "hostile",
    [
        {"resources": "x"},
        {"resources": [1, None, {}, {"address": 1}, {"address": "a", "type": ["x"], "values": [1]}]},
        {"child_modules": {"a": 1}},
        {
            "resources": [
                resource("aws_security_group.g", {"egress": "x", "ingress": [1, [2], {"cidr_blocks": {"a": 1}}]})
            ]
        },
        {"resources": [resource("aws_iam_role.r", {"inline_policy": [1, "x"], "managed_policy_arns": {"a": 1}})]},
        {"resources": [resource("aws_kms_key.k", {"tags": "x"}), resource("aws_api_gateway_integration.i")]},
    ],
)
def test_what_is_not_of_the_form_is_survived(hostile: object) -> None:
    Path("plan.json").write_text(json.dumps({"planned_values": {"root_module": hostile}}), encoding="utf-8")
    audit(["plan.json"], PINNED)


def test_keys_that_are_functions_of_cloudformation_are_none_here() -> None:
    given = read(plan(resource("aws_organizations_policy.p", {"content": {"Ref": "AWS::Region"}})))
    found = properties(given, "aws_organizations_policy.p")
    assert isinstance(found, dict)
    assert set(found["Content"]) == {"Fn::Unread"}


def test_a_plan_that_failed_is_incomplete() -> None:
    Path("plan.json").write_text(json.dumps(plan(resource("aws_sqs_queue.q"), errored=True)), encoding="utf-8")
    report = audit(["plan.json"], PINNED)
    assert [(one.broken, one.reason) for one in report.skipped] == [
        (True, "planning failed: resources may be missing from the plan")
    ]


def test_findings_stand_where_the_plan_has_the_value() -> None:
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "events:RetreiveX", "Resource": "*"}]}
    )
    document = plan(resource("aws_iam_policy.p", {"name": "p", "policy": policy}))
    Path("plan.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    found = next(one for one in audit(["plan.json"], PINNED).findings if one.rule == "policy-unknown-action")
    assert found.address == "plan.json#aws_iam_policy.p"
    line = Path("plan.json").read_text(encoding="utf-8").split("\n")[found.location.line - 1]
    assert '"policy": ' in line
    assert "RetreiveX" in line[found.location.column - 1 : found.location.end_column - 1]
