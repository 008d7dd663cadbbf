"""DetectText: a line and a word per marker."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.rekognition.parameters import Json
from app.emulators.rekognition.text import answer, read
from tests.support.seen import check_against_model, face, marker, scene


def asked(*sightings: Sighting, **members: Any) -> list[Json]:
    reply = answer(scene(*sightings), read(members))
    check_against_model("DetectText", reply)
    detections: list[Json] = reply["TextDetections"]
    return detections


def test_no_markers_no_text() -> None:
    assert asked(face()) == []


def test_a_marker_is_a_line_of_one_word() -> None:
    large, small = marker(8, (40, 20, 140, 120)), marker(9, (200, 20, 220, 40))
    found = asked(small, large)
    assert [(one["Type"], one["Id"], one.get("ParentId"), one["DetectedText"]) for one in found] == [
        ("LINE", 0, None, "0008"),
        ("LINE", 1, None, "0009"),
        ("WORD", 2, 0, "0008"),
        ("WORD", 3, 1, "0009"),
    ]
    assert found[0]["Geometry"] == {
        "BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.25, "Height": 0.5},
        "Polygon": [{"X": 0.1, "Y": 0.1}, {"X": 0.35, "Y": 0.1}, {"X": 0.35, "Y": 0.6}, {"X": 0.1, "Y": 0.6}],
    }


@pytest.mark.parametrize(("least", "count"), [(None, 2), (0, 4), (99, 0)])
def test_unsure_words_are_left_out(least: float | None, count: int) -> None:
    filters = {"WordFilter": {"MinConfidence": least}}
    assert len(asked(marker(8, score=0.9), marker(9, score=0.5), Filters=filters)) == count


def test_a_hundred_words_and_no_more() -> None:
    found = asked(*(marker(i) for i in range(130)))
    assert len([one for one in found if one["Type"] == "WORD"]) == 100
