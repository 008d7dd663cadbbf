"""Figures about pixels, on pictures whose figures are plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.rekognition.pixels import PALETTE, brightness, contrast, dominant_colors, quality, sampled, sharpness
from tests.support.marker_scenes import Pixels


def even(grey: int, shape: tuple[int, int] = (60, 80)) -> Pixels:
    return np.full((*shape, 3), grey, np.uint8)


STRIPES = np.tile(np.array([0, 255], np.uint8), 40)[None, :, None].repeat(60, axis=0).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("picture", "wanted"),
    [
        (even(0), (0, 0, 0)),
        (even(255), (100, 0, 0)),
        (even(51), (20, 0, 0)),
        (STRIPES, (50, 100, 100)),
        (even(9, (1, 1)), (3.5, 0, 0)),
    ],
)
def test_brightness_sharpness_and_contrast(picture: Pixels, wanted: tuple[float, float, float]) -> None:
    assert (brightness(picture), sharpness(picture), contrast(picture)) == pytest.approx(wanted, abs=0.1)


def test_a_blurred_picture_is_less_sharp() -> None:
    soft = ((STRIPES[:, :-1].astype(int) + STRIPES[:, 1:]) // 2).astype(np.uint8)
    assert sharpness(soft) < sharpness(STRIPES)


def test_quality_has_contrast_only_where_it_is_wanted() -> None:
    assert set(quality(STRIPES)) == {"Brightness", "Sharpness"}
    assert set(quality(STRIPES, with_contrast=True)) == {"Brightness", "Sharpness", "Contrast"}


def test_large_pictures_are_sampled() -> None:
    assert max(sampled(even(1, (2000, 3000))).shape) <= 400
    assert sampled(even(1)).shape == (60, 80, 3)


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


@pytest.mark.parametrize("most", [0, 1, 2, 20])
def test_no_more_colours_than_asked_for(most: int) -> None:
    assert len(dominant_colors(STRIPES, most)) == min(most, 2)


def test_every_colour_of_the_palette_finds_its_own_name() -> None:
    for name, (rgb, simplified) in PALETTE.items():
        (found,) = dominant_colors(np.full((4, 4, 3), rgb, np.uint8), 1)
        assert (found["CSSColor"], found["SimplifiedColor"], found["PixelPercent"]) == (name, simplified, 100)
