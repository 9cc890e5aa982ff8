"""The lines of the audited files as reports may show them: every credential masked."""

from collections.abc import Iterable, Mapping
from typing import Final

from policy_audit.model import node as tree
from policy_audit.model.node import Node, Scalar
from policy_audit.origin import Span
from policy_audit.sources.places import Within
from policy_audit.sources.template import Template
from policy_audit.sources.tree import child, entries, is_true

SECRET_PROPERTIES: Final = frozenset(
    {
        "ApiKeyValue",
        "AuthToken",
        "BodyParameters",
        "ClientSecret",
        "HeaderParameters",
        "Headers",
        "MasterUserPassword",
        "Password",
        "QueryParameters",
        "QueryStringParameters",
        "RequestBody",
        "SecretString",
        "SecretStringTemplate",
    }
)
"""Properties whose values are credentials, or may carry one; `Headers` and the like are those of a workflow's calls.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-connection-authparameters.html
"""


def masked(templates: Iterable[Template], texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The lines of files, by path, with a mask over every stretch that may hold a credential.

    A mask is as wide as what it covers, so that columns stay where they are.
    """
    lines = {
        path: content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for path, content in texts.items()
    }
    for template in templates if lines else ():
        for span in _secrets(template):
            if span.file in lines:
                _mask(lines[span.file], span)
    return {path: tuple(one) for path, one in lines.items()}


def _secrets(template: Template) -> Iterable[Span]:
    """Where the template holds credentials, header values, or defaults of NoEcho parameters.

    Of a definition that could not be parsed everything may be one.
    """
    for entry in entries(template.document.get("Parameters")):
        default = child(entry.value, "Default")
        if default is not None and is_true(child(entry.value, "NoEcho")):
            yield default.place.span
    documents = (template.document, *template.embedded.values())
    pending: list[tuple[Node, bool]] = [(document, isinstance(document, Scalar)) for document in documents]
    while pending:
        node, hidden = pending.pop()
        if isinstance(node, tree.Mapping):
            for entry in node.entries:
                name = entry.key.text.removesuffix(".$")
                # Arguments that an expression computes as a whole may have headers in it.
                computed = name in {"Arguments", "Parameters"} and isinstance(entry.value, Scalar)
                pending.append((entry.value, hidden or computed or name in SECRET_PROPERTIES))
        elif isinstance(node, Scalar):
            if hidden and node.text:
                yield from _written(node)
        else:
            pending += [(item, hidden) for item in node.items]


def _written(scalar: Scalar) -> Iterable[Span]:
    """Every stretch of a file that the text comes from: a joined text is written in several places."""
    source, start, end = scalar.place
    if scalar.pieces:
        yield from _stretches(scalar, 0, len(scalar.text))
    elif isinstance(source, Within):
        yield from _stretches(source.scalar, start, end)
    else:
        yield scalar.place.span


def _stretches(whole: Scalar, start: int, end: int) -> Iterable[Span]:
    """Where characters `start` to `end` of a text were written."""
    pending = [(whole, start, end)]
    while pending:
        scalar, start, end = pending.pop()
        source = scalar.place.source
        if scalar.pieces:
            for piece in scalar.pieces:
                first, last = max(start - piece.offset, 0), min(end - piece.offset, len(piece.scalar.text))
                if first < last:
                    pending.append((piece.scalar, first, last))
        elif isinstance(source, Within) and source.syntax == "value":
            pending.append((source.scalar, scalar.place.start + start, scalar.place.start + end))
        else:
            yield Within(scalar).span(start, end)


def _mask(lines: list[str], span: Span) -> None:
    for number in range(span.line, min(span.end_line, len(lines)) + 1):
        line = lines[number - 1]
        start = span.column - 1 if number == span.line else len(line) - len(line.lstrip())
        end = span.end_column - 1 if number == span.end_line else len(line)
        lines[number - 1] = line[:start] + "*" * max(end - start, 0) + line[end:]
