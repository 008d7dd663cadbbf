"""DetectText: each marker is a line of one word, its number. Nothing else is read: these eyes know no letters."""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.rekognition.geometry import bounding_box, point
from app.emulators.rekognition.parameters import Json, percent, section
from app.emulators.scene import Scene, Seen, largest_first

MOST_WORDS = 100
DEFAULT_MIN_CONFIDENCE = 80.0
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class TextRequest:
    """The least confidence of a word."""

    min_confidence: float


def read(body: Json) -> TextRequest:
    words = section(section(body, "Filters"), "WordFilter")
    return TextRequest(percent(words, "MinConfidence", DEFAULT_MIN_CONFIDENCE))


def answer(scenes: tuple[Scene, ...], request: TextRequest) -> Json:
    """Lines first, then their words, as the vendor does; a word's ParentId is its line's Id."""
    (scene,) = scenes
    seen = [marker for marker in largest_first(scene.markers, MOST_WORDS) if marker.percent >= request.min_confidence]
    lines = [_item(scene, marker, {"Type": "LINE", "Id": number}) for number, marker in enumerate(seen)]
    words = [
        _item(scene, marker, {"Type": "WORD", "Id": len(seen) + number, "ParentId": number})
        for number, marker in enumerate(seen)
    ]
    return {"TextDetections": lines + words, "TextModelVersion": "3.0"}


def _item(scene: Scene, marker: Seen, identity: Json) -> Json:
    polygon = [point(scene, marker.place(x, y)) for x, y in CORNERS]
    return {
        "DetectedText": f"{marker.marker_id:04d}",
        **identity,
        "Confidence": marker.percent,
        "Geometry": {"BoundingBox": bounding_box(scene, marker), "Polygon": polygon},
    }
