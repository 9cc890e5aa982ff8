"""Every rule of the package is complete: it reads, has a page that tells its truth, and fixtures on both sides."""

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from test_fixtures import read

from policy_audit.audit import audit
from policy_audit.options import Options
from policy_audit.rulebook.pages import page, rules_folder
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.rule import Path as PropertyPath
from policy_audit.rulebook.rule import Permission, Rule

RULES = {rule.id: rule for rule in read_rules()}
FIXTURES = Path(__file__).parent.parent / "fixtures"
FOLDER = Path(rules_folder())
SECTIONS = ["What it checks", "Why", "Bad", "Good", "How to fix", "When to ignore it", "References"]
EXTRA = "What AWS documents, and what it does not"
MAXIMUM_LINES = {".yaml": 45, ".md": 150}

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: node.value)


def sections(text: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@each_rule
def test_a_rule_stands_in_the_file_of_its_name(rule: Rule) -> None:
    path = Path(rule.file)
    assert path.stem == rule.id
    assert path.parent.parent == FOLDER
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAXIMUM_LINES[".yaml"]


@each_rule
def test_a_rule_has_a_page_with_every_section_in_order(rule: Rule) -> None:
    text = page(rule.id)
    assert len(text.splitlines()) < MAXIMUM_LINES[".md"]
    assert [title for title in sections(text) if title != EXTRA] == SECTIONS
    assert all(body.strip() for body in sections(text).values())


@each_rule
def test_a_page_starts_with_the_rule_as_its_file_states_it(rule: Rule) -> None:
    title, first, *_ = page(rule.id).split("\n\n")
    assert title == f"# {rule.id}"
    summary = rule.summary[0].upper() + rule.summary[1:]
    assert first.replace("\n", " ") == f"{summary}. Severity {rule.severity}, confidence {rule.confidence}."


@each_rule
def test_a_page_names_the_actions_of_its_rule(rule: Rule) -> None:
    listed = [clause.actions for clause in rule.require if isinstance(clause, Permission)]
    actions = {action for one in listed if not isinstance(one, PropertyPath) for action in one}
    assert {action for action in actions if f"`{action}`" not in page(rule.id)} == set()


@each_rule
def test_references_are_pages_of_aws_and_the_page_has_them_all(rule: Rule) -> None:
    listed = re.findall(r"^- (\S+)$", sections(page(rule.id))["References"], flags=re.M)
    assert rule.references
    assert set(rule.references) <= set(listed)
    assert len(set(listed)) == len(listed)
    for address in (*rule.references, *listed):
        assert re.fullmatch(r"https://docs\.aws\.amazon\.com/[\w./-]+\.html(#[\w-]+)?", address)


@each_rule
@pytest.mark.parametrize("kind", ["bad", "good"])
def test_the_example_of_a_page_is_a_fixture(rule: Rule, kind: str) -> None:
    """The first line of a block names the fixture; its other lines, but for comments, stand there one after another."""
    found = re.findall(r"```(yaml|json)\n(.*?)```", sections(page(rule.id))[kind.title()], flags=re.S)
    assert found
    for language, block in found:
        head, *rest = block.splitlines()
        assert head.startswith(f"# fixtures/{rule.id}/{kind}/")
        files = read(FIXTURES.parent / head.removeprefix("# ")).files
        lines = [line for line in rest if not line.startswith("#")]
        assert any(stands_in(lines, text.splitlines()) for text in files.values()), head
        assert language == "json" or yaml.load(block, _Loader)


def stands_in(wanted: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether the lines `wanted` follow one another among `lines`, at whatever indentation."""
    starts = range(len(lines) - len(wanted) + 1)
    return any(dedent("\n".join(lines[at : at + len(wanted)])).splitlines() == [*wanted] for at in starts)


@each_rule
def test_a_page_tells_how_to_fix_it_in_every_form(rule: Rule) -> None:
    told = re.split(r"^### (.+)$", sections(page(rule.id))["How to fix"], flags=re.M)
    assert told[1::2] == ["CloudFormation", "SAM", "CDK", "Terraform"]
    assert all(text.strip() for text in told[::2])
    assert ("`check --fix`" in told[0]) == (rule.fix == "safe")
    assert ("`check --fix --unsafe-fixes`" in told[0]) == (rule.fix == "unsafe")


@each_rule
def test_a_page_is_plain_text_of_the_width_that_is_read(rule: Rule) -> None:
    text = page(rule.id)
    assert re.sub("…", "", text).isascii()
    prose = [line for line in text.splitlines() if not line.startswith("- https://")]
    assert [line for line in prose if len(line) > 120] == []


@each_rule
@pytest.mark.parametrize("kind", ["good", "bad"])
def test_a_rule_has_fixtures_on_both_sides(rule: Rule, kind: str) -> None:
    assert list((FIXTURES / rule.id / kind).glob("*.yaml"))


def test_every_page_and_every_fixture_belongs_to_a_rule() -> None:
    assert {path.stem for path in FOLDER.glob("*/*.md")} == set(RULES)
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}
    assert {name for name in folders if not name.startswith("estate")} - {"forms", "terraform"} == set(RULES)


def test_pages_tell_what_aws_leaves_open() -> None:
    """Rules that rest on less than AWS's own word say so."""
    for rule in RULES.values():
        if rule.confidence != "high":
            assert EXTRA in sections(page(rule.id))
    assert "no AWS page that we found describes its effect at run time" in page("lattice-invoke").replace("\n", " ")


def test_the_report_names_every_rule_that_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.yaml").write_text("Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    report = audit(["empty.yaml"])
    assert report.rules == {rule.id: rule.since for rule in RULES.values()}
    assert set(RULES) - set(audit(["empty.yaml"], Options(disabled=frozenset(["lattice-invoke"]))).rules) == {
        "lattice-invoke"
    }
