"""Answers of Cloud Vision by feature, as proto3 JSON of an AnnotateImageResponse to an image of 200 x 100 px."""

from __future__ import annotations

from typing import Any

from app.core.geometry import Size
from app.core.model import Feature
from tests.support.images import encoded, painted

WIDTH_PX, HEIGHT_PX = 200, 100
SIZE = Size(WIDTH_PX, HEIGHT_PX)
IMAGE = encoded(painted(SIZE, (0, 0, 100, 50)), "jpeg")


def pixels(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    """A polygon of whole pixels; zeros are left out, as the vendor leaves them out."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {"vertices": [{name: side for name, side in (("x", x), ("y", y)) if side} for x, y in corners]}


OBJECT: dict[str, Any] = {
    "mid": "/m/0k4j",
    "name": "Car",
    "score": 0.75,
    "boundingPoly": {"normalizedVertices": [{}, {"x": 0.5}, {"x": 0.5, "y": 0.25}, {"y": 0.25}]},
}
FACE: dict[str, Any] = {
    "boundingPoly": pixels(0, 0, 100, 50),
    "fdBoundingPoly": pixels(20, 10, 80, 40),
    "landmarks": [{"type": "LEFT_EYE", "position": {"x": 50, "y": 25, "z": -20}}, {"type": "NOSE_TIP", "position": {}}],
    "rollAngle": 4.5,
    "detectionConfidence": 0.5,
    "joyLikelihood": "VERY_LIKELY",
}
LANDMARK: dict[str, Any] = {
    "mid": "/m/02j81",
    "description": "Eiffel Tower",
    "score": 0.875,
    "boundingPoly": pixels(40, 20, 60, 90),
    "locations": [{"latLng": {"latitude": 48.858, "longitude": 2.294}}],
}
LOGO: dict[str, Any] = {"mid": "/m/045c7b", "description": "Acme", "score": 0.25, "boundingPoly": pixels(0, 0, 10, 10)}

LABEL: dict[str, Any] = {"mid": "/m/01c8br", "description": "Street", "score": 0.875, "topicality": 0.5}
SAFE_SEARCH: dict[str, Any] = {"adult": "VERY_LIKELY", "spoof": "UNLIKELY", "medical": "POSSIBLE", "racy": "LIKELY"}


def word(said: str, left: int, end: str = "", **members: Any) -> dict[str, Any]:
    """A word of ten pixels a letter, with a break behind it."""
    symbols: list[dict[str, Any]] = [
        {"text": letter, "boundingBox": pixels(left + 10 * at, 0, left + 10 * at + 10, 10)} for at, letter in enumerate(said)
    ]
    if end:
        symbols[-1]["property"] = {"detectedBreak": {"type": end}}
    return {"boundingBox": pixels(left, 0, left + 10 * len(said), 10), "symbols": symbols, **members}


def text(*blocks: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """A page of blocks of paragraphs of words."""
    page = {
        "width": WIDTH_PX,
        "height": HEIGHT_PX,
        "blocks": [{"blockType": "TEXT", "paragraphs": [{"words": words} for words in block]} for block in blocks],
    }
    return {"textAnnotations": [{"locale": "en", "description": "all"}], "fullTextAnnotation": {"pages": [page], "text": "all"}}


FULL: dict[Feature, dict[str, Any]] = {
    Feature.OBJECTS: {"localizedObjectAnnotations": [OBJECT]},
    Feature.FACES: {"faceAnnotations": [FACE]},
    Feature.LANDMARKS: {"landmarkAnnotations": [LANDMARK]},
    Feature.LOGOS: {"logoAnnotations": [LOGO]},
    Feature.TEXT: text([[word("Stop", 0, "SPACE"), word("here", 60, "LINE_BREAK")]]),
    Feature.LABELS: {"labelAnnotations": [LABEL]},
    Feature.MODERATION: {"safeSearchAnnotation": SAFE_SEARCH},
}
