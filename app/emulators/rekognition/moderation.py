"""DetectModerationLabels: the last fifty markers stand for unsafe content, everything else is clean.

The confidence is the marker's own and grows with its size: as with the vendor, small content scores lower.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.meanings import is_unsafe
from app.emulators.rekognition.parameters import Json, percent, required_text
from app.emulators.scene import Scene, Seen

DEFAULT_MIN_CONFIDENCE = 50.0
MODEL_VERSION = "7.0"
TAXONOMY = (("Weapons", "Violence"), ("Alcoholic Beverages", "Alcohol"), ("Gambling", ""))
"""(label, its parent), taken in turn by id; an empty parent marks the top level."""


@dataclass(frozen=True, slots=True)
class ModerationRequest:
    """The least confidence of a label."""

    min_confidence: float


def read(body: Json) -> ModerationRequest:
    if body.get("ProjectVersion") is not None:
        required_text(body, "ProjectVersion")  # any adapter is taken, and changes nothing
    return ModerationRequest(percent(body, "MinConfidence", DEFAULT_MIN_CONFIDENCE))


def answer(scenes: tuple[Scene, ...], request: ModerationRequest) -> Json:
    (scene,) = scenes
    found: dict[str, Json] = {}
    for marker in sorted(scene.markers, key=lambda marker: -marker.percent):
        for label in _labels(marker):
            found.setdefault(label["Name"], label)
    wanted = [label for label in found.values() if label["Confidence"] >= request.min_confidence]
    return {"ModerationLabels": wanted, "ModerationModelVersion": MODEL_VERSION, "ContentTypes": []}


def _labels(marker: Seen) -> list[Json]:
    """A label and its parent; nothing for safe markers."""
    if marker.marker_id is None or not is_unsafe(marker.marker_id):
        return []
    name, parent = TAXONOMY[marker.marker_id % len(TAXONOMY)]
    levels = [(parent, ""), (name, parent)] if parent else [(name, "")]
    return [
        {"Confidence": marker.percent, "Name": label, "ParentName": above, "TaxonomyLevel": level}
        for level, (label, above) in enumerate(levels, start=1)
    ]
