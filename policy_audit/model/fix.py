"""How a fact that does not hold may be mended in the file that says it."""

from policy_audit.record import NamedTuple


class Fix(NamedTuple):
    """A change of a file: `new` in the place of `old`, which stands once in what the fact points at.

    A `safe` one changes nothing that AWS does, or takes out what has no effect; any other changes what is allowed, or
    is a guess at what was meant.
    """

    old: str
    new: str
    safe: bool = False
