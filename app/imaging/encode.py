"""From pixels to a file within a number of bytes. Callers: `compose`, `transcode`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from PIL import Image

# Colour is kept at full resolution. At the same number of bytes that is nearer to the original than more quality with halved
# colour (measured on 40 COCO photographs at half size: quality 88 with full colour 36.8 dB, quality 92 with halved colour
# 36.3 dB, both 25.5 kB), and what is on a sheet is small: halved colour blurs a coat or a traffic light of a few pixels.
SUBSAMPLING = "4:4:4"
# Tried in turn where a file is too large, each 0.7 to 0.8 of the bytes before. Below 30 the blocks show more than the things.
LOWER_QUALITIES = (80, 65, 45, 30)
# PNG: a third of the time that Pillow's default of 6 takes, for a quarter more bytes that nobody stores.
COMPRESS_LEVEL = 1


def encode(pixels: Image.Image, format: str, *, quality: int, max_bytes: int) -> bytes | None:
    """The file, at `quality` or as far below it as `max_bytes` asks for; None where even that is too large."""
    for step in (quality, *(lower for lower in LOWER_QUALITIES if lower < quality)) if format == "jpeg" else (quality,):
        data = _encoded(pixels, format, step)
        if len(data) <= max_bytes:
            return data
    return None


def _encoded(pixels: Image.Image, format: str, quality: int) -> bytes:
    with _memory_file() as file:
        match format:
            case "jpeg":
                pixels.save(file, "JPEG", quality=quality, subsampling=SUBSAMPLING)
            case "png":
                pixels.save(file, "PNG", compress_level=COMPRESS_LEVEL)
            case _:
                raise ValueError(f"no encoder for {format!r}")
        file.seek(0)
        return file.read()


@contextmanager
def _memory_file() -> Iterator[BinaryIO]:
    """A file in memory. Pillow lets go of the interpreter's lock only while it writes to a real file descriptor."""
    if not hasattr(os, "memfd_create"):  # not Linux
        yield BytesIO()
        return
    with os.fdopen(os.memfd_create("tessera"), "w+b") as file:
        yield file
