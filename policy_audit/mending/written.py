"""Plain values as text of a template: blocks and flows of YAML with CloudFormation's short tags, and JSON."""

import re
from collections.abc import Mapping, Sequence
from json import dumps
from typing import Final

from policy_audit.sources.yaml_nodes import FUNCTIONS

_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./:@+=*$-]*", re.ASCII)
"""Texts that mean themselves without quotes wherever they stand in YAML, but for the words that mean something else."""
_PLAIN_IN_A_BLOCK: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./:@+=*${}-]*", re.ASCII)
_WORDS: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
_WIDEST: Final = 88
"""Lists of texts that are no longer are written on one line."""


def in_json(value: object, indent: str, unit: str) -> str:
    """`value` as JSON, further lines indented by `indent`; on one line where `unit`, one level's blanks, is empty."""
    if not unit:
        return dumps(value, ensure_ascii=False)
    return dumps(value, ensure_ascii=False, indent=unit).replace("\n", f"\n{indent}")


def in_flow(value: object) -> str:
    """`value` as YAML on one line, within brackets or behind a key."""
    function = _function(value)
    if function is not None:
        tag, argument = function
        return f"{tag} {in_flow(argument)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {in_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(in_flow, value)) + "]"
    return _scalar(value)


def in_block(value: object, indent: str, unit: str) -> str:
    """`value` as a YAML block whose lines, but for the first, are indented by `indent`; levels differ by `unit`."""
    if isinstance(value, Mapping) and value and _function(value) is None:
        return f"\n{indent}".join(entry(str(key), one, indent, unit) for key, one in value.items())
    if isinstance(value, list | tuple) and value:
        return f"\n{indent}".join(f"- {in_block(one, indent + '  ', unit)}" for one in value)
    return _one_line(value)


def entry(key: str, value: object, indent: str, unit: str) -> str:
    """`key: value` as a YAML block at `indent`."""
    name = _text(key)
    if _is_nested(value):
        return f"{name}:\n{indent}{unit}{in_block(value, indent + unit, unit)}"
    return f"{name}: {_one_line(value)}"


def _is_nested(value: object) -> bool:
    """Whether a value behind a key stands on lines of its own."""
    if isinstance(value, Mapping):
        return bool(value) and _function(value) is None
    return isinstance(value, list | tuple) and bool(value) and not _is_short(value)


def _is_short(items: Sequence[object]) -> bool:
    return all(isinstance(one, str) for one in items) and len(in_flow(items)) <= _WIDEST


def _one_line(value: object) -> str:
    function = _function(value)
    if function is not None and isinstance(function[1], str):
        return f"{function[0]} {_text(function[1], in_a_block=True)}"
    return _scalar(value, in_a_block=True) if isinstance(value, str | bool | int) else in_flow(value)


def _scalar(value: object, *, in_a_block: bool = False) -> str:
    if isinstance(value, str):
        return _text(value, in_a_block=in_a_block)
    return dumps(value)


def _text(text: str, *, in_a_block: bool = False) -> str:
    form = _PLAIN_IN_A_BLOCK if in_a_block else _PLAIN
    if form.fullmatch(text) and not text.endswith(":") and text.lower() not in _WORDS:
        return text
    return dumps(text, ensure_ascii=False)


def _function(value: object) -> tuple[str, object] | None:
    """The short tag and the argument of an intrinsic function; None for anything else.

    YAML has no tag behind a tag: a function whose argument is a function stays in its long form.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((name, argument),) = value.items()
    short = str(name).removeprefix("Fn::")
    if name != "Ref" and not (str(name).startswith("Fn::") and short in FUNCTIONS):
        return None
    if short == "GetAtt" and isinstance(argument, list | tuple) and all(isinstance(one, str) for one in argument):
        return "!GetAtt", ".".join(argument)
    return None if _function(argument) is not None else (f"!{short}", argument)
