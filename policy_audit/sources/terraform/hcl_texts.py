"""Terraform's functions on texts.

https://developer.hashicorp.com/terraform/language/functions
"""

import re
from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Node, Scalar
from policy_audit.sources.terraform.hcl_format import format_text
from policy_audit.sources.terraform.hcl_given import MANY, Function, Given
from policy_audit.sources.terraform.hcl_regex import captures, every_capture, replaced
from policy_audit.sources.terraform.hcl_values import RefusedError, as_text, joined_texts, mapped
from policy_audit.sources.terraform.instances import is_open

_WHITE: Final = " \t\n\v\f\r\x85\xa0"


def _plain(work: Callable[[str], str]) -> Callable[[Given], Node]:
    """A function of one text."""
    return lambda given: given.of_text(work(given.text(0)))


def _with(work: Callable[[str, str], str]) -> Callable[[Given], Node]:
    """A function of two texts."""
    return lambda given: given.of_text(work(given.text(0), given.text(1)))


def _test(work: Callable[[str, str], bool]) -> Callable[[Given], Node]:
    return lambda given: given.of_boolean(work(given.text(0), given.text(1)))


def _upper(text: str) -> str:
    """Each letter as its capital, where that is one letter."""
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in text)


def _title(text: str) -> str:
    return re.sub(r"(?<!\w)[^\W\d_]", lambda found: found.group().upper(), text)


def _indent(given: Given) -> Node:
    return given.of_text(given.text(1).replace("\n", "\n" + " " * max(0, min(given.integer(0), 1000))))


def _join(given: Given) -> Node:
    """The texts of all lists with the separator between them; those that are open stay, each in its place."""
    separator = as_text(given.arguments[0])
    parts: list[Node] = []
    for index in range(1, len(given.arguments)):
        for one in given.items(index):
            if parts:
                parts.append(separator)
            parts.append(mapped(one, lambda item: item if is_open(item) else as_text(item)))
    return joined_texts(parts, given.place)


def _replace(given: Given) -> Node:
    text, old, new = given.text(0), given.text(1), given.text(2)
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        return given.of_text(replaced(old[1:-1], text, new))
    if len(new) > len(old) and text.count(old) * len(new) > 1 << 20:
        raise RefusedError("the text becomes too long")
    return given.of_text(text.replace(old, new))


def _split(given: Given) -> Node:
    separator, text = given.text(0), given.text(1)
    if not separator:
        return given.of_texts(list(text))
    return given.of_texts(text.split(separator) if text else [""])


def _substr(given: Given) -> Node:
    text, start, length = given.text(0), given.integer(1), given.integer(2)
    start = start + len(text) if start < 0 else start
    if start < 0:
        start = 0
    return given.of_text(text[start:] if length < 0 else text[start : start + length])


def _regex(given: Given) -> Node:
    found = captures(given.text(0), given.text(1))
    if found is None:
        raise RefusedError("the text does not match")
    return _captured(given, found)


def _regexall(given: Given) -> Node:
    return given.of_items([_captured(given, one) for one in every_capture(given.text(0), given.text(1))])


def _captured(given: Given, found: "str | list[str | None] | dict[str, str | None]") -> Node:
    def node(text: str | None) -> Node:
        return Scalar("", "null", given.place) if text is None else given.of_text(text)

    if isinstance(found, str):
        return given.of_text(found)
    if isinstance(found, list):
        return given.of_items([node(one) for one in found])
    return given.of_entries({name: node(one) for name, one in found.items()})


def _formatlist(given: Given) -> Node:
    """The format applied to the items of all lists side by side; what is no list is the same in every round."""
    from policy_audit.model.node import Sequence

    lists = [one.items for one in given.arguments[1:] if isinstance(one, Sequence)]
    lengths = {len(one) for one in lists}
    if len(lengths) > 1:
        raise RefusedError("the lists have different lengths")
    rounds = []
    for index in range(lengths.pop() if lengths else 1):
        values = [one.items[index] if isinstance(one, Sequence) else one for one in given.arguments[1:]]
        rounds.append(format_text(given.text(0), values, given))
    return given.of_items(rounds)


TEXTS: Final = {
    "chomp": Function(_plain(lambda text: re.sub(r"(?:\r\n|\n|\r)+\Z", "", text)), 1, 1),
    "endswith": Function(_test(str.endswith), 2, 2),
    "format": Function(
        lambda given: format_text(given.text(0), list(given.arguments[1:]), given), 1, MANY, shallow=True, free=1
    ),
    "formatlist": Function(_formatlist, 1, MANY, shallow=True),
    "indent": Function(_indent, 2, 2),
    "join": Function(_join, 2, MANY, shallow=True),
    "lower": Function(_plain(str.lower), 1, 1),
    "regex": Function(_regex, 2, 2),
    "regexall": Function(_regexall, 2, 2),
    "replace": Function(_replace, 3, 3),
    "split": Function(_split, 2, 2),
    "startswith": Function(_test(str.startswith), 2, 2),
    "strcontains": Function(_test(str.__contains__), 2, 2),
    "strrev": Function(_plain(lambda text: text[::-1]), 1, 1),
    "substr": Function(_substr, 3, 3),
    "title": Function(_plain(_title), 1, 1),
    "trim": Function(_with(str.strip), 2, 2),
    "trimprefix": Function(_with(str.removeprefix), 2, 2),
    "trimspace": Function(_plain(lambda text: text.strip(_WHITE)), 1, 1),
    "trimsuffix": Function(_with(str.removesuffix), 2, 2),
    "upper": Function(_plain(_upper), 1, 1),
}
