"""What one image shows, as the operations see it, and the vendor's ways of writing geometry.

In: pixels and sightings. Out: markers, faces, persons, objects, and JSON boxes. Called by every operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.detectors.markers import CORNER_NAMES, marker_id_of
from app.emulators.rekognition.parameters import Json

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing in the image: what was seen of it, and its marker id if it is one."""

    sighting: Sighting
    marker_id: int | None = None

    @property
    def percent(self) -> float:
        """The vendor's confidence."""
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

    def box(self, thing: Seen) -> Json:
        """The vendor's BoundingBox."""
        left, top, right, bottom = thing.sighting.box_xyxy_px
        return self.box_of((left, top), (right, bottom))

    def box_of(self, first: Point, second: Point) -> Json:
        """The BoundingBox around two corners."""
        (left, right), (top, bottom) = sorted((first[0], second[0])), sorted((first[1], second[1]))
        height_px, width_px = self.rgb.shape[:2]
        return {
            "Width": (right - left) / width_px,
            "Height": (bottom - top) / height_px,
            "Left": left / width_px,
            "Top": top / height_px,
        }

    def point(self, place: Point) -> Json:
        """The vendor's Point."""
        return {"X": place[0] / self.rgb.shape[1], "Y": place[1] / self.rgb.shape[0]}

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
    """At most `most`, the largest first: how the vendor cuts off. Equal sizes keep their order."""
    return sorted(things, key=lambda thing: -thing.area_px)[:most]
