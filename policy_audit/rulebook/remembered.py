"""The package's own rules as they were read last time, so that an unchanged set is not parsed and checked again."""

from collections.abc import Sequence
from typing import Final

from policy_audit import cache
from policy_audit.origin import Span
from policy_audit.rulebook.rule import Path, Permission, Principal, Property, Rule
from policy_audit.unchanged import looked_at

_CLASSES: Final[cache.Classes] = (Rule, Path, Permission, Principal, Property, Span)
"""What a rule is made of, beside text and tuples."""


def recall(folder: str, files: Sequence[str]) -> tuple[Rule, ...] | None:
    """The rules of `files` if the cache `folder` holds them as they are now, else None."""
    for file in files:
        looked_at(file)
    rules: tuple[Rule, ...] | None = cache.recall(folder, "rules", cache.stamps(files), _CLASSES)
    return rules


def remember(folder: str, files: Sequence[str], rules: Sequence[Rule]) -> None:
    """Keeps `rules`, which were read from `files`; does nothing where the folder can't be written."""
    cache.remember(folder, "rules", cache.stamps(files), tuple(rules), _CLASSES)
