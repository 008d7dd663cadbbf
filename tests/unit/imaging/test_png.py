"""The head of a PNG file."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from app.core.geometry import Size
from app.errors import Problem
from app.imaging.png import MAGIC, essentials, inspect
from tests.support.images import encoded, noise, opened, told_by_text

SIZE = Size(31, 20)
PLAIN = encoded(noise(SIZE), "png")
END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def head(width_px: int = 31, height_px: int = 20, kind: bytes = b"\x08\x02\0\0\0") -> bytes:
    return chunk(b"IHDR", struct.pack(">II", width_px, height_px) + kind)


@pytest.mark.parametrize("kind", ["png", "png alpha", "png grey", "png grey alpha", "png 16 bit", "png palette", "png 1 bit"])
def test_every_kind_of_pixel(kind: str) -> None:
    assert inspect(encoded(noise(SIZE), kind)) == SIZE


def test_an_animation_is_taken_as_the_still_picture_in_it() -> None:
    file = BytesIO()
    noise(SIZE).save(file, "PNG", save_all=True, append_images=[noise(SIZE, 1)])
    assert inspect(file.getvalue()) == SIZE
    assert opened(essentials(file.getvalue())).tobytes() == noise(SIZE).tobytes()


def test_what_follows_the_end_is_no_matter() -> None:
    assert inspect(PLAIN + b"more") == SIZE


@pytest.mark.parametrize("length", [8, 11, 20, 40, len(PLAIN) // 2, len(PLAIN) - 12, len(PLAIN) - 1])
def test_a_file_without_its_end_is_truncated(length: int) -> None:
    with pytest.raises(Problem, match="truncated"):
        inspect(PLAIN[:length])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (END, "begin with a header"),
        (chunk(b"IDAT") + head() + END, "begin with a header"),
        (head() + head() + chunk(b"IDAT") + END, "two headers"),
        (head() + END, "no pixels"),
        (head()[:-1] + b"\0" + chunk(b"IDAT") + END, "damaged"),
        (chunk(b"IHDR", bytes(12)) + chunk(b"IDAT") + END, "damaged"),
        (head(0) + chunk(b"IDAT") + END, "impossible"),
        (head(height_px=0) + chunk(b"IDAT") + END, "impossible"),
        (head(2**31) + chunk(b"IDAT") + END, "impossible"),
        (head(kind=b"\x03\x02\0\0\0") + chunk(b"IDAT") + END, "does not exist"),
        (head(kind=b"\x08\x05\0\0\0") + chunk(b"IDAT") + END, "does not exist"),
        (head(kind=b"\x08\x02\x01\0\0") + chunk(b"IDAT") + END, "does not exist"),
        (head(kind=b"\x08\x02\0\x01\0") + chunk(b"IDAT") + END, "does not exist"),
        (head(kind=b"\x08\x02\0\0\x02") + chunk(b"IDAT") + END, "does not exist"),
        (head() + chunk(b"teSt") * 10_001 + chunk(b"IDAT") + END, "too many chunks"),
        (head() + struct.pack(">I", 2**32 - 1) + b"IDAT", "truncated"),
    ],
    ids=told_by_text,
)
def test_broken_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        inspect(MAGIC + data)


def test_essentials_are_the_same_pixels_without_the_rest() -> None:
    """A few compressed bytes of text may unfold to gigabytes; they never reach a decoder."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("note", "unfolds" * 10_000, zip=True)
    file = BytesIO()
    palette = noise(SIZE).convert("P")
    palette.save(file, "PNG", pnginfo=notes, transparency=3, gamma=0.5, exif=Image.Exif(), icc_profile=b"profile")
    slim = essentials(file.getvalue())
    for left_out in (b"zTXt", b"iCCP", b"gAMA", b"eXIf"):
        assert left_out not in slim
    for kept in (b"PLTE", b"tRNS"):
        assert kept in slim
    assert opened(slim).tobytes() == palette.convert("RGB").tobytes()
