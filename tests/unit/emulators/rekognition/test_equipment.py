"""DetectProtectiveEquipment: who wears what is in the marker's id; the summary puts everybody into one list."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.rekognition.equipment import BODY_PARTS, answer, read
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.parameters import Json
from tests.support.seen import check_against_model, face, marker, person, scene, thing

ALL = ["FACE_COVER", "HAND_COVER", "HEAD_COVER"]


def asked(*sightings: Sighting, **members: Any) -> Json:
    reply = answer(scene(*sightings), read(members))
    check_against_model("DetectProtectiveEquipment", reply)
    return reply


def summary(*sightings: Sighting, required: list[str], least: float = 50) -> tuple[list[int], list[int], list[int]]:
    """Ids with, without, and undetermined."""
    wishes = {"MinConfidence": least, "RequiredEquipmentTypes": required}
    found = asked(*sightings, SummarizationAttributes=wishes)["Summary"]
    lists = ("PersonsWithRequiredEquipment", "PersonsWithoutRequiredEquipment", "PersonsIndeterminate")
    return (found[lists[0]], found[lists[1]], found[lists[2]])


def test_nobody_is_an_empty_list_without_a_summary() -> None:
    assert asked(face(), thing("Car")) == {"ProtectiveEquipmentModelVersion": "1.0", "Persons": []}


@pytest.mark.parametrize("marker_id", range(16))
def test_the_lowest_four_bits_of_the_id_are_the_covers(marker_id: int) -> None:
    (found,) = asked(marker(marker_id))["Persons"]
    covered = {part["Name"] for part in found["BodyParts"] if part["EquipmentDetections"]}
    assert covered == {part.name for part in BODY_PARTS if marker_id >> part.bit & 1}
    assert {part["Name"] for part in found["BodyParts"]} == {"FACE", "HEAD", "LEFT_HAND", "RIGHT_HAND"}


def test_covers_lie_inside_the_person_and_say_what_they_cover() -> None:
    (found,) = asked(marker(15, (40, 20, 140, 120)))["Persons"]
    types = {}
    for part in found["BodyParts"]:
        (cover,) = part["EquipmentDetections"]
        types[part["Name"]] = cover["Type"]
        box = cover["BoundingBox"]
        assert 0.1 <= box["Left"] < box["Left"] + box["Width"] <= 0.35
        assert 0.1 <= box["Top"] < box["Top"] + box["Height"] <= 0.6
        assert cover["CoversBodyPart"]["Value"] is True
    assert types == {"FACE": "FACE_COVER", "HEAD": "HEAD_COVER", "LEFT_HAND": "HAND_COVER", "RIGHT_HAND": "HAND_COVER"}


def test_ids_count_from_zero_the_largest_first_and_fifteen_at_most() -> None:
    found = asked(*(marker(i, (i, i, i + 10 + i, i + 10 + i)) for i in range(20)))["Persons"]
    assert [one["Id"] for one in found] == list(range(15))
    assert found[0]["BoundingBox"]["Left"] == pytest.approx(19 / 400)


def test_a_person_has_face_and_head_where_a_face_is_seen_in_it() -> None:
    (with_face,) = asked(person((180, 20, 280, 190)), face((200, 50, 260, 110), 0.8))["Persons"]
    assert [(part["Name"], part["Confidence"]) for part in with_face["BodyParts"]] == [("FACE", 80.0), ("HEAD", 80.0)]
    (without,) = asked(person((10, 20, 90, 190)), face((200, 50, 260, 110)))["Persons"]
    assert without["BodyParts"] == []


BARE, FACE, HEAD, HANDS, EVERYTHING, ONE_HAND = 16, 17, 18, 28, 31, 20  # ids whose low bits say so


@pytest.mark.parametrize(
    ("marker_id", "required", "equipped"),
    [
        (EVERYTHING, ALL, True),
        (BARE, ALL, False),
        (BARE, [], True),
        (FACE, ["FACE_COVER"], True),
        (FACE, ["HEAD_COVER"], False),
        (HEAD, ["HEAD_COVER"], True),
        (HANDS, ["HAND_COVER"], True),
        (ONE_HAND, ["HAND_COVER"], False),
        (HANDS, ["HAND_COVER", "FACE_COVER"], False),
    ],
)
def test_the_summary_says_who_wears_everything_required(marker_id: int, required: list[str], equipped: bool) -> None:
    assert summary(marker(marker_id), required=required) == (([0], [], []) if equipped else ([], [0], []))


def test_what_cannot_be_seen_is_undetermined_unless_something_else_is_missing() -> None:
    faceless, with_face = person((300, 20, 390, 150)), person((180, 20, 280, 190))
    assert summary(faceless, required=["FACE_COVER"]) == ([], [], [0])
    assert summary(with_face, face((200, 50, 260, 110)), required=["HAND_COVER"]) == ([], [], [0])
    assert summary(with_face, face((200, 50, 260, 110)), required=["HAND_COVER", "FACE_COVER"]) == ([], [0], [])


def test_who_is_less_sure_than_asked_for_is_undetermined() -> None:
    assert summary(marker(EVERYTHING, score=0.9), required=ALL, least=95) == ([], [], [0])


@pytest.mark.parametrize(
    "wishes", [{"MinConfidence": 101, "RequiredEquipmentTypes": []}, {"MinConfidence": 50, "RequiredEquipmentTypes": ["HAT"]}]
)
def test_values_outside_their_limits_are_refused(wishes: Json) -> None:
    with pytest.raises(ServiceError):
        read({"SummarizationAttributes": wishes})
