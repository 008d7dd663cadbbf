"""What a process that claims keeps running beside its claims: the bell it waits for, wake-ups passed on, its heartbeat.

A claim that finds nothing waits in the `Room` until the bell rings or its own time for looking again has come. Each shard
has one `Bell`: a connection that pops the shard's wake list, but only while somebody is in the room. A token that arrives
when the room has just emptied is passed on, so that another process gets it. The bell is a task of its own, so a claim that
is cancelled never takes a token with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from app.accumulator.limits import Limits
from app.accumulator.tasks import Backoff, wait_for_event
from app.errors import Problem
from app.log import get_logger

log = get_logger(__name__)


class WakeList(Protocol):
    """A shard's wake list and its list of living workers."""

    async def pop_wake(self) -> bool: ...
    async def nudge(self) -> None: ...
    async def beat(self) -> None: ...


class Room:
    """Where the claims of this process wait. All of them look when the bell rings: who finds nothing waits on."""

    def __init__(self) -> None:
        self.occupied = asyncio.Event()
        self._claims = 0
        self._rung = asyncio.Event()

    @contextmanager
    def seat(self) -> Iterator[None]:
        self._claims += 1
        self.occupied.set()
        try:
            yield
        finally:
            self._claims -= 1
            if not self._claims:
                self.occupied.clear()

    def next_ring(self) -> asyncio.Event:
        """Set at the next ring. Taken before looking, so that a ring during the look is not missed."""
        return self._rung

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()


class Bell:
    """Listens to one shard's wake list; `run` until cancelled.

    `is_silent`: the shard does not answer, so there is no use in claiming from it until the bell hears something again.
    """

    def __init__(self, shard: WakeList, room: Room, backoff: Backoff) -> None:
        self._shard = shard
        self._room = room
        self._backoff = backoff
        self.is_silent = False

    async def run(self) -> None:
        while True:
            await self._room.occupied.wait()
            try:
                await self._hear()
                self._backoff.reset()
                self.is_silent = False
            except Problem as problem:
                log.debug("bell is silent", reason=problem.detail)
                self.is_silent = True
                await self._backoff.wait()

    async def _hear(self) -> None:
        if not await self._shard.pop_wake():
            return
        if self._room.occupied.is_set():
            self._room.ring()
        else:
            await self._shard.nudge()


class Nudger:
    """Passes wake-ups on in the background: whoever stops waiting says in which shards somebody else should look.

    Many at once are one nudge per shard, since one token is enough. A nudge that fails is not repeated: Redis is away, and
    who waits looks again by itself.
    """

    def __init__(self) -> None:
        self._shards: set[WakeList] = set()
        self._any = asyncio.Event()

    def nudge(self, shards: Iterable[WakeList]) -> None:
        self._shards.update(shards)
        if self._shards:
            self._any.set()

    async def run(self) -> None:
        while True:
            await self._any.wait()
            self._any.clear()
            shards, self._shards = self._shards, set()
            for result in await asyncio.gather(*(shard.nudge() for shard in shards), return_exceptions=True):
                if isinstance(result, Problem):
                    log.debug("nudge not heard", reason=result.detail)


class Heart:
    """Says in every shard that this process is alive, as long as it is used: claims wait, leases are extended.

    A process whose claiming has stopped for `rest_s` (the length of a lease) although it runs is not alive for others.
    """

    def __init__(self, shards: Sequence[WakeList], limits: Limits, rest_s: float, closing: asyncio.Event) -> None:
        self._shards = shards
        self._limits = limits
        self._rest_s = max(rest_s, limits.worker_ttl_s)
        self._closing = closing
        self._used_s: float | None = None
        self._has_left = False

    @property
    def is_resting(self) -> bool:
        if self._has_left:
            return True
        now_s = asyncio.get_running_loop().time()
        return self._used_s is None or now_s - self._used_s > self._rest_s

    def use(self) -> bool:
        """Note a sign of life. True after a rest: then others should be told at once (`beat`)."""
        rested = self.is_resting and not self._has_left
        self._used_s = asyncio.get_running_loop().time()
        return rested

    def leave(self) -> None:
        """No sign of life counts any more: what is under way is finished, and nothing else is begun."""
        self._has_left = True

    async def beat(self) -> None:
        await asyncio.gather(*(shard.beat() for shard in self._shards))

    async def run(self) -> None:
        while not self._closing.is_set():
            await wait_for_event(self._closing, self._limits.beat_s)
            if not self.is_resting:
                await self._try_to_beat()

    async def _try_to_beat(self) -> None:
        try:
            await self.beat()
        except Problem as problem:
            log.debug("heartbeat not heard", reason=problem.detail)
