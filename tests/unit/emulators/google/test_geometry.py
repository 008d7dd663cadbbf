"""Polygons in the vendor's writing."""

from __future__ import annotations

import pytest

from app.emulators.google.geometry import around, corners_of, normalized_polygon, polygon, polygon_of
from tests.support.seen import scene


def test_corners_run_clockwise_from_the_top_left() -> None:
    assert corners_of((1, 2, 3, 4)) == [(1, 2), (3, 2), (3, 4), (1, 4)]


def test_pixels_are_whole() -> None:
    assert polygon([(0.4, 1.6), (-2.7, 0.0)]) == {"vertices": [{"x": 0, "y": 2}, {"x": -3, "y": 0}]}
    assert polygon_of((1, 2, 3, 4)) == polygon(corners_of((1, 2, 3, 4)))


def test_ratios_are_of_the_image() -> None:
    (seen,) = scene()
    vertices = normalized_polygon(seen, (100, 50, 200, 200))["normalizedVertices"]
    assert vertices == [{"x": 0.25, "y": 0.25}, {"x": 0.5, "y": 0.25}, {"x": 0.5, "y": 1.0}, {"x": 0.25, "y": 1.0}]


def test_a_box_around_boxes() -> None:
    assert around([(1, 2, 3, 4)]) == (1, 2, 3, 4)
    assert around([(1, 2, 3, 4), (0, 3, 2, 9)]) == (0, 2, 3, 9)
    with pytest.raises(ValueError):
        around([])
