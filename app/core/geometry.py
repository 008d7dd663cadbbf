"""Sizes, points and boxes. Ratios ("unit") and pixels are different types, so that one cannot be taken for the other.

Unit coordinates are ratios of an image's width and height, origin at the top left, x to the right, y downwards. They may
lie outside 0..1: vendors answer so for things cut by the image's edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, both at least 1."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"a size is at least 1x1 px, not {self.width_px}x{self.height_px}")

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px

    @property
    def longest_px(self) -> int:
        return max(self.width_px, self.height_px)

    @property
    def shortest_px(self) -> int:
        return min(self.width_px, self.height_px)

    def transposed(self) -> Size:
        return Size(self.height_px, self.width_px)

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"


@dataclass(frozen=True, slots=True)
class UnitPoint:
    """A point in ratios of an image."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class UnitLength:
    """A length, or a depth, in ratios of an image's width; it may be negative."""

    x: float


@dataclass(frozen=True, slots=True)
class UnitBox:
    """A box in ratios of an image, corners in xyxy order; `right >= left` and `bottom >= top`."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.right >= self.left and self.bottom >= self.top):  # also false for NaN
            raise ValueError(f"box corners out of order: {self.left}, {self.top}, {self.right}, {self.bottom}")

    @classmethod
    def from_ltwh(cls, left: float, top: float, width: float, height: float) -> UnitBox:
        return cls(left, top, left + width, top + height)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> UnitPoint:
        return UnitPoint((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def to_pixels(self, size: Size) -> PixelBox:
        width, height = size.width_px, size.height_px
        return PixelBox(self.left * width, self.top * height, self.right * width, self.bottom * height)


def hull(boxes: Iterable[UnitBox]) -> UnitBox:
    """The smallest box around boxes, of which there is at least one."""
    known = list(boxes)
    return UnitBox(
        min(box.left for box in known),
        min(box.top for box in known),
        max(box.right for box in known),
        max(box.bottom for box in known),
    )


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A box in pixels of an image or a sheet, corners in xyxy order, not rounded."""

    left_px: float
    top_px: float
    right_px: float
    bottom_px: float

    @property
    def area_px(self) -> float:
        return max(0.0, self.right_px - self.left_px) * max(0.0, self.bottom_px - self.top_px)

    def intersection(self, other: PixelBox) -> PixelBox | None:
        """The common part, or None where they do not even touch. A zero-area box inside the other is returned as it is."""
        left, top = max(self.left_px, other.left_px), max(self.top_px, other.top_px)
        right, bottom = min(self.right_px, other.right_px), min(self.bottom_px, other.bottom_px)
        if right < left or bottom < top:
            return None
        return PixelBox(left, top, right, bottom)

    def to_unit(self, size: Size) -> UnitBox:
        width, height = size.width_px, size.height_px
        return UnitBox(self.left_px / width, self.top_px / height, self.right_px / width, self.bottom_px / height)

    def __iter__(self) -> Iterator[float]:
        return iter((self.left_px, self.top_px, self.right_px, self.bottom_px))
