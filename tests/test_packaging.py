"""What the package needs at run time is in its wheel: rules and pages, tables, schemas, and every package of code."""

import configparser
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ROOT / "policy_audit"


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def patterns(package: str) -> list[str]:
    """The patterns of `package_data`, each for a path with as many folders as it has itself."""
    return setup()["options.package_data"][package].split()


def is_packed(path: Path, package: str) -> bool:
    return any(
        len(path.parts) == pattern.count("/") + 1 and fnmatch(path.as_posix(), pattern) for pattern in patterns(package)
    )


def test_every_rule_and_page_is_in_the_wheel() -> None:
    files = [path.relative_to(ROOT / "rules") for path in (ROOT / "rules").rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    assert len(files) > 40
    assert not [path for path in files if not is_packed(path, "policy_audit.rules")]
    assert setup()["options"]["package_dir"].split() == ["policy_audit.rules", "=", "rules"]


def test_every_data_file_is_in_the_wheel() -> None:
    files = [path.relative_to(CODE) for path in CODE.rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in {".py", ".pyc"}]
    assert Path("report.schema.json") in data
    assert not [path for path in data if not is_packed(path, "policy_audit")]


def test_every_package_is_in_the_wheel() -> None:
    """All but the tools that make the package's tables, which nothing imports."""
    folders = {path.parent.relative_to(ROOT) for path in CODE.rglob("*.py")} - {Path("policy_audit/devtools")}
    named = set(setup()["options"]["packages"].split()) - {"policy_audit.rules"}
    assert {".".join(folder.parts) for folder in folders} == named
