"""Regular expressions of a configuration, where they are simple enough that matching can't take long.

Terraform matches with RE2, in linear time; Python's matcher goes back, so that of the user's expressions it gets only
those whose repetitions are few and not nested, over texts that are short. https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from policy_audit.sources.terraform.hcl_values import RefusedError, UnsupportedError

Captures = str | list[str | None] | dict[str, str | None]

_OF_RE2: Final = re.compile(
    r"\[\[:|\\[pPzQCZ]|\(\?[^:Pims]|\(\?P[^<]|\(\?[ims]*-|\(\?<|\\[1-9]|[*+?}]\+|\\x\{|\(\?[a-zA-Z]*U"
)
"""What means something else in RE2 than in Python, or is in one of them alone."""
_LONGEST: Final = (20_000, 2_000, 200, 60)
"""How long a text may be, by the number of repetitions without a bound."""
_REFERENCE: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


def captures(pattern: str, text: str) -> Captures | None:
    """The first match: its groups by name, else in order, else the whole; None if nothing matches."""
    return next(_found(pattern, text), None)


def every_capture(pattern: str, text: str) -> list[Captures]:
    """Every match, as `captures` gives one."""
    return list(_found(pattern, text))


def replaced(pattern: str, text: str, new: str) -> str:
    """The text with every match replaced by `new`, in which `$1`, `$name` and `${name}` are groups."""

    def put(found: "re.Match[str]") -> str:
        def group(named: "re.Match[str]") -> str:
            name = named[1] or named[2]
            if name is None:
                return "$"
            try:
                return found[int(name) if name.isdigit() else name] or ""
            except IndexError:
                return ""

        return _REFERENCE.sub(group, new)

    return _compiled(pattern, text).sub(put, text)


def _found(pattern: str, text: str) -> Iterator[Captures]:
    compiled = _compiled(pattern, text)
    for found in compiled.finditer(text):
        if compiled.groupindex:
            yield {name: found[name] for name in compiled.groupindex}
        elif compiled.groups:
            yield list(found.groups())
        else:
            yield found.group()


def _compiled(pattern: str, text: str) -> "re.Pattern[str]":
    """The expression, if it may be matched against the text. Raises RefusedError for none, else UnsupportedError."""
    if len(pattern) > 500 or _OF_RE2.search(pattern) or ("$" in pattern and text.endswith("\n")):
        raise UnsupportedError("this regular expression is not matched")
    try:
        compiled = re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        raise RefusedError("this is no regular expression") from None
    count = _repetitions(pattern)
    if count >= len(_LONGEST) or len(text) > _LONGEST[count]:
        raise UnsupportedError("this regular expression may take too long to be matched")
    return compiled


def _repetitions(pattern: str) -> int:
    """How many repetitions an expression has; too many, if one may repeat in more ways than one."""
    parse = import_module("re._parser").parse  # what `re` itself compiles from

    count = 0
    pending: list[tuple[Any, bool]] = [(parse(pattern, re.ASCII), False)]
    while pending:
        items, repeated = pending.pop()
        for operation, argument in items:
            name = str(operation)
            if name in ("MAX_REPEAT", "MIN_REPEAT"):
                _, most, body = argument
                if repeated:
                    return len(_LONGEST)
                count += most > 1
                pending.append((body, most > 1))
            elif name == "BRANCH":
                if repeated:
                    return len(_LONGEST)
                pending += [(branch, False) for branch in argument[1]]
            elif name == "SUBPATTERN":
                pending.append((argument[3], repeated))
            elif name not in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"):
                return len(_LONGEST)
    return count
