"""Typed trees -> the vendor's JSON: polygons as vertices in whole pixels or as ratios, positions in pixels.

The convention of `Detection.fields` (the provider writes it, the dialect reads it): a BoundingPoly is {"$polygon":
[UnitPoint]}, a Position is {"$point": UnitPoint, "$depth": UnitLength}.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Tree

POLYGON_KEY, POINT_KEY, DEPTH_KEY = "$polygon", "$point", "$depth"


class Scale:
    """Writes trees for one image. `size` is the upright client's image; `as_ratios`: polygons stay ratios (objects)."""

    def __init__(self, size: Size, *, as_ratios: bool = False) -> None:
        self._size = size
        self._as_ratios = as_ratios

    def tree(self, node: Tree) -> Any:
        """The tree with every typed leaf written out; everything else as it is."""
        match node:
            case UnitBox():
                return self.poly(corners(node))
            case UnitPoint():
                return self._position(node, None)
            case UnitLength():
                return node.x * self._size.width_px
            case list():
                return [self.tree(item) for item in node]
            case dict():
                return self._members(node)
        return node

    def poly(self, points: Iterable[UnitPoint]) -> dict[str, Any]:
        """A BoundingPoly inside the image."""
        if self._as_ratios:
            return {"normalizedVertices": [{"x": _inside(point.x), "y": _inside(point.y)} for point in points]}
        width, height = self._size.width_px, self._size.height_px
        vertices = [{"x": round(_inside(point.x) * width), "y": round(_inside(point.y) * height)} for point in points]
        return {"vertices": vertices}

    def _members(self, node: dict[str, Tree]) -> dict[str, Any]:
        polygon, point = node.get(POLYGON_KEY), node.get(POINT_KEY)
        if isinstance(polygon, list):
            return self.poly(points_of(polygon))
        if isinstance(point, UnitPoint):
            depth = node.get(DEPTH_KEY)
            return self._position(point, depth if isinstance(depth, UnitLength) else None)
        return {name: self.tree(value) for name, value in node.items()}

    def _position(self, point: UnitPoint, depth: UnitLength | None) -> dict[str, float]:
        place = {"x": point.x * self._size.width_px, "y": point.y * self._size.height_px}
        return place if depth is None else {**place, "z": depth.x * self._size.width_px}


def corners(box: UnitBox) -> list[UnitPoint]:
    """From the top left, clockwise."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    return [UnitPoint(left, top), UnitPoint(right, top), UnitPoint(right, bottom), UnitPoint(left, bottom)]


def points_of(polygon: Iterable[Tree]) -> list[UnitPoint]:
    return [point for point in polygon if isinstance(point, UnitPoint)]


def _inside(ratio: float) -> float:
    return min(1.0, max(0.0, ratio))
