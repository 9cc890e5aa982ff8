"""The user's cache folder: where it is, and how records are kept in it from one run to the next."""

import marshal
import os
import sys
from binascii import crc32
from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy_audit import __version__

_MOST_BYTES: Final = 4 << 20
_CHECKSUM_BYTES: Final = 4
Classes = tuple[Any, ...]
"""The classes of which kept records are made, beside tuples and plain values. A class's place is its name on disk."""


def cache_folder(environment: Mapping[str, str]) -> str:
    """The folder for what may be remembered between runs, in the place that each system has for it; empty if none."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = environment.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return os.path.join(base, "policy_audit") if os.path.isabs(base) else ""


def stamps(files: Sequence[str]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of each file: what tells that none was edited. One that is gone has -1 for both."""
    return [_stamp(file) for file in files]


def recall(folder: str, name: str, key: object, classes: Classes) -> Any | None:
    """What was kept as `name` under an equal `key`, else None. An empty `folder` holds nothing.

    A file that is cut off, damaged or not ours is as good as none. Beyond that, the folder is the user's own and
    trusted as far as Python's own `.pyc` files are.
    """
    if not folder:
        return None
    try:
        with open(_file(folder, name), "rb") as stored:
            content = stored.read(_MOST_BYTES)
        packed = content[_CHECKSUM_BYTES:]
        # `marshal` may crash, or read something else, where bytes have changed.
        if content[:_CHECKSUM_BYTES] != _checksum(packed):
            return None
        kept, value = marshal.loads(packed)  # noqa: S302 - the user's own cache
        # With the name, lest a file that was copied over another one stands for it.
        return _decoded(value, classes) if kept == (name, key, _fields(classes)) else None
    except (OSError, ValueError, EOFError, TypeError, IndexError):
        return None


def remember(folder: str, name: str, key: Any, value: object, classes: Classes) -> None:
    """Keeps `value` as `name` for runs that have an equal `key`; does nothing where the folder can't be written.

    Both are plain values and tuples, `value` with records of `classes` in it.
    """
    if not folder:
        return
    path = _file(folder, name)
    fresh = f"{path}.{os.getpid()}"
    packed = marshal.dumps(((name, key, _fields(classes)), _encoded(value, classes)))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(fresh, "wb") as stored:
            stored.write(_checksum(packed) + packed)
        os.replace(fresh, path)
    except OSError:
        return


def _stamp(file: str) -> tuple[str, int, int]:
    try:
        stat = os.stat(file)
    except OSError:
        return os.path.abspath(file), -1, -1
    return os.path.abspath(file), stat.st_size, stat.st_mtime_ns


def _file(folder: str, name: str) -> str:
    return os.path.join(folder, f"{name}-{__version__}-{sys.implementation.cache_tag}")


def _checksum(content: bytes) -> bytes:
    return crc32(content).to_bytes(_CHECKSUM_BYTES, "big")


def _encoded(value: Any, classes: Classes) -> Any:
    """`value` for marshal: a record is a list of its class's place and its fields, a tuple with records one of -1.

    Tuples of plain values stay what they are, so that nothing is made of them again.
    """
    kind = type(value)
    if not isinstance(value, tuple):
        return value
    parts = [_encoded(one, classes) for one in value]
    if kind in classes:
        return [classes.index(kind), *parts]
    return [-1, *parts] if list in map(type, parts) else value


def _decoded(value: Any, classes: Classes) -> Any:
    """The record or tuple that such a list stands for."""
    if type(value) is not list:
        return value
    kind, *parts = [_decoded(one, classes) if type(one) is list else one for one in value]
    return tuple(parts) if kind == -1 else classes[kind]._make(parts)


def _fields(classes: Classes) -> tuple[tuple[str, ...], ...]:
    """What the records are made of: another version of a class reads nothing that was kept of this one."""
    return tuple((kind.__name__, *kind._fields) for kind in classes)
