"""What is kept in the user's cache folder comes back as it was, or not at all."""

import os
from pathlib import Path
from typing import Any

import pytest

from policy_audit.cache import cache_folder, recall, remember, stamps
from policy_audit.iam.reference import ConditionKey, Row

CLASSES = (Row, ConditionKey)
VALUE = (Row("bus", True, ("a:B",)), ConditionKey("a:B", "ArrayOfARN"), ("text", 1, None, ()))
KEY = ("1.0", [("file", 3, 5)])


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The one file of a cache that holds `VALUE` as `thing`."""
    remember(str(tmp_path / "cache"), "thing", KEY, VALUE, CLASSES)
    (file,) = (tmp_path / "cache").iterdir()
    return file


def recalled(file: Path, name: str = "thing", key: Any = KEY) -> Any:
    return recall(str(file.parent), name, key, CLASSES)


def test_records_come_back_as_they_were(stored: Path) -> None:
    found = recalled(stored)
    assert found == VALUE
    assert [type(one) for one in found] == [Row, ConditionKey, tuple]


def test_another_key_or_name_finds_nothing(stored: Path) -> None:
    assert recalled(stored, key=("1.1", [("file", 3, 5)])) is None
    assert recalled(stored, name="other") is None
    stored.with_name(stored.name.replace("thing", "other")).write_bytes(stored.read_bytes())
    assert recalled(stored, name="other") is None


def test_a_file_of_which_any_byte_is_lost_or_changed_is_as_good_as_none(stored: Path) -> None:
    content = stored.read_bytes()
    for index in range(len(content)):
        stored.write_bytes(content[:index])
        assert recalled(stored) is None
        stored.write_bytes(content[:index] + bytes([content[index] ^ 0x41]) + content[index + 1 :])
        assert recalled(stored) is None
    stored.write_bytes(content)
    assert recalled(stored) == VALUE


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"rubbish", b"{}", b"\x80\x04]", bytes(5 << 20)])
def test_a_file_of_something_else_is_as_good_as_none(stored: Path, content: bytes) -> None:
    stored.write_bytes(content)
    assert recalled(stored) is None


def test_a_folder_that_is_none_keeps_nothing(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for folder in (str(in_the_way), str(in_the_way / "below"), ""):
        remember(folder, "thing", KEY, VALUE, CLASSES)
        assert recall(folder, "thing", KEY, CLASSES) is None
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_the_file(stored: Path) -> None:
    stored.unlink()
    stored.mkdir()
    remember(str(stored.parent), "thing", KEY, VALUE, CLASSES)
    assert recalled(stored) is None


def test_stamps_tell_an_edited_file_and_one_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    gone = stamps([str(file)])
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    first = stamps([str(file)])
    os.utime(file, ns=(2, 2))
    touched = stamps([str(file)])
    file.write_text("more")
    os.utime(file, ns=(2, 2))
    assert len({str(each) for each in (gone, first, touched, stamps([str(file)]))}) == 4


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_folder_is_where_each_system_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = {"linux": ".cache", "darwin": "Library/Caches", "win32": "local"}[system]
    environment = {"LOCALAPPDATA": str(tmp_path / "local")}
    assert cache_folder(environment) == str(tmp_path / expected / "policy_audit")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == (
        str(tmp_path / expected / "policy_audit") if system == "darwin" else ""
    )
