"""The head of a JPEG file."""

from __future__ import annotations

import pytest

from app.core.geometry import Size
from app.errors import Problem
from app.imaging.jpeg import essentials, inspect
from tests.support.images import encoded, noise, opened, painted, told_by_text

SIZE = Size(41, 30)
PLAIN = encoded(noise(SIZE))
TURNED = encoded(noise(SIZE), orientation=6)
SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def frame(marker: int = 0xC0, width_px: int = 41, height_px: int = 30, bits: int = 8, components: int = 3) -> bytes:
    head = bytes([bits]) + height_px.to_bytes(2, "big") + width_px.to_bytes(2, "big") + bytes([components])
    return segment(marker, head + b"\x01\x11\x00" * components)


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34"
NOTHING_BUT_A_HEAD = SOI + frame() + SCAN + EOI


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "jpeg grey", "jpeg cmyk"])
def test_every_kind_that_cameras_write(kind: str) -> None:
    assert inspect(encoded(noise(SIZE), kind)) == (SIZE, 1)


def test_the_size_is_as_stored_and_the_orientation_beside_it() -> None:
    assert inspect(TURNED) == (SIZE.transposed(), 6)


@pytest.mark.parametrize(
    "data",
    [
        NOTHING_BUT_A_HEAD,
        SOI + b"\xff\xff\xff" + frame() + SCAN + EOI,  # fill bytes before a marker
        SOI + b"\0\0junk" + frame() + b"\xff\0" + SCAN + EOI,  # stray bytes between segments
        SOI + b"\xff\x01\xff\xd3" + frame() + SCAN + EOI,  # markers without a length
        NOTHING_BUT_A_HEAD + b"a film behind the photograph" * 99,
        SOI + segment(0xE1, b"Exif\0\0rubbish") + frame() + SCAN + EOI,
        SOI + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0") + frame() + SCAN + EOI,
        SOI + frame(0xC9) + SCAN + EOI,
    ],
    ids=told_by_text,
)
def test_oddities_that_decoders_forgive(data: bytes) -> None:
    assert inspect(data) == (SIZE, 1)


def test_the_first_exif_block_counts() -> None:
    def exif(value: int) -> bytes:
        return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([value, 0, 0, 0]))

    assert inspect(SOI + exif(3) + exif(6) + frame() + SCAN + EOI) == (SIZE, 3)


@pytest.mark.parametrize("length", [2, 3, 20, len(PLAIN) // 2, len(PLAIN) - 3, len(PLAIN) - 1])
def test_a_file_without_its_end_is_truncated(length: int) -> None:
    with pytest.raises(Problem, match="truncated"):
        inspect(PLAIN[:length])


def test_the_end_of_a_preview_is_not_the_end_of_the_image() -> None:
    with pytest.raises(Problem, match="truncated"):
        inspect(SOI + segment(0xE1, b"Exif\0\0" + NOTHING_BUT_A_HEAD) + frame() + SCAN)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SOI + EOI, "no pixels"),
        (SOI + SOI + frame() + SCAN + EOI, "no pixels"),
        (SOI + SCAN + EOI, "before its frame"),
        (SOI + frame() + frame() + SCAN + EOI, "two frames"),
        (SOI + frame(0xC5) + SCAN + EOI, "hierarchical"),
        (SOI + frame(width_px=0) + SCAN + EOI, "size is zero"),
        (SOI + frame(height_px=0) + SCAN + EOI, "size is zero"),
        (SOI + frame(bits=12) + SCAN + EOI, "12 bits"),
        (SOI + frame(components=2) + SCAN + EOI, "2 components"),
        (SOI + segment(0xC0, b"\x08") + SCAN + EOI, "truncated"),
        (SOI + b"\xff\xe0\0\x01" + frame() + SCAN + EOI, "shorter than its own length"),
        (SOI + segment(0xE0, b"") * 2001 + frame() + SCAN + EOI, "too many segments"),
        (SOI + b"\xff" * 100_000, "truncated"),
        (SOI + b"\xff\0" * 100_000, "too many segments"),
    ],
    ids=told_by_text,
)
def test_broken_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        inspect(data)


def test_essentials_are_the_same_pixels_without_the_rest() -> None:
    talkative = SOI + segment(0xFE, b"a comment") + segment(0xE2, b"ICC_PROFILE\0" + bytes(999)) + TURNED[2:]
    slim = essentials(talkative)
    assert b"comment" not in slim
    assert b"ICC_PROFILE" not in slim
    assert b"Exif" not in slim
    assert inspect(slim) == (SIZE.transposed(), 1)
    assert opened(slim).tobytes() == opened(TURNED).tobytes()


def test_essentials_keep_what_says_how_colours_are_stored() -> None:
    """Without Adobe's segment a CMYK file would come out in other colours."""
    cmyk = encoded(painted(SIZE, (5, 5, 20, 20)), "jpeg cmyk")
    assert b"Adobe" in essentials(cmyk)
    assert opened(essentials(cmyk)).tobytes() == opened(cmyk).tobytes()


def test_a_picture_of_very_many_scans_is_not_decoded() -> None:
    """Each of them is a pass over all pixels: a file of 160 kB could hold up a thread for seconds. Its header is a good one."""
    whole = encoded(noise(SIZE), "jpeg progressive")
    last = whole[whole.rindex(b"\xff\xda") : -2]
    many = whole[:-2] + last * 60 + EOI
    assert inspect(many) == inspect(whole) == (SIZE, 1)
    assert opened(essentials(whole)).size == (SIZE.width_px, SIZE.height_px)
    with pytest.raises(Problem, match="scans"):
        essentials(many)
