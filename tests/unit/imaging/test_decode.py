"""From an image file to upright RGB pixels."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from app.core.geometry import PixelBox, Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging.decode import decode, is_cheap
from app.imaging.header import inspect
from tests.support.damage import DAMAGED, scrambled, whole_files
from tests.support.images import ALL_FORMATS, DARK_RGB, KINDS, LIGHT_RGB, encoded, found, looked_at, painted, told_by_text

SIZE = Size(96, 64)
RECTANGLE = (16, 8, 48, 24)
# JPEG and WebP at the quality of the tests move flat colours by a few steps; palettes a little more.
COLOUR_STEPS = 12


def frame(size: Size) -> PixelBox:
    return PixelBox(0, 0, size.width_px, size.height_px)


def near(pixel: tuple[int, ...], colour: tuple[int, ...], steps: int = COLOUR_STEPS) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= steps


def turned(kinds: list[str]) -> list[tuple[str, int]]:
    return [(kind, orientation) for kind in kinds for orientation in range(1, 9)]


class TestUpright:
    """All formats come out as the picture that was put in."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind(self, kind: str) -> None:
        data = encoded(painted(SIZE, RECTANGLE), kind)
        pixels = decode(data, looked_at(data))
        assert (pixels.mode, pixels.size) == ("RGB", (96, 64))
        assert near(pixel(pixels, 32, 16), (255,) * 3 if kind == "png 1 bit" else LIGHT_RGB)
        assert near(pixel(pixels, 80, 50), (0,) * 3 if kind == "png 1 bit" else DARK_RGB, 40)
        assert found(pixels, frame(SIZE)) == PixelBox(*RECTANGLE)

    @pytest.mark.parametrize(("kind", "orientation"), turned([kind for kind, how in KINDS.items() if how.turns]))
    @pytest.mark.parametrize("target", [None, Size(48, 32), Size(144, 96)], ids=str)
    def test_every_orientation_at_every_scale(self, kind: str, orientation: int, target: Size | None) -> None:
        data = encoded(painted(SIZE, RECTANGLE), kind, orientation)
        pixels = decode(data, looked_at(data), target)
        scale = pixels.width / SIZE.width_px
        assert pixels.size == ((target.width_px, target.height_px) if target else (96, 64))
        assert list(found(pixels, frame(Size(*pixels.size)))) == pytest.approx([edge * scale for edge in RECTANGLE], abs=1)

    def test_a_square_that_lies_on_its_side_is_stretched_the_right_way(self) -> None:
        """Paper mode: the target is not square although the image is."""
        data = encoded(painted(Size(64, 64), (0, 0, 64, 16)), "jpeg", 6)
        pixels = decode(data, looked_at(data), Size(128, 32))
        assert list(found(pixels, frame(Size(128, 32)))) == pytest.approx([0, 0, 128, 8], abs=1)


