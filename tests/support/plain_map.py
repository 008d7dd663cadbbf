"""mAP@0.5 the slow and plain way, after the VOC devkit's VOCevaldet.m: one loop per sentence of its rules.

What the fast ways of `app.calibration` are compared with. It shares no code with them but the names of classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.calibration.dataset import Photo
from app.calibration.labels import class_of
from app.core.geometry import UnitBox
from app.core.model import Detection

HALF = 0.5
NOISE = 0.001


def plain_map(photos: Sequence[Photo], found: Mapping[str, Sequence[Detection]]) -> float | None:
    """None where there is nothing to be found."""
    known = [ap for ap in plain_by_class(photos, found).values() if ap is not None]
    return sum(known) / len(known) if known else None


def plain_by_class(photos: Sequence[Photo], found: Mapping[str, Sequence[Detection]]) -> dict[str, float | None]:
    """By key of the class; None where all of its objects are difficult."""
    classes = sorted({class_of(truth.label) for photo in photos for truth in photo.truths})
    return {name: _class_precision(name, photos, found) for name in classes}


def _class_precision(name: str, photos: Sequence[Photo], found: Mapping[str, Sequence[Detection]]) -> float | None:
    objects = {photo.id: [truth for truth in photo.truths if class_of(truth.label) == name] for photo in photos}
    positives = sum(not truth.is_difficult for truths in objects.values() for truth in truths)
    if positives == 0:
        return None
    ranked = sorted(
        (
            (detection.score_unit, photo.id, detection.box)
            for photo in photos
            for detection in found[photo.id]
            if class_of(detection.label, detection.vendor) == name
            and detection.score_unit > NOISE
            and detection.box is not None
        ),
        key=lambda one: -one[0],
    )
    taken: set[tuple[str, int]] = set()
    verdicts: list[bool] = []
    for _, photo_id, box in ranked:
        most, best = -1.0, -1
        for place, truth in enumerate(objects[photo_id]):
            overlap = iou(box, truth.box)
            if overlap > most:
                most, best = overlap, place
        if most < HALF:
            verdicts.append(False)
        elif objects[photo_id][best].is_difficult:
            continue
        elif (photo_id, best) in taken:
            verdicts.append(False)
        else:
            taken.add((photo_id, best))
            verdicts.append(True)
    return _area(verdicts, positives)


def iou(one: UnitBox, other: UnitBox) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one.area + other.area - width * height)


def _area(verdicts: Sequence[bool], positives: int) -> float:
    """Under the curve: for each recall that is reached, the best precision at that recall or a higher one."""
    precisions = [sum(verdicts[:end]) / end for end in range(1, len(verdicts) + 1)]
    total, best = 0.0, 0.0
    for right, precision in zip(reversed(verdicts), reversed(precisions), strict=True):
        best = max(best, precision)
        if right:
            total += best / positives
    return total
