"""Small images in every format that clients send, with a rectangle in them that can be found again.

`painted` makes the upright picture, `encoded` puts it into a file of one of `KINDS`, in any EXIF orientation; `found` looks
for the rectangle in any RGB picture. For tests only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from app.core.geometry import PixelBox, Size
from app.core.model import Picture
from app.imaging.compose import Source
from app.imaging.header import inspect

ALL_FORMATS = frozenset({"jpeg", "png", "webp"})
# More than any test paints, far below what would take memory.
MAX_PIXELS = 50_000_000

DARK_RGB = (25, 25, 25)
LIGHT_RGB = (235, 235, 235)
# Between dark and light, so that it holds after JPEG and scaling, and in grey as well as in colour.
LIGHT_FROM = 130
_ORIENTATION_TAG = 0x0112
# How a camera held this way stores an upright picture: the inverse of what a viewer does to show it.
_STORED_FROM_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True)
class FileKind:
    """A way of storing pixels: Pillow's format and mode, and its options for writing."""

    format: str
    mode: str
    options: Mapping[str, Any]

    @property
    def turns(self) -> bool:
        """Whether readers apply an orientation tag in this format."""
        return self.format != "PNG"


KINDS: Mapping[str, FileKind] = {
    "jpeg": FileKind("JPEG", "RGB", {"quality": 90}),
    "jpeg progressive": FileKind("JPEG", "RGB", {"quality": 90, "progressive": True}),
    "jpeg grey": FileKind("JPEG", "L", {"quality": 90}),
    "jpeg cmyk": FileKind("JPEG", "CMYK", {"quality": 90}),
    "jpeg full colour": FileKind("JPEG", "RGB", {"quality": 90, "subsampling": 0}),
    "png": FileKind("PNG", "RGB", {}),
    "png alpha": FileKind("PNG", "RGBA", {}),
    "png grey": FileKind("PNG", "L", {}),
    "png grey alpha": FileKind("PNG", "LA", {}),
    "png 16 bit": FileKind("PNG", "I;16", {}),
    "png palette": FileKind("PNG", "P", {}),
    "png 1 bit": FileKind("PNG", "1", {}),
    "webp": FileKind("WEBP", "RGB", {"quality": 90}),
    "webp lossless": FileKind("WEBP", "RGB", {"lossless": True}),
    "webp alpha": FileKind("WEBP", "RGBA", {"quality": 90}),
}


def painted(size: Size, rectangle_px: tuple[int, int, int, int]) -> Image.Image:
    """A dark picture with a light rectangle (left, top, right, bottom)."""
    picture = Image.new("RGB", (size.width_px, size.height_px), DARK_RGB)
    picture.paste(LIGHT_RGB, rectangle_px)
    return picture


def noise(size: Size, seed: int = 0) -> Image.Image:
    """A picture in which everything is different from everything."""
    values = np.random.default_rng(seed).integers(0, 256, (size.height_px, size.width_px, 3), dtype=np.uint8)
    return Image.fromarray(values)


def encoded(upright: Image.Image, kind: str = "jpeg", orientation: int = 1) -> bytes:
    """The picture as a file that shows it upright once `orientation` is applied (tagged where it is not 1)."""
    how = KINDS[kind]
    stored = upright if orientation == 1 else upright.transpose(_STORED_FROM_UPRIGHT[orientation])
    options = dict(how.options)
    if orientation != 1:
        exif = Image.Exif()
        exif[_ORIENTATION_TAG] = orientation
        options["exif"] = exif
    file = BytesIO()
    _as_mode(stored, how.mode).save(file, how.format, **options)
    return file.getvalue()


def looked_at(data: bytes) -> Picture:
    """What admission makes of the file."""
    return inspect(data, formats=ALL_FORMATS, max_pixels=MAX_PIXELS)


def source(upright: Image.Image, kind: str = "jpeg", orientation: int = 1) -> Source:
    """The picture as it would come out of a job."""
    data = encoded(upright, kind, orientation)
    return Source(data, looked_at(data))


def opened(data: bytes) -> Image.Image:
    """Any file's pixels as RGB, as stored."""
    with Image.open(BytesIO(data)) as file:
        return file.convert("RGB")


def found(picture: Image.Image, within_px: PixelBox) -> PixelBox:
    """Where the light rectangle is inside `within_px`, in the picture's own pixels."""
    left, top, right, bottom = (int(edge) for edge in within_px)
    light = np.asarray(picture.convert("L"))[top:bottom, left:right] >= LIGHT_FROM
    columns, rows = np.flatnonzero(light.any(axis=0)), np.flatnonzero(light.any(axis=1))
    if not columns.size:
        raise AssertionError("there is no rectangle to be found")
    return PixelBox(float(left + columns[0]), float(top + rows[0]), float(left + columns[-1] + 1), float(top + rows[-1] + 1))


def told_by_text(value: object) -> str:
    """A test's name from its table row: the words in it, never its bytes."""
    return value if isinstance(value, str) else "file" if isinstance(value, bytes) else str(value)


def _as_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    if mode == "1":
        return picture.convert("1", dither=Image.Dither.NONE)
    if mode == "P":
        return picture.quantize(dither=Image.Dither.NONE)
    return picture.convert(mode)
