"""The HTTP side of the desk: Starlette's request in, Starlette's response out."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from app.core.model import RawRequest
from app.errors import Problem
from app.log import get_logger
from app.providers.contract import ForwardReply
from app.server.desk import Desk
from app.server.reading import BodyShare, disconnected, read_request, unless_client_leaves
from app.wire.contract import Dialect, RawReply
from app.wire.headers import REQUEST_ID

T = TypeVar("T")

log = get_logger(__name__)

# Headers of a passed-through answer that are said here instead.
_NOT_FORWARDED = frozenset({"date", REQUEST_ID.lower()})
# Of every answer that is our own: a browser is not to take for a page what quotes a client's words. Passed-through ones are the
# vendor's, to the byte.
PLAINLY = {"x-content-type-options": "nosniff"}


class _HandedOn(StreamingResponse):
    """The vendor's answer as it comes. Where it breaks off, so does ours, for the client to see; and one line says it."""

    def __init__(self, reply: ForwardReply, request_id: str) -> None:
        super().__init__(reply.body, status_code=reply.status)
        self.raw_headers = _forwarded(reply.headers, request_id)
        closing = getattr(reply.body, "aclose", None)
        self.background = BackgroundTask(closing) if closing else None
        self._request_id = request_id

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except Problem as problem:
            kind = problem.kind.value
            log.warning("the answer broke off", request_id=self._request_id, kind=kind, reason=problem.detail)


class FrontDoor:
    """Lets HTTP requests of all dialects in to the desk. `client_timeout_s`: longest that a body may take to arrive."""

    def __init__(self, desk: Desk, client_timeout_s: float) -> None:
        self._desk = desk
        self._client_timeout_s = client_timeout_s

    async def handle(self, request: Request, dialect: Dialect) -> Response:
        """Answer one request in `dialect`. Never raises, but for cancellation."""
        arrival = _HttpArrival(request, self._desk.max_body_bytes, self._client_timeout_s)
        served = await self._desk.serve(arrival, dialect)
        if isinstance(served.reply, ForwardReply):
            return _HandedOn(served.reply, served.request_id)
        return _response(served.reply)


@dataclass(frozen=True, slots=True)
class _HttpArrival:
    request: Request
    max_body_bytes: int
    timeout_s: float

    @property
    def given_id(self) -> str | None:
        return self.request.headers.get(REQUEST_ID.lower())

    async def read(self, share: BodyShare) -> RawRequest:
        return await read_request(self.request, self.max_body_bytes, share, self.timeout_s)

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        return await unless_client_leaves(disconnected(self.request), work)


def _response(reply: RawReply) -> Response:
    return Response(content=reply.body, status_code=reply.status, headers={**reply.headers, **PLAINLY})


def _forwarded(headers: Sequence[tuple[str, str]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The vendor's headers and our id. Each answer gets its date from the HTTP server, and a second one would be no date."""
    kept = [(name.lower(), value) for name, value in headers if name.lower() not in _NOT_FORWARDED]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in [*kept, (REQUEST_ID.lower(), request_id)]]
