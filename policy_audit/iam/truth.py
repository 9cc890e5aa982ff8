"""Three-valued truth after Kleene: True, False, and None for unknown."""

from collections.abc import Iterable

Truth = bool | None


def all_of(truths: Iterable[Truth]) -> Truth:
    """False if any is false, else unknown if any is unknown, else true."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if any is true, else unknown if any is unknown, else false."""
    result: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is None:
            result = None
    return result


def both(one: Truth, other: Truth) -> Truth:
    """`all_of` the two, for what is asked with every decision."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def either(one: Truth, other: Truth) -> Truth:
    """`any_of` the two, for what is asked with every decision."""
    if one or other:
        return True
    return None if one is None or other is None else False


def negate(truth: Truth) -> Truth:
    """The opposite; unknown stays unknown."""
    return None if truth is None else not truth


def agree(one: Truth, other: Truth) -> Truth:
    """What both say, or unknown: the truth when it is not known which of the two applies."""
    return one if one is other else None
