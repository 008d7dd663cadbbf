"""uvicorn's HTTP/1.1 protocol with limits for a request's head, which its fast parser takes at any length and for any time.

In: a connection's bytes. Out: the same protocol events, or a refusal (431, or what a subclass says) and the end of the
connection. Used by `connections`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# Request line and headers, bytes: SigV4 and bearer tokens stay well below 16 kB.
MAX_HEAD_BYTES = 32_768
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


class Refused(Exception):
    """Stops the parser from within one of its callbacks."""


class LimitedHeads(HttpToolsProtocol):
    """One connection. A head is open from the end of the request before it until its own last header."""

    head_timeout_s = HEAD_TIMEOUT_S
    _is_open = True
    _open_bytes = 0
    _refusal: Refusal | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the class above
        super().connection_made(transport)
        self._start_timer(KEEP_ALIVE_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The parser keeps an unfinished header to itself, so what has come without an end in sight is counted here."""
        if self._refusal is not None:
            return
        if self._is_open:
            self._open_bytes += len(data)
        super().data_received(data)
        if self._is_open and self._open_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer(self.head_timeout_s)

    def on_headers_complete(self) -> None:
        self._is_open, self._open_bytes = False, 0
        self._stop_timer()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self.stop(TOO_LARGE)
        super().on_headers_complete()

    def stop(self, refusal: Refusal) -> NoReturn:
        """From within a callback: nothing more is read, this is said."""
        self._refusal = refusal
        raise Refused

    def on_message_complete(self) -> None:
        self._is_open = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The parser has stopped: at our word, or because this is no HTTP."""
        if self._refusal is not None:
            self._refuse(self._refusal)
        else:
            super().send_400_response(msg)

    def _refuse(self, refusal: Refusal) -> None:
        self._refusal = refusal
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
