"""What eyes saw, made by hand: for tests of what an emulator answers to it."""

from __future__ import annotations

import numpy as np

from app.detectors.contract import Sighting
from app.detectors.markers import CORNER_NAMES, marker_label, marker_parents
from app.emulators.scene import Scene, scene_of
from tests.support.aws_model import service_model, strangers
from tests.support.marker_scenes import Pixels

WIDTH, HEIGHT = 400, 200
Box = tuple[float, float, float, float]


def marker(marker_id: int, box: Box = (40, 20, 140, 120), score: float = 0.98, turn: int = 0) -> Sighting:
    """A marker as the detector reports it, turned clockwise by quarters."""
    left, top, right, bottom = box
    clockwise = [(left, top), (right, top), (right, bottom), (left, bottom)]
    corners = clockwise[turn:] + clockwise[:turn]
    points = dict(zip(CORNER_NAMES, corners, strict=True))
    return Sighting("object", marker_label(marker_id), score, box, points, marker_parents(marker_id))


def face(box: Box = (200, 50, 260, 110), score: float = 0.8) -> Sighting:
    return Sighting("face", "Face", score, box, parents=("Head", "Person"))


def person(box: Box = (180, 20, 280, 190), score: float = 0.7) -> Sighting:
    return Sighting("person", "Person", score, box)


def thing(label: str, box: Box = (10, 10, 60, 60), score: float = 0.6, parents: tuple[str, ...] = ()) -> Sighting:
    return Sighting("object", label, score, box, parents=parents)


def scene(*sightings: Sighting, rgb: Pixels | None = None) -> tuple[Scene]:
    """One image's scene, as operations take it; grey unless the test has pixels of its own."""
    return (scene_of(np.full((HEIGHT, WIDTH, 3), 128, np.uint8) if rgb is None else rgb, list(sightings)),)


def check_against_model(operation: str, answer: object) -> None:
    """Every member of the answer is one that AWS's service model has, with a value of its type."""
    shape = service_model().operation_model(operation).output_shape
    assert list(strangers(shape, answer, operation)) == []
