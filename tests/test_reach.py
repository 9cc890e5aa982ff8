"""Which files an audit may open beside those that it was given."""

from pathlib import Path

import pytest

from policy_audit.errors import AuditError
from policy_audit.sources.reach import Reach


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inside" / "deep").mkdir(parents=True)
    (tmp_path / "inside" / "template.yaml").write_text("t", encoding="utf-8")
    (tmp_path / "inside" / "deep" / "workflow.json").write_text("w", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("s", encoding="utf-8")
    (tmp_path / "inside" / "link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("given", ["inside", "inside/template.yaml"])
def test_a_file_below_the_audited_folder_is_opened(folder: Path, given: str) -> None:
    reach = Reach([given])
    found = reach.beside("inside/template.yaml", "deep/workflow.json")
    assert (found, reach.text(found), reach.holds(found)) == ("inside/deep/workflow.json", "w", True)
    assert reach.text(reach.beside(found, "../template.yaml")) == "t"
    assert not reach.holds("inside/deep/none.json")
    assert not reach.holds("inside/deep")


@pytest.mark.parametrize("name", ["../secret.txt", "link.txt", "/etc/passwd", "deep/../../secret.txt"])
def test_nothing_outside_is_opened(folder: Path, name: str) -> None:
    reach = Reach(["inside"])
    with pytest.raises(AuditError, match="outside the audited folders"):
        reach.beside("inside/template.yaml", name)
    with pytest.raises(AuditError, match="outside the audited folders"):
        reach.text(f"inside/{name}" if not name.startswith("/") else name)
    assert reach.texts == {}


def test_a_file_that_the_user_names_is_opened_wherever_a_link_leads(folder: Path) -> None:
    reach = Reach(["inside/link.txt"])
    reach.allow("inside/link.txt")
    assert reach.text("inside/link.txt") == "s"


def test_a_text_that_is_of_no_use_is_forgotten(folder: Path) -> None:
    reach = Reach(["inside"])
    reach.text("inside/template.yaml")
    reach.forget("inside/template.yaml")
    assert reach.texts == {}
