"""Places for messages that are on their way over gRPC, which nobody can count before they are whole.

In: whoever is about to take a message in. Out: a place, as soon as there is one. grpc keeps what has come of a message, but
takes in no more than 64 KiB of one that nobody has asked for. Who waits for a place shortens the time of whoever has had one
for longest. Used by `grpc`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.errors import Kind, Problem

# Longest that a message may take while another one waits for its place, seconds: 21 MiB at 35 Mbit/s.
PATIENCE_S = 5.0
RETRY_S = 1.0


@dataclass(slots=True, eq=False)
class _Message:
    """One that has a place. `limit` is its time."""

    since_s: float
    limit: asyncio.Timeout
    is_turned_out: bool = False


class Landing:
    """Belongs to one event loop."""

    def __init__(self, most: int, patience_s: float = PATIENCE_S) -> None:
        self._places = asyncio.Semaphore(most)
        self._patience_s = patience_s
        # In the order in which they got their places.
        self._inside: dict[_Message, None] = {}
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def place(self, timeout_s: float) -> AsyncIterator[None]:
        """Inside, a message is taken in; so long it may take, waiting included.

        Raises Problem: MALFORMED_REQUEST (it did not come), OVER_CAPACITY (others have waited for the place, or it for one).
        """
        message: _Message | None = None
        try:
            async with asyncio.timeout(timeout_s) as limit:
                await self._wait()
                message = _Message(asyncio.get_running_loop().time(), limit)
                self._inside[message] = None
                self._watch()
                try:
                    yield
                finally:
                    del self._inside[message]
                    self._places.release()
                    self._watch()
        except TimeoutError as error:
            if message is None or message.is_turned_out:
                raise Problem(Kind.OVER_CAPACITY, "too many messages are on their way", retry_after_s=RETRY_S) from error
            raise Problem(Kind.MALFORMED_REQUEST, "the message did not arrive in time") from error

    async def _wait(self) -> None:
        self._waiting += 1
        self._watch()
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1

    def _watch(self) -> None:
        """Look at the one that has been inside for longest when it has had its time, if somebody waits by then."""
        if self._timer is not None or not self._waiting or not self._inside:
            return
        oldest = next(iter(self._inside))
        self._timer = asyncio.get_running_loop().call_at(oldest.since_s + self._patience_s, self._turn_out)

    def _turn_out(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        staying = [message for message in self._inside if not message.is_turned_out]
        if self._waiting and staying and staying[0].since_s + self._patience_s <= now_s:
            staying[0].is_turned_out = True
            staying[0].limit.reschedule(now_s)
        else:
            self._watch()
