"""`.gitignore` files: what of a folder its repository leaves out, in time that grows with names and patterns only.

https://git-scm.com/docs/gitignore
"""

from collections.abc import Sequence
from typing import Final

from policy_audit.record import NamedTuple

MAXIMUM_BYTES: Final = 1 << 20
"""How much of one file is read."""
MAXIMUM_WORK: Final = 20_000_000
"""How many characters of names and patterns one audit may compare, some seconds; then nothing is left out any more."""
_LONGEST_NAME: Final = 255
_STAR: Final = 0
_ONE: Final = 1
_CLASSES: Final = {
    "alnum": ("09", "AZ", "az"),
    "alpha": ("AZ", "az"),
    "blank": ("  ", "\t\t"),
    "cntrl": ("\0\x1f", "\x7f\x7f"),
    "digit": ("09",),
    "graph": ("!~",),
    "lower": ("az",),
    "print": (" ~",),
    "punct": ("!/", ":@", "[`", "{~"),
    "space": ("  ", "\t\r"),
    "upper": ("AZ",),
    "xdigit": ("09", "AF", "af"),
}


class _Class(NamedTuple):
    """A set of characters, `[a-z]` or `[!a-z]`: ranges by their first and last character."""

    negated: bool
    ranges: tuple[str, ...]

    def has(self, character: str) -> bool:
        return any(one[0] <= character <= one[1] for one in self.ranges) is not self.negated


_Token = str | int | _Class
"""A character, `*`, `?`, or a set of characters."""


class _Name(NamedTuple):
    """A pattern for one name."""

    tokens: tuple[_Token, ...]
    literal: str | None
    """The text, where no character of it stands for others."""
    ends: tuple[str, str] | None
    """What stands before and after a `*`, where nothing else stands for others."""

    def matches(self, name: str) -> bool:
        if self.literal is not None:
            return name == self.literal
        if self.ends is not None:
            before, after = self.ends
            return len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)
        return _glob(self.tokens, name)

    def work(self, name: str) -> int:
        """How many characters are compared at most."""
        plain = self.literal is not None or self.ends is not None
        return len(self.tokens) if plain else len(self.tokens) * len(name)


class Rule(NamedTuple):
    """One line: the names on the way down from the file's folder, `**` as None."""

    names: tuple[_Name | None, ...]
    negated: bool
    only_folders: bool

    def matches(self, path: Sequence[str]) -> bool:
        """Whether the rule is about `path`, the names on the way down from the file's folder."""
        if len(self.names) == 2 and self.names[0] is None and self.names[1] is not None:
            return self.names[1].matches(path[-1])
        at = here = 0
        retry: tuple[int, int] | None = None
        while here < len(path):
            name = self.names[at] if at < len(self.names) else _NOTHING
            if name is None:
                retry = (at + 1, here)
                at += 1
            elif name.matches(path[here]):
                at, here = at + 1, here + 1
            elif retry is None:
                return False
            else:
                # The last `**` takes one folder more; what stood before it need not be tried again.
                retry = (retry[0], retry[1] + 1)
                at, here = retry
        return at == len(self.names)

    def work(self, path: Sequence[str]) -> int:
        """How many characters are compared at most; each `**` may try each folder."""
        last = self.names[-1]
        if len(self.names) <= 2 and last is not None:
            return last.work(path[-1])
        return len(self.names) + sum(one.work(name) for one in self.names if one is not None for name in path)


class Gitignore:
    """The rules of one file, in the order written."""

    def __init__(self, text: str) -> None:
        self._plain: dict[str, list[int]] = {}
        self._rules = [rule for line in text.removeprefix("\ufeff").split("\n") if (rule := _rule(line)) is not None]
        self._patterns: list[int] = []
        for index, rule in enumerate(self._rules):
            last = rule.names[-1]
            if last is not None and last.literal is not None:
                # A literal name at the end: the rule is about files of that name alone, and found by it.
                self._plain.setdefault(last.literal, []).append(index)
            else:
                self._patterns.append(index)

    def ignores(self, path: Sequence[str], is_folder: bool) -> tuple[bool | None, int]:
        """Whether `path`, the names on the way down from the file's folder, is left out, and how much work that was.

        The last line about it decides; None if none is. Whether a folder on the way is left out is not asked.
        """
        found, work = -1, 0
        for indexes in (self._plain.get(path[-1], ()), self._patterns):
            for index in reversed(indexes):
                if index <= found:
                    break
                rule = self._rules[index]
                work += rule.work(path)
                if (is_folder or not rule.only_folders) and rule.matches(path):
                    found = index
                    break
        return None if found < 0 else not self._rules[found].negated, work


_NOTHING: Final = _Name((), "", None)
"""Matches no name: what stands behind the end of a rule."""


