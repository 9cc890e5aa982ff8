"""Policy variables: `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from policy_audit.iam.context import Facts
from policy_audit.iam.globs import Part, Parts, joined, parse_glob
from policy_audit.iam.open_text import UNKNOWN
from policy_audit.record import NamedTuple

VERSION_WITH_VARIABLES: Final = "2012-10-17"
_VARIABLE: Final = re.compile(r"\$\{([^{}]+)\}")
OWN_API: Final = "(the API that the policy belongs to)"
"""The one variable that no policy writes: what `execute-api:` at the start of a resource stands for."""


class Variable(NamedTuple):
    """A reference to a context key; `text` is how it was written."""

    key: str
    default: str | None
    text: str


Piece = Part | Variable
Pieces = tuple[Piece, ...]


def parse_text(text: str, *, wildcards: bool, variables: bool) -> Pieces:
    """The pieces of a policy's text: literal runs, wildcards, and variables where they are allowed."""
    if not variables or "${" not in text:
        return parse_glob(text) if wildcards else ((text,) if text else ())
    return tuple(_pieces(text, wildcards))


def _pieces(text: str, wildcards: bool) -> Iterator[Piece]:
    at = 0
    for found in _VARIABLE.finditer(text):
        piece = _reference(found[1], found[0])
        if piece is not None:
            yield from _plain(text[at : found.start()], wildcards)
            yield piece
            at = found.end()
    yield from _plain(text[at:], wildcards)


def _reference(inside: str, text: str) -> str | Variable | None:
    """What the text between the braces refers to: a character, a key; None when it is neither."""
    if inside in ("*", "?", "$"):
        return inside
    key, comma, default = inside.partition(",")
    key, default = key.strip().lower(), default.strip()
    if not comma:
        return Variable(key, None, text) if key else None
    quoted = len(default) >= 2 and default[0] == default[-1] == "'"
    return Variable(key, default[1:-1], text) if key and quoted else None


def _plain(text: str, wildcards: bool) -> Iterable[Piece]:
    return parse_glob(text) if wildcards else ((text,) if text else ())


def has_variables(pieces: Pieces) -> bool:
    """Whether some piece depends on the request."""
    return any(isinstance(piece, Variable) for piece in pieces)


def static(pieces: Pieces) -> Parts:
    """The pieces of a text without variables, as a glob."""
    return joined(piece for piece in pieces if not isinstance(piece, Variable))


def expand(pieces: Pieces, facts: Facts) -> Parts | None:
    """The glob with each variable's value in its place, or None when a variable has no value: it matches nothing."""
    parts: list[Part] = []
    for piece in pieces:
        if not isinstance(piece, Variable):
            parts.append(piece)
            continue
        value = _value(piece, facts)
        if value is None:
            return None
        parts.append(value)
    return joined(parts)


def unknown_keys(pieces: Pieces, facts: Facts) -> Iterator[str]:
    """The keys of variables whose value is not known."""
    for piece in pieces:
        if isinstance(piece, Variable) and piece.key != OWN_API and facts.lookup(piece.key) is None:
            yield piece.key


def _value(variable: Variable, facts: Facts) -> str | None:
    """The text of the key; a `*` in it stays literal. A key with several values cannot be a variable."""
    if variable.key == OWN_API:
        api, slash, _ = facts.resource.partition("/")
        return api if slash and ":execute-api:" in api else None
    value = facts.lookup(variable.key)
    if value is None:
        return UNKNOWN
    if value is False or isinstance(value, tuple):
        return variable.default
    return value
