"""How far a reading is: a bar for each Region, with its services, on a terminal; nothing anywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TextIO

import click

from policy_audit.record import Protocol

LINES: Final = 12
"""How many bars stand on the terminal at a time; Regions that are read to the end make room for others."""
SECONDS_BETWEEN: Final = 0.1
_WIDTH: Final = 24
_UP: Final = "\x1b[{}A"
_CLEAR_BELOW: Final = "\r\x1b[J"


class Progress(Protocol):
    """What a reader tells on its way, from any thread."""

    def planned(self, account: str, region: str, service: str) -> None:
        """There is one more call to make; `region` is empty for what is the same everywhere."""

    def answered(self, account: str, region: str, service: str) -> None:
        """A call that was planned has been made, or given up."""


class Silent:
    """Tells nobody anything."""

    def planned(self, account: str, region: str, service: str) -> None:
        pass

    def answered(self, account: str, region: str, service: str) -> None:
        pass


SILENT: Final = Silent()


class Bars:
    """Bars on a terminal, a line for each account and Region that is being read: calls made of calls known so far.

    `clock` gives seconds, by which the bars are drawn ten times a second and not more.
    """

    def __init__(self, terminal: TextIO, clock: Callable[[], float]) -> None:
        self._terminal = terminal
        self._clock = clock
        self._drawing = threading.Lock()
        self._known: dict[tuple[str, str], dict[str, list[int]]] = {}
        self._drawn = 0
        self._next = 0.0

    def planned(self, account: str, region: str, service: str) -> None:
        with self._drawing:
            self._known.setdefault((account, region), {}).setdefault(service, [0, 0])[1] += 1

    def answered(self, account: str, region: str, service: str) -> None:
        with self._drawing:
            self._known[account, region][service][0] += 1
            if self._clock() >= self._next:
                self._next = self._clock() + SECONDS_BETWEEN
                self._draw()

    def finish(self) -> None:
        """Takes the bars off the terminal."""
        with self._drawing:
            self._erase()
            self._terminal.flush()

    def _draw(self) -> None:
        self._erase()
        lines = self._lines()
        for line in lines:
            self._terminal.write(f"{line}\n")
        self._drawn = len(lines)
        self._terminal.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._terminal.write(_UP.format(self._drawn) + _CLEAR_BELOW)
        self._drawn = 0

    def _lines(self) -> list[str]:
        several = len({account for account, _ in self._known}) > 1
        open_bars = [
            self._line(f"{account} {region or 'global'}" if several else region or "global", services)
            for (account, region), services in self._known.items()
            if any(made < known for made, known in services.values())
        ]
        rest = len(open_bars) - LINES
        return [*open_bars[:LINES], f"and {rest} more"] if rest > 0 else open_bars

    def _line(self, label: str, services: dict[str, list[int]]) -> str:
        told = ", ".join(f"{name} {made}/{known}" for name, (made, known) in sorted(services.items()) if made < known)
        bar = click.progressbar(
            length=sum(known for _, known in services.values()),
            label=f"{label:14}",
            width=_WIDTH,
            show_eta=False,
            show_percent=False,
            show_pos=True,
            file=self._terminal,
        )
        bar.pos = sum(made for made, _ in services.values())
        return f"{bar.format_progress_line()}  {told}"[: self._columns()]

    def _columns(self) -> int:
        from shutil import get_terminal_size

        return get_terminal_size().columns - 1
