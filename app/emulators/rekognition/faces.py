"""DetectFaces, and how a face is written everywhere else.

What counts as a face is said in `app.emulators.faces`. Boxes, landmarks, roll and quality come from the pixels; yaw and pitch
are 0. What only ATTRIBUTES=ALL shows (age, smile, glasses and so on) is made up from the marker's id, or from the face's
brightness: same pixels, same answer, no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.emulators.faces import face_seed, faces_in, roll_degrees
from app.emulators.rekognition.colors import quality
from app.emulators.rekognition.geometry import bounding_box, point
from app.emulators.rekognition.parameters import Json, words
from app.emulators.scene import Scene, Seen

MOST_FACES = 100
DEFAULT, ALL = "DEFAULT", "ALL"

MAIN_PLACES = {
    "eyeLeft": (0.30, 0.40),
    "eyeRight": (0.70, 0.40),
    "mouthLeft": (0.34, 0.78),
    "mouthRight": (0.66, 0.78),
    "nose": (0.50, 0.60),
}
"""Landmarks that every answer has, in the vendor's order, as shares of the face's box."""
FURTHER_PLACES = {
    "leftEyeBrowLeft": (0.18, 0.30),
    "leftEyeBrowRight": (0.42, 0.29),
    "leftEyeBrowUp": (0.30, 0.26),
    "rightEyeBrowLeft": (0.58, 0.29),
    "rightEyeBrowRight": (0.82, 0.30),
    "rightEyeBrowUp": (0.70, 0.26),
    "leftEyeLeft": (0.23, 0.40),
    "leftEyeRight": (0.37, 0.41),
    "leftEyeUp": (0.30, 0.38),
    "leftEyeDown": (0.30, 0.42),
    "rightEyeLeft": (0.63, 0.41),
    "rightEyeRight": (0.77, 0.40),
    "rightEyeUp": (0.70, 0.38),
    "rightEyeDown": (0.70, 0.42),
    "noseLeft": (0.44, 0.63),
    "noseRight": (0.56, 0.63),
    "mouthUp": (0.50, 0.75),
    "mouthDown": (0.50, 0.84),
    "leftPupil": (0.30, 0.40),
    "rightPupil": (0.70, 0.40),
    "upperJawlineLeft": (0.08, 0.42),
    "midJawlineLeft": (0.16, 0.76),
    "chinBottom": (0.50, 0.98),
    "midJawlineRight": (0.84, 0.76),
    "upperJawlineRight": (0.92, 0.42),
}
"""Landmarks that come with ALL."""
EMOTIONS = ("HAPPY", "CALM", "SURPRISED", "CONFUSED", "SAD", "ANGRY", "DISGUSTED", "FEAR")
FIRST_EMOTION_PERCENT = 93.0
"""The rest of 100 is shared out among the others."""
YOUNGEST, AGES, AGE_SPAN = 18, 50, 8
MADE_UP_PERCENT = 90.0


def _truth(seed: int, bit: int) -> Json:
    return {"Value": bool(seed >> bit & 1), "Confidence": MADE_UP_PERCENT}


def _age(seed: int) -> Json:
    low = YOUNGEST + seed % AGES
    return {"Low": low, "High": low + AGE_SPAN}


def _gender(seed: int) -> Json:
    return {"Value": "Female" if seed % 2 else "Male", "Confidence": MADE_UP_PERCENT}


def _gaze(seed: int) -> Json:
    return {"Yaw": float(seed % 21 - 10), "Pitch": float(seed % 11 - 5), "Confidence": MADE_UP_PERCENT}


def emotions(seed: int) -> list[Json]:
    """All of them, the surest first."""
    start = seed % len(EMOTIONS)
    order = EMOTIONS[start:] + EMOTIONS[:start]
    rest = (100.0 - FIRST_EMOTION_PERCENT) / (len(EMOTIONS) - 1)
    return [{"Type": name, "Confidence": rest if place else FIRST_EMOTION_PERCENT} for place, name in enumerate(order)]


ATTRIBUTES = {
    "AGE_RANGE": ("AgeRange", _age),
    "SMILE": ("Smile", lambda seed: _truth(seed, 0)),
    "EYEGLASSES": ("Eyeglasses", lambda seed: _truth(seed, 1)),
    "SUNGLASSES": ("Sunglasses", lambda seed: _truth(seed, 2)),
    "GENDER": ("Gender", _gender),
    "BEARD": ("Beard", lambda seed: _truth(seed, 3)),
    "MUSTACHE": ("Mustache", lambda seed: _truth(seed, 4)),
    "EYES_OPEN": ("EyesOpen", lambda seed: _truth(seed, 5)),
    "MOUTH_OPEN": ("MouthOpen", lambda seed: _truth(seed, 6)),
    "EMOTIONS": ("Emotions", emotions),
    "FACE_OCCLUDED": ("FaceOccluded", lambda seed: _truth(seed, 7)),
    "EYE_DIRECTION": ("EyeDirection", _gaze),
}
"""Word in the request -> member of the answer, and what is made up for it."""


@dataclass(frozen=True, slots=True)
class FacesRequest:
    """The attributes that were asked for."""

    attributes: frozenset[str]


def read(body: Json) -> FacesRequest:
    asked = words(body, "Attributes", (DEFAULT, ALL, *ATTRIBUTES))
    return FacesRequest(frozenset(ATTRIBUTES) | {ALL} if ALL in asked else frozenset(asked))


def answer(scenes: tuple[Scene, ...], request: FacesRequest) -> Json:
    (scene,) = scenes
    return {"FaceDetails": [_details(scene, face, request) for face in faces_in(scene, MOST_FACES)]}


def _details(scene: Scene, face: Seen, request: FacesRequest) -> Json:
    seed = face_seed(scene, face)
    made_up: dict[str, Any] = {member: make(seed) for word, (member, make) in ATTRIBUTES.items() if word in request.attributes}
    places = MAIN_PLACES | FURTHER_PLACES if ALL in request.attributes else MAIN_PLACES
    plain = plain_face(scene, face)
    return {"BoundingBox": plain.pop("BoundingBox"), **made_up, **plain, "Landmarks": landmarks(scene, face, places)}


def plain_face(scene: Scene, face: Seen) -> Json:
    """What every answer tells of a face (the vendor's ComparedFace)."""
    return {
        "BoundingBox": bounding_box(scene, face),
        "Confidence": face.percent,
        "Landmarks": landmarks(scene, face, MAIN_PLACES),
        "Pose": {"Roll": roll_degrees(face), "Yaw": 0.0, "Pitch": 0.0},
        "Quality": quality(scene.crop(face)),
    }


def landmarks(scene: Scene, face: Seen, places: dict[str, tuple[float, float]]) -> list[Json]:
    """The detector's own places where it has them, and proportions of an average face for the others."""
    own = face.sighting.points
    return [{"Type": name, **point(scene, own.get(name) or face.place(x, y))} for name, (x, y) in places.items()]
