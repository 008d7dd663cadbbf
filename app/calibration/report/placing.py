"""Where labels go in a crowded drawing: each beside its point, on no other label and on no point. Pure; called by `scatter`.

Greedy: the places around a point are tried from near to far, and the first one that covers nothing is taken; where all cover
something, the one that covers least.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.core.geometry import PixelBox

_DISTANCES_PX = (9.0, 18.0, 30.0, 46.0, 66.0, 90.0)
# Right of the point first, as one reads; then around it.
_ANGLES = (0, 45, -45, 90, -90, 180, 135, -135, 22, -22, 67, -67, 158, -158, 113, -113)
# Covering the frame's edge is worse than covering anything inside.
_OUTSIDE_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point that wants a label of this size, in pixels."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float


def placed(anchors: Sequence[Anchor], obstacles: Sequence[PixelBox], frame: PixelBox) -> list[PixelBox]:
    """A box for each label, in the order of the anchors. `obstacles` are not to be covered, `frame` not to be left."""
    taken = list(obstacles)
    boxes = []
    for anchor in anchors:
        box = min(_places(anchor), key=lambda place: _cost(place, taken, frame))
        boxes.append(box)
        taken.append(box)
    return boxes


def _places(anchor: Anchor) -> Iterator[PixelBox]:
    for distance in _DISTANCES_PX:
        for angle in _ANGLES:
            across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            centre_x = anchor.x_px + across * (distance + anchor.width_px / 2)
            centre_y = anchor.y_px + up * (distance + anchor.height_px / 2)
            half_width, half_height = anchor.width_px / 2, anchor.height_px / 2
            yield PixelBox(centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height)


def _cost(place: PixelBox, taken: Sequence[PixelBox], frame: PixelBox) -> float:
    """Square pixels that it covers. `min` takes the first of equals, which is the nearest."""
    covered = sum(common.area_px for box in taken if (common := place.intersection(box)))
    inside = place.intersection(frame)
    outside = place.area_px - (inside.area_px if inside else 0.0)
    return covered + _OUTSIDE_WEIGHT * outside


def nearest_px(anchor: Anchor, box: PixelBox) -> tuple[float, float]:
    """The place of the box that is nearest to the point."""
    x = min(max(anchor.x_px, box.left_px), box.right_px)
    y = min(max(anchor.y_px, box.top_px), box.bottom_px)
    return x, y


def distance_px(anchor: Anchor, box: PixelBox) -> float:
    """From the point to the label."""
    x, y = nearest_px(anchor, box)
    return math.hypot(x - anchor.x_px, y - anchor.y_px)
