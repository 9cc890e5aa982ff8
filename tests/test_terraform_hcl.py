"""Terraform's configurations: what they come to is what their plans say, at the places where it was written."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_audit.audit import audit
from policy_audit.errors import AuditError
from policy_audit.findings import Report
from policy_audit.formats import FORMATS, View, render
from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.options import Options
from policy_audit.sources.files import load
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform import hcl
from policy_audit.sources.terraform.hcl_encode import texts_of
from policy_audit.sources.terraform.hcl_parse import parse_file
from policy_audit.sources.terraform.hcl_syntax import Literal, Template
from policy_audit.sources.terraform.hcl_values import Budget, joined_texts
from policy_audit.sources.terraform.instances import (
    Instance,
    as_choice,
    as_encoded,
    as_joined,
    as_reference,
    as_unknown,
    as_variable,
)

FIXTURES = Path(__file__).parent.parent / "fixtures"
LANGUAGE = FIXTURES / "terraform" / "language"
ESTATE = FIXTURES / "forms" / "terraform"
PINNED = Options(account="123456789012", region="eu-west-1", partition="aws")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Instance]]:
    """Reads the configuration of files, by name, and gives its instances by address."""

    def read(text: str, parameters: dict[str, str] | None = None, **files: str) -> dict[str, Instance]:
        found: list[Instance] = []

        def keep(path: str, place: Place, made: list[Instance], form: str, **more: Any) -> Input:
            found.extend(made)
            return Input(path, Mapping((), place), form, skipped=more["skipped"])

        monkeypatch.setattr(hcl, "to_input", keep)
        write("main.tf", text)
        for name, content in files.items():
            write(name, content)
        load(["."], parameters=parameters or {})
        return {one.address: one for one in found}

    return read


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def plain(node: Node | None) -> object:
    """A value as Python has it; an open one as what it is open for."""
    if node is None:
        return None
    if as_encoded(node) is not None:
        node = joined_texts(texts_of(node, Budget(10_000)), node.place)
    for shown in (as_variable(node), as_unknown(node)):
        if shown is not None:
            return f"<{shown}>"
    referred, chosen, parts = as_reference(node), as_choice(node), as_joined(node)
    if referred is not None:
        return f"<{'.'.join((referred.address, *referred.path))}>"
    if chosen is not None:
        return {chosen.condition: plain(chosen.yes), f"not {chosen.condition}": plain(chosen.no)}
    if parts is not None:
        return "".join(str(plain(one)) for one in parts)
    if isinstance(node, Scalar):
        return json.loads(node.text) if node.kind in ("number", "boolean") else node.text
    if isinstance(node, Sequence):
        return [plain(one) for one in node.items]
    return {one.key.text: plain(one.value) for one in node.entries}


def value(made: dict[str, Instance], address: str, name: str = "name") -> object:
    return plain(made[address].arguments.get(name))


def skipped(paths: list[str], **more: Any) -> list[str]:
    return [one.reason for given in load(paths, **more).inputs for one in given.skipped]


# ---- against the real terraform ----


def test_every_value_is_what_the_plan_says(instances: Callable[..., dict[str, Instance]]) -> None:
    shutil.copytree(LANGUAGE, ".", dirs_exist_ok=True)
    planned = json.loads(Path("planned.json").read_text(encoding="utf-8"))
    made = instances(Path("main.tf").read_text(encoding="utf-8"))
    assert made.keys() == planned.keys()
    compared = 0
    for address, values in planned.items():
        for entry in made[address].arguments.entries:
            if values.get(entry.key.text) is not None:
                assert comparable(plain(entry.value)) == comparable(values[entry.key.text]), (address, entry.key.text)
                compared += 1
    assert compared > 40
    assert value(made, "aws_ssm_parameter.token", "value") == "<var.token>"


def comparable(value: object) -> object:
    """A value as the provider leaves it: documents parsed, numbers as texts, blocks in any order."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return comparable(json.loads(value))
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in value.items() if one not in (None, [], False, "")}
    if isinstance(value, list):
        return sorted(map(comparable, value), key=lambda one: json.dumps(one, sort_keys=True))
    return str(value).strip() if not str(value).startswith("<var") else "hunter2-secret"


