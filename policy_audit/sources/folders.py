"""Which files below a folder are worth a look: not what others wrote, what git leaves out, or what lies outside."""

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from policy_audit.findings import Skipped
from policy_audit.unchanged import looked_at

if TYPE_CHECKING:
    from policy_audit.sources.gitignore import Gitignore

PASSED_OVER: Final = frozenset({"node_modules", "bower_components", "__pycache__", "venv", "site-packages"})
"""Folders that hold other people's files. Names that start with a dot are passed over as well."""
_ENVIRONMENT: Final = "pyvenv.cfg"
"""What a virtual environment of Python has, whatever its name."""
_ASSEMBLY: Final = "cdk.out"
"""What a cloud assembly has, whatever its name: folders `asset.<hash>` beside it are code that is uploaded."""
_GITIGNORE: Final = ".gitignore"
_HIGHEST: Final = 100
"""How many folders above are looked into for the one that has the repository."""


def walk(folder: str, suffixes: tuple[str, ...], skipped: list[Skipped]) -> Iterator[str]:
    """The files below a folder that end in one of `suffixes`, sorted. A link that leads out of it is not followed.

    What can't be read goes to `skipped`, and a cloud assembly that the repository leaves out.
    """
    inside = os.path.realpath(folder)
    ignored = _Ignored(folder, inside, skipped)

    def unread(error: OSError) -> None:
        reason = f"cannot read the folder: {(error.strerror or str(error)).lower()}"
        skipped.append(Skipped(os.path.normpath(error.filename), reason, "check its permissions", broken=True))

    for root, folders, files in os.walk(folder, onerror=unread):
        if _ENVIRONMENT in files and root != folder:
            folders.clear()
            continue
        ignored.enter(root, files)
        assembly = _ASSEMBLY in files
        own = sorted(name for name in folders if not _is_of_others(name, assembly))
        folders[:] = [name for name in own if not ignored.has_folder(root, name)]
        for name in sorted(one for one in files if one.endswith(suffixes) and not one.startswith(".")):
            path = os.path.normpath(os.path.join(root, name))
            if _within(path, inside) and not ignored.has(name):
                yield path


def _is_of_others(name: str, in_assembly: bool) -> bool:
    return name.startswith(".") or name in PASSED_OVER or (in_assembly and name.startswith("asset."))


def _within(path: str, folder: str) -> bool:
    if not os.path.islink(path):
        return True
    return os.path.commonpath((os.path.realpath(path), folder)) == folder


class _Ignored:
    """What the `.gitignore` files of one walk leave out, and of the folders above it up to its repository's."""

    def __init__(self, top: str, real: str, skipped: list[Skipped]) -> None:
        self._top = top
        self._skipped = skipped
        self._files: dict[tuple[str, ...], Gitignore] = {}
        """By the names on the way from the repository's folder."""
        self._work = 0
        self._prefix = self._here = _in_repository(real)
        self._read_above(real)

    def enter(self, root: str, files: list[str]) -> None:
        """Goes over to a folder, and goes by its `.gitignore` from there on downwards."""
        below = os.path.relpath(root, self._top)
        self._here = self._prefix if below == os.curdir else (*self._prefix, *below.split(os.sep))
        if _GITIGNORE in files:
            self._read(root, self._here)

    def has(self, name: str) -> bool:
        """Whether a file of the folder is left out."""
        return bool(self._files) and self._decides((*self._here, name), is_folder=False)

    def has_folder(self, root: str, name: str) -> bool:
        """Whether a folder of the folder is left out with all that is in it; a cloud assembly is told of."""
        if not self._files or not self._decides((*self._here, name), is_folder=True):
            return False
        path = os.path.normpath(os.path.join(root, name))
        looked_at(os.path.join(path, _ASSEMBLY))
        if os.path.isfile(os.path.join(path, _ASSEMBLY)):
            help = f"name it to have it audited: `policy-audit check {path}`"
            self._skipped.append(Skipped(path, "`.gitignore` leaves out this cloud assembly", help))
        return True

    def _decides(self, path: tuple[str, ...], is_folder: bool) -> bool:
        """Whether the nearest file that says something of `path` leaves it out."""
        from policy_audit.sources.gitignore import MAXIMUM_WORK

        for depth in range(len(path) - 1, -1, -1):
            rules = self._files.get(path[:depth])
            if rules is None:
                continue
            if self._work > MAXIMUM_WORK:
                return False
            found, work = rules.ignores(path[depth:], is_folder)
            self._work += work
            if self._work > MAXIMUM_WORK:
                reason = "the patterns of `.gitignore` take too long: from here on nothing is left out by them"
                self._skipped.append(Skipped(os.path.join(*path), reason, "name the files to audit"))
            if found is not None:
                return found
        return False

    def _read_above(self, real: str) -> None:
        """Reads what counts for the whole walk. Where that leaves out the very folder that the user named, it has no
        say in what is below."""
        folder = real
        for depth in range(len(self._prefix) - 1, -1, -1):
            folder = os.path.dirname(folder)
            self._read(folder, self._prefix[:depth])
        if any(self._decides(self._prefix[:end], is_folder=True) for end in range(1, len(self._prefix) + 1)):
            self._files.clear()

    def _read(self, folder: str, names: tuple[str, ...]) -> None:
        """Like git, it follows no link."""
        path = os.path.join(folder, _GITIGNORE)
        looked_at(path)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return
            from policy_audit.sources.gitignore import MAXIMUM_BYTES, Gitignore

            with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                self._files[names] = Gitignore(file.read(MAXIMUM_BYTES))
        except OSError:
            return


def _in_repository(real: str) -> tuple[str, ...]:
    """The names on the way to a folder from the one that has its repository; none if there is no repository."""
    names: list[str] = []
    folder = real
    for _ in range(_HIGHEST):
        looked_at(os.path.join(folder, ".git"))
        if os.path.lexists(os.path.join(folder, ".git")):
            return tuple(reversed(names))
        folder, name = os.path.split(folder)
        if not name:
            break
        names.append(name)
    return ()
