"""YAML and JSON to nodes that keep their place: the one parser for templates, definitions, policies, rules, config."""

from typing import Final

from policy_audit.model.node import Node, Place, Scalar
from policy_audit.sources.document import (
    MAXIMUM_BYTES,
    MAXIMUM_DEPTH,
    DocumentError,
    Text,
    failure,
    is_plan,
    read_text,
    refuse_characters,
)
from policy_audit.sources.json_nodes import read_json
from policy_audit.sources.places import File, Syntax, Within, where
from policy_audit.sources.yaml_nodes import read_yaml

_NOT_READ: Final = frozenset({"checks", "output_changes", "relevant_attributes", "resource_drift"})
_VALUES: Final = frozenset({"after", "after_sensitive", "before", "before_sensitive"})

__all__ = [
    "MAXIMUM_BYTES",
    "MAXIMUM_DEPTH",
    "parse",
    "parse_documents",
    "parse_embedded",
    "parse_json",
    "parse_yaml",
    "read_text",
    "where",
]


def parse(text: str, name: str) -> Node:
    """The one document of a file: as JSON when it starts with a bracket and reads as such, else as YAML.

    `name` is what places call the file. Raises AuditError (exit code INCOMPLETE) with place and help for any text that
    is neither.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return parse_yaml(text, name)
    try:
        return parse_json(text, name)
    except DocumentError as error:
        if not error.syntax:
            raise
        try:
            return parse_yaml(text, name)
        except DocumentError as other:
            # The reader that got lines further understood more of the text, and YAML's knows template languages.
            further = "\n" in text[error.offset : other.offset]
            raise (other if further or not other.syntax else error) from None


def parse_json(text: str, name: str) -> Node:
    """The JSON document of a file. Raises AuditError as `parse` does; two equal keys are an error too.

    Of Terraform's plans, which have every value several times, only what is read becomes nodes.
    """
    return read_json(_file(text, name, "json"), _passed_in_plans if is_plan(text) else None)


def _passed_in_plans(keys: tuple[str, ...]) -> bool:
    """Whether it is a value before or after the plan, which `planned_values` has as well, or drift."""
    if len(keys) == 1:
        return keys[0] in _NOT_READ
    return len(keys) == 3 and keys[0] == "resource_changes" and keys[1] == "change" and keys[2] in _VALUES


def parse_yaml(text: str, name: str) -> Node:
    """The one YAML document of a file, CloudFormation's short tags in their long form; an empty file is a null.

    Keys and values are kept as written; empty documents beside the one are passed over. Raises AuditError as `parse`.
    """
    source = _file(text, name, "yaml")
    return _only(source, read_yaml_documents(source))


def parse_documents(text: str, name: str) -> tuple[Node, ...]:
    """Every document of a YAML file, empty ones included."""
    return read_yaml_documents(_file(text, name, "yaml"))


def parse_embedded(scalar: Scalar, *, yaml_too: bool = False) -> Node:
    """The JSON (or, with `yaml_too`, YAML) document that a scalar's text holds; its places lead into the file.

    Letters of open values may stand in its strings, and in place of a whole value. Raises AuditError as `parse` does.
    """
    source = Within(scalar, "json")
    try:
        return read_json(source)
    except DocumentError as error:
        if not yaml_too or not error.syntax:
            raise
        source = Within(scalar, "yaml")
        try:
            return _only(source, read_yaml_documents(source))
        except DocumentError as other:
            as_json = scalar.text.lstrip()[:1] in ("{", "[") and other.offset <= error.offset
            raise (error if as_json else other) from None


def read_yaml_documents(source: Text) -> tuple[Node, ...]:
    """Every YAML document of a source."""
    return tuple(read_yaml(source))


def _file(text: str, name: str, syntax: Syntax) -> File:
    source = File(name, text.removeprefix("\ufeff"), syntax)
    refuse_characters(source)
    return source


def _only(source: Text, documents: tuple[Node, ...]) -> Node:
    """The one document that is not empty."""
    full = [document for document in documents if not _is_empty(document)]
    if len(full) > 1:
        second = full[1].place
        raise failure(
            source,
            second.start,
            f"this file holds {len(full)} YAML documents, and a template is one",
            "keep each in a file of its own",
        )
    if full:
        return full[0]
    return documents[0] if documents else Scalar("", "null", Place(source, 0, 0))


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null" and node.place.start == node.place.end
