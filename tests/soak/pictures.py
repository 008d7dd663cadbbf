"""The soak's pictures: no two alike, each with an identity in its pixels, so that an answer can be judged.

In: the number of a picture. Out: the same picture for the same number, whoever makes it. Made off the event loop by `crowd`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from app.core.geometry import PixelBox, Size
from app.demo.truth import TrueObject
from app.detectors.markers import marker_parents
from app.emulators.meanings import FIRST_UNSAFE_ID
from tests.support.marker_scenes import Placed, busy, plain, stored
from tests.support.moderated import unsafe_picture

# (size, share of the pictures, whether it is like a photograph): mostly small ones, so that two cores have time for many.
KINDS = (
    (Size(320, 240), 0.35, False),
    (Size(240, 320), 0.25, False),
    (Size(640, 480), 0.30, True),
    (Size(1280, 960), 0.10, True),
)
# A marker's patch, as a share of the picture's shorter side.
PATCH_SHARES = (0.3, 0.5)
PNG_SHARE = 0.1
JPEG_QUALITY = 88
# An unsafe marker so large that the emulator is sure of it on the densest sheet, too (docs/emulator.md).
UNSAFE_SIZE, UNSAFE_SHARE = Size(320, 240), 0.5
# The first of every ten unsafe ids is what all vendors have a word for.
KINDS_OF_UNSAFE = 10


@dataclass(frozen=True, slots=True)
class SoakPicture:
    """A file, and what is truly in it."""

    size: Size
    truth: TrueObject
    content: bytes = field(repr=False)
    media_type: str = "image/jpeg"
    marker_id: int = 0

    @property
    def is_unsafe(self) -> bool:
        return self.marker_id >= FIRST_UNSAFE_ID


def picture(number: int) -> SoakPicture:
    """Clean for every vendor. The same marker comes again only after all others, somewhere else in another picture."""
    chance = random.Random(number)
    size, _, is_busy = chance.choices(KINDS, [share for _, share, _ in KINDS])[0]
    marker_id = number % FIRST_UNSAFE_ID
    side = round(chance.uniform(*PATCH_SHARES) * size.shortest_px)
    patch = Placed(marker_id, chance.randint(0, size.width_px - side), chance.randint(0, size.height_px - side), side)
    pixels = busy(size.width_px, size.height_px, patch, seed=number) if is_busy else plain(size.width_px, size.height_px, patch)
    truth = TrueObject(patch.label, PixelBox(*patch.box).to_unit(size), marker_parents(marker_id))
    if not is_busy and chance.random() < PNG_SHARE:
        return SoakPicture(size, truth, stored(pixels, "PNG"), "image/png", marker_id)
    return SoakPicture(size, truth, stored(pixels, quality=JPEG_QUALITY), marker_id=marker_id)


def unsafe(number: int) -> SoakPicture:
    """Explicit, to every vendor."""
    marker_id = FIRST_UNSAFE_ID + KINDS_OF_UNSAFE * (number % 5)
    content = unsafe_picture(np.random.default_rng(number), UNSAFE_SIZE, UNSAFE_SHARE, marker_id)
    nowhere = TrueObject("", PixelBox(0, 0, 1, 1).to_unit(UNSAFE_SIZE))
    return SoakPicture(UNSAFE_SIZE, nowhere, content, marker_id=marker_id)
