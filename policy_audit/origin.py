"""Where a fact came from: a span of a file, told in lines and columns as an editor counts them."""

from policy_audit.record import NamedTuple


class Span(NamedTuple):
    """A stretch of text in a file. Lines and columns count from 1; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
