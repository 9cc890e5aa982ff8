"""Files that a template names and a tool puts in their place, and what is told of those that can't be had."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import TYPE_CHECKING

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Node, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.reach import Reach

if TYPE_CHECKING:
    from policy_audit.sources.sam_events import ApiEvent


class Surroundings(NamedTuple):
    """The template that is expanded: its path, the files it may name, and what could not be read.

    `events` are the requests that APIs pass on, by the API's logical id. `aliases` takes further names by which the
    template refers to what is made: `Api.Stage`.
    """

    path: str
    reach: Reach
    skipped: list[Skipped]
    events: MappingOf[str, Sequence["ApiEvent"]] = {}
    aliases: dict[str, str] = {}  # noqa: RUF012 - a default that nothing is put into


def file_text(name: Scalar, around: Surroundings) -> Scalar | None:
    """The whole text of the file that the template calls `name`, as one scalar with its place there.

    None, and an entry in `skipped`, for one that is not there or can't be read.
    """
    try:
        return around.reach.whole(_claimed(name, around))
    except AuditError as error:
        _tell(name, error, around)
        return None


def file_document(name: Scalar, around: Surroundings) -> Node | None:
    """The YAML or JSON document in the file that the template calls `name`; None as `file_text`."""
    try:
        return around.reach.document(_claimed(name, around))
    except AuditError as error:
        _tell(name, error, around)
        return None


def _claimed(name: Scalar, around: Surroundings) -> str:
    """The path of the file, which is then no input by itself. Raises AuditError as `Reach.text` does."""
    found = around.reach.beside(around.path, name.text)
    around.reach.text(found)
    around.reach.claim(found)
    return found


def _tell(name: Scalar, error: AuditError, around: Surroundings) -> None:
    span = name.place.span
    around.skipped.append(Skipped(str(span), f"`{name.text}`: {error.message}", error.help, broken=True, span=span))
