"""From an image file, or a part of it, to upright RGB pixels of the wanted size. Callers: `compose`, `transcode`.

In: the bytes and the `Picture` that `header.inspect` made of them. Out: a Pillow image, mode RGB. Raises
Problem(INVALID_IMAGE) for whatever is wrong with the bytes; MemoryError is the machine's affair and passes.

The plugins of Pillow are called directly, on files reduced to what concerns the pixels: so no other plugin ever sees a
client's bytes, no text or profile is unpacked, and none of Pillow's warnings can arise. The GIL is free while Pillow works.
"""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.core.geometry import PixelBox, Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging import jpeg, png

# What is transparent is shown on white: cut-outs of products and logos are made for white pages, and most have dark outlines.
BACKGROUND_RGB = (255, 255, 255)
# Pillow's documentation calls these two equally good for reducing, and Hamming takes 0.6 of the time. Measured against Lanczos
# (40 COCO photographs, reduced to 0.55-0.95): Hamming 39 dB, bicubic 45, box 34, where the sheet's own JPEG keeps 38.
REDUCING_FILTER = Image.Resampling.HAMMING
ENLARGING_FILTER = Image.Resampling.BICUBIC
# Large reductions of what has no scaled decoding (PNG, WebP) first average whole blocks, down to this many times the target:
# three times faster at a tenth of the size, and hard to tell from the full way (Pillow's documentation of `reducing_gap`).
REDUCING_GAP = 2.0

# Largest image that is decoded for a sheet, pixels. Decoding takes up to 8 bytes a pixel (progressive JPEG 6, even where it is
# scaled): two threads that each decode the largest stay below 600 MB. A larger one goes alone, mostly as it is.
MOST_SCALED_PIXELS = 40_000_000  # JPEG
MOST_WHOLE_PIXELS = 16_000_000  # PNG and WebP, which are decoded whole

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = range(5, 9)  # width and height change places
# What is left in the upright image is right (top: bottom) as stored; where it lies sideways, read both after the change.
_FROM_RIGHT = frozenset({2, 3, 6, 7})
_FROM_BOTTOM = frozenset({3, 4, 7, 8})
# Of the sizes at which libjpeg can decode, those that Pillow offers: 1/8, 1/4, 1/2, all.
_DIVISORS = (8, 4, 2, 1)
_WITH_ALPHA = frozenset({"LA", "PA", "RGBA"})
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
# Modes whose numbers can be averaged as they are.
_SCALABLE = frozenset({"L", "RGB", "RGBA", "CMYK"})


def is_cheap(picture: Picture) -> bool:
    """Whether an image may be decoded for a sheet, by what it takes of the memory that all share."""
    most_pixels = MOST_SCALED_PIXELS if picture.format == "jpeg" else MOST_WHOLE_PIXELS
    return picture.stored.width_px * picture.stored.height_px <= most_pixels


