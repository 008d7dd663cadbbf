"""Images that are none, or too much of one: what a hostile or careless client sends. For tests only."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

from PIL import Image

from app.core.geometry import Size
from tests.support.images import encoded, noise

SIDES = Size(640, 480)
# JPEG markers: quantization tables, and the head of a baseline frame, which follows them.
_TABLES, _FRAME = b"\xff\xdb", b"\xff\xc0"
# RIFF, VP8L, and the size of the picture.
_WEBP_HEAD_BYTES = 25
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def cut(kind: str, share: float = 0.6) -> bytes:
    """A file that ends before its image does."""
    data = encoded(noise(SIDES), kind)
    return data[: int(len(data) * share)]


def undecodable(kind: str) -> bytes:
    """A file that is whole and right as far as its structure goes, and that no decoder reads."""
    if kind == "png":
        return _png(SIDES.width_px, SIDES.height_px, b"no zlib stream")
    data = encoded(noise(SIDES), kind)
    if kind == "jpeg":
        return data[: data.index(_TABLES)] + data[data.index(_FRAME) :]
    return data[:_WEBP_HEAD_BYTES] + b"\xff" * (len(data) - _WEBP_HEAD_BYTES)  # lossless WebP: codes that mean nothing


def animated(kind: str) -> bytes:
    """Three frames."""
    frames = [Image.new("RGB", (320, 240), colour) for colour in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def plain_file(kind: str, size: Size = SIDES) -> bytes:
    """A good image in a format of Pillow's."""
    file = io.BytesIO()
    Image.new("RGB", (size.width_px, size.height_px), "olive").save(file, kind)
    return file.getvalue()


def png_that_claims(width_px: int, height_px: int, rows: int = 40) -> bytes:
    """A small PNG whose head promises this size; the pixels of a few rows follow."""
    return _png(width_px, height_px, zlib.compress(bytes(rows * (1 + 3 * width_px))))


def jpeg_that_claims(width_px: int, height_px: int) -> bytes:
    """A small JPEG whose frame header promises this size."""
    data = encoded(noise(Size(64, 64)))
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height_px, width_px) + data[at + 4 :]


@cache
def heavy(least_bytes: int, jpeg: bytes = b"") -> bytes:
    """A good JPEG of at least so many bytes; most of them are comments that no decoder looks at."""
    data = jpeg or encoded(noise(SIDES))
    comment = b"\xff\xfe" + struct.pack(">H", 0xFFFF) + bytes(0xFFFF - 2)
    return data[:2] + comment * (least_bytes // len(comment) + 1) + data[2:]


def _png(width_px: int, height_px: int, pixels: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return PNG_MAGIC + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
