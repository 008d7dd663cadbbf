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

RIFF, RIFF_KIND_AT = b"RIFF", 8
"""WebP is a RIFF file: its own name comes after the length."""


class ImageFormat(StrEnum):
    """Formats by the names that Pillow has for them."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"
    ICO = "ICO"


JPEG_AND_PNG = frozenset({ImageFormat.JPEG, ImageFormat.PNG})
STARTS = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"GIF87a": ImageFormat.GIF,
    b"GIF89a": ImageFormat.GIF,
    b"BM": ImageFormat.BMP,
    b"II*\0": ImageFormat.TIFF,
    b"MM\0*": ImageFormat.TIFF,
    b"\0\0\1\0": ImageFormat.ICO,
}
SUFFIXES = {ImageFormat.JPEG: ".jpg", ImageFormat.TIFF: ".tif"}
"""Where a file's usual ending is not simply the format's name."""


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
class ImageLimits:
    """What a vendor accepts: shortest and longest side and number of pixels, of the image as stored, and formats."""

    least_px: int
    most_px: int | None = None
    most_pixels: int | None = None
    formats: frozenset[ImageFormat] = JPEG_AND_PNG


def format_of(data: bytes) -> ImageFormat | None:
    """What the first bytes say that a file is."""
    if data.startswith(RIFF):
        return ImageFormat.WEBP if data[RIFF_KIND_AT:].startswith(b"WEBP") else None
    return next((kind for start, kind in STARTS.items() if data.startswith(start)), None)


def suffix_of(data: bytes) -> str:
    """The usual ending of a file with these bytes."""
    kind = format_of(data)
    return ".bin" if kind is None else SUFFIXES.get(kind, f".{kind.lower()}")


def decode(data: bytes, limits: ImageLimits) -> NDArray[np.uint8]:
    """Height x width x 3, of the first picture in the file.

    A JPEG's EXIF orientation is applied; other formats are taken as stored, without their alpha.
    """
    kind = format_of(data)
    if kind is None or kind not in limits.formats:
        raise RefusedImageError(Refusal.FORMAT, f"none of {', '.join(sorted(limits.formats))}")
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
            _check_size(picture.size, limits)
            picture.load()
            upright = ImageOps.exif_transpose(picture) if kind is ImageFormat.JPEG else picture
            return _rgb(upright)
    except Image.DecompressionBombError as error:
        raise RefusedImageError(Refusal.TOO_LARGE, "far too many pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's ways of saying that a file is broken
        raise RefusedImageError(Refusal.FORMAT, "cannot be decoded") from error


def _check_size(size_wh: tuple[int, int], limits: ImageLimits) -> None:
    shown = f"{size_wh[0]} x {size_wh[1]} pixels"
    if min(size_wh) < limits.least_px:
        raise RefusedImageError(Refusal.TOO_SMALL, f"{shown}; the shortest side that is accepted is {limits.least_px}")
    if limits.most_px is not None and max(size_wh) > limits.most_px:
        raise RefusedImageError(Refusal.TOO_LARGE, f"{shown}; the longest side that is accepted is {limits.most_px}")
    if limits.most_pixels is not None and size_wh[0] * size_wh[1] > limits.most_pixels:
        raise RefusedImageError(Refusal.TOO_LARGE, f"{shown}; at most {limits.most_pixels} pixels are accepted")


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255 instead of scaling
        grey = (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
        return np.stack([grey, grey, grey], axis=-1)
    return np.array(picture.convert("RGB"))
