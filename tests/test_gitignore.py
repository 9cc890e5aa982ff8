"""`.gitignore` files: read as git reads them, below and above the audited folder, whatever stands in them."""

import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from policy_audit.sources.files import load
from policy_audit.sources.gitignore import Gitignore

TEMPLATE = "Resources: {X: {Type: AWS::IAM::Role}}\n"
NAMES = ("a", "b", "ab", "abc", "a.b", "x.yaml", "b.yaml", "*", "[a]", "!a", "#a", "a b", "a ")
# fmt: off
PIECES = (
    "a", "b", "c", ".", "*", "?", "[ab]", "[!a]", "[a-c]", "[^b]", "\\*", "\\", "[", "]", "/", "/", "**/", "/**",
    "!", "#", " ", "[[:alpha:]]", "x.yaml", "\\ ", "[]a]", "[a", "-", "\\!",
)
# fmt: on


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_out(rules: Gitignore, path: str, is_folder: bool) -> bool:
    """Whether git would leave out `path`: a folder that is left out takes what is in it along."""
    names = path.split("/")
    above = any(rules.ignores(names[:end], is_folder=True)[0] for end in range(1, len(names)))
    return above or bool(rules.ignores(names, is_folder)[0])


# ---- against git ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_patterns_mean_what_they_mean_to_git(folder: Path) -> None:
    """Random patterns on random trees, all in one repository."""
    draw = random.Random(20261121)
    cases: dict[str, Gitignore] = {}
    for case in map(str, range(150)):
        lines = ["".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(draw.randint(1, 4))]
        # How git 2.39 reads `**` beside other characters depends on addresses in memory.
        text = "\n".join(line for line in lines if not re.search(r"[^/]\*\*|\*\*[^/]", line.lstrip("!")))
        for _ in range(12):
            file = Path(case, *draw.choices(NAMES, k=draw.randint(1, 4)))
            if not any(one.is_file() for one in file.parents) and not file.is_dir():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        Path(case, ".gitignore").write_text(text, encoding="utf-8")
        cases[case] = Gitignore(text)
    asked = [
        (os.path.relpath(os.path.join(root, name)), name in folders)
        for root, folders, files in os.walk(".")
        for name in (*folders, *files)
        if root != "." and name != ".gitignore"
    ]
    subprocess.run(["git", "init", "-q", "."], check=True, timeout=60)
    asking = ["git", "-c", "core.ignorecase=false", "-c", "core.excludesFile=", "check-ignore", "--no-index", "--stdin"]
    ended = subprocess.run(
        [*asking, "-z"], input="\0".join(path for path, _ in asked), capture_output=True, text=True, timeout=60
    )
    by_git = set(ended.stdout.split("\0")) - {""}
    ours = {path for path, is_folder in asked if left_out(cases[(at := path.split("/", 1))[0]], at[1], is_folder)}
    assert len(by_git) > 200
    assert ours == by_git


# ---- in a walk ------------------------------------------------------------------------------------------------------


def write(names: str) -> None:
    for name in names.split():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(TEMPLATE, encoding="utf-8")


def ignore(text: str, at: str = ".") -> None:
    Path(at).mkdir(parents=True, exist_ok=True)
    Path(at, ".gitignore").write_text(text, encoding="utf-8")


def audited(*paths: str) -> set[str]:
    return {one.path for one in load(paths or ["."]).inputs}


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("build/", "a.yaml app/a.yaml app/build.yaml"),
        ("/a.yaml", "app/a.yaml app/build.yaml app/build/b.yaml build/b.yaml"),
        ("a.yaml\r\n", "app/build.yaml app/build/b.yaml build/b.yaml"),
        ("*.yaml\n!build.yaml", "app/build.yaml"),
        ("app/**/b.yaml", "a.yaml app/a.yaml app/build.yaml build/b.yaml"),
        ("**/build\n!**/build/b.yaml", "a.yaml app/a.yaml app/build.yaml"),
        ("# *.yaml\n\n[", "a.yaml app/a.yaml app/build.yaml app/build/b.yaml build/b.yaml"),
    ],
)
def test_what_a_repository_leaves_out_is_not_audited(folder: Path, lines: str, kept: str) -> None:
    write("a.yaml app/a.yaml app/build.yaml app/build/b.yaml build/b.yaml")
    ignore(lines)
    assert audited() == set(kept.split())
    assert audited(str(folder)) == {str(folder / one) for one in kept.split()}


def test_the_nearest_file_decides(folder: Path) -> None:
    write("a.yaml app/a.yaml app/b.yaml app/deep/a.yaml")
    ignore("a.yaml")
    ignore("!a.yaml\nb.yaml", at="app")
    ignore("a.yaml", at="app/deep")
    assert audited() == {"app/a.yaml"}


def test_files_above_count_up_to_the_repository(folder: Path) -> None:
    write("repository/app/a.yaml repository/app/b.yaml repository/app/c.yaml")
    ignore("a.yaml")
    ignore("app/b.yaml", at="repository")
    assert audited("repository/app") == {f"repository/app/{one}.yaml" for one in "abc"}
    (folder / "repository" / ".git").mkdir()
    assert audited("repository/app") == {f"repository/app/{one}.yaml" for one in "ac"}


@pytest.mark.parametrize("lines", ["build", "build/*", "out/", "out"])
def test_a_folder_or_file_that_is_named_is_audited_all_the_same(folder: Path, lines: str) -> None:
    write("build/out/a.yaml")
    (folder / ".git").mkdir()
    ignore(lines)
    assert audited("build/out") == audited("build/out/a.yaml") == {"build/out/a.yaml"}


def test_an_assembly_that_is_left_out_is_told(folder: Path) -> None:
    write("a.yaml cdk.out/cdk.out dist/b.yaml")
    ignore("cdk.out\ndist")
    (told,) = load(["."]).skipped
    assert (told.target, told.broken) == ("cdk.out", False)
    assert "policy-audit check cdk.out" in told.help


def test_nothing_is_read_through_a_link(folder: Path) -> None:
    write("app/a.yaml")
    Path("patterns").write_text("a.yaml", encoding="utf-8")
    Path("app/.gitignore").symlink_to(folder / "patterns")
    assert audited("app") == {"app/a.yaml"}


@pytest.mark.parametrize("name", ["env/pyvenv.cfg", "assembly/cdk.out", "node_modules/x"])
def test_folders_that_others_fill_are_passed_over(folder: Path, name: str) -> None:
    top = Path(name).parts[0]
    write(f"a.yaml {name} {top}/asset.0a1b/b.yaml")
    assert audited() == {"a.yaml"}


# ---- hostile files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["*a" * 120, "**/" * 300 + "a", "**/*a" * 50, "[" * 5000, "[[:alpha:" * 500, "\\" * 9999, "?*" * 120 + "b"]
)
def test_a_hostile_pattern_takes_no_time(line: str) -> None:
    rules, path = Gitignore(line), ["a" * 250] * 50
    before = time.process_time()
    rules.ignores(path, is_folder=False)
    assert time.process_time() - before < 2


def test_patterns_that_take_too_long_leave_nothing_out_and_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policy_audit.sources.gitignore.MAXIMUM_WORK", 3000)
    write(" ".join(f"{'a' * 40}{number}.yaml" for number in range(9)))
    ignore("*.yaml\n*a*b*yaml")
    found = load(["."])
    assert 0 < len(found.inputs) < 9
    assert [one.reason for one in found.skipped] == [
        "the patterns of `.gitignore` take too long: from here on nothing is left out by them"
    ]
