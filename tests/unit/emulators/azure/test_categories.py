"""Categories and their details."""

from __future__ import annotations

from typing import Any

from app.detectors.contract import Sighting
from app.emulators.azure.categories import CELEBRITIES, LANDMARKS, categories
from app.emulators.azure.picture import Picture
from app.emulators.images import ImageFormat
from tests.support.seen import face, marker, person, scene, thing


def found(*sightings: Sighting, details: tuple[str, ...] = ()) -> dict[str, Any]:
    (seen,) = scene(*sightings)
    return {category["name"]: category for category in categories(Picture(seen, seen, ImageFormat.PNG), details)}


def test_categories_follow_from_the_tags_the_surest_first() -> None:
    assert list(found(marker(8), marker(9, score=0.9))) == ["trans_", "trans_car", "animal_"]
    assert found(person(score=0.7))["people_"] == {"name": "people_", "score": 0.35}
    assert list(found(thing("Cup"))) == list(found()) == ["indoor_"]


def test_celebrities_are_markers_and_stand_among_the_people() -> None:
    people = found(marker(8), marker(9, score=0.9), face(), details=(CELEBRITIES,))["people_"]
    assert [one["name"] for one in people["detail"]["celebrities"]] == ["Car-0008", "Dog-0009"]
    assert people["detail"]["celebrities"][0] == {
        "name": "Car-0008",
        "confidence": 0.98,
        "faceRectangle": {"left": 40, "top": 20, "width": 100, "height": 100},
    }


def test_landmarks_are_some_markers_and_stand_among_the_buildings() -> None:
    buildings = found(marker(10), marker(9), details=(LANDMARKS,))["building_"]
    assert buildings == {
        "name": "building_",
        "score": 0.98,
        "detail": {"landmarks": [{"name": "Landmark-0010", "confidence": 0.98}]},
    }


def test_details_with_nothing_to_say_add_nothing() -> None:
    assert found(face(), details=(CELEBRITIES, LANDMARKS)) == found(face())
    assert "detail" not in found(marker(9), details=(LANDMARKS,))["animal_dog"]
