"""Images that carry an identity: a pair of markers that no other image of the run shows.

In: an image's number. Out: its bytes, and what an answer about it must say. The same number always gives the same image.

There are a thousand markers and many more images, so a marker is shown again, but not within `APART` images: by then the
earlier one has been answered, or is lost. Where a marker stands is drawn anew each time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.geometry import PixelBox, Size, UnitBox
from tests.support.marker_scenes import Placed, plain, stored

# Markers from here on show unsafe content to whoever looks for it: the last digit says which.
FIRST_UNSAFE, UNSAFE = 950, 50
HALF = FIRST_UNSAFE // 2
# The second marker's cycle is so much shorter than the first one's: pairs differ in every cycle.
SHIFT = 7
APART = HALF - SHIFT
SIZES = (Size(400, 240), Size(240, 400), Size(420, 260))
SIDE_PX = (90, 120)
# What Rekognition calls the content, by the last digit of the marker.
CONTENT: Mapping[int, str] = MappingProxyType(
    {
        0: "Exposed Female Genitalia",
        1: "Gambling",
        2: "Corpses",
        3: "Weapon Violence",
        4: "Female Swimwear or Underwear",
        5: "Explicit Sexual Activity",
        6: "Drinking",
        7: "Pills",
        8: "Weapons",
        9: "Middle Finger",
    }
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What an image shows: its markers and where they are; `content`, where it is unsafe."""

    number: int
    boxes: Mapping[int, UnitBox]
    content: str = ""

    @property
    def markers(self) -> frozenset[int]:
        return frozenset(self.boxes)


def pair(number: int) -> tuple[int, int]:
    """The markers of an image of this number; another number has another pair."""
    turn, place = divmod(number, HALF)
    return place, HALF + (place + turn * SHIFT) % HALF


def truth(number: int, *, unsafe: bool = False) -> Truth:
    """What the image of this number shows; unsafe content takes the place of its first marker."""
    size, placed = _scene(number, unsafe=unsafe)
    boxes = {one.marker_id: PixelBox(*one.box).to_unit(size) for one in placed}
    return Truth(number, boxes, CONTENT[placed[0].marker_id % 10] if unsafe else "")


def content(number: int, *, unsafe: bool = False) -> bytes:
    """The image as a JPEG file."""
    size, placed = _scene(number, unsafe=unsafe)
    return stored(plain(size.width_px, size.height_px, *placed), quality=90)


def size_of(number: int) -> Size:
    return SIZES[number % len(SIZES)]


def _scene(number: int, *, unsafe: bool) -> tuple[Size, tuple[Placed, Placed]]:
    """One marker in either half, so that they never touch."""
    chance = random.Random(number)
    size, (first, second) = size_of(number), pair(number)
    ids = (FIRST_UNSAFE + number % UNSAFE if unsafe else first, second)
    wide = size.width_px >= size.height_px
    half_px = max(size.width_px, size.height_px) // 2
    placed = []
    for place, marker_id in enumerate(ids):
        side = chance.randint(*SIDE_PX)
        along, across = place * half_px + chance.randint(0, half_px - side), chance.randint(0, size.shortest_px - side)
        placed.append(Placed(marker_id, *((along, across) if wide else (across, along)), side))
    return size, (placed[0], placed[1])
