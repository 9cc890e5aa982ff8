"""The search over cubes against enumeration of all points of small spaces."""

import random
import time
from itertools import product

import pytest

from policy_audit.iam.domains import OverBudgetError
from policy_audit.iam.search import Alternative, Box, Cube, Steps, allowed, allowed_beyond, meet, not_allowed, outside


def random_box(dice: random.Random, sizes: list[int]) -> Box:
    dimensions = dice.sample(range(len(sizes)), dice.randint(0, len(sizes)))
    return tuple((each, dice.randint(1, (1 << sizes[each]) - 1)) for each in sorted(dimensions))


def points(cube: Cube) -> list[Cube]:
    return list(
        product(
            *(
                [1 << bit for bit in range(mask.bit_length()) if mask >> bit & 1]
                for mask in cube
                if isinstance(mask, int)
            )
        )
    )


def within(point: Cube, box: Box) -> bool:
    return all(point[dimension] & mask for dimension, mask in box)


def is_allowed(point: Cube, alternatives: list[Alternative], denies: list[Box]) -> bool:
    granted = any(
        all(any(within(point, box) for box in gate) for gate in alternative.gates) for alternative in alternatives
    )
    return granted and not any(within(point, box) for box in denies)


@pytest.mark.parametrize("seed", range(400))
def test_search_agrees_with_enumeration(seed: int) -> None:
    dice = random.Random(seed)
    sizes = [dice.randint(1, 3) for _ in range(dice.randint(1, 4))]
    region = tuple(dice.randint(1, (1 << size) - 1) for size in sizes)
    alternatives = [
        Alternative(
            tuple(tuple(random_box(dice, sizes) for _ in range(dice.randint(0, 3))) for _ in range(dice.randint(0, 3)))
        )
        for _ in range(dice.randint(0, 3))
    ]
    denies = [random_box(dice, sizes) for _ in range(dice.randint(0, 8))]
    truth = [is_allowed(point, alternatives, denies) for point in points(region)]
    found = allowed(region, alternatives, denies, Steps())
    assert (found is not None) == any(truth)
    if found is not None:
        assert all(is_allowed(point, alternatives, denies) for point in points(found))
        assert all(not mask & ~whole for mask, whole in zip(found, region, strict=True))
    missed = not_allowed(region, alternatives, denies, Steps())
    assert (missed is not None) == (not all(truth))
    if missed is not None:
        assert not any(is_allowed(point, alternatives, denies) for point in points(missed))
    uncovered = outside(region, denies, Steps())
    assert (uncovered is None) == all(any(within(point, box) for box in denies) for point in points(region))


@pytest.mark.parametrize("seed", range(150))
def test_search_goes_back(seed: int) -> None:
    """Boxes that leave few ways out, none of them at once, as most of a policy's do."""
    dice = random.Random(seed)
    region = (0b11,) * 5
    boxes = [
        tuple((each, dice.choice((1, 2))) for each in sorted(dice.sample(range(5), dice.choice((2, 3)))))
        for _ in range(dice.randint(8, 20))
    ]
    found = outside(region, boxes, Steps())
    free = [point for point in points(region) if not any(within(point, box) for box in boxes)]
    assert (found is None) == (not free)
    if found is not None:
        assert set(points(found)) <= set(free)


def test_the_second_branch_is_the_way_out() -> None:
    boxes: list[Box] = [((0, 1), (1, 1)), ((0, 2), (1, 1)), ((0, 2), (1, 2))]
    assert outside((0b11, 0b11), boxes, Steps()) == (1, 2)


@pytest.mark.parametrize("seed", range(150))
def test_what_only_one_allows_agrees_with_enumeration(seed: int) -> None:
    dice = random.Random(seed)
    sizes = [dice.randint(1, 3) for _ in range(dice.randint(1, 4))]
    region = tuple((1 << size) - 1 for size in sizes)
    sides: list[tuple[list[Alternative], tuple[Box, ...]]] = []
    for _ in range(2):
        shared = tuple(random_box(dice, sizes) for _ in range(2))
        gates = [tuple(random_box(dice, sizes) for _ in range(dice.randint(0, 3))) for _ in range(dice.randint(1, 4))]
        alternatives = [Alternative((shared, *gates[:2])), Alternative((shared, *gates[2:]))][: dice.randint(0, 2)]
        sides.append((alternatives, tuple(random_box(dice, sizes) for _ in range(dice.randint(0, 4)))))
    (ours, denies), (others, other_denies) = sides

    def differs(point: Cube) -> bool:
        return is_allowed(point, ours, list(denies)) and not is_allowed(point, others, list(other_denies))

    found = allowed_beyond(region, ours, denies, others, other_denies, Steps())
    assert (found is not None) == any(map(differs, points(region)))
    if found is not None:
        assert all(map(differs, points(found)))


def test_meet_of_disjoint_boxes_is_nothing() -> None:
    assert meet((0b11, 0b1), ((0, 0b100),)) is None
    assert meet((0b11, 0b1), ((0, 0b10),)) == (0b10, 0b1)
    assert meet((0b11, 0b1), ()) == (0b11, 0b1)


def test_hardest_search_is_over_soon() -> None:
    """Thirty keys and as many Denies as make the question hardest: decided, or given up within the budget."""
    dice = random.Random(7)
    started = time.process_time()
    for number in (129, 150, 180):
        boxes: list[Box] = []
        for _ in range(number):
            boxes.append(tuple((each, dice.choice((1, 2))) for each in sorted(dice.sample(range(30), 3))))
        cube = (0b11,) * 30
        try:
            found = outside(cube, boxes, Steps())
        except OverBudgetError:
            continue
        if found is not None:
            assert not any(
                within(point, box) for box in boxes for point in [tuple(m & -m for m in found if isinstance(m, int))]
            )
    assert time.process_time() - started < 2


def test_budget_ends_a_search() -> None:
    boxes: list[Box] = [((0, 1), (1, 1)), ((0, 2), (1, 2))]
    with pytest.raises(OverBudgetError):
        outside((0b11, 0b11), boxes, Steps(1))
