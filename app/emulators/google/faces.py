"""FACE_DETECTION. What counts as a face is said in `app.emulators.faces`.

The tight box (`fdBoundingPoly`) is the face's own, the other one has a margin, as far as the image reaches. Landmarks are the
detector's own where it has them, and proportions of an average face elsewhere; roll is measured; pan, tilt, depth and
likelihoods are made up from the marker's id or the face's brightness: same pixels, same answer, no meaning.
"""

from __future__ import annotations

from app.emulators.faces import face_seed, faces_in, roll_degrees
from app.emulators.google.asked import Wishes
from app.emulators.google.errors import Json
from app.emulators.google.geometry import Box, polygon_of
from app.emulators.scene import Scene, Seen

MARGIN_SHARE = 0.1
"""Of the face's width and height, on each side."""
LANDMARKING_SHARE = 0.9
"""landmarkingConfidence is this share of detectionConfidence."""
DEPTH_SHARE = 0.2
"""How far the tip of the nose stands out, as a share of the face's width; other parts lie between it and the eyes."""
LIKELIHOODS = ("VERY_UNLIKELY", "UNLIKELY", "POSSIBLE", "LIKELY", "VERY_LIKELY")
MOODS = ("joy", "sorrow", "anger", "surprise", "underExposed", "blurred", "headwear")

PLACES = {
    "LEFT_EYE": (0.30, 0.40),
    "RIGHT_EYE": (0.70, 0.40),
    "LEFT_OF_LEFT_EYEBROW": (0.18, 0.30),
    "RIGHT_OF_LEFT_EYEBROW": (0.42, 0.29),
    "LEFT_OF_RIGHT_EYEBROW": (0.58, 0.29),
    "RIGHT_OF_RIGHT_EYEBROW": (0.82, 0.30),
    "MIDPOINT_BETWEEN_EYES": (0.50, 0.40),
    "NOSE_TIP": (0.50, 0.60),
    "UPPER_LIP": (0.50, 0.75),
    "LOWER_LIP": (0.50, 0.84),
    "MOUTH_LEFT": (0.34, 0.78),
    "MOUTH_RIGHT": (0.66, 0.78),
    "MOUTH_CENTER": (0.50, 0.79),
    "NOSE_BOTTOM_RIGHT": (0.56, 0.63),
    "NOSE_BOTTOM_LEFT": (0.44, 0.63),
    "NOSE_BOTTOM_CENTER": (0.50, 0.65),
    "LEFT_EYE_TOP_BOUNDARY": (0.30, 0.38),
    "LEFT_EYE_RIGHT_CORNER": (0.37, 0.41),
    "LEFT_EYE_BOTTOM_BOUNDARY": (0.30, 0.42),
    "LEFT_EYE_LEFT_CORNER": (0.23, 0.40),
    "RIGHT_EYE_TOP_BOUNDARY": (0.70, 0.38),
    "RIGHT_EYE_RIGHT_CORNER": (0.77, 0.40),
    "RIGHT_EYE_BOTTOM_BOUNDARY": (0.70, 0.42),
    "RIGHT_EYE_LEFT_CORNER": (0.63, 0.41),
    "LEFT_EYEBROW_UPPER_MIDPOINT": (0.30, 0.26),
    "RIGHT_EYEBROW_UPPER_MIDPOINT": (0.70, 0.26),
    "LEFT_EAR_TRAGION": (0.06, 0.45),
    "RIGHT_EAR_TRAGION": (0.94, 0.45),
    "FOREHEAD_GLABELLA": (0.50, 0.31),
    "CHIN_GNATHION": (0.50, 0.98),
    "CHIN_LEFT_GONION": (0.16, 0.80),
    "CHIN_RIGHT_GONION": (0.84, 0.80),
    "LEFT_CHEEK_CENTER": (0.26, 0.62),
    "RIGHT_CHEEK_CENTER": (0.74, 0.62),
}
"""Landmarks as shares of the face's box; left and right as the viewer sees them."""
OWN_POINTS = {
    "LEFT_EYE": "eyeLeft",
    "RIGHT_EYE": "eyeRight",
    "MOUTH_LEFT": "mouthLeft",
    "MOUTH_RIGHT": "mouthRight",
    "NOSE_TIP": "nose",
}
"""What the detectors call theirs."""


def answer(scene: Scene, most: int, _: Wishes) -> Json:
    return {"faceAnnotations": [_annotation(scene, face) for face in faces_in(scene, most)]}


def _annotation(scene: Scene, face: Seen) -> Json:
    seed, sureness = face_seed(scene, face), face.sighting.score_unit
    return {
        "boundingPoly": polygon_of(_with_margin(scene, face.sighting.box_xyxy_px)),
        "fdBoundingPoly": polygon_of(face.sighting.box_xyxy_px),
        "landmarks": _landmarks(face),
        "rollAngle": roll_degrees(face),
        "panAngle": float(seed % 21 - 10),
        "tiltAngle": float(seed % 11 - 5),
        "detectionConfidence": sureness,
        "landmarkingConfidence": sureness * LANDMARKING_SHARE,
        **{f"{mood}Likelihood": LIKELIHOODS[(seed >> bit) % len(LIKELIHOODS)] for bit, mood in enumerate(MOODS)},
    }


def _with_margin(scene: Scene, box_xyxy_px: Box) -> Box:
    """Not beyond the image's edges, unless the face itself is."""
    left, top, right, bottom = box_xyxy_px
    height_px, width_px = scene.rgb.shape[:2]
    across, down = MARGIN_SHARE * (right - left), MARGIN_SHARE * (bottom - top)
    return (
        min(left, max(0.0, left - across)),
        min(top, max(0.0, top - down)),
        max(right, min(float(width_px), right + across)),
        max(bottom, min(float(height_px), bottom + down)),
    )


def _landmarks(face: Seen) -> list[Json]:
    left, _, right, _ = face.sighting.box_xyxy_px
    found = []
    for name, (x, y) in PLACES.items():
        across, down = face.sighting.points.get(OWN_POINTS.get(name, "")) or face.place(x, y)
        depth = DEPTH_SHARE * (right - left) * (0.5 - abs(x - 0.5) - abs(y - 0.6))
        found.append({"type": name, "position": {"x": across, "y": down, "z": -depth}})
    return found
