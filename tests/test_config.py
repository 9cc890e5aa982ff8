"""`policy_audit.yaml`: where it is found, what it may say, and how it is joined with the command line."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import policy_audit
from policy_audit import __version__
from policy_audit.config import _KEYS, Config, Given, joined, load_config, place_problem, read_config
from policy_audit.config_files import find_config
from policy_audit.errors import USAGE, AuditError
from policy_audit.options import Options
from policy_audit.origin import Span
from policy_audit.suggest import did_you_mean

WHOLE = """\
account: 012345678901
region: eu-west-1
partition: aws
parameters:
  Stage: prod
  Empty: ""
  Number: 007
  Names: [a, b]
  templates/app.yaml:Stage: test
stacks:
  infra: templates/infra.yaml
callers:
  OrdersApi: [OrdersRole, "arn:aws:iam::123456789012:role/x"]
  app.yaml#OtherApi: OtherRole
deployers: [DeployRole, app.yaml#OtherRole]
rules: [own]
disable: [our-rule]
fail-on: low
strict: true
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: one with a repository's mark, a template and a folder of rules."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "infra.yaml").write_text("Resources: {}\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "our-rule.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_key_is_read(folder: Path) -> None:
    (folder / "policy_audit.yaml").write_text(WHOLE)
    assert load_config() == Config(
        Options(
            parameters={
                "Stage": "prod",
                "Empty": "",
                "Number": "007",
                "Names": "a,b",
                "templates/app.yaml:Stage": "test",
            },
            stacks={"infra": "templates/infra.yaml"},
            partition="aws",
            region="eu-west-1",
            account="012345678901",
            callers={
                "OrdersApi": ("OrdersRole", "arn:aws:iam::123456789012:role/x"),
                "app.yaml#OtherApi": ("OtherRole",),
            },
            deployers=("DeployRole", "app.yaml#OtherRole"),
            rules=("own",),
            disabled=frozenset({"our-rule"}),
            strict=True,
        ),
        "low",
        "policy_audit.yaml",
    )


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "policy_audit.yaml").write_text(WHOLE)
    monkeypatch.chdir(folder / "templates")
    config = load_config()
    assert config.path == "../policy_audit.yaml"
    assert config.options.stacks == {"infra": "../templates/infra.yaml"}
    assert config.options.rules == ("../own",)
    assert config.options.parameters["../templates/app.yaml:Stage"] == "test"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff", "{}\n"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert read_config(text, "policy_audit.yaml") == Config(path="policy_audit.yaml")


