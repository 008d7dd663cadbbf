"""Pleasant backgrounds for the demo's scenes.

In: a size, a style and a source of randomness. Out: an RGB picture, the same for the same randomness. Called by `scenes`.

Shapes are drawn small and enlarged (soft, and twenty times faster at 4000 px); film grain is laid over at full size, so that
a picture weighs in bytes about what a photograph does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from app.core.geometry import Size

SKETCH_SIDE_PX = 480  # longest side that is enlarged: enough for soft edges, quick at any final size
SKETCH_FINER = 2  # shapes are drawn so much larger than that, and reduced: smooth slopes instead of stairs
GRAIN_TILE_PX = 256  # the grain repeats at this distance: too far for an eye to notice, small enough to make at once
GRAIN_STRENGTH = 5.0  # standard deviation in grey levels of 255: like a photograph in good light
SUN_RADIUS = 0.11  # of the shorter side
HILL_STEPS = 40  # corners along a hill's ridge
WINDOW_LIT_SHARE = 0.4  # of a town's windows

Colour = tuple[int, int, int]


class Style(StrEnum):
    """What a background shows."""

    HILLS = "hills"
    LANTERNS = "lanterns"
    QUILT = "quilt"
    SEA = "sea"
    TOWN = "town"


@dataclass(frozen=True, slots=True)
class Palette:
    """Two ends of the sky, one light, and layers from far to near."""

    sky_top: Colour
    sky_low: Colour
    light: Colour
    layers: tuple[Colour, ...]


PALETTES = (
    Palette((255, 183, 128), (255, 236, 209), (255, 120, 79), ((214, 122, 122), (150, 84, 112), (94, 60, 94), (52, 38, 66))),
    Palette((112, 178, 222), (226, 242, 250), (255, 236, 170), ((146, 190, 170), (96, 158, 132), (58, 118, 96), (34, 80, 66))),
    Palette((40, 48, 92), (136, 112, 168), (250, 232, 186), ((92, 84, 140), (66, 62, 112), (44, 44, 84), (26, 28, 56))),
    Palette(
        (250, 214, 222), (255, 246, 240), (240, 128, 140), ((222, 170, 186), (184, 134, 164), (132, 102, 142), (84, 74, 112))
    ),
    Palette((86, 196, 190), (222, 248, 234), (255, 208, 96), ((104, 188, 176), (62, 148, 150), (36, 106, 120), (22, 70, 88))),
    Palette((236, 204, 150), (252, 240, 214), (214, 92, 52), ((206, 160, 104), (170, 118, 74), (122, 82, 58), (76, 54, 46))),
)

Brush = Callable[[Image.Image, Palette, np.random.Generator], Image.Image]


def paint(size: Size, style: Style, random: np.random.Generator) -> Image.Image:
    """An RGB background of exactly this size."""
    palette = PALETTES[int(random.integers(len(PALETTES)))]
    small = _sketch_size(size)
    fine = Size(small.width_px * SKETCH_FINER, small.height_px * SKETCH_FINER)
    sketch = _BRUSHES[style](_sky(fine, palette), palette, random)
    full = sketch.reduce(SKETCH_FINER).resize((size.width_px, size.height_px), Image.Resampling.BILINEAR)
    return _with_grain(full, random)


def _sketch_size(size: Size) -> Size:
    scale = min(1.0, SKETCH_SIDE_PX / size.longest_px)
    return Size(max(1, round(size.width_px * scale)), max(1, round(size.height_px * scale)))


def _sky(size: Size, palette: Palette) -> Image.Image:
    """A vertical gradient from the top colour to the low one."""
    top, low = np.array(palette.sky_top, np.float32), np.array(palette.sky_low, np.float32)
    share = np.linspace(0.0, 1.0, size.height_px, dtype=np.float32)[:, None]
    rows = (top * (1 - share) + low * share)[:, None, :]
    return Image.fromarray(np.broadcast_to(rows, (size.height_px, size.width_px, 3)).astype(np.uint8))


def _with_grain(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    tile = random.normal(0.0, GRAIN_STRENGTH, (GRAIN_TILE_PX, GRAIN_TILE_PX)).astype(np.int16)
    pixels = np.asarray(picture, dtype=np.uint8)
    height, width = pixels.shape[:2]
    repeats = (-(-height // GRAIN_TILE_PX), -(-width // GRAIN_TILE_PX))
    grain = np.tile(tile, repeats)[:height, :width, None]
    grained: NDArray[np.uint8] = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(grained)


def _hills(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> Image.Image:
    """A sun, and ridges that grow darker as they come nearer."""
    _sun(sketch, palette, random)
    draw, (width, height) = ImageDraw.Draw(sketch), sketch.size
    for depth, colour in enumerate(palette.layers):
        base = height * (0.45 + 0.14 * depth)
        draw.polygon([(0, height), *_ridge(width, base, height * 0.09, random), (width, height)], fill=colour)
    return sketch


def _ridge(width_px: int, base_px: float, swing_px: float, random: np.random.Generator) -> list[tuple[float, float]]:
    """Two slow waves on top of each other."""
    phases, lengths = random.uniform(0, 2 * np.pi, 2), random.uniform(0.8, 2.6, 2)
    across = np.linspace(0.0, 1.0, HILL_STEPS)
    waves = np.sin(across * 2 * np.pi * lengths[0] + phases[0]) + 0.5 * np.sin(across * 4 * np.pi * lengths[1] + phases[1])
    return [(float(x * width_px), float(base_px - swing_px * wave)) for x, wave in zip(across, waves, strict=True)]


def _sun(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> None:
    width, height = sketch.size
    radius = SUN_RADIUS * min(width, height)
    x, y = random.uniform(0.15, 0.85) * width, random.uniform(0.15, 0.4) * height
    ImageDraw.Draw(sketch).ellipse((x - radius, y - radius, x + radius, y + radius), fill=palette.light)


def _lanterns(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> Image.Image:
    """Blurred discs of light, as a lens out of focus paints them."""
    width, height = sketch.size
    glow = Image.new("RGBA", sketch.size, (0, 0, 0, 0))
    draw, colours = ImageDraw.Draw(glow), (palette.light, palette.sky_top, *palette.layers)
    for _ in range(28):
        x, y = random.uniform(0, width), random.uniform(0, height)
        radius = random.uniform(0.03, 0.12) * min(width, height)
        colour = colours[int(random.integers(len(colours)))]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, int(random.integers(70, 170))))
    soft = glow.filter(ImageFilter.GaussianBlur(radius=2 * SKETCH_FINER))
    return Image.alpha_composite(sketch.convert("RGBA"), soft).convert("RGB")


def _quilt(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> Image.Image:
    """Squares cut along a diagonal, two colours each."""
    draw, (width, height) = ImageDraw.Draw(sketch), sketch.size
    side = max(24 * SKETCH_FINER, min(width, height) // 4)
    colours = (palette.sky_top, palette.sky_low, palette.light, *palette.layers[:3])
    for top in range(0, height, side):
        for left in range(0, width, side):
            first, second = (colours[int(index)] for index in random.integers(0, len(colours), 2))
            draw.rectangle((left, top, left + side, top + side), fill=first)
            draw.polygon([(left, top), (left + side, top), (left, top + side)], fill=second)
    return sketch


def _sea(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> Image.Image:
    """A sun over rows of waves."""
    _sun(sketch, palette, random)
    draw, (width, height) = ImageDraw.Draw(sketch), sketch.size
    rows = 12
    for row in range(rows):
        base = height * (0.5 + 0.5 * row / rows)
        colour = palette.layers[row * len(palette.layers) // rows]
        light = palette.sky_low if row % 3 == 0 else colour
        crest = _ridge(width, base, height * 0.012, random)
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)
        draw.line(crest, fill=light, width=SKETCH_FINER)
    return sketch


def _town(sketch: Image.Image, palette: Palette, random: np.random.Generator) -> Image.Image:
    """Houses against the sky, some windows lit."""
    _sun(sketch, palette, random)
    draw, (width, height) = ImageDraw.Draw(sketch), sketch.size
    for depth, colour in enumerate(palette.layers[1:]):
        left = 0.0
        while left < width:
            house = random.uniform(0.06, 0.14) * width
            top = height * (0.35 + 0.15 * depth + random.uniform(0, 0.25))
            draw.rectangle((left, top, left + house, height), fill=colour)
            _windows(draw, (left, top, left + house, float(height)), palette.light, random)
            left += house
    return sketch


def _windows(
    draw: ImageDraw.ImageDraw, house: tuple[float, float, float, float], light: Colour, random: np.random.Generator
) -> None:
    left, top, right, bottom = house
    step = max(6.0 * SKETCH_FINER, (right - left) / 4)
    for y in np.arange(top + step / 2, bottom - step / 2, step):
        for x in np.arange(left + step / 2, right - step / 2, step):
            if random.uniform() < WINDOW_LIT_SHARE:
                draw.rectangle((float(x), float(y), float(x) + step / 3, float(y) + step / 3), fill=light)


_BRUSHES: dict[Style, Brush] = {
    Style.HILLS: _hills,
    Style.LANTERNS: _lanterns,
    Style.QUILT: _quilt,
    Style.SEA: _sea,
    Style.TOWN: _town,
}
