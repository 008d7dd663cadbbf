"""Time never runs back, whichever clock tells it."""

from __future__ import annotations

import pytest

from app.clock import Clock, ManualClock, SystemClock


def test_the_machines_clock_never_runs_back() -> None:
    clock: Clock = SystemClock()
    readings = [clock.now_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(start_s=10.0)
    assert (clock.now_s(), clock.now_s()) == (10.0, 10.0)
    clock.advance(0.25)
    assert clock.now_s() == 10.25


@pytest.mark.parametrize(("seconds", "now_s"), [(0.0, 0.0), (1e-9, 1e-9), (3600.0, 3600.0)])
def test_a_manual_clock_moves_by_what_it_is_told(seconds: float, now_s: float) -> None:
    clock = ManualClock()
    clock.advance(seconds)
    assert clock.now_s() == now_s


def test_a_manual_clock_refuses_to_run_back() -> None:
    clock = ManualClock(5.0)
    with pytest.raises(ValueError, match="never runs back"):
        clock.advance(-0.001)
    assert clock.now_s() == 5.0
