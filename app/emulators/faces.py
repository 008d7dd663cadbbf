"""Which things count as faces, and what is known of each: the same for every vendor.

Markers count as faces (exact tests need faces whose places are known), and so does what the eyes report as faces.
"""

from __future__ import annotations

import math

from app.detectors.markers import CORNER_NAMES
from app.emulators.pixels import brightness
from app.emulators.scene import Scene, Seen, largest_first


def faces_in(scene: Scene, most: int) -> list[Seen]:
    """The largest faces."""
    return largest_first(scene.markers + scene.of_kinds("face"), most)


def roll_degrees(face: Seen) -> float:
    """How far a marker is turned, clockwise; 0 for faces."""
    if face.marker_id is None:
        return 0.0
    (left_x, left_y), (right_x, right_y) = (face.sighting.points[name] for name in CORNER_NAMES[:2])
    return math.degrees(math.atan2(right_y - left_y, right_x - left_x))


def face_seed(scene: Scene, face: Seen) -> int:
    """A number for what is made up of a face: the marker's id, or the face's brightness."""
    return int(brightness(scene.crop(face)) * 10) if face.marker_id is None else face.marker_id
