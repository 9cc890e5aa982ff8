"""Files that a SAM template names, and what the transform says of those that it can't have."""

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Place, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.places import File
from policy_audit.sources.reach import Reach


class Surroundings(NamedTuple):
    """The template that is expanded: its path, the files it may name, and what could not be read."""

    path: str
    reach: Reach
    skipped: list[Skipped]


def file_text(name: Scalar, around: Surroundings) -> Scalar | None:
    """The whole text of the file that the template calls `name`, as one scalar with its place there.

    None, and an entry in `skipped`, for one that is not there or can't be read.
    """
    reach = around.reach
    try:
        found = reach.beside(around.path, name.text)
        content = reach.text(found).removeprefix("\ufeff")
    except AuditError as error:
        span = name.place.span
        around.skipped.append(Skipped(str(span), f"`{name.text}`: {error.message}", error.help, broken=True, span=span))
        return None
    reach.claim(found)
    return Scalar(content, "string", Place(File(found, content, "value"), 0, len(content)))
