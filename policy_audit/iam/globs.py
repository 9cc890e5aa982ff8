"""Globs as IAM reads them: `*` and `?` and nothing else special, matched in linear time."""

from collections.abc import Callable, Iterable
from typing import Final

ANY: Final = 0
"""`*`: any text, also none."""
ONE: Final = 1
"""`?`: any one character."""
ANY_IN_SEGMENT: Final = 2
"""A `*` that does not cross a colon."""
ONE_IN_SEGMENT: Final = 3
"""A `?` that does not stand for a colon."""

LONGEST: Final = 1 << 14
"""Characters of a glob with `?`, and of a text matched with one, beyond which they are not compared.

No request has so long a text: an ARN has at most 2,048 characters, a request's line and headers 10,240 bytes.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""

Part = str | int
Parts = tuple[Part, ...]
"""A glob: literal runs and wildcards. Apart from text, so that a `*` that comes from a variable stays literal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""
Matcher = Callable[[str], bool]


def parse_glob(pattern: str) -> Parts:
    """The parts of `pattern`, in which `*` and `?` are wildcards."""
    if "*" not in pattern and "?" not in pattern:
        return (pattern,) if pattern else ()
    return joined(_split(pattern))


def _split(pattern: str) -> Iterable[Part]:
    start = 0
    for index, character in enumerate(pattern):
        if character in "*?":
            yield pattern[start:index]
            yield ANY if character == "*" else ONE
            start = index + 1
    yield pattern[start:]


def joined(parts: Iterable[Part]) -> Parts:
    """The same glob with neighbouring literal runs joined, empty ones dropped and repeated `*` made one."""
    result: list[Part] = []
    for part in parts:
        if part == "":
            continue
        if result and isinstance(part, str) and isinstance(result[-1], str):
            result[-1] += part
        elif not (result and part == result[-1] and part in (ANY, ANY_IN_SEGMENT)):
            result.append(part)
    return tuple(result)


def is_simple(parts: Parts) -> bool:
    """Whether the only wildcards are `*` that cross everything, so that texts of any length are matched soon."""
    return all(isinstance(part, str) or part == ANY for part in parts)


def is_too_long(parts: Parts) -> bool:
    """Whether matching with this glob would take too long."""
    return not is_simple(parts) and sum(len(part) if isinstance(part, str) else 1 for part in parts) > LONGEST


def matcher(parts: Parts) -> Matcher:
    """A function that says whether a text without letters matches the whole glob (also without letters).

    Unless the glob `is_simple`, it takes glob times text: that neither is too long is the caller's business.
    """
    if not parts:
        return _is_empty
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0].__eq__
    if parts == (ANY,):
        return _is_anything
    if is_simple(parts):
        return _chunks([part for part in parts if isinstance(part, str)], parts[0] == ANY, parts[-1] == ANY)
    return _bits(parts)


def _is_empty(text: str) -> bool:
    return not text


def _is_anything(text: str) -> bool:
    return True


def _chunks(chunks: list[str], open_start: bool, open_end: bool) -> Matcher:
    """Literal chunks with `*` between them: each is looked for from where the one before it ended."""
    prefix = "" if open_start else chunks.pop(0)
    suffix = "" if open_end else chunks.pop()
    if not chunks and not suffix:
        return lambda text: text.startswith(prefix)
    shortest = len(prefix) + len(suffix)

    def match(text: str) -> bool:
        end = len(text) - len(suffix)
        if len(text) < shortest or not text.startswith(prefix) or not text.endswith(suffix):
            return False
        at = len(prefix)
        for chunk in chunks:
            at = text.find(chunk, at, end)
            if at < 0:
                return False
            at += len(chunk)
        return True

    return match


def _bits(parts: Parts) -> Matcher:
    """Any glob, as an automaton whose states are the bits of one integer: time is text times glob / word size."""
    by_character: dict[str, int] = {}
    one, one_in_segment, loop, loop_in_segment, at = 0, 0, 0, 0, 1
    for part in parts:
        if isinstance(part, str):
            for character in part:
                by_character[character] = by_character.get(character, 0) | at
                at <<= 1
        elif part == ANY:
            loop |= at
        elif part == ANY_IN_SEGMENT:
            loop_in_segment |= at
        else:
            one |= at if part == ONE else 0
            one_in_segment |= at if part == ONE_IN_SEGMENT else 0
            at <<= 1

    def match(text: str) -> bool:
        states = 1
        for character in text:
            colon = character == ":"
            step = by_character.get(character, 0) | one | (0 if colon else one_in_segment)
            states = ((states & step) << 1) | (states & (loop if colon else loop | loop_in_segment))
            if not states:
                return False
        return bool(states & at)

    return match
