"""RecognizeCelebrities: markers are celebrities (their name is the identity label), other faces are unrecognized."""

from __future__ import annotations

from app.emulators.faces import face_seed, faces_in
from app.emulators.rekognition.faces import MADE_UP_PERCENT, emotions, plain_face
from app.emulators.rekognition.parameters import Json
from app.emulators.scene import Scene, Seen

MOST_CELEBRITIES = 64
GENDERS = ("Male", "Female", "Nonbinary", "Unlisted")


def read(_: Json) -> None:
    """There are no parameters but the image."""


def answer(scenes: tuple[Scene, ...], _: None) -> Json:
    (scene,) = scenes
    faces = faces_in(scene, MOST_CELEBRITIES)
    return {
        "CelebrityFaces": [_celebrity(scene, face, face.marker_id) for face in faces if face.marker_id is not None],
        "UnrecognizedFaces": [_face(scene, face) for face in faces if face.marker_id is None],
    }


def _celebrity(scene: Scene, face: Seen, marker_id: int) -> Json:
    return {
        "Urls": [f"www.example.com/markers/{marker_id:04d}"],
        "Name": face.sighting.label,
        "Id": f"marker{marker_id:04d}",
        "Face": _face(scene, face),
        "MatchConfidence": face.percent,
        "KnownGender": {"Type": GENDERS[marker_id % len(GENDERS)]},
    }


def _face(scene: Scene, face: Seen) -> Json:
    seed = face_seed(scene, face)
    smile = {"Value": bool(seed % 2), "Confidence": MADE_UP_PERCENT}
    return {**plain_face(scene, face), "Emotions": emotions(seed), "Smile": smile}
