"""From a box as it was annotated to a box as detections have it: in ratios of the upright image.

Annotations count pixels of the image as it is stored; most tools that made data sets never looked at EXIF. Where an annotation
gives the image's size, and that is the size of the turned image and not of the stored one, the annotator saw it turned, and the
box stays as it is. Called by `loading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.calibration.dataset import Skip, Unusable
from app.core.geometry import PixelBox, Size, UnitBox
from app.core.model import Picture

# Annotations are rounded this way or that: so far over the edge is no mistake, and is clipped without a word.
ROUNDING_PX = 1.0

# EXIF orientation -> where a point of the stored image comes to lie in the upright one.
_TURNED: Mapping[int, Callable[[float, float], tuple[float, float]]] = MappingProxyType(
    {
        1: lambda x, y: (x, y),
        2: lambda x, y: (1 - x, y),
        3: lambda x, y: (1 - x, 1 - y),
        4: lambda x, y: (x, 1 - y),
        5: lambda x, y: (y, x),
        6: lambda x, y: (1 - y, x),
        7: lambda x, y: (1 - y, 1 - x),
        8: lambda x, y: (y, 1 - x),
    }
)


def annotated_frame(picture: Picture, declared: Size | None) -> Size:
    """The size whose pixels the annotation counts. Raises Unusable where it is of an image of another size."""
    if declared in {None, picture.stored}:
        return picture.stored
    if declared == picture.upright:
        return picture.upright
    raise Unusable(Skip.OTHER_SIZE, f"{declared} instead of {picture.stored}")


def clipped(box: PixelBox, frame: Size) -> tuple[PixelBox, bool]:
    """What of the box lies in the image, and whether worth mentioning was cut off. Raises Unusable where nothing is left."""
    inside = box.intersection(PixelBox(0, 0, frame.width_px, frame.height_px))
    if inside is None or inside.area_px <= 0:
        raise Unusable(Skip.BOX_OUTSIDE)
    was_cut = any(abs(before - after) > ROUNDING_PX for before, after in zip(box, inside, strict=True))
    return inside, was_cut


def upright_box(box: PixelBox, frame: Size, picture: Picture) -> UnitBox:
    """The box in ratios of the upright image."""
    unit = box.to_unit(frame)
    is_turned = frame != picture.stored
    turn = _TURNED[1 if is_turned else picture.orientation]
    xs, ys = zip(turn(unit.left, unit.top), turn(unit.right, unit.bottom), strict=True)
    return UnitBox(min(xs), min(ys), max(xs), max(ys))
