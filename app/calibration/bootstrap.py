"""How sure a drop is: the interval over other photographs of the same kind, by drawing them again with replacement.

A photograph that is drawn twice counts twice, so a round is a weight for each photograph, and nothing needs to be matched
again. Both runs are weighed by the same draws (paired). Precision only matters where a right detection stands, and there it
follows from weighted counts: all rounds of a class are one product of matrices. Called by the runner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.calibration.dataset import Photo
from app.calibration.matching import Floats, Found, Match, classes_of, match, subjects_of

ROUNDS = 1000
_PERCENTILES = (2.5, 97.5)
# Right detections that are counted at once: keeps the matrix of a class small whatever the data set's size.
_ROWS = 512
_NOTHING = Match(np.zeros(0), np.zeros(0, dtype=np.bool_), 0)


@dataclass(frozen=True, slots=True)
class Interval:
    """95 %."""

    low: float
    high: float


class Resampled:
    """One reference and its draws, against which any number of runs is compared."""

    def __init__(self, photos: Sequence[Photo], reference: Found, *, seed: int, rounds: int = ROUNDS) -> None:
        """Same seed, same draws; the order of `photos` does not matter."""
        self._photos = sorted(photos, key=lambda photo: photo.id)
        self._weights = draws(len(self._photos), seed=seed, rounds=rounds)
        self._reference = weighted_map(self._photos, reference, self._weights)

    def drop(self, found: Found) -> Interval:
        """The interval of the reference's mAP less `found`'s."""
        return interval_of(self._reference - weighted_map(self._photos, found, self._weights))


def draws(photos: int, *, seed: int, rounds: int = ROUNDS) -> Floats:
    """How often each photograph is drawn in each round: photographs x rounds."""
    drawn = np.random.default_rng(seed).multinomial(photos, np.full(photos, 1 / photos), size=rounds)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)


def interval_of(values: Floats) -> Interval:
    """Where the middle 95 % of the rounds lie; rounds in which there is nothing to measure (NaN) do not count."""
    if np.isnan(values).all():
        return Interval(float("nan"), float("nan"))
    low, high = np.nanpercentile(values, _PERCENTILES)
    return Interval(float(low), float(high))


def bootstrap_drop(photos: Sequence[Photo], reference: Found, found: Found, *, seed: int, rounds: int = ROUNDS) -> Interval:
    """The interval of `reference`'s mAP less `found`'s, where only one run is compared."""
    return Resampled(photos, reference, seed=seed, rounds=rounds).drop(found)


def quick_map(photos: Sequence[Photo], found: Found) -> float:
    """mAP@0.5 without the library, some five times as fast: for choosing among many. NaN: there is nothing to be found."""
    return float(weighted_map(photos, found, np.ones((len(photos), 1)))[0])


def weighted_map(photos: Sequence[Photo], found: Found, weights: Floats) -> Floats:
    """mAP@0.5 (all points) for each column of `weights`, photographs x rounds; NaN where a round has nothing to be found."""
    classes = classes_of(photos)
    subjects = [subjects_of(photo, found[photo.id], classes) for photo in photos]
    matches = {name: [match(held[name]) if name in held else _NOTHING for held in subjects] for name in classes}
    return mean_precision(list(matches.values()), weights)


def mean_precision(classes: Sequence[Sequence[Match]], weights: Floats) -> Floats:
    """The mean over classes of their average precision, for each column of `weights`. A class: a verdict per photograph."""
    table = np.array([_class_precision(verdicts, weights) for verdicts in classes])
    counts = np.count_nonzero(~np.isnan(table), axis=0)
    means: Floats = np.divide(np.nansum(table, axis=0), counts, out=np.full(weights.shape[1], np.nan), where=counts > 0)
    return means


def _class_precision(verdicts: Sequence[Match], weights: Floats) -> Floats:
    """Average precision of one class in each round; NaN where none of its objects was drawn."""
    objects = np.array([float(verdict.objects) for verdict in verdicts]) @ weights
    images, right = _ranked(verdicts)
    places = np.flatnonzero(right)
    right_weights = weights[images[places]]
    wrong = _wrong_before(images, right, len(verdicts), weights)
    found = np.cumsum(right_weights, axis=0)
    seen = found + wrong
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    area = (right_weights * envelope).sum(axis=0)
    average: Floats = np.divide(area, objects, out=np.full(len(objects), np.nan), where=objects > 0)
    return average


def _ranked(verdicts: Sequence[Match]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """All detections of a class, best score first: of which image, and whether right."""
    scores = np.concatenate([verdict.scores for verdict in verdicts])
    images = np.repeat(np.arange(len(verdicts)), [len(verdict.scores) for verdict in verdicts])
    order = np.argsort(-scores, kind="stable")
    return images[order], np.concatenate([verdict.right for verdict in verdicts])[order]


def _wrong_before(images: npt.NDArray[np.intp], right: npt.NDArray[np.bool_], count: int, weights: Floats) -> Floats:
    """For each right detection and round, the weight of the wrong ones that rank before it."""
    rank = np.cumsum(right)
    total = int(rank[-1]) if len(rank) else 0
    wrong_rank, wrong_images = rank[~right], images[~right]
    sums, carried = [np.zeros((0, weights.shape[1]))], np.zeros(weights.shape[1])
    for start in range(0, total, _ROWS):
        inside = (wrong_rank >= start) & (wrong_rank < min(start + _ROWS, total))
        table = np.zeros((min(_ROWS, total - start), count))
        np.add.at(table, (wrong_rank[inside] - start, wrong_images[inside]), 1.0)
        block = np.cumsum(table, axis=0) @ weights + carried
        carried = block[-1]
        sums.append(block)
    return np.concatenate(sums)