def test_the_estate_is_proven_from_its_configuration_as_from_its_plan() -> None:
    report = audit([str(ESTATE)], PINNED)
    plan = audit([str(FIXTURES / "forms" / "terraform-plan")], PINNED)
    assert [one.message for one in report.findings] == []
    assert [one for one in report.skipped if one.broken] == []
    assert [one.form for one in report.targets] == ["Terraform configuration"]
    assert report.count("proven") == plan.count("proven") > 100
    assert report.count("undecided") == plan.count("undecided")
    rules = [
        sorted(f"{one.rule} {one.address.partition('#')[2]}" for one in each.requirements) for each in (report, plan)
    ]
    assert rules[0] == rules[1]


# ---- places ----


def marks(report: Report, rule: str) -> set[tuple[str, str]]:
    """File and text of the line of each finding of a rule."""
    return {
        (
            one.location.file,
            Path(one.location.file).read_text(encoding="utf-8").splitlines()[one.location.line - 1].strip(),
        )
        for one in report.findings
        if one.rule == rule
    }


ROLE = """resource "aws_iam_role" "caller" {
  name = "caller"
  assume_role_policy = jsonencode({
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "states.amazonaws.com" } }]
  })
}
"""


@pytest.mark.parametrize(
    ("policy", "file", "line"),
    [
        (
            'jsonencode({\n    Statement = [{\n      Effect   = "Allow"\n      Action   = "s3:GetObjekt"\n'
            '      Resource = "*"\n    }]\n  })',
            "main.tf",
            "Statement = [{",
        ),
        (
            '<<-EOT\n    {"Statement": [\n      {"Effect": "Allow",\n'
            '       "Action": "s3:GetObjekt", "Resource": "*"}]}\n  EOT',
            "main.tf",
            '{"Effect": "Allow",',
        ),
        ('templatefile("policy.tftpl", { what = "Objekt" })', "policy.tftpl", '{"Effect": "Allow",'),
        ('jsonencode(yamldecode(file("policy.yaml")))', "policy.yaml", "- Effect: Allow"),
        ("jsonencode(local.document)", "main.tf", '{ Effect = "Allow", Resource = "*", Action = "s3:GetObjekt"'),
    ],
)
def test_findings_are_told_at_the_statement_that_the_user_wrote(policy: str, file: str, line: str) -> None:
    write("policy.tftpl", '{"Statement": [\n{"Effect": "Allow",\n"Resource": "*", "Action": "s3:Get${what}"}]}\n')
    write("policy.yaml", "Statement:\n  - Effect: Allow\n    Resource: '*'\n    Action: s3:GetObjekt\n")
    document = (
        'locals {\n  document = { Statement = [\n    { Effect = "Allow", Resource = "*", Action = "s3:GetObjekt"\n'
    )
    policies = (
        f'resource "aws_iam_role_policy" "calls" {{\n  role   = aws_iam_role.caller.id\n  policy = {policy}\n}}\n'
    )
    write("main.tf", f"{ROLE}{policies}{document}  }}] }}\n}}\n")
    assert marks(audit(["."], PINNED), "policy-action-typo") == {(file, line)}


def test_a_text_in_quotes_leads_to_each_of_its_characters() -> None:
    body = parse_file('a = "x\\ty ${b} \\u00e9z"\n', "main.tf")
    (argument,) = body.arguments
    assert isinstance(argument.value, Template)
    first, _, last = argument.value.parts
    assert isinstance(first, Literal) and isinstance(last, Literal)
    spans = [(piece.scalar.text, piece.scalar.place.span.column) for piece in first.value.pieces]
    assert spans == [("x", 6), ("\t", 7), ("y ", 9)]
    assert [(piece.scalar.text, piece.scalar.place.span.column) for piece in last.value.pieces] == [
        (" ", 15),
        ("é", 16),
        ("z", 22),
    ]


# ---- modules and files ----

CHILD = """
variable "name" {}
resource "aws_sqs_queue" "this" { name = var.name }
output "id" { value = aws_sqs_queue.this.id }
"""


