"""Which detections are right, as the VOC devkit decides it.

The best-scored detection chooses first. Each looks at the one object of its class that it overlaps most: below an IoU of 0.5 it
is wrong; on a difficult object it does not count; on an object that a better one has found before, it is wrong, too. Called by
`scoring`, `library` and `bootstrap`; a plain, slow version of the same stands in the tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from app.calibration.dataset import Photo
from app.calibration.labels import class_of
from app.core.geometry import UnitBox
from app.core.model import Detection

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

Found: TypeAlias = Mapping[str, Sequence[Detection]]
"""Detections by the photograph's id."""

MIN_OVERLAP = 0.5
# What scores less is noise that a detector writes to fill its list: it moves no figure and costs all the time.
MIN_SCORE = 0.001


@dataclass(frozen=True, slots=True)
class Subject:
    """One class in one image. `found_xyxy_px` and `scores` are in falling order of score, equals in the order they came in."""

    truths_xyxy_px: Floats
    difficult: Flags
    found_xyxy_px: Floats
    scores: Floats

    @property
    def objects(self) -> int:
        """How many there are to be found."""
        return int(np.count_nonzero(~self.difficult))


@dataclass(frozen=True, slots=True)
class Match:
    """The verdicts on one class of one image: detections that count, best score first, and whether each is right."""

    scores: Floats
    right: Flags
    objects: int


def classes_of(photos: Iterable[Photo]) -> dict[str, str]:
    """The classes of a data set: key -> how it is written, in order of the key."""
    names: dict[str, str] = {}
    for photo in photos:
        for truth in photo.truths:
            names.setdefault(class_of(truth.label), truth.label)
    return dict(sorted(names.items()))


def subjects_of(photo: Photo, found: Sequence[Detection], classes: Collection[str]) -> dict[str, Subject]:
    """By class, of those given: what is in the image, and what was found in it. A class with neither is left out."""
    truths: dict[str, list[tuple[UnitBox, bool]]] = {}
    for truth in photo.truths:
        truths.setdefault(class_of(truth.label), []).append((truth.box, truth.is_difficult))
    answers: dict[str, list[tuple[float, UnitBox]]] = {}
    for detection in found:
        if detection.box is not None and detection.score_unit > MIN_SCORE:
            label = class_of(detection.label, detection.vendor)
            answers.setdefault(label, []).append((detection.score_unit, detection.box))
    size = photo.picture.upright
    scale = np.array([size.width_px, size.height_px] * 2, dtype=np.float64)
    named = [name for name in classes if name in truths or name in answers]
    return {name: _subject(truths.get(name, []), answers.get(name, []), scale) for name in named}


def _subject(truths: Sequence[tuple[UnitBox, bool]], answers: Sequence[tuple[float, UnitBox]], scale: Floats) -> Subject:
    ranked = sorted(answers, key=lambda answer: -answer[0])
    return Subject(
        truths_xyxy_px=_corners([box for box, _ in truths]) * scale,
        difficult=np.array([is_difficult for _, is_difficult in truths], dtype=np.bool_),
        found_xyxy_px=_corners([box for _, box in ranked]) * scale,
        scores=np.array([score for score, _ in ranked], dtype=np.float64),
    )


def _corners(boxes: Sequence[UnitBox]) -> Floats:
    corners = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return np.array(corners, dtype=np.float64).reshape(len(boxes), 4)


def overlaps(found: Floats, truths: Floats) -> Floats:
    """Intersection over union of each with each, found x truths; 0 where both have no area."""
    low = np.maximum(found[:, None, :2], truths[None, :, :2])
    high = np.minimum(found[:, None, 2:], truths[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=2)
    union = areas(found)[:, None] + areas(truths)[None, :] - common
    ratios: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return ratios


def areas(xyxy_px: Floats) -> Floats:
    """Of each box, in square pixels."""
    return np.asarray((xyxy_px[:, 2] - xyxy_px[:, 0]) * (xyxy_px[:, 3] - xyxy_px[:, 1]))


def match(subject: Subject) -> Match:
    """The devkit's verdicts."""
    if not len(subject.scores) or not len(subject.difficult):
        return Match(subject.scores, np.zeros(len(subject.scores), dtype=np.bool_), subject.objects)
    ious = overlaps(subject.found_xyxy_px, subject.truths_xyxy_px)
    best = ious.argmax(axis=1)
    hits = ious.max(axis=1) >= MIN_OVERLAP
    counts = ~(hits & subject.difficult[best])
    claims = np.flatnonzero(hits & counts)
    _, firsts = np.unique(best[claims], return_index=True)
    right = np.zeros(len(best), dtype=np.bool_)
    right[claims[firsts]] = True
    return Match(subject.scores[counts], right[counts], subject.objects)


def precision_area(right: Flags, objects: int) -> float:
    """Average precision, all points: the area under precision over recall, precision being the best at that recall or above."""
    places = np.flatnonzero(right)
    if objects == 0 or not len(places):
        return 0.0
    precision = np.arange(1, len(places) + 1) / (places + 1)
    return float(np.maximum.accumulate(precision[::-1]).sum() / objects)
