"""Decoding: which files are looked at, which way up, and why others are refused."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from app.emulators.images import ImageFormat, ImageLimits, Refusal, RefusedImageError, decode, format_of, suffix_of
from tests.support.marker_scenes import Pixels, stored

LIMITS = ImageLimits(80, 400)
ORIENTATION = 0x0112


def quarters(width_px: int = 120, height_px: int = 90) -> Pixels:
    """Four even fields: red and green above, blue and white below."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    middle_y, middle_x = height_px // 2, width_px // 2
    picture[:middle_y, :middle_x, 0] = picture[:middle_y, middle_x:, 1] = picture[middle_y:, :middle_x, 2] = 255
    picture[middle_y:, middle_x:] = 255
    return picture


def corner_colours(picture: Pixels) -> list[tuple[int, ...]]:
    """Colours of the four fields, clockwise from the top left, each channel on or off."""
    height, width = picture.shape[:2]
    places = ((height // 4, width // 4), (height // 4, -width // 4), (-height // 4, -width // 4), (-height // 4, width // 4))
    return [tuple((picture[place] > 127).astype(int).tolist()) for place in places]


UPRIGHT = [(1, 0, 0), (0, 1, 0), (1, 1, 1), (0, 0, 1)]


def with_orientation(picture: Pixels, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return stored(picture, kind, exif=exif)


def stored_for(orientation: int) -> Pixels:
    """The fields as a camera held that way stores them, so that a viewer shows them upright."""
    turned = Image.fromarray(quarters())
    inverse = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    return np.array(turned if inverse is None else turned.transpose(inverse))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_upright(orientation: int) -> None:
    found = decode(with_orientation(stored_for(orientation), "JPEG", orientation), LIMITS)
    assert found.shape == (90, 120, 3)
    assert corner_colours(found) == UPRIGHT


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_png_is_taken_as_stored(orientation: int) -> None:
    found = decode(with_orientation(quarters(), "PNG", orientation), LIMITS)
    assert corner_colours(found) == UPRIGHT


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_colour_jpegs_of_every_sort_are_read(mode: str, progressive: bool) -> None:
    file = io.BytesIO()
    Image.fromarray(quarters()).convert(mode).save(file, "JPEG", quality=95, progressive=progressive)
    assert corner_colours(decode(file.getvalue(), LIMITS)) == UPRIGHT


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_pngs_of_every_sort_are_read(mode: str) -> None:
    file = io.BytesIO()
    Image.fromarray(quarters()).convert(mode).save(file, "PNG")
    assert corner_colours(decode(file.getvalue(), LIMITS)) == UPRIGHT


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("1", "PNG")])
def test_grey_is_read_as_equal_channels(mode: str, kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(quarters()).convert("L").convert(mode).save(file, kind)
    found = decode(file.getvalue(), LIMITS)
    assert np.ptp(found, axis=2).max() == 0
    assert found[-10, -10, 0] > 250


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    levels = np.full((90, 120), 0x8000, np.uint16)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    assert np.unique(decode(file.getvalue(), LIMITS)).tolist() == [0x80]


def refusal(data: bytes, limits: ImageLimits = LIMITS) -> Refusal:
    with pytest.raises(RefusedImageError) as caught:
        decode(data, limits)
    return caught.value.refusal


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"aGVsbG8=" * 40, bytes(500)])
def test_what_is_no_image_is_refused_for_its_format(data: bytes) -> None:
    assert refusal(data) is Refusal.FORMAT


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats_are_refused(kind: str) -> None:
    assert refusal(stored(quarters(), kind)) is Refusal.FORMAT


@pytest.mark.parametrize("kind", list(ImageFormat))
def test_every_format_is_read_where_the_vendor_takes_it(kind: ImageFormat) -> None:
    options = {"lossless": True} if kind is ImageFormat.WEBP else {"quality": 95} if kind is ImageFormat.JPEG else {}
    data = stored(quarters(64, 64), kind, **options)
    assert format_of(data) is kind
    assert corner_colours(decode(data, ImageLimits(1, formats=frozenset({kind})))) == UPRIGHT


def test_of_several_frames_the_first_is_taken() -> None:
    file = io.BytesIO()
    first, second = Image.fromarray(quarters()), Image.new("RGB", (120, 90), "black")
    first.save(file, "GIF", save_all=True, append_images=[second])
    assert corner_colours(decode(file.getvalue(), ImageLimits(1, formats=frozenset({ImageFormat.GIF})))) == UPRIGHT


def test_pixels_are_counted_where_the_vendor_counts_them() -> None:
    data = stored(quarters(100, 90), "PNG")
    assert decode(data, ImageLimits(1, most_pixels=9000)).shape == (90, 100, 3)
    assert refusal(data, ImageLimits(1, most_pixels=8999)) is Refusal.TOO_LARGE


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    data = stored(noise, kind)
    assert refusal(data[: int(len(data) * share)]) is Refusal.FORMAT


def test_a_damaged_png_is_refused() -> None:
    data = bytearray(stored(np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8), "PNG"))
    data[1000:2000] = bytes(1000)
    assert refusal(bytes(data)) is Refusal.FORMAT


@pytest.mark.parametrize(
    ("size_wh", "wanted"),
    [
        ((79, 200), Refusal.TOO_SMALL),
        ((200, 79), Refusal.TOO_SMALL),
        ((80, 80), None),
        ((400, 400), None),
        ((401, 100), Refusal.TOO_LARGE),
        ((100, 401), Refusal.TOO_LARGE),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_sides_have_limits(size_wh: tuple[int, int], wanted: Refusal | None, kind: str) -> None:
    data = stored(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), kind)
    if wanted is None:
        assert decode(data, LIMITS).shape == (size_wh[1], size_wh[0], 3)
    else:
        assert refusal(data) is wanted


def test_far_too_many_pixels_are_refused_before_anything_is_decoded() -> None:
    """The header of a PNG of 50,000 x 50,000, and the start of its pixels, which never come."""
    header = b"IHDR" + (50_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    chunk = (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    assert refusal(b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT") is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("start", "suffix"),
    [
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"\x89PNG\r\n\x1a\n", ".png"),
        (b"RIFF", ".bin"),
        (b"RIFF\0\0\0\0WEBP", ".webp"),
        (b"MM\0*", ".tif"),
        (b"GIF89a", ".gif"),
    ],
)
def test_files_are_named_by_what_they_are(start: bytes, suffix: str) -> None:
    assert suffix_of(start + bytes(20)) == suffix
