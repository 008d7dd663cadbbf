"""Typed geometry: pixels become ratios of the image the vendor saw, everything else survives, nonsense is `Broken`."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.geometry import UnitBox, UnitPoint
from app.providers.answers import Broken
from app.providers.azure.trees import Frame, hull, score_of

FRAME = Frame(800, 400)


@pytest.mark.parametrize(
    ("plain", "tree"),
    [
        ({}, {}),
        ([], []),
        (None, None),
        (True, True),
        ("text", "text"),
        ({"x": 400, "y": 100, "w": 200, "h": 200}, UnitBox(0.5, 0.25, 0.75, 0.75)),
        ({"x": 0, "y": 0, "w": 0, "h": 0, "novelty": 1}, UnitBox(0.0, 0.0, 0.0, 0.0)),
        ({"x": -200, "y": 400, "w": 400, "h": 200}, UnitBox(-0.25, 1.0, 0.25, 1.5)),
        ({"left": 400, "top": 100, "width": 200, "height": 200}, UnitBox(0.5, 0.25, 0.75, 0.75)),
        ({"width": 200, "height": 200}, {"width": 200, "height": 200}),
        ({"x": 400, "y": -100}, UnitPoint(0.5, -0.25)),
        ({"x": 400}, {"x": 400}),
        ({"x": 1, "y": 2, "z": 3}, {"x": 1, "y": 2, "z": 3}),
        ([{"boundingPolygon": [{"x": 0, "y": 400}]}], [{"boundingPolygon": [UnitPoint(0.0, 1.0)]}]),
    ],
)
def test_geometry_is_typed_and_the_rest_survives(plain: Any, tree: Any) -> None:
    assert FRAME.typed(plain) == tree


@pytest.mark.parametrize(
    "plain",
    [
        {"x": 0, "y": 0, "w": -1, "h": 1},
        {"x": 0, "y": 0, "w": 1, "h": -1},
        {"x": "0", "y": 0, "w": 1, "h": 1},
        {"x": None, "y": 0, "w": 1, "h": 1},
        {"x": True, "y": 0, "w": 1, "h": 1},
        {"x": float("nan"), "y": 0, "w": 1, "h": 1},
        {"x": 0, "y": 0, "w": float("inf"), "h": 1},
        {"x": 1e300, "y": 0},
        {"x": 0, "y": 40_001},
        {"x": [], "y": 0},
        [[[{"x": None, "y": 1}]]],
    ],
)
def test_geometry_that_is_none_is_broken(plain: Any) -> None:
    with pytest.raises(Broken):
        FRAME.typed(plain)


def test_nesting_beyond_any_real_answer_is_broken_and_not_a_full_stack() -> None:
    deep: Any = 1
    for _ in range(1000):
        deep = {"a": [deep]}
    with pytest.raises(Broken):
        FRAME.typed(deep)


@pytest.mark.parametrize("node", [None, {}, [], {"x": 1, "y": 1, "w": 1}])
def test_a_box_needs_all_four_sides(node: Any) -> None:
    with pytest.raises(Broken):
        FRAME.box(node)


@pytest.mark.parametrize(
    ("node", "score_unit"),
    [({}, 1.0), ({"confidence": None}, 1.0), ({"confidence": 0}, 0.0), ({"confidence": 7}, 1.0), ({"confidence": -1e308}, 0.0)],
)
def test_a_score_is_a_ratio_and_what_is_named_without_doubt_is_certain(node: Any, score_unit: float) -> None:
    assert score_of(node) == score_unit


@pytest.mark.parametrize("node", [{}, {"adultScore": None}, {"adultScore": "0.5"}, {"adultScore": True}, {"adultScore": [0.5]}])
def test_a_score_that_must_be_there_is_broken_where_it_is_not(node: Any) -> None:
    with pytest.raises(Broken):
        score_of(node, "adultScore", otherwise=None)


@pytest.mark.parametrize("node", [None, [], "text"])
def test_fields_of_what_is_no_object_are_broken(node: Any) -> None:
    with pytest.raises(Broken):
        FRAME.fields(node)


def test_the_frame_is_the_answers_own() -> None:
    assert Frame.of({"height": 3, "width": 4, "novelty": 1}) == Frame(4.0, 3.0)


@pytest.mark.parametrize(
    "metadata",
    [
        None, [], {}, {"width": 4}, {"width": 4, "height": 0}, {"width": -4, "height": 3}, {"width": "4", "height": 3},
        {"width": True, "height": 3}, {"width": float("nan"), "height": 3}, {"width": 0.5, "height": 3},
    ],
)  # fmt: skip
def test_an_image_without_a_size_is_broken(metadata: Any) -> None:
    with pytest.raises(Broken):
        Frame.of(metadata)


def test_the_hull_of_a_turned_polygon_touches_its_corners() -> None:
    corners = [UnitPoint(0.5, 0.1), UnitPoint(0.9, 0.5), UnitPoint(0.5, 0.8), UnitPoint(0.2, 0.4)]
    assert hull([*corners]) == UnitBox(0.2, 0.1, 0.9, 0.8)


@pytest.mark.parametrize("polygon", [None, "x", [], [UnitPoint(0, 0)] * 2, [UnitPoint(0, 0)] * 3 + [None], UnitBox(0, 0, 1, 1)])
def test_what_is_no_polygon_has_no_hull(polygon: Any) -> None:
    with pytest.raises(Broken):
        hull(polygon)
