"""The estimate of the share of unsafe images: decay, prior, and how a start and a change go."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.group_cost import best_group, group_cost, halving_optimum
from app.core.prevalence import MEMORY_IMAGES, PRIOR_JUDGED, Evidence, Prevalence, expected_alarms


@st.composite
def lots(draw: st.DrawFn) -> tuple[int, int]:
    images = draw(st.integers(0, 10_000))
    return images, draw(st.integers(0, images))


def after(*lots: tuple[int, int]) -> Prevalence:
    known = Prevalence()
    for images, unsafe in lots:
        known = known.seen(images, unsafe)
    return known


def test_at_first_half_of_the_images_are_taken_to_be_unsafe_and_none_shares_a_group() -> None:
    assert Prevalence().estimate == 0.5
    assert best_group(Prevalence().estimate, 9) == 1


@pytest.mark.parametrize(
    ("known", "estimate"),
    [
        (after((1, 0)), 2 / 5),
        (after((1, 1)), 3 / 5),
        (after((3, 0)), 2 / 7),
        (after((16, 0)), 0.1),
        (after((1000, 30)), 32 / 1004),
    ],
)
def test_the_estimate_is_the_mean_with_four_images_of_prior(known: Prevalence, estimate: float) -> None:
    assert known.estimate == pytest.approx(estimate)


def test_three_clean_images_are_enough_for_a_first_group() -> None:
    assert [best_group(after((clean, 0)).estimate, 9) for clean in (2, 3)] == [1, 3]


def test_an_image_counts_less_the_more_have_come_since() -> None:
    known = after((100, 100), (int(MEMORY_IMAGES), 0))
    assert known.unsafe == pytest.approx(100 / math.e)
    assert known.images == pytest.approx(100 / math.e + MEMORY_IMAGES)


def test_a_flood_of_unsafe_images_is_noticed_within_some_hundreds_and_forgotten_as_fast() -> None:
    """From 1 in 100 to all: after two hundred images groups are small, after four hundred there are none."""
    known = after(*[(1, 1 if number % 100 == 0 else 0) for number in range(5000)])
    assert best_group(known.estimate, 9) == 9
    for _ in range(200):
        known = known.seen(1, 1)
    assert best_group(known.estimate, 9) <= 6
    for _ in range(200):
        known = known.seen(1, 1)
    assert best_group(known.estimate, 9) == 1
    for _ in range(2500):
        known = known.seen(1, 0)
    assert best_group(known.estimate, 9) == 9


@pytest.mark.parametrize("prevalence", [0.003, 0.03, 0.1, 0.25])
def test_the_estimate_comes_close_enough_that_groups_cost_within_a_hundredth_of_the_optimum(prevalence: float) -> None:
    """In the mean over a long run, with the size that the estimate of the moment asks for."""
    rng = random.Random(3)
    known, excess, count = Prevalence(), 0.0, 0
    for number in range(20_000):
        known = known.seen(1, int(rng.random() < prevalence))
        if number >= 1000 and number % 10 == 0:
            size = best_group(known.estimate, 9)
            excess += group_cost(size, prevalence) / size / halving_optimum(prevalence, 9) - 1
            count += 1
    assert 0 <= excess / count < 0.01


@given(st.lists(lots(), max_size=30))
def test_counts_stay_possible_whatever_is_seen(seen: list[tuple[int, int]]) -> None:
    known = after(*seen)
    assert 0 <= known.unsafe <= known.images <= sum(images for images, _ in seen)
    assert 0 < known.estimate < 1


@given(st.lists(lots(), max_size=10))
def test_seeing_nothing_changes_nothing(seen: list[tuple[int, int]]) -> None:
    known = after(*seen)
    assert known.seen(0, 0) == known


@given(seen=st.lists(lots(), max_size=10), lot=st.integers(1, 1000))
def test_unsafe_images_raise_the_estimate_and_safe_ones_lower_it(seen: list[tuple[int, int]], lot: int) -> None:
    """But for a full memory, which gives way to the prior a little with every image, whatever it is."""
    known = after(*seen)
    unsafe, safe = known.seen(lot, lot), known.seen(lot, 0)
    assert unsafe.estimate > safe.estimate
    assert unsafe.estimate >= min(known.estimate, 0.99)
    assert safe.estimate <= max(known.estimate, 0.5) + 1e-12


@pytest.mark.parametrize(("images", "unsafe"), [(1, 2), (-1, -1), (-1, 0), (0, 1), (2, -1)])
def test_impossible_counts_are_refused(images: int, unsafe: int) -> None:
    with pytest.raises(ValueError, match="unsafe images"):
        Prevalence().seen(images, unsafe)


@pytest.mark.parametrize(("images", "unsafe"), [(1.0, 2.0), (-1.0, -2.0), (math.nan, 0.0), (1.0, math.nan)])
def test_an_estimate_of_impossible_counts_is_refused(images: float, unsafe: float) -> None:
    with pytest.raises(ValueError, match="unsafe images"):
        Prevalence(images, unsafe)


# --- images that flag a group, and are accepted alone ---


def test_images_that_only_alarm_groups_raise_the_estimate_like_unsafe_ones() -> None:
    quiet, alarmed = after((1000, 0)), Prevalence().seen(1000, 0, 1000.0, 250.0)
    assert alarmed.alarm_share == pytest.approx(250 / (1000 + PRIOR_JUDGED))
    assert alarmed.estimate == pytest.approx(quiet.estimate + (1 - quiet.estimate) * alarmed.alarm_share)
    assert best_group(alarmed.estimate, 9) < best_group(quiet.estimate, 9)


def test_alarms_are_forgotten_as_unsafe_images_are() -> None:
    known = Prevalence().seen(1000, 0, 1000.0, 1000.0).seen(1000, 0)
    assert known.alarms == pytest.approx(1000 / math.e)
    assert known.judged == pytest.approx(1000 / math.e)


@pytest.mark.parametrize(("judged", "alarms"), [(1.0, 2.0), (1.0, -1.0), (math.nan, 0.0), (1.0, math.nan)])
def test_more_alarms_than_judged_images_are_refused(judged: float, alarms: float) -> None:
    with pytest.raises(ValueError, match="alarms of"):
        Prevalence().seen(3, 0, judged, alarms)
    with pytest.raises(ValueError, match="alarms of"):
        Prevalence(3.0, 0.0, judged, alarms)


@pytest.mark.parametrize(
    ("suspects", "share", "expected"),
    [
        (0, 0.5, 0.0),
        (1, 0.0, 1.0),  # somebody it was
        (9, 0.0, 1.0),
        (9, 1.0, 9.0),
        (2, 0.5, 4 / 3),  # of the three cases with an alarm, one has two
        (3, 0.5, 12 / 7),
    ],
)
def test_of_several_suspects_so_many_raised_the_alarm_as_is_to_be_expected(
    suspects: int, share: float, expected: float
) -> None:
    assert expected_alarms(suspects, share) == pytest.approx(expected)


@given(suspects=st.integers(1, 25), share=st.floats(0, 1))
def test_expected_alarms_are_at_least_one_and_at_most_all(suspects: int, share: float) -> None:
    assert 1 <= expected_alarms(suspects, share) <= suspects


@pytest.mark.parametrize(
    ("evidence", "counts"),
    [
        (Evidence(), (0, 0, 0.0, 0.0)),
        (Evidence(cleared=9), (9, 0, 9.0, 0.0)),
        (Evidence(unsafe=1), (1, 1, 0.0, 0.0)),  # alone from the start: nothing about alarms
        (Evidence(safe=1), (1, 0, 0.0, 0.0)),
        (Evidence(is_alarmed=True, cleared=4, unsafe=1, safe=1, safe_and_judged=1), (6, 1, 4.0, 0.0)),  # explained
        (Evidence(is_alarmed=True, cleared=1, safe=2, safe_and_judged=2), (3, 0, 3.0, 4 / 3)),
        (Evidence(is_alarmed=True, safe=3, safe_and_judged=2), (3, 0, 2.0, 4 / 3)),  # one had no time for the group
    ],
)
def test_what_a_group_teaches(evidence: Evidence, counts: tuple[int, int, float, float]) -> None:
    assert evidence.counts(0.5) == pytest.approx(counts)
    Prevalence().seen(*evidence.counts(0.5))
