"""From an image file to upright RGB pixels."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.geometry import PixelBox, Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging.decode import decode, draft_divisor, is_cheap
from app.imaging.header import inspect
from tests.support.damage import DAMAGED, scrambled, whole_files
from tests.support.images import (
    ALL_FORMATS,
    DARK_RGB,
    KINDS,
    LIGHT_RGB,
    encoded,
    found,
    looked_at,
    noise,
    painted,
    told_by_text,
)

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


def centre_of_light(pixels: Image.Image) -> tuple[float, float]:
    """Where the light is on average: to a small part of a pixel, whatever scaling has made of the edges."""
    light = np.asarray(pixels.convert("L")).astype(float) - DARK_RGB[0]
    rows, columns = np.indices(light.shape)
    return ((columns + 0.5) * light).sum() / light.sum(), ((rows + 0.5) * light).sum() / light.sum()


@st.composite
def views_around(draw: st.DrawFn, size: Size, rectangle: tuple[int, int, int, int]) -> PixelBox:
    """A view that leaves a margin around the rectangle, for the filters to end in."""
    left, top, right, bottom = rectangle
    room = 16
    return PixelBox(
        draw(st.integers(0, left - room)),
        draw(st.integers(0, top - room)),
        draw(st.integers(right + room, size.width_px)),
        draw(st.integers(bottom + room, size.height_px)),
    )


class TestViews:
    """A part of the image, scaled to the target: as exact as the whole."""

    WIDE, MARK = Size(501, 333), (205, 130, 269, 194)

    @given(
        st.sampled_from(["jpeg", "jpeg full colour", "png", "png alpha", "webp lossless"]),
        st.integers(1, 8),
        views_around(WIDE, MARK),
        st.tuples(st.floats(0.1, 2.0), st.floats(0.1, 2.0)),
    )
    def test_a_mark_is_where_the_view_says(self, kind: str, turn: int, view: PixelBox, stretch: tuple[float, float]) -> None:
        turn = turn if KINDS[kind].turns else 1
        data = encoded(painted(self.WIDE, self.MARK), kind, turn)
        target = Size(round((view.right_px - view.left_px) * stretch[0]), round((view.bottom_px - view.top_px) * stretch[1]))
        pixels = decode(data, looked_at(data), target, view)
        assert (pixels.width, pixels.height) == (target.width_px, target.height_px)
        scale_x = target.width_px / (view.right_px - view.left_px)
        scale_y = target.height_px / (view.bottom_px - view.top_px)
        middle = (self.MARK[0] + self.MARK[2]) / 2, (self.MARK[1] + self.MARK[3]) / 2
        expected = (middle[0] - view.left_px) * scale_x, (middle[1] - view.top_px) * scale_y
        assert centre_of_light(pixels) == pytest.approx(expected, abs=0.25)

    @pytest.mark.parametrize(("kind", "turn"), turned([kind for kind, how in KINDS.items() if how.turns]))
    @pytest.mark.parametrize("target", [Size(32, 20), Size(64, 40), Size(96, 60)], ids=str)
    def test_every_kind_and_orientation(self, kind: str, turn: int, target: Size) -> None:
        data = encoded(painted(SIZE, RECTANGLE), kind, turn)
        pixels = decode(data, looked_at(data), target, PixelBox(8, 4, 72, 44))
        scale = target.width_px / 64
        expected = [(edge - start) * scale for edge, start in zip(RECTANGLE, (8, 4) * 2, strict=True)]
        assert list(found(pixels, frame(target))) == pytest.approx(expected, abs=1)

    @pytest.mark.parametrize("turn", range(1, 9))
    def test_at_its_own_size_it_is_cut_and_nothing_else(self, turn: int) -> None:
        upright = noise(Size(40, 30))
        data = encoded(upright, "webp lossless", turn)
        pixels = decode(data, looked_at(data), Size(20, 10), PixelBox(7, 3, 27, 13))
        assert np.array_equal(np.asarray(pixels), np.asarray(upright)[3:13, 7:27])

    @pytest.mark.parametrize("target", [Size(250, 166), Size(125, 83), Size(33, 22), Size(501, 333), Size(700, 400)], ids=str)
    @pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
    def test_a_view_of_everything_is_the_image(self, kind: str, target: Size) -> None:
        data = encoded(painted(self.WIDE, self.MARK), kind)
        whole, shown = decode(data, looked_at(data), target), decode(data, looked_at(data), target, frame(self.WIDE))
        assert np.array_equal(np.asarray(whole), np.asarray(shown))

    def test_without_a_target_there_is_nothing_to_scale_it_to(self) -> None:
        data = encoded(painted(SIZE, RECTANGLE))
        with pytest.raises(ValueError, match="target"):
            decode(data, looked_at(data), view=frame(SIZE))

    @pytest.mark.parametrize(
        ("stored", "target", "view", "divisor"),
        [
            ((640, 480), (640, 480), (0, 0, 640, 480), 1),
            ((640, 480), (321, 240), (0, 0, 640, 480), 1),
            ((501, 333), (250, 166), (0, 0, 501, 333), 2),
            ((640, 480), (80, 60), (0, 0, 640, 480), 8),
            ((640, 480), (10, 7), (0, 0, 640, 480), 8),
            ((640, 480), (160, 120), (320, 0, 640, 480), 2),  # by the view, not by the image
            ((640, 480), (150, 150), (0, 0, 450, 470), 2),
            ((640, 480), (900, 10), (0, 0, 640, 480), 1),
            ((5, 4), (1, 1), (0, 0, 3, 3), 2),
            ((4000, 4000), (100, 100), (0, 0, 100, 100), 1),
            ((4001, 4000), (100, 100), (0, 0, 100, 100), 2),  # beyond what is decoded whole
            ((8000, 8001), (100, 100), (0, 0, 100, 100), 4),
            ((65_000, 65_000), (100, 100), (0, 0, 100, 100), 8),
        ],
    )
    def test_a_jpeg_is_decoded_no_larger_than_its_view_needs(
        self, stored: tuple[int, int], target: tuple[int, int], view: tuple[int, int, int, int], divisor: int
    ) -> None:
        assert draft_divisor(stored, target, view) == divisor


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
