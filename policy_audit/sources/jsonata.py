"""What literal text a JSONata expression shows: enough of the language to follow `&`, `? :` and parentheses."""

import functools
import re
from collections.abc import Mapping
from typing import Final

from policy_audit.model.value import Symbols, has_holes, has_letters
from policy_audit.record import NamedTuple
from policy_audit.sources.computed import computed, shorten

_DEEPEST: Final = 40
_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_OPENING.values())
_TIGHT: Final = frozenset(("string", "number", "name", "variable", ".", "*", "**", "%", "/", "@", "#", *_OPENING))
"""What may stand in an operand of `&`: all that binds tighter. `+`, `=`, `and`, `~>`, `:=` and the like do not."""
_ENDS_OPERAND: Final = frozenset(("string", "number", "name", "variable", *_CLOSING))
_WORD_OPERATORS: Final = frozenset(("and", "or", "in"))
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class _Token(NamedTuple):
    """One token: `kind` is string, number, name or variable, or the operator itself; `text` is a string's value."""

    kind: str
    text: str
    start: int
    end: int


def read_expression(text: str, symbols: Symbols, variables: Mapping[str, str] | None = None) -> str:
    """The text that `{% … %}` gives: literal where the expression shows it, with a hole for each computed part.

    `variables` holds the workflow variables whose text is known. Whatever goes beyond concatenation, conditionals and
    parentheses makes a hole of the operand it stands in, or of the whole. A letter inside a string literal is taken to
    stand for text without the quote. Grammar: https://docs.jsonata.org/overview.html, version 2.0.6.
    """
    if not (text.startswith("{%") and text.endswith("%}") and len(text) >= 4):
        return symbols.hole(f"`{shorten(symbols.show(text))}` is not a whole JSONata expression")
    expression = text[2:-2]
    tokens = _tokenize(expression)
    pairs = None if tokens is None else _pair(tokens)
    if tokens and pairs is not None:
        reader = _Reader(expression, tokens, pairs, symbols, variables or {})
        found = reader.value(0)
        if found is not None and reader.position == len(tokens):
            return found
    return computed(expression, symbols)


@functools.cache
def _token_pattern() -> re.Pattern[str]:
    """Every alternative begins with other characters or is tried longest first; nothing is ever tried twice."""
    return re.compile(
        r"""(?P<space>[ \t\n\r\v]++|/\*(?:[^*]|\*(?!/))*+\*/)
        |(?P<string>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')
        |(?P<operator>\.\.|:=|!=|>=|<=|\*\*|~>|/(?!\*)|[.\[\]{}(),@#;:?+\-*%|=<>^&!~])
        |(?P<number>(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[Ee][-+]?[0-9]++)?+)
        |(?P<quoted>`[^`]*+`)
        |(?P<name>[^ \t\n\r\v.\[\]{}(),@\#;:?+\-*/%|=<>^&!~"'`][^ \t\n\r\v.\[\]{}(),@\#;:?+\-*/%|=<>^&!~]*+)""",
        re.VERBOSE | re.DOTALL,
    )


def _tokenize(expression: str) -> list[_Token] | None:
    """The tokens of `expression`, or None when it has a part that this reader does not follow, such as a regex."""
    match_at = _token_pattern().match
    tokens: list[_Token] = []
    position = 0
    while position < len(expression):
        found = match_at(expression, position)
        if found is None:
            return None
        position = found.end()
        token = _token(found)
        if token is None:
            return None
        if token.kind == "space":
            continue
        if token.kind == "/" and not (tokens and tokens[-1].kind in _ENDS_OPERAND):
            return None
        tokens.append(token)
    return tokens


def _token(found: re.Match[str]) -> _Token | None:
    kind = found.lastgroup or ""
    text = found.group()
    if kind == "string":
        value = _unquote(text[1:-1])
        return None if value is None else _Token("string", value, found.start(), found.end())
    if kind != "space" and has_letters(text):
        return None
    if kind == "name":
        if any(quote in text for quote in "'\"`"):
            return None
        kind = text if text in _WORD_OPERATORS else "variable" if text.startswith("$") else "name"
    elif kind == "operator":
        kind = text
    elif kind == "quoted":
        kind = "name"
    return _Token(kind, text, found.start(), found.end())


