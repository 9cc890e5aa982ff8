"""HTML put together from elements, so that text is text: only what `element` made is markup."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from policy_audit.formats.visible import visible
from policy_audit.record import NamedTuple

_BREAKS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[./_-])(?=\w)")
_VOID: Final = frozenset({"br", "wbr", "input", "meta", "path", "rect", "circle", "use"})


_BLOCKS: Final = frozenset({"article", "details", "div", "figure", "li", "ol", "p", "section", "summary", "tr", "ul"})
"""Elements that end their line, so that two documents can be compared."""


class Html(NamedTuple):
    """Markup that is safe to put into a document."""

    text: str


Child = Html | str
NOTHING: Final = Html("")


def element(tag: str, /, *children: Child, **attributes: str | bool) -> Html:
    """`<tag attributes>children</tag>`. Of an attribute's name a last `_` is dropped, and others are hyphens.

    An attribute that is False is left out, and one that is True has no value.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(visible(str(value)))}"')
        for key, value in attributes.items()
        if value is not False
    )
    if tag in _BLOCKS:
        return Html(f"<{tag}{written}>{joined(children).text}</{tag}>\n")
    if tag in _VOID:
        return Html(f"<{tag}{written}>" if tag in {"br", "input", "meta", "wbr"} else f"<{tag}{written}/>")
    return Html(f"<{tag}{written}>{joined(children).text}</{tag}>")


def joined(children: Iterable[Child]) -> Html:
    """The children one after the other, text escaped."""
    return Html("".join(each.text if isinstance(each, Html) else escape(visible(each)) for each in children))


def prose(sentence: str) -> Html:
    """A sentence in which what stands in backticks is code."""
    parts = sentence.split("`")
    return joined(element("code", part) if index % 2 else part for index, part in enumerate(parts))


def name(text: str) -> Html:
    """A name that may be broken between its words."""
    return joined(_with_breaks(text))


def _with_breaks(text: str) -> Iterator[Child]:
    first, *others = _BREAKS.split(text)
    yield first
    for part in others:
        yield element("wbr")
        yield part
