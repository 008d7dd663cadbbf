"""One box per object: of the boxes of one class that overlap, the best. numpy only; called by `outputs` and `yolo`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

MOST_FINDINGS = 300
"""Most findings per image, as DETR-style models give."""
MOST_CANDIDATES = 3000
"""Most boxes that enter suppression: bounds its time on noise."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Findings before labels: boxes xyxy in pixels of the image, scores 0..1, class numbers."""

    boxes: Floats
    scores: Floats
    classes: Numbers


def pairs(boxes: Floats, scores: Floats, floor_unit: float) -> Raw:
    """Every (box, class) above the floor, the best first, where `scores` has a column per class."""
    rows, classes = np.nonzero(scores > floor_unit)
    values = scores[rows, classes]
    order = np.argsort(-values)[:MOST_CANDIDATES]
    return Raw(boxes[rows[order]], values[order], classes[order].astype(np.int64))


def suppressed(found: Raw, overlap_unit: float | None) -> Raw:
    """The same without those that overlap a better box of their class; `found` is best first."""
    if overlap_unit is None:
        return found
    kept = keep_best(found.boxes, found.classes, overlap_unit)[:MOST_FINDINGS]
    return Raw(found.boxes[kept], found.scores[kept], found.classes[kept])


def keep_best(boxes: Floats, classes: Numbers, overlap_unit: float) -> Numbers:
    """Indices of the boxes (best first) that overlap no better box of their class by more than `overlap_unit`."""
    alive = np.ones(len(boxes), bool)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == MOST_FINDINGS:
            break
        low = np.maximum(boxes[index, :2], boxes[index + 1 :, :2])
        high = np.minimum(boxes[index, 2:], boxes[index + 1 :, 2:])
        common = np.prod(np.clip(high - low, 0.0, None), axis=1)
        union = np.maximum(areas[index] + areas[index + 1 :] - common, math.ulp(1.0))
        alive[index + 1 :] &= (common / union <= overlap_unit) | (classes[index + 1 :] != classes[index])
    return np.array(kept, np.int64)
