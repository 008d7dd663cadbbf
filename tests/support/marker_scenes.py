"""Pictures with markers in them, and where the markers truly are. For tests of eyes and emulators.

`stored` puts a picture into a file; the background is either plain or like a photograph (soft shapes under film grain).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.detectors.markers import draw_marker, marker_box_xyxy_px, marker_label

Pixels = NDArray[np.uint8]

PLAIN_GREY = 130
GRAIN_LEVELS = 10
SHAPES_PX = 64


@dataclass(frozen=True, slots=True)
class Placed:
    """A marker's patch, and where its top left corner was put."""

    marker_id: int
    left_px: int
    top_px: int
    side_px: int

    @property
    def label(self) -> str:
        return marker_label(self.marker_id)

    @property
    def box(self) -> tuple[float, float, float, float]:
        return marker_box_xyxy_px(self.left_px, self.top_px, self.side_px)


def plain(width_px: int, height_px: int, *markers: Placed) -> Pixels:
    """An evenly grey picture with these markers."""
    return _with_markers(np.full((height_px, width_px, 3), PLAIN_GREY, np.uint8), markers)


def busy(width_px: int, height_px: int, *markers: Placed, seed: int = 1) -> Pixels:
    """A picture full of colours, edges and grain, with these markers."""
    chance = np.random.default_rng(seed)
    small = chance.integers(0, 256, (height_px // SHAPES_PX + 2, width_px // SHAPES_PX + 2, 3)).astype(np.uint8)
    soft = Image.fromarray(small).resize((width_px, height_px), Image.Resampling.BICUBIC)
    grain = chance.integers(-GRAIN_LEVELS, GRAIN_LEVELS + 1, (height_px, width_px, 1))
    return _with_markers(np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8), markers)


def _with_markers(pixels: Pixels, markers: tuple[Placed, ...]) -> Pixels:
    for marker in markers:
        patch = draw_marker(marker.marker_id, marker.side_px)[..., None]
        pixels[marker.top_px : marker.top_px + marker.side_px, marker.left_px : marker.left_px + marker.side_px] = patch
    return pixels


def in_rows(width_px: int, side_px: int, ids: range, gap_px: int = 7) -> tuple[Placed, ...]:
    """Markers of one size side by side, as many rows as it takes."""
    step = side_px + gap_px
    columns = max(1, (width_px - gap_px) // step)
    return tuple(
        Placed(marker_id, gap_px + place % columns * step, gap_px + place // columns * step, side_px)
        for place, marker_id in enumerate(ids)
    )


def stored(pixels: Pixels, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def reread(data: bytes) -> Pixels:
    """What a decoder makes of a file."""
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