# Text, the error's place, its message, a word of its help.
WRONG = [
    ("regoin: eu-west-1\n", "1:1", "unknown key `regoin`", "did you mean `region`?"),
    ("strict: true\nfail_on: low\n", "2:1", "unknown key `fail_on`", "did you mean `fail-on`?"),
    ("zzz: 1\n", "1:1", "unknown key `zzz`", "the keys are account, accounts, baseline"),
    ("- region\n", "1:1", "the configuration must be a mapping", "key: value"),
    ("account: 123\n", "1:10", "`123` is not an account id", "twelve digits"),
    ("account: 1234567890123\n", "1:10", "`1234567890123` is not an account id", "twelve digits"),
    ("account: ١٢٣٤٥٦٧٨٩٠١٢\n", "1:10", "`١٢٣٤٥٦٧٨٩٠١٢` is not an account id", "twelve digits"),
    ("region: eu_west_1\n", "1:9", "`eu_west_1` is not a Region", "eu-west-1"),
    ("partition: amazon\n", "1:12", "`amazon` is not a partition", "aws-cn"),
    ("region:\n", "1:8", "`region` has no value", "remove the key"),
    ("region: [[eu-west-1]]\n", "1:10", "`region` must be a single value", ""),
    ("region: []\n", "1:9", "the list of Regions is empty", "name a Region"),
    ("fail-on: hgih\n", "1:10", "`hgih` is no value of `fail-on`", "did you mean `high`?"),
    ("strict: 'yes'\n", "1:9", "`strict` is true or false", "without quotes"),
    ("strict: 1\n", "1:9", "`strict` is true or false", ""),
    ("parameters: [a]\n", "1:13", "`parameters` must be a mapping", ""),
    ("parameters:\n  A: {b: c}\n", "2:6", "`A` must be a single value", ""),
    ("parameters:\n  A:\n", "2:5", "`A` has no value", ""),
    ("parameters:\n  'a b': c\n", "2:3", "`a b` is not the name of a parameter", ""),
    ("parameters:\n  ':b': c\n", "2:3", "`:b` is not the name of a parameter", ""),
    ("stacks:\n  infra: none.yaml\n", "2:10", "there is no file `none.yaml`", "relative to the configuration"),
    ("rules:\n  - none\n", "2:5", "there is no folder `none`", "relative to the configuration"),
    ("callers:\n  Api: [a, [b]]\n", "2:12", "`Api` must be a single value", ""),
    ("disable: [our-rul]\n", "1:11", "there is no rule `our-rul`", "`policy-audit rules` lists them"),
    ("severity: {our-rule: hgih}\n", "1:22", "`hgih` is no severity", "did you mean `high`?"),
    ("severity: {our-rul: high}\n", "1:12", "there is no rule `our-rul`", ""),
    ("required-version: '>= one'\n", "1:19", "`>= one` is no version", ">=0.1,<1"),
    ("required-version: '>=0.0.1,<0.0.2'\n", "1:19", f"this is policy-audit {__version__}, which is not <0.0.2", ""),
    ("ignore: [our-rule]\n", "1:10", "an entry of `ignore` must be a mapping", ""),
    ("ignore: [{rule: our-rule, reason: x}]\n", "1:10", "an entry of `ignore` needs `address`", "add `address:`"),
    ("ignore: [{rule: our-rule, address: a}]\n", "1:10", "an entry of `ignore` needs `reason`", "add `reason:`"),
    ("ignore: [{rule: our-rule, address: a, reason: }]\n", "1:47", "`reason` has no value", ""),
    ("ignore: [{rule: our-rul, address: a, reason: x}]\n", "1:17", "there is no rule `our-rul`", ""),
    ("ignore: [{adress: a}]\n", "1:11", "an entry of `ignore` has no `adress`", "did you mean `address`?"),
    (
        "ignore: [{rule: our-rule, address: a, reason: x, expires: 20270101}]\n",
        "1:59",
        "the ignore expires on `20270101`, which is no date like 2027-01-31",
        "last day",
    ),
    ("a: 1\na: 2\n", "2:1", None, ""),
    ("region: 'eu\n", None, None, ""),
    ("region: !!python/name:os.system x\n", None, None, ""),
]


@pytest.mark.parametrize(("text", "place", "message", "help"), WRONG)
def test_what_is_wrong_is_told_with_its_place(
    folder: Path, text: str, place: str | None, message: str | None, help: str
) -> None:
    (folder / "policy_audit.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(AuditError) as caught:
        load_config()
    assert caught.value.exit_code == USAGE
    assert caught.value.where.startswith("policy_audit.yaml:")
    assert place is None or caught.value.where == f"policy_audit.yaml:{place}"
    assert message is None or caught.value.message == message
    assert help in caught.value.help
    line = text.splitlines()[int(caught.value.where.split(":")[1]) - 1]
    assert caught.value.source == ("" if "parameters" in text else line)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"region: \x80\n"])
def test_a_file_that_is_no_text(folder: Path, content: bytes) -> None:
    (folder / "policy_audit.yaml").write_bytes(content)
    with pytest.raises(AuditError) as caught:
        load_config()
    assert caught.value.exit_code == USAGE


def test_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(AuditError) as caught:
        load_config(file="none.yaml")
    assert (caught.value.exit_code, caught.value.where) == (USAGE, "none.yaml")


