"""Typed geometry: boxes, corners and landmarks become leaves, everything else survives, nonsense is `Broken`."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.geometry import UnitBox, UnitPoint
from app.providers.answers import Broken
from app.providers.rekognition.trees import typed, typed_fields, unit_box


@pytest.mark.parametrize(
    ("plain", "tree"),
    [
        ({}, {}),
        ([], []),
        (None, None),
        (True, True),
        ("text", "text"),
        ({"Left": 0.5, "Top": 0.25, "Width": 0.25, "Height": 0.5}, UnitBox(0.5, 0.25, 0.75, 0.75)),
        ({"Left": 0, "Top": 0, "Width": 0, "Height": 0}, UnitBox(0.0, 0.0, 0.0, 0.0)),
        ({"Left": -0.25, "Top": 1, "Width": 0.5, "Height": 0.5}, UnitBox(-0.25, 1.0, 0.25, 1.5)),
        ({"X": 0.5, "Y": -0.25}, UnitPoint(0.5, -0.25)),
        ({"X": 0.5}, {"X": 0.5}),
        ({"X": 0.5, "Y": 0.5, "Z": 1}, {"X": 0.5, "Y": 0.5, "Z": 1}),
        ({"Type": "nose", "X": 0.5, "Y": 0.25}, {"Type": "nose", "$point": UnitPoint(0.5, 0.25)}),
        ({"Type": "nose", "X": 1, "Y": 0, "New": [1]}, {"Type": "nose", "$point": UnitPoint(1.0, 0.0), "New": [1]}),
        ({"Type": "CALM", "Confidence": 90.0}, {"Type": "CALM", "Confidence": 90.0}),
        ([{"Polygon": [{"X": 0, "Y": 1}]}], [{"Polygon": [UnitPoint(0.0, 1.0)]}]),
    ],
)
def test_geometry_is_typed_and_the_rest_survives(plain: Any, tree: Any) -> None:
    assert typed(plain) == tree


@pytest.mark.parametrize(
    "plain",
    [
        {"Left": 0.5, "Top": 0.25, "Width": -0.25, "Height": 0.5},
        {"Left": 0.5, "Top": 0.25, "Width": 0.25, "Height": -1e-9},
        {"Left": "0.5", "Top": 0.25, "Width": 0.25, "Height": 0.5},
        {"Left": None, "Top": 0.25, "Width": 0.25, "Height": 0.5},
        {"Left": True, "Top": 0.25, "Width": 0.25, "Height": 0.5},
        {"Left": float("nan"), "Top": 0.25, "Width": 0.25, "Height": 0.5},
        {"Left": 0.5, "Top": 0.25, "Width": float("inf"), "Height": 0.5},
        {"Left": 0.5, "Top": 0.25, "Width": 1e300, "Height": 0.5},
        {"X": "here", "Y": 0.5},
        {"X": float("nan"), "Y": 0.5},
        {"Type": "nose", "X": [], "Y": 0.5},
        {"$point": {"X": 0, "Y": 0}},
        [[[{"X": None, "Y": 0.5}]]],
    ],
)
def test_geometry_that_is_none_is_broken(plain: Any) -> None:
    with pytest.raises(Broken):
        typed(plain)


def test_nesting_beyond_any_real_answer_is_broken_and_not_a_full_stack() -> None:
    deep: Any = 1
    for _ in range(1000):
        deep = {"a": [deep]}
    with pytest.raises(Broken):
        typed(deep)


def test_fields_leave_out_what_is_named() -> None:
    assert typed_fields({"Name": "Car", "Instances": [1]}, without="Instances") == {"Name": "Car"}


@pytest.mark.parametrize("node", [None, [], "text", {"$point": 1}])
def test_fields_of_what_is_no_vendor_object_are_broken(node: Any) -> None:
    with pytest.raises(Broken):
        typed_fields(node)


@pytest.mark.parametrize("node", [None, {}, [], {"Left": 0.5, "Top": 0.5, "Width": 0.1}])
def test_a_box_needs_all_four_sides(node: Any) -> None:
    with pytest.raises(Broken):
        unit_box(node)
