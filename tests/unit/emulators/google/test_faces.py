"""FACE_DETECTION."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import vision

from app.detectors.contract import Sighting
from app.emulators.google.faces import LIKELIHOODS, MOODS
from tests.support.google_seen import answered, box_of
from tests.support.seen import HEIGHT, WIDTH, face, marker, person


def faces(*sightings: Sighting, most: int = 0) -> list[Any]:
    found: list[Any] = answered("FACE_DETECTION", *sightings, most=most).get("faceAnnotations", [])
    return found


def test_no_faces() -> None:
    assert faces(person()) == []


def test_the_largest_face_comes_first_with_both_boxes() -> None:
    large, small = faces(face((200, 50, 260, 110), 0.8), marker(8, (40, 20, 140, 120), 0.98))
    assert box_of(large["fdBoundingPoly"]) == (40, 20, 140, 120)
    assert box_of(large["boundingPoly"]) == (30, 10, 150, 130)
    assert box_of(small["fdBoundingPoly"]) == (200, 50, 260, 110)
    assert (small["detectionConfidence"], small["landmarkingConfidence"]) == (0.8, pytest.approx(0.72))


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ((0, 0, 100, 100), (0, 0, 110, 110)),
        ((WIDTH - 100, HEIGHT - 100, WIDTH, HEIGHT), (WIDTH - 110, HEIGHT - 110, WIDTH, HEIGHT)),
        ((-50, 20, 50, 120), (-50, 10, 60, 130)),
        ((-200, -200, -100, -100), (-200, -200, -90, -90)),
        ((WIDTH + 100, 300, WIDTH + 200, 400), (WIDTH + 90, 290, WIDTH + 200, 400)),
    ],
)
def test_the_margin_ends_at_the_images_edge_unless_the_face_does_not(
    box: tuple[float, float, float, float], wanted: tuple[float, ...]
) -> None:
    (found,) = faces(face(box))
    assert box_of(found["boundingPoly"]) == pytest.approx(wanted)


def test_landmarks_are_many_and_lie_where_they_should() -> None:
    (found,) = faces(marker(8, (40, 20, 140, 120)))
    places = {landmark["type"]: landmark["position"] for landmark in found["landmarks"]}
    assert len(places) == len(found["landmarks"]) >= 30
    types: Any = vision.FaceAnnotation.Landmark.Type
    assert set(places) <= {kind.name for kind in types}
    assert (places["LEFT_EYE"]["x"], places["LEFT_EYE"]["y"]) == pytest.approx((70, 60))
    assert places["NOSE_TIP"]["z"] == pytest.approx(-10)
    assert places["LEFT_EYE"]["x"] < places["NOSE_TIP"]["x"] < places["RIGHT_EYE"]["x"]  # left is the viewer's


def test_a_detectors_own_points_are_used() -> None:
    own = Sighting("face", "Face", 0.8, (0, 0, 100, 100), {"eyeLeft": (31.0, 45.0)})
    (found,) = faces(own)
    position = next(landmark["position"] for landmark in found["landmarks"] if landmark["type"] == "LEFT_EYE")
    assert (position["x"], position["y"]) == (31, 45)


def test_a_turned_marker_has_a_roll_and_turned_landmarks() -> None:
    (found,) = faces(marker(8, (40, 20, 140, 120), turn=1))
    assert found["rollAngle"] == pytest.approx(90)
    places = {landmark["type"]: landmark["position"] for landmark in found["landmarks"]}
    assert (places["LEFT_EYE"]["x"], places["LEFT_EYE"]["y"]) == pytest.approx((100, 50))


def test_likelihoods_are_made_up_alike_for_alike_markers() -> None:
    first, again, other = (faces(marker(number))[0] for number in (37, 37, 950))
    moods = [f"{mood}Likelihood" for mood in MOODS]
    assert {first[mood] for mood in moods} <= set(LIKELIHOODS)
    assert [first[mood] for mood in moods] == [again[mood] for mood in moods] != [other[mood] for mood in moods]


@pytest.mark.parametrize(("most", "count"), [(0, 10), (2, 2), (200, 100)])
def test_the_number_of_faces(most: int, count: int) -> None:
    assert len(faces(*(marker(number) for number in range(120)), most=most)) == count
