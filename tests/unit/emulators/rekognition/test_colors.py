"""Quality and dominant colours in the vendor's writing."""

from __future__ import annotations

import numpy as np

from app.emulators.rekognition.colors import PALETTE, dominant_colors, quality
from tests.support.marker_scenes import Pixels


def even(grey: int, shape: tuple[int, int] = (60, 80)) -> Pixels:
    return np.full((*shape, 3), grey, np.uint8)


STRIPES = np.tile(np.array([0, 255], np.uint8), 40)[None, :, None].repeat(60, axis=0).repeat(3, axis=2)


def test_quality_has_contrast_only_where_it_is_wanted() -> None:
    assert set(quality(STRIPES)) == {"Brightness", "Sharpness"}
    assert set(quality(STRIPES, with_contrast=True)) == {"Brightness", "Sharpness", "Contrast"}


def test_the_most_frequent_colours_come_first_with_their_shares() -> None:
    picture = even(0, (100, 100))
    picture[:30] = (250, 10, 10)
    picture[30:40] = (10, 10, 240)
    found = dominant_colors(picture, 10)
    assert [(color["SimplifiedColor"], color["PixelPercent"]) for color in found] == [("black", 60), ("red", 30), ("blue", 10)]
    assert found[1] == {
        "Red": 250,
        "Green": 10,
        "Blue": 10,
        "HexCode": "#fa0a0a",
        "CSSColor": "red",
        "SimplifiedColor": "red",
        "PixelPercent": 30.0,
    }


def test_every_colour_of_the_palette_finds_its_own_name() -> None:
    for name, (rgb, simplified) in PALETTE.items():
        (found,) = dominant_colors(np.full((4, 4, 3), rgb, np.uint8), 1)
        assert (found["CSSColor"], found["SimplifiedColor"], found["PixelPercent"]) == (name, simplified, 100)
