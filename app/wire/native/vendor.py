"""The little that a native answer takes out of a vendor's own item: parents of a label, equipment that a person wears."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature, Tree

# Rekognition gives confidences in percent.
_PERCENT = 100.0


def parents_of(detection: Detection) -> list[str]:
    """Names of what the label is a kind of: Rekognition's `label.Parents`, or `parents` of a local model."""
    label = detection.fields.get("label")
    own = label.get("Parents") if isinstance(label, dict) else detection.fields.get("parents")
    entries = own if isinstance(own, list) else []
    names = [entry.get("Name") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in names if isinstance(name, str)]


def equipment_of(detection: Detection) -> Iterator[Detection]:
    """Each piece of protective equipment of a person as a detection of its own; its parent is the part of the body."""
    person = detection.fields.get("person")
    if detection.feature is not Feature.PROTECTIVE_EQUIPMENT or not isinstance(person, dict):
        return
    for part in _objects(person.get("BodyParts")):
        for piece in _objects(part.get("EquipmentDetections")):
            box, kind, percent = piece.get("BoundingBox"), piece.get("Type"), piece.get("Confidence")
            if isinstance(box, UnitBox) and isinstance(kind, str) and isinstance(percent, int | float):
                yield Detection(detection.feature, kind, percent / _PERCENT, box, fields={"parents": [part.get("Name")]})


def _objects(tree: Tree) -> list[dict[str, Tree]]:
    return [item for item in tree if isinstance(item, dict)] if isinstance(tree, list) else []
