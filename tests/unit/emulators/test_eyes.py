"""Which eyes an emulator opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.detectors.contract import Detector
from app.emulators.eyes import open_eyes
from app.emulators.options import EmulatorOptions
from tests.support import cartoons
from tests.support.marker_scenes import Pixels, Placed, plain
from tests.support.tiny_onnx import detr_model

MARKER = plain(400, 300, Placed(3, 50, 40, 120))
FACE = cartoons.face(160, (400, 300), (100, 60))
PERSON = cartoons.person(250, (400, 350), (200, 50))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Sees a dog everywhere."""
    path = tmp_path / "dog.onnx"
    path.write_bytes(detr_model(np.array([[[0, 0, 0.5, 1]]], np.float32), np.array([[16]], np.int64), 64, (1, 1, 1)))
    return path


def labels(eye: Detector, *pictures: Pixels) -> list[list[str]]:
    return [[sighting.label for sighting in eye.look(picture)] for picture in pictures]


def test_by_default_markers_and_where_there_are_none_faces_and_people() -> None:
    eyes = open_eyes(EmulatorOptions())
    assert labels(eyes.objects, MARKER, FACE, PERSON) == [["Chair-0003"], ["Face"], ["Person"]]
    assert eyes.faces is eyes.objects


def test_an_image_with_a_marker_is_not_searched_for_faces() -> None:
    both = np.concatenate([MARKER, FACE], axis=1)
    assert labels(open_eyes(EmulatorOptions()).objects, both) == [["Chair-0003"]]


def test_the_classical_eyes_can_be_switched_off() -> None:
    eyes = open_eyes(EmulatorOptions(classical=False))
    assert labels(eyes.objects, MARKER, FACE) == [["Chair-0003"], []]


def test_a_model_looks_beside_the_markers_and_faces_are_seen_as_before(model: Path) -> None:
    eyes = open_eyes(EmulatorOptions(model=model))
    assert labels(eyes.objects, MARKER, FACE) == [["Chair-0003", "Dog"], ["Dog"]]
    assert labels(eyes.faces, MARKER, FACE, PERSON) == [["Chair-0003"], ["Face"], []]


def test_a_model_alone(model: Path) -> None:
    eyes = open_eyes(EmulatorOptions(model=model, classical=False))
    assert labels(eyes.faces, FACE) == [["Dog"]]


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        open_eyes(EmulatorOptions(model=tmp_path / "absent.onnx"))
