"""How well photographs are labelled, whichever way their labels came about: pure figures, no places.

In: what is in each photograph, and for each way the labels that it was given with their scores. Out: `Row`s. A class that is
only there as a difficult object (VOC) or a crowd (COCO) is neither right nor wrong in that photograph. A label that is no class
of the data set does not count. Called by the command `calibrate --task classify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.calibration.bootstrap import ROUNDS, Interval, draws, interval_of, mean_precision
from app.calibration.dataset import Photo
from app.calibration.labels import class_of
from app.calibration.matching import Flags, Floats, Found, Match, classes_of, precision_area

# A client who names no threshold gets labels from here on (Rekognition's 55 and Azure's 0.5 are near).
USUAL_THRESHOLD_UNIT = 0.5
# A right label among so many best ones.
BEST = (1, 3, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """`present` and `counts` are photographs x classes: what is there, and where an answer is right or wrong at all."""

    photo_ids: tuple[str, ...]
    classes: Mapping[str, str]
    present: Flags
    counts: Flags

    @property
    def images(self) -> dict[str, int]:
        """In how many photographs each class is, as it is written."""
        return dict(zip(self.classes.values(), self.present.sum(axis=0).tolist(), strict=True))


def truths_of(photos: Sequence[Photo], without: Collection[str] = ()) -> Truths:
    """Of photographs with at least one of these classes that is not difficult; `without`: classes left out, as written."""
    classes = {name: written for name, written in classes_of(photos).items() if written not in without}
    place = {name: column for column, name in enumerate(classes)}
    present, difficult = (np.zeros((len(photos), len(classes)), dtype=np.bool_) for _ in range(2))
    for row, photo in enumerate(photos):
        for truth in photo.truths:
            column = place.get(class_of(truth.label))
            if column is not None:
                (difficult if truth.is_difficult else present)[row, column] = True
    return Truths(tuple(photo.id for photo in photos), classes, present, present | ~difficult)


def scores_of(truths: Truths, found: Found) -> Floats:
    """The best score of each class in each photograph; 0 where it is not named, or counts neither way."""
    place = {name: column for column, name in enumerate(truths.classes)}
    scores = np.zeros(truths.present.shape)
    for row, photo_id in enumerate(truths.photo_ids):
        for one in found[photo_id]:
            column = place.get(class_of(one.label, one.vendor))
            if column is not None:
                scores[row, column] = max(scores[row, column], one.score_unit)
    return np.where(truths.counts, scores, 0.0)


def never_named(photos: Sequence[Photo], ways: Collection[Found]) -> dict[str, int]:
    """Classes that no answer of any way ever names, as written, with the photographs that they are in."""
    truths = truths_of(photos)
    named = {class_of(one.label, one.vendor) for found in ways for photo in photos for one in found[photo.id]}
    images = truths.images
    return {written: images[written] for name, written in truths.classes.items() if name not in named}


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class: how many photographs show it, its average precision, precision (None: never named) and recall."""

    images: int
    average_precision: float
    precision: float | None
    recall: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much less a figure is than that of the first way, with its 95 % interval; below zero it is more."""

    drop: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Row:
    """One way. `figures`: by name, as `FIGURES` builds them; `drops`: the same less the first way's, empty for that one."""

    name: str
    inferences_per_image: float
    figures: Mapping[str, float]
    drops: Mapping[str, Difference]
    by_class: Mapping[str, ClassFigures]


Figure = Callable[[Truths, Floats, Floats], Floats]
"""Truths, scores, weights (photographs x rounds) -> the figure in each round; NaN where there is nothing to measure."""


def figures_at(threshold_unit: float) -> dict[str, Figure]:
    """All figures by name; precision and recall at 0.5, and at this threshold."""
    named: dict[str, Figure] = {"mAP": mean_ap}
    for name, least_unit in (("0.5", USUAL_THRESHOLD_UNIT), ("best", threshold_unit)):
        named[f"precision@{name}"] = _precision(least_unit)
        named[f"recall@{name}"] = _recall(least_unit)
    return named | {f"top-{best}": _top(best) for best in BEST}


