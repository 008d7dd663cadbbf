"""Findings -> the answer of DetectModerationLabels.

A group of images that was found clean is answered like a clean image: no labels. What other vendors say is written as a label
of AWS's upper level; what AWS has no label for (medical pictures, edited ones) is left out, and what nobody knows is kept in
the vendor's own words, so that nothing is overlooked for being new.
"""

from __future__ import annotations

from typing import Any

from app.core.model import Detection
from app.core.moderation import category_of
from app.core.moderation_words import REKOGNITION_LABELS
from app.wire.rekognition.findings import Found, Written, name_of, own_item, percent

# Of the taxonomy whose words are written here. SDK users read it without asking whether it is there.
MODEL_VERSION = "7.0"
VERSIONS = ("ModerationModelVersion", "ProjectVersion")


def write_moderation(found: Found) -> Written:
    """The body of DetectModerationLabels. Nothing counts as filtered: labels have no boxes."""
    own: list[dict[str, Any]] = []
    foreign: dict[str, float] = {}
    for detection in found.sure_enough():
        item = own_item(detection, "moderation")
        name = None if item is not None else _top_label(detection)
        if item is not None:
            own.append(item)
        elif name is not None:
            foreign[name] = max(foreign.get(name, 0.0), percent(detection.score_unit))
    labels = own + [_entry(name, sure) for name, sure in sorted(foreign.items(), key=lambda entry: -entry[1])]
    versions = {"ModerationModelVersion": MODEL_VERSION}
    for name in VERSIONS:
        versions |= found.versions(name)
    return Written({"ModerationLabels": labels, **versions, "ContentTypes": []}, len(found.detections))


def _top_label(detection: Detection) -> str | None:
    category = category_of(detection)
    return name_of(detection) if category is None else REKOGNITION_LABELS.get(category)


def _entry(name: str, confidence: float) -> dict[str, Any]:
    return {"Confidence": confidence, "Name": name, "ParentName": "", "TaxonomyLevel": 1}
