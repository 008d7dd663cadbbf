"""A vendor that throttles is offered a little more than it took lately, and nothing holds back one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.pace import CALM_S, GROWING, PRESSING, SLOWEST_PER_S, THROTTLE_MEMORY_S, WINDOW_S, Pace


@dataclass
class Vendor:
    """Takes so many calls in any second of its clock, and refuses the rest."""

    quota: int
    second: int = -1
    taken: int = 0

    def takes(self, now_s: float) -> bool:
        if int(now_s) != self.second:
            self.second, self.taken = int(now_s), 0
        self.taken += 1
        return self.taken <= self.quota


def ask_all_the_time(pace: Pace, vendor: Vendor, from_s: float, to_s: float, fastest_per_s: float = 200.0) -> tuple[int, int]:
    """There is always somebody who wants to ask: how many were taken, and how many refused."""
    now_s, taken, refused = from_s, 0, 0
    while now_s < to_s:
        pace.began(now_s)
        if vendor.takes(now_s):
            pace.taken(now_s)
            taken += 1
        else:
            pace.throttled(now_s)
            refused += 1
        now_s += max(pace.pause_s(now_s), 1.0 / fastest_per_s)
    return taken, refused


def test_nobody_waits_for_a_vendor_that_does_not_throttle() -> None:
    pace = Pace()
    for number in range(100):
        pace.began(number / 1000)
        assert pace.pause_s(number / 1000) == 0


@given(st.integers(2, 60))
def test_the_quota_is_used_and_refusals_stay_few(quota: int) -> None:
    pace, vendor = Pace(), Vendor(quota)
    ask_all_the_time(pace, vendor, 0.0, 10.0)
    taken, refused = ask_all_the_time(pace, vendor, 10.0, 40.0)
    assert taken >= 0.9 * 30 * quota
    assert refused <= 0.5 * taken + 30 * SLOWEST_PER_S


@given(st.integers(2, 60), st.floats(1.0, 120.0))
def test_after_a_spell_in_which_nothing_was_taken_the_quota_is_soon_used_again(quota: int, spell_s: float) -> None:
    pace = Pace()
    ask_all_the_time(pace, Vendor(quota), 0.0, 5.0)
    _, refused = ask_all_the_time(pace, Vendor(0), 5.0, 5.0 + spell_s)
    assert refused <= (spell_s + WINDOW_S) * max(SLOWEST_PER_S, 3 * quota)
    ask_all_the_time(pace, Vendor(quota), 5.0 + spell_s, 17.0 + spell_s)
    taken, _ = ask_all_the_time(pace, Vendor(quota), 17.0 + spell_s, 27.0 + spell_s)
    assert taken >= 0.8 * 10 * quota


def test_a_while_after_the_last_refusal_all_is_forgotten() -> None:
    pace = Pace()
    pace.began(0.0)
    pace.throttled(0.0)
    assert pace.pause_s(0.0) == 1.0 / SLOWEST_PER_S
    assert pace.throttles_for_s(THROTTLE_MEMORY_S - 1.0) == 1.0
    assert pace.throttles_for_s(THROTTLE_MEMORY_S) == 0
    pace.began(THROTTLE_MEMORY_S)
    assert pace.pause_s(THROTTLE_MEMORY_S) == 0


def test_it_presses_while_it_is_refused_and_grows_as_soon_as_it_is_not() -> None:
    pace = Pace()
    for number in range(20):
        pace.taken(number / 20)
    pace.throttled(1.0)
    assert pace.per_s(1.0) == pytest.approx(PRESSING * 20 / WINDOW_S)
    assert pace.per_s(1.0 + CALM_S - 0.02) == pytest.approx(PRESSING * 20 / WINDOW_S)
    for number in range(20):
        pace.taken(2.0 + number / 1000)
    assert pace.per_s(2.1) == pytest.approx(GROWING * 37 / WINDOW_S, rel=0.1)
