"""`format`: texts from a format and values, those that are open in their places.

https://developer.hashicorp.com/terraform/language/functions/format
"""

import re
from typing import Final

from policy_audit.model.node import Node, Scalar
from policy_audit.sources.terraform.hcl_encode import json_text, quoted
from policy_audit.sources.terraform.hcl_given import Given
from policy_audit.sources.terraform.hcl_values import (
    RefusedError,
    UnsupportedError,
    as_text,
    derived,
    integer_of,
    is_null,
    joined_texts,
    mapped,
    number_of,
    text_of,
    truth_of,
)
from policy_audit.sources.terraform.instances import is_open

_VERB: Final = re.compile(
    r"%(?:(?P<percent>%)|(?P<flags>[-+ 0#]*+)(?P<width>\d{0,4})(?:\.(?P<precision>\d{0,3}))?"
    r"(?:\[(?P<index>\d{1,4})\])?(?P<verb>[a-zA-Z]))"
)
_EXPONENT: Final = re.compile(r"([eE][-+])(\d)\Z")


def format_text(written: str, values: list[Node], given: Given) -> Node:
    """The format with the values in it. Raises RefusedError as Terraform does, for a value too few or too many."""
    parts: list[Node] = []
    at, following, used = 0, 0, 0
    for found in _VERB.finditer(written):
        if "%" in written[at : found.start()]:
            raise RefusedError("this is no format")
        parts.append(given.of_text(written[at : found.start()]))
        at = found.end()
        if found["percent"]:
            parts.append(given.of_text("%"))
            continue
        index = int(found["index"]) - 1 if found["index"] else following
        if not 0 <= index < len(values):
            raise RefusedError("the format has a verb without a value")
        parts.append(_one(found, values[index], given))
        following, used = index + 1, max(used, index + 1)
    if "%" in written[at:]:
        raise RefusedError("this is no format")
    if used < len(values) and "[" not in written:
        raise RefusedError("the format has fewer verbs than values")
    parts.append(given.of_text(written[at:]))
    return joined_texts([one for one in parts if not isinstance(one, Scalar) or one.text], given.place)


def _one(found: "re.Match[str]", value: Node, given: Given) -> Node:
    """One value as its verb wants it."""

    def known(one: Node) -> Node:
        if is_open(one):
            plain = found["verb"] in "sv" and not found["width"] and found["precision"] is None
            return one if plain else derived(one, given.place, f'format("{found.group()}", …)')
        return given.of_text(_padded(found, _shown(found, one, given)))

    return mapped(value, known)


def _shown(found: "re.Match[str]", value: Node, given: Given) -> str:
    verb, sharp = found["verb"], "#" in found["flags"]
    match verb:
        case "s":
            return _cut(text_of(value), found)
        case "v":
            plain = isinstance(value, Scalar) and not is_null(value) and not sharp
            return _cut(text_of(value), found) if plain else json_text(value, given.budget)
        case "q":
            return quoted(text_of(value))
        case "t":
            return "true" if truth_of(value) else "false"
        case "d" | "b" | "o" | "x" | "X":
            return _integer(verb, value, found)
        case "f" | "e" | "E" | "g" | "G":
            precision = found["precision"]
            sign = "+" if "+" in found["flags"] else ""
            if verb in "gG" and precision is None:
                return as_text(value).text if isinstance(value, Scalar) and value.kind == "number" else text_of(value)
            shown = format(number_of(value), f"{sign}.{precision or (0 if precision == '' else 6)}{verb}")
            return _EXPONENT.sub(r"\g<1>0\2", shown)
    raise UnsupportedError(f"the verb `%{verb}` of `format` is not worked out")


def _cut(text: str, found: "re.Match[str]") -> str:
    return text if found["precision"] is None else text[: int(found["precision"] or 0)]


def _integer(verb: str, value: Node, found: "re.Match[str]") -> str:
    if verb in "xX" and isinstance(value, Scalar) and value.kind == "string":
        shown = value.text.encode().hex()
        return shown.upper() if verb == "X" else shown
    sign = "+" if "+" in found["flags"] else " " if " " in found["flags"] else ""
    prefix = "#" if "#" in found["flags"] and verb in "xX" else ""
    return format(integer_of(value), f"{sign}{prefix}{verb}")


def _padded(found: "re.Match[str]", text: str) -> str:
    width = int(found["width"] or 0)
    if len(text) >= width:
        return text
    if "-" in found["flags"]:
        return text.ljust(width)
    if "0" in found["flags"]:
        sign = text[:1] if text[:1] in ("-", "+") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)
