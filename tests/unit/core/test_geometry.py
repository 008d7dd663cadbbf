"""Sizes, points and boxes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import PixelBox, Size, UnitBox, UnitPoint

RATIOS = st.floats(-2, 3)


@pytest.mark.parametrize(("width_px", "height_px"), [(0, 1), (1, 0), (-3, 5)])
def test_a_size_has_at_least_one_pixel(width_px: int, height_px: int) -> None:
    with pytest.raises(ValueError, match="at least 1x1"):
        Size(width_px, height_px)


def test_a_size_knows_its_sides() -> None:
    size = Size(640, 480)
    assert (size.pixels, size.longest_px, size.shortest_px) == (307_200, 640, 480)
    assert size.transposed() == Size(480, 640)
    assert str(size) == "640x480"


@pytest.mark.parametrize(
    "corners", [(0.5, 0, 0.4, 1), (0, 0.5, 1, 0.4), (math.nan, 0, 1, 1), (0, 0, math.nan, 1), (0, math.nan, 1, 1)]
)
def test_corners_out_of_order_are_no_box(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="out of order"):
        UnitBox(*corners)


def test_a_box_may_reach_beyond_the_image_and_have_no_area() -> None:
    assert UnitBox(-0.5, -0.1, 1.5, 1.2).area == pytest.approx(2.6)
    assert UnitBox(0.3, 0.3, 0.3, 0.3).area == 0


def test_a_box_from_corner_and_size() -> None:
    box = UnitBox.from_ltwh(0.25, 0.5, 0.5, 0.25)
    assert box == UnitBox(0.25, 0.5, 0.75, 0.75)
    assert (box.width, box.height, box.area) == (0.5, 0.25, 0.125)
    assert box.centre == UnitPoint(0.5, 0.625)


@given(st.lists(RATIOS, min_size=2, max_size=2).map(sorted), st.lists(RATIOS, min_size=2, max_size=2).map(sorted))
def test_pixels_and_back_is_the_same_box(xs: list[float], ys: list[float]) -> None:
    size = Size(1283, 719)
    back = UnitBox(xs[0], ys[0], xs[1], ys[1]).to_pixels(size).to_unit(size)
    assert (back.left, back.top, back.right, back.bottom) == pytest.approx((xs[0], ys[0], xs[1], ys[1]))


@pytest.mark.parametrize(
    ("other", "common"),
    [
        (PixelBox(20, 20, 30, 30), None),
        (PixelBox(0, 11, 10, 12), None),
        (PixelBox(10, 0, 20, 10), PixelBox(10, 0, 10, 10)),
        (PixelBox(5, 5, 5, 5), PixelBox(5, 5, 5, 5)),
        (PixelBox(-5, 2, 4, 20), PixelBox(0, 2, 4, 10)),
        (PixelBox(-1, -1, 11, 11), PixelBox(0, 0, 10, 10)),
    ],
)
def test_intersection(other: PixelBox, common: PixelBox | None) -> None:
    box = PixelBox(0, 0, 10, 10)
    assert box.intersection(other) == common
    assert other.intersection(box) == common


def test_a_pixel_box_lists_its_edges_and_has_no_negative_area() -> None:
    assert list(PixelBox(1, 2, 3, 5)) == [1, 2, 3, 5]
    assert PixelBox(1, 2, 3, 5).area_px == 6
    assert PixelBox(3, 2, 1, 5).area_px == 0
