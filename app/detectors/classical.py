"""OpenCV's classical eyes: Haar cascades for frontal faces, HOG with a linear SVM for people who stand upright.

In: RGB pixels. Out: `Sighting`s of kind "face" and "person". They need no model file (the data ships with OpenCV 4), so
the emulators see something in anybody's photograph at once. They are weak eyes: measured on 280 photographs of
shared/eval with the settings below, about 9 of 10 faces scored above 0.55 are faces (few of all faces are found, none in
profile), and about half of the people above 0.55 are people.

Work is done on a reduced copy, so that an image costs much the same whatever its size; coordinates are mapped back.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Sighting

FACE_CASCADE = "haarcascade_frontalface_alt2.xml"
"""Of the three frontal cascades that ship with OpenCV the one with the best hits for its time."""
FACE_COPY_LONGEST_PX = 640
"""Longest side of the copy that is searched for faces: 800 finds hardly more and costs by the square."""
PERSON_COPY_LONGEST_PX = 480
"""The same for people, who are larger: at 640 as many are found, and many more things that are none."""
FACE_SMALLEST_PX = 30
"""Smallest face in the copy; below it nearly all finds are wrong."""
FACE_SCALE_STEP = 1.18
FACE_NEIGHBOURS = 3
"""Overlapping hits that make a face."""
FACE_WEIGHT_MIDDLE, FACE_WEIGHT_SPREAD = 55.0, 0.35
"""Logistic curve from the cascade's last stage sum to a score: at the middle one find in two is a face (measured)."""
PERSON_SCALE_STEP = 1.05
PERSON_STRIDE_PX = 8
PERSON_WEIGHT_MIDDLE, PERSON_WEIGHT_SPREAD = 1.0, 0.35
"""The same for the distance from the SVM's plane."""
PERSON_MARGIN_X_SHARE, PERSON_MARGIN_Y_SHARE = 0.18, 0.1
"""The HOG window has a margin around the person, which does not belong to the box; best overlap with true boxes, measured."""

FACE_PLACES = {
    "eyeLeft": (0.30, 0.40),
    "eyeRight": (0.70, 0.40),
    "mouthLeft": (0.34, 0.78),
    "mouthRight": (0.66, 0.78),
    "nose": (0.50, 0.60),
}
"""Where a face's parts lie in a Haar box, as shares of it: an average frontal face's proportions, not measured in the image."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """The grey copy that is searched, and how much larger the original is."""

    grey: NDArray[np.uint8]
    scale_x: float
    scale_y: float


class ClassicalDetector:
    """Faces, and people unless told otherwise. Cascades keep state while they search, so each thread has its own."""

    def __init__(self, *, people: bool = True) -> None:
        self._people = people
        self._own = threading.local()

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        found = list(self._faces(_reduced_copy(rgb, FACE_COPY_LONGEST_PX)))
        if self._people:
            found += self._persons(_reduced_copy(rgb, PERSON_COPY_LONGEST_PX))
        return found

    def _faces(self, copy: _Copy) -> Iterator[Sighting]:
        if min(copy.grey.shape) < FACE_SMALLEST_PX:
            return
        cascade = self._cascade()
        boxes, _, weights = cascade.detectMultiScale3(
            copy.grey,
            scaleFactor=FACE_SCALE_STEP,
            minNeighbors=FACE_NEIGHBOURS,
            minSize=(FACE_SMALLEST_PX, FACE_SMALLEST_PX),
            outputRejectLevels=True,
        )
        for (left, top, width, height), weight in zip(boxes, np.ravel(weights), strict=True):
            box = _mapped((left, top, left + width, top + height), copy)
            score = _logistic(float(weight), FACE_WEIGHT_MIDDLE, FACE_WEIGHT_SPREAD)
            yield Sighting("face", "Face", score, box, points=_places(box), parents=("Head", "Person"))

    def _persons(self, copy: _Copy) -> Iterator[Sighting]:
        hog = self._hog()
        window_width_px, window_height_px = hog.winSize
        if copy.grey.shape[0] < window_height_px or copy.grey.shape[1] < window_width_px:
            return
        stride = (PERSON_STRIDE_PX, PERSON_STRIDE_PX)
        boxes, weights = hog.detectMultiScale(copy.grey, winStride=stride, padding=stride, scale=PERSON_SCALE_STEP)
        for (left, top, width, height), weight in zip(boxes, np.ravel(weights), strict=True):
            across, down = width * PERSON_MARGIN_X_SHARE, height * PERSON_MARGIN_Y_SHARE
            box = _mapped((left + across, top + down, left + width - across, top + height - down), copy)
            score = _logistic(float(weight), PERSON_WEIGHT_MIDDLE, PERSON_WEIGHT_SPREAD)
            yield Sighting("person", "Person", score, box)

    def _cascade(self) -> cv2.CascadeClassifier:
        cascade: cv2.CascadeClassifier | None = getattr(self._own, "cascade", None)
        if cascade is None:
            cascade = self._own.cascade = cv2.CascadeClassifier(cv2.data.haarcascades + FACE_CASCADE)
        return cascade

    def _hog(self) -> cv2.HOGDescriptor:
        hog: cv2.HOGDescriptor | None = getattr(self._own, "hog", None)
        if hog is None:
            hog = self._own.hog = cv2.HOGDescriptor()
            hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
        return hog


def _reduced_copy(rgb: NDArray[np.uint8], longest_px: int) -> _Copy:
    """A grey copy of at most `longest_px`; smaller images stay as they are."""
    height_px, width_px = rgb.shape[:2]
    scale = min(1.0, longest_px / max(height_px, width_px))
    small = rgb
    if scale < 1.0:
        size_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        small = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return _Copy(grey, width_px / grey.shape[1], height_px / grey.shape[0])


def _mapped(xyxy_px: tuple[float, float, float, float], copy: _Copy) -> tuple[float, float, float, float]:
    """A box of the copy in pixels of the original, kept inside the image."""
    width_px, height_px = copy.grey.shape[1], copy.grey.shape[0]
    left, right = (min(max(float(x), 0.0), width_px) * copy.scale_x for x in xyxy_px[0::2])
    top, bottom = (min(max(float(y), 0.0), height_px) * copy.scale_y for y in xyxy_px[1::2])
    return (left, top, right, bottom)


def _places(box: tuple[float, float, float, float]) -> dict[str, tuple[float, float]]:
    left, top, right, bottom = box
    return {name: (left + x * (right - left), top + y * (bottom - top)) for name, (x, y) in FACE_PLACES.items()}


def _logistic(weight: float, middle: float, spread: float) -> float:
    return 1.0 / (1.0 + math.exp(-(weight - middle) / spread))
