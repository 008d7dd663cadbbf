"""Bytes to upright RGB pixels, with a vendor's limits: format, completeness, size.

In: encoded bytes. Out: pixels, or a `RefusedImageError` that says why. Called by the vendors' services, in a thread.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

JPEG_START = b"\xff\xd8\xff"
PNG_START = b"\x89PNG\r\n\x1a\n"


class Refusal(StrEnum):
    """Why an image is refused."""

    FORMAT = "format"  # another format, or damaged, or cut off
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"


class RefusedImageError(Exception):
    """The image cannot be looked at."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(f"{refusal.value}: {detail}")
        self.refusal = refusal
        self.detail = detail


@dataclass(frozen=True, slots=True)
class SideLimits:
    """Shortest and longest side that are accepted, of the image as stored."""

    least_px: int
    most_px: int


def suffix_of(data: bytes) -> str:
    """The usual ending of a file with these bytes."""
    if data.startswith(JPEG_START):
        return ".jpg"
    return ".png" if data.startswith(PNG_START) else ".bin"


def decode(data: bytes, limits: SideLimits) -> NDArray[np.uint8]:
    """Height x width x 3. A JPEG's EXIF orientation is applied; a PNG is taken as stored, without its alpha."""
    if not data.startswith((JPEG_START, PNG_START)):
        raise RefusedImageError(Refusal.FORMAT, "neither JPEG nor PNG")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            _check_sides(picture.size, limits)
            picture.load()
            upright = ImageOps.exif_transpose(picture) if data.startswith(JPEG_START) else picture
            return _rgb(upright)
    except Image.DecompressionBombError as error:
        raise RefusedImageError(Refusal.TOO_LARGE, "far too many pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's ways of saying that a file is broken
        raise RefusedImageError(Refusal.FORMAT, "cannot be decoded") from error


def _check_sides(size_wh: tuple[int, int], limits: SideLimits) -> None:
    shown = f"{size_wh[0]} x {size_wh[1]} pixels"
    if min(size_wh) < limits.least_px:
        raise RefusedImageError(Refusal.TOO_SMALL, f"{shown}; the shortest side that is accepted is {limits.least_px}")
    if max(size_wh) > limits.most_px:
        raise RefusedImageError(Refusal.TOO_LARGE, f"{shown}; the longest side that is accepted is {limits.most_px}")


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255 instead of scaling
        grey = (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
        return np.stack([grey, grey, grey], axis=-1)
    return np.array(picture.convert("RGB"))
