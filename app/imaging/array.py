"""An encoded image as upright RGB pixels in an array, for models that run here. Callers: the local provider, calibration.

In: the image's bytes. Out: height x width x 3, uint8. Raises Problem: INVALID_IMAGE, IMAGE_TOO_LARGE.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import Size
from app.imaging.decode import decode
from app.imaging.header import inspect

FORMATS = frozenset({"jpeg", "png", "webp"})


def read_rgb(data: bytes, *, max_pixels: int, longest_px: int | None = None) -> NDArray[np.uint8]:
    """`longest_px`: a larger image is scaled down to it while it is decoded, which saves most of the time and the memory."""
    picture = inspect(data, formats=FORMATS, max_pixels=max_pixels)
    target = None if longest_px is None else _reduced(picture.upright, longest_px)
    return np.asarray(decode(data, picture, target), np.uint8)


def _reduced(size: Size, longest_px: int) -> Size | None:
    """The same shape with that longest side; None for an image that is no larger."""
    if size.longest_px <= longest_px:
        return None
    scale = longest_px / size.longest_px
    return Size(max(1, round(size.width_px * scale)), max(1, round(size.height_px * scale)))
