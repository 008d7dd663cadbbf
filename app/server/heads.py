"""uvicorn's HTTP/1.1 protocol with limits for a request's head, which its fast parser takes at any length and for any time.

In: a connection's bytes. Out: the same protocol events, or 431 and the end of the connection. Used by `running`.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# Request line and headers, bytes: SigV4 and bearer tokens stay well below 16 kB.
MAX_HEAD_BYTES = 32_768
# Longest time from a connection's beginning, or a request's first byte, until its head is whole, seconds. As long as a
# connection may be idle between two requests: balancers open some in advance.
HEAD_TIMEOUT_S = 75.0

_REFUSAL = b"Request head is too large."


class HeadTooLarge(Exception):
    """Stops the parser from within one of its callbacks."""


class LimitedHeads(HttpToolsProtocol):
    """One connection. A head is open from the end of the request before it until its own last header."""

    _is_open = True
    _open_bytes = 0
    _is_refused = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the class above
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The parser keeps an unfinished header to itself, so what has come without an end in sight is counted here."""
        if self._is_refused:
            return
        if self._is_open:
            self._open_bytes += len(data)
        super().data_received(data)
        if self._is_open and self._open_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        self._is_open, self._open_bytes = False, 0
        self._stop_timer()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._is_refused = True
            raise HeadTooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_open = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The parser has stopped: at our word, or because this is no HTTP."""
        if self._is_refused:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _refuse(self) -> None:
        self._is_refused = True
        fields = f"content-type: text/plain\r\ncontent-length: {len(_REFUSAL)}\r\nconnection: close\r\n\r\n".encode()
        self.transport.write(STATUS_LINE[HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE] + fields + _REFUSAL)
        self.transport.close()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
