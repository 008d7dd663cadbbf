"""What group testing costs: against published tables, brute force, and the bounds of theory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.group_cost import (
    best_group,
    dorfman_optimum,
    entropy_bound,
    group_cost,
    halving_optimum,
    partition,
)

prevalences = st.floats(0.0, 1.0)
larger_prevalences = st.sampled_from([0.0, 0.0005, 0.003, 0.01, 0.05, 0.1, 0.17, 0.2, 0.25, 0.29, 0.3, 0.31, 0.4, 0.6, 1.0])
largests = st.integers(1, 25)
# Above it no group pays: for three images 1 + (1 - q^3) D(3) reaches 3.
ALONE_FROM = 0.306


# --- known values ---


@pytest.mark.parametrize("prevalence", [0.0, 0.1, 0.5, 1.0])
def test_one_image_costs_one_and_a_flagged_pair_two_more(prevalence: float) -> None:
    assert group_cost(1, prevalence) == 1.0
    assert group_cost(2, prevalence) == pytest.approx(1 + (1 - (1 - prevalence) ** 2) * 2)


@pytest.mark.parametrize("size", [2, 3, 9, 25])
def test_a_group_without_unsafe_images_costs_one(size: int) -> None:
    assert group_cost(size, 0.0) == 1.0


@pytest.mark.parametrize(
    ("size", "cost"),
    [(2, 3.0), (3, 5.0), (4, 1 + 1 + 2 + 3), (5, 1 + 1 + 2 + 5), (8, 1 + 1 + 6 + 7)],
)
def test_a_group_of_unsafe_images_costs_all_its_questions(size: int, cost: float) -> None:
    """Written out: the group, the first half as a group, its images, and the second half with its own group."""
    assert group_cost(size, 1.0) == cost


def test_a_pair_by_hand() -> None:
    """One group; with probability 1 - 0.9 x 0.9 both are asked."""
    assert group_cost(2, 0.1) == pytest.approx(1 + 0.19 * 2)


def test_three_by_hand() -> None:
    """Flagged: one is asked alone; if it is safe, the other two are; if not, they are a group of which nothing is known."""
    flagged = 0.9**3 and 0.271
    first_is_safe = 0.9 * 0.19 / flagged
    cost = 1 + first_is_safe * 2 + (1 - first_is_safe) * (1 + 0.19 * 2)
    assert group_cost(3, 0.1) == pytest.approx(1 + flagged * cost)


@pytest.mark.parametrize(
    ("prevalence", "percent"),
    [(0.01, 20), (0.02, 27), (0.03, 33), (0.05, 43), (0.08, 53), (0.10, 59), (0.15, 72), (0.20, 82), (0.30, 99)],
)
def test_dorfmans_own_table(prevalence: float, percent: int) -> None:
    """R. Dorfman, "The detection of defective members of large populations" (1943), table I: relative testing cost."""
    assert round(100 * dorfman_optimum(prevalence, 50)) == percent


@pytest.mark.parametrize(
    ("prevalence", "bits"), [(0.0, 0.0), (0.01, 0.0808), (0.1, 0.469), (0.11, 0.4999), (0.25, 0.8113), (0.5, 1.0), (1.0, 0.0)]
)
def test_the_binary_entropy(prevalence: float, bits: float) -> None:
    assert entropy_bound(prevalence) == pytest.approx(bits, abs=1e-4)


@pytest.mark.parametrize(
    ("prevalence", "largest", "size"),
    [
        (0.0, 9, 9),
        (0.001, 9, 9),
        (0.03, 9, 9),
        (0.1, 9, 6),
        (0.1, 4, 4),
        (0.2, 9, 3),
        (0.3, 9, 3),
        (0.31, 9, 1),
        (0.4, 9, 1),
        (1.0, 9, 1),
        (0.01, 1, 1),
    ],
)
def test_the_best_size_of_a_group(prevalence: float, largest: int, size: int) -> None:
    assert best_group(prevalence, largest) == size


# --- how it grows ---


@given(size=st.integers(1, 25), low=prevalences, high=prevalences)
def test_more_unsafe_images_never_cost_less(size: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert group_cost(size, low) <= group_cost(size, high) + 1e-9


@given(size=st.integers(1, 24), prevalence=prevalences)
def test_a_larger_group_never_costs_less(size: int, prevalence: float) -> None:
    assert group_cost(size, prevalence) <= group_cost(size + 1, prevalence) + 1e-9


def after_a_flag(unsafe: Sequence[bool]) -> int:
    """Questions about a group that is known to hold an unsafe image."""
    if len(unsafe) <= 2:
        return len(unsafe)
    first, rest = unsafe[: len(unsafe) // 2], unsafe[len(unsafe) // 2 :]
    if not any(first):
        return 1 + after_a_flag(rest)
    return 1 + (0 if len(first) == 1 else after_a_flag(first)) + questions(rest)


def questions(unsafe: Sequence[bool]) -> int:
    """The rule, carried out on images of which is known what they are."""
    return 1 + (after_a_flag(unsafe) if len(unsafe) > 1 and any(unsafe) else 0)


@pytest.mark.parametrize("size", range(1, 11))
@pytest.mark.parametrize("prevalence", [0.0, 0.01, 0.1, 0.3, 0.7, 1.0])
def test_the_cost_is_the_mean_over_all_groups_that_there_can_be(size: int, prevalence: float) -> None:
    groups = itertools.product((False, True), repeat=size)
    mean = sum(prevalence ** sum(one) * (1 - prevalence) ** (size - sum(one)) * questions(one) for one in groups)
    assert group_cost(size, prevalence) == pytest.approx(mean)


@given(prevalence=prevalences, largest=largests)
def test_the_optimum_lies_between_the_entropy_and_asking_alone(prevalence: float, largest: int) -> None:
    optimum = halving_optimum(prevalence, largest)
    assert entropy_bound(round(prevalence, 5)) - 1e-9 <= optimum <= 1.0
    assert 1 / largest <= optimum


@given(prevalence=st.floats(0.0, 0.29), largest=largests)
def test_halving_is_no_worse_than_one_stage_where_groups_are_worth_it(prevalence: float, largest: int) -> None:
    assert halving_optimum(prevalence, largest) <= dorfman_optimum(round(prevalence, 5), largest) + 1e-9


@given(prevalence=st.floats(ALONE_FROM, 1.0), largest=largests)
def test_above_the_limit_every_image_goes_alone(prevalence: float, largest: int) -> None:
    assert best_group(prevalence, largest) == 1
    assert halving_optimum(prevalence, largest) == 1.0
    assert partition(largest, prevalence, largest) == (1,) * largest


@given(prevalence=st.floats(0.0, 0.6), size=st.sampled_from([2, 4, 9, 25, 100]))
def test_rounding_the_prevalence_changes_next_to_nothing(prevalence: float, size: int) -> None:
    next_one = min(1.0, prevalence + 1e-5)
    assert abs(group_cost(size, prevalence) - group_cost(size, next_one)) / size < 4e-4


# --- grouping what is there ---


def sums(count: int, largest: int) -> Iterator[tuple[int, ...]]:
    if not count:
        yield ()
    for size in range(min(count, largest), 0, -1):
        yield from ((size, *rest) for rest in sums(count - size, size))


@given(images=st.integers(0, 12), prevalence=larger_prevalences, largest=st.integers(1, 9))
def test_no_other_grouping_is_cheaper(images: int, prevalence: float, largest: int) -> None:
    def cost(sizes: tuple[int, ...]) -> float:
        return sum(group_cost(size, prevalence) for size in sizes)

    found = partition(images, prevalence, largest)
    assert sum(found) == images
    assert list(found) == sorted(found, reverse=True)
    assert all(1 <= size <= largest for size in found)
    assert cost(found) == pytest.approx(min(cost(sizes) for sizes in sums(images, largest)))


@given(prevalence=larger_prevalences, largest=st.integers(1, 25))
def test_the_best_size_is_the_cheapest_per_image_and_the_smallest_of_equals(prevalence: float, largest: int) -> None:
    per_image = [group_cost(size, prevalence) / size for size in range(1, largest + 1)]
    assert best_group(prevalence, largest) == per_image.index(min(per_image)) + 1
    assert halving_optimum(prevalence, largest) == min(per_image)


@pytest.mark.parametrize("images", [1, 5, 9, 10, 18])
def test_where_nothing_is_unsafe_groups_are_as_few_as_possible(images: int) -> None:
    assert len(partition(images, 0.0, 9)) == math.ceil(images / 9)


# --- what makes no sense ---


@pytest.mark.parametrize("prevalence", [-0.1, 1.1, math.nan, math.inf])
def test_a_prevalence_is_a_share(prevalence: float) -> None:
    for ask in (lambda: group_cost(3, prevalence), lambda: best_group(prevalence, 3), lambda: partition(3, prevalence, 3)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ask()


def test_a_group_has_images() -> None:
    with pytest.raises(ValueError, match="has images"):
        group_cost(0, 0.1)
