"""The lines of the audited files as reports may show them: every credential masked."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

from policy_audit.model.node import Mapping
from policy_audit.origin import Span
from policy_audit.sources.template import secrets


def masked(documents: Sequence[tuple[str, Mapping]], texts: MappingOf[str, str]) -> dict[str, tuple[str, ...]]:
    """The lines of each file, with a mask over every stretch that `secrets` names.

    A mask has the width of what it covers, so that columns stay where they are.
    """
    found = {}
    for path, document in documents:
        lines = texts[path].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for span in secrets(document):
            if span.file == path:
                _mask(lines, span)
        found[path] = tuple(lines)
    return found


def _mask(lines: list[str], span: Span) -> None:
    for number in range(span.line, min(span.end_line, len(lines)) + 1):
        line = lines[number - 1]
        start = span.column - 1 if number == span.line else len(line) - len(line.lstrip())
        end = span.end_column - 1 if number == span.end_line else len(line)
        lines[number - 1] = line[:start] + "*" * max(end - start, 0) + line[end:]
