"""Writing to standard output: what the stream can show, whether in colours, and what happens when nobody reads on."""

import os
import sys
from typing import Final, TextIO

import click

from policy_audit.commands.options import ColorChoice
from policy_audit.errors import INCOMPLETE, AuditError

CLOSED_PIPE: Final = 141
"""What shells tell of a process whose output nobody read to the end."""


def write(text: str) -> None:
    """Writes to standard output; raises AuditError where that can't be written."""
    from policy_audit.formats.visible import encodable

    try:
        click.echo(encodable(text, encoding(sys.stdout)), nl=False, color=True)
    except OSError as error:
        # Python flushes standard output once more when it ends, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(CLOSED_PIPE) from None
        reason = (error.strerror or str(error)).lower()
        raise AuditError(f"the output cannot be written: {reason}", exit_code=INCOMPLETE) from None


def encoding(stream: TextIO | None) -> str:
    """What `stream` can show; a process may be started without one."""
    return getattr(stream, "encoding", None) or "utf-8"


def colored(stream: TextIO | None, choice: ColorChoice, environment: "os._Environ[str]") -> bool:
    """Whether output to `stream` has colours. https://no-color.org and https://force-color.org; NO_COLOR wins."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    terminal = stream is not None and stream.isatty() and environment.get("TERM") != "dumb"
    return terminal or bool(environment.get("FORCE_COLOR"))
