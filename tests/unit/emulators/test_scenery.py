"""Labels of the whole image: rules of thumb about its colours."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.scenery import LEAST_PERCENT, MOST_PERCENT, scenery
from tests.support.marker_scenes import Pixels


def two(above: tuple[int, int, int], below: tuple[int, int, int]) -> Pixels:
    picture = np.full((90, 60, 3), below, np.uint8)
    picture[:45] = above
    return picture


@pytest.mark.parametrize(
    ("picture", "names"),
    [
        (two((150, 190, 250), (60, 120, 40)), ["Outdoors"]),
        (two((120, 110, 90), (200, 190, 180)), ["Indoors"]),
        (two((10, 10, 40), (5, 5, 5)), ["Outdoors", "Night"]),
        (two((128, 128, 128), (128, 128, 128)), ["Indoors"]),
        (np.zeros((1, 1, 3), np.uint8), ["Indoors", "Night"]),
    ],
)
def test_sky_above_is_outdoors_and_darkness_is_night(picture: Pixels, names: list[str]) -> None:
    found = scenery(picture)
    assert [label.name for label in found] == names
    assert all(LEAST_PERCENT <= label.percent <= MOST_PERCENT for label in found)


def test_the_clearer_the_surer() -> None:
    faint, clear = (scenery(two((level, level, level), (100, 100, 100)))[0].percent for level in (110, 180))
    assert faint < clear
