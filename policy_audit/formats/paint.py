"""Colours of the terminal, by the role of what is printed in them."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import click

Role = Literal["note", "low", "medium", "high", "critical", "undecided", "error", "proven", "refuted", "frame", "bold"]
Paint = Callable[[str, Role], str]
"""Gives text the colour of its role, or returns it as it is."""

_COLORS: Final[Mapping[Role, str]] = {
    "note": "cyan",
    "low": "blue",
    "medium": "yellow",
    "high": "red",
    "critical": "magenta",
    "undecided": "yellow",
    "error": "red",
    "proven": "green",
    "refuted": "red",
    "frame": "blue",
}


def painter(color: bool) -> Paint:
    """The `Paint` for a terminal with or without colours."""
    if not color:
        return lambda text, role: text
    return lambda text, role: click.style(text, fg=_COLORS.get(role), bold=True)
