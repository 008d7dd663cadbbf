"""Limits and their sums: a rate that holds over any time, waits that are exact, months, amounts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.quota import (
    MICRO,
    NANO,
    US_PER_S,
    Amount,
    Limit,
    Limits,
    Pace,
    Usage,
    month_at,
    month_name,
    tenant_key,
)

PACES = st.builds(Pace, st.floats(1.0, 1e9), st.floats(1.0, 100.0))


@given(PACES, st.lists(st.tuples(st.floats(0.0, 1e8), st.integers(1, 16)), max_size=60))
def test_over_any_time_no_more_come_in_than_the_burst_and_the_rate_allow(pace: Pace, arrivals: list[tuple[float, int]]) -> None:
    """But for what the last request has beyond the burst: that is paid by those behind it."""
    now_us, paced_us = 0.0, 0.0
    inside: list[tuple[float, int]] = []
    for later_us, images in arrivals:
        now_us += later_us
        if pace.wait_us(paced_us, now_us, images) == 0:
            paced_us = pace.taken_us(paced_us, now_us, images)
            inside.append((now_us, images))
    for first in range(len(inside)):
        total = 0
        for at_us, images in inside[first:]:
            beyond = max(0.0, images - pace.burst)
            total += images
            most = pace.burst + (at_us - inside[first][0]) / pace.interval_us + beyond
            assert total <= most * (1 + 1e-9) + 1 / pace.interval_us  # the sums' own tolerance


@given(PACES, st.floats(0.0, 1e9), st.floats(0.0, 1e9), st.integers(1, 200))
def test_whoever_waits_as_told_comes_in_and_nobody_before(pace: Pace, paced_us: float, now_us: float, images: int) -> None:
    wait_us = pace.wait_us(paced_us, now_us, images)
    assert wait_us >= 0
    assert pace.wait_us(paced_us, now_us + wait_us, images) == 0
    if wait_us > 10:
        assert pace.wait_us(paced_us, now_us + wait_us - 5, images) > 0


def test_a_burst_is_one_second_of_images_unless_it_is_said() -> None:
    assert Limits(images_per_s=20).pace == Pace(US_PER_S / 20, 20)
    assert Limits(images_per_s=0.1).pace == Pace(US_PER_S * 10, 1)
    assert Limits(images_per_s=20, burst=5).pace == Pace(US_PER_S / 20, 5)


def test_own_limits_come_before_the_default_one_by_one_and_inf_lifts_one() -> None:
    default = Limits(images_per_s=10, burst=100, dollars_per_month=5)
    assert Limits().or_else(default) == default
    assert Limits(dollars_per_month=9).or_else(default) == Limits(10, 100, 9)
    assert Limits(images_per_s=2).or_else(default) == Limits(2, None, 5)  # a burst of 100 was never meant for this rate
    free = Limits(images_per_s=math.inf, dollars_per_month=math.inf).or_else(default)
    assert free.is_none
    assert Limits().is_none
    assert not Limits(inferences_per_month=0).is_none


@pytest.mark.parametrize(
    "wrong",
    [
        {"images_per_s": 0},
        {"images_per_s": -1},
        {"images_per_s": math.nan},
        {"burst": 0.5},
        {"dollars_per_month": -0.01},
        {"dollars_per_month": 2e6},
        {"inferences_per_month": math.nan},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is a number"):
        Limits(**wrong)


def test_budgets_are_whole_units() -> None:
    assert Limits(dollars_per_month=0.1, inferences_per_month=2.5).budget == {
        Limit.DOLLARS: NANO // 10,
        Limit.INFERENCES: 5 * MICRO // 2,
    }


@given(st.lists(st.integers(1, 25), max_size=40))
def test_amounts_add_up_exactly_in_any_order(cells: list[int]) -> None:
    shares = [Amount.of(0.001 / cell, 1 / cell) for cell in cells]
    assert sum(shares, Amount()) == sum(reversed(shares), Amount())
    assert sum(shares, Amount()).dollars == pytest.approx(sum(0.001 / cell for cell in cells), abs=1e-7)


def test_of_two_looks_the_later_one_counts() -> None:
    old, new = Usage(10, Amount(5, 7)), Usage(10, Amount(6, 6), Amount(1, 1))
    assert old.merged(new) == Usage(10, Amount(6, 7), Amount(1, 1))
    assert Usage(11).merged(old) == Usage(11)
    assert old.merged(Usage(11)) == Usage(11)
    assert old.merged(None) == old


def test_months_have_names_and_ends() -> None:
    month = month_at(0.0)
    assert (month.number, month.left_s, month_name(month.number)) == (0, 31 * 86_400, "1970-01")
    assert month_name(month_at(1_795_000_000).number) == "2026-11"


def test_a_key_tells_nobody_whose_it_is() -> None:
    key = tenant_key("client:shop")
    assert "shop" not in key
    assert int(key, 16) >= 0
    assert key != tenant_key("native:shop")
