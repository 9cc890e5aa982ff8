"""The lines of the audited files as reports may show them: every credential masked."""

from collections.abc import Iterable
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.origin import Span
from policy_audit.sources.template import Template
from policy_audit.sources.tree import child, entries, text

SECRET_PROPERTIES: Final = frozenset(
    {
        "ApiKeyValue",
        "BodyParameters",
        "ClientSecret",
        "HeaderParameters",
        "Headers",
        "Password",
        "QueryStringParameters",
        "SecretString",
    }
)
"""Properties whose values are credentials, or may carry one; `Headers` are those of a workflow's calls.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-connection-authparameters.html
"""


def masked(template: Template, content: str) -> tuple[str, ...]:
    """The lines of the template's file, with a mask over every stretch that may hold a credential.

    A mask is as wide as what it covers, so that columns stay where they are.
    """
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for span in _secrets(template):
        if span.file == template.path:
            _mask(lines, span)
    return tuple(lines)


def _secrets(template: Template) -> Iterable[Span]:
    """Where the template holds credentials, header values, or defaults of NoEcho parameters."""
    for entry in entries(template.document.get("Parameters")):
        default = child(entry.value, "Default")
        if default is not None and (text(child(entry.value, "NoEcho")) or "").lower() == "true":
            yield default.place.span
    pending: list[tuple[Node, bool]] = [(document, False) for document in (template.document, *template.embedded)]
    while pending:
        node, hidden = pending.pop()
        if isinstance(node, Mapping):
            pending += [(entry.value, hidden or entry.key.text in SECRET_PROPERTIES) for entry in node.entries]
        elif isinstance(node, Scalar):
            if hidden and node.text:
                yield node.place.span
        else:
            pending += [(item, hidden) for item in node.items]


def _mask(lines: list[str], span: Span) -> None:
    for number in range(span.line, min(span.end_line, len(lines)) + 1):
        line = lines[number - 1]
        start = span.column - 1 if number == span.line else len(line) - len(line.lstrip())
        end = span.end_column - 1 if number == span.end_line else len(line)
        lines[number - 1] = line[:start] + "*" * max(end - start, 0) + line[end:]
