"""Small templates for tests: written as text, read as one estate."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.system import System
from policy_audit.model.value import has_holes
from policy_audit.options import Options
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.inputs import Input
from policy_audit.sources.nodes import parse
from policy_audit.sources.template import Template
from policy_audit.sources.worlds import World

NAMES = ("a.yaml", "b.yaml", "c.yaml")
ADVICE = frozenset({"state-machine-trust-source"})
"""Rules of low severity about what every workflow has: templates that are about something else go without."""
PINNED = Given(partition="aws", region="eu-west-1", account="111122223333")


def estate(*texts: str, given: Given = PINNED, world: World = World({})) -> Estate:  # noqa: B008 - immutable
    """The templates `a.yaml`, `b.yaml` … with these texts, in one world."""
    documents = []
    for name, text in zip(NAMES, texts, strict=False):
        document = parse(dedent(text), name)
        assert isinstance(document, Mapping)
        documents.append(Input(name, document))
    found = Estate(documents, given)
    found.assume(world)
    return found


def template(text: str, given: Given = PINNED) -> Template:
    """The one template with this text."""
    return estate(text, given=given).templates[0]


def system(*texts: str, given: Given = PINNED) -> System:
    """What these templates declare."""
    return read_system(estate(*texts, given=given), {})


def nodes(node: Node) -> Iterator[Node]:
    """The node and all that it holds, keys too."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if isinstance(current, Sequence):
            pending.extend(current.items)
        elif isinstance(current, Mapping):
            for entry in current.entries:
                pending.extend((entry.key, entry.value))


def scalars(node: Node) -> Iterator[Scalar]:
    """The scalars of a tree, keys too."""
    return (each for each in nodes(node) if isinstance(each, Scalar))


def functions_in(node: Node, *begins: str) -> list[str]:
    """The functions, by the beginnings of their names, that are still called in a resolved tree."""
    return [
        entry.key.text
        for each in nodes(node)
        if isinstance(each, Mapping)
        for entry in each.entries
        if entry.key.text.startswith(begins)
        if not (isinstance(entry.value, Scalar) and has_holes(entry.value.text))
    ]


def audited(folder: Path, *texts: str, options: Options | None = None) -> Report:
    """The report on the templates `a.yaml`, `b.yaml` … with these texts, written to `folder`."""
    paths = []
    for name, text in zip(NAMES, texts, strict=False):
        (folder / name).write_text(dedent(text), encoding="utf-8")
        paths.append(str(folder / name))
    given = options or Options(partition="aws", region="eu-west-1", account="111122223333")
    return audit(paths, given._replace(disabled=given.disabled | ADVICE))
