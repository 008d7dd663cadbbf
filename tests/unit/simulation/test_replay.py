"""Arrivals in virtual time: what is paid, why sheets close, and what each image waits, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from app.core.model import Bypass, Layout, Release
from app.simulation.arrivals import Arrival, poisson
from app.simulation.replay import Replay, Serving, Tally

PAIR = Serving(
    window_s=0.1,
    layout=Layout(2, 1),
    compose_s=0.02,
    request_timeout_s=30.0,
    max_inflight=32,
    max_alone=64,
    max_pending=2000,
)
FOUR = replace(PAIR, layout=Layout(2, 2))
PROVIDER_S = 0.08


def play(serving: Serving, *times_s: float, provider_s: float = PROVIDER_S, lanes: str = "") -> Tally:
    """`lanes`: a letter for each arrival."""
    arrivals = [Arrival(at_s, lane) for at_s, lane in zip(times_s, lanes or "-" * len(times_s), strict=True)]
    return Replay(serving, lambda: provider_s).play(arrivals)


def ms(tally: Tally) -> list[int]:
    return sorted(round(1000 * added_s) for added_s in tally.added_s)


def test_nothing_comes_of_nothing() -> None:
    tally = play(PAIR)
    assert (tally.images, tally.inferences, tally.saved_percent, tally.added_s) == (0, 0, 0.0, [])


def test_a_full_sheet_leaves_at_once() -> None:
    """The first waits 40 ms for the second, both for the composing; the provider's own time is not added."""
    tally = play(PAIR, 0.0, 0.04)
    assert (tally.inferences, tally.saved_percent, tally.releases) == (1, 50.0, {Release.FULL: 1})
    assert ms(tally) == [20, 60]


def test_a_window_ends_with_its_first_image() -> None:
    """The third comes too late for the first two; alone it is sent as it is, so nothing is composed."""
    tally = play(FOUR, 0.0, 0.09, 0.11)
    assert (tally.inferences, tally.releases) == (2, {Release.DUE: 2})
    assert ms(tally) == [30, 100, 120]


def test_lanes_never_mix() -> None:
    tally = play(PAIR, 0.0, 0.01, 0.02, 0.03, lanes="abab")
    assert (tally.inferences, ms(tally)) == (2, [20, 20, 40, 40])
    assert play(PAIR, 0.0, 0.01, lanes="ab").saved_percent == 0.0


def test_a_quiet_lane_stops_waiting() -> None:
    """Three waits in vain, and from then on nobody waits (`core.window`)."""
    tally = play(PAIR, *(60.0 * n for n in range(6)))
    assert tally.releases == {Release.DUE: 3, Release.IDLE: 3}
    assert ms(tally) == [0, 0, 0, 100, 100, 100]


@pytest.mark.parametrize(
    ("serving", "reason"),
    [
        (replace(PAIR, layout=Layout(1, 1)), Bypass.BUDGET),
        (replace(PAIR, window_s=0.0), Bypass.SETTING),
        (replace(PAIR, request_timeout_s=1.0), Bypass.DEADLINE),
    ],
    ids=lambda value: value if isinstance(value, Bypass) else "",
)
def test_where_no_grid_can_be_images_go_alone_at_once(serving: Serving, reason: Bypass) -> None:
    tally = play(serving, 0.0, 0.0)
    assert (tally.inferences, tally.saved_percent, tally.alone, ms(tally)) == (2, 0.0, {reason: 2}, [0, 0])


def test_over_capacity_goes_alone() -> None:
    tally = play(replace(FOUR, max_pending=2), 0.0, 0.01, 0.02)
    assert (tally.inferences, tally.alone, ms(tally)) == (2, {Bypass.CAPACITY: 1}, [0, 110, 120])


def test_a_busy_worker_s_images_wait_for_its_slot() -> None:
    """One sheet at a time, 0.5 s each: the second leaves when the first is back."""
    tally = play(replace(PAIR, max_inflight=1, compose_s=0.0), 0.0, 0.0, 0.0, 0.0, provider_s=0.5)
    assert (tally.inferences, ms(tally)) == (2, [0, 0, 500, 500])


def test_what_nobody_claims_goes_alone_long_after_its_window() -> None:
    """The one slot is taken for 10 s: 1.5 s after the end of its window the second pair is taken back."""
    tally = play(replace(PAIR, max_inflight=1), 0.0, 0.0, 0.0, 0.0, provider_s=10.0)
    assert (tally.inferences, tally.alone) == (3, {Bypass.OVERDUE: 2})
    assert ms(tally) == [20, 20, 1600, 1600]


def test_a_queue_that_moves_is_waited_for() -> None:
    """Four pairs, one after another, 1 s each: the last ones leave 2.9 s after their window, because answers come back."""
    tally = play(replace(PAIR, max_inflight=1, compose_s=0.0), *[0.0] * 8, provider_s=1.0)
    assert (tally.inferences, tally.alone) == (4, {})
    assert ms(tally) == [0, 0, 1000, 1000, 2000, 2000, 3000, 3000]


def test_a_grid_that_is_too_slow_is_paid_in_vain() -> None:
    """A grid's time ends when its images could no longer be sent alone: 4 s, less twice the p95 (0.8 s at first) and 0.5 s."""
    tally = play(replace(PAIR, request_timeout_s=4.0), 0.0, 0.0, provider_s=3.5)
    assert (tally.inferences, tally.alone, ms(tally)) == (3, {Bypass.LATE: 2}, [1900, 1900])


def test_who_could_not_be_answered_in_time_is_refused() -> None:
    """One at a time alone: the others' rounds at 0.8 s each would take longer than the 1 s that they have."""
    tally = play(replace(PAIR, window_s=0.0, max_alone=1, request_timeout_s=1.0), 0.0, 0.0, 0.0, provider_s=0.5)
    assert (tally.images, tally.answered, tally.refused, tally.inferences) == (3, 2, 1, 2)


@pytest.mark.parametrize("rate_times_window", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("serving", [PAIR, FOUR], ids=lambda serving: str(serving.layout))
def test_poisson_arrivals_save_what_the_formula_says(rate_times_window: float, serving: Serving) -> None:
    """1 + min(Poisson(r W), k - 1) images on a sheet of k cells."""
    arrivals = poisson(20_000, rate_times_window / serving.window_s, seed=5).arrivals
    tally = Replay(serving, lambda: PROVIDER_S).play(arrivals)
    shares = [math.exp(-rate_times_window) * rate_times_window**n / math.factorial(n) for n in range(serving.layout.cells - 1)]
    mean = sum(n * share for n, share in enumerate([*shares, 1 - sum(shares)], start=1))
    assert tally.saved_percent == pytest.approx(100 * (1 - 1 / mean), abs=1.0)
    assert len(tally.added_s) == 20_000


def test_the_same_arrivals_give_the_same_figures() -> None:
    arrivals = poisson(500, 20.0, seed=1).arrivals
    assert Replay(PAIR, lambda: PROVIDER_S).play(arrivals) == Replay(PAIR, lambda: PROVIDER_S).play(arrivals)
