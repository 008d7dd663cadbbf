"""Ratios -> whole pixels of the client's own image, in Azure's member names.

The way back lives in the provider and shares no code with this, so that a mistake cannot sit at both ends of a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.geometry import Size, UnitBox, UnitPoint
from app.core.model import Tree


@dataclass(frozen=True, slots=True)
class PixelRect:
    """A box on whole pixels, inside its image and at least one pixel wide and high: nothing vanishes by rounding."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @classmethod
    def of(cls, box: UnitBox, size: Size) -> PixelRect:
        left_px, width_px = _span(box.left, box.right, size.width_px)
        top_px, height_px = _span(box.top, box.bottom, size.height_px)
        return cls(left_px, top_px, width_px, height_px)

    def xywh(self) -> dict[str, int]:
        """`boundingBox` of 4.0, `rectangle` of 3.2."""
        return {"x": self.left_px, "y": self.top_px, "w": self.width_px, "h": self.height_px}

    def ltwh(self) -> dict[str, int]:
        """`faceRectangle` of 3.2, which has words of its own."""
        return {"left": self.left_px, "top": self.top_px, "width": self.width_px, "height": self.height_px}


def point(at: UnitPoint, size: Size) -> dict[str, int]:
    """A corner of a polygon."""
    return {"x": _within(at.x, size.width_px), "y": _within(at.y, size.height_px)}


def to_wire(tree: Tree, size: Size) -> Any:
    """The tree with every typed leaf written out; everything else as it is."""
    match tree:
        case UnitBox():
            return PixelRect.of(tree, size).xywh()
        case UnitPoint():
            return point(tree, size)
        case dict():
            return {name: to_wire(value, size) for name, value in tree.items()}
        case list():
            return [to_wire(item, size) for item in tree]
        case _:
            return tree


def _span(low: float, high: float, size_px: int) -> tuple[int, int]:
    """First pixel and length of one side."""
    start_px = min(_within(low, size_px), size_px - 1)
    return start_px, max(1, _within(high, size_px) - start_px)


def _within(ratio: float, size_px: int) -> int:
    """The nearest whole pixel that is not outside the image."""
    return round(min(1.0, max(0.0, ratio)) * size_px)
