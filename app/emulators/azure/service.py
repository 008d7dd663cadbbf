"""The way of a request through the emulated service, in order: `Service.answer`.

In: an HTTP request. Out: a reply in the API's wire format (JSON). Pixels and files are handled in a pool of threads; the event
loop only decides and waits.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from app.emulators.attending import Attendant
from app.emulators.azure.bodies import ENVELOPE_BYTES, JSON_TYPE, image_bytes, media_type, url_in
from app.emulators.azure.errors import WORDING_32, WORDING_40, Problem, Refused
from app.emulators.azure.keys import check_key
from app.emulators.azure.operations import BASE_32, OPERATIONS, RESULTS_NAME, RESULTS_PATH, Operation
from app.emulators.azure.parameters import Json
from app.emulators.azure.picture import Picture
from app.emulators.azure.reading_operations import Readings
from app.emulators.buckets import Buckets
from app.emulators.counters import Fate
from app.emulators.faults import Fault, FaultKind
from app.emulators.images import ImageFormat, Refusal, RefusedImageError, format_of
from app.emulators.looking import Viewer
from app.emulators.receiving import body_of
from app.emulators.record import Recorder
from app.emulators.sending import GARBAGE, Ending, Reply

CONTENT_TYPE = "application/json; charset=utf-8"
UNKNOWN = "unknown"
"""Name under which requests without a known operation are counted."""
OK, ACCEPTED = 200, 202
BILL = "CognitiveServices.ComputerVision.Transaction"


@dataclass(slots=True)
class Visit:
    """One call while it is under way: what is known of it so far."""

    path: str
    operation: Operation | None
    name: str
    query: Mapping[str, str]
    content_type: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    arrived_s: float = field(default_factory=time.monotonic)
    asked: Json = field(default_factory=dict)
    image: bytes = b""
    charges: tuple[str, ...] = ()
    markers: frozenset[int] = frozenset()
    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """The emulated service and everything it works with."""

    viewer: Viewer
    attendant: Attendant
    buckets: Buckets
    recorder: Recorder | None
    secret: str | None
    readings: Readings = field(default_factory=Readings)

    async def answer(self, request: Request) -> Response:
        """Count the call, answer it, and wait until its time has come."""
        visit = _visit(request)
        return await self.attendant.attend(
            visit.name, lambda: self._reply(request, visit), lambda reply: reply.status_code in (OK, ACCEPTED)
        )

    async def _reply(self, request: Request, visit: Visit) -> Reply:
        fault: Fault | None = None
        try:
            body = await body_of(request, _most_bytes(visit))
            self._admit(request, visit)
            fault = self.attendant.struck(visit.name, _REFUSALS)
            if fault and fault.kind is FaultKind.CLOSE:
                self.attendant.counters.ended(visit.name, Fate.FAILED)
                return Reply(b"", 500, {}, Ending.NOTHING)
            if fault and fault.kind is FaultKind.STALL:
                await asyncio.sleep(fault.seconds)
            answer = await self._answer(visit, body, fault)
        except Refused as refused:
            self.attendant.counters.ended(visit.name, refused.fate)
            answer = _refusal(visit, refused)
        else:
            self._charge(visit)
        return await self._written(request, visit, answer, fault)

    def _admit(self, request: Request, visit: Visit) -> None:
        """Everything that is asked of a request before anybody looks into it: its address, its key, its speed."""
        if visit.name == UNKNOWN:
            raise Refused(Problem.NOT_FOUND)
        check_key(request.headers, self.secret)
        if self.attendant.brake() is not None:
            raise Refused(Problem.THROTTLED)

    async def _answer(self, visit: Visit, body: bytes | None, fault: Fault | None) -> Json:
        operation = visit.operation
        if operation is None:
            return self.readings.ask(visit.path.removeprefix(RESULTS_PATH))
        if body is None:
            raise Refused(Problem.IMAGE_BYTES)
        return await self.attendant.in_pool(lambda: self._look(visit, operation, body, fault))

    def _look(self, visit: Visit, operation: Operation, body: bytes, fault: Fault | None) -> Json:
        """Read the request, look, answer. Runs in a thread."""
        wishes = operation.read(visit.query)
        if media_type(visit.content_type) == JSON_TYPE:
            visit.asked["url"] = url_in(body)
        visit.image = image_bytes(visit.content_type, body, operation.api.bodies, self.buckets)
        try:
            view = self.viewer.view(visit.image, operation.api.images, fault)
            scene = view.objects
            faces = view.faces if operation.about_faces(wishes) else scene
        except RefusedImageError as refused:
            raise Refused(_IMAGE_PROBLEMS[refused.refusal]) from refused
        picture = Picture(scene, faces, format_of(visit.image) or ImageFormat.JPEG)
        answer = operation.seal(operation.answer(picture, wishes), picture, visit.request_id)
        visit.charges, visit.markers = operation.charges(wishes), view.markers
        return answer

    def _charge(self, visit: Visit) -> None:
        """Only what was looked at and answered is paid for, feature by feature."""
        for item in visit.charges:
            self.attendant.counters.paid(item, visit.markers)
        if visit.charges:
            visit.headers["CSP-Billing-Usage"] = f"{BILL}={len(visit.charges)}"

    async def _written(self, request: Request, visit: Visit, answer: Json, fault: Fault | None) -> Reply:
        if self.recorder is not None and visit.image:
            await self._recorded(self.recorder, visit, answer)
        content = await self.attendant.in_pool(lambda: json.dumps(answer).encode())
        if visit.status == OK and visit.operation is not None and visit.operation.deferred:
            visit.status, content = ACCEPTED, b""
            visit.headers["Operation-Location"] = f"{_origin(request)}{RESULTS_PATH}{self.readings.keep(answer)}"
        if fault is not None and visit.status == OK and fault.kind is FaultKind.GARBAGE:
            content = GARBAGE
        ending = Ending.HALF if fault is not None and fault.kind is FaultKind.TRUNCATED else Ending.WHOLE
        headers = {
            "Content-Type": CONTENT_TYPE,
            "apim-request-id": visit.request_id,
            "x-envoy-upstream-service-time": str(round(1000 * (time.monotonic() - visit.arrived_s))),
            **visit.headers,
        }
        return Reply(content, visit.status, headers, ending)

    async def _recorded(self, recorder: Recorder, visit: Visit, answer: Json) -> None:
        facts = {
            "operation": visit.name,
            "status": visit.status,
            "paid": visit.status == OK and bool(visit.charges),
            "request_id": visit.request_id,
            "request": {**visit.query, **visit.asked},
            "answer": answer,
        }
        number = recorder.take_number()
        await self.attendant.in_pool(lambda: recorder.save(number, (visit.image,), facts))


_IMAGE_PROBLEMS: Mapping[Refusal, Problem] = {
    Refusal.FORMAT: Problem.IMAGE_FORMAT,
    Refusal.TOO_SMALL: Problem.IMAGE_SIDES,
    Refusal.TOO_LARGE: Problem.IMAGE_SIDES,
}
_REFUSALS: Mapping[FaultKind, Callable[[], Refused]] = {
    FaultKind.THROTTLE: lambda: Refused(Problem.THROTTLED),
    FaultKind.ERROR500: lambda: Refused(Problem.INTERNAL),
    FaultKind.REFUSE: lambda: Refused(Problem.IMAGE_FORMAT),
}


def _visit(request: Request) -> Visit:
    """What the address says about a call."""
    path = request.url.path
    operation = OPERATIONS.get(path) if request.method == "POST" else None
    asks = request.method == "GET" and path.startswith(RESULTS_PATH)
    name = operation.name if operation else RESULTS_NAME if asks else UNKNOWN
    return Visit(path, operation, name, dict(request.query_params), request.headers.get("content-type", ""))


def _most_bytes(visit: Visit) -> int:
    """Longest body that is kept."""
    return (visit.operation.api.bodies.most_bytes if visit.operation else 0) + ENVELOPE_BYTES


def _refusal(visit: Visit, refused: Refused) -> Json:
    wording = (WORDING_32 if visit.path.startswith(BASE_32) else WORDING_40)[refused.problem]
    visit.status = wording.status
    visit.headers.update(refused.headers)
    return wording.body(refused.detail)


def _origin(request: Request) -> str:
    """This server's own address, as the client named it."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
