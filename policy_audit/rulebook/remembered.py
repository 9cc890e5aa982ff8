"""The package's own rules as they were read last time, so that an unchanged set is not parsed and checked again."""

import marshal
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from policy_audit import __version__
from policy_audit.origin import Span
from policy_audit.rulebook.rule import Path, Permission, Principal, Property, Rule

_CLASSES: Final[tuple[Any, ...]] = (Rule, Path, Permission, Principal, Property, Span)
"""What a rule is made of, beside text and tuples. A class's place here is its name in the file."""
_MOST_BYTES: Final = 4 << 20


def recall(folder: str, files: Sequence[str]) -> tuple[Rule, ...] | None:
    """The rules of `files` if the cache `folder` holds them as they are now, else None.

    The cache is the user's own folder, and trusted as far as Python's own `.pyc` files are.
    """
    try:
        with open(_file(folder), "rb") as stored:
            key, rules = marshal.loads(stored.read(_MOST_BYTES))  # noqa: S302 - the user's own cache
        return tuple(_decoded(rule) for rule in rules) if key == _key(files) else None
    except (OSError, ValueError, EOFError, TypeError, IndexError):
        return None


def remember(folder: str, files: Sequence[str], rules: Sequence[Rule]) -> None:
    """Keeps `rules`, which were read from `files`; does nothing where the folder can't be written."""
    path = _file(folder)
    fresh = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(fresh, "wb") as stored:
            stored.write(marshal.dumps((_key(files), [_encoded(rule) for rule in rules])))
        os.replace(fresh, path)
    except OSError:
        return


def _file(folder: str) -> str:
    return os.path.join(folder, f"rules-{__version__}-{sys.implementation.cache_tag}")


def _key(files: Sequence[str]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of each file: what tells that none was edited."""
    stats = [(file, os.stat(file)) for file in files]
    return [(os.path.abspath(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats]


def _encoded(value: object) -> object:
    kind = type(value)
    if kind is tuple:
        return (-1, *[_encoded(one) for one in value])  # type: ignore[attr-defined]
    return (_CLASSES.index(kind), *[_encoded(one) for one in value]) if kind in _CLASSES else value  # type: ignore[attr-defined]


def _decoded(value: Any) -> Any:
    if type(value) is not tuple:
        return value
    kind, *parts = value
    found = [_decoded(one) for one in parts]
    return tuple(found) if kind == -1 else _CLASSES[kind](*found)
