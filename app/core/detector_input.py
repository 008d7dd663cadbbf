"""How a detector fits an image into its input: what decides how large it sees each image of a sheet. Pure.

In: an image's size. Out: its scale in the detector's input. Declared by providers that know it (`Capabilities.input`); read by
whoever sizes sheets or measures what a layout costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.geometry import Size


class InputFit(StrEnum):
    """`stretch`: to the input's size, aspect not kept. `letterbox`: as large as fits inside, aspect kept. `shortest_side`: the
    shortest side to a fixed length, unless the longest would then be too long (Faster R-CNN, DETR).
    """

    STRETCH = "stretch"
    LETTERBOX = "letterbox"
    SHORTEST_SIDE = "shortest_side"


@dataclass(frozen=True, slots=True)
class DetectorInput:
    """`size`: of the input; for `shortest_side` of the largest one: longest side x shortest side."""

    fit: InputFit
    size: Size

    def scale_xy(self, image: Size) -> tuple[float, float]:
        """Pixels of the input per pixel of an image of that size, across and down."""
        across, down = self.size.width_px / image.width_px, self.size.height_px / image.height_px
        match self.fit:
            case InputFit.STRETCH:
                return across, down
            case InputFit.LETTERBOX:
                return min(across, down), min(across, down)
            case InputFit.SHORTEST_SIDE:
                scale = min(self.size.shortest_px / image.shortest_px, self.size.longest_px / image.longest_px)
                return scale, scale
