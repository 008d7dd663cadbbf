"""The live p95: recent calls count most, old ones fade, and a thin prior stands in while nothing is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.latency import FRESH_S, HALF_LIFE_S, MOST_CALLS, PRIOR_DURATIONS_S, LatencyTracker


def test_before_the_first_call_the_prior_answers() -> None:
    tracker = LatencyTracker()
    assert tracker.p95_s(0.0) == max(PRIOR_DURATIONS_S)
    assert tracker.quantile_s(0.1, 0.0) == min(PRIOR_DURATIONS_S)


def test_a_handful_of_calls_outweighs_the_prior() -> None:
    tracker = LatencyTracker()
    for _ in range(10):
        tracker.observe(0.0, 0.005)
    assert tracker.p95_s(0.0) == 0.005


def test_one_call_in_ten_that_is_slow_is_the_p95() -> None:
    tracker = LatencyTracker()
    for number in range(100):
        tracker.observe(0.0, 3.0 if number % 10 == 0 else 0.1)
    assert tracker.p95_s(0.0) == 3.0
    assert tracker.quantile_s(0.5, 0.0) == 0.1


def test_what_was_slow_long_ago_is_forgotten() -> None:
    tracker = LatencyTracker()
    for _ in range(MOST_CALLS):
        tracker.observe(0.0, 9.0)
    assert tracker.p95_s(0.0) == 9.0
    assert tracker.p95_s(20 * HALF_LIFE_S) == max(PRIOR_DURATIONS_S)


def test_a_new_slow_spell_shows_within_a_few_calls() -> None:
    tracker = LatencyTracker()
    for _ in range(MOST_CALLS):
        tracker.observe(0.0, 0.1)
    for _ in range(5):
        tracker.observe(2 * HALF_LIFE_S, 2.0)
    assert tracker.p95_s(2 * HALF_LIFE_S) == 2.0


def test_a_figure_is_kept_while_it_is_fresh() -> None:
    tracker = LatencyTracker()
    before_s = tracker.p95_s(0.0)
    for _ in range(50):
        tracker.observe(0.0, 0.001)
    assert tracker.p95_s(FRESH_S / 2) == before_s
    assert tracker.p95_s(FRESH_S) == 0.001


@given(
    st.lists(st.floats(0, 100), max_size=50),
    st.floats(0, 1),
    st.floats(0, 1e6),
)
def test_a_quantile_is_always_a_duration_that_was_seen(durations_s: list[float], share: float, now_s: float) -> None:
    tracker = LatencyTracker()
    for duration_s in durations_s:
        tracker.observe(0.0, duration_s)
    assert tracker.quantile_s(share, now_s) in {*durations_s, *PRIOR_DURATIONS_S}


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_window_is_bounded(share: float) -> None:
    tracker = LatencyTracker()
    for number in range(10 * MOST_CALLS):
        tracker.observe(float(number), 0.0 if number < 9 * MOST_CALLS else 1.0)
    assert tracker.quantile_s(share, 10.0 * MOST_CALLS) in {1.0, *PRIOR_DURATIONS_S}
