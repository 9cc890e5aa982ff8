"""Texts with `${…}` and `%{…}` in them: quoted, as heredocs, or as whole files, with the place of every stretch.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
"""

import re
from typing import TYPE_CHECKING, Final

from policy_audit.model.node import Piece, Place, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.document import Text, refuse_planes
from policy_audit.sources.terraform.hcl_syntax import Choice, Expression, Literal, Loop, Part, Template

if TYPE_CHECKING:
    from policy_audit.sources.terraform.hcl_parse import Parser

_QUOTED: Final = re.compile(r'[^"\\$%\n]++')
_PLAIN: Final = re.compile(r"[^$%\n]++")
_ESCAPE: Final = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_HEREDOC: Final = re.compile(r"<<(-?)([^\W\d][\w-]*+)[ \t\r]*+\n")
_LINE: Final = re.compile(r"[ \t]*+([^\W\d][\w-]*+)[ \t]*+(?=\r?\n|\Z)")
_WORD: Final = re.compile(r"[a-z]++")
_WHITE: Final = " \t\n\r\v\f\x85\xa0"


class _Chunk(NamedTuple):
    """A stretch of literal text: what it means, and where it is written."""

    text: str
    start: int
    end: int


class _Stretch:
    """Literal text between two interpolations, in a heredoc of one line at most: what strip markers work on."""

    __slots__ = ("chunks",)

    def __init__(self) -> None:
        self.chunks: list[_Chunk] = []

    def add(self, text: str, start: int, end: int) -> None:
        """Appends what characters `start` to `end` mean; plain stretches beside each other become one."""
        last = self.chunks[-1] if self.chunks else None
        plain = last is not None and last.end == start and len(last.text) == start - last.start
        if last is not None and plain and len(text) == end - start:
            self.chunks[-1] = _Chunk(last.text + text, last.start, end)
        else:
            self.chunks.append(_Chunk(text, start, end))

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.chunks)

    def cut(self, count: int) -> None:
        """Drops `count` characters at the start."""
        while count and self.chunks:
            text, start, end = self.chunks.pop(0)
            if len(text) > count:
                exact = len(text) == end - start
                self.chunks.insert(0, _Chunk(text[count:], start + count if exact else start, end))
                return
            count -= len(text)

    def strip_left(self) -> None:
        text = self.text
        self.cut(len(text) - len(text.lstrip(_WHITE)))

    def strip_right(self) -> None:
        while self.chunks:
            text, start, end = self.chunks.pop()
            kept = text.rstrip(_WHITE)
            if kept:
                exact = len(text) == end - start
                self.chunks.append(_Chunk(kept, start, start + len(kept) if exact else end))
                return


class _Directive(NamedTuple):
    """`%{word …}`, on its way into a choice or loop."""

    word: str
    names: tuple[str, str]
    value: Expression | None
    place: Place


class _Interpolation(NamedTuple):
    """`${…}`."""

    value: Expression


_Token = _Stretch | _Directive | _Interpolation


def quoted(parser: "Parser") -> Expression:
    """The template in double quotes that begins here."""
    start = parser.at
    parser.at += 1
    tokens = _Scan(parser, quoted=True).tokens()
    parser.at += 1
    return _whole(parser, tokens, start, parser.at)


def heredoc(parser: "Parser") -> Expression:
    """The heredoc that begins here; with `<<-` its indentation is taken away."""
    start = parser.at
    found = _HEREDOC.match(parser.text, start)
    if found is None:
        raise parser.error("expected a heredoc: `<<` and a word, alone at the end of the line")
    parser.at = found.end()
    tokens = _Scan(parser, end=found[2]).tokens()
    if found[1]:
        _unindent(tokens)
    return _whole(parser, tokens, start, parser.at)


def parts_of(parser: "Parser") -> Expression:
    """The template that the whole text is."""
    tokens = _Scan(parser).tokens()
    return _whole(parser, tokens, 0, len(parser.text))


