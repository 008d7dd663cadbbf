"""A model in this process as a provider: decode, look, name. Built by `providers.build`; called by `calling` like any other.

Looking is CPU work in threads of its own, as many at once as there are cores, each on one core: that gives the most images per
second, and the event loop never waits. There is no vendor behind it, so nothing can be handed on whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.core.geometry import PixelBox, Size
from app.core.labels import labels_of
from app.core.model import Detection, Feature, Inquiry, RawRequest, Tree
from app.core.prices import PriceList
from app.detectors.contract import Model, ModelFacts, Sighting, UnusableModel
from app.errors import Kind, Problem
from app.imaging.array import FORMATS, read_rgb
from app.providers.contract import Capabilities, ForwardReply, Reading
from app.providers.threads import Threads

# What a lone image may hold, bytes: only sheets are made to fit, and they are far smaller.
_MAX_IMAGE_BYTES = 64 * 1024 * 1024
# The largest that the settings admit (TESSERA_MAX_PIXELS).
_MAX_PIXELS = 80_000_000
_MAX_SIDE_PX = 16_000
# A smaller image is blown up by most detectors when it is alone, and would lose that on a sheet.
_MIN_SIDE_PX = 64
# Sheets are this many times as large as the input: the gutter of 16 px is then one stride of 8 px wide in the input, and a JPEG
# block of the sheet is averaged away. Beyond 1920 px nothing is gained, as with the vendors.
_SHEET_TIMES_INPUT = 2
_MOST_SHEET_SIDE_PX = 1920
# A photograph far larger than the input is decoded at this many times its size: the rest would only be averaged away.
_DECODED_TIMES_INPUT = 4


class LocalProvider:
    """One model. `looks_at_once`: threads, one core each; `dollars`: what the operator says that an inference costs."""

    def __init__(self, name: str, model: Model, *, dollars: float, looks_at_once: int) -> None:
        facts = model.facts
        self._model = model
        self._identity = f"{name}:{facts.identity}"
        self._capabilities = _capabilities(name, facts, dollars)
        self._decoded_px = _DECODED_TIMES_INPUT * facts.seen.size.longest_px
        self._threads = Threads(name, looks_at_once)
        self._looking: set[asyncio.Task[Reading]] = set()
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def address(self) -> str:
        """The model's name and digest: processes with the same model may work for each other."""
        return self._identity

    async def warm_up(self) -> None:
        """Nothing is left to find: the model was loaded, and tried once, when it was built."""

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        """All findings above the model's floor; none below `inquiry.min_score_unit` where one is given.

        Labels are gathered from what is detected. Where no score is given, from what is usually shown: a label counts its
        boxes, and hundreds that nobody would believe lie above the floor.
        """
        attempt = _Attempt(image, inquiry)
        if timeout_s <= 0:
            raise _too_late(attempt, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._unless_closed(attempt)
        except TimeoutError as error:
            raise _too_late(attempt, timeout_s) from error

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        """Raises Problem: a model answers no vendor's requests."""
        raise Problem(Kind.UNKNOWN_OPERATION, "this operation is not available through a local model")

    async def aclose(self) -> None:
        """Calls under way fail; later ones are refused. A look that has begun ends by itself, unheard."""
        self._closed = True
        self._threads.close()
        for look in list(self._looking):
            look.cancel()

    async def _unless_closed(self, attempt: _Attempt) -> Reading:
        look = asyncio.get_running_loop().create_task(self._threads.run(self._look, attempt), name="look")
        self._looking.add(look)
        try:
            return await look
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and (task is None or not task.cancelling()):
                raise Problem(Kind.SHUTTING_DOWN, "The provider is closed") from None
            raise
        finally:
            self._looking.discard(look)

    def _look(self, attempt: _Attempt) -> Reading:
        attempt.has_begun = True
        try:
            rgb = read_rgb(attempt.image, max_pixels=_MAX_PIXELS, longest_px=self._decoded_px)
            seen = self._model.look(rgb)
        except UnusableModel as error:
            raise Problem(Kind.PROVIDER_GARBLED, "The model failed on the image") from error
        except MemoryError as error:
            raise Problem(Kind.PROVIDER_UNAVAILABLE, "There is no memory left for the image") from error
        except Problem as problem:
            raise Problem(Kind.IMAGE_REFUSED, f"The model cannot read the image: {problem.detail}") from problem
        size, vendor = Size(rgb.shape[1], rgb.shape[0]), self._capabilities.vendor
        asked = attempt.inquiry
        wanted = _wanted(seen, asked, self._least_unit(asked))
        found = tuple(_detection(thing, size, asked.feature.on_sheet, vendor) for thing in wanted)
        return Reading(labels_of(found) if asked.feature is Feature.LABELS else found, b"")

    def _least_unit(self, inquiry: Inquiry) -> float:
        if inquiry.min_score_unit is not None or inquiry.feature is not Feature.LABELS:
            return inquiry.min_score_unit or 0.0
        return self._capabilities.usual_score_unit or 0.0


@dataclass(slots=True)
class _Attempt:
    """One call of `infer`. Once it has begun, the work is done, whether anybody still waits or not."""

    image: bytes
    inquiry: Inquiry
    has_begun: bool = False


def _capabilities(name: str, facts: ModelFacts, dollars: float) -> Capabilities:
    names = {Feature.OBJECTS: "objects", Feature.LABELS: "labels", **({Feature.PEOPLE: "people"} if facts.has_people else {})}
    side_px = facts.seen.size.longest_px
    return Capabilities(
        provider=name,
        vendor=name,
        formats=FORMATS,
        names=names,
        max_image_bytes=dict.fromkeys(names, _MAX_IMAGE_BYTES),
        min_side_px=_MIN_SIDE_PX,
        max_side_px=_MAX_SIDE_PX,
        sheet_side_px=max(_MIN_SIDE_PX, side_px, min(_SHEET_TIMES_INPUT * side_px, _MOST_SHEET_SIDE_PX)),
        prices=PriceList(otherwise=dollars),
        accuracy_table=facts.paper_table,
        input=facts.seen,
        usual_score_unit=facts.usual_score_unit,
    )


def _wanted(seen: list[Sighting], inquiry: Inquiry, least_unit: float) -> list[Sighting]:
    people_only = inquiry.feature is Feature.PEOPLE
    return [thing for thing in seen if thing.score_unit >= least_unit and (thing.kind == "person" or not people_only)]


def _detection(thing: Sighting, size: Size, feature: Feature, vendor: str) -> Detection:
    box = PixelBox(*thing.box_xyxy_px).to_unit(size)
    fields: dict[str, Tree] = {"parents": list(thing.parents)} if thing.parents else {}
    return Detection(feature, thing.label, thing.score_unit, box, vendor=vendor, fields=fields)


def _too_late(attempt: _Attempt, timeout_s: float) -> Problem:
    if attempt.has_begun:
        return Problem(Kind.PROVIDER_TIMEOUT, f"The model did not answer within {timeout_s:.1f} s")
    return Problem(Kind.PROVIDER_UNAVAILABLE, f"The model was busy with other images for {max(0.0, timeout_s):.1f} s")
