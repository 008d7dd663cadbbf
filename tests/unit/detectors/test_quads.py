"""Quadrilaterals: found where they are, measured to fractions of a pixel, not found elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.detectors.quads import (
    PYRAMID_SMALLEST_PX,
    REMAP_WIDTH,
    Corners,
    Grey,
    find_quads,
    measure,
    pyramid,
    refine,
    sample,
    side_lengths_px,
)

FINE = 16  # supersampling of drawn edges


def square(left: float, top: float, side: float, canvas_px: int = 120) -> Grey:
    """A black square with edges at fractions of a pixel, on white."""
    edges = np.arange(canvas_px)
    across = np.clip(np.minimum(edges + 1, left + side) - np.maximum(edges, left), 0, 1)
    down = np.clip(np.minimum(edges + 1, top + side) - np.maximum(edges, top), 0, 1)
    return np.asarray(np.rint(255 * (1 - np.outer(down, across))), np.uint8)


def corners_of(left: float, top: float, right: float, bottom: float) -> Corners:
    """Clockwise from the top left."""
    return np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float32)


def same_corners(found: Corners, wanted: Corners, atol: float) -> bool:
    """Whether they are equal, whichever corner comes first."""
    return any(np.allclose(np.roll(found, turn, axis=0), wanted, atol=atol) for turn in range(4))


@pytest.mark.parametrize("canvas", [np.zeros((50, 50), np.uint8), np.full((60, 40), 255, np.uint8), square(10, 10, 6, 40)])
def test_nothing_is_found_in_an_even_picture_or_where_a_square_is_too_small(canvas: Grey) -> None:
    assert find_quads(canvas).shape == (0, 4, 2)


def test_nothing_to_refine_is_nothing_refined() -> None:
    assert refine(square(1, 1, 20), np.zeros((0, 4, 2), np.float32)).shape == (0, 4, 2)


def test_a_square_is_found_clockwise_to_about_a_pixel() -> None:
    found = find_quads(square(30, 40, 50))
    assert any(same_corners(quad, corners_of(30, 40, 80, 90)[0], atol=1.5) for quad in found)
    for quad in found:
        assert cv2.contourArea(quad, oriented=True) > 0


def test_shapes_that_are_no_quadrilaterals_are_not_found() -> None:
    canvas = np.full((200, 400), 255, np.uint8)
    cv2.circle(canvas, (80, 100), 50, 0, -1)
    cv2.fillPoly(canvas, [np.array([[200, 40], [260, 160], [150, 160]])], 0)
    cv2.fillPoly(canvas, [np.array([[300, 40], [320, 100], [380, 120], [300, 160]])], 0)
    arrow = np.array([[300, 40], [312, 120], [390, 130], [300, 170]])
    cv2.fillPoly(canvas, [arrow], 0)
    assert all(cv2.isContourConvex(quad) for quad in find_quads(canvas))


@given(left=st.floats(20, 40), top=st.floats(20, 40), side=st.floats(14, 60), off=st.floats(-1.0, 1.0))
@settings(max_examples=60)
def test_edges_are_measured_to_a_tenth_of_a_pixel(left: float, top: float, side: float, off: float) -> None:
    """Starting from corners that are up to a pixel off, as `find_quads` gives them."""
    start = corners_of(left + off, top - off, left + side + off, top + side - off)
    measured = measure(square(left, top, side), start)
    assert np.allclose(measured, corners_of(left, top, left + side, top + side), atol=0.1)


def test_a_blurred_edge_lies_where_the_sharp_one_was() -> None:
    picture = cv2.GaussianBlur(square(30.4, 25.7, 60), (0, 0), 1.5)
    measured = measure(np.asarray(picture, np.uint8), corners_of(31, 25, 90, 86))
    assert np.allclose(measured, corners_of(30.4, 25.7, 90.4, 85.7), atol=0.15)


def test_a_thin_quadrilateral_is_measured_within_its_own_thickness() -> None:
    """The profiles of its long sides must not reach beyond its frame."""
    canvas = np.full((100, 100), 255, np.uint8)
    canvas[10:90, 40:64] = 0
    canvas[20:80, 43:61] = 255
    assert np.allclose(measure(canvas, corners_of(40.5, 10, 64, 90.5)), corners_of(40, 10, 64, 90), atol=0.2)


def test_samples_are_taken_at_continuous_coordinates_and_repeat_the_edge() -> None:
    canvas = np.array([[0, 100], [200, 40]], np.uint8)
    points = np.array([[0.5, 0.5], [1.0, 0.5], [0.5, 1.0], [1.0, 1.0], [-5, -5], [9, 0.5]], np.float32)
    assert np.allclose(sample(canvas, points), [0, 50, 100, 85, 0, 100], atol=0.5)


@pytest.mark.parametrize("count", [1, REMAP_WIDTH - 1, REMAP_WIDTH, REMAP_WIDTH + 1])
def test_any_number_of_samples_comes_back_in_order(count: int) -> None:
    canvas = np.arange(200, dtype=np.uint8)[None].repeat(3, axis=0)
    columns = np.arange(count) % 200
    points = np.stack([columns + 0.5, np.full(count, 1.5)], axis=1).astype(np.float32)
    assert np.allclose(sample(canvas, points), columns)


@pytest.mark.parametrize(
    ("size_wh", "longest_px", "wanted"),
    [
        ((40, 30), 2048, [(40, 30)]),
        ((200, 100), 2048, [(200, 100), (100, 50)]),
        ((4000, 400), 2000, [(2000, 200), (1000, 100), (500, 50)]),
        ((1, 4000), 2000, [(1, 2000)]),
    ],
)
def test_the_pyramid_halves_down_to_its_smallest_side(
    size_wh: tuple[int, int], longest_px: int, wanted: list[tuple[int, int]]
) -> None:
    levels = list(pyramid(np.zeros((size_wh[1], size_wh[0]), np.uint8), longest_px))
    assert [level.grey.shape[::-1] for level in levels] == wanted
    for level in levels:
        assert level.scale_xy == (size_wh[0] / level.grey.shape[1], size_wh[1] / level.grey.shape[0])
    assert all(min(level.grey.shape) >= PYRAMID_SMALLEST_PX for level in levels[1:])


def test_the_side_of_a_quadrilateral_is_the_mean_of_its_four() -> None:
    assert side_lengths_px(corners_of(0, 0, 30, 10)).tolist() == [20]
