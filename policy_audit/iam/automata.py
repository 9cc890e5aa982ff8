"""Atoms of a family of patterns: which combinations of them some word belongs to, with a shortest word for each.

All patterns of a family run at once in one big integer (a Shift-And automaton): bit `offset + i` is set when the first
`i` positions of a pattern have been read. Atoms come from a breadth-first subset construction over those integers.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from policy_audit.iam.limits import MOST_POSITIONS, MOST_STATES, Steps
from policy_audit.iam.patterns import ANY, CharClass, Pattern
from policy_audit.model.value import is_letter
from policy_audit.record import NamedTuple

_READABLE: Final = "xabcdefghijklmnopqrstuvwyz0123456789-_/.:XABCDEFGHIJKLMNOPQRSTUVWYZ+=,@ $!#%&'()*?[]^{}|~;<>"


class Group(NamedTuple):
    """Characters that the same classes hold: what they match, what they loop on, and the characters, readable first."""

    match: int
    loop: int
    members: tuple[str, ...]


class Family(NamedTuple):
    """Patterns laid out side by side in one integer, as far as they have still to be read after `beginning`.

    A pattern of which no word begins so has no bits.
    """

    start: int
    ends: tuple[int, ...]
    spans: tuple[int, ...]
    """For each pattern, the mask of all its bits."""
    named: dict[str, tuple[int, int]]
    """For each character that is a position of its own: where it is one, and the index of its group."""
    groups: tuple[Group, ...]
    for_good: tuple[tuple[int, int, int], ...]
    """For each pattern that takes anything at its end: its place in a vector, the bit of its end, and its span."""
    beginning: str


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def family(patterns: Sequence[Pattern], beginning: str = "") -> Family:
    """Lays out what is left of `patterns` after `beginning`, which all words in question begin with."""
    start, offset = 0, 0
    ends: list[int] = []
    spans: list[int] = []
    literals: dict[str, int] = {}
    matching: dict[CharClass, int] = {}
    looping: dict[CharClass, int] = {}
    for_good: list[tuple[int, int, int]] = []
    for index, pattern in enumerate(patterns):
        places = _after(pattern, beginning)
        if not places:
            ends.append(0)
            spans.append(0)
            continue
        length = len(pattern.positions)
        takes_anything = bool(pattern.loops) and pattern.loops[-1] == (length, ANY)
        if takes_anything and places >> length:
            places = 1 << length
        skipped = (places & -places).bit_length() - 1
        bit = 1 << offset
        start |= places >> skipped << offset
        for at, loop in pattern.loops:
            if at >= skipped:
                looping[loop] = looping.get(loop, 0) | bit << at - skipped
        for position in pattern.positions[skipped:]:
            if isinstance(position, str):
                literals[position] = literals.get(position, 0) | bit
            else:
                matching[position] = matching.get(position, 0) | bit
            bit <<= 1
        ends.append(bit)
        size = length - skipped + 1
        spans.append(((1 << size) - 1) << offset)
        if takes_anything:
            for_good.append((1 << index, bit, spans[-1]))
        offset += size
    groups, group_of = _groups(literals, matching, looping)
    named = {character: (bits, group_of[character]) for character, bits in literals.items()}
    return Family(start, tuple(ends), tuple(spans), named, groups, tuple(for_good), beginning)


def _after(pattern: Pattern, beginning: str) -> int:
    """The places at which reading `beginning` leaves the pattern."""
    head = pattern.chunks[0] if pattern.kind != "linear" else _head(pattern)
    if head.startswith(beginning):
        return 1 << len(beginning)
    if not beginning.startswith(head):
        return 0
    places = 1 << len(head)
    for character in beginning[len(head) :]:
        on, stay = pattern.step(character)
        places = (places & on) << 1 | places & stay
    return places


def _head(pattern: Pattern) -> str:
    """The characters that each of the pattern's words begins with."""
    head: list[str] = []
    for position in pattern.positions[: pattern.loops[0][0]] if pattern.loops else pattern.positions:
        if not isinstance(position, str):
            break
        head.append(position)
    return "".join(head)