def _unquote(body: str) -> str | None:
    """The value of a string literal's body, or None when it has an escape that JSONata refuses, or a surrogate."""
    if "\\" not in body:
        return body
    parts: list[str] = []
    position = 0
    while (slash := body.find("\\", position)) >= 0:
        parts.append(body[position:slash])
        escaped = body[slash + 1]
        position = slash + 2
        if escaped == "u":
            digits = body[position : position + 4]
            if len(digits) != 4 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                return None
            code = int(digits, 16)
            if 0xD800 <= code <= 0xDFFF:
                return None
            parts.append(chr(code))
            position += 4
        elif escaped in _ESCAPES:
            parts.append(_ESCAPES[escaped])
        else:
            return None
    parts.append(body[position:])
    return "".join(parts)


def _pair(tokens: list[_Token]) -> dict[int, int] | None:
    """For each opening bracket's index that of its closing one, or None when they do not pair."""
    pairs: dict[int, int] = {}
    open_ones: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind in _OPENING:
            open_ones.append(index)
        elif token.kind in _CLOSING:
            if not open_ones or _OPENING[tokens[open_ones[-1]].kind] != token.kind:
                return None
            pairs[open_ones.pop()] = index
    return None if open_ones else pairs


class _Reader:
    """Reads a value at `position` and moves behind it; None means that the text is no expression known here."""

    def __init__(
        self,
        expression: str,
        tokens: list[_Token],
        pairs: dict[int, int],
        symbols: Symbols,
        variables: Mapping[str, str],
    ) -> None:
        self._expression = expression
        self._tokens = tokens
        self._pairs = pairs
        self._symbols = symbols
        self._variables = variables
        self.position = 0

    def value(self, depth: int) -> str | None:
        """A concatenation, or a conditional whose branches are values."""
        if depth > _DEEPEST:
            return None
        start = self.position
        text = self._concatenation(depth)
        if text is None or self._kind() != "?":
            return text
        self.position += 1
        first = self.value(depth + 1)
        if first is None or self._kind() != ":":
            return None
        self.position += 1
        second = self.value(depth + 1)
        return None if second is None else self._either(first, second, start)

    def _kind(self) -> str:
        return self._tokens[self.position].kind if self.position < len(self._tokens) else ""

    def _concatenation(self, depth: int) -> str | None:
        start = self.position
        parts: list[str] = []
        loose = False
        while True:
            begin = self.position
            loose = self._skip_operand() or loose
            part = self._operand(begin, self.position, depth) if self.position > begin else None
            if part is None:
                return None
            parts.append(part)
            if self._kind() != "&":
                return self._hole(start, self.position) if loose else "".join(parts)
            self.position += 1

    def _skip_operand(self) -> bool:
        """Move to the next `&`, `?` or end of the value; whether an operator on the way binds no tighter than `&`."""
        loose = False
        while (kind := self._kind()) and kind not in ("&", "?", ":", ",", ";", ")", "]", "}", "|", ".."):
            loose = loose or kind not in _TIGHT
            self.position = self._pairs.get(self.position, self.position) + 1
        return loose

    def _operand(self, begin: int, end: int, depth: int) -> str | None:
        token = self._tokens[begin]
        if token.kind == "(" and self._pairs[begin] == end - 1 > begin + 1:
            self.position = begin + 1
            text = self.value(depth + 1)
            whole = self.position == end - 1
            self.position = end
            return text if text is not None and whole else self._hole(begin, end)
        if end == begin + 1:
            if token.kind == "string" or (token.kind == "name" and token.text in ("true", "false")):
                return token.text
            if token.kind == "number" and token.text.isdigit() and len(token.text) <= 15:
                return token.text
            if token.kind == "variable" and token.text[1:] in self._variables:
                return self._variables[token.text[1:]]
        return self._hole(begin, end)

    def _either(self, first: str, second: str, start: int) -> str:
        """The text both branches begin with, then a hole; the text itself when they agree."""
        if first == second and not has_holes(first):
            return first
        shared = 0
        for left, right in zip(first, second, strict=False):
            if left != right:
                break
            shared += 1
        return first[:shared] + self._hole(start, self.position)

    def _hole(self, begin: int, end: int) -> str:
        return computed(self._expression[self._tokens[begin].start : self._tokens[end - 1].end], self._symbols)
