"""The one exception of the package, and the exit codes that every command shares."""

from typing import Final

CLEAN: Final = 0
"""Nothing at or above `--fail-on`."""
FINDINGS: Final = 1
"""At least one finding at or above `--fail-on`."""
USAGE: Final = 2
"""The command line, the configuration or a rule file is wrong."""
NOTHING_AUDITED: Final = 3
"""No file of a known form was found."""
INCOMPLETE: Final = 4
"""Something that should have been audited could not be."""


class AuditError(Exception):
    """Raised when the audit cannot go on: what is wrong, where, and what to do about it.

    `message` is one lower-case sentence without a full stop, the user's own text in backticks; `where` is
    `file:line:column` or empty; `help` says what to do; `exit_code` is one of the constants above; `source`, when not
    empty, is the line at `where`.
    """

    def __init__(self, message: str, *, where: str = "", help: str = "", exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.help = help
        self.exit_code = exit_code
        self.source = ""

    def showing(self, text: str) -> "AuditError":
        """This error, to be printed with the line of `text` that `where` names.

        Only for text that holds no secrets: a configuration or a rule, never a template.
        """
        numbers = self.where.rsplit(":", 2)
        if len(numbers) == 3 and numbers[1].isdecimal():
            lines = text.splitlines()
            index = int(numbers[1]) - 1
            self.source = lines[index] if 0 <= index < len(lines) else ""
        return self

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message
