"""Strict JSON to nodes, in one pass and without recursion."""

import re
from _json import scanstring  # the C scanner alone: the package `json` costs 2 ms to import
from collections.abc import Callable
from sys import intern
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import is_letter
from policy_audit.sources.document import MAXIMUM_DEPTH, Text, failure, refuse_planes

_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_STRING: Final = re.compile(r'"([^"\\\x00-\x1f]*+)"')
_KEY: Final = re.compile(r'[ \t\n\r]*+"([^"\\\x00-\x1f]*+)"[ \t\n\r]*+:[ \t\n\r]*+')
_WORD: Final = re.compile(r"(true|false)|(null)|(-?(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][-+]?\d++)?+)", re.ASCII)
_LETTERS: Final = re.compile("[\U000f0000-\U0010fffd]++")


class _Frame:
    """An array or object that is not closed yet; `keys` is None for an array."""

    __slots__ = ("entries", "items", "key", "keys", "start")

    def __init__(self, start: int, keys: dict[str, int] | None) -> None:
        self.start = start
        self.keys = keys
        self.items: list[Node] = []
        self.entries: list[Entry] = []
        self.key: Scalar | None = None


Passed = Callable[[tuple[str, ...]], bool]
"""Whether what stands under these keys, from the outermost, is of no use; arrays have none."""


def read_json(source: Text, passed: Passed | None = None) -> Node:
    """The document that `source` holds. Raises AuditError where it is not JSON (RFC 8259).

    What `passed` says is of no use is a text that is empty, in the place of the whole.
    """
    text = source.text
    at = _skip(text, 0)
    stack: list[_Frame] = []
    while True:
        node: Node
        character = text[at : at + 1]
        if passed is not None and stack and character in ("{", "[") and (end := _end(text, at, stack, passed)):
            node, at = Scalar("", "string", Place(source, at, end)), end
        elif character == "{" or character == "[":
            frame = _open(source, at, character, stack)
            at = _skip(text, at + 1)
            if text[at : at + 1] != ("}" if character == "{" else "]"):
                stack.append(frame)
                if frame.keys is not None:
                    at = _key(source, at, frame)
                continue
            at += 1
            node = _close(source, frame, at)
        else:
            node, at = _scalar(source, at)
        while stack:
            frame = stack[-1]
            if frame.key is not None:
                frame.entries.append(Entry(frame.key, node))
            else:
                frame.items.append(node)
            at = _skip(text, at)
            character = text[at : at + 1]
            at += 1
            if character == ",":
                at = _skip(text, at) if frame.keys is None else _key(source, at, frame)
                break
            if character != ("]" if frame.keys is None else "}"):
                raise _not_json(source, at - 1, "expected `,` or `]`" if frame.keys is None else "expected `,` or `}`")
            stack.pop()
            node = _close(source, frame, at)
        else:
            at = _skip(text, at)
            if at < len(text):
                raise _not_json(source, at, "text after the end of the document")
            return node


def _end(text: str, at: int, stack: list[_Frame], passed: Passed) -> int:
    """Where the value ends that begins here, if it is passed over and is JSON; else 0."""
    if stack[-1].key is None or not passed(tuple(one.key.text for one in stack if one.key is not None)):
        return 0
    from json import JSONDecoder

    try:
        return JSONDecoder().raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return 0


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def _open(source: Text, at: int, bracket: str, stack: list[_Frame]) -> _Frame:
    if len(stack) >= MAXIMUM_DEPTH:
        raise failure(
            source, at, f"nested deeper than {MAXIMUM_DEPTH} levels", "split the document: no AWS service reads this"
        )
    return _Frame(at, {} if bracket == "{" else None)


def _close(source: Text, frame: _Frame, end: int) -> Node:
    place = Place(source, frame.start, end)
    if frame.keys is None:
        return Sequence(tuple(frame.items), place)
    return Mapping(tuple(frame.entries), place)


def _key(source: Text, at: int, frame: _Frame) -> int:
    """Reads a key and its colon into `frame`; gives where the value starts."""
    found = _KEY.match(source.text, at)
    if found is not None:
        key = Scalar(intern(found.group(1)), "string", Place(source, found.start(1) - 1, found.end(1) + 1))
        at = found.end()
    else:
        at = _skip(source.text, at)
        if source.text[at : at + 1] != '"':
            raise _not_json(source, at, "expected a key in double quotes")
        key, at = _string(source, at)
        at = _skip(source.text, at)
        if source.text[at : at + 1] != ":":
            raise _not_json(source, at, "expected `:`")
        at = _skip(source.text, at + 1)
    keys = frame.keys
    assert keys is not None
    first = keys.setdefault(key.text, key.place.start)
    if first != key.place.start:
        raise duplicate_key(source, key, first)
    frame.key = key
    return at


def duplicate_key(source: Text, key: Scalar, first: int) -> Exception:
    """The error for `key`, which stood at `first` already."""
    line = source.span(first, first).line
    return failure(
        source,
        key.place.start,
        f"the key `{_short(key.text)}` stands here and on line {line}",
        "keep one of the two: readers disagree on which of them counts",
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _scalar(source: Text, at: int) -> tuple[Scalar, int]:
    text = source.text
    if text[at : at + 1] == '"':
        return _string(source, at)
    found = _WORD.match(text, at)
    if found is not None:
        end = found.end()
        place = Place(source, at, end)
        if found.lastindex == 3:
            return Scalar(found.group(), "number", place), end
        if found.lastindex == 1:
            return Scalar(found.group(), "boolean", place), end
        return Scalar("", "null", place), end
    if at < len(text) and is_letter(text[at]):
        letters = _LETTERS.match(text, at)
        end = letters.end() if letters is not None else at + 1
        return Scalar(text[at:end], "string", Place(source, at, end)), end
    raise _not_json(source, at, "expected a value")


def _string(source: Text, at: int) -> tuple[Scalar, int]:
    text = source.text
    found = _STRING.match(text, at)
    if found is not None:
        end = found.end()
        return Scalar(found.group(1), "string", Place(source, at, end)), end
    try:
        value, end = scanstring(text, at + 1, True)
    except ValueError as error:
        problem = getattr(error, "msg", str(error))
        offset = getattr(error, "pos", at)
        raise _not_json(source, offset, f"{problem[:1].lower()}{problem[1:]}".removesuffix(" at")) from None
    if not value.isascii():
        refuse_planes(source, value, at, end)
        value = re.sub("[\ud800-\udfff]", "�", value)
    return Scalar(value, "string", Place(source, at, end)), end


def _not_json(source: Text, at: int, problem: str) -> Exception:
    help = "check the brackets, commas and quotes around this place"
    return failure(source, at, f"this is not JSON: {problem}", help, syntax=True)
