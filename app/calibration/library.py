"""Average precisions from pycocotools, made to count as the VOC devkit does. The only place that knows the library.

COCO's own rules differ in two points. A crowd region there swallows whatever lies mostly within it; the devkit's difficult
objects are matched by ordinary IoU. And a detection whose best object is taken may take the next best one there; in the
devkit it is wrong. Both are decided by the matrix of overlaps that the library matches by, so that is what is handed to it:
ordinary IoU, and for each detection only its best object. Called by `scoring`; needs the extra `calibrate`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval

from app.calibration.matching import MIN_OVERLAP, Floats, Subject, areas, overlaps

# COCO reads precision at 101 recalls, the devkit at every one. In the middle of a thousand equal steps the two differ by no
# more than half a step, 0.0005, since the curve only falls, and by at most 1 in all.
RECALL_STEPS = 1000
# The library adds a hair to what it divides by: a perfect precision comes out as 1 - 2e-16.
_DIGITS = 12

# COCO's sizes, in square pixels of the image as the data set has it.
SIZES_PX = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
_ALL_PX = (0.0, 1e10)


def average_precisions(images: Sequence[dict[str, Subject]], classes: Sequence[str], *, by_size: bool) -> Floats:
    """Classes x (all sizes, then each of `SIZES_PX`); NaN where there is no such object to be found."""
    ranges = [_ALL_PX, *(SIZES_PX.values() if by_size else ())]
    if not images or not classes:
        return np.full((len(classes), len(ranges)), np.nan)
    evaluation = _DevkitEval(images, classes)
    evaluation.params.areaRng = [list(limits) for limits in ranges]
    with contextlib.redirect_stdout(io.StringIO()):  # the library tells its progress there
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])[0, :, :, :, 0]  # recalls x classes x sizes; -1: nothing to be found
    return np.where(precision[0] < 0, np.nan, precision.mean(axis=0).round(_DIGITS))


class _DevkitEval(COCOeval):
    """The library's evaluation, over subjects instead of annotation files."""

    def __init__(self, images: Sequence[dict[str, Subject]], classes: Sequence[str]) -> None:
        super().__init__(iouType="bbox")
        self._best: dict[tuple[int, int], Floats] = {}
        parts = {
            (image, place): subjects[name]
            for image, subjects in enumerate(images)
            for place, name in enumerate(classes)
            if name in subjects
        }
        self._gts = {key: _truths(subject) for key, subject in parts.items()}
        self._dts = {key: _answers(subject) for key, subject in parts.items()}
        self._best = {key: _best_only(subject) for key, subject in parts.items()}
        self.params.imgIds, self.params.catIds = list(range(len(images))), list(range(len(classes)))
        self.params.iouThrs = np.array([MIN_OVERLAP])
        self.params.recThrs = (np.arange(RECALL_STEPS) + 0.5) / RECALL_STEPS
        self.params.maxDets = [max((len(found) for found in self._dts.values()), default=0) or 1]
        for lists in (self._gts, self._dts):
            lists.update({(i, k): [] for i in self.params.imgIds for k in self.params.catIds if (i, k) not in lists})

    def _prepare(self) -> None:
        """Nothing to be read from files."""

    def computeIoU(self, imgId: int, catId: int) -> Any:  # noqa: N802, N803 - the library's own names
        return self._best.get((imgId, catId), [])


def _best_only(subject: Subject) -> Floats:
    """Overlaps in which each detection has only its best object left."""
    ious = overlaps(subject.found_xyxy_px, subject.truths_xyxy_px)
    if not ious.size:
        return np.zeros((0, 0))
    rows, best = np.arange(len(ious)), ious.argmax(axis=1)
    left = np.zeros_like(ious)
    left[rows, best] = ious[rows, best]
    return left


# Ids begin with 1: the library takes a match with id 0 for none.
def _truths(subject: Subject) -> list[dict[str, Any]]:
    both = zip(areas(subject.truths_xyxy_px), subject.difficult, strict=True)
    return [
        {"id": number, "area": float(area), "ignore": int(is_difficult), "iscrowd": int(is_difficult)}
        for number, (area, is_difficult) in enumerate(both, start=1)
    ]


def _answers(subject: Subject) -> list[dict[str, Any]]:
    both = zip(areas(subject.found_xyxy_px), subject.scores, strict=True)
    return [{"id": number, "area": float(area), "score": float(score)} for number, (area, score) in enumerate(both, start=1)]
