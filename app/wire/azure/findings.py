"""Findings -> the lists of an answer: objects and people of 4.0, objects, faces and brands of 3.2.

A finding of Azure itself carries its own item with typed geometry (`Detection.fields`): `object` and `person` of 4.0, `face`
and `brand` of 3.2. A finding of anybody else has only the canonical detection, and gets the smallest item that Azure's SDKs
read. A finding without a place (a label of a whole scene) has none in these lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.core.geometry import Size, UnitBox
from app.core.model import Detection
from app.core.names import spoken
from app.wire.azure.geometry import PixelRect, to_wire
from app.wire.azure.refusals import VENDOR

# Decimals of a confidence: Azure's own are 32-bit floats.
_CONFIDENCE_DECIMALS = 6


def write_objects(detections: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`objectsResult` of 4.0."""
    return {"values": [own_item(found, "object", size) or _object(found, box, size) for found, box in placed(detections)]}


def write_people(detections: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`peopleResult` of 4.0. However unsure: the vendor has no threshold."""
    return {"values": [own_item(found, "person", size) or _person(found, box, size) for found, box in placed(detections)]}


def write_old_objects(detections: Sequence[Detection], size: Size) -> list[dict[str, Any]]:
    """`objects` of 3.2. Objects come from 4.0 or from another vendor, which know no parents of theirs."""
    return [
        {"rectangle": PixelRect.of(box, size).xywh(), "object": name_of(found), "confidence": confidence(found)}
        for found, box in placed(detections)
    ]


def write_faces(detections: Sequence[Detection], size: Size) -> list[dict[str, Any]]:
    """`faces` of 3.2, whose rectangles have words of their own."""
    return [
        {**(own_item(found, "face", size) or {}), "faceRectangle": PixelRect.of(box, size).ltwh()}
        for found, box in placed(detections)
    ]


def write_brands(detections: Sequence[Detection], size: Size) -> list[dict[str, Any]]:
    """`brands` of 3.2. Brands are names, and keep their capitals."""
    return [own_item(found, "brand", size) or _brand(found, box, size) for found, box in placed(detections)]


def placed(detections: Sequence[Detection]) -> Iterator[tuple[Detection, UnitBox]]:
    """Those that have a place, with it."""
    for found in detections:
        if found.box is not None:
            yield found, found.box


def own_item(detection: Detection, name: str, size: Size) -> dict[str, Any] | None:
    """Azure's own item under `name`, its geometry in pixels of this image; None for a finding of another vendor."""
    item = detection.fields.get(name) if detection.vendor == VENDOR else None
    return to_wire(item, size) if isinstance(item, dict) else None


def name_of(detection: Detection) -> str:
    """What it is in Azure's words, most of them in lower case; its own are handed on as they are."""
    return spoken(detection.label, detection.vendor, VENDOR)


def confidence(detection: Detection) -> float:
    return round(min(1.0, max(0.0, detection.score_unit)), _CONFIDENCE_DECIMALS)


def _object(detection: Detection, box: UnitBox, size: Size) -> dict[str, Any]:
    tag = {"name": name_of(detection), "confidence": confidence(detection)}
    return {"boundingBox": PixelRect.of(box, size).xywh(), "tags": [tag]}


def _person(detection: Detection, box: UnitBox, size: Size) -> dict[str, Any]:
    return {"boundingBox": PixelRect.of(box, size).xywh(), "confidence": confidence(detection)}


def _brand(detection: Detection, box: UnitBox, size: Size) -> dict[str, Any]:
    return {"name": detection.label, "confidence": confidence(detection), "rectangle": PixelRect.of(box, size).xywh()}
