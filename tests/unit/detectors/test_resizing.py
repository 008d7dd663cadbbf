"""Fitting images into a model's input: the right size, the right place, nothing shifted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.detectors.recipe import PAD_GREY
from app.detectors.resizing import letterbox, stretch


def ramp(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards, each by the position of the pixel's centre."""
    across = (np.arange(width_px) + 0.5) / width_px * 255
    down = (np.arange(height_px) + 0.5) / height_px * 255
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.rint(across)[None, :], np.rint(down)[:, None]
    return picture


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 130), st.integers(1, 130))
@settings(max_examples=60)
def test_any_size_becomes_any_other(width_px: int, height_px: int, to_width_px: int, to_height_px: int) -> None:
    result = stretch(np.full((height_px, width_px, 3), 77, np.uint8), (to_width_px, to_height_px))
    assert result.shape == (to_height_px, to_width_px, 3)
    assert result.dtype == np.float32
    assert np.allclose(result, 77)


@pytest.mark.parametrize("size_wh", [(64, 48), (100, 100), (333, 77), (416, 416), (801, 503), (1283, 961)])
def test_content_stays_at_its_place(size_wh: tuple[int, int]) -> None:
    """A ramp is a ramp again: no shift, also where the size is no multiple of the wanted one."""
    result, wanted = stretch(ramp(*size_wh), (64, 64)), ramp(64, 64).astype(np.float32)
    inner = (slice(2, -2), slice(2, -2))  # at the very edges a linear ramp cannot be continued
    assert np.abs(result[inner] - wanted[inner]).max() < 2.5


def test_the_same_size_is_the_same_picture() -> None:
    picture = ramp(31, 17)
    assert np.array_equal(stretch(picture, (31, 17)), picture)


def test_fine_detail_becomes_grey_and_not_noise() -> None:
    checkers = (np.indices((960, 960)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    assert np.abs(stretch(checkers, (160, 160)) - 127.5).max() < 1


@pytest.mark.parametrize(
    ("size_wh", "centred", "offset"),
    [((200, 100), False, (0, 0)), ((200, 100), True, (0, 25)), ((100, 200), True, (25, 0)), ((50, 50), True, (0, 0))],
)
def test_a_letterbox_keeps_the_shape_and_pads_with_grey(
    size_wh: tuple[int, int], centred: bool, offset: tuple[int, int]
) -> None:
    boxed = letterbox(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), (100, 100), centred=centred, padding=PAD_GREY)
    assert boxed.offset_xy_px == offset
    inside = boxed.pixels[..., 0] == 0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert (columns[0], rows[0]) == offset
    assert (columns.size, rows.size) == (size_wh[0] * 100 // max(size_wh), size_wh[1] * 100 // max(size_wh))
    assert set(np.unique(boxed.pixels[~inside])) <= {np.float32(PAD_GREY)}


@given(st.integers(2, 300), st.integers(2, 300), st.booleans())
@settings(max_examples=60)
def test_boxes_come_back_from_the_letterbox(width_px: int, height_px: int, centred: bool) -> None:
    boxed = letterbox(np.zeros((height_px, width_px, 3), np.uint8), (128, 96), centred=centred, padding=PAD_GREY)
    (left, top), (scale_x, scale_y) = boxed.offset_xy_px, boxed.scale_xy
    whole = np.array([[left, top, left + width_px * scale_x, top + height_px * scale_y]], np.float32)
    assert np.allclose(boxed.restore(whole), [[0, 0, width_px, height_px]], atol=0.01)
