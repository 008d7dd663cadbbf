"""Figures about pixels: brightness, sharpness, contrast, dominant colours.

In: RGB pixels of an image or a part. Out: the vendor's Quality and DominantColors. The vendor does not publish its formulas:
these are plain ones on the same scales (0 to 100), good for seeing that an answer belongs to its image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.emulators.rekognition.parameters import Json

Pixels = NDArray[np.uint8]

SAMPLE_PX = 192
"""Figures are taken from every n-th pixel, so that about this many remain along the longer side."""
SHARPNESS_FULL = 40.0
"""Mean step between neighbouring samples that counts as fully sharp, in grey levels."""
LEVELS = 4
"""Steps per channel into which colours are sorted."""
RED_LUMA, GREEN_LUMA, BLUE_LUMA = 0.299, 0.587, 0.114
"""Weights of the channels in brightness (ITU-R BT.601)."""

PALETTE: dict[str, tuple[tuple[int, int, int], str]] = {
    "black": ((0, 0, 0), "black"),
    "dimgray": ((105, 105, 105), "grey"),
    "silver": ((192, 192, 192), "grey"),
    "white": ((255, 255, 255), "white"),
    "maroon": ((128, 0, 0), "red"),
    "red": ((255, 0, 0), "red"),
    "orange": ((255, 165, 0), "orange"),
    "saddlebrown": ((139, 69, 19), "brown"),
    "tan": ((210, 180, 140), "brown"),
    "yellow": ((255, 255, 0), "yellow"),
    "olive": ((128, 128, 0), "green"),
    "green": ((0, 128, 0), "green"),
    "lightgreen": ((144, 238, 144), "green"),
    "teal": ((0, 128, 128), "green"),
    "skyblue": ((135, 206, 235), "blue"),
    "steelblue": ((70, 130, 180), "blue"),
    "navy": ((0, 0, 128), "blue"),
    "blue": ((0, 0, 255), "blue"),
    "purple": ((128, 0, 128), "purple"),
    "orchid": ((218, 112, 214), "pink"),
    "pink": ((255, 192, 203), "pink"),
}
"""CSS colour names, what they look like, and the simplified colour they belong to."""


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


def quality(rgb: Pixels, *, with_contrast: bool = False) -> Json:
    """The vendor's Quality."""
    figures = {"Brightness": brightness(rgb), "Sharpness": sharpness(rgb)}
    return figures | {"Contrast": contrast(rgb)} if with_contrast else figures


def dominant_colors(rgb: Pixels, most: int) -> list[Json]:
    """The most frequent colours, the most frequent first, each the mean of the pixels that it stands for."""
    pixels = sampled(rgb).reshape(-1, 3)
    bins = (pixels.astype(np.int64) * LEVELS // 256) @ np.array([LEVELS * LEVELS, LEVELS, 1])
    counts = np.bincount(bins, minlength=LEVELS**3)
    found = [int(number) for number in np.argsort(-counts, kind="stable")[:most] if counts[number]]
    return [_color(pixels[bins == number].mean(axis=0), counts[number] * 100 / len(pixels)) for number in found]


def _color(mean: NDArray[np.float64], share_percent: float) -> Json:
    red, green, blue = (round(float(channel)) for channel in mean)
    name = min(PALETTE, key=lambda css: sum((a - b) ** 2 for a, b in zip(PALETTE[css][0], (red, green, blue), strict=True)))
    return {
        "Red": red,
        "Blue": blue,
        "Green": green,
        "HexCode": f"#{red:02x}{green:02x}{blue:02x}",
        "CSSColor": name,
        "SimplifiedColor": PALETTE[name][1],
        "PixelPercent": float(share_percent),
    }
