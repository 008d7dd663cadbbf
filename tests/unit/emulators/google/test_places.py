"""LOGO_DETECTION and LANDMARK_DETECTION."""

from __future__ import annotations

import pytest

from app.emulators.google.places import landmarks, logos
from tests.support.google_seen import answered, box_of, wishes
from tests.support.seen import face, marker, scene, thing

MARKERS = (marker(3), marker(4, (10, 20, 60, 70), 0.9), marker(5, (100, 20, 150, 70), 0.8), marker(20, score=0.95))


@pytest.mark.parametrize("feature", ["LOGO_DETECTION", "LANDMARK_DETECTION"])
def test_other_things_are_neither(feature: str) -> None:
    assert answered(feature, face(), thing("Cup"), marker(3)) == {}


def test_logos_have_boxes_in_pixels() -> None:
    found = answered("LOGO_DETECTION", *MARKERS)["logoAnnotations"]
    assert [(one["description"], one["score"]) for one in found] == [("Logo-0020", 0.95), ("Logo-0004", 0.9)]
    assert box_of(found[1]["boundingPoly"]) == (10, 20, 60, 70)
    assert len({one["mid"] for one in found}) == 2


def test_landmarks_have_locations_too() -> None:
    found = answered("LANDMARK_DETECTION", *MARKERS)["landmarkAnnotations"]
    assert [one["description"] for one in found] == ["Landmark-0020", "Landmark-0005"]
    (location,) = found[1]["locations"]
    assert location["latLng"] == {"latitude": -84.5, "longitude": -174.75}


def test_every_marker_has_a_place_on_earth() -> None:
    for marker_id in range(0, 1000, 5):
        (seen,) = scene(marker(marker_id))
        (found,) = landmarks(seen, 1, wishes("LANDMARK_DETECTION"))["landmarkAnnotations"]
        where = found["locations"][0]["latLng"]
        assert abs(where["latitude"]) <= 90
        assert abs(where["longitude"]) <= 180


def test_no_more_than_asked_for() -> None:
    (seen,) = scene(*(marker(number) for number in range(100)))
    assert len(logos(seen, 3, wishes("LOGO_DETECTION"))["logoAnnotations"]) == 3
