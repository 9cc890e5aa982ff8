"""The baseline: findings that were there when the tool was adopted, known by fingerprints; only others count."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from policy_audit.collect import Line, rooted
from policy_audit.errors import USAGE, AuditError
from policy_audit.findings import Checked, Finding
from policy_audit.model.baselines import KnownFinding
from policy_audit.model.node import Mapping, Node
from policy_audit.record import NamedTuple
from policy_audit.sources.nodes import parse_json, read_text
from policy_audit.sources.tree import items, text
from policy_audit.unchanged import looked_at

VERSION: Final = "1"
FIXED: Final = "baseline-fixed"
"""The rule that tells of entries that are gone."""
_KEYS: Final = ("fingerprint", "rule", "address", "requirement")


class Parted(NamedTuple):
    """The open requirements, without the findings that the baseline knows; these; and its entries, found or not."""

    lines: list[Line]
    baselined: tuple[Finding, ...]
    known: tuple[KnownFinding, ...]


def read_baseline(path: str) -> tuple[KnownFinding, ...]:
    """The entries of the baseline at `path`. Raises AuditError (exit code USAGE) naming the place of what is wrong."""
    try:
        document = parse_json(read_text(path), path)
    except AuditError as error:
        raise AuditError(error.message, where=error.where, help=error.help, exit_code=USAGE) from None
    version = document.get("version") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or text(version) != VERSION:
        raise _wrong(version or document, f"this is no baseline of version {VERSION}")
    return tuple(_entry(item, path) for item in items(document.get("findings")))


def _entry(node: Node, path: str) -> KnownFinding:
    values = [text(node.get(key)) for key in _KEYS] if isinstance(node, Mapping) else []
    if not values or None in values:
        raise _wrong(node, f"an entry of the baseline has {', '.join(f'`{key}`' for key in _KEYS)}")
    fingerprint, rule, address, requirement = (value or "" for value in values)
    return KnownFinding(path, node.place.span, fingerprint, rule, address, requirement)


def _wrong(node: Node, message: str) -> AuditError:
    help = "write it anew with `policy-audit baseline write`"
    return AuditError(message, where=str(node.place.span), help=help)


def part(
    lines: Iterable[Line],
    known: Sequence[KnownFinding],
    asked: Iterable[Checked],
    resources: Iterable[str],
    files: Iterable[str],
    root: str,
) -> Parted:
    """`lines`, parted by what is `known`: as many findings of one fingerprint as the baseline holds.

    `asked` are all requirements. An entry is gone when its requirement is met now, or when its resource is not among
    the `resources` (addresses) of the audited `files` any more. One that is not asked of a resource that is there may
    be asked of a larger estate.
    """
    left = Counter(one.fingerprint for one in known)
    counting: list[Line] = []
    baselined: list[Finding] = []
    for one in lines:
        if one.finding is not None and left[one.finding.fingerprint] > 0:
            left[one.finding.fingerprint] -= 1
            baselined.append(one.finding)
            one = one._replace(finding=None)
        counting.append(one)
    wanted = {(entry.rule, entry.finding_address, entry.requirement) for entry in known}
    answers = {
        key: one.answer for one in asked if (key := (one.rule, rooted(one.address, root), one.requirement)) in wanted
    }
    there = {rooted(address, root) for address in resources}
    audited = {rooted(file, root) for file in files}
    entries = []
    for entry in reversed(known):
        lacking = left[entry.fingerprint] > 0
        left[entry.fingerprint] -= lacking
        now = answers.get((entry.rule, entry.finding_address, entry.requirement))
        if now is not None:
            gone = now == "proven"
        else:
            gone = entry.finding_address.partition("#")[0] in audited and entry.finding_address not in there
        entries.append(entry._replace(found=not (lacking and gone)))
    return Parted(counting, tuple(baselined), tuple(reversed(entries)))


def written(findings: Iterable[Finding], root: str) -> str:
    """The baseline that holds `findings`, as the text of its file: sorted, so that versions of it compare well."""
    entries = ((one.fingerprint, one.rule, rooted(one.address, root), one.requirement) for one in findings)
    return _document(entries)


def pruned(known: Iterable[KnownFinding], findings: Iterable[Finding], root: str) -> tuple[str, int]:
    """The baseline without the entries that `findings` tell to be gone, and those about files that are there no more:
    as the text of its file, and how many entries are left."""
    gone = {one.location for one in findings if one.rule == FIXED}
    kept = [
        (entry.fingerprint, entry.rule, entry.finding_address, entry.requirement)
        for entry in known
        if entry.span not in gone and not _is_lost(entry.finding_address, root)
    ]
    return _document(kept), len(kept)


def _is_lost(address: str, root: str) -> bool:
    file, hash_sign, _ = address.partition("#")
    looked_at(os.path.join(root, file))
    return bool(hash_sign) and not os.path.exists(os.path.join(root, file))


def _document(entries: Iterable[tuple[str, str, str, str]]) -> str:
    from policy_audit.formats.json import dumped

    ordered = sorted(entries, key=lambda entry: (entry[2], entry[1], entry[3], entry[0]))
    return dumped({"version": VERSION, "findings": [dict(zip(_KEYS, entry, strict=True)) for entry in ordered]})


def entry_lines(path: str) -> dict[str, tuple[str, ...]]:
    """The lines of the baseline, which holds nothing secret."""
    return {path: tuple(read_text(path).split("\n"))}