def _rule(line: str) -> Rule | None:
    """The rule of one line; None for an empty one, a comment, and a pattern that git matches with nothing."""
    text = _trimmed(line.removesuffix("\r"))
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    only_folders = text.endswith("/") and len(text) > 1
    text = text[:-1] if only_folders else text
    anchored = "/" in text
    segments = _segments(text)
    if segments is not None and text.startswith("/") and anchored:
        segments = segments[1:]
    if segments is None or not all(segments):
        return None
    names: list[_Name | None] = [] if anchored else [None]
    for segment in segments:
        if anchored and len(segment) > 1 and segment.strip("*") == "":
            if not names or names[-1] is not None:
                names.append(None)
            continue
        name = _name(segment)
        if name is None:
            return None
        names.append(name)
    if names[-1] is None:
        names.append(_name("*"))  # `a/**` is what is in `a`, and not `a` itself.
    return Rule(tuple(names), negated, only_folders)


def _segments(text: str) -> list[str] | None:
    """The names of a pattern; a slash in a set of characters ends none, and one after a backslash does. None for a
    set that does not end: git matches it with nothing."""
    if "[" not in text and "\\" not in text:
        return text.split("/")
    found, start, at = [], 0, 0
    while at < len(text):
        slash = text.startswith("\\/", at)
        if text[at] == "/" or slash:
            found.append(text[start:at])
            start = at + 1 + slash
        if text[at] == "[":
            inside = _class(text, at)
            if inside is None:
                return None
            at = inside[1]
        else:
            at += 2 if text[at] == "\\" else 1
    return [*found, text[start:]]


def _trimmed(line: str) -> str:
    """Without spaces at the end, but for one after a backslash."""
    end = len(line)
    while end and line[end - 1] == " ":
        end -= 1
    backslashes = 0
    while backslashes < end and line[end - 1 - backslashes] == "\\":
        backslashes += 1
    return line[: end + 1] if backslashes % 2 and end < len(line) else line[:end]


def _name(text: str) -> _Name | None:
    """The pattern of one name; None for one that is not well formed, which git matches with nothing."""
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "[":
            found = _class(text, at)
            if found is None:
                return None
            token, at = found
            tokens.append(token)
            continue
        if character == "\\":
            at += 1
            if at == len(text):
                return None
            tokens.append(text[at])
        elif character == "*":
            if not tokens or tokens[-1] is not _STAR:
                tokens.append(_STAR)
        else:
            tokens.append(_ONE if character == "?" else character)
        at += 1
    return None if len(tokens) > 2 * _LONGEST_NAME else _made(tuple(tokens))


def _made(tokens: tuple[_Token, ...]) -> _Name:
    literal = "".join(one for one in tokens if isinstance(one, str))
    if len(literal) == len(tokens):
        return _Name(tokens, literal, None)
    if len(literal) == len(tokens) - 1 and _STAR in tokens:
        star = tokens.index(_STAR)
        return _Name(tokens, None, (literal[:star], literal[star:]))
    return _Name(tokens, None, None)


def _class(text: str, at: int) -> tuple[_Class, int] | None:
    """The set of characters that begins at `at`, and where it ends; None if it does not end."""
    at += 1
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    ranges: list[str] = []
    first = True
    while at < len(text) and (first or text[at] != "]"):
        first = False
        end = text.find("]", at + 2) if text.startswith("[:", at) else 0
        if end and text[end - 1] == ":" and end > at + 2:
            named = _CLASSES.get(text[at + 2 : end - 1])
            if named is None:
                return None
            ranges += named
            at = end + 1
            continue
        low, at = _literal(text, at)
        high = low
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in ("", "]"):
            high, at = _literal(text, at + 1)
        if not low or not high:
            return None
        ranges.append(low + high)
    return (_Class(negated, tuple(ranges)), at + 1) if at < len(text) else None


def _literal(text: str, at: int) -> tuple[str, int]:
    """The character at `at`, without the backslash before it, and what comes after it."""
    if text[at] == "\\":
        at += 1
    return text[at : at + 1], at + 1


def _glob(tokens: Sequence[_Token], name: str) -> bool:
    """Whether a name matches. The last `*` takes one character more wherever the rest does not fit: no other is
    tried again."""
    at = here = 0
    retry: tuple[int, int] | None = None
    while here < len(name):
        token = tokens[at] if at < len(tokens) else ""
        if token is _STAR:
            retry = (at + 1, here)
            at += 1
        elif token is _ONE or token == name[here] or (isinstance(token, _Class) and token.has(name[here])):
            at, here = at + 1, here + 1
        elif retry is None:
            return False
        else:
            retry = (retry[0], retry[1] + 1)
            at, here = retry
    return all(token is _STAR for token in tokens[at:])
