"""The images that are played: small painted photographs, each with one marker that is safe or unsafe.

In: a seed. Out: a few hundred different JPEG files, painted once, and from them the images of a line, in random order and with
exactly as many unsafe ones as its prevalence says. Called by `stage`.

The marker takes half of the picture's shorter side: large enough that on the largest sheet an emulated vendor still scores it
above the threshold that a group is asked at. What a group test misses of smaller content is measured by `tessera calibrate`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from app.core.geometry import Size
from app.demo.painting import Style, paint
from app.detectors.markers import MARKER_COUNT, draw_marker
from app.emulators.meanings import FIRST_UNSAFE_ID

# Twice the unsafe markers that there are; the more of either kind, the fewer twins on a sheet.
UNSAFE, SAFE = 100, 200
# Photographs' usual shapes, small: what is measured are inferences, and pixels only take time.
SIZES = (Size(160, 120), Size(120, 160), Size(144, 144))
MARKER_SHARE = 0.5  # of the shorter side, quiet zone included
QUALITY = 90


@dataclass(frozen=True, slots=True)
class Shot:
    """One image, and the truth about it."""

    data: bytes = field(repr=False)
    is_unsafe: bool


@dataclass(frozen=True, slots=True)
class Album:
    """What was painted."""

    safe: Sequence[Shot]
    unsafe: Sequence[Shot]

    def line(self, images: int, prevalence: float, seed: int) -> list[Shot]:
        """So many images in random order; unsafe are as many as come nearest to the prevalence."""
        random = np.random.default_rng((seed, round(prevalence * 1e6)))
        unsafe = round(images * prevalence)
        shots = [*_drawn(self.unsafe, unsafe, random), *_drawn(self.safe, images - unsafe, random)]
        return [shots[place] for place in random.permutation(images)]


def paint_album(seed: int) -> Album:
    """The same for the same seed."""
    random = np.random.default_rng(seed)
    safe_ids = random.choice(FIRST_UNSAFE_ID, SAFE, replace=False)
    unsafe_ids = np.resize(np.arange(FIRST_UNSAFE_ID, MARKER_COUNT), UNSAFE)
    return Album(
        [Shot(_painted(number, int(marker), random), is_unsafe=False) for number, marker in enumerate(safe_ids)],
        [Shot(_painted(number, int(marker), random), is_unsafe=True) for number, marker in enumerate(unsafe_ids)],
    )


def _painted(number: int, marker_id: int, random: np.random.Generator) -> bytes:
    size, style = SIZES[number % len(SIZES)], tuple(Style)[number % len(Style)]
    picture = paint(size, style, random)
    side_px = round(size.shortest_px * MARKER_SHARE)
    left_px, top_px = (int(random.integers(0, length_px - side_px + 1)) for length_px in (size.width_px, size.height_px))
    picture.paste(Image.fromarray(draw_marker(marker_id, side_px)).convert("RGB"), (left_px, top_px))
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=QUALITY)
    return stored.getvalue()


def _drawn(shots: Sequence[Shot], count: int, random: np.random.Generator) -> list[Shot]:
    return [shots[place] for place in random.integers(0, len(shots), count)]
