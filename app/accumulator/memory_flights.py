"""The flights of one process: an asyncio shell over `core.flights`. Part of `memory.MemoryAccumulator`."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager

from app.accumulator.listeners import Listeners
from app.clock import Clock
from app.core.flights import Begun, Flight, Flights, Keep
from app.core.model import Outcome

# Most that outcomes which wait to be asked for again may take, bytes: some thousand answers.
MOST_KEPT_BYTES = 64 * 1024 * 1024


class MemoryFlights:
    """Implements `contract.FlightStore` within one process."""

    def __init__(self, clock: Clock, max_bytes: int = MOST_KEPT_BYTES) -> None:
        self._clock = clock
        self._flights = Flights(max_bytes)
        self._listeners = Listeners()

    async def begin(self, asker: Flight, lease_s: float) -> Begun:
        return self._flights.begin(asker, lease_s, self._clock.now_s())

    async def extend(self, leader: Flight, lease_s: float) -> bool:
        return self._flights.extend(leader, lease_s, self._clock.now_s())

    async def finish(self, leader: Flight, outcome: Outcome, keep: Keep, keep_s: float) -> bool:
        is_kept = self._flights.finish(leader, outcome, keep, self._clock.now_s() + keep_s)
        if is_kept:
            self._listeners.tell(leader.key)
        return is_kept

    async def abandon(self, asker: Flight) -> None:
        if self._flights.abandon(asker):
            self._listeners.tell(asker.key)

    async def is_joined(self, leader: Flight) -> bool:
        return self._flights.is_joined(leader)

    def listen(self, key: str) -> AbstractContextManager[asyncio.Event]:
        return self._listeners.listen(key)
