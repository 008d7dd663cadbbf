"""Places are whole pixels."""

from __future__ import annotations

import pytest

from app.emulators.azure.geometry import Box, face_rectangle, flat_polygon, polygon, rectangle, text_rectangle


@pytest.mark.parametrize(
    ("box", "whole"),
    [
        ((10, 20, 30, 60), (10, 20, 20, 40)),
        ((10.4, 19.6, 30.4, 59.6), (10, 20, 20, 40)),
        ((10.4, 20.0, 10.45, 20.1), (10, 20, 1, 1)),  # never without extent
        ((-30.2, -20, -10, 700), (-30, -20, 20, 720)),  # where it lies outside, it is said to lie outside
    ],
)
def test_a_box_in_its_three_shapes(box: Box, whole: tuple[int, int, int, int]) -> None:
    left, top, width, height = whole
    assert rectangle(box) == {"x": left, "y": top, "w": width, "h": height}
    assert face_rectangle(box) == {"left": left, "top": top, "width": width, "height": height}
    assert text_rectangle(box) == f"{left},{top},{width},{height}"


def test_polygons_in_their_two_shapes() -> None:
    corners = ((0.4, 0.6), (9.6, 1.0), (9.0, 5.0), (0.0, 5.4))
    assert polygon(corners) == [{"x": 0, "y": 1}, {"x": 10, "y": 1}, {"x": 9, "y": 5}, {"x": 0, "y": 5}]
    assert flat_polygon(corners) == [0, 1, 10, 1, 9, 5, 0, 5]
