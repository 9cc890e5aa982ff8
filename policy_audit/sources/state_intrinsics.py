"""What text a JSONPath state's `"Key.$"` shows: the literal parts of `States.Format`, and a hole for all the rest."""

from collections.abc import Mapping
from typing import Final

from policy_audit.model.value import Symbols
from policy_audit.sources.computed import computed, shorten

_DEEPEST: Final = 12
"""AWS allows ten nested intrinsic functions."""
_FORMAT: Final = "States.Format"


def read_dynamic(text: str, symbols: Symbols, variables: Mapping[str, str] | None = None) -> str:
    """The text that the value of a key ending in `.$` gives: a path, a variable, the context, or an intrinsic function.

    `variables` holds the workflow variables whose text is known. All but `States.Format` is a hole.
    https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
    """
    if not text.startswith(("$", "States.")):
        shown = shorten(symbols.show(text))
        return symbols.hole(f"`{shown}` is neither a path nor an intrinsic function")
    return _argument(text, symbols, variables or {}, 0)


def _argument(text: str, symbols: Symbols, variables: Mapping[str, str], depth: int) -> str:
    """The text of one argument: a string, a number, a path or another function."""
    text = text.strip()
    if text.startswith("$"):
        return variables.get(text[1:]) or computed(text, symbols)
    if text.isascii() and text.isdigit():
        return text
    if text.startswith("'"):
        chunks = _template(text)
        return chunks[0] if chunks is not None and len(chunks) == 1 else computed(text, symbols)
    if text.startswith(_FORMAT) and depth < _DEEPEST:
        filled = _format(text[len(_FORMAT) :].lstrip(), symbols, variables, depth)
        if filled is not None:
            return filled
    return computed(text, symbols)


def _format(call: str, symbols: Symbols, variables: Mapping[str, str], depth: int) -> str | None:
    """`('…{}…', argument, …)` filled in, or None when the template is computed or does not fit its arguments."""
    arguments = _split(call)
    chunks = _template(arguments[0].strip()) if arguments else None
    if not arguments or chunks is None or len(chunks) != len(arguments):
        return None
    parts = [chunks[0]]
    for argument, chunk in zip(arguments[1:], chunks[1:], strict=True):
        parts += (_argument(argument, symbols, variables, depth + 1), chunk)
    return "".join(parts)


def _split(call: str) -> list[str] | None:
    """The arguments of `( … , … )`, or None when brackets or quotes do not pair or something follows them."""
    if not call.startswith("("):
        return None
    arguments: list[str] = []
    expected = [")"]
    begin = position = 1
    while expected and position < len(call):
        character = call[position]
        if character == "'":
            position = _closing_quote(call, position)
        elif character in "([":
            expected.append(")" if character == "(" else "]")
        elif character in ")]":
            if character != expected.pop():
                return None
        elif character == "," and len(expected) == 1:
            arguments.append(call[begin:position])
            begin = position + 1
        position += 1
    if expected or call[position:].strip():
        return None
    return [*arguments, call[begin : position - 1]]


def _closing_quote(text: str, opening: int) -> int:
    """Where the string that begins at `opening` ends; the end of `text` when it does not."""
    position = opening + 1
    while position < len(text) and text[position] != "'":
        position += 2 if text[position] == "\\" else 1
    return position


def _template(quoted: str) -> list[str] | None:
    """The literal text between the `{}` of a quoted string, escapes undone, or None when it is not such a string.

    `\\'`, `\\{`, `\\}` and `\\\\` stand for the character itself; any other backslash or lone brace is refused.
    """
    if len(quoted) < 2 or not quoted.startswith("'") or _closing_quote(quoted, 0) != len(quoted) - 1:
        return None
    chunks: list[str] = []
    characters: list[str] = []
    position = 1
    while position < len(quoted) - 1:
        pair = quoted[position : position + 2]
        if pair == "{}":
            chunks.append("".join(characters))
            characters = []
            position += 2
        elif pair[0] == "\\":
            if pair[1] not in "'{}\\":
                return None
            characters.append(pair[1])
            position += 2
        elif pair[0] in "{}":
            return None
        else:
            characters.append(pair[0])
            position += 1
    return [*chunks, "".join(characters)]
