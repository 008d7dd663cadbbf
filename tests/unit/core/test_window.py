"""When a lane's window closes: the rate, what counts as lone, and what is in vain."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Release
from app.core.window import FORGET_S, IDLE_THRESHOLD, LONE_ARRIVALS, Arrival, Traffic, arrive, is_idle, reason_to_close, tau_s

WINDOW_S = 0.2


def arrivals(*times_s: float, window_s: float = WINDOW_S) -> list[Arrival]:
    """What the lane knew at each of these arrivals."""
    seen: list[Arrival] = []
    traffic: Traffic | None = None
    for time_s in times_s:
        seen.append(arrive(traffic, time_s, window_s))
        traffic = seen[-1].traffic
    return seen


def idle_at(*times_s: float) -> list[bool]:
    """For each arrival, whether waiting a whole window was in vain."""
    return [is_idle(arrival, WINDOW_S) for arrival in arrivals(*times_s)]


def every(gap_s: float, count: int) -> list[float]:
    return [number * gap_s for number in range(count)]


@pytest.mark.parametrize(("window_s", "expected_s"), [(0.0, 2.0), (0.02, 2.0), (0.2, 2.0), (0.5, 5.0), (3.0, 30.0)])
def test_the_rate_remembers_ten_windows_and_at_least_two_seconds(window_s: float, expected_s: float) -> None:
    assert tau_s(window_s) == expected_s


def test_nothing_is_known_at_the_first_arrival_so_it_waits() -> None:
    (first,) = arrivals(100.0)
    assert first == Arrival(math.inf, Traffic(weight=1.0, first_s=100.0, last_s=100.0, lone=0))
    assert not is_idle(first, WINDOW_S)


def test_arrivals_at_one_instant_have_no_finite_rate_and_wait() -> None:
    assert [arrival.rate_per_s for arrival in arrivals(5.0, 5.0, 5.0)] == [math.inf] * 3
    assert idle_at(5.0, 5.0, 5.0) == [False] * 3


@pytest.mark.parametrize("gap_s", [0.01, 0.05, 0.2])
def test_regular_traffic_is_measured_from_the_second_arrival_on(gap_s: float) -> None:
    """The correction for a young lane: without it the first rates would be near zero."""
    rates = [arrival.rate_per_s for arrival in arrivals(*every(gap_s, 40))][1:]
    assert all(rate == pytest.approx(1 / gap_s, rel=gap_s / 2) for rate in rates)


@pytest.mark.parametrize("per_second", [5.0, 50.0])
def test_poisson_traffic_is_measured_without_bias(per_second: float) -> None:
    rng = random.Random(7)
    times = list(accumulate(rng.expovariate(per_second) for _ in range(4000)))
    rates = [arrival.rate_per_s for arrival in arrivals(*times)][100:]
    assert sum(rates) / len(rates) == pytest.approx(per_second, rel=0.1)


def test_the_arrival_that_asks_is_not_counted() -> None:
    """Else 1/tau would be the lowest rate there is, and no traffic would be sparse."""
    assert arrivals(0.0, 60.0)[-1].rate_per_s < 1e-9


@pytest.mark.parametrize(
    ("times_s", "lone"),
    [
        ((0.0,), 0),
        ((0.0, 10.0), 1),
        ((0.0, 10.0, 20.0), 2),
        ((0.0, 10.0, 10.0 + WINDOW_S), 0),  # at the very end of the window is still company
        ((0.0, 10.0, 10.1, 20.0), 1),
    ],
)
def test_lone_counts_the_arrivals_in_a_row_that_came_more_than_a_window_after_the_one_before(
    times_s: tuple[float, ...], lone: int
) -> None:
    assert arrivals(*times_s)[-1].traffic.lone == lone


def test_sparse_traffic_stops_waiting_after_three_lone_arrivals() -> None:
    assert idle_at(*every(30.0, 6)) == [False, False, False, True, True, True]
    assert LONE_ARRIVALS == 3


def test_a_burst_after_silence_is_gathered_from_its_first_image_on() -> None:
    """A rate alone would send the first image of every burst away alone."""
    bursts = [start + offset for start in (0.0, 60.0, 120.0, 180.0) for offset in (0.0, 0.01, 0.02, 0.03)]
    assert not any(idle_at(*bursts))


def test_one_image_with_company_makes_a_sparse_lane_wait_again() -> None:
    assert idle_at(*every(30.0, 5), 120.1, 150.0, 180.0, 210.0, 240.0)[4:] == [True, False, False, False, True, True]


@pytest.mark.parametrize("expected", [1.0, 2.0, 3.0])
def test_poisson_traffic_that_saves_keeps_its_windows(expected: float) -> None:
    """At rate x window >= 1 hardly any image may find its lane idle, or the savings would go."""
    rng = random.Random(int(expected * 1000))
    times = list(accumulate(rng.expovariate(expected / WINDOW_S) for _ in range(5000)))
    assert sum(idle_at(*times)) <= 5


def test_a_lane_that_was_silent_for_very_long_is_new_again() -> None:
    assert arrivals(0.0, FORGET_S)[-1].traffic.first_s == 0.0
    forgotten = arrivals(0.0, FORGET_S + 1.0)[-1]
    assert forgotten == Arrival(math.inf, Traffic(1.0, FORGET_S + 1.0, FORGET_S + 1.0, 0))


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20), st.floats(0.001, 5))
def test_the_rate_is_never_negative_nor_nan_even_when_the_clock_is_set_back(times_s: list[float], window_s: float) -> None:
    rates = [arrival.rate_per_s for arrival in arrivals(*times_s, window_s=window_s)]
    assert all(rate >= 0 for rate in rates)  # false for NaN


@pytest.mark.parametrize(
    ("lone", "rate_per_s", "left_s", "idle"),
    [
        (LONE_ARRIVALS, IDLE_THRESHOLD, 0.99, True),
        (LONE_ARRIVALS, IDLE_THRESHOLD, 1.0, False),
        (LONE_ARRIVALS - 1, 0.0, 1.0, False),
        (LONE_ARRIVALS, math.inf, 0.0, False),
        (LONE_ARRIVALS, 0.0, 0.0, True),
    ],
)
def test_waiting_is_in_vain_when_neither_rate_nor_experience_promises_company(
    lone: int, rate_per_s: float, left_s: float, idle: bool
) -> None:
    assert is_idle(Arrival(rate_per_s, Traffic(1.0, 0.0, 0.0, lone)), left_s) is idle


@pytest.mark.parametrize(
    ("pending", "marked", "flush_s", "reason"),
    [
        (1, None, 10.001, None),
        (1, None, 10.0, Release.DUE),
        (1, None, 9.0, Release.DUE),
        (2, None, 11.0, Release.FULL),
        (3, None, 9.0, Release.FULL),
        (1, Release.IDLE, 11.0, Release.IDLE),
        (1, Release.DRAIN, 9.0, Release.DRAIN),
        (2, Release.IDLE, 11.0, Release.FULL),
    ],
)
def test_a_lane_closes_when_full_marked_or_due_in_this_order(
    pending: int, marked: Release | None, flush_s: float, reason: Release | None
) -> None:
    assert reason_to_close(pending=pending, capacity=2, marked=marked, flush_s=flush_s, now_s=10.0) is reason
