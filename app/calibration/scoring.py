"""How accurate answers are: mAP@0.5 as the VOC devkit counts it, and what one image loses.

In: photographs with their truth, and detections by photograph. Out: `Accuracy`, losses. Callers: the runner, the choice of
mixes, the fitting of the scout. Sums over thousands of images and layouts use this package's own matching; the figures that
are reported come from the library.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.calibration.dataset import Photo, Truth
from app.calibration.extras import needed
from app.calibration.labels import class_of
from app.calibration.matching import Found, classes_of, match, precision_area, subjects_of
from app.core.geometry import UnitBox
from app.core.model import Detection

# Where nothing is known, what the provider finds in the image alone is taken for the truth. Above the first score it counts as
# an object; down to the second as a difficult one, since whether a grid finds what was doubtful alone is neither right nor
# wrong. At one half the detectors of shared/eval name about as many objects in VOC's photographs as there are (776 and 628 of
# 801; at 0.3 up to 1754). Gains count as losses here, so the drop comes out too large (femto at half scale on VOC: 0.37, by the
# truth 0.14): good for comparing layouts, careful as a budget.
SURE_SCORE = 0.5
DOUBTFUL_SCORE = 0.1


@dataclass(frozen=True, slots=True)
class Accuracy:
    """mAP@0.5: over all, by class (the data set's own words), by COCO's size of object. Absent: no such object to be found."""

    map50: float
    by_class: Mapping[str, float]
    by_size: Mapping[str, float]


def evaluate(photos: Sequence[Photo], found: Found, *, by_size: bool = True) -> Accuracy:
    """The accuracy of `found`, which has an entry for every photograph. Not from several threads at once.

    Raises ExtraMissing where pycocotools is not installed, ValueError where there is nothing to be found in any photograph.
    """
    with needed("pycocotools"):
        from app.calibration.library import SIZES_PX, average_precisions

    classes = classes_of(photos)
    images = [subjects_of(photo, _answered(photo, found), classes) for photo in photos]
    table = average_precisions(images, list(classes), by_size=by_size)
    known = {name: float(ap) for name, ap in zip(classes.values(), table[:, 0], strict=True) if not math.isnan(ap)}
    if not known:
        raise ValueError("accuracy needs at least one object that is not difficult")
    sizes = {
        name: float(np.nanmean(column))
        for name, column in zip(SIZES_PX, table.T[1:], strict=False)
        if not np.isnan(column).all()
    }
    return Accuracy(math.fsum(known.values()) / len(known), known, sizes)


def unanswered(photos: Sequence[Photo], found: Found) -> dict[str, int]:
    """Classes that no answer names at all, with their objects: probably none of the provider's. They count as never found."""
    named = {class_of(one.label, one.vendor) for photo in photos for one in _answered(photo, found)}
    objects = Counter(class_of(truth.label) for photo in photos for truth in photo.truths)
    return {written: objects[name] for name, written in classes_of(photos).items() if name not in named}


def _answered(photo: Photo, found: Found) -> Sequence[Detection]:
    if photo.id not in found:
        raise ValueError(f"no answer for {photo.id}: leave the photograph out where there is none")
    return found[photo.id]


def image_precision(photo: Photo, found: Sequence[Detection]) -> float:
    """Average precision within this image x objects, summed over the classes that are in it: 0 .. number of objects."""
    subjects = subjects_of(photo, found, classes_of([photo]))
    verdicts = [match(subject) for subject in subjects.values()]
    return math.fsum(precision_area(verdict.right, verdict.objects) * verdict.objects for verdict in verdicts)


def image_loss(photo: Photo, reference: Sequence[Detection], found: Sequence[Detection]) -> float:
    """How much worse `found` is than `reference` on this image, in objects; below zero where it is better."""
    return image_precision(photo, reference) - image_precision(photo, found)


def taken_for_truth(photos: Iterable[Photo], alone: Found) -> tuple[Photo, ...]:
    """The same photographs, with what was found in each alone as its truth."""
    return tuple(replace(photo, truths=_truths(_answered(photo, alone))) for photo in photos)


def _truths(found: Sequence[Detection]) -> tuple[Truth, ...]:
    """One truth for each box and label: of exact doubles only the best counts."""
    best: dict[tuple[str, UnitBox], Truth] = {}
    for detection in sorted(found, key=lambda detection: -detection.score_unit):
        if detection.box is not None and detection.score_unit >= DOUBTFUL_SCORE:
            truth = Truth(detection.label, detection.box, detection.score_unit < SURE_SCORE)
            best.setdefault((detection.label, detection.box), truth)
    return tuple(best.values())
