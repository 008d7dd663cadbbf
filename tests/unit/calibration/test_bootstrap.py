"""Intervals of a drop: over photographs, paired, and the same for the same seed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calibration.bootstrap import bootstrap_drop, quick_map, weighted_map
from app.calibration.dataset import Truth
from tests.support.plain_map import plain_map
from tests.support.scored import BOX, FAR, Run, photo, runs, seen


def repeated(run: Run, weights: list[int]) -> Run:
    """Each photograph as often as its weight says, under names of its own."""
    photos, found = run
    copies = [
        (photo(*one.truths, name=f"{one.id} {number}"), found[one.id])
        for one, weight in zip(photos, weights, strict=True)
        for number in range(weight)
    ]
    return [one for one, _ in copies], {one.id: answers for one, answers in copies}


@given(runs(), st.lists(st.integers(0, 3), min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_weight_is_as_good_as_so_many_copies(run: Run, weights: list[int]) -> None:
    photos, found = run
    drawn = weights[: len(photos)]
    [weighted] = weighted_map(photos, found, np.array([drawn], dtype=np.float64).T)
    expected = plain_map(*repeated(run, drawn))
    assert np.isnan(weighted) if expected is None else weighted == pytest.approx(expected)


def many(count: int, right: float, *, seed: int) -> Run:
    """Photographs with one cat each, which is found in a share of them."""
    chance = random.Random(seed)
    photos = [photo(Truth("cat", BOX), name=str(number)) for number in range(count)]
    return photos, {one.id: [seen("Cat", chance.random(), BOX if chance.random() < right else FAR)] for one in photos}


def test_the_interval_holds_the_drop_and_narrows_with_the_photographs() -> None:
    def width(count: int) -> float:
        photos, reference = many(count, 0.9, seed=1)
        _, found = many(count, 0.6, seed=2)
        interval = bootstrap_drop(photos, reference, found, seed=3)
        assert interval.low < quick_map(photos, reference) - quick_map(photos, found) < interval.high
        return interval.high - interval.low

    assert width(400) < 0.6 * width(60)


def test_equal_answers_have_no_drop_at_all() -> None:
    """Paired: both runs are judged on the same draws."""
    photos, found = many(50, 0.5, seed=1)
    interval = bootstrap_drop(photos, found, found, seed=3)
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_the_same_seed_gives_the_same_interval_whatever_the_order() -> None:
    photos, reference = many(50, 0.9, seed=1)
    _, found = many(50, 0.6, seed=2)
    interval = bootstrap_drop(photos, reference, found, seed=3)
    assert bootstrap_drop(photos[::-1], reference, found, seed=3) == interval
    assert bootstrap_drop(photos, reference, found, seed=4) != interval


def test_many_right_ones_are_counted_in_blocks() -> None:
    photos, found = many(1200, 0.7, seed=1)
    assert quick_map(photos, found) == pytest.approx(plain_map(photos, found))
