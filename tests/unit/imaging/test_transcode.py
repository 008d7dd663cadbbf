"""A lone image in a format that the vendor does not read."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import PixelBox, Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging.compose import Source
from app.imaging.transcode import transcode
from tests.support.damage import scrambled
from tests.support.images import encoded, found, looked_at, noise, opened, painted, source

SIZE = Size(96, 64)
RECTANGLE = (16, 8, 48, 24)
AWS = frozenset({"jpeg", "png"})
PLENTY_BYTES = 5_000_000


@pytest.mark.parametrize("kind", ["jpeg", "png alpha"])
def test_what_the_vendor_reads_goes_out_as_it_came(kind: str) -> None:
    lone = source(noise(SIZE), kind, 6)
    assert transcode(lone, formats=AWS, max_bytes=len(lone.image)) is lone.image


def test_what_is_too_many_bytes_is_written_with_fewer() -> None:
    lone = source(noise(SIZE), "png")
    data = transcode(lone, formats=AWS, max_bytes=len(lone.image) - 1)
    assert looked_at(data) == Picture("jpeg", SIZE)
    assert len(data) < len(lone.image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_comes_out_upright_without_a_tag(orientation: int) -> None:
    data = transcode(source(painted(SIZE, RECTANGLE), "webp", orientation), formats=AWS, max_bytes=PLENTY_BYTES)
    assert looked_at(data) == Picture("jpeg", SIZE)
    assert found(opened(data), PixelBox(0, 0, 96, 64)) == PixelBox(*RECTANGLE)


def test_where_only_png_is_read_png_it_is() -> None:
    lone = source(noise(SIZE), "webp lossless")
    data = transcode(lone, formats=frozenset({"png"}), max_bytes=PLENTY_BYTES)
    assert opened(data).tobytes() == noise(SIZE).tobytes()


def test_what_is_lost_does_not_matter() -> None:
    """Against the WebP's own loss: noise is the worst case there is for both."""
    lone = source(noise(SIZE), "webp")
    before = np.asarray(opened(lone.image)).astype(float)
    after = np.asarray(opened(transcode(lone, formats=AWS, max_bytes=PLENTY_BYTES))).astype(float)
    original = np.asarray(noise(SIZE)).astype(float)
    assert np.sqrt(((after - before) ** 2).mean()) < 0.2 * np.sqrt(((before - original) ** 2).mean())


def test_over_the_vendors_bytes_it_is_too_large() -> None:
    with pytest.raises(Problem, match="as jpeg") as refusal:
        transcode(source(noise(SIZE), "webp"), formats=AWS, max_bytes=700)
    assert refusal.value.kind is Kind.IMAGE_TOO_LARGE


def test_what_does_not_decode_is_a_problem() -> None:
    data = scrambled(encoded(noise(SIZE), "webp"))
    with pytest.raises(Problem) as refusal:
        transcode(Source(data, looked_at(data)), formats=AWS, max_bytes=PLENTY_BYTES)
    assert refusal.value.kind is Kind.INVALID_IMAGE


def test_a_vendor_that_reads_nothing_we_write_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="nothing that can be written"):
        transcode(source(noise(SIZE), "webp"), formats=frozenset({"gif"}), max_bytes=PLENTY_BYTES)
