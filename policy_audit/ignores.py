"""Which findings the user ignores: by comments and `Metadata` of the audited files, and by the configuration."""

from collections.abc import Iterable, Sequence
from typing import Final

from policy_audit.collect import Line
from policy_audit.findings import Checked, Ignored
from policy_audit.model.ignores import AuditedIgnore, Ignore
from policy_audit.model.patterns import glob
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import read_text


class Sorted(NamedTuple):
    """The open requirements, without the findings that are ignored; these; and what became of each ignore."""

    lines: list[Line]
    ignored: tuple[Ignored, ...]
    ignores: tuple[AuditedIgnore, ...]


def sort(lines: Iterable[Line], ignores: Sequence[Ignore], today: str, disabled: frozenset[str]) -> Sorted:
    """`lines`, parted by `ignores`, which count up to and including the day that they end.

    An ignore counts as used, too, if what it covers is undecided, which may be a finding or not. One of a `disabled`
    rule can cover nothing, and is not held to be useless for that.
    """
    by_file: dict[tuple[str, str], list[int]] = {}
    for number, ignore in enumerate(ignores):
        for file in _files(ignore) if not ignore.problem and not _expired(ignore, today) else ():
            by_file.setdefault((ignore.rule, file), []).append(number)
    used: set[int] = set()
    left: list[Line] = []
    ignored: list[Ignored] = []
    for one in lines:
        files = (_ANY, _file(one.checked.address), one.span.file) if one.checked.answer != "proven" else ()
        candidates = {number for file in files for number in by_file.get((one.checked.rule, file), ())}
        covering = [number for number in sorted(candidates) if covers(ignores[number], one)]
        used.update(covering)
        if covering and one.finding is not None:
            first = ignores[covering[0]]
            ignored.append(Ignored(one.finding, first.reason, first.span, first.in_source))
            one = one._replace(finding=None)
        left.append(one)
    audited = (
        AuditedIgnore(ignore, number in used or ignore.rule in disabled, _expired(ignore, today))
        for number, ignore in enumerate(ignores)
    )
    return Sorted(left, tuple(ignored), tuple(audited))


def covers(ignore: Ignore, one: Line) -> bool:
    """Whether the ignore, of the rule in question, covers the finding or the open requirement."""
    if ignore.action and ignore.action.lower() not in map(str.lower, one.actions):
        return False
    if ignore.requirement and ignore.requirement != one.checked.requirement:
        return False
    place, address = one.span, one.checked.address
    named = any(
        pattern == address or (_is_open(pattern) and glob(pattern).matches(address)) for pattern in ignore.addresses
    )
    return named or any(_within(place, stretch) for stretch in ignore.stretches)


_ANY: Final = "*"
"""In the place of a file: any."""


def _files(ignore: Ignore) -> set[str]:
    """The files that the ignore's addresses and stretches are in; `_ANY` for an address that may be in several."""
    of_addresses = {_ANY if _is_open(_file(one)) else _file(one) for one in ignore.addresses}
    return of_addresses | {one.file for one in ignore.stretches}


def _file(address: str) -> str:
    return address.partition("#")[0]


def _is_open(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _within(place: Span, stretch: Span) -> bool:
    return (
        place.file == stretch.file
        and (stretch.line, stretch.column) <= (place.line, place.column)
        and (place.line, place.column) < (stretch.end_line, stretch.end_column)
    )


def _expired(ignore: Ignore, today: str) -> bool:
    return bool(ignore.expires) and ignore.expires < today


def concerning(ignores: Iterable[Ignore], files: Iterable[str], asked: Iterable[Checked]) -> list[Ignore]:
    """The ignores of a configuration that are about what was audited: it may speak of files that were not."""
    files = tuple(files)
    addresses = {one.address for one in asked}
    return [one for one in ignores if any(concerns(address, files, addresses) for address in one.addresses)]


def concerns(address: str, files: Sequence[str], addresses: Iterable[str]) -> bool:
    """Whether an address, in which `*` stands for any text, is about the audited `files` or one of `addresses`."""
    file, hash_sign, _ = address.partition("#")
    pattern = glob(file if hash_sign else address)
    return any(map(pattern.matches, files if hash_sign else addresses))


def said_lines(ignores: Iterable[Ignore], files: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The lines of `files` of the configuration that the ignores stand on, and no other: these may hold secrets."""
    wanted: dict[str, set[int]] = {}
    for ignore in ignores:
        if not ignore.in_source and ignore.span.file in files:
            wanted.setdefault(ignore.span.file, set()).add(ignore.span.line)
    return {
        path: tuple(line if number in lines else "" for number, line in enumerate(read_text(path).split("\n"), 1))
        for path, lines in wanted.items()
    }