class TestColours:
    """Whatever is stored, what a person would see."""

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
    def test_what_is_transparent_is_white(self, mode: str) -> None:
        picture = Image.new("RGB", (20, 10), (60, 60, 60))
        file = BytesIO()
        if mode in ("RGBA", "LA"):
            picture.putalpha(Image.new("L", (20, 10), 0))
            picture.convert(mode).save(file, "PNG")
        else:
            stored = picture.convert(mode)
            first = stored.getpixel((0, 0))
            stored.save(file, "PNG", transparency=first)
        pixels = decode(file.getvalue(), looked_at(file.getvalue()))
        assert pixel(pixels, 3, 3) == (255, 255, 255)

    def test_half_transparent_is_half_white_also_when_scaled(self) -> None:
        picture = Image.new("RGBA", (40, 40), (0, 0, 0, 128))
        file = BytesIO()
        picture.save(file, "PNG")
        assert near(pixel(decode(file.getvalue(), looked_at(file.getvalue()), Size(10, 10)), 5, 5), (127, 127, 127), 1)

    def test_hidden_colours_do_not_bleed_when_scaled(self) -> None:
        """Under full transparency there may be any colour: it must not show at the edges."""
        picture = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
        picture.paste((0, 0, 0, 255), (0, 0, 20, 40))
        file = BytesIO()
        picture.save(file, "PNG")
        pixels = np.asarray(decode(file.getvalue(), looked_at(file.getvalue()), Size(10, 10))).astype(int)
        assert np.abs(pixels[..., 0] - pixels[..., 1]).max() <= 2

    @pytest.mark.parametrize("value", [0, 1000, 30_000, 65_535])
    def test_sixteen_bits_are_scaled_down_and_not_cut_off(self, value: int) -> None:
        file = BytesIO()
        Image.fromarray(np.full((8, 8), value, dtype=np.uint16)).save(file, "PNG")
        assert near(pixel(decode(file.getvalue(), looked_at(file.getvalue())), 4, 4), (value // 257,) * 3, 1)

    def test_cmyk_of_adobes_kind_is_not_inverted(self) -> None:
        file = BytesIO()
        Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(file, "JPEG", quality=95)
        assert near(pixel(decode(file.getvalue(), looked_at(file.getvalue())), 8, 8), (255, 0, 0))


class TestScaling:
    """Scaled decoding is a short cut, and must not show."""

    @pytest.mark.parametrize(
        "target", [Size(250, 166), Size(125, 83), Size(70, 47), Size(33, 22), Size(1, 1), Size(999, 3)], ids=str
    )
    @pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
    def test_the_target_is_met_exactly(self, kind: str, target: Size) -> None:
        data = encoded(painted(Size(501, 333), (100, 100, 300, 200)), kind)
        assert decode(data, looked_at(data), target).size == (target.width_px, target.height_px)

    @pytest.mark.parametrize("target", [Size(251, 167), Size(250, 166), Size(126, 84), Size(63, 42)], ids=str)
    def test_sides_that_no_power_of_two_divides_do_not_shift_anything(self, target: Size) -> None:
        source = Size(501, 333)
        data = encoded(painted(source, (400, 240, 480, 320)))
        scale_x, scale_y = target.width_px / source.width_px, target.height_px / source.height_px
        expected = [400 * scale_x, 240 * scale_y, 480 * scale_x, 320 * scale_y]
        assert list(found(decode(data, looked_at(data), target), frame(target))) == pytest.approx(expected, abs=0.75)

    def test_it_is_close_to_decoding_everything_and_scaling_well(self) -> None:
        data = encoded(painted(Size(640, 480), (100, 100, 300, 200)))
        with Image.open(BytesIO(data)) as file:
            slow = np.asarray(file.convert("RGB").resize((200, 150), Image.Resampling.LANCZOS)).astype(float)
        fast = np.asarray(decode(data, looked_at(data), Size(200, 150))).astype(float)
        assert np.sqrt(((fast - slow) ** 2).mean()) < 4


class TestHostile:
    """What is wrong with the bytes is a problem of that image, and nothing else comes out."""

    @given(DAMAGED)
    def test_only_problems_come_out(self, data: bytes) -> None:
        pixels: Image.Image | None = None
        kind = Kind.INVALID_IMAGE
        try:
            pixels = decode(data, inspect(data, formats=ALL_FORMATS, max_pixels=100_000), Size(9, 7))
        except Problem as problem:
            kind = problem.kind
        assert kind in {Kind.INVALID_IMAGE, Kind.IMAGE_TOO_LARGE}
        assert pixels is None or (pixels.mode, pixels.size) == ("RGB", (9, 7))

    def test_a_file_that_is_not_what_its_header_said_is_refused(self) -> None:
        data = encoded(painted(SIZE, RECTANGLE))
        with pytest.raises(Problem, match="not 97x64"):
            decode(data, Picture("jpeg", Size(97, 64)))

    def test_the_problem_keeps_its_cause_and_the_format(self) -> None:
        data = scrambled(encoded(painted(SIZE, RECTANGLE), "png"))
        with pytest.raises(Problem, match="decoded as png") as refusal:
            decode(data, Picture("png", SIZE))
        assert refusal.value.__cause__ is not None

    def test_a_format_without_a_decoder_is_a_problem_too(self) -> None:
        with pytest.raises(Problem, match="decoded as gif"):
            decode(b"GIF89a", Picture("gif", SIZE))

    @pytest.mark.parametrize("data", whole_files(), ids=told_by_text)
    def test_nothing_is_warned_of(self, data: bytes) -> None:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            decode(data, looked_at(data), Size(9, 7))
        assert heard == []


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(channel) for channel in value)


@pytest.mark.parametrize(
    ("format", "size", "cheap"),
    [
        ("jpeg", Size(8000, 5000), True),
        ("jpeg", Size(8001, 5000), False),
        ("png", Size(4000, 4000), True),
        ("png", Size(4001, 4000), False),
        ("webp", Size(4001, 4000), False),
    ],
)
def test_what_would_take_too_much_memory_is_not_decoded_for_a_sheet(format: str, size: Size, cheap: bool) -> None:
    assert is_cheap(Picture(format, size)) is cheap
