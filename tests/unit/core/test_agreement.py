"""How far two answers agree, and how sure a mean of such figures is."""

from __future__ import annotations

import math

import pytest

from app.core.agreement import WINDOW_SAMPLES, Window, agreement, overlap, wilson
from app.core.geometry import UnitBox
from app.core.model import Detection, Feature

LEFT, RIGHT = UnitBox(0.0, 0.0, 0.5, 1.0), UnitBox(0.5, 0.0, 1.0, 1.0)
HALF_OF_LEFT = UnitBox(0.0, 0.0, 0.25, 1.0)
LESS_THAN_HALF_OF_LEFT = UnitBox(0.0, 0.0, 0.24, 1.0)
NEARLY_LEFT = UnitBox(0.0, 0.0, 0.48, 1.0)


def found(label: str, box: UnitBox | None, score_unit: float = 0.9) -> Detection:
    return Detection(Feature.OBJECTS, label, score_unit, box)


CASES = {
    "two empty answers": ([], [], 1.0),
    "nothing in the grid": ([], [found("cat", LEFT)], 0.0),
    "something in the grid only": ([found("cat", LEFT)], [], 0.0),
    "the same": ([found("cat", LEFT), found("dog", RIGHT)], [found("dog", RIGHT), found("cat", LEFT)], 1.0),
    "one of two": ([found("cat", LEFT)], [found("cat", LEFT), found("dog", RIGHT)], 2 / 3),
    "another label": ([found("dog", LEFT)], [found("cat", LEFT)], 0.0),
    "elsewhere": ([found("cat", LEFT)], [found("cat", RIGHT)], 0.0),
    "an overlap of exactly half": ([found("cat", HALF_OF_LEFT)], [found("cat", LEFT)], 1.0),
    "an overlap of less than half": ([found("cat", LESS_THAN_HALF_OF_LEFT)], [found("cat", LEFT)], 0.0),
    "a guess in the grid": ([found("cat", LEFT, 0.49)], [], 1.0),
    "a guess alone": ([], [found("cat", LEFT, 0.49)], 1.0),
    "exactly at the floor": ([found("cat", LEFT, 0.5)], [found("cat", LEFT, 0.5)], 1.0),
    "a label without a box": ([], [found("sky", None)], 1.0),
    "twice in the grid counts once": ([found("cat", LEFT), found("cat", NEARLY_LEFT)], [found("cat", LEFT)], 2 / 3),
    "each takes the one that overlaps most": (
        [found("cat", NEARLY_LEFT, 0.9), found("cat", LEFT, 0.8)],
        [found("cat", LEFT, 0.9), found("cat", NEARLY_LEFT, 0.8)],
        1.0,
    ),
}


@pytest.mark.parametrize(("grid", "alone", "expected"), CASES.values(), ids=CASES)
def test_agreement(grid: list[Detection], alone: list[Detection], expected: float) -> None:
    assert agreement(grid, alone) == pytest.approx(expected)
    assert agreement(alone, grid) == pytest.approx(expected), "it does not matter which is which"


def test_a_client_s_own_threshold_is_the_floor_where_it_is_higher() -> None:
    grid, alone = [found("cat", LEFT, 0.6)], [found("cat", LEFT, 0.95)]
    assert agreement(grid, alone, floor_unit=0.5) == 1.0
    assert agreement(grid, alone, floor_unit=0.9) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (LEFT, LEFT, 1.0),
        (LEFT, RIGHT, 0.0),
        (LEFT, UnitBox(0.75, 0.0, 1.0, 1.0), 0.0),
        (LEFT, UnitBox(0.25, 0.0, 0.75, 1.0), 1 / 3),
        (UnitBox(0.5, 0.5, 0.5, 0.5), UnitBox(0.5, 0.5, 0.5, 0.5), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(one: UnitBox, other: UnitBox, expected: float) -> None:
    assert overlap(one, other) == pytest.approx(expected)


# From the formula in Wilson (1927), worked out by hand with z = 1.96.
@pytest.mark.parametrize(
    ("mean", "samples", "low", "high"),
    [
        (1.0, 1, 0.2065, 1.0),
        (0.0, 1, 0.0, 0.7935),
        (0.5, 20, 0.2993, 0.7007),
        (1.0, 20, 0.8389, 1.0),
        (0.9, 200, 0.8506, 0.9343),
    ],
)
def test_the_interval_is_wilson_s(mean: float, samples: int, low: float, high: float) -> None:
    found = wilson(mean, samples)
    assert (found.mean, found.samples) == (mean, samples)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_nothing_is_known() -> None:
    found = Window().interval()
    assert math.isnan(found.mean)
    assert (found.low, found.high, found.samples) == (0.0, 1.0, 0)


def test_a_window_forgets_what_is_old() -> None:
    window = Window()
    for _ in range(50):
        window.add(0.0)
    for _ in range(WINDOW_SAMPLES):
        window.add(1.0)
    assert (len(window), window.interval().mean) == (WINDOW_SAMPLES, 1.0)
