"""The worker: claims batches, answers each in a task of its own, and hands the outcomes back.

Gathering never waits for an upstream call: up to `max_inflight` sheets are under way while the next ones fill. What it
works on is a `Workshop`; it never knows whether the waiting clients are in this process or behind Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from app.accumulator.contract import Workshop
from app.clock import Clock
from app.core.model import Answer, Batch, Failure, Outcome
from app.errors import Kind, Problem
from app.log import get_logger
from app.providers.calling import LEASE_S, LeaseLost, Permit
from app.work.groups import Deliver, Work, open_group

# Longest single wait for a batch, seconds. Only a bound on how long a shutdown or a lost wake-up can go unnoticed.
CLAIM_WAIT_S = 5.0
# Pause after the accumulator could not be reached, seconds; it reconnects by itself meanwhile.
RETRY_PAUSE_S = 0.5
# How often the lease of a batch under way is renewed, seconds: whoever has died is noticed soon, and whoever is slow keeps it.
RENEW_S = LEASE_S / 4
# A claimed batch comes back when its worker dies. The third time, its images are asked one by one, so that an image that
# kills workers takes no neighbours along; after the fifth its jobs are given up, so that it does not kill workers for ever.
ALONE_FROM_ATTEMPT = 3
LAST_ATTEMPT = 5

log = get_logger(__name__)


class WorkLedger(Protocol):
    """What is counted about finished work; the metrics module implements it."""

    def answered(self, images: int, feature: str, task: str) -> None: ...
    def lease_event(self, event: str) -> None: ...


@dataclass(slots=True)
class _Open:
    """A batch under way and the ids that still wait for their outcome."""

    batch: Batch
    waiting: set[str]


class Worker:
    """`run` until `stop`; then what is under way is finished, and what is not claimed is left for others. Where there are none,
    it is sent out first.
    """

    def __init__(
        self,
        workshop: Workshop,
        work: Work,
        ledger: WorkLedger,
        clock: Clock,
        *,
        max_inflight: int,
        renew_s: float = RENEW_S,
    ) -> None:
        self._workshop = workshop
        self._work = work
        self._ledger = ledger
        self._clock = clock
        self._slots = asyncio.Semaphore(max_inflight)
        self._stopping = asyncio.Event()
        self._last_turn_s = clock.now_s()
        self._in_flight = 0
        self._is_cut_off = False
        self._is_last = False
        self._renew_s = renew_s

    @property
    def in_flight(self) -> int:
        """Batches under way."""
        return self._in_flight

    @property
    def has_free_slot(self) -> bool:
        """Whether another batch could be begun now."""
        return not self._slots.locked()

    @property
    def is_cut_off(self) -> bool:
        """Whether the last claim failed because the accumulator could not be reached."""
        return self._is_cut_off

    def idle_for_s(self) -> float:
        """Seconds since the claiming loop last turned; far above CLAIM_WAIT_S it hangs, unless every slot is taken."""
        return self._clock.now_s() - self._last_turn_s

    async def stop(self) -> None:
        """Nobody is to count on this worker any more; `run` returns when what is under way is done."""
        self._is_last = await self._workshop.leave()
        self._stopping.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                await self._turn(tasks, self._next_batch)
            if self._is_last:
                log.info("the last worker sends out what waits")
                while await self._turn(tasks, partial(self._claim, 0.0)):
                    pass

    async def _turn(self, tasks: asyncio.TaskGroup, claim: Callable[[], Awaitable[Batch | None]]) -> bool:
        """Wait for a slot, claim, and begin to work on what was claimed. False where that was nothing."""
        self._last_turn_s = self._clock.now_s()
        await self._slots.acquire()
        self._last_turn_s = self._clock.now_s()  # however long it waited for the slot, it turns
        batch = await claim()
        if batch is None:
            self._slots.release()
            return False
        self._in_flight += 1
        task = tasks.create_task(self._work_on(batch), name=f"batch {batch.id}")
        task.add_done_callback(self._finished)
        return True

    def _finished(self, _task: asyncio.Task[None]) -> None:
        self._in_flight -= 1
        self._slots.release()

    async def _next_batch(self) -> Batch | None:
        """Wait for a batch or for `stop`. A batch that arrives together with the stop is still worked on."""
        claiming = asyncio.create_task(self._claim(CLAIM_WAIT_S), name="worker claim")
        stopping = asyncio.create_task(self._stopping.wait(), name="worker stop")
        try:
            await asyncio.wait({claiming, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            claiming.cancel()  # does nothing to a finished one
        await asyncio.wait({claiming})
        return None if claiming.cancelled() else claiming.result()

    async def _claim(self, wait_s: float) -> Batch | None:
        try:
            batch = await self._workshop.claim(wait_s)
        except Problem as problem:
            self._is_cut_off = True
            log.warning("cannot claim", reason=problem.detail)
            await self._pause()
            return None
        self._is_cut_off = False
        return batch

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), RETRY_PAUSE_S)
        except TimeoutError:
            return

    async def _work_on(self, batch: Batch) -> None:
        """Answer one batch. Whatever happens in here ends here: the loop and the other batches go on."""
        began_s = self._clock.now_s()
        opened = _Open(batch, {item.job.id for item in batch.items})
        log.info(
            "sheet claimed",
            sheet_id=batch.id,
            images=len(batch.items),
            release=batch.release.value,
            attempt=batch.attempt,
            request_ids=[item.job.request_id for item in batch.items],
        )
        if batch.attempt > 1:
            self._ledger.lease_event("reclaimed")
        keeper = asyncio.create_task(self._keep(batch), name=f"keep {batch.id}")
        try:
            await self._answer(opened)
            log.info("sheet done", sheet_id=batch.id, seconds=round(self._clock.now_s() - began_s, 4))
        except LeaseLost:
            self._ledger.lease_event("refused")
            log.warning("sheet no longer ours", sheet_id=batch.id, generation=batch.generation)  # or all its clients left
        except asyncio.CancelledError:
            await self._give_back(batch)
            raise
        except Exception:
            log.error("sheet failed", sheet_id=batch.id, exc_info=True)
            await self._fail_rest(opened)
        finally:
            keeper.cancel()

    async def _keep(self, batch: Batch) -> None:
        """Renew the lease while the batch is under way. Who has lost it is told before the next paid call, not here."""
        while True:
            await asyncio.sleep(self._renew_s)
            try:
                if not await self._workshop.extend(batch, LEASE_S):
                    return
            except Problem as problem:  # the store is away: it may be back before the lease ends
                log.debug("cannot renew the lease", sheet_id=batch.id, reason=problem.detail)

    async def _answer(self, opened: _Open) -> None:
        batch = opened.batch
        if batch.attempt > LAST_ATTEMPT:
            await self._fail_rest(opened)
            return
        group = open_group(batch.id, batch.items, batch.release, self._clock.now_s(), self._permit(batch))
        answer = self._work.answer_each_alone if batch.attempt >= ALONE_FROM_ATTEMPT else self._work.answer
        await answer(group, self._deliver(opened))

    def _permit(self, batch: Batch) -> Permit:
        """Asked before every paid call: is the batch still ours, and may we have it for so long?"""

        async def extend(lease_s: float) -> bool:
            """Where the vendor throttles, nobody of the lane is to go alone: it would take twice the calls of a grid."""
            try:
                stay_s = self._work.caller.throttled_for_s(batch.lane.feature.on_sheet)
                return await self._workshop.extend(batch, lease_s, stay_s=stay_s)
            except Problem as problem:  # not to be told who holds it is no permission to pay
                log.warning("cannot extend the lease", sheet_id=batch.id, reason=problem.detail)
                return False

        return extend

    def _deliver(self, opened: _Open) -> Deliver:
        async def deliver(outcomes: Sequence[Outcome]) -> None:
            answered = {outcome.job_id for outcome in outcomes if isinstance(outcome.result, Answer)}
            try:
                settlement = await self._workshop.complete(opened.batch, outcomes)
            except Problem as problem:  # the waiting side falls back by itself
                log.warning("cannot deliver", sheet_id=opened.batch.id, reason=problem.detail)
                return
            opened.waiting -= {outcome.job_id for outcome in outcomes}
            lane = opened.batch.lane
            self._ledger.answered(len(answered & settlement.delivered), lane.feature, lane.task)
            if settlement.stale:
                raise LeaseLost(opened.batch.id)

        return deliver

    async def _fail_rest(self, opened: _Open) -> None:
        """No job of a broken batch is left without an outcome; the waiting side sends those images alone."""
        failure = Failure(Kind.INTERNAL, "the sheet of this image could not be worked on")
        outcomes = [Outcome(job_id, failure) for job_id in opened.waiting]
        try:
            await self._workshop.complete(opened.batch, outcomes)
        except Problem as problem:
            log.warning("cannot deliver", sheet_id=opened.batch.id, reason=problem.detail)

    async def _give_back(self, batch: Batch) -> None:
        try:
            await self._workshop.give_back(batch)
        except Problem as problem:
            log.warning("cannot give back", sheet_id=batch.id, reason=problem.detail)