def draft_divisor(stored_wh_px: tuple[int, int], target_wh_px: tuple[int, int], view_px: tuple[int, int, int, int]) -> int:
    """A JPEG is decoded at 1 / this of its size: as small as leaves the view as many pixels as its target has.

    A large image smaller still: a small view could otherwise ask for all of its pixels, and for their memory.
    """
    left, top, right, bottom = view_px
    spare = min((right - left) // target_wh_px[0], (bottom - top) // target_wh_px[1])
    cheap = math.sqrt(stored_wh_px[0] * stored_wh_px[1] / MOST_WHOLE_PIXELS)
    least = next((divisor for divisor in reversed(_DIVISORS) if divisor >= cheap), _DIVISORS[0])
    return max(least, next((divisor for divisor in _DIVISORS if divisor <= spare), 1))


def decode(data: bytes, picture: Picture, target: Size | None = None, view: PixelBox | None = None) -> Image.Image:
    """Upright pixels, scaled to exactly `target` (an upright size) where one is given.

    `view`, a part of the upright image, comes with a target: that part alone is scaled to it. To parts of a pixel the same as
    if the whole had been scaled and then cut, also at its edges, whose pixels mix with what lies beside them in the image.
    """
    if view is not None and target is None:
        raise ValueError("a view is scaled to a target")
    try:
        return _decode(data, picture, target, view)
    except (Problem, MemoryError):
        raise
    except Exception as error:  # on hostile bytes Pillow's plugins raise a dozen types, and promise none of them
        raise Problem(Kind.INVALID_IMAGE, f"the image cannot be decoded as {picture.format}") from error


def _decode(data: bytes, picture: Picture, target: Size | None, view: PixelBox | None) -> Image.Image:
    file = _open(data, picture.format)
    if file.size != (picture.stored.width_px, picture.stored.height_px):
        raise Problem(Kind.INVALID_IMAGE, f"the image is not {picture.stored} pixels, as its header says")
    pixels = _scaled(file, _as_stored(target, picture), _view_as_stored(view, picture)) if target else _plain(file)
    turn = _TURNS.get(picture.orientation)
    return _rgb(pixels if turn is None else pixels.transpose(turn))


def _open(data: bytes, format: str) -> ImageFile:
    """The file with its header read. Unlike `Image.open` this never guesses another format and warns of nothing."""
    match format:
        case "jpeg":
            return JpegImageFile(BytesIO(jpeg.essentials(data)))
        case "png":
            return PngImageFile(BytesIO(png.essentials(data)))
        case "webp":
            return WebPImageFile(BytesIO(data))
        case _:
            raise ValueError(f"no decoder for {format!r}")


def _as_stored(target: Size, picture: Picture) -> tuple[int, int]:
    """The target before it is turned upright: scaling comes first, while there is least to turn."""
    stored = target.transposed() if picture.orientation in _SIDEWAYS else target
    return stored.width_px, stored.height_px


def _view_as_stored(view: PixelBox | None, picture: Picture) -> tuple[int, int, int, int]:
    """The view's edges (xyxy) before the image is turned upright; without a view the whole image's."""
    if view is None:
        return 0, 0, picture.stored.width_px, picture.stored.height_px
    left, top, right, bottom = (int(edge_px) for edge_px in view)
    if picture.orientation in _FROM_RIGHT:
        left, right = picture.upright.width_px - right, picture.upright.width_px - left
    if picture.orientation in _FROM_BOTTOM:
        top, bottom = picture.upright.height_px - bottom, picture.upright.height_px - top
    return (top, left, bottom, right) if picture.orientation in _SIDEWAYS else (left, top, right, bottom)


def _scaled(file: ImageFile, target_wh_px: tuple[int, int], view_px: tuple[int, int, int, int]) -> Image.Image:
    """The view, scaled; JPEG is decoded at 1/2, 1/4 or 1/8 where the view is then still at least the target."""
    stored_wh_px = file.size
    divisor = draft_divisor(stored_wh_px, target_wh_px, view_px)
    drafted = file.draft(file.mode, (stored_wh_px[0] // divisor, stored_wh_px[1] // divisor))
    # Drafted pixels per stored one, not rounded: a side that 2, 4 or 8 does not divide ends within the last pixel.
    scale = drafted[1][2] / stored_wh_px[0] if drafted else 1.0
    box = (view_px[0] * scale, view_px[1] * scale, view_px[2] * scale, view_px[3] * scale)
    pixels = _plain(file)
    if pixels.size == target_wh_px and box == (0, 0, *target_wh_px):
        return pixels
    reduces = target_wh_px[0] <= box[2] - box[0] and target_wh_px[1] <= box[3] - box[1]
    resampling = REDUCING_FILTER if reduces else ENLARGING_FILTER
    return pixels.resize(target_wh_px, resampling, box=box, reducing_gap=REDUCING_GAP)


def _plain(file: ImageFile) -> Image.Image:
    """The pixels in a mode that can be scaled: 8 bits a channel, no palette, no colour that stands for transparency."""
    file.load()
    if file.mode in _SIXTEEN_BITS:
        return Image.fromarray((np.asarray(file).astype(np.uint32) >> 8).astype(np.uint8))
    if file.mode in _WITH_ALPHA or "transparency" in file.info:
        return file.convert("RGBA")
    if file.mode in _SCALABLE:
        return file
    return file.convert("L" if file.mode == "1" else "RGB")


def _rgb(pixels: Image.Image) -> Image.Image:
    if pixels.mode != "RGBA":
        return pixels if pixels.mode == "RGB" else pixels.convert("RGB")
    shown = Image.new("RGB", pixels.size, BACKGROUND_RGB)
    shown.paste(pixels, mask=pixels.getchannel("A"))
    return shown
