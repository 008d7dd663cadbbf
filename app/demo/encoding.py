"""The encodings that real clients send, and how a painted picture is put into each.

In: an upright RGB picture. Out: a file's bytes. Called by `scenes`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

JPEG_QUALITY = 88  # what telephones and web sites use
WEBP_QUALITY = 85
WEBP_EFFORT = 0  # of 6: quick, a little larger
PNG_EFFORT = 3  # zlib level of 9: half the bytes of 1, a third of the time of the default
LEAST_ALPHA = 60  # of 255: the most see-through that a background becomes
ORIENTATION_TAG = 0x0112  # EXIF
LONGEST_PX = 4000
LONGEST_BULKY_PX = 1800  # PNG and CMYK: larger ones could pass the 5 MB that the vendor takes. WebP: they take seconds to make

# How a camera that is held in this orientation stores an upright picture: the inverse of what a viewer does to show it.
STORED_FROM_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """A file format and its variant; `mode` is Pillow's, `orientation` the EXIF value (1: stored upright, without a tag).

    `longest_px`: no side of a picture in this encoding is longer.
    """

    name: str
    format: str
    suffix: str
    mode: str = "RGB"
    progressive: bool = False
    orientation: int = 1
    longest_px: int = LONGEST_PX


# In turn, so that sixteen images show them all; plain JPEG twice, as the most common one.
ENCODINGS = (
    Encoding("JPEG", "JPEG", "jpg"),
    Encoding("PNG with alpha", "PNG", "png", mode="RGBA", longest_px=LONGEST_BULKY_PX),
    Encoding("JPEG turned (EXIF 6)", "JPEG", "jpg", orientation=6),
    Encoding("WebP", "WEBP", "webp", longest_px=LONGEST_BULKY_PX),
    Encoding("JPEG progressive", "JPEG", "jpg", progressive=True),
    Encoding("JPEG CMYK", "JPEG", "jpg", mode="CMYK", longest_px=LONGEST_BULKY_PX),
    Encoding("JPEG turned (EXIF 8)", "JPEG", "jpg", orientation=8),
    Encoding("JPEG grey", "JPEG", "jpg", mode="L"),
    Encoding("PNG", "PNG", "png", longest_px=LONGEST_BULKY_PX),
    Encoding("JPEG turned (EXIF 3)", "JPEG", "jpg", orientation=3),
    Encoding("JPEG", "JPEG", "jpg"),
    Encoding("WebP with alpha", "WEBP", "webp", mode="RGBA", longest_px=LONGEST_BULKY_PX),
    Encoding("JPEG mirrored (EXIF 2)", "JPEG", "jpg", orientation=2),
    Encoding("JPEG mirrored (EXIF 4)", "JPEG", "jpg", orientation=4),
    Encoding("JPEG turned, mirrored (EXIF 5)", "JPEG", "jpg", orientation=5),
    Encoding("JPEG turned, mirrored (EXIF 7)", "JPEG", "jpg", orientation=7),
    Encoding("PNG grey", "PNG", "png", mode="L", longest_px=LONGEST_BULKY_PX),
)


def encode(picture: Image.Image, encoding: Encoding, cards: Sequence[tuple[int, int, int, int]]) -> bytes:
    """The file's bytes. Where the format carries alpha the background fades; the cards (xyxy, pixels) stay opaque."""
    stored = picture.transpose(STORED_FROM_UPRIGHT[encoding.orientation]) if encoding.orientation != 1 else picture
    if encoding.mode == "RGBA":
        stored = picture.copy()
        stored.putalpha(_fading(picture.size, cards))
    elif encoding.mode != "RGB":
        stored = stored.convert(encoding.mode)
    target = io.BytesIO()
    stored.save(target, encoding.format, **_options(encoding))
    return target.getvalue()


def _options(encoding: Encoding) -> dict[str, object]:
    if encoding.format == "PNG":
        return {"compress_level": PNG_EFFORT}
    if encoding.format == "WEBP":
        return {"quality": WEBP_QUALITY, "method": WEBP_EFFORT}
    exif = Image.Exif()
    if encoding.orientation != 1:
        exif[ORIENTATION_TAG] = encoding.orientation
    return {"quality": JPEG_QUALITY, "progressive": encoding.progressive, "exif": exif}


def _fading(size_wh: tuple[int, int], cards: Sequence[tuple[int, int, int, int]]) -> Image.Image:
    """Opaque at the left, see-through towards the right, opaque on the cards."""
    width, height = size_wh
    levels = np.linspace(255, LEAST_ALPHA, width).astype(np.uint8)
    alpha = Image.fromarray(np.broadcast_to(levels, (height, width)).copy())
    draw = ImageDraw.Draw(alpha)
    for left, top, right, bottom in cards:
        draw.rectangle((left, top, right - 1, bottom - 1), fill=255)
    return alpha