def common_beginning(within: Sequence[Sequence[Pattern]]) -> str:
    """What all words begin with that belong to a pattern of each group."""
    heads = [group[0].chunks[0] for group in within if len(group) == 1 and group[0].kind != "linear"]
    return max(heads, key=len, default="")


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
    patterns: Sequence[Pattern],
    within: Sequence[Sequence[Pattern]] = (),
    most_states: int = MOST_STATES,
    steps: Steps | None = None,
) -> dict[int, str] | None:
    """The atoms of `patterns` among the words that belong, for each group in `within`, to one of its patterns.

    A dict from the vector of an atom (bit i: its words belong to `patterns[i]`) to its shortest word; None when that
    takes more than `most_states` states, or half of the `steps` that are left, or the patterns are too long together.
    """
    if sum(len(each.positions) for each in chain(patterns, *within)) > MOST_POSITIONS:
        return None
    laid = family([*patterns, *chain.from_iterable(within)], common_beginning(within))
    required: list[tuple[int, int]] = []
    at = len(patterns)
    for group in within:
        span = end = 0
        for index in range(at, at + len(group)):
            span |= laid.spans[index]
            end |= laid.ends[index]
        # A group of which one pattern is met for good by now asks for nothing more.
        if not any(laid.start & met & end for _, met, _ in laid.for_good):
            required.append((span, end))
        at += len(group)
    ends = laid.ends[: len(patterns)]
    found: dict[int, str] = {}
    # The start is not marked as visited, so that it counts as a state that some nonempty word leads to.
    any_for_good = sum(end for _, end, _ in laid.for_good)
    without: dict[int, int] = {}
    """For patterns met for good, by their ends: the mask of all bits but theirs."""
    came_from: dict[int, tuple[int, str]] = {}
    queue = [laid.start]
    all_ends = sum(ends)
    seen_accepting: set[int] = set()
    cost = cost_of_state(laid)
    if steps is not None:
        most_states = min(most_states, steps.left // 2 // cost)
    for state in queue:
        if steps is not None:
            steps.take(cost)
        if (state in came_from or laid.beginning) and all(state & end for _, end in required):
            accepting = state & all_ends
            if accepting not in seen_accepting:
                seen_accepting.add(accepting)
                vector = 0
                for index, end in enumerate(ends):
                    if accepting & end:
                        vector |= 1 << index
                found[vector] = laid.beginning + _word(laid.start, came_from, state)
        for character, following in successors(laid, state):
            met = following & any_for_good
            if met:
                # What a pattern met for good might have been reading besides makes no difference any more.
                mask = without.get(met)
                if mask is None:
                    mask = without[met] = ~sum(span for _, end, span in laid.for_good if met & end)
                following = following & mask | met
            if following in came_from:
                continue
            if any(not following & span for span, _ in required):
                continue
            if len(queue) >= most_states:
                return None
            came_from[following] = (state, character)
            queue.append(following)
    return found


def overlapping(patterns: Sequence[Pattern], within: Sequence[Sequence[Pattern]]) -> int:
    """How many of the patterns go on after a wildcard in words that belong: each of them may double the atoms."""
    beginning = common_beginning(within)
    found = 0
    for pattern in patterns:
        places = _after(pattern, beginning)
        first = (places & -places).bit_length() - 1
        found += any(first <= at < len(pattern.positions) for at, _ in pattern.loops) and first >= 0
    return found


def cost_of_state(laid: Family) -> int:
    """The steps that going on from one state takes: every character is tried against every place."""
    size = max(laid.ends, default=0).bit_length()
    return 4 + (len(laid.named) + len(laid.groups)) * (1 + size // 4000) // 8


def successors(laid: Family, state: int) -> list[tuple[str, int]]:
    """One character for each way in which `state` can go on, and the state that it leads to."""
    bases = [(state & group.match) << 1 | state & group.loop for group in laid.groups]
    live = [
        (character, bases[index] | at << 1) for character, (bits, index) in laid.named.items() if (at := state & bits)
    ]
    named = {character for character, _ in live}
    successors: list[tuple[str, int]] = []
    for base, group in zip(bases, laid.groups, strict=True):
        for character in group.members:
            if character not in named:
                successors.append((character, base))
                break
    return successors + live


def _word(start: int, came_from: dict[int, tuple[int, str]], state: int) -> str:
    characters: list[str] = []
    while state in came_from:
        state, character = came_from[state]
        characters.append(character)
        if state == start:
            break
    return "".join(reversed(characters))
