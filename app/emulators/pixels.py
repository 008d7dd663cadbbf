"""Figures about pixels: brightness, sharpness, contrast, dominant colours.

In: RGB pixels of an image or a part. Out: figures from 0 to 100, and swatches. No vendor publishes its formulas: these are
plain ones, good for seeing that an answer belongs to its image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

SAMPLE_PX = 192
"""Figures are taken from every n-th pixel, so that about this many remain along the longer side."""
SHARPNESS_FULL = 40.0
"""Mean step between neighbouring samples that counts as fully sharp, in grey levels."""
LEVELS = 4
"""Steps per channel into which colours are sorted."""
RED_LUMA, GREEN_LUMA, BLUE_LUMA = 0.299, 0.587, 0.114
"""Weights of the channels in brightness (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A colour (the mean of the pixels that it stands for), and the share of the pixels that have it."""

    rgb: tuple[float, float, float]
    share_unit: float


def sampled(rgb: Pixels) -> Pixels:
    """Every n-th pixel."""
    step = max(1, max(rgb.shape[:2]) // SAMPLE_PX)
    return rgb[::step, ::step]


def luma(rgb: NDArray[np.generic]) -> NDArray[np.float64]:
    """Brightness of each pixel in grey levels. (A matrix product would wake all cores for a handful of pixels.)"""
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    return red * RED_LUMA + green * GREEN_LUMA + blue * BLUE_LUMA


def brightness(rgb: Pixels) -> float:
    return float(luma(sampled(rgb)).mean()) * 100 / 255


def sharpness(rgb: Pixels) -> float:
    """How much neighbouring samples differ, 0 to 100."""
    grey = luma(sampled(rgb))
    steps = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1) if grey.shape[axis] > 1]
    return min(100.0, float(np.mean(steps or [0.0])) * 100 / SHARPNESS_FULL)


def contrast(rgb: Pixels) -> float:
    """Spread of the brightness; black and white in halves would be 100."""
    return min(100.0, float(luma(sampled(rgb)).std()) * 200 / 255)


def swatches(rgb: Pixels, most: int) -> list[Swatch]:
    """The most frequent colours, the most frequent first."""
    pixels = sampled(rgb).reshape(-1, 3)
    bins = (pixels.astype(np.int64) * LEVELS // 256) @ np.array([LEVELS * LEVELS, LEVELS, 1])
    counts = np.bincount(bins, minlength=LEVELS**3)
    found = [int(number) for number in np.argsort(-counts, kind="stable")[:most] if counts[number]]
    return [_swatch(pixels[bins == number], len(pixels)) for number in found]


def _swatch(alike: Pixels, of_all: int) -> Swatch:
    red, green, blue = alike.mean(axis=0).tolist()
    return Swatch((red, green, blue), len(alike) / of_all)
