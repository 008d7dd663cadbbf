"""Clip art and line drawings."""

from __future__ import annotations

import numpy as np

from app.emulators.azure.image_type import image_type
from tests.support.marker_scenes import Pixels, busy


def paper() -> Pixels:
    return np.full((150, 200, 3), 255, np.uint8)


def test_a_photograph_is_neither() -> None:
    assert image_type(busy(320, 240)) == {"clipArtType": 0, "lineDrawingType": 0}


def test_flat_colours_are_clip_art() -> None:
    flat = paper()
    flat[:, :100] = (220, 30, 40)
    assert image_type(flat) == {"clipArtType": 3, "lineDrawingType": 0}


def test_dark_lines_on_white_are_a_line_drawing() -> None:
    drawing = paper()
    drawing[::25] = 0
    assert image_type(drawing)["lineDrawingType"] == 1


def test_an_empty_page_is_no_line_drawing_and_neither_is_a_black_one() -> None:
    assert image_type(paper())["lineDrawingType"] == 0
    assert image_type(paper() * 0)["lineDrawingType"] == 0


def test_half_even_images_are_perhaps_clip_art() -> None:
    mixed = paper()
    mixed[:50] = np.random.default_rng(1).integers(0, 256, (50, 200, 1))
    assert image_type(mixed)["clipArtType"] == 1
