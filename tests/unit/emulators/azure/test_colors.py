"""Colours in the vendor's names."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.azure.colors import NAMES, color, is_black_and_white, named_shares
from tests.support.marker_scenes import Pixels
from tests.support.seen import scene, thing


def even(rgb: tuple[int, int, int], shape: tuple[int, int] = (100, 200)) -> Pixels:
    return np.full((*shape, 3), rgb, np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_stands_for_itself(name: str) -> None:
    found = color(*scene(rgb=even(NAMES[name])))
    assert found["dominantColors"] == [name]
    assert found["dominantColorForeground"] == found["dominantColorBackground"] == name
    assert found["accentColor"] == "".join(f"{channel:02X}" for channel in NAMES[name])


def test_shares_add_up_and_the_largest_comes_first() -> None:
    picture = even((255, 255, 255))
    picture[:60] = (0, 0, 0)
    assert named_shares(picture) == [("Black", 0.6), ("White", 0.4)]


def test_little_of_a_colour_is_not_dominant_but_may_be_the_accent() -> None:
    picture = even((128, 128, 128))
    picture[:, :16] = (210, 20, 30)
    found = color(*scene(rgb=picture))
    assert found["dominantColors"] == ["Grey"]
    assert found["accentColor"] == "D2141E"


def test_foreground_is_what_lies_in_boxes_and_else_the_middle() -> None:
    picture = even((0, 0, 0))
    picture[:50, :50] = (255, 255, 255)
    (with_thing,) = scene(thing("Cup", (0, 0, 50, 50)), rgb=picture)
    assert (color(with_thing)["dominantColorForeground"], color(with_thing)["dominantColorBackground"]) == ("White", "Black")
    picture = even((0, 0, 0))
    picture[25:75, 50:150] = (255, 255, 255)
    (without,) = scene(rgb=picture)
    assert (color(without)["dominantColorForeground"], color(without)["dominantColorBackground"]) == ("White", "Black")


@pytest.mark.parametrize("box", [(-90, 10, -10, 90), (0, 0, 200, 100)])
def test_where_one_of_the_two_is_empty_the_whole_image_stands_for_it(box: tuple[int, int, int, int]) -> None:
    found = color(*scene(thing("Cup", box), rgb=even((0, 0, 0))))
    assert found["dominantColorForeground"] == found["dominantColorBackground"] == "Black"


def test_grey_is_black_and_white_and_a_little_colour_is_not() -> None:
    picture = even((100, 100, 100))
    assert is_black_and_white(picture)
    picture[:, :10] = (200, 100, 100)
    assert not is_black_and_white(picture)
