"""uvicorn's HTTP/1.1 protocol with limits for what its fast parser takes at any length, for any time and in any number.

These are heads, what comes between and after the pieces of a body, and requests ahead of their turn.

In: a connection's bytes. Out: the same protocol events, or a refusal (431, or what a subclass says) and the end of the
connection. Used by `connections`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.server.parsing import RequestParser

# Request line and headers, bytes: SigV4 and bearer tokens stay well below 16 kB. As much may come between two pieces of a body
# (the chunks' own lines), or after the last one (trailers).
MAX_HEAD_BYTES = 32_768
# Requests on one connection that wait for the answers before theirs. Each holds some kilobytes; no vendor's SDK sends any.
MAX_WAITING = 16
# Longest that a connection may be idle, before its first request and between two, seconds. Longer than the idle time-out of the
# usual load balancers (60 s), so that it is never us who close a connection that the balancer is just about to use again.
KEEP_ALIVE_S = 75
# Longest from a request's first byte until its head is whole, seconds, unless the operator says otherwise.
HEAD_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that the protocol gives by itself; the connection ends with it. `fields`: lines of its head."""

    status: HTTPStatus
    words: bytes
    fields: bytes = b"content-type: text/plain\r\n"


TOO_LARGE = Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"Request head is too large.")
TOO_MUCH_BESIDE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"Too much besides the body: trailers or chunk extensions."
)
TOO_MANY = Refusal(HTTPStatus.TOO_MANY_REQUESTS, b"Too many requests ahead of their turn on this connection.")
NO_TUNNEL = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, b"No tunnels here.", b"content-type: text/plain\r\nallow: POST\r\n")


class Refused(Exception):
    """Stops the parser from within one of its callbacks."""


class LimitedHeads(HttpToolsProtocol):
    """One connection. A head is open from the end of the request before it until its own last header.

    A refusal is the answer to the request that brought it: it waits until those before it have theirs.
    """

    head_timeout_s = HEAD_TIMEOUT_S
    _is_open = True
    # Since the last event that needs no patience: a head's end, a piece of body, a request's end.
    _beside_bytes = 0
    _served: RequestResponseCycle | None = None
    _refusal: Refusal | None = None
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *uvicorns: Any, **by_name: Any) -> None:
        super().__init__(*uvicorns, **by_name)
        self.parser: RequestParser = RequestParser(self)  # type: ignore[assignment]  # all that uvicorn uses of httptools' own

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the class above
        super().connection_made(transport)
        self._start_timer(KEEP_ALIVE_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.parser.end()
        super().connection_lost(exc)
        if self._served is not None and self._served is not self.cycle:
            # uvicorn tells the last request only. Where several came in one breath, an earlier one is being answered.
            _disconnect(self._served)

    def data_received(self, data: bytes) -> None:
        """The parser keeps an unfinished line to itself, so what has come without an end in sight is counted here."""
        if self._refusal is not None:
            return
        self._beside_bytes += len(data)
        super().data_received(data)
        if self._beside_bytes > MAX_HEAD_BYTES and self._refusal is None and not self.transport.is_closing():
            self._refuse(TOO_LARGE if self._is_open else TOO_MUCH_BESIDE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer(self.head_timeout_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are nobody's business here, and RFC 9110 section 6.5.1 forbids to take them for headers."""
        if self._is_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._beside_bytes = 0
        self._stop_timer()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self.stop(TOO_LARGE)
        if len(self.pipeline) >= MAX_WAITING:
            self.stop(TOO_MANY)
        super().on_headers_complete()
        self._is_open = False

    def on_tunnel(self) -> None:
        self.stop(NO_TUNNEL)

    def stop(self, refusal: Refusal) -> NoReturn:
        """From within a callback: nothing more is read, this is said."""
        self._refusal = refusal
        raise Refused

    def on_body(self, body: bytes) -> None:
        self._beside_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_open, self._beside_bytes = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refusal is not None:
            self._end_in_turn(self._refusal)

    def send_400_response(self, msg: str) -> None:
        """The parser has stopped: at our word, or because this is no HTTP."""
        self._refuse(self._refusal or Refusal(HTTPStatus.BAD_REQUEST, msg.encode()))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _refuse(self, refusal: Refusal) -> None:
        """Nothing more is read. What had been asked for before is answered first."""
        self._refusal = refusal
        self._stop_timer()
        if not self._is_open and self._drop_last():
            self.transport.close()
        else:
            self._end_in_turn(refusal)

    def _drop_last(self) -> bool:
        """The request whose body goes wrong gets no answer but the refusal. True: it has one already, or half of it."""
        last = self.cycle
        if self.pipeline and self.pipeline[0][0] is last:
            self.pipeline.popleft()
            return False
        is_begun = last.response_started
        _disconnect(last)
        self._served = None
        return is_begun

    def _end_in_turn(self, refusal: Refusal) -> None:
        is_due = self._served is None or self._served.response_complete
        if not is_due or self.transport.is_closing():
            return
        length = f"content-length: {len(refusal.words)}\r\nconnection: close\r\n".encode()
        self.transport.write(STATUS_LINE[refusal.status] + length + refusal.fields + b"\r\n" + refusal.words)
        self.transport.close()

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _disconnect(cycle: RequestResponseCycle) -> None:
    """As if its client had left: it says nothing more, and whoever answers it is told."""
    cycle.disconnected = True
    cycle.message_event.set()
