"""CompareFaces: the largest face of the source image against the faces of the target image.

Two markers are the same face if their ids are equal. Other faces are compared by their pixels, reduced to a small grey
square: alike for the same photograph, no face recognition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.emulators.faces import faces_in
from app.emulators.pixels import luma
from app.emulators.rekognition.errors import invalid_parameter
from app.emulators.rekognition.faces import MOST_FACES, plain_face
from app.emulators.rekognition.geometry import bounding_box
from app.emulators.rekognition.parameters import Json, percent
from app.emulators.scene import Scene, Seen

DEFAULT_THRESHOLD = 80.0
SQUARE = 16
"""Side of the grey square that faces are reduced to."""


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """The least similarity of a match."""

    threshold: float


def read(body: Json) -> CompareRequest:
    return CompareRequest(percent(body, "SimilarityThreshold", DEFAULT_THRESHOLD))


def answer(scenes: tuple[Scene, ...], request: CompareRequest) -> Json:
    source, target = scenes
    largest = faces_in(source, 1)
    if not largest:
        raise invalid_parameter()  # the vendor says so of a source image without a face
    (wanted,) = largest
    matches: list[Json] = []
    others: list[Json] = []
    for face in faces_in(target, MOST_FACES):
        similarity = _similarity(source, wanted, target, face)
        if similarity >= request.threshold:
            matches.append({"Similarity": similarity, "Face": plain_face(target, face)})
        else:
            others.append(plain_face(target, face))
    matches.sort(key=lambda match: float(match["Similarity"]), reverse=True)
    return {
        "SourceImageFace": {"BoundingBox": bounding_box(source, wanted), "Confidence": wanted.percent},
        "FaceMatches": matches,
        "UnmatchedFaces": others,
    }


def _similarity(source: Scene, first: Seen, target: Scene, second: Seen) -> float:
    if first.marker_id is not None or second.marker_id is not None:
        return 100.0 if first.marker_id == second.marker_id else 0.0
    one, other = _square(source, first), _square(target, second)
    return float(np.clip((one * other).mean(), 0.0, 1.0)) * 100


def _square(scene: Scene, face: Seen) -> NDArray[np.float64]:
    """A small grey picture of the face with mean 0 and spread 1."""
    grey = luma(scene.crop(face))
    rows, columns = (np.arange(SQUARE) * length // SQUARE for length in grey.shape)
    small = grey[np.ix_(rows, columns)]
    return np.asarray((small - small.mean()) / max(float(small.std()), 1e-6), np.float64)
