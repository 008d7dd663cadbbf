"""DetectModerationLabels: the last fifty markers stand for unsafe content, everything else is clean.

The confidence falls as the content gets smaller (`unsafe`).
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.rekognition.parameters import Json, percent, required_text
from app.emulators.scene import Scene
from app.emulators.unsafe import scores_by_kind

DEFAULT_MIN_CONFIDENCE = 50.0
MODEL_VERSION = "7.0"
TAXONOMY = (
    ("Exposed Female Genitalia", "Explicit Nudity", "Explicit"),
    ("Gambling",),
    ("Corpses", "Death and Emaciation", "Visually Disturbing"),
    ("Weapon Violence", "Graphic Violence", "Violence"),
    ("Female Swimwear or Underwear", "Swimwear or Underwear"),
    ("Explicit Sexual Activity", "Explicit"),
    ("Drinking", "Alcohol Use", "Alcohol"),
    ("Pills", "Products", "Drugs & Tobacco"),
    ("Weapons", "Violence"),
    ("Middle Finger", "Rude Gestures"),
)
"""By the last digit of the id: a label of the vendor's version 7 and those above it, the top level last.

Of the same digit, the emulated Google says adult, spoof, medical, violence, racy, and again.
"""


@dataclass(frozen=True, slots=True)
class ModerationRequest:
    """The least confidence of a label."""

    min_confidence: float


def read(body: Json) -> ModerationRequest:
    if body.get("ProjectVersion") is not None:
        required_text(body, "ProjectVersion")  # any adapter is taken, and changes nothing
    return ModerationRequest(percent(body, "MinConfidence", DEFAULT_MIN_CONFIDENCE))


def answer(scenes: tuple[Scene, ...], request: ModerationRequest) -> Json:
    """The surest first; each label before those above it, and once, as sure as the surest that is below it."""
    (scene,) = scenes
    found: dict[str, Json] = {}
    for kind, score in scores_by_kind(scene, len(TAXONOMY)).items():
        for label in _with_those_above(TAXONOMY[kind], 100.0 * score):
            found.setdefault(label["Name"], label)
    wanted = [label for label in found.values() if label["Confidence"] >= request.min_confidence]
    return {"ModerationLabels": wanted, "ModerationModelVersion": MODEL_VERSION, "ContentTypes": []}


def _with_those_above(names: tuple[str, ...], confidence: float) -> list[Json]:
    """A label and its ancestors, the top level last."""
    return [
        {"Confidence": confidence, "Name": name, "ParentName": parent, "TaxonomyLevel": len(names) - place}
        for place, (name, parent) in enumerate(zip(names, (*names[1:], ""), strict=True))
    ]
