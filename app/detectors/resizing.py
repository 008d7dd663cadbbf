"""Fits an image into a model's input: stretched, or in a letterbox. numpy only.

In: RGB pixels. Out: float pixels 0..255 of the wanted size, and the way back for boxes. Called by `onnx`. Large images
are first reduced by whole-number averaging, so that no detail turns into noise, and then linearly interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PAD_GREY = 114.0
"""The grey that the YOLO families are trained to ignore."""


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """An image inside a model's input: its scale there (x, y) and where its top left corner lies."""

    pixels: Floats
    scale_xy: tuple[float, float]
    offset_xy_px: tuple[float, float]

    def restore(self, boxes_xyxy_px: Floats) -> Floats:
        """Boxes of the input in pixels of the image."""
        offset = np.array(self.offset_xy_px * 2, np.float32)
        scale = np.array(self.scale_xy * 2, np.float32)
        return ((boxes_xyxy_px - offset) / scale).astype(np.float32)


def letterbox(rgb: NDArray[np.uint8], size_wh: tuple[int, int], *, centred: bool) -> Letterboxed:
    """The image at its own shape inside `size_wh`, the rest grey."""
    height_px, width_px = rgb.shape[:2]
    scale = min(size_wh[0] / width_px, size_wh[1] / height_px)
    inner_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    left, top = ((size_wh[0] - inner_wh[0]) // 2, (size_wh[1] - inner_wh[1]) // 2) if centred else (0, 0)
    pixels = np.full((size_wh[1], size_wh[0], 3), PAD_GREY, np.float32)
    pixels[top : top + inner_wh[1], left : left + inner_wh[0]] = stretch(rgb, inner_wh)
    return Letterboxed(pixels, (inner_wh[0] / width_px, inner_wh[1] / height_px), (left, top))


def stretch(rgb: NDArray[np.uint8], size_wh: tuple[int, int]) -> Floats:
    """The image at exactly `size_wh`, its shape not kept."""
    height_px, width_px = rgb.shape[:2]
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
