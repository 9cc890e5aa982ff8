"""Functions that are more than what they give for their arguments: `try`, `can`, and those that read files.

https://developer.hashicorp.com/terraform/language/functions/try
"""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.node import Node, Place
from policy_audit.sources.terraform.hcl_evaluate import Environment
from policy_audit.sources.terraform.hcl_files import CONTENTS, Files
from policy_audit.sources.terraform.hcl_parse import parse_template
from policy_audit.sources.terraform.hcl_syntax import Call, Step
from policy_audit.sources.terraform.hcl_values import (
    RefusedError,
    UnsupportedError,
    boolean,
    derived,
    entries_of,
    mapped,
    open_within,
    opened,
    text,
    text_of,
)
from policy_audit.sources.terraform.instances import is_open, unknown, variable

if TYPE_CHECKING:
    from policy_audit.sources.terraform.hcl_scope import ModuleScope

Builtin = Callable[["ModuleScope", Call, Environment], Node]


def _try(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    """The first argument that can be worked out."""
    last: RefusedError | None = None
    for one in call.arguments:
        try:
            return scope.configuration.evaluator.value(one, around)
        except RefusedError as error:
            last = error
    raise last or RefusedError("`try` without arguments")


def _can(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    try:
        found = scope.given(call, around)
    except RefusedError:
        return boolean(False, call.place)
    first = next((inner for one in found if (inner := open_within(one)) is not None), None)
    return boolean(True, call.place) if first is None else opened(first, call.place, "can(…)")


def _of_path(work: Callable[[Files, str, Call], Node]) -> Builtin:
    """A function whose first argument is the name of a file."""

    def builtin(scope: "ModuleScope", call: Call, around: Environment) -> Node:
        given = scope.given(call, around)
        if len(given) != 1:
            raise RefusedError(f"`{call.name}` takes another number of arguments")

        def named(name: Node) -> Node:
            if is_open(name):
                return derived(name, call.place, f"{call.name}(…)")
            return work(scope.configuration.files, text_of(name), call)

        return mapped(given[0], named)

    return builtin


def _fileset(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    from policy_audit.sources.terraform.hcl_values import SetOf

    given = scope.given(call, around)
    if len(given) != 2:
        raise RefusedError("`fileset` takes another number of arguments")
    if any(map(is_open, given)):
        raise UnsupportedError("the files of `fileset` are open")
    return SetOf(
        tuple(scope.configuration.files.matching(text_of(given[0]), text_of(given[1]), call.place)), call.place
    )


def _templatefile(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    given = scope.given(call, around)
    if len(given) != 2:
        raise RefusedError("`templatefile` takes another number of arguments")
    if is_open(given[0]) or is_open(given[1]):
        raise UnsupportedError("the file or the values of `templatefile` are open")
    template = scope.configuration.files.template(text_of(given[0]))
    names = {entry.key.text: entry.value for entry in entries_of(given[1])}
    return scope.configuration.evaluator.value(template, Environment(_OnlyNames(scope), names))


def _templatestring(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    given = scope.given(call, around)
    if len(given) != 2 or is_open(given[0]) or is_open(given[1]):
        raise UnsupportedError("the text or the values of `templatestring` are open")
    from policy_audit.sources.places import Within
    from policy_audit.sources.terraform.hcl_values import as_text

    names = {entry.key.text: entry.value for entry in entries_of(given[1])}
    template = parse_template(Within(as_text(given[0])))
    return scope.configuration.evaluator.value(template, Environment(_OnlyNames(scope), names))


class _OnlyNames:
    """The scope of a template's file: it knows what it is given, and functions."""

    def __init__(self, scope: "ModuleScope") -> None:
        self._scope = scope

    def named(self, name: str, steps: tuple[Step, ...], place: Place) -> tuple[Node, tuple[Step, ...]]:
        """No name but those that the template is given."""
        raise RefusedError(f"the template is given no `{name}`")

    def attribute(self, address: str, name: str, place: Place) -> Node:
        """An attribute of a resource that the template is given as a whole."""
        return self._scope.attribute(address, name, place)

    def call(self, call: Call, names: Mapping[str, Node]) -> Node:
        """What a function gives to the template."""
        return self._scope.call_in(call, Environment(self, names))


def _sensitive(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    return unknown("it is marked as sensitive", call.place)


def _issensitive(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    return unknown("whether a value is sensitive is not worked out", call.place)


def _type(scope: "ModuleScope", call: Call, around: Environment) -> Node:
    raise UnsupportedError("the function `type` is not worked out")


def _whole(files: Files, name: str, call: Call) -> Node:
    return files.whole(name)


def _contents(files: Files, name: str, call: Call) -> Node:
    return files.contents(call.name, name, call.place)


BUILTINS: Final[dict[str, Builtin]] = {
    "abspath": _of_path(lambda files, name, call: variable(f'abspath("{name}")', call.place)),
    "basename": _of_path(lambda files, name, call: text(os.path.basename(name.rstrip("/")) or name[:1], call.place)),
    "can": _can,
    "dirname": _of_path(lambda files, name, call: text(os.path.dirname(name) or ".", call.place)),
    "file": _of_path(_whole),
    "fileexists": _of_path(lambda files, name, call: files.exists(name, call.place)),
    "fileset": _fileset,
    "issensitive": _issensitive,
    "pathexpand": _of_path(
        lambda files, name, call: (
            variable(f'pathexpand("{name}")', call.place) if name.startswith("~") else text(name, call.place)
        )
    ),
    "sensitive": _sensitive,
    "templatefile": _templatefile,
    "templatestring": _templatestring,
    "try": _try,
    "type": _type,
    **{name: _of_path(_contents) for name in CONTENTS},
}
