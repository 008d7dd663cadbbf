"""A picture knows its size."""

from __future__ import annotations

from app.emulators.azure.picture import Picture
from app.emulators.images import ImageFormat
from tests.support.seen import HEIGHT, WIDTH, scene


def test_the_size_is_that_of_the_upright_image() -> None:
    (seen,) = scene()
    assert Picture(seen, seen, ImageFormat.PNG).size_wh_px == (WIDTH, HEIGHT)
