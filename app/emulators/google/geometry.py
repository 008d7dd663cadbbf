"""How Google writes geometry: polygons of whole pixels of the image as sent, or of ratios; clockwise from the top left.

In: places in pixels. Out: JSON. Zeros are left out later, when the tree passes through the message types.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.emulators.google.errors import Json
from app.emulators.scene import Point, Scene

Box = tuple[float, float, float, float]


def corners_of(box_xyxy_px: Box) -> list[Point]:
    left, top, right, bottom = box_xyxy_px
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def around(boxes: Iterable[Box]) -> Box:
    """The box around boxes, of which there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def polygon(corners: Iterable[Point]) -> Json:
    """A BoundingPoly in pixels."""
    return {"vertices": [{"x": round(x), "y": round(y)} for x, y in corners]}


def polygon_of(box_xyxy_px: Box) -> Json:
    return polygon(corners_of(box_xyxy_px))


def normalized_polygon(scene: Scene, box_xyxy_px: Box) -> Json:
    """A BoundingPoly in ratios of the image."""
    height_px, width_px = scene.rgb.shape[:2]
    return {"normalizedVertices": [{"x": x / width_px, "y": y / height_px} for x, y in corners_of(box_xyxy_px)]}
