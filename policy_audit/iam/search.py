"""Search over cubes: a request inside one box of every gate and outside all of some other boxes, or none such.

A cube is one bitmask of atoms for each dimension. The search is DPLL: unit propagation on the boxes to stay out of, and
disjoint branches on the box that leaves the fewest dimensions open.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from policy_audit.iam.limits import Steps as Steps
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.iam.lazy import ValueSet

Atoms: TypeAlias = "int | ValueSet"
"""A set of values of a dimension: a bitmask of its atoms or, where those are too many, a formula."""
Cube = tuple[Atoms, ...]
"""A nonempty mask of atoms for each dimension."""
Box = tuple[tuple[int, Atoms], ...]
"""`(dimension, mask)` for each dimension that the box restricts. The empty box is everything."""


class Alternative(NamedTuple):
    """One way to be allowed: a box of every gate applies. A gate is a union of boxes."""

    gates: tuple[tuple[Box, ...], ...]


def meet(cube: Cube, box: Box) -> Cube | None:
    """The part of `cube` inside `box`, or None when that is empty."""
    masks = list(cube)
    for dimension, mask in box:
        masks[dimension] &= mask
        if not masks[dimension]:
            return None
    return tuple(masks)


def inside(cube: Cube, gates: Sequence[Sequence[Box]], out: Sequence[Box], steps: Steps) -> Cube | None:
    """A cube inside one box of each gate and outside every box of `out`, or None when there is none."""
    return next(_inside(cube, sorted(gates, key=len), out, steps), None)


def _inside(cube: Cube, gates: Sequence[Sequence[Box]], out: Sequence[Box], steps: Steps) -> Iterator[Cube]:
    if not gates:
        found = outside(cube, out, steps)
        if found is not None:
            yield found
        return
    for box in gates[0]:
        steps.take()
        part = meet(cube, box)
        if part is not None:
            yield from _inside(part, gates[1:], out, steps)


def outside(cube: Cube, boxes: Sequence[Box], steps: Steps) -> Cube | None:
    """A cube inside `cube` that no box touches, or None when the boxes cover `cube`."""
    stack: list[tuple[list[Atoms], Sequence[Box]]] = [(list(cube), boxes)]
    while stack:
        masks, remaining = stack.pop()
        open_boxes = _propagate(masks, remaining, steps)
        if open_boxes is None:
            continue
        if not open_boxes:
            return tuple(masks)
        # The branches are disjoint: outside in the first open dimension; inside there and outside in the second; ...
        branches: list[list[Atoms]] = []
        for dimension, mask in min(open_boxes, key=len):
            branch = masks.copy()
            branch[dimension] &= ~mask
            branches.append(branch)
            masks[dimension] &= mask
        stack.extend((branch, open_boxes) for branch in reversed(branches))
    return None


def _propagate(masks: list[Atoms], boxes: Sequence[Box], steps: Steps) -> list[Box] | None:
    """Cuts `masks` down as the boxes force it. The boxes that are still open, or None if one covers what is left."""
    while True:
        changed = False
        open_boxes: list[Box] = []
        for box in boxes:
            steps.take()
            undecided: list[tuple[int, Atoms]] = []
            for dimension, mask in box:
                own = masks[dimension]
                if not own & mask:
                    break
                if own & ~mask:
                    undecided.append((dimension, mask))
            else:
                if not undecided:
                    return None
                if len(undecided) == 1:
                    dimension, mask = undecided[0]
                    masks[dimension] &= ~mask
                    changed = True
                else:
                    open_boxes.append(tuple(undecided))
        if not changed:
            return open_boxes
        boxes = open_boxes


def allowed(cube: Cube, alternatives: Sequence[Alternative], denies: Sequence[Box], steps: Steps) -> Cube | None:
    """A cube of requests that some alternative allows and no box of `denies` applies to, or None."""
    for alternative in alternatives:
        found = inside(cube, alternative.gates, denies, steps)
        if found is not None:
            return found
    return None


def not_allowed(cube: Cube, alternatives: Sequence[Alternative], denies: Sequence[Box], steps: Steps) -> Cube | None:
    """A cube of requests that a box of `denies` applies to, or that no alternative allows; or None."""
    for box in denies:
        denied = meet(cube, box)
        if denied is not None:
            return denied
    for boxes in _ways_to_miss(alternatives, steps):
        missed = outside(cube, boxes, steps)
        if missed is not None:
            return missed
    return None


def allowed_beyond(
    cube: Cube,
    alternatives: Sequence[Alternative],
    denies: Sequence[Box],
    other_alternatives: Sequence[Alternative],
    other_denies: Sequence[Box],
    steps: Steps,
) -> Cube | None:
    """A cube of requests that `alternatives` and `denies` allow and the others do not, or None."""
    for alternative in alternatives:
        for boxes in _ways_to_miss(other_alternatives, steps):
            found = inside(cube, alternative.gates, (*denies, *boxes), steps)
            if found is not None:
                return found
        found = inside(cube, (*alternative.gates, other_denies), denies, steps)
        if found is not None:
            return found
    return None


def _ways_to_miss(alternatives: Sequence[Alternative], steps: Steps) -> Iterator[tuple[Box, ...]]:
    """Boxes to stay out of so as to be allowed by no alternative: those of one gate of each."""
    if not alternatives:
        yield ()
        return
    for gate in alternatives[0].gates:
        steps.take()
        others = [alternative for alternative in alternatives[1:] if gate not in alternative.gates]
        for boxes in _ways_to_miss(others, steps):
            yield (*gate, *boxes)
