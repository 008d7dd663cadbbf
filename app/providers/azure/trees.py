"""From plain JSON in pixels to a `Tree` with typed geometry in ratios. Pure; called by `findings`.

The convention, shared with the Azure dialect, which turns it back into Azure's shapes, in pixels of the client's own image:

    {"x", "y", "w", "h"}                 -> UnitBox      bounding boxes
    {"left", "top", "width", "height"}   -> UnitBox      faces of 3.2
    {"x", "y"}                           -> UnitPoint    corners of a polygon

Every other field stays as it is, known or not. What cannot be what it claims to be raises `Broken`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Tree
from app.providers.answers import MAX_DEPTH, Broken, checked, coordinate, number

_BOX_KEYS = (("x", "y", "w", "h"), ("left", "top", "width", "height"))
_POINT_KEYS = frozenset({"x", "y"})
_FEWEST_CORNERS = 3
_CERTAIN_UNIT = 1.0  # a finding without a confidence: the vendor named it and voiced no doubt


@dataclass(frozen=True, slots=True)
class Frame:
    """The image that was sent, as the vendor saw it: its pixels are what all coordinates count in."""

    width_px: float
    height_px: float

    @classmethod
    def of(cls, metadata: Any) -> Frame:
        """The answer's `metadata`. Raises Broken when it gives no size."""
        node = checked(metadata)
        width_px, height_px = number(node.get("width")), number(node.get("height"))
        if not (width_px >= 1 and height_px >= 1):
            raise Broken("an image without a size")
        return cls(width_px, height_px)

    def fields(self, node: Any) -> dict[str, Tree]:
        """The members of one finding as trees."""
        return {key: self.typed(child, 1) for key, child in checked(node).items()}

    def typed(self, node: Any, depth: int = 0) -> Tree:
        """The tree of any JSON value."""
        if depth > MAX_DEPTH:
            raise Broken("nested too deeply")
        if isinstance(node, dict):
            if _box_keys(node) is not None:
                return self.box(node)
            if node.keys() == _POINT_KEYS:
                return self.point(node)
            return {key: self.typed(child, depth + 1) for key, child in node.items()}
        if isinstance(node, list):
            return [self.typed(child, depth + 1) for child in node]
        plain: bool | int | float | str | None = node
        return plain

    def box(self, node: Any) -> UnitBox:
        """A box in either of its two spellings."""
        sides = checked(node)
        names = _box_keys(sides)
        if names is None:
            raise Broken("not a box")
        left, top = self._x(sides, names[0]), self._y(sides, names[1])
        width, height = self._x(sides, names[2]), self._y(sides, names[3])
        if width < 0 or height < 0:
            raise Broken("a box with a negative side")
        return UnitBox.from_ltwh(left, top, width, height)

    def point(self, node: Mapping[str, Any]) -> UnitPoint:
        return UnitPoint(self._x(node, "x"), self._y(node, "y"))

    def _x(self, node: Mapping[str, Any], key: str) -> float:
        return coordinate(number(node.get(key)) / self.width_px)

    def _y(self, node: Mapping[str, Any], key: str) -> float:
        return coordinate(number(node.get(key)) / self.height_px)


def score_of(node: Mapping[str, Any], member: str = "confidence", otherwise: float | None = _CERTAIN_UNIT) -> float:
    """A confidence, 0..1; one that is missing is Broken where `otherwise` is None."""
    value = node.get(member)
    if value is None and otherwise is not None:
        return otherwise
    return min(1.0, max(0.0, number(value)))


def _box_keys(node: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
    return next((names for names in _BOX_KEYS if node.keys() >= set(names)), None)


def hull(polygon: Tree) -> UnitBox:
    """The smallest box around a typed `boundingPolygon`. Raises Broken for what is no polygon."""
    corners = [corner for corner in polygon if isinstance(corner, UnitPoint)] if isinstance(polygon, list) else []
    if not isinstance(polygon, list) or len(corners) != len(polygon) or len(corners) < _FEWEST_CORNERS:
        raise Broken("not a polygon")
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    return UnitBox(min(xs), min(ys), max(xs), max(ys))