def mean_ap(truths: Truths, scores: Floats, weights: Floats) -> Floats:
    """The mean over the classes of the average precision of the photographs, ranked by the class's score."""
    classes = []
    for column in range(scores.shape[1]):
        pairs = zip(scores[:, column], truths.present[:, column], strict=True)
        classes.append([_verdict(float(score), bool(present)) for score, present in pairs])
    return mean_precision(classes, weights)


def _verdict(score_unit: float, present: bool) -> Match:
    named = score_unit > 0
    return Match(np.array([score_unit] if named else []), np.array([present] if named else [], dtype=np.bool_), int(present))


def _precision(least_unit: float) -> Figure:
    def figure(truths: Truths, scores: Floats, weights: Floats) -> Floats:
        named = scores >= least_unit
        return _ratio((named & truths.present).sum(axis=1) @ weights, named.sum(axis=1) @ weights)

    return figure


def _recall(least_unit: float) -> Figure:
    def figure(truths: Truths, scores: Floats, weights: Floats) -> Floats:
        right = (scores >= least_unit) & truths.present
        return _ratio(right.sum(axis=1) @ weights, truths.present.sum(axis=1) @ weights)

    return figure


def _top(best: int) -> Figure:
    """The share of photographs with something in them of whose best labels one is right."""

    def figure(truths: Truths, scores: Floats, weights: Floats) -> Floats:
        ranked = np.argsort(-scores, axis=1, kind="stable")[:, :best]
        right = np.take_along_axis(truths.present & (scores > 0), ranked, axis=1).any(axis=1)
        full = truths.present.any(axis=1)
        return _ratio((right & full).astype(np.float64) @ weights, full.astype(np.float64) @ weights)

    return figure


def _ratio(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shares


def best_threshold(truths: Truths, scores: Floats) -> float:
    """The score at which precision and recall over all labels are best together (F1); the higher of equals."""
    named = scores[scores > 0]
    if not len(named):
        return USUAL_THRESHOLD_UNIT
    order = np.argsort(-named, kind="stable")
    values, right = named[order], truths.present[scores > 0][order]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    f1 = 2 * np.cumsum(right)[ends] / (ends + 1 + truths.present.sum())
    return float(values[ends[int(np.argmax(f1))]])


def by_class(truths: Truths, scores: Floats, least_unit: float) -> dict[str, ClassFigures]:
    """Every class of which there is a photograph; precision and recall at this threshold."""
    found = {}
    for column, written in enumerate(truths.classes.values()):
        present, ranked = truths.present[:, column], scores[:, column]
        images = int(present.sum())
        if images == 0:
            continue
        named = ranked >= least_unit
        right = int((named & present).sum())
        order = np.argsort(-ranked, kind="stable")
        area = precision_area(present[order][ranked[order] > 0], images)
        found[written] = ClassFigures(images, area, right / int(named.sum()) if named.any() else None, right / images)
    return found


class Judge:
    """Rows that are all compared with the first one, over the same draws of photographs."""

    def __init__(self, truths: Truths, reference: Found, *, seed: int, rounds: int = ROUNDS) -> None:
        self._truths = truths
        self._once = np.ones((len(truths.photo_ids), 1))
        self._weights = draws(len(truths.photo_ids), seed=seed, rounds=rounds)
        scores = scores_of(truths, reference)
        self.threshold_unit = best_threshold(truths, scores)
        self._figures = figures_at(self.threshold_unit)
        self._reference = {name: self._both(figure, scores) for name, figure in self._figures.items()}

    def _both(self, figure: Figure, scores: Floats) -> tuple[float, Floats]:
        """As measured, and in each round."""
        return float(figure(self._truths, scores, self._once)[0]), figure(self._truths, scores, self._weights)

    def row(self, name: str, inferences_per_image: float, found: Found, *, is_first: bool = False) -> Row:
        scores = scores_of(self._truths, found)
        measured = {name: self._both(figure, scores) for name, figure in self._figures.items()}
        drops = {} if is_first else {name: self._difference(name, *both) for name, both in measured.items()}
        classes = by_class(self._truths, scores, USUAL_THRESHOLD_UNIT)
        return Row(name, inferences_per_image, {name: value for name, (value, _) in measured.items()}, drops, classes)

    def _difference(self, name: str, value: float, rounds: Floats) -> Difference:
        reference, reference_rounds = self._reference[name]
        return Difference(reference - value, interval_of(reference_rounds - rounds))
