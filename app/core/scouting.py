"""What a scout's look at an image says: figures for the forest that foresees losses, and the part worth showing.

In: what a tiny local detector found, as arrays. Out: `figures` (a row of numbers, always of one length and order), and
`region` (the part of the image that holds everything it saw). Pure. Callers: admission and calibration, so that what was
fitted is what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import PixelBox, Size
from app.core.layout import fits_a_grid

# Scores from which findings are counted: from "hardly anything" to "surely".
SCORE_STEPS = (0.05, 0.1, 0.2, 0.3, 0.5)
# Bands of a finding's size: square root of its area, in ratios of the image.
SIZE_BANDS = ((0.0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.7), (0.7, 2.0))
SURE_SCORE = 0.2
# What a scout saw with at least this score is kept in view, with a margin around: on 504 photographs 99 % of all
# objects lay wholly inside (docs/accuracy.md). A tenth less area is not worth a cut.
REGION_SCORE = 0.1
REGION_MARGIN_UNIT = 0.05
MOST_OF_THE_IMAGE = 0.9
# So many figures `figures` gives.
FIGURES = 41


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """Findings of one image, best first. `boxes`: n x 4, xyxy in ratios of the upright image; `classes`: numbers."""

    size: Size
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.scores), 4) or len(self.classes) != len(self.scores):
            raise ValueError("boxes, scores and classes are not of one length")


def region(glimpse: Glimpse) -> PixelBox | None:
    """The part that holds all that was seen, with a margin, in whole pixels; None where that is nothing, nearly all, or of a
    size or shape that a grid does not take.
    """
    seen = glimpse.boxes[glimpse.scores > REGION_SCORE]
    if not len(seen):
        return None
    width_px, height_px = glimpse.size.width_px, glimpse.size.height_px
    margin_px = REGION_MARGIN_UNIT * glimpse.size.longest_px
    left, top = np.floor(np.maximum(seen[:, :2].min(axis=0) * (width_px, height_px) - margin_px, 0.0))
    right, bottom = np.ceil(np.minimum(seen[:, 2:].max(axis=0) * (width_px, height_px) + margin_px, (width_px, height_px)))
    if not fits_a_grid(Size(int(right - left), int(bottom - top))):
        return None
    if (right - left) * (bottom - top) > MOST_OF_THE_IMAGE * glimpse.size.pixels:
        return None
    return PixelBox(float(left), float(top), float(right), float(bottom))


def figures(glimpse: Glimpse) -> tuple[float, ...]:
    """The row for the forest: how many, how large, how sure, how many kinds, how they share the sizes, and the region."""
    sizes = np.sqrt(np.clip((glimpse.boxes[:, 2:] - glimpse.boxes[:, :2]).prod(axis=1), 1e-8, None))
    row = [value for step in SCORE_STEPS for value in _above(glimpse, sizes, step)]
    row += _sureness(glimpse, sizes)
    row += [glimpse.size.width_px / glimpse.size.height_px, float(glimpse.size.longest_px)]
    row += [value for band in SIZE_BANDS for value in _band(glimpse, sizes, band)]
    row += _shown(glimpse)
    return tuple(float(value) for value in row)


def _above(glimpse: Glimpse, sizes: NDArray[np.float64], step: float) -> list[float]:
    chosen = sizes[glimpse.scores > step]
    return [len(chosen), chosen.min(), float(np.median(chosen)), chosen.max()] if len(chosen) else [0.0, 0.0, 0.0, 0.0]


def _sureness(glimpse: Glimpse, sizes: NDArray[np.float64]) -> list[float]:
    scores = glimpse.scores
    total = float(scores.sum())
    mean_size = float((scores * sizes).sum()) / max(total, 1e-9)
    kinds = len(np.unique(glimpse.classes[scores > SURE_SCORE]))
    best, second = (float(scores[n]) if len(scores) > n else 0.0 for n in (0, 1))
    return [best, second, total, mean_size, kinds]


def _band(glimpse: Glimpse, sizes: NDArray[np.float64], band: tuple[float, float]) -> list[float]:
    chosen = glimpse.scores[(sizes >= band[0]) & (sizes < band[1])]
    return [float(chosen.sum()), float(chosen.max())] if len(chosen) else [0.0, 0.0]


def _shown(glimpse: Glimpse) -> list[float]:
    """Share of the area, and of the longest side, that the region has."""
    shown = region(glimpse)
    if shown is None:
        return [1.0, 1.0]
    longest_px = max(shown.right_px - shown.left_px, shown.bottom_px - shown.top_px)
    return [shown.area_px / glimpse.size.pixels, longest_px / glimpse.size.longest_px]