class _Scan:
    """Reads the stretches, interpolations and directives of one template up to its end."""

    def __init__(self, parser: "Parser", *, quoted: bool = False, end: str = "") -> None:
        self.parser = parser
        self.quoted = quoted
        self.end = end
        self.found: list[_Token] = []
        self.strip_next = False
        self.stretch: _Stretch | None = None

    def tokens(self) -> list[_Token]:
        """Everything up to the end: the closing quote (not gone over), the heredoc's last line, the end of the text."""
        parser, text = self.parser, self.parser.text
        plain = _QUOTED if self.quoted else _PLAIN
        if self._at_end_line():
            return self.found
        while True:
            start = parser.at
            found = plain.match(text, start)
            if found is not None:
                parser.at = found.end()
                self._literal(found.group(), start)
                continue
            character = text[start : start + 1]
            if character == "" or (self.quoted and character in '"\n'):
                if character != ('"' if self.quoted else "") or self.end:
                    raise parser.error("this text does not end" if not self.end else f"expected `{self.end}`")
                self._flush()
                return self.found
            if character == "\n":
                parser.at += 1
                self._literal("\n", start)
                if self.end:
                    self._flush()
                    if self._at_end_line():
                        return self.found
            elif character == "\\":
                self._escape(start)
            else:
                self._marked(character, start)

    def _at_end_line(self) -> bool:
        """Whether the heredoc's last line is here; goes over it."""
        found = _LINE.match(self.parser.text, self.parser.at) if self.end else None
        if found is None or found[1] != self.end:
            return False
        self.parser.at = found.end()
        return True

    def _literal(self, text: str, start: int) -> None:
        if self.stretch is None:
            self.stretch = _Stretch()
        self.stretch.add(text, start, self.parser.at)

    def _flush(self) -> None:
        if self.stretch is not None:
            if self.strip_next:
                self.stretch.strip_left()
            self.found.append(self.stretch)
            self.strip_next = False
        self.stretch = None

    def _escape(self, start: int) -> None:
        found = _ESCAPE.match(self.parser.text, start)
        if found is None:
            raise self.parser.error('a backslash stands before `n`, `r`, `t`, `"`, `\\`, `u` and `U` only')
        self.parser.at = found.end()
        if found[1]:
            self._literal(_ESCAPES[found[1]], start)
            return
        number = int(found[2] or found[3], 16)
        character = chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "�"
        refuse_planes(self.parser.source, character, start, self.parser.at)
        self._literal(character, start)

    def _marked(self, character: str, start: int) -> None:
        """What begins with `$` or `%`: an interpolation, a directive, an escape of either, or that character."""
        parser = self.parser
        if parser.text.startswith(character + character + "{", start):
            parser.at += 3
            self._literal(character + "{", start)
            return
        if not parser.text.startswith("{", start + 1):
            parser.at += 1
            self._literal(character, start)
            return
        parser.at += 2
        strip = parser.text.startswith("~", parser.at)
        parser.at += strip
        self._flush()
        self.strip_next = False
        last = self.found[-1] if self.found else None
        if strip and isinstance(last, _Stretch):
            last.strip_right()
        before, parser.inside = parser.inside, True
        parser.enter()
        self.found.append(_Interpolation(parser.expression()) if character == "$" else self._directive(start))
        parser.leave()
        self.strip_next = parser.next("~")
        parser.at += self.strip_next
        parser.expect("}")
        parser.inside = before

    def _directive(self, start: int) -> _Directive:
        parser = self.parser
        parser.skip()
        found = _WORD.match(parser.text, parser.at)
        word = found.group() if found is not None else ""
        parser.at += len(word)
        names, value = ("", ""), None
        if word == "if":
            value = parser.expression()
        elif word == "for":
            names = parser.loop_names()
            value = parser.expression()
        elif word not in ("else", "endif", "endfor"):
            raise parser.error("expected `if`, `else`, `endif`, `for` or `endfor`")
        return _Directive(word, names, value, parser.place(start, parser.at))


