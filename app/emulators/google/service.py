"""The way of a call through the emulated service, in order: `Service.answer`. Whoever carries it, REST or gRPC.

In: a `Call`. Out: an `Outcome`, which the carrier writes in its own form. Pixels, messages and files are handled in a pool of
threads; the event loop only decides and waits.

A call is throttled, struck by a fault or refused as a whole; a bad image is refused by itself, inside an answer of status 200,
and its neighbours are answered. Both kinds of refusal count as refused: a call once, and each image of an answered call once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from google.protobuf.message import Message

from app.emulators.attending import Attendant
from app.emulators.buckets import Buckets
from app.emulators.counters import Fate
from app.emulators.faults import Fault, FaultKind
from app.emulators.google.asked import AskedImage, Feature, check_count, wishes_of
from app.emulators.google.billing import charges
from app.emulators.google.credentials import Credentials, check_credentials
from app.emulators.google.errors import (
    ServiceError,
    bad_image,
    connection_lost,
    image_too_large,
    internal,
    not_found,
    quota_exceeded,
    throttled,
)
from app.emulators.google.features import annotate
from app.emulators.google.messages import as_tree, asked_images, batch_answer, image_answer
from app.emulators.google.operations import PLAIN_METHODS
from app.emulators.google.sources import image_bytes
from app.emulators.images import ImageFormat, ImageLimits, Refusal, RefusedImageError
from app.emulators.looking import Viewer
from app.emulators.record import Recorder
from app.emulators.script import Brake

ANNOTATE_IMAGES = "BatchAnnotateImages"
METHODS = frozenset({ANNOTATE_IMAGES, *PLAIN_METHODS})
UNKNOWN = "unknown"
"""Name under which calls of no known method are counted."""
LIMITS = ImageLimits(1, most_pixels=75_000_000, formats=frozenset(ImageFormat))


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its carrier brings it: `receive` is its body, `parse` makes a request message of it."""

    method: str
    credentials: Credentials
    receive: Callable[[], Awaitable[bytes]]
    parse: Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be carried back: an answer or an error. `fault` is what the carrier is to do wrong."""

    answer: Message | None = None
    error: ServiceError | None = None
    fault: FaultKind | None = None


@dataclass(slots=True)
class Visit:
    """One image while it is under way: what is known of it so far."""

    asked: AskedImage
    data: bytes = b""
    features: tuple[Feature, ...] = ()
    markers: frozenset[int] = frozenset()
    answer: Message = field(default_factory=lambda: image_answer({}))
    error: ServiceError | None = None

    def refuse(self, error: ServiceError) -> None:
        self.error = error
        self.answer = image_answer({"error": error.as_status()})


@dataclass(frozen=True, slots=True)
class Service:
    """The emulated service and everything it works with."""

    viewer: Viewer
    attendant: Attendant
    buckets: Buckets
    recorder: Recorder | None
    secret: str | None

    async def answer(self, call: Call) -> Outcome:
        """Count the call, answer it, and wait until its time has come."""
        return await self.attendant.attend(call.method, lambda: self._outcome(call), lambda outcome: outcome.error is None)

    async def _outcome(self, call: Call) -> Outcome:
        try:
            body = await call.receive()
            self._admit(call)
            fault = self.attendant.struck(call.method, _REFUSALS)
            if fault and fault.kind is FaultKind.CLOSE:
                self.attendant.counters.ended(call.method, Fate.FAILED)
                return Outcome(error=connection_lost(), fault=FaultKind.CLOSE)
            if fault and fault.kind is FaultKind.STALL:
                await asyncio.sleep(fault.seconds)
            return Outcome(await self._work(call, body, fault), fault=fault.kind if fault else None)
        except ServiceError as error:
            self.attendant.counters.ended(call.method, error.fate)
            return Outcome(error=error)

    def _admit(self, call: Call) -> None:
        """Everything that is asked of a call before anybody looks into it: method, credentials, speed."""
        if call.method not in METHODS:
            raise not_found("no such method")
        check_credentials(call.credentials, self.secret)
        brake = self.attendant.brake()
        if brake is not None:
            raise quota_exceeded() if brake is Brake.RATE else throttled()

    async def _work(self, call: Call, body: bytes, fault: Fault | None) -> Message:
        request = await self.attendant.in_pool(lambda: call.parse(body))
        plain = PLAIN_METHODS.get(call.method)
        if plain is not None:
            return plain(request)
        images = await self.attendant.in_pool(lambda: asked_images(request))
        check_count(images)
        visits = [Visit(image) for image in images]
        await asyncio.gather(*(self.attendant.in_pool(partial(self._look, visit, fault)) for visit in visits))
        return batch_answer([await self._settled(call.method, visit) for visit in visits])

    def _look(self, visit: Visit, fault: Fault | None) -> None:
        """Answer one image, or say what is wrong with it. Runs in a thread."""
        try:
            wishes = wishes_of(visit.asked)
            visit.features = tuple(wishes.results)
            if fault is not None and fault.kind is FaultKind.REFUSE:
                raise bad_image()
            visit.data = image_bytes(visit.asked, self.buckets)
            view = self.viewer.view(visit.data, LIMITS, fault)
            visit.answer, visit.markers = image_answer(annotate(view, wishes)), view.markers
        except RefusedImageError as refused:
            visit.refuse(image_too_large(refused.detail) if refused.refusal is Refusal.TOO_LARGE else bad_image())
        except ServiceError as error:
            visit.refuse(error)

    async def _settled(self, method: str, visit: Visit) -> Message:
        """Charge and record one image; its part of the answer."""
        if visit.error is not None:
            self.attendant.counters.ended(method, visit.error.fate)
        else:
            for item in charges(visit.features):
                self.attendant.counters.paid(item, visit.markers)
        if self.recorder is not None and visit.data:
            await self._recorded(self.recorder, method, visit)
        return visit.answer

    async def _recorded(self, recorder: Recorder, method: str, visit: Visit) -> None:
        """`operation` is the features joined, since they are what is paid; the method where there are none."""
        facts = {
            "operation": "+".join(visit.features) or method,
            "status": 200 if visit.error is None else visit.error.http_status,
            "paid": visit.error is None,
            "request_id": str(uuid.uuid4()),
            "request": visit.asked.told,
        }
        number = recorder.take_number()
        await self.attendant.in_pool(lambda: recorder.save(number, (visit.data,), facts | {"answer": as_tree(visit.answer)}))


_REFUSALS: dict[FaultKind, Callable[[], Exception]] = {FaultKind.THROTTLE: throttled, FaultKind.ERROR500: internal}
