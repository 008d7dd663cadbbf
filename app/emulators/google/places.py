"""LOGO_DETECTION and LANDMARK_DETECTION: some markers stand for logos, some for landmarks (`app.emulators.meanings`)."""

from __future__ import annotations

from collections.abc import Callable

from app.emulators.google.asked import Wishes
from app.emulators.google.catalogue import mid_of
from app.emulators.google.errors import Json
from app.emulators.google.geometry import polygon_of
from app.emulators.meanings import is_landmark, is_logo
from app.emulators.scene import Scene, Seen


def logos(scene: Scene, most: int, _: Wishes) -> Json:
    found = _standing_for(is_logo, scene, most)
    return {"logoAnnotations": [_entity(f"Logo-{marker_id:04d}", marker) for marker_id, marker in found]}


def landmarks(scene: Scene, most: int, _: Wishes) -> Json:
    found = _standing_for(is_landmark, scene, most)
    return {
        "landmarkAnnotations": [
            _entity(f"Landmark-{marker_id:04d}", marker) | {"locations": [_location(marker_id)]} for marker_id, marker in found
        ]
    }


def _standing_for(meaning: Callable[[int], bool], scene: Scene, most: int) -> list[tuple[int, Seen]]:
    """The surest first."""
    markers = sorted(scene.markers, key=lambda marker: -marker.sighting.score_unit)
    return [(m.marker_id, m) for m in markers if m.marker_id is not None and meaning(m.marker_id)][:most]


def _entity(description: str, marker: Seen) -> Json:
    return {
        "mid": mid_of(description),
        "description": description,
        "score": marker.sighting.score_unit,
        "boundingPoly": polygon_of(marker.sighting.box_xyxy_px),
    }


def _location(marker_id: int) -> Json:
    """A place of its own for each id."""
    return {"latLng": {"latitude": marker_id % 180 - 89.5, "longitude": marker_id % 360 - 179.75}}
