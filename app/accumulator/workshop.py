"""The worker side of the Redis accumulator: batches out, outcomes in. Part of `redis.RedisAccumulator`.

A claim looks, waits for the bell or for the next event, and looks again. It knows the next event only as long as it waits,
so whoever stops waiting passes the wake-up on: the claim script does so when it hands over a batch or ends a wait, and the
nudger where no script runs. A batch that was claimed for a caller who had left is given back.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from app.accumulator.claiming import Bell, Heart, Nudger, Room
from app.accumulator.codec import CodecError, decode_job, encode_outcome
from app.accumulator.contract import Settlement
from app.accumulator.scripts import Leased, LeasedJob, NothingReady, ShardCommands
from app.accumulator.shards import Shards
from app.accumulator.tasks import Backoff, Tasks, wait_for_event
from app.core.lanes import Settled
from app.core.model import Batch, Failure, Item, Job, Outcome
from app.errors import Kind, Problem
from app.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LeasedBatch(Batch):
    """A batch with what Redis must be told again when it is completed: who waits for each job."""

    jobs: dict[str, LeasedJob] = field(default_factory=dict, repr=False, compare=False)


Found: TypeAlias = LeasedBatch | NothingReady


class RedisWorkshop:
    """Implements `contract.Workshop` over Redis."""

    def __init__(self, shards: Shards, lease_s: float, new_backoff: Callable[[], Backoff], closing: asyncio.Event) -> None:
        self._shards = shards
        self._lease_s = lease_s
        self._new_backoff = new_backoff
        self._closing = closing
        self._room = Room()
        self._nudger = Nudger()
        self._heart = Heart(shards.commands, shards.limits, lease_s, closing)
        self._bells = {commands: Bell(commands, self._room, new_backoff()) for commands in shards.commands}

    async def alive(self) -> None:
        """Count as a living worker from now on, even before the first claim; claims and leases keep it so."""
        if self._heart.use():
            await self._shards.call(self._heart.beat())

    def listen(self, tasks: Tasks) -> None:
        """Start the heartbeat, the nudger, and a bell per shard."""
        tasks.supervise("redis heart", self._heart.run, self._new_backoff())
        tasks.supervise("redis nudger", self._nudger.run, self._new_backoff())
        for number, bell in enumerate(self._bells.values()):
            tasks.supervise(f"redis bell {number}", bell.run, self._new_backoff())

    async def close(self) -> None:
        """Claims that wait end with nothing, and others learn at once that this worker has left."""
        self._room.ring()
        await self.leave()

    async def leave(self) -> bool:
        """API processes learn at once that they cannot count on this worker."""
        self._heart.leave()
        calls = (self._shards.call(commands.leave()) for commands in self._shards.commands)
        return True in await asyncio.gather(*calls, return_exceptions=True)

    async def claim(self, wait_s: float) -> Batch | None:
        until_s = asyncio.get_running_loop().time() + wait_s
        try:
            with self._room.seat():
                return await self._claim_until(until_s)
        except asyncio.CancelledError:
            self._nudger.nudge(self._shards.commands)
            raise

    async def _claim_until(self, until_s: float) -> Batch | None:
        """Look and wait by turns; the last look is at the end of the time. While Redis is away, the pauses grow."""
        loop = asyncio.get_running_loop()
        backoff = self._new_backoff()
        while not self._closing.is_set():
            ring = self._room.next_ring()
            left_s = until_s - loop.time()
            try:
                found = await self._look(stays=left_s > 0)
            except Problem:
                if left_s <= 0:
                    raise
                pause_s = backoff.next_s()
            else:
                if isinstance(found, LeasedBatch):
                    return found
                backoff.reset()
                pause_s = self._shards.limits.recheck_s if found.next_s is None else found.next_s
            if left_s <= 0:
                return None
            await wait_for_event(ring, min(pause_s, self._shards.limits.recheck_s, max(0.0, until_s - loop.time())))
        return None

    async def _look(self, *, stays: bool) -> Found:
        """Claim from the shard whose ready batch has the earliest flush time (G4), or learn when the next event is.

        Shards may lie on different servers: one that does not answer is passed over, unless none does.
        """
        await self.alive()
        events_s: list[float] = []
        shards = await self._by_urgency()
        for shard in shards:
            try:
                found = await self._claim_from(shard, stays=stays)
            except Problem:
                self._bells[shard].is_silent = True
                if shard is shards[-1] and not events_s:
                    raise
                continue
            if isinstance(found, LeasedBatch):
                self._nudger.nudge(other for other in self._shards.commands if other is not shard)
                return found
            events_s.append(self._shards.limits.recheck_s if found.next_s is None else found.next_s)
        return NothingReady(min(events_s))

    async def _by_urgency(self) -> Sequence[ShardCommands]:
        """Those that answer, the one with the earliest flush time first."""
        if len(self._shards.commands) == 1:
            return self._shards.commands
        present = [shard for shard, bell in self._bells.items() if not bell.is_silent] or self._shards.commands
        flushes_s = await asyncio.gather(*(self._peek(shard) for shard in present), return_exceptions=True)
        urgency: dict[ShardCommands, float] = {}
        for shard, flush_s in zip(present, flushes_s, strict=True):
            if isinstance(flush_s, Problem):
                self._bells[shard].is_silent = True
            elif isinstance(flush_s, BaseException):
                raise flush_s
            else:
                urgency[shard] = flush_s
        if not urgency:
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no shard answers")
        return sorted(urgency, key=urgency.__getitem__)

    async def _peek(self, shard: ShardCommands) -> float:
        flush_s = await self._shards.call(shard.peek())
        return math.inf if flush_s is None else flush_s

    async def _claim_from(self, shard: ShardCommands, *, stays: bool) -> Found:
        batch_id = uuid.uuid4().hex

        def left_over(found: Found | None) -> None:
            if found is None:
                self._owe_return(shard, batch_id, 1)
            elif isinstance(found, LeasedBatch):
                self._owe_return(shard, found.id, found.generation)

        return await self._shards.call(self._lease(shard, batch_id, stays=stays), left_over)

    async def _lease(self, shard: ShardCommands, batch_id: str, *, stays: bool) -> Found:
        """Claim, then read the images."""
        leased = await shard.claim(batch_id, self._lease_s, stays=stays)
        if isinstance(leased, NothingReady):
            return leased
        try:
            payloads = await shard.images([job.id for job in leased.jobs])
        except Problem:
            self._owe_return(shard, leased.id, leased.generation)
            raise
        return self._batch(shard, leased, payloads)

    def _batch(self, shard: ShardCommands, leased: Leased, payloads: Sequence[bytes | None]) -> Found:
        items: list[Item] = []
        lost: list[LeasedJob] = []
        for leased_job, payload in zip(leased.jobs, payloads, strict=True):
            job = _read(leased_job.id, payload)
            if job is None:
                lost.append(leased_job)
            else:
                items.append(Item(job, leased_job.waited_s, leased_job.time_left_s))
        if lost:
            self._settle_lost(shard, leased, lost)
        if not items:
            return NothingReady(0.0)
        return LeasedBatch(
            id=leased.id,
            generation=leased.generation,
            attempt=leased.attempt,
            lane=items[0].job.lane,
            release=leased.release,
            items=tuple(items),
            jobs={job.id: job for job in leased.jobs},
        )

    def _settle_lost(self, shard: ShardCommands, leased: Leased, lost: Sequence[LeasedJob]) -> None:
        """Jobs without a readable image get their one outcome. (Mostly they were just withdrawn: then nothing happens.)"""
        failure = Failure(Kind.ACCUMULATOR_UNAVAILABLE, "the image is gone from the store")
        outcomes = [(job, encode_outcome(Outcome(job.id, failure))) for job in lost]
        act = partial(shard.complete, leased.id, leased.generation, outcomes)
        self._shards.owe(f"settle {leased.id}", shard, act, self._lease_s)

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        await self.alive()
        shard = self._shards.of(batch.lane.key)
        return await self._shards.call(shard.extend(batch.id, batch.generation, batch.lane.key, lease_s, stay_s))

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        if not isinstance(batch, LeasedBatch):
            raise TypeError("complete takes a batch as claim gave it")
        first = {outcome.job_id: outcome for outcome in reversed(outcomes)}  # of two for one job, the first counts
        payloads = [(batch.jobs[job_id], encode_outcome(outcome)) for job_id, outcome in first.items() if job_id in batch.jobs]
        work = self._deliver(batch, payloads)
        settled = await self._shards.tasks.within(self._shards.limits.deliver_s, "redis complete", work)
        return Settlement(settled.delivered, settled.stale)

    async def _deliver(self, batch: LeasedBatch, payloads: Sequence[tuple[LeasedJob, bytes]]) -> Settled:
        """Tried again while it fails: it has been paid for. A try that went through unnoticed makes the next one stale."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._shards.limits.deliver_s
        shard = self._shards.of(batch.lane.key)
        backoff = self._new_backoff()
        while True:
            try:
                return await shard.complete(batch.id, batch.generation, payloads)
            except Problem:
                if loop.time() >= until_s or self._closing.is_set():
                    raise
                await backoff.wait()

    async def give_back(self, batch: Batch) -> bool:
        shard = self._shards.of(batch.lane.key)
        return await self._shards.call(shard.give_back(batch.id, batch.generation))

    def _owe_return(self, shard: ShardCommands, batch_id: str, generation: int) -> None:
        act = partial(shard.give_back, batch_id, generation)
        self._shards.owe(f"give back {batch_id}", shard, act, self._lease_s)


def _read(job_id: str, payload: bytes | None) -> Job | None:
    """The job that lies under this id. Damage, or another job in its place, costs this image and no neighbour of it."""
    if payload is None:
        return None
    try:
        job = decode_job(payload)
    except CodecError:
        log.error("cannot read a job", job_id=job_id, exc_info=True)
        return None
    if job.id != job_id:
        log.error("another job's image", job_id=job_id)
        return None
    return job
