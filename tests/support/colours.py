"""A paid provider that looks: it finds flat colours in the pixels it is sent. Each test image wears a colour of its own,
so that a finding handed to the wrong image is seen at once.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from app.clock import ManualClock
from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature, Inquiry
from app.core.prices import PriceList
from app.errors import Kind, Problem
from app.providers.contract import Capabilities, Reading

# Far apart in RGB, also after JPEG: no two closer than 100 in every channel's sum.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 20, 20),
    "green": (20, 180, 20),
    "blue": (20, 20, 220),
    "yellow": (230, 230, 20),
    "magenta": (220, 20, 220),
    "cyan": (20, 220, 220),
    "orange": (250, 130, 10),
    "black": (5, 5, 5),
}
LANDSCAPE = Size(160, 120)
TOLERANCE = 30  # per channel: JPEG's rounding and ringing stay well below
SMALLEST_SHARE = 0.001  # of the sheet; smaller patches are ringing, not images

CAPABILITIES = Capabilities(
    provider="emulator",
    vendor="rekognition",
    formats=frozenset({"jpeg", "png"}),
    names={feature: feature.value for feature in Feature if feature is not Feature.LANDMARKS},
    max_image_bytes=dict.fromkeys(Feature, 5_000_000),  # one feature that it does not offer: LANDMARKS
    min_side_px=80,
    max_side_px=10_000,
    sheet_side_px=800,
    prices=PriceList(otherwise=0.001),
    accuracy_table="rekognition",
)


def painted(colour: str, size: Size = LANDSCAPE, format: str = "PNG") -> bytes:
    """An image that is nothing but its colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size.width_px, size.height_px), COLOURS[colour]).save(buffer, format)
    return buffer.getvalue()


@dataclass(slots=True)
class ColourProvider:
    """Finds every colour of `COLOURS` and boxes it.

    `poison`: colours that make it refuse the whole image, as a vendor refuses a bad one. `cap`: answers with more
    findings are cut off and say so. `script`: problems raised by the next calls, in order. `boxless`: colours found
    without geometry. `tripping`: colours on which it fails (`trip`) if they share an image with others. `broken`: so many
    findings of a sheet cannot be read. `takes_s`: so much time passes on `clock`, where it has one. `gate`: it answers nobody
    before. `asked` keeps what it was sent.
    """

    poison: frozenset[str] = frozenset()
    boxless: frozenset[str] = frozenset()
    tripping: frozenset[str] = frozenset()
    trip: Kind = Kind.PROVIDER_UNAVAILABLE
    broken: int = 0
    takes_s: float = 0.0
    clock: ManualClock | None = None
    cap: int | None = None
    script: deque[Problem] = field(default_factory=deque)
    gate: asyncio.Event | None = None
    asked: list[tuple[Size, Inquiry]] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_sent(self, count: int) -> None:
        """Wait until it has been sent so many images."""
        while len(self.images) < count:
            self.sent.clear()
            await self.sent.wait()

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        assert timeout_s > 0
        self.images.append(image)
        self.sent.set()
        if self.gate is not None:
            await self.gate.wait()
        try:
            pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), dtype=np.int16)
        except (OSError, SyntaxError) as error:
            raise Problem(Kind.IMAGE_REFUSED, "not an image") from error
        self.asked.append((Size(pixels.shape[1], pixels.shape[0]), inquiry))
        if self.clock is not None:
            self.clock.advance(self.takes_s)
        if self.script:
            raise self.script.popleft()
        found = [finding for name in COLOURS if (finding := self._find(name, pixels)) is not None]
        if self.poison & {finding.label for finding in found}:
            raise Problem(Kind.IMAGE_REFUSED, "bad image")
        if len(found) > 1 and self.tripping & {finding.label for finding in found}:
            raise Problem(self.trip, "tripped over one of them")
        kept: Sequence[Detection] = found if self.cap is None else found[: self.cap]
        broken = self.broken if len(found) > 1 else 0
        return Reading(tuple(kept), b"{}", truncated=self.cap is not None and len(found) > self.cap, broken=broken)

    async def aclose(self) -> None:
        return None

    def _find(self, name: str, pixels: np.ndarray) -> Detection | None:
        height, width = pixels.shape[:2]
        mask = (np.abs(pixels - np.array(COLOURS[name])) <= TOLERANCE).all(axis=2)
        if mask.mean() < SMALLEST_SHARE:
            return None
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        left, top, right, bottom = map(int, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        box = UnitBox(left / width, top / height, right / width, bottom / height)
        return Detection(Feature.OBJECTS, name, 0.9, None if name in self.boxless else box)