def test_a_folder_is_one_module_and_those_that_it_calls_are_no_roots(
    instances: Callable[..., dict[str, Instance]],
) -> None:
    made = instances(
        'module "a" {\n  source = "./zz"\n  name = "one"\n}\n',
        **{"other.tf": 'resource "aws_sns_topic" "t" { name = module.a.id }\n', "zz/main.tf": CHILD},
    )
    assert sorted(made) == ["aws_sns_topic.t", "module.a.aws_sqs_queue.this"]
    assert value(made, "module.a.aws_sqs_queue.this") == "one"
    assert value(made, "aws_sns_topic.t") == "<module.a.aws_sqs_queue.this.id>"
    assert made["module.a.aws_sqs_queue.this"].span.file == "zz/main.tf"


def test_a_called_folder_that_comes_first_is_no_root(instances: Callable[..., dict[str, Instance]]) -> None:
    made = instances(
        'resource "aws_sns_topic" "t" { name = "root" }\n',
        **{"a/main.tf": CHILD, "envs/prod/main.tf": 'module "q" {\n  source = "../../a"\n  name = "prod"\n}\n'},
    )
    assert sorted(made) == ["aws_sns_topic.t", "module.q.aws_sqs_queue.this"]


def test_folders_that_call_each_other_are_read_once_and_end() -> None:
    for name, other in (("a", "b"), ("b", "a")):
        write(f"{name}/main.tf", f'module "m" {{ source = "../{other}" }}\nresource "aws_sns_topic" "t" {{}}\n')
    loaded = load(["."])
    assert [one.path for one in loaded.inputs] == ["a/main.tf"]
    assert any("nested deeper than" in one.reason for one in loaded.inputs[0].skipped)


def test_a_named_file_stands_for_its_folder(instances: Callable[..., dict[str, Instance]]) -> None:
    write("x/one.tf", 'resource "aws_sns_topic" "t" { name = local.name }\n')
    write("x/two.tf", 'locals { name = "here" }\n')
    loaded = load(["x/one.tf"])
    assert [one.path for one in loaded.inputs] == ["x/one.tf"]
    assert [one.reason for one in loaded.inputs[0].skipped] == []


def test_what_is_not_here_is_told_and_open(instances: Callable[..., dict[str, Instance]]) -> None:
    text = (
        'module "vpc" { source = "terraform-aws-modules/vpc/aws" }\n'
        'resource "aws_sns_topic" "a" { name = module.vpc.name }\n'
        'resource "aws_sns_topic" "b" { name = timestamp() }\n'
        'resource "aws_sns_topic" "c" { name = "x-${data.aws_ssm_parameter.p.value}" }\n'
        'resource "aws_sns_topic" "d" { name = file("../outside.txt") }\n'
        'resource "aws_sns_topic" "e" { name = local.gone }\n'
        'data "aws_ssm_parameter" "p" { name = "/p" }\n'
    )
    made = instances(text)
    assert value(made, "aws_sns_topic.a") == "<module.vpc.name>"
    assert value(made, "aws_sns_topic.b") == "<the function `timestamp` is not worked out>"
    assert value(made, "aws_sns_topic.c") == "x-<data.aws_ssm_parameter.p.value>"
    told = {one.reason: one.help for given in load(["."]).inputs for one in given.skipped}
    assert all("audit the plan" in help for help in told.values())
    for part in ("terraform-aws-modules/vpc/aws", "`timestamp`", "outside the audited folders", "no `local.gone`"):
        assert any(part in reason for reason in told), part


def test_no_file_outside_is_opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_text('{"Statement": "hunter2"}', encoding="utf-8")
    write(
        "in/main.tf", f'resource "aws_sns_topic" "t" {{\n name = file("{outside}")\n policy = file("link.json")\n}}\n'
    )
    Path("in/link.json").symlink_to(outside)
    Path("in/more.tf").symlink_to(outside)
    loaded = load(["in"])
    assert not [text for text in loaded.texts.values() if "hunter2" in text]
    assert len([one for given in loaded.inputs for one in given.skipped]) == 3


# ---- values that are open, and conditions ----


