"""Text made safe to print: whatever a hostile file holds, terminals and logs only get characters that they show."""

TAB = "    "


def visible(text: str) -> str:
    r"""`text` on one line, each character that would not be seen as itself written as `\n`, `\x1b`, `\u202e` …

    That is every control character, terminal escape, invisible or direction-changing character, lone surrogate, and
    space but U+0020.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def visible_lines(text: str) -> str:
    """`text` with its line breaks, each line as `visible` has it."""
    return "\n".join(map(visible, text.rstrip().split("\n")))


def _escape(character: str) -> str:
    code = ord(character)
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def inert(text: str, colon: str = "\\x3a", hash: str = "\\x23") -> str:
    r"""`text` (whole lines) in which no CI service sees a command to itself: the first character of `::error::…` where
    a line begins, and of `##[error]`, `##vso[…]` or `##teamcity[…]` anywhere, is written as `colon` or `hash`.

    GitHub's runner: https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs;
    https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands;
    https://www.jetbrains.com/help/teamcity/service-messages.html
    """
    if "##" in text:
        import re

        text = re.sub(r"#(?=#\w*\[)", lambda _: hash, text)
    if "::" in text:
        import re

        text = re.sub(r"(?m)^([ \t]*):(?=:\w)", lambda found: found[1] + colon, text)
    return text


def width(text: str) -> int:
    """How many columns of a terminal `text` (from `visible`) takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)


def encodable(text: str, encoding: str) -> str:
    r"""`text` with each character that `encoding` lacks written as `\u2026`."""
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")
