"""Boxes drawn on pictures, for the eyes of whoever ran the demo.

In: image files as bytes, and what to draw on them. Out: JPEG files in `demo-out/`. Called by `stage`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from app.core.geometry import Size, UnitBox
from app.demo.checking import Fate, Verdict
from app.demo.truth import Seen, overlap

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
NEUTRAL: Colour = (37, 99, 235)  # on sheets nothing is judged: a blue that is none of the three below
FATE_COLOURS: dict[Fate, Colour] = {Fate.RIGHT: (24, 150, 72), Fate.WRONG: (220, 38, 38), Fate.MISSING: (214, 120, 0)}
# Words beside the colours, for who cannot tell these apart. Among photographs a grid and a lone image may honestly differ.
JUDGED_WORDS: Mapping[Fate, str] = {Fate.RIGHT: "", Fate.WRONG: " (wrong)", Fate.MISSING: " (missing)"}
COMPARED_WORDS: Mapping[Fate, str] = {Fate.RIGHT: "", Fate.WRONG: " (only in grid)", Fate.MISSING: " (only alone)"}
LINE_SHARE = 1 / 280  # width of a line, of the picture's longest side: seen at a glance, hides nothing
LEAST_LINE_PX = 2
TEXT_SHARE = 1 / 52  # height of a caption, of the picture's longest side
LEAST_TEXT_PX = 11
DRAWN_SIDE_PX = 1920  # a sheet's own size; only what was sent alone and larger is shown smaller
DRAWN_QUALITY = 88  # JPEG; captions stay sharp
SAME_PLACE = 0.98  # overlap from which two boxes are one object under two names


@dataclass(frozen=True, slots=True)
class Stroke:
    """One box with its caption; without a box only the caption, at the picture's corner."""

    caption: str
    box: UnitBox | None
    colour: Colour


def strokes_of_verdict(verdict: Verdict, words: Mapping[Fate, str] = JUDGED_WORDS) -> list[Stroke]:
    return [Stroke(mark.label + words[mark.fate], mark.box, FATE_COLOURS[mark.fate]) for mark in verdict.marks]


def strokes_of_seen(seen: Iterable[Seen]) -> list[Stroke]:
    """One stroke per place, with the longest of its names (the vendor lists an object under its class as well)."""
    strokes: list[Stroke] = []
    for one in sorted((one for one in seen if one.box is not None), key=_longest_name_first):
        if not any(stroke.box and one.box and overlap(stroke.box, one.box) > SAME_PLACE for stroke in strokes):
            strokes.append(Stroke(one.label, one.box, NEUTRAL))
    return strokes


def _longest_name_first(one: Seen) -> int:
    return -len(one.label)


def draw(content: bytes, strokes: Sequence[Stroke], target: Path) -> None:
    """The image, upright as a viewer shows it, with every stroke. Boxes are in ratios of the upright image."""
    picture = _upright(content)
    brush, size = ImageDraw.Draw(picture), Size(*picture.size)
    for stroke in strokes:
        if stroke.box is not None:
            _draw_box(brush, size, stroke.box, stroke)
    boxless = [stroke for stroke in strokes if stroke.box is None]
    if boxless:
        _caption(brush, size, (0.0, 0.0), "; ".join(stroke.caption for stroke in boxless), boxless[0].colour)
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.save(target, "JPEG", quality=DRAWN_QUALITY)


def _upright(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as stored:
        stored.draft("RGB", (DRAWN_SIDE_PX, DRAWN_SIDE_PX))  # large JPEGs are decoded smaller at once
        turned = ImageOps.exif_transpose(stored)
        if turned.has_transparency_data:
            paper = Image.new("RGBA", turned.size, PAPER)
            turned = Image.alpha_composite(paper, turned.convert("RGBA"))
        picture = turned.convert("RGB")
    if max(picture.size) > DRAWN_SIDE_PX:
        picture.thumbnail((DRAWN_SIDE_PX, DRAWN_SIDE_PX), Image.Resampling.BOX)
    return picture


def _draw_box(brush: ImageDraw.ImageDraw, size: Size, box: UnitBox, stroke: Stroke) -> None:
    """The line lies outside the box, so that what is inside stays whole."""
    line = max(LEAST_LINE_PX, round(size.longest_px * LINE_SHARE))
    pixels = box.to_pixels(size)
    left, top = pixels.left_px - line, pixels.top_px - line
    brush.rectangle((left, top, pixels.right_px + line, pixels.bottom_px + line), outline=stroke.colour, width=line)
    _caption(brush, size, (left, top), stroke.caption, stroke.colour)


def _caption(brush: ImageDraw.ImageDraw, size: Size, at_xy_px: tuple[float, float], text: str, colour: Colour) -> None:
    """White on the colour, above the point, moved inwards where it would leave the picture."""
    font = ImageFont.load_default(max(LEAST_TEXT_PX, round(size.longest_px * TEXT_SHARE)))
    left, top, right, bottom = brush.textbbox((0, 0), text, font=font)
    pad = (bottom - top) / 4
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = max(0.0, min(at_xy_px[0], size.width_px - width))
    y = max(0.0, at_xy_px[1] - height)
    brush.rectangle((x, y, x + width, y + height), fill=colour)
    brush.text((x + pad - left, y + pad - top), text, font=font, fill=PAPER)
