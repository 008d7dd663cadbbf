"""Flat or growing? Pure: series of figures in, a verdict on each out.

A leak is growth that goes on after everything has been built and every cache is full. So the warm-up is left out, a line is
laid through the rest (Theil and Sen: the median of all slopes between two samples, which neither peaks of the load nor a single
garbage collection bend), and what it rises by over the judged time is compared with what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HOUR_S = 3600.0
# Fewer samples than this say nothing about a trend.
FEWEST_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over the time of a run."""

    name: str
    kind: str
    unit: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest growth over the judged time that is still flat: a share of the level, or `least` where that is more."""

    share: float
    least: float

    def allowed(self, level: float) -> float:
        return max(self.share * level, self.least)


@dataclass(frozen=True, slots=True)
class Trend:
    """What the line through a series says."""

    name: str
    unit: str
    level: float
    growth: float
    per_hour: float
    allowed: float
    highest: float

    @property
    def is_flat(self) -> bool:
        """What shrinks is no leak."""
        return self.growth <= self.allowed


def trend_of(series: Series, tolerance: Tolerance, *, from_s: float, until_s: float) -> Trend:
    """The trend between two times of the run. ValueError where too few samples lie between them."""
    inside = [(at, value) for at, value in zip(series.times_s, series.values, strict=True) if from_s <= at <= until_s]
    if len(inside) < FEWEST_SAMPLES:
        raise ValueError(f"{series.name}: {len(inside)} samples between {from_s:.0f} s and {until_s:.0f} s")
    times, values = np.array(inside).T
    per_s = slope(times, values)
    level = float(np.median(values))
    growth = per_s * float(times[-1] - times[0])
    return Trend(series.name, series.unit, level, growth, per_s * HOUR_S, tolerance.allowed(level), float(max(series.values)))


def slope(times: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> float:
    """Theil and Sen's estimate, per unit of time."""
    at, value = np.asarray(times, float), np.asarray(values, float)
    later, earlier = np.triu_indices(len(at), 1)[::-1]
    steps = at[later] - at[earlier]
    apart = steps > 0
    return float(np.median((value[later] - value[earlier])[apart] / steps[apart]))