def test_open_values_keep_their_names(instances: Callable[..., dict[str, Instance]]) -> None:
    made = instances(
        'variable "n" {}\nvariable "l" { type = list(string) }\n'
        'resource "aws_iam_role" "r" { name_prefix = "r-" }\n'
        'resource "aws_sns_topic" "t" {\n'
        '  a = "x-${var.n}"\n  b = upper(var.n)\n  c = aws_iam_role.r.arn\n  d = var.l[0]\n'
        '  e = format("%s/%s", var.n, 1)\n  f = jsonencode({ Resource = ["${aws_iam_role.r.arn}/*", var.n] })\n'
        '  g = replace(aws_iam_role.r.arn, ":", "-")\n'
        '  h = [for x in var.l : x]\n  i = aws_iam_role.r.name_prefix\n  j = join(",", [var.n, "x"])\n}\n'
    )
    found = plain(made["aws_sns_topic.t"].arguments)
    assert found == {
        "a": "x-<var.n>",
        "b": "<upper(var.n)>",
        "c": "<aws_iam_role.r.arn>",
        "d": "<var.l[0]>",
        "e": "<var.n>/1",
        "f": '{"Resource":["<aws_iam_role.r.arn>/*",<var.n>]}',
        "g": '<replace(aws_iam_role.r.arn, ":", "-")>',
        "h": "<`var.l` is open>",
        "i": "r-",
        "j": "<var.n>,x",
    }


def test_open_conditions_keep_both_cases(instances: Callable[..., dict[str, Instance]]) -> None:
    made = instances(
        'variable "on" {}\nvariable "stage" {}\n'
        'resource "aws_sns_topic" "a" {\n  count = var.on ? 1 : 0\n  name  = var.on ? "yes" : "no"\n}\n'
        'resource "aws_sns_topic" "b" {\n  count = var.on ? 0 : 1\n  name  = var.stage != "prod" ? "x" : "y"\n}\n'
        'resource "aws_sns_topic" "c" {\n  for_each = var.on ? toset(["k", "l"]) : toset(["l"])\n  name = each.key\n}\n'
        'resource "aws_sns_topic" "d" { name = one(aws_sns_topic.a[*].name) }\n'
    )
    assert {address: one.condition for address, one in made.items()} == {
        "aws_sns_topic.a[0]": "var.on",
        "aws_sns_topic.b[0]": "!var.on",
        'aws_sns_topic.c["k"]': "var.on",
        'aws_sns_topic.c["l"]': "",
        "aws_sns_topic.d": "",
    }
    assert value(made, "aws_sns_topic.a[0]") == {"var.on": "yes", "not var.on": "no"}
    assert value(made, "aws_sns_topic.b[0]") == {'var.stage == "prod"': "y", 'not var.stage == "prod"': "x"}
    assert value(made, "aws_sns_topic.d") == {"var.on": "yes", "not var.on": "no"}


def test_one_stands_for_all_where_their_number_is_open(instances: Callable[..., dict[str, Instance]]) -> None:
    made = instances(
        'variable "n" {}\nresource "aws_sns_topic" "a" {\n  for_each = var.n\n  name = each.value.name\n}\n'
        'resource "aws_sns_topic" "b" {\n  count = var.n\n  name = "b"\n}\n'
    )
    assert list(made) == ['aws_sns_topic.a["…"]', "aws_sns_topic.b[0]"]
    assert all(one.condition for one in made.values())
    assert value(made, 'aws_sns_topic.a["…"]') == "<aws_sns_topic.a each.value.name>"
    assert sum("one stands for all" in reason for reason in skipped(["."])) == 2


def test_values_of_variables_come_in_terraforms_order(instances: Callable[..., dict[str, Instance]]) -> None:
    files = {
        "terraform.tfvars": 'a = "tfvars"\nb = "tfvars"\nc = "tfvars"\n',
        "z.auto.tfvars.json": '{"b": "auto", "c": "auto", "l": ["x"]}',
        "other.tfvars": 'd = "not read"\n',
    }
    text = "".join(f'variable "{name}" {{ default = "default" }}\n' for name in "abcd")
    text += 'variable "l" { type = list(string) }\n'
    text += 'resource "aws_sns_topic" "t" { name = join(" ", concat([var.a, var.b, var.c, var.d], var.l)) }\n'
    assert value(instances(text, **files), "aws_sns_topic.t") == "tfvars auto auto default x"
    given = {"c": "given", "l": '["y", "z"]'}
    assert value(instances(text, given, **files), "aws_sns_topic.t") == "tfvars auto given default y z"


