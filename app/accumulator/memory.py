"""The accumulator of one process: an asyncio shell over `core.lanes`. See `contract` for the guarantees.

In: jobs of this process' front half. Out: batches for its workers, outcomes for the futures. Nothing is awaited between
looking at the lanes and changing them, so no lock is needed, and a cancelled call has either done all or nothing.
Claims wait for an event (something was enqueued, given back, drained) or for the time of the next one; nobody polls.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from app.accumulator.contract import FlightStore, PrevalenceStore, QuotaStore, Settlement, Withdrawal
from app.accumulator.memory_flights import MemoryFlights
from app.accumulator.memory_quota import MemoryQuota
from app.accumulator.waiters import Waiter, Waiters
from app.clock import Clock, WallClock
from app.core.lanes import Admission, Lanes
from app.core.model import Batch, Job, Outcome, Task
from app.core.prevalence import Prevalence
from app.errors import Kind, Problem

# Streams whose prevalence is kept; the one that was added to longest ago is forgotten first.
MOST_STREAMS = 10_000


class MemoryPrevalence:
    """Implements `contract.PrevalenceStore` within one process."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Prevalence] = OrderedDict()

    async def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> Prevalence:
        known = self._known.get(stream, Prevalence()).seen(images, unsafe, judged, alarms)
        self._known[stream] = known
        self._known.move_to_end(stream)
        if len(self._known) > MOST_STREAMS:
            self._known.popitem(last=False)
        return known

    async def read(self, stream: str) -> Prevalence:
        return self._known.get(stream, Prevalence())


class MemoryAccumulator:
    """Implements `contract.Accumulator` within one process; `max_pending` bounds the images that wait in all lanes together."""

    def __init__(self, clock: Clock, max_pending: int, lease_s: float, *, wall: Clock | None = None) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._lanes = Lanes(max_pending=max_pending)
        self._waiters = Waiters(clock, self._expired)
        self._changed = asyncio.Event()
        self._prevalence = MemoryPrevalence()
        self._quotas = MemoryQuota(clock, wall or WallClock())
        self._flights = MemoryFlights(clock)
        self._draining = False
        self._closed = False

    @property
    def flights(self) -> FlightStore:
        return self._flights

    @property
    def prevalence(self) -> PrevalenceStore:
        return self._prevalence

    @property
    def quotas(self) -> QuotaStore:
        return self._quotas

    async def start(self) -> None:
        """Nothing to connect to."""

    async def enqueue(self, job: Job) -> asyncio.Future[Outcome]:
        known = self._waiters.get(job.id)
        if known is not None:
            return known.future
        if self._draining or self._closed:
            raise Problem(Kind.SHUTTING_DOWN, "this process gathers no more images")
        if self._lanes.enqueue(job, self._clock.now_s()) is Admission.OVER_CAPACITY:
            raise Problem(Kind.OVER_CAPACITY, "too many images are waiting already")
        waiter = self._waiters.add(job)
        self._wake_claims()
        return waiter.future

    async def withdraw(self, job_id: str, *, only_pending: bool = False) -> Withdrawal:
        found = Withdrawal(self._lanes.withdraw(job_id, self._clock.now_s(), only_pending=only_pending).value)
        if found is Withdrawal.PENDING or not only_pending:
            self._waiters.cancel(job_id)
        return found

    async def claim(self, wait_s: float) -> Batch | None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        while not self._closed:
            now_s = self._clock.now_s()
            batch = self._lanes.claim(now_s, self._lease_s, uuid.uuid4().hex)
            left_s = until_s - loop.time()
            if batch is not None or left_s <= 0:
                return batch
            event_s = self._lanes.next_event_s(now_s)
            await self._change(left_s if event_s is None else min(left_s, event_s))
        return None

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        return self._lanes.extend(batch.id, batch.generation, self._clock.now_s(), lease_s, stay_s=stay_s)

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        by_id = {outcome.job_id: outcome for outcome in reversed(outcomes)}  # of two for one job, the first counts
        settled = self._lanes.complete(batch.id, batch.generation, by_id)
        for job_id in settled.delivered:
            self._waiters.deliver(by_id[job_id])
        return Settlement(settled.delivered, settled.stale)

    async def give_back(self, batch: Batch) -> bool:
        given = self._lanes.give_back(batch.id, batch.generation, self._clock.now_s())
        self._wake_claims()
        return given

    async def drain(self) -> None:
        self._draining = True
        self._lanes.drain()
        self._wake_claims()

    async def leave(self) -> bool:
        """Inside one process nobody else claims."""
        self._lanes.drain()
        self._wake_claims()
        return True

    async def close(self) -> None:
        self._closed = True
        self._wake_claims()
        self._waiters.close()

    async def pending(self) -> Mapping[Task, int]:
        return self._lanes.pending(self._clock.now_s())

    def _expired(self, waiter: Waiter) -> None:
        self._lanes.withdraw(waiter.job_id, self._clock.now_s())

    def _wake_claims(self) -> None:
        """All claims that wait look again; the first takes what there is, the others learn the new next event."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
