"""The way of a request through the emulated service, in order: `Service.answer`.

In: an HTTP request. Out: a reply in the service's wire format (AWS JSON 1.1). Pixels, hashes and files are handled in a pool
of threads; the event loop only decides and waits.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.emulators.attending import Attendant
from app.emulators.buckets import Buckets
from app.emulators.counters import Fate
from app.emulators.faults import Fault, FaultKind
from app.emulators.images import Refusal, RefusedImageError
from app.emulators.looking import Viewer
from app.emulators.receiving import body_of
from app.emulators.record import Recorder
from app.emulators.rekognition.collections import PLAIN_OPERATIONS, Collections
from app.emulators.rekognition.errors import (
    ServiceError,
    body_too_large,
    internal,
    invalid_format,
    invalid_parameter,
    rate_exceeded,
    serialization,
    throttled,
    too_large,
    unknown_operation,
)
from app.emulators.rekognition.operations import IMAGE_OPERATIONS, ImageOperation
from app.emulators.rekognition.parameters import Json
from app.emulators.rekognition.sigv4 import SignedRequest, check_signature
from app.emulators.rekognition.sources import image_bytes
from app.emulators.scene import Scene
from app.emulators.script import Brake
from app.emulators.sending import GARBAGE, Ending, Reply

TARGET_START = ("RekognitionService", ".")
CONTENT_TYPE = "application/x-amz-json-1.1"
MOST_BODY_BYTES = 16 * 1024 * 1024
"""Two inline images in base64 (14 MB) and room for the rest."""
UNKNOWN = "unknown"
"""Name under which requests without a known operation are counted."""


@dataclass(slots=True)
class Visit:
    """One call while it is under way: what is known of it so far."""

    operation: str
    images: list[bytes] = field(default_factory=list)
    members: Json = field(default_factory=dict)
    charges: tuple[str, ...] = ()
    markers: set[int] = field(default_factory=set)
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """The emulated service and everything it works with."""

    viewer: Viewer
    attendant: Attendant
    buckets: Buckets
    recorder: Recorder | None
    secret: str | None
    collections: Collections = field(default_factory=Collections)

    async def answer(self, request: Request) -> Response:
        """Count the call, answer it, and wait until its time has come."""
        visit = Visit(_operation_of(request))
        return await self.attendant.attend(
            visit.operation, lambda: self._reply(request, visit), lambda reply: reply.status_code == 200
        )

    async def _reply(self, request: Request, visit: Visit) -> Reply:
        fault: Fault | None = None
        try:
            body = await _body(request)
            await self._admit(request, visit, body)
            fault = self.attendant.struck(visit.operation, _REFUSALS)
            if fault and fault.kind is FaultKind.CLOSE:
                self.attendant.counters.ended(visit.operation, Fate.FAILED)
                return Reply(b"", 500, {}, Ending.NOTHING)
            if fault and fault.kind is FaultKind.STALL:
                await asyncio.sleep(fault.seconds)
            status, answer = 200, await self.attendant.in_pool(lambda: self._work(visit, body, fault))
        except ServiceError as error:
            self.attendant.counters.ended(visit.operation, error.fate)
            status, answer = error.status, _error_json(error)
        self._charge(visit, status)
        return await self._written(visit, status, answer, fault)

    async def _admit(self, request: Request, visit: Visit, body: bytes) -> None:
        """Everything that is asked of a request before anybody looks into it: name, signature, speed."""
        if visit.operation == UNKNOWN:
            raise unknown_operation()
        signed = SignedRequest(request.method, request.url.path, request.url.query, dict(request.headers), body)
        now = datetime.now(UTC)
        if self.secret is None:
            check_signature(signed, None, now)
        else:
            await self.attendant.in_pool(lambda: check_signature(signed, self.secret, now))
        brake = self.attendant.brake()
        if brake is not None:
            raise rate_exceeded() if brake is Brake.RATE else throttled()

    def _work(self, visit: Visit, body: bytes, fault: Fault | None) -> Json:
        """Read the request, look, answer. Runs in a thread."""
        visit.members = _members(body)
        plain = PLAIN_OPERATIONS.get(visit.operation)
        if plain is not None:
            return plain(self.collections, visit.members)
        operation = IMAGE_OPERATIONS[visit.operation]
        wishes = operation.read(visit.members)
        scenes = []
        for member in operation.images:
            data = image_bytes(visit.members.get(member), operation.inline_bytes, self.buckets)
            visit.images.append(data)
            scenes.append(self._look(visit, operation, data, fault))
        answer = operation.answer(tuple(scenes), wishes)
        visit.charges = operation.charges(wishes)
        return answer

    def _look(self, visit: Visit, operation: ImageOperation, data: bytes, fault: Fault | None) -> Scene:
        try:
            view = self.viewer.view(data, operation.sides, fault)
            scene = view.faces if operation.about_faces else view.objects
        except RefusedImageError as refused:
            raise _IMAGE_ERRORS[refused.refusal](refused.detail) from refused
        visit.markers |= view.markers
        return scene

    def _charge(self, visit: Visit, status: int) -> None:
        """Only what was looked at and answered is paid for."""
        visit.paid = status == 200 and bool(visit.charges)
        for item in visit.charges if visit.paid else ():
            self.attendant.counters.paid(item, visit.markers)

    async def _written(self, visit: Visit, status: int, answer: Json, fault: Fault | None) -> Reply:
        request_id = str(uuid.uuid4())
        if self.recorder is not None and visit.images:
            await self._recorded(self.recorder, visit, status, answer, request_id)
        content = await self.attendant.in_pool(lambda: json.dumps(answer).encode())
        if fault is not None and status == 200 and fault.kind is FaultKind.GARBAGE:
            content = GARBAGE
        ending = Ending.HALF if fault is not None and fault.kind is FaultKind.TRUNCATED else Ending.WHOLE
        return Reply(content, status, {"x-amzn-RequestId": request_id, "Content-Type": CONTENT_TYPE}, ending)

    async def _recorded(self, recorder: Recorder, visit: Visit, status: int, answer: Json, request_id: str) -> None:
        facts = {
            "operation": visit.operation,
            "status": status,
            "paid": visit.paid,
            "request_id": request_id,
            "request": {name: value for name, value in visit.members.items() if name not in _IMAGE_MEMBERS},
            "answer": answer,
        }
        number = recorder.take_number()
        await self.attendant.in_pool(lambda: recorder.save(number, tuple(visit.images), facts))


_IMAGE_MEMBERS = frozenset(member for operation in IMAGE_OPERATIONS.values() for member in operation.images)
_IMAGE_ERRORS: dict[Refusal, Callable[[str], ServiceError]] = {
    Refusal.FORMAT: lambda _: invalid_format(),
    Refusal.TOO_SMALL: invalid_parameter,
    Refusal.TOO_LARGE: too_large,
}
_REFUSALS: dict[FaultKind, Callable[[], ServiceError]] = {
    FaultKind.THROTTLE: throttled,
    FaultKind.ERROR500: internal,
    FaultKind.REFUSE: invalid_format,
}


def _operation_of(request: Request) -> str:
    start, dot, name = request.headers.get("x-amz-target", "").partition(".")
    known = (start, dot) == TARGET_START and (name in IMAGE_OPERATIONS or name in PLAIN_OPERATIONS)
    return name if known else UNKNOWN


async def _body(request: Request) -> bytes:
    body = await body_of(request, MOST_BODY_BYTES)
    if body is None:
        raise body_too_large()
    return body


def _members(body: bytes) -> Json:
    try:
        members: Any = json.loads(body)
    except ValueError as error:
        raise serialization("The body is not JSON") from error
    if not isinstance(members, dict):
        raise serialization("The body is not a JSON object")
    return members


def _error_json(error: ServiceError) -> Json:
    return {"__type": error.code, "Code": error.code, "Logref": str(uuid.uuid4()), "Message": error.message}
