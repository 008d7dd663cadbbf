"""Geometry becomes typed leaves; whatever else there is stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Tree
from app.providers.answers import Broken
from app.providers.google.trees import hull, label_of, score_of, typed_fields

SIZE = Size(200, 100)

sides = st.integers(1, 5000)
pixels = st.integers(-500, 5000)
vertices = st.fixed_dictionaries({}, optional={"x": pixels, "y": pixels})


@pytest.mark.parametrize(
    ("polygon", "points"),
    [
        ({}, []),
        ({"vertices": []}, []),
        ({"vertices": [{}]}, [UnitPoint(0, 0)]),
        ({"vertices": [{"x": 100}, {"y": 100}]}, [UnitPoint(0.5, 0), UnitPoint(0, 1)]),
        ({"vertices": [{"x": -20, "y": 250}]}, [UnitPoint(-0.1, 2.5)]),
        ({"normalizedVertices": [{"x": 0.25}]}, [UnitPoint(0.25, 0)]),
        ({"vertices": [{"x": 100}], "normalizedVertices": [{"y": 0.25}]}, [UnitPoint(0, 0.25)]),
    ],
)
@pytest.mark.parametrize("name", ["boundingPoly", "fdBoundingPoly", "boundingBox"])
def test_polygons_are_ratios_and_what_is_left_out_is_zero(name: str, polygon: dict[str, Any], points: list[Tree]) -> None:
    assert typed_fields({"deep": [{name: polygon}]}, SIZE) == {"deep": [{name: {"$polygon": points}}]}


@pytest.mark.parametrize(
    ("position", "point", "depth"),
    [
        ({}, UnitPoint(0, 0), 0.0),
        ({"x": 50.5, "y": 25, "z": -20}, UnitPoint(0.2525, 0.25), -0.1),
        ({"z": 200}, UnitPoint(0, 0), 1.0),
    ],
)
def test_a_position_is_a_point_and_a_depth_in_widths(position: dict[str, Any], point: UnitPoint, depth: float) -> None:
    assert typed_fields({"position": position}, SIZE) == {"position": {"$point": point, "$depth": UnitLength(depth)}}


@given(st.lists(vertices, min_size=1, max_size=6), sides, sides)
def test_points_times_the_size_are_the_pixels_again(corners: list[dict[str, int]], width_px: int, height_px: int) -> None:
    fields: Any = typed_fields({"boundingPoly": {"vertices": corners}}, Size(width_px * 50, height_px * 50))
    points = fields["boundingPoly"]["$polygon"]
    again = [(round(point.x * width_px * 50), round(point.y * height_px * 50)) for point in points]
    assert again == [(corner.get("x", 0), corner.get("y", 0)) for corner in corners]


@given(st.lists(st.builds(UnitPoint, st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=6))
def test_a_hull_holds_every_corner_and_touches_one_on_each_side(points: list[UnitPoint]) -> None:
    box = hull({"$polygon": list(points)})
    assert box == UnitBox(
        min(point.x for point in points),
        min(point.y for point in points),
        max(point.x for point in points),
        max(point.y for point in points),
    )


@pytest.mark.parametrize("tree", [None, 3, {}, {"$polygon": []}, {"$polygon": 3}, {"$polygon": ["x"]}])
def test_what_has_no_corner_has_no_hull(tree: Tree) -> None:
    assert hull(tree) is None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "latLng"]), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["mid", "properties", "locations"]), plain))
def test_what_is_no_geometry_stays_as_it_is(node: dict[str, Any]) -> None:
    assert typed_fields(node, None) == node


@pytest.mark.parametrize("wild", [{"x": 20_001}, {"y": -10_001}, {"x": "NaN"}, {"y": "Infinity"}, {"x": 1e300}])
def test_what_is_no_place_breaks_its_finding(wild: dict[str, Any]) -> None:
    with pytest.raises(Broken):
        typed_fields({"boundingPoly": {"vertices": [{}, wild]}}, SIZE)
    with pytest.raises(Broken):
        typed_fields({"position": wild}, SIZE)


@pytest.mark.parametrize("fields", [{"boundingPoly": {"vertices": [{}]}}, {"position": {}}])
def test_pixels_of_an_image_of_unknown_size_are_no_place(fields: dict[str, Any]) -> None:
    with pytest.raises(Broken):
        typed_fields(fields, None)


@pytest.mark.parametrize(("node", "score"), [({}, 0.0), ({"score": 0.5}, 0.5), ({"score": 7}, 1.0), ({"score": -1}, 0.0)])
def test_scores_are_ratios(node: dict[str, Any], score: float) -> None:
    assert score_of(node, "score") == score


def test_a_score_that_is_none_and_a_name_that_is_none_break_their_finding() -> None:
    with pytest.raises(Broken):
        score_of({"score": "NaN"}, "score")
    for said in (None, ""):
        with pytest.raises(Broken):
            label_of(said)
