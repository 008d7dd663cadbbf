"""DetectProtectiveEquipment: persons, their body parts, what covers them, and the summary.

Markers count as persons with a face, a head and two hands; the lowest four bits of a marker's id say which are covered, and
the covers lie at fixed places inside its box. Persons whom the eyes report have a face and a head where a face was seen in
them, and no equipment: these eyes cannot see any.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.rekognition.geometry import bounding_box, box_of
from app.emulators.rekognition.parameters import Json, percent, section, words
from app.emulators.scene import Scene, Seen, largest_first

MOST_PERSONS = 15
MODEL_VERSION = "1.0"
TYPES = ("FACE_COVER", "HAND_COVER", "HEAD_COVER")


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A part of a marker as a person: what may cover it, the bit of the id that says so, and where (shares of the box)."""

    name: str
    cover: str
    bit: int
    xyxy: tuple[float, float, float, float]


BODY_PARTS = (
    BodyPart("FACE", "FACE_COVER", 0, (0.35, 0.18, 0.65, 0.34)),
    BodyPart("LEFT_HAND", "HAND_COVER", 2, (0.75, 0.55, 0.95, 0.75)),
    BodyPart("RIGHT_HAND", "HAND_COVER", 3, (0.05, 0.55, 0.25, 0.75)),
    BodyPart("HEAD", "HEAD_COVER", 1, (0.30, 0.02, 0.70, 0.18)),
)
FACE_AND_HEAD = ("FACE", "HEAD")


@dataclass(frozen=True, slots=True)
class EquipmentRequest:
    """The summary that was asked for; None for no summary."""

    min_confidence: float
    required: tuple[str, ...] | None


def read(body: Json) -> EquipmentRequest:
    wishes = section(body, "SummarizationAttributes")
    if not wishes:
        return EquipmentRequest(0.0, None)
    return EquipmentRequest(percent(wishes, "MinConfidence", 0.0), words(wishes, "RequiredEquipmentTypes", TYPES))


def answer(scenes: tuple[Scene, ...], request: EquipmentRequest) -> Json:
    (scene,) = scenes
    seen = largest_first(scene.markers + scene.of_kinds("person"), MOST_PERSONS)
    persons = [_person(scene, thing, number) for number, thing in enumerate(seen)]
    reply: Json = {"ProtectiveEquipmentModelVersion": MODEL_VERSION, "Persons": persons}
    if request.required is not None:
        reply["Summary"] = _summary(persons, request.required, request.min_confidence)
    return reply


def _person(scene: Scene, thing: Seen, number: int) -> Json:
    parts = _seen_parts(scene, thing) if thing.marker_id is None else _marker_parts(scene, thing, thing.marker_id)
    return {"BodyParts": parts, "BoundingBox": bounding_box(scene, thing), "Confidence": thing.percent, "Id": number}


def _marker_parts(scene: Scene, thing: Seen, marker_id: int) -> list[Json]:
    return [
        {
            "Name": part.name,
            "Confidence": thing.percent,
            "EquipmentDetections": [_cover(scene, thing, part)] if marker_id >> part.bit & 1 else [],
        }
        for part in BODY_PARTS
    ]


def _cover(scene: Scene, thing: Seen, part: BodyPart) -> Json:
    left, top, right, bottom = part.xyxy
    return {
        "BoundingBox": box_of(scene, thing.place(left, top), thing.place(right, bottom)),
        "Confidence": thing.percent,
        "Type": part.cover,
        "CoversBodyPart": {"Confidence": thing.percent, "Value": True},
    }


def _seen_parts(scene: Scene, person: Seen) -> list[Json]:
    """Face and head where the centre of a face that was seen lies inside the person."""
    left, top, right, bottom = person.sighting.box_xyxy_px
    for face in scene.of_kinds("face"):
        x, y = face.place(0.5, 0.5)
        if left <= x <= right and top <= y <= bottom:
            return [{"Name": name, "Confidence": face.percent, "EquipmentDetections": []} for name in FACE_AND_HEAD]
    return []


def _summary(persons: list[Json], required: tuple[str, ...], min_confidence: float) -> Json:
    """Each person in exactly one list."""
    lists: dict[bool | None, list[int]] = {True: [], False: [], None: []}
    for person in persons:
        lists[_equipped(person, required, min_confidence)].append(person["Id"])
    return {
        "PersonsWithRequiredEquipment": lists[True],
        "PersonsWithoutRequiredEquipment": lists[False],
        "PersonsIndeterminate": lists[None],
    }


def _equipped(person: Json, required: tuple[str, ...], min_confidence: float) -> bool | None:
    """True: every required cover is there. False: one is missing from a part that was seen. None: it cannot be told."""
    if person["Confidence"] < min_confidence:
        return None
    verdicts = [_covered(person, part, min_confidence) for part in BODY_PARTS if part.cover in required]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _covered(person: Json, part: BodyPart, min_confidence: float) -> bool | None:
    seen = [found for found in person["BodyParts"] if found["Name"] == part.name and found["Confidence"] >= min_confidence]
    if not seen:
        return None
    covers = [cover for found in seen for cover in found["EquipmentDetections"]]
    return any(
        cover["Confidence"] >= min_confidence
        and cover["CoversBodyPart"]["Value"]
        and cover["CoversBodyPart"]["Confidence"] >= min_confidence
        for cover in covers
    )
