"""What one image shows, as every vendor's operations see it.

In: pixels and sightings. Out: markers, faces, persons, objects. How geometry is written is each vendor's own affair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.detectors.markers import CORNER_NAMES, marker_id_of

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing in the image: what was seen of it, and its marker id if it is one."""

    sighting: Sighting
    marker_id: int | None = None

    @property
    def percent(self) -> float:
        """The score as vendors that count to 100 give it."""
        return 100.0 * self.sighting.score_unit

    @property
    def area_px(self) -> float:
        left, top, right, bottom = self.sighting.box_xyxy_px
        return (right - left) * (bottom - top)

    def place(self, x: float, y: float) -> Point:
        """A place in it, given as shares of its width and height. In a marker that is turned, the place turns with it."""
        if self.marker_id is None:
            left, top, right, bottom = self.sighting.box_xyxy_px
            return (left + x * (right - left), top + y * (bottom - top))
        corners = [self.sighting.points[name] for name in CORNER_NAMES]
        weights = ((1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y)
        across, down = (sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))
        return (across, down)


@dataclass(frozen=True, slots=True)
class Scene:
    """An upright image and everything seen in it."""

    rgb: NDArray[np.uint8]
    seen: tuple[Seen, ...]

    @property
    def markers(self) -> list[Seen]:
        return [thing for thing in self.seen if thing.marker_id is not None]

    def of_kinds(self, *kinds: str) -> list[Seen]:
        """Things of these kinds that are no markers, in the order they were seen."""
        return [thing for thing in self.seen if thing.marker_id is None and thing.sighting.kind in kinds]

    def crop(self, thing: Seen) -> NDArray[np.uint8]:
        """Its pixels; at least one, also where its box lies outside the image."""
        height_px, width_px = self.rgb.shape[:2]
        left, top, right, bottom = thing.sighting.box_xyxy_px
        first_column, first_row = min(max(int(left), 0), width_px - 1), min(max(int(top), 0), height_px - 1)
        last_column, last_row = max(first_column + 1, int(right)), max(first_row + 1, int(bottom))
        return self.rgb[first_row:last_row, first_column:last_column]


def scene_of(rgb: NDArray[np.uint8], sightings: list[Sighting]) -> Scene:
    return Scene(rgb, tuple(Seen(sighting, marker_id_of(sighting.label)) for sighting in sightings))


def largest_first(things: list[Seen], most: int) -> list[Seen]:
    """At most `most`, the largest first: how vendors cut off. Equal sizes keep their order."""
    return sorted(things, key=lambda thing: -thing.area_px)[:most]
