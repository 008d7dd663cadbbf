"""Made-up answers of Image Analysis 4.0 and 3.2, in the shapes of Microsoft's pages, and one that nobody has documented yet.

The image is 800 x 400 px. Each `FULL` answer has two findings (that of moderation its three), fields that no page knows
(`novelty`), and everything that geometry can be; the boxes are those of `rekognition_answers` in pixels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.core.model import Feature
from tests.support.upstream import Answer

WIDTH_PX, HEIGHT_PX = 800, 400
CAR_PX = {"x": 400, "y": 100, "w": 200, "h": 200}
EDGE_PX = {"x": -100, "y": 300, "w": 400, "h": 200}
CORNERS_PX = [{"x": 400, "y": 100}, {"x": 600, "y": 100}, {"x": 600, "y": 300}, {"x": 400, "y": 300}]
TURNED_PX = [{"x": 0, "y": 200}, {"x": 200, "y": 100}, {"x": 400, "y": 200}, {"x": 200, "y": 400}]

HEAD: dict[str, Any] = {"modelVersion": "2023-10-01", "metadata": {"width": WIDTH_PX, "height": HEIGHT_PX}}
OBJECTS: dict[str, Any] = {
    **HEAD,
    "objectsResult": {
        "values": [
            {
                "boundingBox": CAR_PX,
                "tags": [{"name": "vehicle", "confidence": 0.5}, {"name": "car", "confidence": 0.98, "novelty": {"deep": [1]}}],
                "id": "1",
                "novelty": [{"boundingBox": EDGE_PX}, None, True],
            },
            {"boundingBox": EDGE_PX, "tags": [{"name": "chair", "confidence": 0.555}]},
        ]
    },
    "tagsResult": {"values": [{"name": "outdoor", "confidence": 0.9}]},
}
PEOPLE: dict[str, Any] = {
    **HEAD,
    "peopleResult": {
        "values": [
            {"boundingBox": CAR_PX, "confidence": 0.94, "novelty": "kept"},
            {"boundingBox": EDGE_PX, "confidence": 0.001},
        ]
    },
}
READ: dict[str, Any] = {
    **HEAD,
    "readResult": {
        "blocks": [
            {
                "lines": [
                    {
                        "text": "ONE WAY",
                        "boundingPolygon": CORNERS_PX,
                        "words": [{"text": "ONE", "boundingPolygon": CORNERS_PX, "confidence": 0.99, "novelty": 1}],
                    },
                    {
                        "text": "STOP",
                        "boundingPolygon": TURNED_PX,
                        "words": [{"text": "STOP", "boundingPolygon": TURNED_PX, "confidence": 0.7}],
                    },
                ]
            }
        ]
    },
}
HEAD_32: dict[str, Any] = {"requestId": "r-1", "modelVersion": "2021-05-01", "metadata": {**HEAD["metadata"], "format": "Jpeg"}}
FACES: dict[str, Any] = {
    **HEAD_32,
    "faces": [
        {"faceRectangle": {"left": 400, "top": 100, "width": 200, "height": 200}, "age": 25, "novelty": [1]},
        {"faceRectangle": {"left": -100, "top": 300, "width": 400, "height": 200}},
    ],
}
BRANDS: dict[str, Any] = {
    **HEAD_32,
    "brands": [
        {"name": "Contoso", "confidence": 0.9, "rectangle": CAR_PX},
        {"name": "Fabrikam", "confidence": 0.6, "rectangle": EDGE_PX},
    ],
}
TAGS: dict[str, Any] = {
    **HEAD,
    "tagsResult": {"values": [{"name": "outdoor", "confidence": 0.9, "novelty": [1]}, {"name": "grass", "confidence": 0.4}]},
}
ADULT: dict[str, Any] = {
    **HEAD_32,
    "adult": {
        "isAdultContent": False,
        "isRacyContent": True,
        "isGoryContent": False,
        "adultScore": 0.25,
        "racyScore": 0.75,
        "goreScore": 0.0,
        "novelty": {"deep": [1]},
    },
}
FULL: dict[Feature, dict[str, Any]] = {
    Feature.OBJECTS: OBJECTS,
    Feature.PEOPLE: PEOPLE,
    Feature.TEXT: READ,
    Feature.FACES: FACES,
    Feature.LOGOS: BRANDS,
    Feature.LABELS: TAGS,
    Feature.MODERATION: ADULT,
}


def azure_error(
    status: int, code: str, message: str = "m", *, inner: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """An error in Azure's shape."""
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner, "message": message}
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps({"error": error}).encode())
