"""Changes of documents as edits of the files: those of several fixes are written together where they meet."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from policy_audit.mending.layout import Cut, Found, Layout
from policy_audit.mending.sites import Layouts
from policy_audit.mending.statements import merged_statements, tidied
from policy_audit.model.fix import Append, At, Change, NameByArn, Put, Remove, Rename, Replace, Rewrite
from policy_audit.model.node import Mapping as Object
from policy_audit.model.node import Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.record import NamedTuple


class _Target(NamedTuple):
    """A node that is there, and what is to become of it: entries or items more, or another value."""

    kind: str
    found: Found
    value: object


class ConflictError(Exception):
    """Two fixes want different things of one place."""


class _File:
    """What is to be done to one file: targets by their node, other edits, and where all of them stand, in order."""

    def __init__(self, layout: Layout | None) -> None:
        self.layout = layout
        self.targets: dict[int, _Target] = {}
        self.cuts: dict[Cut, None] = {}
        self.taken: list[tuple[int, int]] = []

    def occupy(self, cuts: Sequence[Cut], undo: list[Callable[[], None]]) -> None:
        """Marks the stretches of `cuts` as taken. Raises ConflictError where one of them overlaps another."""
        for one in cuts:
            stretch = (one.start, one.end)
            index = bisect_left(self.taken, stretch)
            before = self.taken[index - 1] if index else None
            after = self.taken[index] if index < len(self.taken) else None
            if (before and before[1] > one.start) or (after and _meet(stretch, after)) or before == stretch:
                raise ConflictError
            if before and before[0] == one.start and before[1] == before[0] < one.end:
                raise ConflictError
            self.taken.insert(index, stretch)
            undo.append(lambda stretch=stretch: self.taken.remove(stretch))  # type: ignore[misc]

    def written(self) -> list[Cut]:
        """All edits, in order."""
        found = [*self.cuts]
        for target in self.targets.values():
            found += self.of(target) or ()
        return sorted(found)

    def of(self, target: _Target) -> Sequence[Cut] | None:
        """The edits that a target is; None where it can't be written."""
        cuts = None if self.layout is None else _written(self.layout, target)
        return None if cuts is None or self.layout is None else _shifted(cuts, self.layout.skipped)


def _shifted(cuts: Sequence[Cut], more: int) -> Sequence[Cut]:
    return [Cut(one.start + more, one.end + more, one.new) for one in cuts] if more else cuts


def _meet(one: tuple[int, int], after: tuple[int, int]) -> bool:
    return after[0] < one[1] or after == one or (after[0] == one[0])


class Drafts:
    """The edits of several fixes in the files of `layouts`. A fix is taken as a whole, or not at all."""

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self._files: dict[str, _File] = {}

    def _file(self, path: str) -> _File:
        return self._files.setdefault(path, _File(self._layouts.of(path)))

    def take(self, changes: Sequence[Change]) -> bool:
        """Whether the changes could be taken, all of them."""
        undo: list[Callable[[], None]] = []
        try:
            if changes and all(self._take(one, undo) for one in changes):
                return True
        except ConflictError:
            pass
        for step in reversed(undo):
            step()
        return False

    def _take(self, change: Change, undo: list[Callable[[], None]]) -> bool:
        if isinstance(change, Replace | NameByArn):
            return False
        if isinstance(change, Rewrite):
            return self._cut(change.file, Cut(change.start, change.end, change.new), undo)
        path = change.at if isinstance(change.at, str) else change.at.file
        layout = self._layouts.of(path)
        start = None if layout is None else self._start(layout, change.at)
        if layout is None or start is None:
            return False
        if isinstance(change, Remove | Rename):
            there: Found | None = start
            for name in change.path:
                there = layout.child(there, name) if there is not None else None
            if isinstance(change, Rename):
                cut = layout.renamed(there, change.name) if there is not None else None
            else:
                cut = layout.without(there) if there is not None else None
            return cut is not None and self._cut(path, _shifted((cut,), layout.skipped)[0], undo)
        return self._want(path, layout, start, change, undo)

    @staticmethod
    def _start(layout: Layout, at: At) -> Found | None:
        return Found(layout.document, ()) if isinstance(at, str) else layout.at(at)

    def _cut(self, path: str, cut: Cut, undo: list[Callable[[], None]]) -> bool:
        file = self._file(path)
        if cut not in file.cuts:
            file.occupy((cut,), undo)
            file.cuts[cut] = None
            undo.append(lambda: file.cuts.__delitem__(cut))
        return True

    def _want(
        self, path: str, layout: Layout, found: Found, change: Put | Append, undo: list[Callable[[], None]]
    ) -> bool:
        names = list(change.path)
        value = [change.value] if isinstance(change, Append) else change.value
        while names and (child := layout.child(found, names[0])) is not None:
            if isinstance(child.node, Scalar) and child.node.kind == "null":
                return False
            found, names = child, names[1:]
        if names:
            if not _is_plain_mapping(found.node):
                return False
            for name in reversed(names[1:]):
                value = {name: value}
            target = _Target("entries", found, {names[0]: value})
        else:
            target = _Target("items" if isinstance(change, Append) else "value", found, value)
        return self._note(path, target, undo)

    def _note(self, path: str, target: _Target, undo: list[Callable[[], None]]) -> bool:
        file = self._file(path)
        key = id(target.found.node)
        known = file.targets.get(key)
        if known is not None:
            if known.kind != target.kind:
                raise ConflictError
            if isinstance(known.value, list) and isinstance(target.value, list) and known.kind == "items":
                value, before = known.value, len(known.value)
                value += target.value
                undo.append(lambda: value.__delitem__(slice(before, None)))
                return True
            file.targets[key] = target._replace(value=_merged(known.value, target.value))
            undo.append(lambda: file.targets.update({key: known}))
            return True
        cuts = file.of(target)
        if cuts is None:
            return False
        file.occupy(cuts, undo)
        file.targets[key] = target
        undo.append(lambda: file.targets.__delitem__(key))
        return True

    def cuts(self) -> dict[str, list[Cut]]:
        """The edits by path, in order, as offsets in the texts."""
        found = {path: file.written() for path, file in self._files.items()}
        return {path: cuts for path, cuts in found.items() if cuts}


def _is_plain_mapping(node: Node) -> bool:
    """A mapping that is no function: what is added to `Fn::If` is no entry."""
    if not isinstance(node, Object):
        return False
    return not (len(node.entries) == 1 and (node.entries[0].key.text.startswith("Fn::") or _is_ref(node)))


def _is_ref(node: Object) -> bool:
    return node.entries[0].key.text == "Ref"


def _written(layout: Layout, target: _Target) -> Sequence[Cut] | None:
    node, value = target.found.node, target.value
    cut: Cut | None = None
    if target.kind == "entries" and isinstance(node, Object) and isinstance(value, dict):
        cut = layout.with_entries(node, {key: tidied(one) for key, one in value.items()})
    elif target.kind == "items" and isinstance(value, list):
        if isinstance(node, List):
            cut = layout.with_items(node, _tidy(value))
        else:
            return layout.as_list(node, _tidy(value))
    elif target.kind == "value":
        cut = layout.instead(node, tidied(value))
    return None if cut is None else (cut,)


def _tidy(items: list[object]) -> list[object]:
    found = tidied(merged_statements(items))
    return found if isinstance(found, list) else items


def _merged(one: object, other: object) -> object:
    """Two values that come to one place as one. Raises ConflictError where they can't be both."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        found = dict(one)
        for key, value in other.items():
            found[key] = _merged(found[key], value) if key in found else value
        return found
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    raise ConflictError
