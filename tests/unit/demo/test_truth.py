"""Reading boto3's answer, and measuring how far two boxes agree."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.geometry import UnitBox
from app.demo.truth import Seen, TrueObject, overlap, seen_in

BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, ()),
        ({"Labels": []}, ()),
        ({"Labels": [{"Name": "Vehicle", "Confidence": 90.0, "Instances": []}]}, (Seen("Vehicle", 0.9, None),)),
        ({"Labels": [{"Name": "Vehicle", "Confidence": 90.0}]}, (Seen("Vehicle", 0.9, None),)),
        (
            {"Labels": [{"Name": "Car", "Confidence": 90.0, "Instances": [{"BoundingBox": BOX, "Confidence": 80.0}]}]},
            (Seen("Car", 0.8, UnitBox.from_ltwh(0.1, 0.2, 0.3, 0.4)),),
        ),
        (
            {"Labels": [{"Name": "Car", "Confidence": 90.0, "Instances": [{"BoundingBox": BOX}]}]},
            (Seen("Car", 0.9, UnitBox.from_ltwh(0.1, 0.2, 0.3, 0.4)),),
        ),
    ],
    ids=["nothing", "no labels", "label without boxes", "label without the member", "instance", "instance without a score"],
)
def test_every_instance_is_seen_and_a_label_without_instances_once(answer: dict[str, Any], expected: tuple[Seen, ...]) -> None:
    assert seen_in(answer) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (UnitBox(0, 0, 1, 1), UnitBox(0, 0, 1, 1), 1.0),
        (UnitBox(0, 0, 1, 1), UnitBox(0, 0, 0.5, 1), 0.5),
        (UnitBox(0, 0, 0.5, 0.5), UnitBox(0.5, 0, 1, 0.5), 0.0),
        (UnitBox(0, 0, 0.1, 0.1), UnitBox(0.8, 0.8, 1, 1), 0.0),
        (UnitBox(0.5, 0.5, 0.5, 0.5), UnitBox(0.5, 0.5, 0.5, 0.5), 0.0),
    ],
    ids=["the same", "half", "touching", "far apart", "two points"],
)
def test_overlap_is_intersection_over_union(one: UnitBox, other: UnitBox, expected: float) -> None:
    assert overlap(one, other) == pytest.approx(expected)
    assert overlap(other, one) == pytest.approx(expected)


def test_an_objects_family_is_its_nearest_parent() -> None:
    assert TrueObject("Car-0000", UnitBox(0, 0, 1, 1), ("Car", "Vehicle")).family == "Car"
    assert TrueObject("Car", UnitBox(0, 0, 1, 1)).family == ""
