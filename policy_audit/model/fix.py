"""How a finding may be mended in the files that say it: changes of their documents, and whether these are safe."""

from policy_audit.origin import Span
from policy_audit.record import NamedTuple

At = Span | str
"""Where a path starts: a node of a document by its place, or the document of a file by the file's path."""


class Replace(NamedTuple):
    """`new` in the place of the text `old`, which stands once in what the finding points at; empty to take it out."""

    old: str
    new: str


class Rewrite(NamedTuple):
    """`new` in the place of the characters from `start` to `end` of the text of `file`."""

    file: str
    start: int
    end: int
    new: str


class Put(NamedTuple):
    """`value` at `path` below `at`, in the place of what is there; mappings on the way are made where they lack."""

    at: At
    path: tuple[str, ...]
    value: object


class NameByArn(NamedTuple):
    """`Fn::GetAtt` of the ARN in the place of the `Ref` of a resource at `at`."""

    at: Span


class Append(NamedTuple):
    """`value` as one more item of the list at `path` below `at`; a single value there, or none, becomes a list."""

    at: At
    path: tuple[str, ...]
    value: object


class Rename(NamedTuple):
    """Another `name` for the key at the end of `path` below `at`; its value stays as it is written."""

    at: At
    path: tuple[str, ...]
    name: str


class Remove(NamedTuple):
    """Takes out what stands at `path` below `at`, and what is empty without it."""

    at: At
    path: tuple[str, ...] = ()


Change = Replace | Rewrite | NameByArn | Put | Append | Rename | Remove


class Fix(NamedTuple):
    """Changes that mend one finding together. Values are plain: texts, lists and mappings, functions in long form.

    A `safe` one grants nothing to anybody: it changes nothing that AWS does, takes out what has no effect, or narrows
    what is granted beyond what is needed. Any other changes what is allowed or called, or is a guess at what was meant.
    """

    changes: tuple[Change, ...]
    safe: bool = False


def written(span: Span | None, value: object) -> Fix | None:
    """The fix that writes `value` in the place of what stands at `span`."""
    return None if span is None else Fix((Put(span, (), value),))


def property_of(address: str, value: object, *path: str) -> Put:
    """The change that gives the property at `path` of the resource at `address` this value."""
    file, _, logical_id = address.partition("#")
    return Put(file, ("Resources", logical_id, "Properties", *path), value)


def replaced(old: str, new: str, *, safe: bool = False) -> Fix:
    """The fix that writes `new` in the place of `old`."""
    return Fix((Replace(old, new),), safe)
