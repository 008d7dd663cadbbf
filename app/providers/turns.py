"""Whose turn it is to ask a vendor that throttles: the question with the least time left, at the pace of `core.pace`.

While the vendor does not throttle everybody's turn is at once. Called by `calling`; belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from app.clock import Clock
from app.core.pace import Pace

Wait: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(order=True, slots=True)
class Ticket:
    """A place in the line. `first` is set when nobody is before it any more."""

    deadline_s: float
    number: int
    first: asyncio.Event = field(compare=False, default_factory=asyncio.Event)
    has_left: bool = field(compare=False, default=False)


class Turns:
    """The line in front of one operation of a vendor. Use: `join`, then `wait` while `pause_s` is above 0, then `leave`."""

    def __init__(self, clock: Clock, wait: Wait) -> None:
        self.pace = Pace()
        self._clock = clock
        self._wait = wait
        self._line: list[Ticket] = []
        self._numbers = itertools.count()

    def join(self, deadline_s: float) -> Ticket:
        ticket = Ticket(deadline_s, next(self._numbers))
        heapq.heappush(self._line, ticket)
        return ticket

    def pause_s(self, ticket: Ticket) -> float:
        """0 when its turn has come; otherwise the least time until then."""
        return self.pace.pause_s(self._clock.now_s()) if self._line[0] is ticket else float("inf")

    async def wait(self, ticket: Ticket, longest_s: float) -> None:
        """Until something may have changed for this ticket, but no longer than so long."""
        pause_s = self.pause_s(ticket)
        if pause_s <= longest_s:
            await self._wait(pause_s)
            return
        ticket.first.clear()
        try:
            async with asyncio.timeout(longest_s):
                await ticket.first.wait()
        except TimeoutError:
            return

    def leave(self, ticket: Ticket, *, to_ask: bool) -> None:
        """Out of the line, in whatever way; the next one is told."""
        ticket.has_left = True
        if to_ask:
            self.pace.began(self._clock.now_s())
        while self._line and self._line[0].has_left:
            heapq.heappop(self._line)
        if self._line:
            self._line[0].first.set()
