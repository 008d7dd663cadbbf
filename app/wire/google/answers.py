"""Findings -> the fields of one AnnotateImageResponse, as JSON.

The vendor's own items come back whole, with their geometry in the client's image; findings of another vendor become the
smallest item that is valid: what it is, how sure, and where. `maxResults` is applied here, to each image by itself. What is
said of a whole image (labels, unsafe content) needs no place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.core.geometry import Size
from app.core.model import Answer, Detection, Feature, Inquiry
from app.core.names import spoken
from app.wire.google.geometry import Scale, corners
from app.wire.google.labels import label_annotations
from app.wire.google.moderation import safe_search
from app.wire.google.refusals import VENDOR
from app.wire.google.text import text_fields

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """Fields of an answer, and how many of the findings are in them."""

    fields: Json
    kept: int


@dataclass(frozen=True, slots=True)
class _Listing:
    """How a feature's findings are listed: the answer's field, the key of the vendor's own item, and its smallest form."""

    field: str
    own_key: str
    smallest: Callable[[Detection, Scale], Json]
    as_ratios: bool = False
    best_first: bool = False


def fields_of(inquiry: Inquiry, answer: Answer, size: Size, behind: str = "") -> Written:
    """What was found for one inquiry. `size`: of the client's image, upright; `behind`: the vendor that was asked."""
    if inquiry.feature is Feature.MODERATION:
        return Written({"safeSearchAnnotation": safe_search(answer.detections, behind)}, len(answer.detections))
    if inquiry.feature is Feature.LABELS:
        return _labelled(answer.detections, inquiry.max_results)
    placed = [detection for detection in answer.detections if detection.box is not None or _own(detection)]
    if inquiry.feature is Feature.TEXT:
        words = [detection for detection in placed if detection.box is not None]
        return Written(text_fields(words, size), len(words))
    return _listed(_LISTINGS[inquiry.feature], placed, inquiry.max_results, size)


def _labelled(detections: Sequence[Detection], most: int | None) -> Written:
    """Labels that have become one word are not filtered: all of them are in it."""
    items = label_annotations(detections)
    kept = items[:most]
    return Written({"labelAnnotations": kept} if kept else {}, len(detections) - (len(items) - len(kept)))


def _listed(listing: _Listing, detections: Sequence[Detection], most: int | None, size: Size) -> Written:
    if listing.best_first:
        detections = sorted(detections, key=lambda detection: -detection.score_unit)
    kept, scale = detections[:most], Scale(size, as_ratios=listing.as_ratios)
    items = [_own_item(detection, listing, scale) or listing.smallest(detection, scale) for detection in kept]
    return Written({listing.field: items} if items else {}, len(items))


def _own(detection: Detection) -> bool:
    return detection.vendor == VENDOR and bool(detection.fields)


def _own_item(detection: Detection, listing: _Listing, scale: Scale) -> Json | None:
    """The vendor's own item; None for a finding of another vendor."""
    item = detection.fields.get(listing.own_key) if _own(detection) else None
    return scale.tree(item) if isinstance(item, dict) else None


def _object(detection: Detection, scale: Scale) -> Json:
    name = spoken(detection.label, detection.vendor, VENDOR)
    return {"name": name, "score": detection.score_unit, "boundingPoly": _place(detection, scale)}


def _face(detection: Detection, scale: Scale) -> Json:
    place = _place(detection, scale)
    return {"boundingPoly": place, "fdBoundingPoly": place, "detectionConfidence": detection.score_unit}


def _entity(detection: Detection, scale: Scale) -> Json:
    return {"description": detection.label, "score": detection.score_unit, "boundingPoly": _place(detection, scale)}


def _place(detection: Detection, scale: Scale) -> Json:
    return {} if detection.box is None else scale.poly(corners(detection.box))


_LISTINGS: Mapping[Feature, _Listing] = MappingProxyType(
    {
        Feature.OBJECTS: _Listing("localizedObjectAnnotations", "object", _object, as_ratios=True, best_first=True),
        Feature.FACES: _Listing("faceAnnotations", "face", _face),
        Feature.LANDMARKS: _Listing("landmarkAnnotations", "landmark", _entity),
        Feature.LOGOS: _Listing("logoAnnotations", "logo", _entity),
    }
)
