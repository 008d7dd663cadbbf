"""How far an image's answer from a grid agrees with its answer alone. Pure; called by `work.shadow` and `core.density`.

In: the two answers' detections. Out: a number from 0 to 1 per image, and over many images their mean with an interval.

Per image it is the harmonic mean of precision and recall (F1), with the answer alone as the truth: twice the pairs over all
boxes of both. A pair has one label and overlaps by at least half (the mAP@0.5 rule, by which the paper and the VOC devkit
match). Two answers without any box agree. Boxes below the score floor are guesses that come and go with the slightest change,
and most clients never see them; what has no box cannot be told apart in a grid, and does not count.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.geometry import UnitBox
from app.core.model import Detection

LEAST_OVERLAP = 0.5
# The floor under a client's own threshold.
SCORE_FLOOR = 0.5
# Samples that a mean is taken over: the interval is then at most 0.14 wide, and a change shows within as many.
WINDOW_SAMPLES = 200
# Of a normal distribution, 95 % lie within so many standard deviations.
Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where the true one lies with 95 % certainty."""

    mean: float
    low: float
    high: float
    samples: int


class Window:
    """The latest values of one kind; forgets the oldest."""

    def __init__(self, size: int = WINDOW_SAMPLES) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        self._values.append(value)

    def interval(self) -> Interval:
        """Nothing known is anywhere between 0 and 1."""
        if not self._values:
            return Interval(math.nan, 0.0, 1.0, 0)
        return wilson(math.fsum(self._values) / len(self._values), len(self._values))


def wilson(mean: float, samples: int) -> Interval:
    """Wilson's score interval with the mean as the share of successes.

    Values between 0 and 1 spread at most as far as coins of the same mean, so it is rather too wide than too narrow; and
    unlike the normal one it does not close where all agree.
    """
    weight = Z95 * Z95 / samples
    centre = (mean + weight / 2) / (1 + weight)
    half = Z95 * math.sqrt(max(0.0, mean * (1 - mean)) / samples + weight / (4 * samples)) / (1 + weight)
    return Interval(mean, max(0.0, centre - half), min(1.0, centre + half), samples)


def agreement(grid: Sequence[Detection], alone: Sequence[Detection], *, floor_unit: float = SCORE_FLOOR) -> float:
    """1 where both show the same, 0 where they have nothing in common."""
    ours, theirs = _counted(grid, floor_unit), _counted(alone, floor_unit)
    if not ours and not theirs:
        return 1.0
    return 2 * _pairs(ours, theirs) / (len(ours) + len(theirs))


@dataclass(frozen=True, slots=True)
class _Seen:
    label: str
    box: UnitBox


def _counted(detections: Sequence[Detection], floor_unit: float) -> list[_Seen]:
    """Surest first."""
    ordered = sorted(detections, key=lambda found: -found.score_unit)
    return [_Seen(found.label, found.box) for found in ordered if found.box is not None and found.score_unit >= floor_unit]


def _pairs(ours: Sequence[_Seen], theirs: Sequence[_Seen]) -> int:
    """The surest chooses first, and takes the one that overlaps most: each box is in one pair at most."""
    left = list(theirs)
    pairs = 0
    for seen in ours:
        candidates = [other for other in left if other.label == seen.label]
        best = max(candidates, key=lambda other: overlap(seen.box, other.box), default=None)
        if best is not None and overlap(seen.box, best.box) >= LEAST_OVERLAP:
            left.remove(best)
            pairs += 1
    return pairs


def overlap(one: UnitBox, other: UnitBox) -> float:
    """Intersection over union; the same in ratios as in pixels, since both axes only scale."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.area + other.area - common)