def test_the_report_tells_defaults_and_knows_variables_that_were_given() -> None:
    write(
        "main.tf",
        'variable "a" { default = 1 }\nvariable "b" {}\nresource "aws_sns_topic" "t" { name = "${var.a}${var.b}" }\n',
    )
    report = audit(["."], PINNED._replace(parameters={"b": "x", "main.tf:a": "2", "c": "y"}))
    assert [one.target for one in report.skipped if "declares this parameter" in one.reason] == ["--parameter c"]
    assert "variable `a` of . has its default" in audit(["."], PINNED).assumptions


# ---- hostile input ----


def test_secrets_are_in_no_output() -> None:
    secrets = tuple(f"hunter2-{letter}" for letter in "abcdefghi")
    write("terraform.tfvars", f'b = "{secrets[1]}"\nslack_webhook = "{secrets[8]}"\n')
    write(
        "main.tf",
        ROLE
        + f'variable "a" {{ sensitive = true\n default = "{secrets[0]}"\n }}\n'.replace("{ sens", "{\n sens")
        + 'variable "b" {\n  sensitive = true\n}\n'
        + f'provider "aws" {{\n  secret_key = "{secrets[2]}"\n}}\n'
        + 'resource "aws_cloudwatch_event_connection" "c" {\n  name = "c"\n  authorization_type = "API_KEY"\n'
        + f'  auth_parameters {{\n    api_key {{\n      key = "k"\n      value = "{secrets[3]}"\n    }}\n  }}\n}}\n'
        + f'resource "aws_db_instance" "d" {{ password = "{secrets[4]}" }}\n'
        + f'locals {{\n  s = sensitive("{secrets[5]}")\n  db_password = "{secrets[6]}"\n}}\n'
        + 'resource "aws_secretsmanager_secret_version" "v" {\n'
        + f'  secret_string = jsonencode({{ a = "{secrets[7]}" }})\n}}\n'
        + 'resource "aws_iam_role_policy" "p" {\n  role = aws_iam_role.caller.id\n'
        + "  policy = jsonencode({\n    Statement = [\n"
        + '      { Effect = "Allow", Action = "s3:GetObjekt", Resource = [var.a, var.b] }\n    ]\n  })\n}\n',
    )
    report = audit(["."], PINNED._replace(strict=True), detailed=True)
    assert report.findings
    for name in FORMATS:
        shown = render(name, report, View())
        assert not [one for one in secrets if one in shown], name
    assert not [one for one in secrets if one in repr(report)]
    assert not [text for text in load(["."]).texts.values() if "hunter2" in text]


