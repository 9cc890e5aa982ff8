"""Where a configuration stands: a file of its own, or a section of `pyproject.toml` or `setup.cfg`, as one node."""

import os
import re
from collections.abc import Iterator
from typing import Any, Final

from policy_audit.errors import AuditError
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.nodes import parse_yaml
from policy_audit.sources.places import File
from policy_audit.unchanged import looked_at

NAME: Final = "policy_audit.yaml"
BASELINE: Final = "policy_audit_baseline.json"
"""The file of known findings, in the project's folder, when no other is named."""
SECTIONS: Final = {"pyproject.toml": "[tool.policy_audit", "setup.cfg": "[policy_audit]"}
"""Files of several tools, by what a section for this one begins with."""
_OPTION: Final = re.compile(r"([\w-]+)[ \t]*[=:]")


def find_config(start: str) -> str:
    """The path of the configuration nearest to the folder `start`, or empty.

    It is looked for in `start` and upwards, up to and including the first folder that holds `.git`. In one folder,
    `policy_audit.yaml` comes before `pyproject.toml`, and this before `setup.cfg`.
    """
    for folder in _upwards(start):
        for name in (NAME, *SECTIONS):
            path = os.path.join(folder, name)
            looked_at(path)
            if os.path.isfile(path) and (name == NAME or _has_section(path)):
                return os.path.normpath(os.path.join(start, os.path.relpath(path, os.path.abspath(start))))
    return ""


def project_folder(start: str) -> str:
    """The nearest folder upwards that holds `.git`, relative to `start`; empty for `start`, and where there is none."""
    *_, last = _upwards(start)
    looked_at(os.path.join(last, ".git"))
    found = os.path.relpath(last, start) if os.path.exists(os.path.join(last, ".git")) else "."
    return "" if found == "." else found


def _upwards(start: str) -> Iterator[str]:
    """The folder and those above it, up to the first that holds `.git`."""
    folder = os.path.abspath(start)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        looked_at(os.path.join(folder, ".git"))
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent


def _has_section(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return SECTIONS[os.path.basename(path)] in file.read()
    except OSError:
        return False


def parse_config(text: str, path: str) -> Node:
    """What `text`, of the file at `path`, says to this tool, with the place of each value.

    Raises AuditError for what is not of the form that the file's name tells.
    """
    if path.endswith(".toml"):
        return _of_toml(text, path)
    return _of_sections(text, path) if path.endswith(".cfg") else parse_yaml(text, path)


# ---- setup.cfg ------------------------------------------------------------------------------------------------------


def _of_sections(text: str, path: str) -> Mapping:
    """The section `[policy_audit]`: a value is written as in `policy_audit.yaml`, on its line or below it, indented."""
    source = File(path, text, "yaml")
    entries = []
    lines = text.splitlines(keepends=True)
    within, at = False, 0
    for number, line in enumerate(lines):
        if line.startswith("["):
            within = line.strip() == SECTIONS["setup.cfg"]
        elif within and (option := _OPTION.match(line)):
            key = Scalar(option.group(1), "string", Place(source, at, at + len(option.group(1))))
            end = next((n for n in range(number + 1, len(lines)) if lines[n][0] not in " \t\r\n"), None)
            # What stands before the value is blanked, so that the value keeps its place.
            before = re.sub(r"[^\n]", " ", "".join(lines[:number])) + " " * option.end()
            value = before + line[option.end() :] + "".join(lines[number + 1 : end])
            entries.append(Entry(key, parse_yaml(value, path)))
        at += len(line)
    return Mapping(tuple(entries), Place(source, 0, 0))


# ---- pyproject.toml -------------------------------------------------------------------------------------------------


def _of_toml(text: str, path: str) -> Node:
    import tomllib

    source = File(path, text, "value")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        place = f"{path}:{where[1]}:{where[2]}" if where else path
        raise AuditError(f"this is no TOML: {str(error).lower()}", where=place, help="mend the file") from None
    begin = max(text.find(SECTIONS["pyproject.toml"]), 0)
    return _Toml(source, begin).node(document.get("tool", {}).get("policy_audit", {}), begin)


class _Toml:
    """Values of a TOML document as nodes. The library tells no places: a key stands where its name is next assigned."""

    def __init__(self, source: File, begin: int) -> None:
        self._source, self._begin = source, begin

    def node(self, value: Any, at: int) -> Node:
        if isinstance(value, dict):
            entries = []
            for name, below in value.items():
                start = self._find(name, at)
                key = Scalar(name, "string", Place(self._source, start, start + len(name)))
                entries.append(Entry(key, self.node(below, start)))
                at = max(at, start)
            return Mapping(tuple(entries), Place(self._source, at, at))
        if isinstance(value, list):
            return Sequence(tuple(self.node(item, at) for item in value), Place(self._source, at, at))
        if isinstance(value, bool):
            return Scalar(str(value).lower(), "boolean", Place(self._source, at, at))
        kind = "number" if isinstance(value, (int, float)) else "string"
        return Scalar(str(value), "number" if kind == "number" else "string", Place(self._source, at, at))

    def _find(self, name: str, at: int) -> int:
        """Where `name` is assigned, or its table begins, from `at` on; else from the begin of the section on."""
        assigned = re.compile(rf"(?:^|[\s{{,.])\"?({re.escape(name)})\"?[ \t]*(?:=|\])", re.M)
        found = assigned.search(self._source.text, at) or assigned.search(self._source.text, self._begin)
        return found.start(1) if found else at
