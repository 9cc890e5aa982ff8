"""Rules that are remembered from run to run are the rules that stand in the files, or are read again."""

import os
from pathlib import Path

import pytest

from policy_audit import errors
from policy_audit.cli import main
from policy_audit.rulebook import read
from policy_audit.rulebook.pages import rules_folder
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.remembered import recall, remember

RULE = """\
id: {id}
summary: a task says how long it waits
severity: low
confidence: high
since: 0.1.0
for: call
where: {{integration: "http:invoke"}}
require:
  - holds: call.has_a_possible_timeout
message: "state `{{call.state}}` {{detail}}"
help: "say how long"
references: [https://docs.aws.amazon.com/]
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package's own rules, with one rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "one.yaml").write_text(RULE.format(id="one"))
    monkeypatch.setattr(read, "rules_folder", lambda: str(folder))
    return folder


def test_rules_come_back_as_they_were_read(tmp_path: Path) -> None:
    """All of the real ones: with clauses of every kind, conditions and places."""
    cache = str(tmp_path / "cache")
    fresh = read_rules()
    assert read_rules(cache=cache) == fresh
    files = read._rule_files(rules_folder())
    assert recall(cache, files) == tuple(sorted(fresh, key=lambda rule: files.index(rule.file)))
    assert read_rules(cache=cache) == fresh


def test_an_unchanged_set_is_not_read_again(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(tmp_path / "cache")
    expected = read_rules(cache=cache)
    monkeypatch.setattr(read, "read_rule", None)
    assert read_rules(cache=cache) == expected


@pytest.mark.parametrize("change", ["edited", "added", "removed", "touched"])
def test_a_changed_set_is_read_again(rules: Path, tmp_path: Path, change: str) -> None:
    cache = str(tmp_path / "cache")
    (rules / "two.yaml").write_text(RULE.format(id="two"))
    assert [rule.id for rule in read_rules(cache=cache)] == ["one", "two"]
    if change == "edited":
        (rules / "two.yaml").write_text(RULE.format(id="three"))
    elif change == "added":
        (rules / "three.yaml").write_text(RULE.format(id="three"))
    elif change == "removed":
        (rules / "two.yaml").unlink()
    else:
        os.utime(rules / "two.yaml", ns=(1, 1))
    assert read_rules(cache=cache) == read_rules()


def test_rules_of_the_users_own_are_never_remembered(rules: Path, tmp_path: Path) -> None:
    own, cache = tmp_path / "own", str(tmp_path / "cache")
    own.mkdir()
    (own / "mine.yaml").write_text(RULE.format(id="mine"))
    assert [rule.id for rule in read_rules([str(own)], cache)] == ["mine", "one"]
    assert [rule.id for rule in recall(cache, read._rule_files(str(rules))) or ()] == ["one"]


@pytest.mark.parametrize("content", [b"", b"\x00", b"rubbish", b"i\x01\x00\x00\x00"])
def test_a_spoilt_cache_is_as_good_as_none(rules: Path, tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "cache"
    expected = read_rules(cache=str(cache))
    (stored,) = cache.iterdir()
    stored.write_bytes(content)
    assert read_rules(cache=str(cache)) == expected


def test_a_folder_that_cannot_be_written_is_no_error(rules: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file")
    remember(str(in_the_way), [], [])
    assert read_rules(cache=str(in_the_way)) == read_rules()


def test_the_command_remembers_unless_told_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    (tmp_path / "template.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--no-cache", "template.yaml"]) == errors.CLEAN
    first = capsys.readouterr().out
    assert not (tmp_path / "cache").exists()
    for _ in range(2):
        assert main(["check", "template.yaml"]) == errors.CLEAN
        assert capsys.readouterr().out == first
    assert list((tmp_path / "cache").rglob("rules-*"))
