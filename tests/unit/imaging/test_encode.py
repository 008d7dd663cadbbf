"""From pixels to a file within a number of bytes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.core.geometry import Size
from app.imaging.encode import LOWER_QUALITIES, encode
from tests.support.images import noise

PICTURE = noise(Size(200, 150))
PLENTY_BYTES = 10_000_000


def size_of(quality: int) -> int:
    data = encode(PICTURE, "jpeg", quality=quality, max_bytes=PLENTY_BYTES)
    assert data is not None
    return len(data)


@pytest.mark.parametrize(("format", "magic"), [("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG")])
def test_formats(format: str, magic: bytes) -> None:
    data = encode(PICTURE, format, quality=90, max_bytes=PLENTY_BYTES)
    assert data is not None
    assert data.startswith(magic)
    with Image.open(BytesIO(data)) as file:
        assert file.size == PICTURE.size


def test_png_is_without_loss() -> None:
    data = encode(PICTURE, "png", quality=90, max_bytes=PLENTY_BYTES)
    assert data is not None
    with Image.open(BytesIO(data)) as file:
        assert file.tobytes() == PICTURE.tobytes()


@pytest.mark.parametrize("quality", LOWER_QUALITIES)
def test_quality_goes_down_until_the_file_fits(quality: int) -> None:
    limit_bytes = size_of(quality)
    data = encode(PICTURE, "jpeg", quality=90, max_bytes=limit_bytes)
    assert data is not None
    assert len(data) == limit_bytes


def test_quality_is_never_raised() -> None:
    data = encode(PICTURE, "jpeg", quality=50, max_bytes=size_of(50))
    assert data is not None
    assert len(data) == size_of(50)


@pytest.mark.parametrize(("format", "max_bytes"), [("jpeg", 5000), ("png", 50_000)])
def test_what_cannot_be_made_to_fit_is_nothing(format: str, max_bytes: int) -> None:
    assert encode(PICTURE, format, quality=90, max_bytes=max_bytes) is None


def test_an_unknown_format_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no encoder"):
        encode(PICTURE, "bmp", quality=90, max_bytes=PLENTY_BYTES)


def test_colour_is_kept_at_full_resolution() -> None:
    """Stripes of one pixel, red and blue: with halved colour both would turn purple."""
    stripes = np.zeros((32, 32, 3), dtype=np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    data = encode(Image.fromarray(stripes), "jpeg", quality=90, max_bytes=PLENTY_BYTES)
    assert data is not None
    with Image.open(BytesIO(data)) as file:
        back = np.asarray(file.convert("RGB")).astype(int)
    assert np.abs(back - stripes).max() < 60
