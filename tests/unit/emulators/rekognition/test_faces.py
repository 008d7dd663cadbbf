"""DetectFaces: whose face, where its parts are, what is made up."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.faces import ATTRIBUTES, EMOTIONS, FURTHER_PLACES, MAIN_PLACES, answer, read
from app.emulators.rekognition.parameters import Json
from tests.support.aws_model import service_model
from tests.support.seen import check_against_model, face, marker, person, scene, thing

BASIC = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def asked(*sightings: Sighting, **members: Any) -> list[Json]:
    reply = answer(scene(*sightings), read(members))
    check_against_model("DetectFaces", reply)
    details: list[Json] = reply["FaceDetails"]
    return details


def test_no_faces_is_an_empty_list() -> None:
    assert asked(person(), thing("Car")) == []


def test_markers_and_faces_are_faces_the_largest_first() -> None:
    found = asked(face((200, 50, 260, 110), 0.8), marker(8, (40, 20, 140, 120), 0.98), person())
    assert [detail["Confidence"] for detail in found] == [98.0, 80.0]
    assert found[0]["BoundingBox"] == {"Left": 0.1, "Top": 0.1, "Width": 0.25, "Height": 0.5}


@pytest.mark.parametrize("attributes", [None, [], ["DEFAULT"]])
def test_by_default_a_face_has_five_landmarks_and_nothing_made_up(attributes: list[str] | None) -> None:
    (found,) = asked(face(), Attributes=attributes)
    assert set(found) == BASIC
    assert [landmark["Type"] for landmark in found["Landmarks"]] == ["eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose"]


def test_all_attributes_are_all_that_the_service_model_has() -> None:
    (found,) = asked(face(), Attributes=["ALL"])
    assert set(found) == set(service_model().shape_for("FaceDetail").members)
    types = [landmark["Type"] for landmark in found["Landmarks"]]
    assert len(types) == len(set(types)) == 30
    assert set(types) == set(service_model().shape_for("LandmarkType").enum)
    assert types[:5] == list(MAIN_PLACES)
    assert {emotion["Type"] for emotion in found["Emotions"]} == set(EMOTIONS)
    assert sum(emotion["Confidence"] for emotion in found["Emotions"]) == pytest.approx(100)


@pytest.mark.parametrize(("word", "member"), [(word, member) for word, (member, _) in ATTRIBUTES.items()])
def test_a_single_attribute_comes_alone(word: str, member: str) -> None:
    (found,) = asked(face(), Attributes=["DEFAULT", word])
    assert set(found) == BASIC | {member}
    assert len(found["Landmarks"]) == 5


def test_the_words_are_those_of_the_service_model() -> None:
    assert {"DEFAULT", "ALL", *ATTRIBUTES} == set(service_model().shape_for("Attribute").enum)


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(ServiceError, match="Attributes"):
        read({"Attributes": ["SHOE_SIZE"]})


@pytest.mark.parametrize(("turn", "roll"), [(0, 0), (1, 90), (3, -90)])
def test_a_turned_markers_landmarks_turn_with_it(turn: int, roll: float) -> None:
    (found,) = asked(marker(8, (40, 20, 140, 120), turn=turn))
    assert found["Pose"] == {"Roll": roll, "Yaw": 0.0, "Pitch": 0.0}
    left_eye = next(landmark for landmark in found["Landmarks"] if landmark["Type"] == "eyeLeft")
    wanted = {0: (70, 60), 1: (100, 50), 3: (80, 90)}[turn]
    assert (left_eye["X"] * 400, left_eye["Y"] * 200) == pytest.approx(wanted)


def test_the_detectors_own_landmarks_are_used_where_it_has_them() -> None:
    own = Sighting("face", "Face", 0.8, (200, 50, 260, 110), {"nose": (210.0, 60.0)})
    (found,) = asked(own)
    nose = next(landmark for landmark in found["Landmarks"] if landmark["Type"] == "nose")
    assert (nose["X"], nose["Y"]) == (210 / 400, 60 / 200)


def test_landmarks_lie_inside_the_face() -> None:
    for x, y in (MAIN_PLACES | FURTHER_PLACES).values():
        assert 0 <= x <= 1
        assert 0 <= y <= 1


def test_the_same_marker_is_made_up_the_same_and_others_differ() -> None:
    (one,), (again,), (other,) = (asked(marker(i), Attributes=["ALL"]) for i in (8, 8, 9))
    assert one == again
    assert one["Gender"] != other["Gender"]


def test_a_hundred_faces_and_no_more() -> None:
    many = [face((i, i, i + 10 + i / 10, i + 10 + i / 10)) for i in range(120)]
    found = asked(*many)
    assert len(found) == 100
    assert found[0]["BoundingBox"]["Left"] == pytest.approx(119 / 400)
