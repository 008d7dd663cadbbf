"""Who asks what at present, known to all processes: in Redis, beside the lanes. Part of `redis.RedisAccumulator`.

The end of a flight travels on the reply list of each process that waits for it, so no process needs another connection. A call
that takes too long goes on by itself: what it may have begun for nobody is let go later, or by the end of its lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from app.accumulator.codec import encode_outcome
from app.accumulator.listeners import Listeners
from app.accumulator.scripts import ShardCommands
from app.accumulator.shards import Shards
from app.core.flights import Begun, Flight, Keep
from app.core.model import Outcome

T = TypeVar("T")


class RedisFlights:
    """Implements `contract.FlightStore` over Redis."""

    def __init__(self, shards: Shards, process_id: str) -> None:
        self._shards = shards
        self._process_id = process_id
        self._listeners = Listeners()

    async def begin(self, asker: Flight, lease_s: float) -> Begun:
        shard = self._shards.of(asker.key)

        def left_over(_found: Begun | None) -> None:
            self._shards.owe(f"abandon {asker.token}", shard, lambda: self._let_go(shard, asker), lease_s)

        return await self._quickly(shard.begin_flight(asker, lease_s), left_over)

    async def extend(self, leader: Flight, lease_s: float) -> bool:
        return await self._shards.call(self._shards.of(leader.key).extend_flight(leader, lease_s))

    async def finish(self, leader: Flight, outcome: Outcome, keep: Keep, keep_s: float) -> bool:
        shard = self._shards.of(leader.key)
        waiting = await self._shards.call(shard.finish_flight(leader, encode_outcome(outcome), keep, keep_s))
        await self._tell(shard, leader.key, waiting or ())
        return waiting is not None

    async def abandon(self, asker: Flight) -> None:
        shard = self._shards.of(asker.key)
        await self._let_go(shard, asker)

    async def is_joined(self, leader: Flight) -> bool:
        return await self._quickly(self._shards.of(leader.key).is_joined(leader))

    def listen(self, key: str) -> AbstractContextManager[asyncio.Event]:
        return self._listeners.listen(key)

    def told(self, key: str) -> None:
        """The end of a flight has arrived on the reply list."""
        self._listeners.tell(key)

    async def _let_go(self, shard: ShardCommands, asker: Flight) -> None:
        await self._tell(shard, asker.key, await self._shards.call(shard.abandon_flight(asker)))

    async def _tell(self, shard: ShardCommands, key: str, processes: frozenset[str] | tuple[()]) -> None:
        """Where this is lost, whoever waits looks by himself a little later (F5)."""
        if self._process_id in processes:
            self._listeners.tell(key)
        others = set(processes) - {self._process_id}
        if others:
            await self._shards.call(shard.tell_of_flight(key, sorted(others)))

    async def _quickly(self, work: Coroutine[Any, Any, T], left_over: Callable[[T | None], None] | None = None) -> T:
        """Somebody's request waits for it."""
        return await self._shards.tasks.within(self._shards.limits.flight_s, "redis flight", work, left_over)
