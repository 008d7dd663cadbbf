"""Smart crops."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.azure.crops import crops
from tests.support.seen import scene, thing


def test_a_crop_has_the_wanted_shape_and_touches_two_edges() -> None:
    (square, wide) = crops(*scene(), (1.0, 1.8))
    assert square == {"aspectRatio": 1.0, "boundingBox": {"x": 100, "y": 0, "w": 200, "h": 200}}
    assert wide == {"aspectRatio": 1.8, "boundingBox": {"x": 20, "y": 0, "w": 360, "h": 200}}


@pytest.mark.parametrize(("left", "x"), [(0, 0), (110, 60), (340, 200)])
def test_it_goes_where_the_things_are_but_not_beyond_the_image(left: int, x: int) -> None:
    (crop,) = crops(*scene(thing("Cup", (left, 10, left + 100, 110))), (1.0,))
    assert crop["boundingBox"] == {"x": x, "y": 0, "w": 200, "h": 200}


def test_large_things_weigh_more() -> None:
    (crop,) = crops(*scene(thing("Cup", (0, 0, 200, 200)), thing("Cup", (380, 0, 390, 10))), (1.0,))
    assert crop["boundingBox"]["x"] == 1


@pytest.mark.parametrize(("size_wh", "ratio"), [((400, 300), 1.33), ((1000, 100), 2.0), ((100, 1000), 0.5)])
def test_without_a_wish_it_has_the_images_own_shape_within_limits(size_wh: tuple[int, int], ratio: float) -> None:
    width, height = size_wh
    (crop,) = crops(*scene(rgb=np.zeros((height, width, 3), np.uint8)), ())
    assert crop["aspectRatio"] == ratio
