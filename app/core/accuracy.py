"""What gridding costs in accuracy, as published, and the layouts that an accuracy budget therefore allows.

In: the name of a table, or a calibrated one, and a budget. Out: drops and layouts. Callers: admission, calibration.

The figures are mAP@0.5 on VOC 2012 from "Improve Model Inference Cost with Image Gridding" (Krishnaswamy et al., ICML 2023),
rows x columns. Two slips of the paper are not repeated. 2x2 is said there to save 25.0 %, but a quarter of an inference per
image saves 75 %. The drop of Faster R-CNN at 5x1 is printed as -0.488, which is its mAP: the drop is 0.706 - 0.488 = 0.218.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from app.core.model import ALONE, Layout

# Budgets and drops are written in thousandths; binary floats miss them by some 1e-16 (0.782 - 0.754 > 0.028). A tenth of the
# last digit forgives that and nothing that anybody would write down.
BUDGET_TOLERANCE = 1e-4

_COLUMNS = ("faster_rcnn", "detr", "rekognition")
_PUBLISHED = (
    ("1x1", 0.706, 0.753, 0.782),
    ("1x2", 0.678, 0.687, 0.754),
    ("2x1", 0.677, 0.692, 0.756),
    ("1x3", 0.626, 0.613, 0.698),
    ("3x1", 0.627, 0.610, 0.701),
    ("1x4", 0.555, 0.540, 0.639),
    ("4x1", 0.558, 0.532, 0.643),
    ("1x5", 0.486, 0.464, 0.568),
    ("5x1", 0.488, 0.445, 0.578),
    ("2x2", 0.642, 0.645, 0.715),
    ("2x3", 0.607, 0.593, 0.690),
    ("3x2", 0.603, 0.584, 0.689),
    ("2x4", 0.547, 0.526, 0.632),
    ("4x2", 0.546, 0.522, 0.629),
    ("2x5", 0.475, 0.457, 0.562),
    ("5x2", 0.475, 0.450, 0.563),
    ("3x3", 0.530, 0.528, 0.623),
    ("3x4", 0.504, 0.489, 0.590),
    ("4x3", 0.501, 0.480, 0.587),
    ("3x5", 0.466, 0.437, 0.558),
    ("5x3", 0.463, 0.432, 0.558),
    ("4x4", 0.433, 0.427, 0.520),
    ("4x5", 0.400, 0.388, 0.492),
    ("5x4", 0.398, 0.385, 0.491),
    ("5x5", 0.334, 0.334, 0.423),
)


def table(name: str) -> Mapping[Layout, float]:
    """mAP@0.5 by layout for "rekognition", "detr" or "faster_rcnn". Raises ValueError for any other name."""
    if name not in _COLUMNS:
        raise ValueError(f"no accuracy table {name!r}; there are {', '.join(sorted(_COLUMNS))}")
    column = _COLUMNS.index(name)
    return {Layout.parse(layout): figures[column] for layout, *figures in _PUBLISHED}


def drops(accuracies: Mapping[Layout, float]) -> Mapping[Layout, float]:
    """How much each layout loses against the image sent alone; below zero where it gains. The table must have 1x1."""
    if ALONE not in accuracies:
        raise ValueError("an accuracy table needs 1x1: drops are measured against it")
    return {layout: accuracies[ALONE] - accuracy for layout, accuracy in accuracies.items()}


def allowed_layouts(
    layout_drops: Mapping[Layout, float], max_map_drop: float, *, override: Sequence[Layout] = ()
) -> tuple[Layout, ...]:
    """The layouts whose drop is within the budget, fewest cells first, then the smaller drop; 1x1 alone if there is none.

    A larger budget never allows less. An `override` is taken as it is, in the same order, whatever the budget says.
    """
    chosen = set(override) or {layout for layout, drop in layout_drops.items() if drop <= max_map_drop + BUDGET_TOLERANCE}

    def order(layout: Layout) -> tuple[int, float, Layout]:
        return layout.cells, layout_drops.get(layout, math.inf), layout

    return tuple(sorted(chosen, key=order)) or (ALONE,)
