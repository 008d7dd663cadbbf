"""Figures about pixels, on pictures whose figures are plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.pixels import brightness, contrast, sampled, sharpness, swatches
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


def test_large_pictures_are_sampled() -> None:
    assert max(sampled(even(1, (2000, 3000))).shape) <= 400
    assert sampled(even(1)).shape == (60, 80, 3)


def test_the_most_frequent_colours_come_first_with_their_shares() -> None:
    picture = even(0, (100, 100))
    picture[:30] = (250, 10, 10)
    picture[30:40] = (10, 10, 240)
    found = swatches(picture, 10)
    assert [(swatch.rgb, swatch.share_unit) for swatch in found] == [
        ((0, 0, 0), 0.6),
        ((250, 10, 10), 0.3),
        ((10, 10, 240), 0.1),
    ]


@pytest.mark.parametrize("most", [0, 1, 2, 20])
def test_no_more_colours_than_asked_for(most: int) -> None:
    assert len(swatches(STRIPES, most)) == min(most, 2)
