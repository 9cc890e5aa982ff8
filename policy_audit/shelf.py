"""Keeps things in order, and the many of them on disk: what a run holds must not grow with what it reads.

The file has no name, is nobody else's, and is gone with the process. Where there is none to be had, memory it is.
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from typing import IO

T = TypeVar("T")


class _At(NamedTuple):
    """Where in the file a record is."""

    start: int
    end: int


class _Disk:
    """A file of records."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def put(self, record: bytes) -> _At:
        """Writes a record; returns where it is. Raises OSError."""
        if self._file is None:
            # A run of few files does without.
            from tempfile import TemporaryFile

            self._file = TemporaryFile()  # noqa: SIM115 - it stays open as long as this does
        self._file.seek(self._end)
        self._file.write(record)
        start, self._end = self._end, self._end + len(record)
        return _At(start, self._end)

    def get(self, where: _At) -> bytes:
        assert self._file is not None
        self._file.seek(where.start)
        return self._file.read(where.end - where.start)


class _Numbered(Sequence[T], Generic[T]):
    """What a sequence is, by what stands `_at` a number."""

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        numbers = range(len(self))[index]
        return self._at(numbers) if isinstance(numbers, int) else [*map(self._at, numbers)]

    @abstractmethod
    def _at(self, number: int) -> T: ...


class Shelf(_Numbered[T]):
    """Things that are read again and again. Those that are added together have a size; beyond `room` they go to disk.

    The last ones stay, so that a single file's are here, however large. What comes from disk is new each time.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: list[T | _At] = []
        self._disk = _Disk()
        self._large = 0
        """How many of the last ones are not to stay."""

    def add(self, *items: T, size: int) -> None:
        """Adds what belongs together."""
        for number in range(len(self._items) - self._large, len(self._items)):
            self._items[number] = self._stored(self._items[number])
        self._large = len(items) if size > self._room else 0
        self._room -= min(size, self._room)
        self._items += items

    def _stored(self, item: T | _At) -> T | _At:
        if isinstance(item, _At):
            return item
        import pickle

        try:
            return self._disk.put(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
        except (OSError, RecursionError):
            return item

    def only(self, numbers: Sequence[int]) -> None:
        """Keeps the things of these numbers, in this order."""
        self._items = [self._items[number] for number in numbers]
        self._large = 0

    def __len__(self) -> int:
        return len(self._items)

    def _at(self, number: int) -> T:
        return self._loaded(self._items[number])

    def __iter__(self) -> Iterator[T]:
        return map(self._loaded, self._items)

    def _loaded(self, item: T | _At) -> T:
        if not isinstance(item, _At):
            return item
        import pickle

        # Nobody but this process has written there.
        found: T = pickle.loads(self._disk.get(item))  # noqa: S301
        return found


class Boxes(_Numbered[T]):
    """Things that are added many at a time, each such box in memory or on disk as a whole; `room` is for so many."""

    def __init__(self, room: int) -> None:
        self._boxes: Shelf[tuple[T, ...]] = Shelf(room)
        self._ends: list[int] = []

    def add(self, items: Iterable[T]) -> None:
        box = tuple(items)
        self._boxes.add(box, size=len(box))
        self._ends.append(len(self) + len(box))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _at(self, number: int) -> T:
        box = bisect_right(self._ends, number)
        return self._boxes[box][number - (self._ends[box - 1] if box else 0)]

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._boxes)

    def __reduce__(self) -> tuple[type[tuple[T, ...]], tuple[tuple[T, ...]]]:
        """What goes to another process: all of it."""
        return tuple, (tuple(self),)


class Texts(MutableMapping[str, str]):
    """Texts by path; beyond `room` characters they go to disk."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._texts: dict[str, str | _At] = {}
        self._disk = _Disk()

    def __setitem__(self, path: str, text: str) -> None:
        fits = len(text) <= self._room
        self._room -= min(len(text), self._room)
        self._texts[path] = text if fits else self._stored(text)

    def _stored(self, text: str) -> str | _At:
        try:
            return self._disk.put(text.encode("utf-8", "surrogatepass"))
        except OSError:
            return text

    def __getitem__(self, path: str) -> str:
        found = self._texts[path]
        return self._disk.get(found).decode("utf-8", "surrogatepass") if isinstance(found, _At) else found

    def __delitem__(self, path: str) -> None:
        del self._texts[path]

    def __contains__(self, path: object) -> bool:
        return path in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)
