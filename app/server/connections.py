"""One HTTP connection, guarded: against too many of them, and clients that do not read their answer or never end a body.

In: a connection's bytes, and the `Guard` that all connections share. Out: what `heads` makes of them. Used by `running`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from app.server.crowd import Crowd
from app.server.heads import LimitedHeads, Refusal

# Longest that the rest of a body is taken in and thrown away once its request is answered, seconds: a client that is still
# sending would otherwise see a broken connection in place of its answer.
LINGER_S = 5.0
# What is answered even when everybody inside is being served: or a process that has much to do would be taken for dead.
PROBES = frozenset({b"/healthz", b"/readyz", b"/metrics"})

FULL = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, b"Too many requests are under way.", b"content-type: text/plain\r\nretry-after: 1\r\n"
)
Full = Callable[[bytes, Sequence[tuple[bytes, bytes]]], Refusal]


@dataclass(frozen=True, slots=True)
class Guard:
    """What all connections share. `client_timeout_s`: longest for a head, and for an answer that is not read. `full`: what is
    said to whoever cannot be served, by address and headers of the request.
    """

    crowd: Crowd
    client_timeout_s: float
    full: Full = lambda _url, _headers: FULL


class GuardedConnection(LimitedHeads):
    """A member of the crowd."""

    def __init__(self, guard: Guard, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.head_timeout_s = guard.client_timeout_s
        self._guard = guard
        self._lingering: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._answers = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the class above
        super().connection_made(transport)
        self._guard.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.crowd.leave(self)
        self._stop_lingering()
        self._stop_watching()
        super().connection_lost(exc)

    def turn_out(self) -> None:
        """Somebody else needs the place. Whatever has not been read is lost, too."""
        self.transport.abort()

    def on_headers_complete(self) -> None:
        is_served = self._guard.crowd.begin(self)
        if not is_served and self.url.partition(b"?")[0] not in PROBES:
            self.stop(self._guard.full(self.url, self.headers))
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._guard.crowd.whole(self)
        self._stop_lingering()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answers += 1
        if self.cycle.response_complete:  # and no other one is due on this connection
            self._guard.crowd.rest(self)
            if self.cycle.more_body and self._lingering is None:
                self._lingering = self.loop.call_later(LINGER_S, self.transport.abort)
        if self.transport.get_write_buffer_size():
            self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def _watch(self) -> None:
        """From now on the client has so long to take what is written. `close` alone would wait for it for ever."""
        if self._unread is None:
            self._unread = self.loop.call_later(self._guard.client_timeout_s, self._give_up, self._answers)

    def _give_up(self, answers: int) -> None:
        self._unread = None
        if not self.transport.get_write_buffer_size():
            return
        if self._answers > answers:  # it has read on: a later answer is what waits now
            self._watch()
        else:
            self.transport.abort()

    def _stop_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
