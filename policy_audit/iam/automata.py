"""Atoms of a family of patterns: which combinations of them some word belongs to, with a shortest word for each.

All patterns of a family run at once in one big integer (a Shift-And automaton): bit `offset + i` is set when the first
`i` positions of a pattern have been read. Atoms come from a breadth-first subset construction over those integers.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from policy_audit.iam.patterns import CharClass, Pattern
from policy_audit.model.value import is_letter
from policy_audit.record import NamedTuple

MOST_STATES: Final = 6_000
"""States of the subset construction after which it gives up: about a fifth of a second."""

MOST_POSITIONS: Final = 1 << 14
"""Positions of all patterns together: every step of the construction takes time for each."""

_READABLE: Final = "xabcdefghijklmnopqrstuvwyz0123456789-_/.:XABCDEFGHIJKLMNOPQRSTUVWYZ+=,@ $!#%&'()*?[]^{}|~;<>"


class Group(NamedTuple):
    """Characters that the same classes hold: what they match, what they loop on, and the characters, readable first."""

    match: int
    loop: int
    members: tuple[str, ...]


class Family(NamedTuple):
    """Patterns laid out side by side in one integer."""

    start: int
    ends: tuple[int, ...]
    spans: tuple[int, ...]
    """For each pattern, the mask of all its bits."""
    named: dict[str, tuple[int, int]]
    """For each character that is a position of its own: where it is one, and the index of its group."""
    groups: tuple[Group, ...]


def family(patterns: Sequence[Pattern]) -> Family:
    """Lays out `patterns`."""
    start, offset = 0, 0
    ends: list[int] = []
    spans: list[int] = []
    literals: dict[str, int] = {}
    matching: dict[CharClass, int] = {}
    looping: dict[CharClass, int] = {}
    for pattern in patterns:
        bit = 1 << offset
        start |= bit
        for at, loop in pattern.loops:
            looping[loop] = looping.get(loop, 0) | bit << at
        for position in pattern.positions:
            if isinstance(position, str):
                literals[position] = literals.get(position, 0) | bit
            else:
                matching[position] = matching.get(position, 0) | bit
            bit <<= 1
        ends.append(bit)
        size = len(pattern.positions) + 1
        spans.append(((1 << size) - 1) << offset)
        offset += size
    groups, group_of = _groups(literals, matching, looping)
    named = {character: (bits, group_of[character]) for character, bits in literals.items()}
    return Family(start, tuple(ends), tuple(spans), named, groups)


def _groups(
    literals: dict[str, int], matching: dict[CharClass, int], looping: dict[CharClass, int]
) -> tuple[tuple[Group, ...], dict[str, int]]:
    """Characters grouped by the classes that hold them; every combination that occurs has a readable member."""
    classes = tuple(dict.fromkeys((*matching, *looping)))
    mentioned = set(literals).union(*(each.chars for each in classes))
    fresh = next(chr(code) for code in range(0x100, 0xE000) if chr(code) not in mentioned)
    members: dict[tuple[bool, ...], list[str]] = {}
    group_of: dict[str, int] = {}
    plain_rest = tuple(each.complement for each in classes)
    letter_rest = tuple(each.letters for each in classes)
    order: dict[tuple[bool, ...], int] = {}
    explicit = set(chain.from_iterable(each.chars for each in classes))
    for character in dict.fromkeys((*_READABLE, *sorted(mentioned), fresh)):
        if character in explicit:
            signature = tuple(each.holds(character) for each in classes)
        else:
            signature = letter_rest if is_letter(character) else plain_rest
        group_of[character] = order.setdefault(signature, len(order))
        members.setdefault(signature, []).append(character)
    groups = []
    for signature, characters in members.items():
        match = loop = 0
        for each, holds in zip(classes, signature, strict=True):
            if holds:
                match |= matching.get(each, 0)
                loop |= looping.get(each, 0)
        groups.append(Group(match, loop, tuple(characters)))
    return tuple(groups), group_of


def atoms(
    patterns: Sequence[Pattern], within: Sequence[Sequence[Pattern]] = (), most_states: int = MOST_STATES
) -> dict[int, str] | None:
    """The atoms of `patterns` among the words that belong, for each group in `within`, to one of its patterns.

    A dict from the vector of an atom (bit i: its words belong to `patterns[i]`) to its shortest word; None when that
    takes more than `most_states` states, or the patterns are too long together.
    """
    if sum(len(each.positions) for each in chain(patterns, *within)) > MOST_POSITIONS:
        return None
    laid = family([*patterns, *chain.from_iterable(within)])
    required: list[tuple[int, int]] = []
    at = len(patterns)
    for group in within:
        span = end = 0
        for index in range(at, at + len(group)):
            span |= laid.spans[index]
            end |= laid.ends[index]
        required.append((span, end))
        at += len(group)
    ends = laid.ends[: len(patterns)]
    found: dict[int, str] = {}
    # The start is not marked as visited, so that it counts as a state that some nonempty word leads to.
    came_from: dict[int, tuple[int, str]] = {}
    queue = [laid.start]
    all_ends = sum(ends)
    seen_accepting: set[int] = set()
    for state in queue:
        if state in came_from and all(state & end for _, end in required):
            accepting = state & all_ends
            if accepting not in seen_accepting:
                seen_accepting.add(accepting)
                vector = 0
                for index, end in enumerate(ends):
                    if accepting & end:
                        vector |= 1 << index
                found[vector] = _word(laid.start, came_from, state)
        for character, following in _successors(laid, state):
            if following in came_from:
                continue
            if any(not following & span for span, _ in required):
                continue
            if len(queue) >= most_states:
                return None
            came_from[following] = (state, character)
            queue.append(following)
    return found


def _successors(laid: Family, state: int) -> list[tuple[str, int]]:
    """One character for each way in which `state` can go on, and the state that it leads to."""
    groups = laid.groups
    live: list[tuple[str, int, int]] = [
        (character, bits, index) for character, (bits, index) in laid.named.items() if state & bits
    ]
    named = {character for character, _, _ in live}
    successors: list[tuple[str, int]] = []
    for group in groups:
        for character in group.members:
            if character not in named:
                successors.append((character, (state & group.match) << 1 | state & group.loop))
                break
    for character, bits, index in live:
        group = groups[index]
        successors.append((character, (state & (bits | group.match)) << 1 | state & group.loop))
    return successors


def _word(start: int, came_from: dict[int, tuple[int, str]], state: int) -> str:
    characters: list[str] = []
    while True:
        state, character = came_from[state]
        characters.append(character)
        if state == start:
            return "".join(reversed(characters))
