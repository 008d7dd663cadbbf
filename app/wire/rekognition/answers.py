"""Findings -> the answers of DetectFaces, RecognizeCelebrities, DetectCustomLabels and DetectProtectiveEquipment.

Every list member of an answer is always there: an image in which nothing was found gets an empty list, as from AWS.
"""

from __future__ import annotations

from typing import Any

from app.core.model import Detection
from app.wire.rekognition.findings import Found, Written, boxed, own_item, percent

# What providers call a face that they do not know by name.
_NAMELESS = frozenset({"", "face"})

# The three lists of a protective equipment summary.
WITH_EQUIPMENT = "PersonsWithRequiredEquipment"
WITHOUT_EQUIPMENT = "PersonsWithoutRequiredEquipment"
INDETERMINATE = "PersonsIndeterminate"


def write_faces(found: Found) -> Written:
    """The body of DetectFaces."""
    detections = found.sure_enough()
    faces = [own_item(detection, "face") or {**boxed(detection), "Landmarks": []} for detection in detections]
    return Written({"FaceDetails": faces}, len(faces))


def write_celebrities(found: Found) -> Written:
    """The body of RecognizeCelebrities."""
    detections = found.sure_enough()
    celebrities: list[dict[str, Any]] = []
    unrecognized: list[dict[str, Any]] = []
    for detection in detections:
        celebrity = own_item(detection, "celebrity")
        stranger = own_item(detection, "unrecognized")
        if celebrity is not None:
            celebrities.append(celebrity)
        elif stranger is not None or detection.label.lower() in _NAMELESS:
            unrecognized.append(stranger or boxed(detection))
        else:
            celebrities.append(_named_face(detection))
    return Written({"CelebrityFaces": celebrities, "UnrecognizedFaces": unrecognized}, len(detections))


def _named_face(detection: Detection) -> dict[str, Any]:
    sure = percent(detection.score_unit)
    return {"Urls": [], "Name": detection.label, "Face": boxed(detection), "MatchConfidence": sure}


def write_custom_labels(found: Found) -> Written:
    """The body of DetectCustomLabels: most certain first, cut at MaxResults."""
    detections = sorted(found.sure_enough(), key=lambda detection: -detection.score_unit)[: found.inquiry.max_results]
    labels = [own_item(detection, "custom_label") or _custom_label(detection) for detection in detections]
    return Written({"CustomLabels": labels}, len(labels))


def _custom_label(detection: Detection) -> dict[str, Any]:
    item = boxed(detection)
    box = item.pop("BoundingBox", None)
    return {"Name": detection.label, **item, **({} if box is None else {"Geometry": {"BoundingBox": box}})}


def write_protective_equipment(found: Found) -> Written:
    """The body of DetectProtectiveEquipment. Ids are unique per answer, so they are given anew: 0, 1, 2 in this image."""
    detections = found.sure_enough()
    persons: list[dict[str, Any]] = []
    summary: dict[str, list[int]] = {WITH_EQUIPMENT: [], WITHOUT_EQUIPMENT: [], INDETERMINATE: []}
    for person_id, detection in enumerate(detections):
        person = own_item(detection, "person") or {"BodyParts": [], **boxed(detection)}
        persons.append({**person, "Id": person_id})
        for name in _summary_lists(detection):
            summary.setdefault(name, []).append(person_id)
    body: dict[str, Any] = {**found.versions("ProtectiveEquipmentModelVersion"), "Persons": persons}
    return Written(body | ({"Summary": summary} if found.wanted.summary else {}), len(persons))


def _summary_lists(detection: Detection) -> list[str]:
    """The lists of the vendor's own summary that this person stood in; without a summary nothing can be said about them."""
    named = detection.fields.get("summary")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else [INDETERMINATE]
