"""Places and messages in SARIF's words."""

import posixpath
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from policy_audit.findings import Mark
from policy_audit.formats.visible import visible, visible_lines
from policy_audit.origin import Span

LONGEST: Final = 4_000
"""Characters of one text: enough for every message of a real template, and an end to those of others."""

Texts = Mapping[str, tuple[str, ...]]


def cut(text: str, longest: int = LONGEST) -> str:
    """`text`, or the beginning of it with `…`."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def plain(text: str, longest: int = LONGEST) -> str:
    """`text` as it may stand in a message: lines of visible characters, not too many, none of them a link (3.11.6)."""
    return cut(visible_lines(text), longest).replace("](", "] (")


def message(text: str) -> dict[str, object]:
    """A message object. SARIF doubles braces where there are placeholders (3.11.5); without arguments there are none,
    and viewers show the text as it is."""
    return {"text": text}


def located(mark: Mark, texts: Texts) -> dict[str, object]:
    """A location object; its message is the mark's label."""
    place: dict[str, object] = {"physicalLocation": physical(mark.span, texts)}
    if mark.label:
        place["message"] = message(plain(visible(mark.label)))
    return place


def physical(span: Span, texts: Texts) -> dict[str, object]:
    """A physicalLocation object. The region is the first line of a longer span: GitHub shows an alert in a pull request
    only if all of its lines are in the difference. The whole span is the context."""
    region: dict[str, object] = {"startLine": span.line, "startColumn": span.column}
    place: dict[str, object] = {"artifactLocation": {"uri": uri(span.file)}, "region": region}
    if span.end_line == span.line:
        region["endLine"], region["endColumn"] = span.line, max(span.end_column, span.column)
        return place
    lines = texts.get(span.file, ())
    end = len(lines[span.line - 1].rstrip()) + 1 if 0 < span.line <= len(lines) else 0
    region["endLine"], region["endColumn"] = span.line, max(end, span.column + 1)
    whole = {"startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column}
    place["contextRegion"] = whole
    return place


def uri(path: str) -> str:
    """The path as a URI: relative to the working folder if it is, with what URIs lack percent-encoded."""
    path = path.replace("\\", "/") if ":\\" in path[:3] else path
    encoded = quote(posixpath.normpath(path).encode("utf-8", "surrogatepass"), safe="/")
    if path.startswith("/"):
        return f"file://{encoded}"
    return f"file:///{encoded}" if path[1:3] == ":/" else encoded
