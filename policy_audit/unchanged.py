"""What an audit printed, kept for the next run in which nothing has changed of what it looked at."""

import os
import sys
from collections.abc import Sequence
from stat import S_IFMT, S_ISDIR, S_ISREG
from time import strftime, time_ns
from typing import Any, Final

from policy_audit import cache
from policy_audit.record import NamedTuple

_LOOKED_AT: Final = "policy_audit.looked_at"
_LISTED: Final = frozenset({"os.scandir", "os.listdir"})
_CODE: Final = (".pyc", ".py", ".so", ".pyd")
_COARSE: Final = 1_000_000_000
"""The unit, in nanoseconds, of the clock of a file system that tells no finer times."""
_FRESH: Final = {True: 2_500_000_000, False: 100_000_000}
"""How long after a change, in nanoseconds, another one may bear the same time; by whether the clock is coarse."""
_MOST_KEPT: Final = 64
"""How many outputs are kept, for other folders and options: the oldest go."""
_NAME: Final = "run"
Stamp = tuple[int, ...]
"""What tells that a file, or the list of what is in a folder, is the one it was. Empty for what is not there."""


class Printed(NamedTuple):
    """What a run came to."""

    text: str
    exit_code: int


def looked_at(path: str) -> None:
    """Says that what comes out depends on whether `path` is there, and on what it holds.

    To be called where code asks for a path without opening or listing it: Python tells of the others by itself.
    """
    sys.audit(_LOOKED_AT, path)


def printed(folder: str, asked: Sequence[Any]) -> Printed | None:
    """What a run that was `asked` the same has printed, if all that it looked at is as it was then; else None."""
    key = _key(asked)
    kept = cache.recall(folder, _name(key), key, (Printed,))
    if kept is None:
        return None
    files, folders, result = kept
    same = all(_stamp(path) == stamp for path, stamp in files) and all(
        _stamp(path, listed=True) == stamp for path, stamp in folders
    )
    found: Printed | None = result if same else None
    return found


class Watch:
    """While it is entered: every file and folder of this process that is opened, listed or `looked_at`, with its stamp.

    Those are the files as they were before they were read: one that changes meanwhile is another one the next time.
    """

    def __init__(self, folder: str, asked: Sequence[Any]) -> None:
        """For a run that begins now and was `asked` this; an empty `folder` watches and keeps nothing."""
        self._own = os.path.join(folder, "") if folder else ""
        self._key = _key(asked) if folder else ()
        self._files: dict[str, Stamp] = {}
        self._folders: dict[str, Stamp] = {}
        self._settled = True
        """Whether a change of any of them is sure to show."""

    def __enter__(self) -> "Watch":
        if self._own:
            _Hook.watch = self
            _Hook.install()
        return self

    def __exit__(self, *_: object) -> None:
        _Hook.watch = None

    def keep(self, result: Printed) -> None:
        """Keeps the result for `printed`, unless a change of what was looked at might not show."""
        if not self._own:
            return
        for module in [*sys.modules.values()]:
            # The code itself, which is edited in a checkout, and the libraries that it goes by.
            name, file = getattr(module, "__name__", ""), getattr(module, "__file__", None)
            if file and (name.startswith("policy_audit.") or ("." not in name and "site-packages" in file)):
                self.note(file)
        if self._settled:
            value = (tuple(self._files.items()), tuple(self._folders.items()), result)
            _forget_old(self._own)
            cache.remember(self._own, _name(self._key), self._key, value, (Printed,))

    def note(self, path: str, listed: bool = False) -> None:
        """Notes what is at `path` now."""
        known = self._folders if listed else self._files
        if path in known or path.startswith(self._own):
            return
        known[path] = stamp = _stamp(path, listed)
        if len(stamp) > 1:
            kind, _, *times, _ = stamp
            latest = max(times)
            fresh = time_ns() - latest <= _FRESH[latest % _COARSE == 0]
            self._settled = self._settled and not fresh and (S_ISREG(kind) or S_ISDIR(kind))


class _Hook:
    """Python's audit hook, which can be set but not taken away: one for the process, and one watch at a time."""

    watch: Watch | None = None
    _installed = False

    @classmethod
    def install(cls) -> None:
        if not cls._installed:
            cls._installed = True
            sys.addaudithook(cls._heard)

    @classmethod
    def _heard(cls, event: str, arguments: tuple[Any, ...]) -> None:
        watch = cls.watch
        if watch is None or not (event == "open" or event == _LOOKED_AT or event in _LISTED):
            return
        if isinstance(arguments[0], int | None):  # A file that is open already, or the current folder: none of ours.
            return
        path = os.fsdecode(arguments[0])
        if not (event == "open" and path.endswith(_CODE)):
            watch.note(path, event in _LISTED)


def _key(asked: Sequence[Any]) -> tuple[Any, ...]:
    """With the day, as an ignore may expire."""
    return (*asked, os.getcwd(), strftime("%Y-%m-%d"))


def _name(key: tuple[Any, ...]) -> str:
    from binascii import crc32

    return f"{_NAME}-{crc32(repr(key[:-1]).encode('utf-8', 'surrogateescape')):08x}"


def _stamp(path: str, listed: bool = False) -> Stamp:
    """Of a folder that was not `listed`, only that it is one: what is in it was looked at by name."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    kind = S_IFMT(found.st_mode)
    if S_ISDIR(kind) and not listed:
        return (kind,)
    return (kind, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _forget_old(folder: str) -> None:
    try:
        kept = [one for one in os.scandir(folder) if one.name.startswith(f"{_NAME}-")]
        for one in sorted(kept, key=lambda one: one.stat().st_mtime_ns)[: max(len(kept) - _MOST_KEPT + 1, 0)]:
            os.unlink(one.path)
    except OSError:
        return
