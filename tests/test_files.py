"""Which files an audit reads, and what it says of those that it can't."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.errors import INCOMPLETE, NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import exit_code
from policy_audit.sources.document import MAXIMUM_BYTES
from policy_audit.sources.files import Loaded, load

TEMPLATE = "Resources: {X: {Type: AWS::IAM::Role}}\n"
BROKEN = "Resources: {X: {Type: AWS::IAM::Role\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(loaded: Loaded) -> list[str]:
    return [one.path for one in loaded.inputs]


def write(*names: str, text: str = TEMPLATE) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.yaml", True),
        ("a.yml", True),
        ("a.json", True),
        ("a.template", True),
        ("deep/er/a.yaml", True),
        ("a.txt", False),
        ("a.yaml.bak", False),
        (".a.yaml", False),
        (".git/a.yaml", False),
        ("node_modules/x/a.yaml", False),
        ("venv/a.yaml", False),
    ],
)
def test_the_files_of_a_folder(folder: Path, name: str, found: bool) -> None:
    write("always.yaml", name)
    assert set(paths(load(["."]))) == {"always.yaml", *([name] if found else [])}


@pytest.mark.parametrize("name", ["a.txt", ".a.yaml", "node_modules/a.yaml", "a b\tc.yaml", "-x.yaml", "ü.yaml"])
def test_a_file_that_is_named_is_read_whatever_its_name(folder: Path, name: str) -> None:
    write(name)
    assert paths(load([name])) == [name]


def test_a_file_that_is_named_is_taken_for_a_template_if_it_looks_like_nothing(folder: Path) -> None:
    write("empty.yaml", text="AWSTemplateFormatVersion: '2010-09-09'\nResources: {}\n")
    (target,) = load(["empty.yaml"]).targets
    assert target.form == "CloudFormation template"
    write("broken.yaml", text="a: [\n")
    (told,) = load(["broken.yaml"]).skipped
    assert told.broken


def test_a_hostile_name_is_told_all_the_same(folder: Path) -> None:
    name = os.fsdecode(b"a\xff\n\x1b[31m.yaml")
    write(name, text=BROKEN)
    (one,) = load(["."]).skipped
    assert one.broken


@pytest.mark.parametrize("given", [["a.yaml", "./a.yaml"], ["a.yaml", "."], [".", "a.yaml"], ["a.yaml", "ABSOLUTE"]])
def test_a_file_is_read_once(folder: Path, given: list[str]) -> None:
    write("a.yaml")
    loaded = load([str(folder / "a.yaml") if one == "ABSOLUTE" else one for one in given])
    assert len(loaded.inputs) == 1


def test_a_broken_file_is_told_once(folder: Path) -> None:
    write("a.yaml", text=BROKEN)
    assert len(load(["a.yaml", "./a.yaml", "."]).skipped) == 1


# ---- links ----------------------------------------------------------------------------------------------------------


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    write("outside/secret.yaml", "inside/a.yaml", "outside/more/b.yaml")
    (folder / "inside" / "link.yaml").symlink_to(folder / "outside" / "secret.yaml")
    (folder / "inside" / "folder").symlink_to(folder / "outside" / "more")
    assert paths(load(["inside"])) == ["inside/a.yaml"]
    assert paths(load(["inside/link.yaml"])) == ["inside/link.yaml"]


def test_a_link_within_the_folder_is_the_same_file(folder: Path) -> None:
    write("a.yaml")
    (folder / "b.yaml").symlink_to("a.yaml")
    assert paths(load(["."])) == ["a.yaml"]


def test_a_link_to_nothing_is_told(folder: Path) -> None:
    write("a.yaml")
    (folder / "b.yaml").symlink_to("nothing.yaml")
    (one,) = load(["."]).skipped
    assert one.broken
    assert one.target == "b.yaml"


# ---- what can't be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (["nowhere"], USAGE, "`nowhere` does not exist"),
        (["empty"], NOTHING_AUDITED, "no CloudFormation template was found in empty"),
        (["data"], NOTHING_AUDITED, "no CloudFormation template was found in data"),
        (["data/x.yaml"], NOTHING_AUDITED, "data/x.yaml: this is no CloudFormation template"),
        (["data/list.json"], NOTHING_AUDITED, "data/list.json: this is no CloudFormation template"),
        (["data/nothing.yaml"], NOTHING_AUDITED, "data/nothing.yaml: this is no CloudFormation template"),
    ],
)
def test_nothing_to_audit(folder: Path, given: list[str], code: int, says: str) -> None:
    (folder / "empty").mkdir()
    write("data/x.yaml", text="a: b")
    write("data/list.json", text="[1]")
    write("data/nothing.yaml", text="")
    with pytest.raises(AuditError) as raised:
        load(given)
    assert raised.value.exit_code == code
    assert says in raised.value.message
    assert raised.value.help


def test_what_is_no_template_is_told_only_if_it_is_named(folder: Path) -> None:
    write("a.yaml", "data/b.yaml")
    write("c.yaml", text="Resources: nothing\nType: x::y")
    assert load(["."]).skipped == ()
    (one,) = load(["a.yaml", "c.yaml"]).skipped
    assert not one.broken
    assert one.target == "c.yaml"


BAD: dict[str, Callable[[Path], object]] = {
    "yaml": lambda path: path.write_text(BROKEN),
    "two documents": lambda path: path.write_text(f"{TEMPLATE}---\n{TEMPLATE}"),
    "a key twice": lambda path: path.write_text(TEMPLATE + TEMPLATE),
    "no text": lambda path: path.write_bytes(TEMPLATE.encode() + b"# \xff\xfe\xff"),
    "control character": lambda path: path.write_text(TEMPLATE + "# \x07"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("given", [".", "b.yaml"])
def test_a_template_that_does_not_parse_makes_the_audit_incomplete(folder: Path, kind: str, given: str) -> None:
    BAD[kind](folder / "b.yaml")
    report = audit([given])
    (one,) = report.skipped
    assert one.broken
    assert one.target.startswith("b.yaml")
    assert one.help
    assert exit_code(report) == INCOMPLETE
    write("a.yaml")
    assert exit_code(audit([".", given])) == INCOMPLETE


def test_a_file_of_other_data_in_a_folder_is_no_fault(folder: Path) -> None:
    write("a.yaml")
    (folder / "latin.json").write_bytes(b'{"name": "\xe9"}')
    (folder / "large.json").write_bytes(b'{"Resources": "Type::"' + b" " * MAXIMUM_BYTES + b"}")
    (folder / "broken.yaml").write_text("{{ helm }}")
    assert load(["."]).skipped == ()
    assert [one.broken for one in load(["a.yaml", "latin.json", "large.json"]).skipped] == [True, True]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    write("a.yaml")
    os.mkfifo("pipe.yaml")
    (one,) = load(["."]).skipped
    assert one.broken


def test_a_folder_that_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.yaml", "closed/b.yaml")
    scan = os.scandir

    def refusing(path: str) -> object:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    (one,) = load(["."]).skipped
    assert one.broken
    assert (one.target, one.reason) == ("closed", "cannot read the folder: permission denied")


def test_what_a_template_is(folder: Path) -> None:
    write("loop.yaml", text="Resources: {Fn::ForEach::X: [A, [b], {C: {Type: T::T::T}}]}")
    write("empty.yaml", text="AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n# Type ::")
    write("serverless.yaml", text="resources: {Resources: {X: {Type: AWS::SQS::Queue}}}")
    assert paths(load(["."])) == ["empty.yaml", "loop.yaml"]
