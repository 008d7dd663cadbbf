"""The soak's verdict sees a leak, however the load goes up and down, and takes nothing else for one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from tests.soak.__main__ import whole_day_s
from tests.soak.verdict import FEWEST_SAMPLES, Series, Tolerance, slope, trend_of

MINUTES, EVERY_S, WARM_UP_S = 30, 5.0, 240.0
DAY_S = 300.0
MEMORY = Tolerance(0.03, 3.0)


def series(value: Callable[[float], float], minutes: float = MINUTES) -> Series:
    times = [EVERY_S * number for number in range(int(60 * minutes / EVERY_S) + 1)]
    return Series("api 1 own memory", "own memory", "MiB", tuple(times), tuple(value(at) for at in times))


def is_flat(value: Callable[[float], float]) -> bool:
    return trend_of(series(value), MEMORY, from_s=WARM_UP_S, until_s=60.0 * MINUTES).is_flat


def day(at_s: float) -> float:
    return math.sin(2 * math.pi * at_s / DAY_S)


def noise(seed: int = 1) -> Callable[[float], float]:
    chance = random.Random(seed)
    return lambda _: chance.gauss(0, 2.0)


NOISE = noise()
FLAT: dict[str, Callable[[float], float]] = {
    "always the same": lambda at: 120.0,
    "with the load": lambda at: 120.0 + 8 * day(at),
    "noisy": lambda at: 120.0 + 8 * day(at) + NOISE(at),
    "filled in the warm-up": lambda at: 80.0 + 40.0 * min(1.0, at / (0.8 * WARM_UP_S)),
    "levelling off": lambda at: 120.0 - 30 * math.exp(-at / 90),
    "shrinking": lambda at: 120.0 - at / 100,
    "one peak": lambda at: 400.0 if 900 < at < 960 else 120.0,
    "a sawtooth of collections": lambda at: 120.0 + (at % 170) / 20,
    "one late step that stays small": lambda at: 120.0 + (2.0 if at > 1000 else 0.0),
}
LEAKING: dict[str, Callable[[float], float]] = {
    "a kilobyte per request": lambda at: 120.0 + at * 14 / 1024,
    "slowly, under the load": lambda at: 120.0 + 8 * day(at) + NOISE(at) + 8 * at / 1800,
    "in steps": lambda at: 120.0 + 4 * (at // 300),
    "a sawtooth that climbs": lambda at: 120.0 + (at % 170) / 20 + at / 200,
    "after the warm-up only": lambda at: 120.0 + max(0.0, at - WARM_UP_S) / 150,
}


@pytest.mark.parametrize("name", FLAT)
def test_what_does_not_leak_is_flat(name: str) -> None:
    assert is_flat(FLAT[name])


@pytest.mark.parametrize("name", LEAKING)
def test_a_leak_is_seen(name: str) -> None:
    assert not is_flat(LEAKING[name])


def test_a_count_may_grow_by_so_many_and_no_more() -> None:
    few = Tolerance(0.0, 1.0)
    threads = series(lambda at: 20.0 + at / 3600)
    leak = series(lambda at: 20.0 + at / 1200)
    assert trend_of(threads, few, from_s=0, until_s=1800).is_flat
    assert not trend_of(leak, few, from_s=0, until_s=1800).is_flat


def test_a_trend_says_what_it_stands_on() -> None:
    trend = trend_of(series(lambda at: 100 + at / 60), MEMORY, from_s=600, until_s=1800)
    assert (trend.level, trend.highest, trend.unit) == (120, 130, "MiB")
    assert trend.growth == pytest.approx(20)
    assert trend.per_hour == pytest.approx(60)
    assert trend.allowed == pytest.approx(3.6)


def test_the_slope_is_the_median_of_all_slopes() -> None:
    """By hand: (0, 0), (1, 1), (2, 10) have the slopes 1, 5 and 9; equal times have none."""
    assert slope([0, 1, 2], [0, 1, 10]) == 5
    assert slope([0, 0, 1], [0, 8, 1]) == -3


def test_too_few_samples_say_nothing() -> None:
    short = series(lambda at: 1.0, minutes=(FEWEST_SAMPLES - 2) * EVERY_S / 60)
    with pytest.raises(ValueError, match="7 samples"):
        trend_of(short, MEMORY, from_s=0, until_s=1800)


@pytest.mark.parametrize(("judged_s", "days"), [(1560.0, 5), (624.0, 2), (100.0, 1)])
def test_what_is_judged_holds_whole_days(judged_s: float, days: int) -> None:
    assert judged_s / whole_day_s(judged_s, DAY_S) == pytest.approx(days)
