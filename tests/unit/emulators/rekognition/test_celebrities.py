"""RecognizeCelebrities: markers are known, faces are not."""

from __future__ import annotations

from app.detectors.contract import Sighting
from app.emulators.rekognition.celebrities import answer
from app.emulators.rekognition.parameters import Json
from tests.support.seen import check_against_model, face, marker, person, scene


def asked(*sightings: Sighting) -> Json:
    reply = answer(scene(*sightings), None)
    check_against_model("RecognizeCelebrities", reply)
    return reply


def test_nobody_is_two_empty_lists() -> None:
    assert asked(person()) == {"CelebrityFaces": [], "UnrecognizedFaces": []}


def test_a_marker_has_a_name_and_a_face_has_none() -> None:
    reply = asked(marker(8, (40, 20, 140, 120), 0.98), face(score=0.8))
    (known,), (unknown,) = reply["CelebrityFaces"], reply["UnrecognizedFaces"]
    assert (known["Name"], known["Id"], known["MatchConfidence"]) == ("Car-0008", "marker0008", 98.0)
    assert known["Urls"] == ["www.example.com/markers/0008"]
    assert known["Face"]["BoundingBox"] == {"Left": 0.1, "Top": 0.1, "Width": 0.25, "Height": 0.5}
    assert set(known["Face"]) == set(unknown) == {
        "BoundingBox",
        "Confidence",
        "Landmarks",
        "Pose",
        "Quality",
        "Emotions",
        "Smile",
    }  # fmt: skip
    assert unknown["Confidence"] == 80.0


def test_the_64_largest_of_both_kinds_together() -> None:
    small = [face((i, 0, i + 5, 5)) for i in range(40)]
    reply = asked(*small, *(marker(i, (i, 50, i + 20, 70)) for i in range(40)))
    assert (len(reply["CelebrityFaces"]), len(reply["UnrecognizedFaces"])) == (40, 24)
