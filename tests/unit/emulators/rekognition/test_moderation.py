"""DetectModerationLabels: the last fifty markers are unsafe."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.meanings import FIRST_UNSAFE_ID
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.moderation import answer, read
from app.emulators.rekognition.parameters import Json
from tests.support.seen import check_against_model, face, marker, person, scene


def asked(*sightings: Sighting, **members: Any) -> list[Json]:
    reply = answer(scene(*sightings), read(members))
    check_against_model("DetectModerationLabels", reply)
    assert reply["ModerationModelVersion"] == "7.0"
    labels: list[Json] = reply["ModerationLabels"]
    return labels


def test_clean_images_have_no_labels() -> None:
    assert asked(marker(0), marker(FIRST_UNSAFE_ID - 1), face(), person()) == []


def test_an_unsafe_marker_gives_a_label_and_its_parent() -> None:
    found = asked(marker(951, score=0.9))
    assert found == [
        {"Confidence": 90.0, "Name": "Violence", "ParentName": "", "TaxonomyLevel": 1},
        {"Confidence": 90.0, "Name": "Weapons", "ParentName": "Violence", "TaxonomyLevel": 2},
    ]


def test_a_label_of_the_top_level_stands_alone() -> None:
    assert [label["Name"] for label in asked(marker(950))] == ["Gambling"]


def test_each_label_comes_once_as_sure_as_its_surest_marker() -> None:
    found = asked(marker(951, score=0.7), marker(954, score=0.95))
    assert [(label["Name"], label["Confidence"]) for label in found] == [("Violence", 95.0), ("Weapons", 95.0)]


@pytest.mark.parametrize(("least", "count"), [(None, 0), (40, 2), (46, 0)])
def test_the_threshold_defaults_to_50(least: float | None, count: int) -> None:
    assert len(asked(marker(951, score=0.45), MinConfidence=least)) == count


def test_an_adapter_is_a_text_and_changes_nothing() -> None:
    assert asked(marker(951), ProjectVersion="arn:x") == asked(marker(951))
    with pytest.raises(ServiceError):
        read({"ProjectVersion": 5})