def test_the_nearest_file_is_found_up_to_the_repository(folder: Path) -> None:
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(str(deep)) == ""
    (folder / "policy_audit.yaml").write_text("")
    assert Path(find_config(str(deep))).resolve() == (folder / "policy_audit.yaml").resolve()
    (folder / "a" / "policy_audit.yaml").write_text("")
    assert Path(find_config(str(deep))).resolve() == (folder / "a" / "policy_audit.yaml").resolve()
    assert find_config(".") == "policy_audit.yaml"


@pytest.mark.parametrize("mark", ["file", "folder"])
def test_nothing_is_found_above_the_repository(folder: Path, mark: str) -> None:
    # `.git` is a file in a worktree or submodule.
    (folder / "policy_audit.yaml").write_text("")
    inner = folder / "inner"
    inner.mkdir()
    if mark == "file":
        (inner / ".git").write_text("gitdir: elsewhere\n")
    else:
        (inner / ".git").mkdir()
    assert find_config(str(inner)) == ""


def test_a_folder_of_that_name_is_no_configuration(folder: Path) -> None:
    (folder / "policy_audit.yaml").mkdir()
    assert load_config() == Config()


@pytest.mark.parametrize(
    ("word", "meant"),
    [("regoin", "region"), ("REGION", "region"), ("failon", "fail-on"), ("zzz", ""), ("", ""), ("region" * 20, "")],
)
def test_did_you_mean(word: str, meant: str) -> None:
    assert did_you_mean(word, ("region", "fail-on", "rules")) == (f"did you mean `{meant}`?" if meant else "")


# ---- the command line -----------------------------------------------------------------------------------------------

FILE = Config(
    Options(parameters={"A": "1", "B": "2"}, region="eu-west-1", account="111111111111", rules=("own",), strict=True),
    "low",
    "policy_audit.yaml",
)


def test_the_command_line_wins() -> None:
    given = Given(("B=x=y:z", "t.yaml:C="), (), ("mine", "own"), ("us-east-1",), (), "aws-cn", "critical", False)
    config = joined(FILE, given)
    assert config == Config(
        Options(
            parameters={"A": "1", "B": "x=y:z", "t.yaml:C": ""},
            region="us-east-1",
            account="111111111111",
            partition="aws-cn",
            rules=("own", "mine"),
            strict=False,
        ),
        "critical",
        "policy_audit.yaml",
    )


