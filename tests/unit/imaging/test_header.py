"""What an image is, from its header alone."""

from __future__ import annotations

import struct
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging.header import inspect
from tests.support.damage import DAMAGED
from tests.support.images import ALL_FORMATS, KINDS, MAX_PIXELS, encoded, noise, told_by_text

SIZE = Size(37, 23)


def check(data: bytes, formats: frozenset[str] = ALL_FORMATS, max_pixels: int = MAX_PIXELS) -> Picture:
    return inspect(data, formats=formats, max_pixels=max_pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_format_in_every_orientation(kind: str, orientation: int) -> None:
    """PNG is taken as it is stored, whatever its tag says: so do the vendors."""
    picture = check(encoded(noise(SIZE), kind, orientation))
    assert picture.format == KINDS[kind].format.lower()
    assert picture.stored == (SIZE.transposed() if orientation >= 5 else SIZE)
    assert picture.orientation == (orientation if KINDS[kind].turns else 1)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"\0", "unknown format"),
        (b"hello", "unknown format"),
        (b"GIF89a" + bytes(50), "gif; accepted are jpeg, png, webp"),
        (b"BM" + bytes(50), "bmp"),
        (b"II*\0" + bytes(50), "tiff"),
        (b"MM\0*" + bytes(50), "tiff"),
        (b"%PDF-1.7", "pdf"),
        (b"<svg>", "svg"),
        (b"\0\0\0\x18ftypheic", "heic"),
        (b"/9j/4AAQSkZJRgABAQ", "base64"),
        (b"iVBORw0KGgoAAAAN", "base64"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"RIFF\0\0\0\0WEBP", "no pixels"),
    ],
    ids=told_by_text,
)
def test_what_is_no_image_is_named(data: bytes, told: str) -> None:
    with pytest.raises(Problem, match=told) as refusal:
        check(data)
    assert refusal.value.kind is Kind.INVALID_IMAGE


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_format_that_the_vendor_does_not_read_is_refused(kind: str) -> None:
    with pytest.raises(Problem, match=f"the image is {kind}; accepted are "):
        check(encoded(noise(SIZE), kind), ALL_FORMATS - {kind})


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_too_many_pixels_are_refused(kind: str) -> None:
    data = encoded(noise(SIZE), kind)
    assert check(data, max_pixels=SIZE.pixels).stored == SIZE
    with pytest.raises(Problem, match="37x23") as refusal:
        check(data, max_pixels=SIZE.pixels - 1)
    assert refusal.value.kind is Kind.IMAGE_TOO_LARGE


def test_a_bomb_is_refused_by_its_header() -> None:
    """Two kilobytes that would unfold to three gigabytes."""
    body = struct.pack(">II", 30_000, 30_000) + b"\x08\x02\0\0\0"
    chunks = [(b"IHDR", body), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    with pytest.raises(Problem) as refusal:
        check(bomb)
    assert refusal.value.kind is Kind.IMAGE_TOO_LARGE


@given(st.one_of(st.binary(max_size=400), DAMAGED))
def test_hostile_bytes_raise_nothing_but_a_problem(data: bytes) -> None:
    picture: Picture | None = None
    kind: Kind | None = None
    try:
        picture = check(data)
    except Problem as problem:
        kind = problem.kind
    assert kind in {None, Kind.INVALID_IMAGE, Kind.IMAGE_TOO_LARGE}
    assert picture is None or (picture.format in ALL_FORMATS and picture.stored.pixels <= MAX_PIXELS)


LARGE_BYTES = 5_000_000
# What is linear takes some hundredths of a second for five megabytes, what is quadratic takes hours: room for a busy machine.
CHEAP_S = 0.5


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xff\xd8\xff" + b"\xff" * LARGE_BYTES,
        b"\xff\xd8\xff" + b"\xe0\0\x02\xff" * (LARGE_BYTES // 4),
        b"\xff\xd8\xff\x01" + b"\xff\0" * (LARGE_BYTES // 2),
        b"\xff\xd8" + b"\0" * LARGE_BYTES,
        encoded(noise(SIZE))[:-2] + b"\xff\0" * (LARGE_BYTES // 2),
        b"\x89PNG\r\n\x1a\n" + (bytes(4) + b"IHDR" + bytes(4)) + (bytes(4) + b"teSt" + bytes(4)) * (LARGE_BYTES // 12),
        b"RIFF" + struct.pack("<I", LARGE_BYTES) + b"WEBP" + b"none\0\0\0\0" * (LARGE_BYTES // 8 + 1),
    ],
    ids=["fill bytes", "tiny segments", "stuffed bytes", "zeros", "no end", "tiny PNG chunks", "tiny WebP chunks"],
)
def test_hostile_files_cost_little(hostile: bytes) -> None:
    started_s = time.process_time()
    with pytest.raises(Problem):
        check(hostile)
    assert time.process_time() - started_s < CHEAP_S
