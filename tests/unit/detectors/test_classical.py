"""The classical eyes: they see a drawn face and a drawn person, map them back, and stay within their own limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.detectors.classical import FACE_PLACES, ClassicalDetector
from app.detectors.contract import Sighting
from tests.support import cartoons
from tests.support.eval_data import boxes_file, needs_eval_data, photographs

EYE = ClassicalDetector()
Box = tuple[float, float, float, float]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - common)


@pytest.mark.parametrize("side_px", [60, 120, 240, 500])
def test_a_face_is_seen_with_its_landmarks(side_px: int) -> None:
    (face,) = EYE.look(cartoons.face(side_px, (800, 700), (200, 80)))
    assert (face.kind, face.label, face.parents) == ("face", "Face", ("Head", "Person"))
    assert face.score_unit > 0.9
    assert overlap(face.box_xyxy_px, (200, 80, 200 + side_px, 80 + side_px)) > 0.7
    assert set(face.points) == set(FACE_PLACES)
    for name, x in (("eyeLeft", 0.31), ("eyeRight", 0.69)):
        assert face.points[name] == pytest.approx((200 + x * side_px, 80 + 0.46 * side_px), abs=0.1 * side_px)


@pytest.mark.parametrize("height_px", [150, 250, 400])
def test_a_standing_person_is_seen(height_px: int) -> None:
    (person,) = EYE.look(cartoons.person(height_px, (640, 700), (320, 60)))
    assert (person.kind, person.label, person.parents) == ("person", "Person", ())
    assert person.score_unit > 0.9
    width_px = 0.3 * height_px
    assert overlap(person.box_xyxy_px, (320 - width_px / 2, 60, 320 + width_px / 2, 60 + height_px)) > 0.55


@pytest.mark.parametrize("scale", [2, 4])
def test_boxes_are_in_pixels_of_the_image_whatever_its_size(scale: int) -> None:
    small = cartoons.face(240, (640, 480), (200, 80))
    large = small.repeat(scale, axis=0).repeat(scale, axis=1)
    (one,), (other,) = EYE.look(small), EYE.look(large)
    assert np.allclose(np.array(one.box_xyxy_px) * scale, other.box_xyxy_px, atol=4 * scale)


def test_people_can_be_left_out() -> None:
    picture = cartoons.person(400, (640, 700), (320, 60))
    assert ClassicalDetector(people=False).look(picture) == []


@pytest.mark.parametrize("shape", [(1, 1), (20, 20), (29, 400), (400, 29), (100, 100)])
def test_pictures_that_are_too_small_hold_nothing(shape: tuple[int, int]) -> None:
    assert EYE.look(np.full((*shape, 3), 128, np.uint8)) == []


def test_several_threads_see_the_same() -> None:
    pictures = [cartoons.face(60 + 20 * i, (640, 480), (30 + 10 * i, 60)) for i in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(EYE.look, pictures))
    assert together == [EYE.look(picture) for picture in pictures]


def _people(photograph: Path) -> list[Box]:
    things = ElementTree.parse(boxes_file(photograph)).getroot().iter("object")
    return [_box(thing) for thing in things if thing.findtext("name") == "person"]


def _box(thing: ElementTree.Element) -> Box:
    left, top, right, bottom = (float(thing.findtext(f"bndbox/{edge}", "0")) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return (left, top, right, bottom)


def _upper_centre_inside(face: Sighting, boxes: list[Box]) -> bool:
    left, top, right, bottom = face.box_xyxy_px
    x, y = (left + right) / 2, (top + bottom) / 2
    return any(box[0] <= x <= box[2] and box[1] <= y <= box[1] + 0.6 * (box[3] - box[1]) for box in boxes)


@needs_eval_data
def test_most_faces_that_are_reported_as_sure_belong_to_people() -> None:
    """What the module says of its own quality, on 60 photographs."""
    verdicts = []
    for path in photographs("voc2012", 60):
        pixels: NDArray[np.uint8] = np.array(Image.open(path).convert("RGB"))
        sure = [face for face in ClassicalDetector(people=False).look(pixels) if face.score_unit > 0.55]
        verdicts += [_upper_centre_inside(face, _people(path)) for face in sure]
    assert len(verdicts) >= 5
    assert sum(verdicts) / len(verdicts) > 0.6
