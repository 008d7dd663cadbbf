"""A paid upstream that looks at pixels and remembers whose it saw: each picture is one colour of its own, its identity.

In: pictures and sheets. Out: findings that name the identity in every field, and for each question the identities in it. It
misbehaves as it is told: late, refusing, throttling, failing, garbling, cutting its answers off, finding things without a
place, at the border, outside of the sheet and all over it. It shares no code with what composes and takes apart.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature, Inquiry, RawRequest
from app.errors import Kind, Problem
from app.providers.contract import Capabilities, ForwardReply, Reading
from tests.support.colours import CAPABILITIES

# Five levels per channel, greys left out (sheets are filled with one): 120 colours, 55 apart. JPEG moves a flat colour by 3.
LEVELS = (10, 65, 120, 175, 230)
NEAR = 20
CODES = [code for code in itertools.product(range(len(LEVELS)), repeat=3) if len(set(code)) > 1]
IDENTITIES = len(CODES)
# Smaller patches are ringing at an edge, not pictures: a share of what was looked at. Only every other pixel is looked at.
LEAST_SHARE = 0.006
# The frame of a picture: of the grey that no identity has, and so wide that equal neighbours stay apart.
GREY, FRAME_PX = (114, 114, 114), 10
STRIDE = 2
# Thinner than this is the blend of two colours at an edge, in pixels that are looked at.
CORE = np.ones((3, 3), np.uint8)
# One identity in so many shows unsafe content.
UNSAFE_EVERY = 5
# Above every threshold that a front has where its client names none: what is filtered out proves nothing.
SCORES = (0.85, 0.99)
# Shares of a sheet at which something lies far outside.
OUTSIDE = UnitBox(1.2, 1.1, 1.5, 1.4)
EVERYWHERE = UnitBox(0.0, 0.0, 1.0, 1.0)
_NUMBERS = np.full(len(LEVELS) ** 3, -1)
for _number, (_red, _green, _blue) in enumerate(CODES):
    _NUMBERS[(_red * len(LEVELS) + _green) * len(LEVELS) + _blue] = _number


class Mood(StrEnum):
    """How one question is answered."""

    WELL = "well"
    THROTTLED = "throttled"
    DOWN = "down"
    GARBLED = "garbled"
    TRUNCATED = "truncated"
    BOXLESS = "boxless"
    BROKEN = "broken"


_PROBLEMS = {
    Mood.THROTTLED: Kind.THROTTLED,
    Mood.DOWN: Kind.PROVIDER_UNAVAILABLE,
    Mood.GARBLED: Kind.PROVIDER_GARBLED,
}
# What spoils an answer to a sheet, and would be nothing to an image alone.
_OF_SHEETS = frozenset({Mood.TRUNCATED, Mood.BOXLESS, Mood.BROKEN})


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to one question."""

    mood: Mood = Mood.WELL
    takes_s: float = 0.0


def name_of(identity: int) -> str:
    """As it stands in answers; nothing else in them looks like it."""
    return f"id-{identity:04d}"


def is_unsafe(identity: int) -> bool:
    return identity % UNSAFE_EVERY == 0


@cache
def painted(identity: int, size: Size, kind: str) -> bytes:
    """A picture that is nothing but its colour, in a grey frame: equal neighbours on a sheet do not run into each other."""
    picture = Image.new("RGB", (size.width_px, size.height_px), GREY)
    red, green, blue = (LEVELS[level] for level in CODES[identity])
    picture.paste((red, green, blue), (FRAME_PX, FRAME_PX, size.width_px - FRAME_PX, size.height_px - FRAME_PX))
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=90)
    return buffer.getvalue()


def identities_in(image: bytes) -> list[tuple[int, UnitBox]]:
    """Which identities are where; one that is shown twice is there twice. Raises what Pillow raises for what is no image."""
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))[::STRIDE, ::STRIDE]
    numbers = _read(pixels)
    height, width = numbers.shape
    least = LEAST_SHARE * numbers.size
    counts = np.bincount(numbers[numbers >= 0], minlength=IDENTITIES)
    found = []
    for identity in np.flatnonzero(counts >= least).tolist():
        solid = cv2.erode((numbers == identity).astype(np.uint8), CORE)
        patches = cv2.connectedComponentsWithStats(solid, connectivity=4)[2][1:]
        for left, top, across, down, area in patches.tolist():
            if area >= least:
                right, bottom = left + across + 1, top + down + 1  # eroding took a pixel on each side
                found.append((identity, UnitBox((left - 1) / width, (top - 1) / height, right / width, bottom / height)))
    return found


