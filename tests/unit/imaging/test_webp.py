"""The head of a WebP file."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest

from app.core.geometry import Size
from app.errors import Problem
from app.imaging.webp import inspect, is_webp
from tests.support.images import encoded, noise, told_by_text

SIZE = Size(33, 21)
LOSSY, LOSSLESS = encoded(noise(SIZE), "webp"), encoded(noise(SIZE), "webp lossless")
VP8 = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 33, 21)
VP8L = b"\x2f" + struct.pack("<I", 32 | 20 << 14)


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended(flags: int = 0, width_px: int = 33, height_px: int = 21) -> bytes:
    sides = struct.pack("<I", width_px - 1)[:3] + struct.pack("<I", height_px - 1)[:3]
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


@pytest.mark.parametrize("kind", ["webp", "webp lossless", "webp alpha"])
def test_every_kind_of_pixel(kind: str) -> None:
    assert inspect(encoded(noise(SIZE), kind)) == (SIZE, 1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_orientation_stands_behind_the_pixels(orientation: int) -> None:
    stored, found = inspect(encoded(noise(SIZE), "webp", orientation))
    assert found == orientation
    assert stored == (SIZE.transposed() if orientation >= 5 else SIZE)


@pytest.mark.parametrize(
    "data",
    [
        riff(chunk(b"VP8 ", VP8)),
        riff(chunk(b"VP8L", VP8L)),
        riff(extended(), chunk(b"VP8 ", VP8)),
        riff(extended(), chunk(b"odd!", b"1"), chunk(b"VP8L", VP8L), chunk(b"VP8 ", b""), extended(0, 1, 1)),
        riff(chunk(b"VP8 ", VP8), b"\0\0\0"),
        riff(chunk(b"VP8 ", VP8)) + b"behind the end",
    ],
    ids=told_by_text,
)
def test_oddities_that_decoders_forgive(data: bytes) -> None:
    assert inspect(data) == (SIZE, 1)


@pytest.mark.parametrize("whole", [LOSSY, LOSSLESS], ids=["lossy", "lossless"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_without_its_end_is_truncated(whole: bytes, share: float) -> None:
    with pytest.raises(Problem, match="truncated"):
        inspect(whole[: int(len(whole) * share)])


def test_an_animation_is_refused() -> None:
    file = BytesIO()
    noise(SIZE).save(file, "WEBP", save_all=True, append_images=[noise(SIZE, 1)], duration=100)
    with pytest.raises(Problem, match="animation"):
        inspect(file.getvalue())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (riff(), "no pixels"),
        (riff(extended()), "no pixels"),
        (riff(extended(0, 34), chunk(b"VP8 ", VP8)), "disagree"),
        (riff(chunk(b"VP8 ", b"\x11" + VP8[1:])), "key frame"),
        (riff(chunk(b"VP8 ", VP8[:3] + b"\0" + VP8[4:])), "key frame"),
        (riff(chunk(b"VP8 ", VP8[:6] + b"\0\xc0\x15\0")), "zero"),
        (riff(chunk(b"VP8 ", VP8[:8])), "truncated"),
        (riff(chunk(b"VP8 ", b"")), "truncated"),
        (riff(chunk(b"VP8L", b"\x2e" + VP8L[1:])), "signature"),
        (riff(chunk(b"VP8L", VP8L[:3])), "truncated"),
        (riff(chunk(b"VP8X", b"\0")), "truncated"),
        (riff(b"VP8 \xff\xff\xff\xff"), "truncated"),
        (riff(*[chunk(b"none", b"")] * 1001, chunk(b"VP8 ", VP8)), "too many chunks"),
    ],
    ids=told_by_text,
)
def test_broken_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        inspect(data)


@pytest.mark.parametrize(("data", "is_one"), [(LOSSY, True), (b"RIFF1234WAVE", False), (b"RIFF", False), (b"", False)])
def test_how_a_webp_begins(data: bytes, is_one: bool) -> None:
    assert is_webp(data) is is_one