def test_templates_of_several_regions(folder: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        Path(name).touch()
    text = "region: [eu-west-1, us-east-1, eu-west-1]\nregions: {a.yaml: [eu-west-1, eu-west-2], b.yaml: [eu-west-3]}\n"
    found = read_config(text, "policy_audit.yaml")
    several = {"": ("eu-west-1", "us-east-1"), "a.yaml": ("eu-west-1", "eu-west-2")}
    assert (found.options.region, found.options.regions) == ("", {"b.yaml": "eu-west-3"})
    assert found.options.several == several
    one = joined(
        found, Given(regions=("sa-east-1", "a.yaml=eu-west-9", "b.yaml=eu-west-4", "b.yaml=eu-west-5"))
    ).options
    assert (one.region, one.regions) == ("sa-east-1", {"a.yaml": "eu-west-9"})
    assert one.several == {"b.yaml": ("eu-west-4", "eu-west-5")}
    assert joined(found, Given()).options.several == several


def test_an_empty_command_line_changes_nothing() -> None:
    assert joined(FILE, Given()) == FILE


@pytest.mark.parametrize(
    ("given", "where", "message"),
    [
        (Given(parameters=("A",)), "--parameter", "a parameter is given without `=`"),
        (Given(parameters=("=x",)), "--parameter", "`` is not the name of a parameter"),
        (Given(parameters=("a b=x",)), "--parameter", "`a b` is not the name of a parameter"),
        (Given(parameters=("A=\U000f0000",)), "--parameter", "the value of `A` holds private-use characters"),
        (Given(stacks=("a",)), "--stack", "`a` names no stack and template"),
        (Given(stacks=("a=none.yaml",)), "--stack", "there is no file `none.yaml`"),
        (Given(accounts=("12",)), "--account", "`12` is not an account id"),
        (Given(regions=("Ireland",)), "--region", "`Ireland` is not a Region"),
        (Given(partition="AWS"), "--partition", "`AWS` is not a partition"),
    ],
)
def test_what_is_wrong_names_the_option(folder: Path, given: Given, where: str, message: str) -> None:
    with pytest.raises(AuditError) as caught:
        joined(Config(), given)
    assert (caught.value.where, caught.value.message, caught.value.exit_code) == (where, message, USAGE)


def test_the_value_of_a_parameter_is_never_in_an_error() -> None:
    for text in ("a b=hunter2", "hunter2", "A=hunter2\U00100000"):
        with pytest.raises(AuditError) as caught:
            joined(Config(), Given(parameters=(text,)))
        assert "hunter2" not in f"{caught.value}{caught.value.help}"


REGIONS = "us-east-1 eu-west-3 ap-southeast-5 me-central-1 us-gov-west-1 cn-northwest-1 us-iso-east-1 us-isob-east-1"
PARTITIONS = "aws aws-cn aws-us-gov aws-iso aws-iso-b aws-iso-e aws-iso-f aws-eusc"


@pytest.mark.parametrize("region", [*REGIONS.split(), "eusc-de-east-1", "il-central-1"])
def test_regions(region: str) -> None:
    assert place_problem("region", region) is None


@pytest.mark.parametrize("partition", PARTITIONS.split())
def test_partitions(partition: str) -> None:
    assert place_problem("partition", partition) is None


KEY = st.sampled_from(
    ["account", "callers", "disable", "fail-on", "parameters", "region", "rules", "stacks", "strict", "x"]
)
NODE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:.", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEY, NODE, max_size=4))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    outcome = read_or_refused(json.dumps(document))
    if isinstance(outcome, AuditError):
        assert outcome.message
        assert outcome.where.startswith("policy_audit.yaml:")
    else:
        assert "x" not in document
        assert outcome.options.strict is document.get("strict", False)


def read_or_refused(text: str) -> Config | AuditError:
    try:
        return read_config(text, "policy_audit.yaml")
    except AuditError as error:
        return error


# ---- sections of other files ----------------------------------------------------------------------------------------

TOML = """\
[tool.ruff]
line-length = 100

[tool.policy_audit]
region = "eu-west-1"
strict = true
disable = ["our-rule"]
rules = ["own"]
parameters = { Stage = "prod", "app.yaml:Stage" = "test" }

[tool.policy_audit.callers]
OrdersApi = ["OrdersRole"]

[[tool.policy_audit.ignore]]
address = "app.yaml#Orders"
rule = "our-rule"
reason = "told the other side"
expires = 2027-01-31

[tool.other]
region = "nowhere"
"""
SECTION = """\
[metadata]
name = orders

[policy_audit]
region = eu-west-1
strict = true
# what is not asked
disable = [our-rule]
rules: [own]
parameters =
    Stage: prod
    "app.yaml:Stage": test
callers: {OrdersApi: [OrdersRole]}
ignore =
    - address: app.yaml#Orders
      rule: our-rule
      reason: told the other side
      expires: 2027-01-31

[tool:other]
region = nowhere
"""
ASKED = """\
region: eu-west-1
rules: [own]
strict: true
disable: [our-rule]
parameters: {Stage: prod, "app.yaml:Stage": test}
callers: {OrdersApi: [OrdersRole]}
ignore:
  - {address: "app.yaml#Orders", rule: our-rule, reason: told the other side, expires: 2027-01-31}
"""


@pytest.mark.parametrize(("name", "text"), [("pyproject.toml", TOML), ("setup.cfg", SECTION)])
def test_a_section_of_another_file_says_the_same(folder: Path, name: str, text: str) -> None:
    (folder / "policy_audit.yaml").write_text(ASKED)
    asked = load_config()
    (folder / "policy_audit.yaml").unlink()
    (folder / name).write_text(text)
    said = load_config()
    assert said.path == name
    assert without_places(said.options) == without_places(asked.options)
    assert said.options.ignores[0].span.line == next(
        n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith(("rule =", "rule:"))
    )


def without_places(options: Options) -> Options:
    span = Span("", 1, 1, 1, 1)
    return options._replace(ignores=tuple(one._replace(span=span) for one in options.ignores))


def test_a_file_of_its_own_comes_first_and_others_need_a_section(folder: Path) -> None:
    (folder / "setup.cfg").write_text("[metadata]\nname = x\n")
    (folder / "pyproject.toml").write_text("[tool.ruff]\n")
    assert find_config(".") == ""
    (folder / "setup.cfg").write_text(SECTION)
    assert find_config(".") == "setup.cfg"
    (folder / "pyproject.toml").write_text(TOML)
    assert find_config(".") == "pyproject.toml"
    (folder / "policy_audit.yaml").write_text(ASKED)
    assert find_config(".") == "policy_audit.yaml"


@pytest.mark.parametrize(
    ("name", "text", "place", "message"),
    [
        ("pyproject.toml", "[tool.policy_audit]\n\nregoin = 'eu-west-1'\n", "3:1", "unknown key `regoin`"),
        ("pyproject.toml", "[tool.policy_audit]\nregion = \n", "2:10", None),
        ("pyproject.toml", "[tool]\npolicy_audit = 1\n[tool.policy_audit_x]\n", None, None),
        ("setup.cfg", "[policy_audit]\n\nregoin = eu-west-1\n", "3:1", "unknown key `regoin`"),
        ("setup.cfg", "[policy_audit]\nregion = eu_west\n", "2:10", "`eu_west` is not a Region"),
        ("setup.cfg", "[policy_audit]\nparameters =\n    A: {b: c}\n", "3:8", "`A` must be a single value"),
        ("setup.cfg", "[policy_audit]\nregion = 'eu\nstrict = true\n", None, None),
    ],
)
def test_what_is_wrong_in_a_section(folder: Path, name: str, text: str, place: str | None, message: str | None) -> None:
    (folder / name).write_text(text)
    with pytest.raises(AuditError) as caught:
        load_config()
    assert caught.value.exit_code == USAGE
    assert caught.value.where.startswith(f"{name}:")
    assert place is None or caught.value.where == f"{name}:{place}"
    assert message is None or caught.value.message == message


# ---- the schema -----------------------------------------------------------------------------------------------------

SCHEMA = json.loads((Path(policy_audit.__file__).parent / "config.schema.json").read_text(encoding="utf-8"))


def test_the_schema_has_every_key_and_no_other() -> None:
    assert sorted(SCHEMA["properties"]) == list(_KEYS)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def as_editors_see_it(text: str) -> object:
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


@pytest.mark.parametrize("text", [WHOLE, ASKED, "", "ignore: {address: [a, b], rule: [our-rule], reason: x}\n"])
def test_the_schema_takes_what_is_read(text: str) -> None:
    jsonschema.validate(as_editors_see_it(text), SCHEMA)


REFUSED = [
    "region: [[eu-west-1]]",
    "zzz: 1",
    "fail-on: hgih",
    "severity: {our-rule: hgih}",
    "- region",
    "ignore: [our-rule]",
    "strict: 1",
]


@pytest.mark.parametrize("text", REFUSED)
def test_the_schema_refuses_what_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_editors_see_it(text), SCHEMA)
    (folder / "policy_audit.yaml").write_text(text)
    with pytest.raises(AuditError):
        load_config()
