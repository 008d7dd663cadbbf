"""Encoded images as arrays, for models that run here."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Size
from app.errors import Kind, Problem
from app.imaging.array import read_rgb
from tests.support.images import encoded, painted

SIZE = Size(96, 64)
PICTURE = painted(SIZE, (16, 8, 48, 24))
MOST = 1_000_000


@pytest.mark.parametrize(("longest_px", "shape"), [(None, (64, 96, 3)), (96, (64, 96, 3)), (48, (32, 48, 3)), (1, (1, 1, 3))])
def test_an_image_is_its_own_size_unless_it_is_larger_than_wanted(longest_px: int | None, shape: tuple[int, ...]) -> None:
    rgb = read_rgb(encoded(PICTURE, "png"), max_pixels=MOST, longest_px=longest_px)
    assert rgb.shape == shape
    assert rgb.dtype == np.uint8


def test_it_is_upright() -> None:
    assert read_rgb(encoded(PICTURE, "jpeg", 6), max_pixels=MOST).shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("data", "max_pixels", "kind"),
    [
        (b"", MOST, Kind.INVALID_IMAGE),
        (b"GIF89a", MOST, Kind.INVALID_IMAGE),
        (encoded(PICTURE, "png")[:-30], MOST, Kind.INVALID_IMAGE),
        (encoded(PICTURE, "png"), 6000, Kind.IMAGE_TOO_LARGE),
    ],
    ids=["empty", "gif", "cut", "large"],
)
def test_what_is_no_image_or_too_large_is_a_problem(data: bytes, max_pixels: int, kind: Kind) -> None:
    with pytest.raises(Problem) as raised:
        read_rgb(data, max_pixels=max_pixels)
    assert raised.value.kind is kind