BOMBS = {
    "lists": "[" * 100_000,
    "parentheses": "(" * 100_000,
    "objects": "{a=" * 100_000,
    "interpolations": '"${' * 100_000,
    "signs": "-" * 100_000,
    "choices": "a ? " * 100_000,
    "heredocs": "<<E\n" * 20_000,
    "steps": "a" + "[a" * 100_000,
    "calls": "f(" * 100_000,
    "comments": "/*" * 100_000,
    "directives": '"' + "%{ if a }" * 10_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_nesting_ends_with_an_error_and_its_place(bomb: str) -> None:
    start = time.process_time()
    with pytest.raises(AuditError) as caught:
        parse_file(f"a = {BOMBS[bomb]}", "main.tf")
    assert caught.value.where.startswith("main.tf:")
    assert time.process_time() - start < 2


def doubling(what: str, count: int = 60) -> str:
    lines = [f"  l{index + 1} = {what.replace('x', f'local.l{index}')}" for index in range(count)]
    return (
        'locals {\n  l0 = ["a"]\n'
        + "\n".join(lines)
        + f'\n}}\nresource "aws_sns_topic" "t" {{\n  name = local.l{count}\n}}\n'
    )


EXPANSIONS = {
    "lists of lists": doubling("[x, x]"),
    "longer lists": doubling("concat(x, x)"),
    "flattened": doubling("flatten([x, x])"),
    "products": doubling("setproduct(x, x)"),
    "texts": doubling('["${x[0]}${x[0]}"]'),
    "joined": doubling('[join("", [x[0], x[0]])]'),
    "encoded": doubling("[jsonencode([x, x])]"),
    "compared": doubling("[x, x]") + 'resource "aws_sns_topic" "u" { name = local.l50 == local.l51 }\n',
    "replaced": doubling('[replace(x[0], "a", "aa")]'),
    "counted": 'resource "aws_sns_topic" "t" { count = 1000000000 }\n',
    "nested counts": 'module "m" {\n  source = "./m"\n  count = 900\n}\n',
    "repeated": doubling("[x]", 3000),
    "regular expressions": 'resource "aws_sns_topic" "t" { name = regex("(a+)+$", "' + "a" * 60 + 'b") }\n',
    "powers": doubling("[pow(9, pow(9, 9))]"),
    "multiplied": "locals {\n  l0 = 99999999\n"
    + "".join(f"  l{n + 1} = local.l{n} * local.l{n}\n" for n in range(99))
    + "}\n"
    'resource "aws_sns_topic" "t" { name = local.l90 }\n',
    "round": 'locals {\n  a = local.b\n  b = local.a\n}\nresource "aws_sns_topic" "t" { name = local.a }\n',
    "own attribute": 'resource "aws_sns_topic" "t" { name = aws_sns_topic.t.name }\n',
    "own count": 'resource "aws_sns_topic" "t" { count = length(aws_sns_topic.t) }\n',
}


@pytest.mark.parametrize("name", EXPANSIONS)
def test_expansion_is_bounded_and_told(name: str) -> None:
    write("main.tf", EXPANSIONS[name])
    write("m/main.tf", 'resource "aws_sns_topic" "t" {\n  count = 900\n  name = "x"\n}\n')
    start = time.process_time()
    loaded = load(["."])
    assert time.process_time() - start < 4
    told = [one for given in loaded.inputs for one in given.skipped]
    assert told and all("audit the plan" in one.help for one in told)


def test_a_file_that_is_no_hcl_is_told_and_the_others_are_read(instances: Callable[..., dict[str, Instance]]) -> None:
    made = instances('resource "aws_sns_topic" "t" { name = "x" }\n', **{"bad.tf": "resource {\n  a = = 1\n}\n"})
    assert list(made) == ["aws_sns_topic.t"]
    (told,) = [one for given in load(["."]).inputs for one in given.skipped]
    assert (told.target, told.broken) == ("bad.tf:2:7", True)
    Path("bad.tf").write_bytes(b"\xff\xfe\x00")
    Path("main.tf").unlink()
    loaded = load(["."])
    assert [one.broken for one in (*loaded.skipped, *(one for given in loaded.inputs for one in given.skipped))] == [
        True
    ]


def test_a_large_file_is_read_in_time() -> None:
    write(
        "main.tf",
        "".join(
            f'resource "aws_sns_topic" "t{n}" {{\n  name = "topic-{n}"\n  tags = {{ a = {n} }}\n}}\n'
            for n in range(2000)
        ),
    )
    start = time.process_time()
    body = parse_file(Path("main.tf").read_text(encoding="utf-8"), "main.tf")
    assert len(body.blocks) == 2000
    assert time.process_time() - start < 2


def test_configurations_of_other_providers_are_no_input() -> None:
    write("main.tf", 'resource "azurerm_thing" "t" { name = "x" }\n')
    with pytest.raises(AuditError):
        load(["."])
    assert Reach(["."]).names(".") == ("main.tf",)


def test_a_plan_beside_its_configuration_is_audited_instead() -> None:
    write("main.tf", 'resource "aws_sqs_queue" "q" { name = "q" }\n')
    assert [one.form for one in load(["."]).inputs] == ["Terraform configuration"]
    shutil.copy(FIXTURES / "forms" / "terraform-plan" / "plan.json", "plan.json")
    assert [one.form for one in load(["."]).inputs] == ["Terraform plan"]


def test_modules_that_init_has_installed_are_read(instances: Callable[..., dict[str, Instance]]) -> None:
    modules = [{"Key": "q", "Dir": ".terraform/modules/q"}, {"Key": "q.in", "Dir": ".terraform/modules/q.in"}]
    files = {
        ".terraform/modules/modules.json": json.dumps({"Modules": [*modules, {"Key": "far", "Dir": "../../etc"}]}),
        ".terraform/modules/q/main.tf": 'module "in" {\n  source = "harbour/in/aws"\n  name   = "inner"\n}\n',
        ".terraform/modules/q.in/main.tf": CHILD,
    }
    text = 'module "q" {\n  source = "harbour/q/aws"\n  count  = 1\n}\nmodule "far" { source = "harbour/far/aws" }\n'
    assert list(instances(text, **files)) == ["module.q[0].module.in.aws_sqs_queue.this"]
    assert ["outside the audited folders" in one for one in skipped(["."])] == [True]


def test_what_a_resource_always_has_is_not_compared_with_nothing(
    instances: Callable[..., dict[str, Instance]],
) -> None:
    made = instances(
        'resource "aws_iam_role" "r" {}\nmodule "q" {\n  source = "./q"\n  role   = aws_iam_role.r.arn\n}\n',
        **{"q/main.tf": 'variable "role" {}\nresource "aws_sqs_queue" "q" { count = var.role != null ? 1 : 0 }\n'},
    )
    assert {address: one.condition for address, one in made.items()} == {
        "aws_iam_role.r": "",
        "module.q.aws_sqs_queue.q[0]": "",
    }


def test_long_chains_of_values_end_within_the_stack(instances: Callable[..., dict[str, Instance]]) -> None:
    call = (
        'module "m" {\n  source = "./m0"\n  v = { a = [for x in [var.v] : try(x, null) == "" ? x : "${x}-"] }.a[0]\n}\n'
    )
    files = {f"m{n}/main.tf": 'variable "v" {}\n' + call.replace("./m0", f"../m{n + 1}") for n in range(9)}
    files["m9/main.tf"] = 'variable "v" {}\nresource "aws_sns_topic" "t" { name = var.v }\n'
    links = "".join(f"  l{n} = try(one([local.l{n + 1}]), [local.l{n + 1}][0])\n" for n in range(100))
    text = f'locals {{\n{links}  l100 = "end"\n}}\nvariable "v" {{ default = "v" }}\n{call}'
    text += 'resource "aws_sns_topic" "far" { name = local.l0 }\nresource "aws_sns_topic" "near" { name = local.l90 }\n'

    def deeper(levels: int) -> dict[str, Instance]:
        return deeper(levels - 1) if levels else instances(text, **files)

    made = deeper(80)
    assert value(made, "aws_sns_topic.near") == "end"
    assert "levels deep" in str(value(made, "aws_sns_topic.far"))
    assert value(made, f"{'module.m.' * 10}aws_sns_topic.t") == "v----------"


def test_values_are_the_same_only_where_all_they_are_made_of_is(instances: Callable[..., dict[str, Instance]]) -> None:
    """What has a name is equal wherever it has it: two different values of one name would prove what is not so."""
    pairs = (
        ("[for x in var.l : x]", "[for x in var.l : upper(x)]"),
        ("var.n == [1] ? 1 : 2", "var.n == [2] ? 1 : 2"),
        ("{ a = 1 }[var.n]", "{ b = 1 }[var.n]"),
        ("coalesce(var.n, 1)", "coalesce(var.n, 2)"),
        ("{ (var.n) = 1 }", "{ (var.n) = 2 }"),
        ("can(var.n.a)", "can(var.n.b)"),
        ("contains([var.n], 1)", "contains([var.n], 2)"),
        ('upper("${var.n}a")', 'upper("$${var.n}a")'),
        ("var.l[*].a", "var.l[*].b"),
        ('flatten([var.n, "a"])', 'flatten([var.n, "b"])'),
    )
    lines = "".join(f"  a{n} = {one}\n  b{n} = {two}\n" for n, (one, two) in enumerate(pairs))
    made = instances(f'variable "n" {{}}\nvariable "l" {{}}\nresource "aws_sns_topic" "t" {{\n{lines}}}\n')
    values = made["aws_sns_topic.t"].arguments
    for n, pair in enumerate(pairs):
        one, two = values.get(f"a{n}"), values.get(f"b{n}")
        assert (as_unknown(one), as_unknown(two)) != (None, None) or plain(one) != plain(two), pair


@pytest.mark.parametrize(
    "call", ['urldecode("a%F3%B0%80%88")', 'base64decode("87CAiA==")', 'csvdecode(urldecode("%F3%B0%80%88"))']
)
def test_no_function_makes_a_character_that_stands_for_open_values(
    instances: Callable[..., dict[str, Instance]], call: str
) -> None:
    (role,) = instances(f'resource "aws_iam_role" "r" {{\n  name = {call}\n}}\n').values()
    assert "private-use character" in (as_unknown(role.arguments.get("name")) or "")