def _unindent(tokens: list[_Token]) -> None:
    """Takes away the blanks that all lines begin with; empty lines don't count."""
    starts: list[_Stretch] = []
    least = -1
    at_start = True
    for token in tokens:
        if at_start:
            blanks = 0
            text = token.text if isinstance(token, _Stretch) else ""
            if isinstance(token, _Stretch):
                rest = text.lstrip(_WHITE)
                empty = not rest and text.endswith("\n")
                blanks = -1 if empty else len(text) - len(rest)
                if not empty:
                    starts.append(token)
            if blanks >= 0:
                least = blanks if least < 0 else min(least, blanks)
        at_start = isinstance(token, _Stretch) and token.text.endswith("\n")
    for stretch in starts:
        stretch.cut(max(least, 0))


def _whole(parser: "Parser", tokens: list[_Token], start: int, end: int) -> Expression:
    """The expression that a template comes to: a literal, or the one value in it, or a text that is put together."""
    source = parser.source
    if len(tokens) == 1 and isinstance(tokens[0], _Interpolation):
        return tokens[0].value
    parts = _Build(parser, tokens).parts()
    if not parts:
        return Literal(Scalar("", "string", Place(source, start, end)))
    if len(parts) == 1:
        only = parts[0]
        if isinstance(only, Literal):
            whole = only.value.place.start == start and only.value.place.end == end and not only.value.pieces
            pieces = only.value.pieces or (Piece(0, only.value),)
            return only if whole else Literal(Scalar(only.value.text, "string", Place(source, start, end), pieces))
    return Template(parts, Place(source, start, end))


class _Build:
    """Brings directives and what stands between them together."""

    def __init__(self, parser: "Parser", tokens: list[_Token]) -> None:
        self.parser = parser
        self.tokens = tokens
        self.next = 0
        self.depth = 0

    def parts(self) -> tuple[Part, ...]:
        """All parts."""
        found, last = self._until(())
        if last is not None:
            raise self.parser.error(f"`{last.word}` without what it belongs to", last.place.start)
        return found

    def _until(self, words: tuple[str, ...]) -> tuple[tuple[Part, ...], _Directive | None]:
        """The parts up to a directive that is one of `words`, or begins nothing."""
        found: list[Part] = []
        chunks: list[_Chunk] = []
        while self.next < len(self.tokens):
            token = self.tokens[self.next]
            self.next += 1
            if isinstance(token, _Stretch):
                chunks += token.chunks
                continue
            if chunks:
                found.append(_literal(self.parser.source, chunks))
                chunks = []
            if isinstance(token, _Interpolation):
                found.append(token.value)
            elif token.word in ("if", "for"):
                self.parser.enter()
                found.append(self._choice(token) if token.word == "if" else self._loop(token))
                self.parser.leave()
            else:
                return tuple(found), token
        if chunks:
            found.append(_literal(self.parser.source, chunks))
        if words:
            raise self.parser.error(f"expected `%{{ {words[-1]} }}`")
        return tuple(found), None

    def _choice(self, start: _Directive) -> Choice:
        yes, last = self._until(("else", "endif"))
        no: tuple[Part, ...] = ()
        if last is not None and last.word == "else":
            no, last = self._until(("endif",))
        if last is None or last.word != "endif" or start.value is None:
            raise self.parser.error("expected `%{ endif }`", start.place.start)
        return Choice(start.value, yes, no, start.place)

    def _loop(self, start: _Directive) -> Loop:
        parts, last = self._until(("endfor",))
        if last is None or last.word != "endfor" or start.value is None:
            raise self.parser.error("expected `%{ endfor }`", start.place.start)
        return Loop(*start.names, start.value, parts, start.place)


def _literal(source: Text, chunks: list[_Chunk]) -> Literal:
    """Stretches of literal text as one, each leading to where it is written."""
    merged = _Stretch()
    for one in chunks:
        merged.add(*one)
    place = Place(source, merged.chunks[0].start, merged.chunks[-1].end)
    if len(merged.chunks) == 1:
        return Literal(Scalar(merged.chunks[0].text, "string", place))
    pieces, offset = [], 0
    for text, start, end in merged.chunks:
        pieces.append(Piece(offset, Scalar(text, "string", Place(source, start, end))))
        offset += len(text)
    return Literal(Scalar(merged.text, "string", place, tuple(pieces)))
