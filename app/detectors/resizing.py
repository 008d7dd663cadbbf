"""Fits an image into a model's input: stretched, in a letterbox, or by its shortest side. numpy only.

In: RGB pixels. Out: float pixels 0..255 of the wanted size, and the way back for boxes. Called by `preparing`. Large images
are first reduced by whole-number averaging, so that no detail turns into noise, and then linearly interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fitted:
    """An image inside a model's input: its scale there (x, y), where its top left corner lies, and both sizes."""

    pixels: Floats
    scale_xy: tuple[float, float]
    offset_xy_px: tuple[float, float]
    inner_wh: tuple[int, int]
    image_wh: tuple[int, int]

    @property
    def size_wh(self) -> tuple[int, int]:
        """Of the input."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def restore(self, boxes_xyxy_px: Floats) -> Floats:
        """Boxes of the input in pixels of the image."""
        offset = np.array(self.offset_xy_px * 2, np.float32)
        scale = np.array(self.scale_xy * 2, np.float32)
        return ((boxes_xyxy_px - offset) / scale).astype(np.float32)


def letterbox(rgb: NDArray[np.uint8], size_wh: tuple[int, int], *, centred: bool, padding: float) -> Fitted:
    """The image at its own shape inside `size_wh`, the rest of one grey."""
    height_px, width_px = rgb.shape[:2]
    scale = min(size_wh[0] / width_px, size_wh[1] / height_px)
    inner_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return _placed(rgb, inner_wh, size_wh, centred=centred, padding=padding)


def stretched(rgb: NDArray[np.uint8], size_wh: tuple[int, int]) -> Fitted:
    """The image at exactly `size_wh`, its shape not kept."""
    return _placed(rgb, size_wh, size_wh, centred=False, padding=0.0)


def by_shortest_side(rgb: NDArray[np.uint8], *, shortest_px: int, longest_px: int, multiple_px: int, padding: float) -> Fitted:
    """The shortest side at `shortest_px`, unless the longest were then above `longest_px`; sides filled up to multiples."""
    height_px, width_px = rgb.shape[:2]
    scale = min(shortest_px / min(rgb.shape[:2]), longest_px / max(rgb.shape[:2]))
    inner_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    size_wh = (-(-inner_wh[0] // multiple_px) * multiple_px, -(-inner_wh[1] // multiple_px) * multiple_px)
    return _placed(rgb, inner_wh, size_wh, centred=False, padding=padding)


def _placed(
    rgb: NDArray[np.uint8], inner_wh: tuple[int, int], size_wh: tuple[int, int], *, centred: bool, padding: float
) -> Fitted:
    height_px, width_px = rgb.shape[:2]
    left, top = ((size_wh[0] - inner_wh[0]) // 2, (size_wh[1] - inner_wh[1]) // 2) if centred else (0, 0)
    pixels = stretch(rgb, inner_wh)
    if inner_wh != size_wh:
        padded = np.full((size_wh[1], size_wh[0], 3), padding, np.float32)
        padded[top : top + inner_wh[1], left : left + inner_wh[0]] = pixels
        pixels = padded
    return Fitted(pixels, (inner_wh[0] / width_px, inner_wh[1] / height_px), (left, top), inner_wh, (width_px, height_px))


def stretch(rgb: NDArray[np.uint8], size_wh: tuple[int, int]) -> Floats:
    """The image at exactly `size_wh`, its shape not kept."""
    height_px, width_px = rgb.shape[:2]
    if (width_px, height_px) == size_wh:
        return rgb.astype(np.float32)
    block_x, block_y = max(1, width_px // size_wh[0]), max(1, height_px // size_wh[1])
    pixels = _block_means(rgb, block_x, block_y)
    pixels = _interpolate(pixels, size_wh[1], height_px / block_y, axis=0)
    return _interpolate(pixels, size_wh[0], width_px / block_x, axis=1)


def _block_means(rgb: NDArray[np.uint8], block_x: int, block_y: int) -> Floats:
    """Averages of whole blocks; what is left over at the right and bottom (under one block) is left out."""
    rows, columns = rgb.shape[0] // block_y, rgb.shape[1] // block_x
    total = np.zeros((rows, columns, 3), np.uint32)
    for y in range(block_y):
        for x in range(block_x):
            total += rgb[y : y + (rows - 1) * block_y + 1 : block_y, x : x + (columns - 1) * block_x + 1 : block_x]
    means: Floats = total.astype(np.float32) / np.float32(block_x * block_y)
    return means


def _interpolate(pixels: Floats, length: int, extent: float, *, axis: int) -> Floats:
    """Linear interpolation along one axis to `length` samples over `extent` input samples, centres on centres.

    `extent` is a little more than there is where `_block_means` left something out: the scale stays exact.
    """
    have = pixels.shape[axis]
    places = np.clip((np.arange(length) + 0.5) * extent / length - 0.5, 0, have - 1)
    low = places.astype(np.intp)
    share = (places - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    first, second = pixels.take(low, axis), pixels.take(np.minimum(low + 1, have - 1), axis)
    mixed: Floats = first + (second - first) * share
    return mixed
