"""The colours of an image in the vendor's twelve names.

In: a scene. Out: the shares of the names, and the member `color` of 3.2. The vendor does not publish its formulas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.emulators.azure.parameters import Json
from app.emulators.pixels import Pixels, sampled
from app.emulators.scene import Scene

NAMES = {
    "Black": (0, 0, 0),
    "Blue": (30, 60, 200),
    "Brown": (120, 70, 30),
    "Grey": (128, 128, 128),
    "Green": (40, 140, 50),
    "Orange": (255, 140, 0),
    "Pink": (255, 170, 190),
    "Purple": (120, 30, 140),
    "Red": (210, 20, 30),
    "Teal": (0, 128, 128),
    "White": (255, 255, 255),
    "Yellow": (250, 230, 40),
}
"""The vendor's names, and a colour that each stands for."""
LEAST_SHARE = 0.1
"""A colour with less of the image than this is not dominant; the most frequent one always is."""
ACCENT_SHARE = 0.02
"""The accent is the mean of so large a share of the pixels, those with the strongest colour."""
GREY_SPREAD = 12
"""Levels between a pixel's strongest and weakest channel up to which it counts as grey: what JPEG makes of grey."""


def named_shares(pixels: NDArray[np.uint8]) -> list[tuple[str, float]]:
    """Every name that occurs with its share, the largest first. In: pixels in any arrangement, channels last."""
    flat = pixels.reshape(-1, 3).astype(np.int32)
    distances = np.stack([((flat - np.array(rgb)) ** 2).sum(axis=1) for rgb in NAMES.values()], axis=1)
    counts = np.bincount(distances.argmin(axis=1), minlength=len(NAMES))
    shares = [(name, int(count) / len(flat)) for name, count in zip(NAMES, counts, strict=True) if count]
    return sorted(shares, key=lambda item: -item[1])


def spread(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """How colourful each pixel is: levels between its strongest and its weakest channel."""
    levels = pixels.astype(np.int32)
    return np.asarray(levels.max(axis=-1) - levels.min(axis=-1), np.int32)


def is_black_and_white(rgb: Pixels) -> bool:
    return bool((spread(sampled(rgb)) <= GREY_SPREAD).mean() > 0.99)


def color(scene: Scene) -> Json:
    """The member `color`. What lies in any box is foreground; where nothing was seen, the middle of the image is."""
    shares = named_shares(sampled(scene.rgb))
    inside = _foreground(scene)
    return {
        "dominantColorForeground": named_shares(_some(scene.rgb, inside))[0][0],
        "dominantColorBackground": named_shares(_some(scene.rgb, ~inside))[0][0],
        "dominantColors": [name for place, (name, share) in enumerate(shares) if place == 0 or share >= LEAST_SHARE],
        "accentColor": _accent(sampled(scene.rgb).reshape(-1, 3)),
        "isBWImg": is_black_and_white(scene.rgb),
    }


def _foreground(scene: Scene) -> NDArray[np.bool_]:
    height_px, width_px = scene.rgb.shape[:2]
    boxes = [thing.sighting.box_xyxy_px for thing in scene.seen]
    middle = (width_px / 4, height_px / 4, width_px * 3 / 4, height_px * 3 / 4)
    inside = np.zeros((height_px, width_px), bool)
    for box in boxes or [middle]:
        left, top, right, bottom = (max(0, round(edge)) for edge in box)
        inside[top:bottom, left:right] = True
    return inside


def _some(rgb: Pixels, wanted: NDArray[np.bool_]) -> Pixels:
    """The wanted pixels, or all where none is wanted; thinned out as a whole image is."""
    step = max(1, max(rgb.shape[:2]) // max(sampled(rgb).shape[:2]))
    thin, mask = rgb[::step, ::step], wanted[::step, ::step]
    return thin[mask] if mask.any() else thin.reshape(-1, 3)


def _accent(pixels: Pixels) -> str:
    """Six hexadecimal digits."""
    count = max(1, round(len(pixels) * ACCENT_SHARE))
    strongest = pixels[np.argsort(-spread(pixels), kind="stable")[:count]]
    return "".join(f"{round(channel):02X}" for channel in strongest.mean(axis=0).tolist())
