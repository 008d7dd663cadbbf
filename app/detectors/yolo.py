"""Outputs of the YOLO families: one array, a row (YOLOv8: a column) per place of the grids.

    yolox    (1, places, 5 + classes)      undecoded: centre = (xy + cell) x stride, size = exp(wh) x stride
    yolov5   (1, 3 x places, 5 + classes)  centre and size in pixels of the input; score = objectness x class
    yolov8   (1, 4 + classes, places)      centre and size in pixels of the input; no objectness. YOLO11 is the same

Called by `outputs`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from app.detectors.resizing import Fitted, Floats

STRIDES_PX = (8, 16, 32)
"""Grids of the YOLO families, finest first."""
YOLOV5_ANCHORS = 3
"""Boxes per place in YOLOv5."""
BOX = 4
OBJECTNESS = 1


def places(size_wh: tuple[int, int]) -> int:
    """How many places the grids of an input of that size have."""
    return sum((size_wh[0] // stride) * (size_wh[1] // stride) for stride in STRIDES_PX)


def yolox(rows: Floats, fitted: Fitted) -> tuple[Floats, Floats]:
    cells, strides = _grid(fitted.size_wh)
    boxes = corners((rows[:, :2] + cells) * strides, np.exp(rows[:, 2:4]) * strides)
    return fitted.restore(boxes), rows[:, 4:5] * rows[:, 5:]


def yolov5(rows: Floats, fitted: Fitted) -> tuple[Floats, Floats]:
    return fitted.restore(corners(rows[:, :2], rows[:, 2:4])), rows[:, 4:5] * rows[:, 5:]


def yolov8(columns: Floats, fitted: Fitted) -> tuple[Floats, Floats]:
    rows = columns.T
    return fitted.restore(corners(rows[:, :2], rows[:, 2:4])), rows[:, 4:]


def corners(centres: Floats, sizes: Floats) -> Floats:
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


@lru_cache(maxsize=16)
def _grid(size_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Column and row of each place, and its stride, finest grid first."""
    cells, strides = [], []
    for stride in STRIDES_PX:
        columns, rows = np.meshgrid(np.arange(size_wh[0] // stride), np.arange(size_wh[1] // stride))
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((columns.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