def _read(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Each pixel's identity; -1 for none."""
    values = pixels.astype(np.int16)
    step = LEVELS[1] - LEVELS[0]
    levels = np.clip((values - LEVELS[0] + step // 2) // step, 0, len(LEVELS) - 1)
    sure = (np.abs(values - (levels * step + LEVELS[0])) <= NEAR).all(axis=2)
    index = (levels[..., 0] * len(LEVELS) + levels[..., 1]) * len(LEVELS) + levels[..., 2]
    return np.where(sure, _NUMBERS[index], -1)


@dataclass(slots=True)
class LookingVendor:
    """`turns`: what happens to the questions, over and over; `poison`: identities whose pictures it refuses, and every sheet
    with them. `seen`: what was in each question, in the order in which they came.
    """

    turns: Sequence[Turn] = (Turn(),)
    poison: frozenset[int] = frozenset()
    seed: int = 0
    seen: list[tuple[int, ...]] = field(default_factory=list)
    _next: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        turn = self.turns[self._next % len(self.turns)]
        chance = random.Random(self.seed * 100_003 + self._next)
        self._next += 1
        places = identities_in(image)
        shown = [identity for identity, _ in places]
        self.seen.append(tuple(shown))
        await asyncio.sleep(min(turn.takes_s, timeout_s))
        if turn.takes_s > timeout_s:
            raise Problem(Kind.PROVIDER_TIMEOUT, "it takes too long")
        if self.poison.intersection(shown):
            raise Problem(Kind.IMAGE_REFUSED, "one of them is bad")
        mood = Mood.WELL if len(places) < 2 and turn.mood in _OF_SHEETS else turn.mood
        if mood in _PROBLEMS:
            raise Problem(_PROBLEMS[mood], f"it is {mood.value}")
        return _reading(places, inquiry, mood, chance)

    async def aclose(self) -> None:
        return None

    async def address(self) -> str:
        return "nowhere"

    async def warm_up(self) -> None:
        return None

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        raise Problem(Kind.UNKNOWN_OPERATION, "nothing is handed on here")


def _reading(places: Sequence[tuple[int, UnitBox]], inquiry: Inquiry, mood: Mood, chance: random.Random) -> Reading:
    if inquiry.feature is Feature.MODERATION:
        found = [_unsafe(identity) for identity, _ in places if is_unsafe(identity)]
    else:
        found = [one for identity, place in places for one in _things(identity, place, inquiry.feature, chance)]
        if mood is Mood.BOXLESS and found:
            found.append(Detection(inquiry.feature, found[0].label, 0.9, None))
    chance.shuffle(found)  # an order says nothing
    return Reading(
        tuple(found), _body(found, inquiry.feature), truncated=mood is Mood.TRUNCATED, broken=int(mood is Mood.BROKEN)
    )


def _unsafe(identity: int) -> Detection:
    """A word that no category has, so it counts for every client."""
    return Detection(Feature.MODERATION, name_of(identity), 0.99, None, fields={"who": name_of(identity)})


def _things(identity: int, place: UnitBox, feature: Feature, chance: random.Random) -> list[Detection]:
    """The picture as a whole, a part of it, what hangs over its border (its centre does not), and noise of its name: outside of
    the sheet, and all over it.
    """
    boxes = [place, _part(place, chance), _grown(place, chance.choice((1.05, 1.2, 2.5))), OUTSIDE, EVERYWHERE]
    return [
        Detection(feature, name_of(identity), round(chance.uniform(*SCORES), 3), box, fields=_fields(identity, box))
        for box in boxes
    ]


def _fields(identity: int, box: UnitBox) -> dict[str, Any]:
    return {"who": name_of(identity), "instances": [{"box": box, "who": name_of(identity)}]}


def _part(place: UnitBox, chance: random.Random) -> UnitBox:
    """Somewhere in it; half of them touch its border."""
    width, height = 0.3 * place.width, 0.3 * place.height
    left = chance.choice((0.0, 1.0, chance.random())) * (place.width - width) + place.left
    top = chance.choice((0.0, 1.0, chance.random())) * (place.height - height) + place.top
    return UnitBox(left, top, left + width, top + height)


def _grown(place: UnitBox, factor: float) -> UnitBox:
    """About the same centre."""
    more_x, more_y = (factor - 1) * place.width / 2, (factor - 1) * place.height / 2
    return UnitBox(place.left - more_x, place.top - more_y, place.right + more_x, place.bottom + more_y)


def _body(found: Sequence[Detection], feature: Feature) -> bytes:
    """The vendor's own words for it, as its own clients are given them when their picture was alone."""
    if feature is Feature.MODERATION:
        return json.dumps(
            {"ModerationLabels": [{"Name": one.label, "Confidence": 99.0, "ParentName": ""} for one in found]}
        ).encode()
    items = [(one, {"BoundingBox": _box(one.box)}) for one in found if one.box is not None]
    if feature is Feature.TEXT:
        texts = [{"DetectedText": one.label, "Type": "WORD", "Confidence": 99.0, "Geometry": box} for one, box in items]
        return json.dumps({"TextDetections": texts}).encode()
    labels = [
        {"Name": one.label, "Confidence": 99.0, "Instances": [{**box, "Confidence": 99.0}], "Parents": []} for one, box in items
    ]
    return json.dumps({"Labels": labels}).encode()


def _box(box: UnitBox) -> dict[str, float]:
    return {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height}
