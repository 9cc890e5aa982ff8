"""HCL's native syntax to bodies and expressions, in one pass: the text of a `.tf` file, or of one expression.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

import re
from typing import Final

from policy_audit.model.node import Place, Scalar
from policy_audit.sources.document import DocumentError, Text, failure, refuse_characters
from policy_audit.sources.places import File
from policy_audit.sources.terraform.hcl_syntax import (
    Access,
    Argument,
    Attribute,
    Binary,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Splat,
    Step,
    Unary,
)
from policy_audit.sources.terraform.hcl_templates import heredoc, parts_of, quoted

DEEPEST: Final = 60
"""How deep expressions and blocks may nest: each level takes several calls of this reader."""
_BLANK: Final = re.compile(r"(?:[ \t\r]++|/\*(?:[^*]++|\*(?!/))*+\*/|(?:#|//)[^\n]*+)*+")
_SPACE: Final = re.compile(r"(?:[ \t\r\n]++|/\*(?:[^*]++|\*(?!/))*+\*/|(?:#|//)[^\n]*+)*+")
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w-]*+")
_FUNCTION: Final = re.compile(r"[^\W\d][\w-]*+(?:::[^\W\d][\w-]*+)*+(?=[ \t]*+\()")
_NUMBER: Final = re.compile(r"\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+", re.ASCII)
_DIGITS: Final = re.compile(r"\d++", re.ASCII)
_OPERATOR: Final = re.compile(r"\|\||&&|==|!=|<=|>=|<(?!<)|>|\+|-|\*|/|%(?!\{)")
_FOR: Final = re.compile(r"for\b(?!-)")
_BINDING: Final = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
} | dict.fromkeys("*/%", 6)


def parse_file(text: str, name: str) -> Body:
    """The body of a `.tf` or `.tfvars` file. Raises AuditError (INCOMPLETE), with the place, where it is not HCL."""
    source = File(name, text.removeprefix("\ufeff"), "hcl")
    refuse_characters(source)
    return Parser(source).file()


def parse_template(source: Text) -> Expression:
    """The template that the whole of a text is: a file of `templatefile`, a string of a `.tf.json`."""
    return parts_of(Parser(source))


def parse_expression(source: Text) -> Expression:
    """The expression that the whole of a text is. Raises AuditError where it is none."""
    parser = Parser(source)
    parser.inside = True
    found = parser.expression()
    parser.skip()
    if parser.at < len(parser.text):
        raise parser.error("expected the end of the expression")
    return found


class Parser:
    """A text on its way to expressions: `at` is where the reader is; while `inside` brackets, line ends count not."""

    def __init__(self, source: Text) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.inside = False
        self._depth = 0

    # ---- bodies ----

    def file(self) -> Body:
        """The whole text as a body."""
        return self._body("")

    def _body(self, end: str) -> Body:
        arguments: list[Argument] = []
        blocks: list[Block] = []
        seen: dict[str, int] = {}
        while True:
            self._skip_lines()
            if self.text[self.at : self.at + 1] == end:
                return Body(tuple(arguments), tuple(blocks))
            name = self._identifier("an argument or a block")
            if self.next("=") and not self.next("=="):
                self.at += 1
                if name.text in seen:
                    raise self.error(f"`{name.text}` is set twice here", name.place.start)
                seen[name.text] = name.place.start
                arguments.append(Argument(name, self.expression()))
            else:
                blocks.append(self._block(name))
            self.skip()
            if self.text[self.at : self.at + 1] not in ("\n", end):
                raise self.error("expected the end of the line")

    def _block(self, name: Scalar) -> Block:
        labels: list[Scalar] = []
        last = name.place.end
        while not self.next("{"):
            if self.next('"'):
                label = quoted(self)
                if not isinstance(label, Literal):
                    raise self.error("the label of a block is a plain text", label.place.start)
                labels.append(label.value)
            else:
                labels.append(self._identifier("`=`, `{` or a label"))
            last = self.at
        self.at += 1
        self.enter()
        before, self.inside = self.inside, False
        body = self._body("}")
        self.inside = before
        self.leave()
        self.at += 1
        start = name.place.start
        return Block(name, tuple(labels), body, self.place(start, last), self.place(start, self.at))

    def _identifier(self, expected: str) -> Scalar:
        self.skip()
        found = _IDENTIFIER.match(self.text, self.at)
        if found is None:
            raise self.error(f"expected {expected}")
        self.at = found.end()
        return Scalar(found.group(), "string", self.place(found.start(), found.end()))

    # ---- expressions ----

    def expression(self) -> Expression:
        """The expression that begins here."""
        self.enter()
        chosen: list[tuple[Expression, Expression]] = []
        found = self._operation()
        while self.next("?"):
            self.at += 1
            yes = self.expression()
            self.expect(":")
            chosen.append((found, yes))
            found = self._operation()
            if len(chosen) > DEEPEST:
                raise self._too_deep()
        for condition, yes in reversed(chosen):
            found = Conditional(condition, yes, found, self.place(condition.place.start, found.place.end))
        self.leave()
        return found

    def _operation(self) -> Expression:
        """Terms with the operators between them, those that bind closer first."""
        operands = [self._term()]
        operators: list[str] = []
        while True:
            self.skip()
            found = _OPERATOR.match(self.text, self.at)
            binding = _BINDING[found.group()] if found is not None else 0
            while operators and _BINDING[operators[-1]] >= binding:
                right, left = operands.pop(), operands.pop()
                place = self.place(left.place.start, right.place.end)
                operands.append(Binary(operators.pop(), left, right, place))
            if found is None:
                return operands[0]
            self.at = found.end()
            operators.append(found.group())
            operands.append(self._term())

    def _term(self) -> Expression:
        """A value with the signs before it and the steps behind it."""
        signs: list[int] = []
        self.skip()
        while self.text[self.at : self.at + 1] in ("-", "!"):
            signs.append(self.at)
            self.at += 1
            self.skip()
        start = self.at
        found = self._value()
        steps = self._steps()
        if steps:
            found = Access(found, steps, self.place(start, self.at))
        if len(signs) > DEEPEST:
            raise self._too_deep()
        for sign in reversed(signs):
            found = Unary(self.text[sign], found, self.place(sign, self.at))
        return found

    def _steps(self) -> tuple[Step, ...]:
        """The steps `.name`, `[key]`, `[*]` and `.*` that follow."""
        steps: list[Step] = []
        while True:
            before = self.at
            self.skip()
            start = self.at
            if self.text.startswith(".", start) and not self.text.startswith("..", start):
                self.at += 1
                self.skip()
                if self.next("*"):
                    self.at += 1
                    steps.append(Splat(self._names(), self.place(start, self.at)))
                else:
                    steps.append(self._attribute())
            elif self.text.startswith("[", start):
                self.at += 1
                step = self._in_brackets(start)
                steps.append(step)
            else:
                self.at = before
                return tuple(steps)

    def _attribute(self) -> Attribute:
        start = self.at
        found = _DIGITS.match(self.text, start) or _IDENTIFIER.match(self.text, start)
        if found is None:
            raise self.error("expected the name of an attribute")
        self.at = found.end()
        return Attribute(found.group(), self.place(start, self.at))

    def _names(self) -> tuple[Step, ...]:
        """The attributes that `.*` takes from each item: steps in brackets behind them are taken from the list."""
        steps: list[Step] = []
        while self.text.startswith(".", self.at) and not self.text.startswith("..", self.at):
            self.at += 1
            steps.append(self._attribute())
        return tuple(steps)

    def _in_brackets(self, start: int) -> Step:
        before, self.inside = self.inside, True
        if self.next("*"):
            self.at += 1
            self.expect("]")
            self.inside = before
            self.enter()
            rest = self._steps()
            self.leave()
            return Splat(rest, self.place(start, self.at))
        key = self.expression()
        self.expect("]")
        self.inside = before
        return Index(key, self.place(start, self.at))

    def _value(self) -> Expression:
        text, start = self.text, self.at
        match text[start : start + 1]:
            case '"':
                return quoted(self)
            case "[":
                return self._list()
            case "{":
                return self._object()
            case "(":
                before, self.inside = self.inside, True
                self.at += 1
                found = self.expression()
                self.expect(")")
                self.inside = before
                return found
            case "<" if text.startswith("<<", start):
                return heredoc(self)
        found_number = _NUMBER.match(text, start)
        if found_number is not None:
            self.at = found_number.end()
            return Literal(Scalar(found_number.group(), "number", self.place(start, self.at)))
        return self._word()

    def _word(self) -> Expression:
        start = self.at
        called = _FUNCTION.match(self.text, start)
        if called is not None:
            self.at = called.end()
            return self._call(called.group(), start)
        found = _IDENTIFIER.match(self.text, start)
        if found is None:
            raise self.error("expected a value")
        self.at = found.end()
        place = self.place(start, self.at)
        word = found.group()
        if word == "null":
            return Literal(Scalar("", "null", place))
        if word in ("true", "false"):
            return Literal(Scalar(word, "boolean", place))
        return Name(word, place)

    def _call(self, name: str, start: int) -> Expression:
        before, self.inside = self.inside, True
        self.expect("(")
        arguments: list[Expression] = []
        spread = False
        while not self.next(")"):
            arguments.append(self.expression())
            if self.next("..."):
                spread = True
                self.at += 3
            elif self.next(","):
                self.at += 1
                continue
            if not self.next(")"):
                raise self.error("expected `,` or `)`")
        self.at += 1
        self.inside = before
        return Call(name, tuple(arguments), spread, self.place(start, self.at))

    def _list(self) -> Expression:
        start = self.at
        before, self.inside = self.inside, True
        self.at += 1
        self.skip()
        if _FOR.match(self.text, self.at):
            return self._for(start, before, "]")
        items: list[Expression] = []
        while not self.next("]"):
            items.append(self.expression())
            if self.next(","):
                self.at += 1
            elif not self.next("]"):
                raise self.error("expected `,` or `]`")
        self.at += 1
        self.inside = before
        return ListOf(tuple(items), self.place(start, self.at))

    def _object(self) -> Expression:
        start = self.at
        before, self.inside = self.inside, False
        self.at += 1
        self._skip_lines()
        if _FOR.match(self.text, self.at):
            return self._for(start, before, "}")
        items: list[tuple[Expression, Expression]] = []
        while not self.next("}"):
            key = self._key()
            if not self.next("=") and not self.next(":"):
                raise self.error("expected `=`")
            self.at += 1
            items.append((key, self.expression()))
            self.skip()
            if self.next(","):
                self.at += 1
            elif self.text[self.at : self.at + 1] not in ("\n", "}"):
                raise self.error("expected `,`, `}` or the end of the line")
            self._skip_lines()
        self.at += 1
        self.inside = before
        return ObjectOf(tuple(items), self.place(start, self.at))

    def _key(self) -> Expression:
        """The key of an object's item: a bare word is itself, anything else is worked out."""
        start = self.at
        found = _IDENTIFIER.match(self.text, start)
        if found is not None:
            self.at = found.end()
            if (self.next("=") and not self.next("==")) or self.next(":"):
                return Literal(Scalar(found.group(), "string", self.place(start, found.end())))
            self.at = start
        return self.expression()

    def _for(self, start: int, before: bool, end: str) -> Expression:
        self.inside = True
        self.at += 3
        key_name, value_name = self.loop_names()
        collection = self.expression()
        self.expect(":")
        key, value = None, self.expression()
        if end == "}":
            self.expect("=>")
            key, value = value, self.expression()
        grouped = end == "}" and self.next("...")
        self.at += 3 if grouped else 0
        condition = None
        if not self.next(end):
            if self._identifier(f"`if` or `{end}`").text != "if":
                raise self.error(f"expected `if` or `{end}`")
            condition = self.expression()
        self.expect(end)
        self.inside = before
        place = self.place(start, self.at)
        return For(key_name, value_name, collection, key, value, condition, grouped, place)

    def loop_names(self) -> tuple[str, str]:
        """The names of key and value in `k, v in`; the first is empty where only the value has one."""
        names = "", self._identifier("a name").text
        if self.next(","):
            self.at += 1
            names = names[1], self._identifier("a name").text
        if self._identifier("`in`").text != "in":
            raise self.error("expected `in`")
        return names

    # ---- the text ----

    def skip(self) -> None:
        """Goes over blanks and comments, and over line ends while `inside` brackets."""
        found = (_SPACE if self.inside else _BLANK).match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def _skip_lines(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def next(self, text: str) -> bool:
        """Whether `text` comes next, behind blanks."""
        self.skip()
        return self.text.startswith(text, self.at)

    def expect(self, text: str) -> None:
        """Goes over `text`. Raises DocumentError if something else comes."""
        if not self.next(text):
            raise self.error(f"expected `{text}`")
        self.at += len(text)

    def place(self, start: int, end: int) -> Place:
        """Characters `start` to `end` of this text."""
        return Place(self.source, start, end)

    def enter(self) -> None:
        """Goes one level deeper. Raises DocumentError where that is too deep."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._too_deep()

    def leave(self) -> None:
        """Comes back from where `enter` went."""
        self._depth -= 1

    def _too_deep(self) -> DocumentError:
        return failure(
            self.source, self.at, f"nested deeper than {DEEPEST} levels", "split the expression: name parts in `locals`"
        )

    def error(self, problem: str, at: int = -1) -> DocumentError:
        """The error for a text that is not HCL, here or `at` a character."""
        help = "check the brackets, quotes and line ends around this place, or run `terraform validate`"
        return failure(self.source, self.at if at < 0 else at, f"this is not HCL: {problem}", help, syntax=True)
