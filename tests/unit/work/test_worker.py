"""The worker: many batches under way at once, one outcome for every job, and nothing lost when it stops or something breaks."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.accumulator.contract import Settlement
from app.accumulator.memory import MemoryAccumulator
from app.clock import SystemClock
from app.core.model import Answer, Batch, Failure, Item, Job, Layout, Outcome, Release
from app.errors import Kind, Problem
from app.work.pixels import PixelPool
from app.work.worker import ALONE_FROM_ATTEMPT, LAST_ATTEMPT, Worker
from tests.support.colours import ColourProvider
from tests.support.detect_bench import Bench, job

PAIRS = (Layout(2, 1),)
RENEWALS = 4
LONG_S = 20.0  # far longer than anything here takes; only a hanging test gets there


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(2)
    yield pool
    pool.close()


@asynccontextmanager
async def working(bench: Bench, workshop: object, *, max_inflight: int = 4, renew_s: float = LONG_S) -> AsyncIterator[Worker]:
    """A running worker; at the end it is stopped and must end by itself."""
    worker = Worker(
        workshop,  # type: ignore[arg-type]  # fakes have only what is used
        bench.work,
        bench.tally,
        SystemClock(),
        max_inflight=max_inflight,
        renew_s=renew_s,
    )
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        async with asyncio.timeout(LONG_S):
            await running


def memory() -> MemoryAccumulator:
    return MemoryAccumulator(SystemClock(), max_pending=100, lease_s=30.0)


@dataclass(slots=True)
class ScriptedWorkshop:
    """Hands out the given batches, then nothing; remembers what comes back. `held`: whether leases are extended."""

    batches: deque[Batch]
    held: bool = True
    stale: bool = False
    claim_problem: Problem | None = None
    completed: list[Outcome] = field(default_factory=list)
    stays_s: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, wait_s: float) -> Batch | None:
        if self.claim_problem is not None:
            problem, self.claim_problem = self.claim_problem, None
            raise problem
        if self.batches:
            return self.batches.popleft()
        await asyncio.sleep(wait_s)
        return None

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        assert lease_s > 0
        self.stays_s.append(stay_s)
        if not self.held:
            self.done.set()
        return self.held

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        if self.stale:
            self.done.set()
            return Settlement(frozenset(), stale=True)
        self.completed.extend(outcomes)
        if {outcome.job_id for outcome in self.completed} >= {item.job.id for item in batch.items}:
            self.done.set()
        return Settlement(frozenset(outcome.job_id for outcome in outcomes))

    async def give_back(self, batch: Batch) -> bool:
        return True

    async def leave(self) -> bool:
        return False


def batch(*colours: str, attempt: int = 1) -> Batch:
    jobs = [job(colour) for colour in colours]
    return Batch("batch", attempt, attempt, jobs[0].lane, Release.FULL, tuple(Item(one, 0.01, 30.0) for one in jobs))


def patient(colour: str, **changes: Any) -> Job:
    return replace(job(colour, **changes), max_wait_s=LONG_S)


async def finished(workshop: ScriptedWorkshop) -> None:
    async with asyncio.timeout(LONG_S):
        await workshop.done.wait()


async def test_jobs_that_were_enqueued_get_their_own_answers(pixels: PixelPool) -> None:
    bench, accumulator = Bench(ColourProvider(), pixels), memory()
    async with working(bench, accumulator), asyncio.timeout(LONG_S):
        futures = {colour: await accumulator.enqueue(job(colour)) for colour in ("red", "green", "blue", "yellow")}
        outcomes = {colour: await future for colour, future in futures.items()}
    for colour, outcome in outcomes.items():
        assert isinstance(outcome.result, Answer)
        assert [detection.label for detection in outcome.result.detections] == [colour]
    assert bench.tally.paid_kinds == ["grid"]
    assert bench.tally.answered_images == 4


async def test_sheets_fill_while_others_are_under_way(pixels: PixelPool) -> None:
    """Both sheets are at the provider at the same time: gathering waits for no upstream call."""
    bench, accumulator = Bench(ColourProvider(), pixels), memory()
    both = asyncio.Barrier(2)
    look = bench.provider.infer

    class Slow:
        capabilities = bench.provider.capabilities

        async def infer(self, image: bytes, inquiry: object, *, timeout_s: float) -> object:
            await both.wait()  # returns only when two calls are inside
            return await look(image, inquiry, timeout_s=timeout_s)  # type: ignore[arg-type]  # the real one behind the barrier

    slow = Bench(Slow(), pixels)  # type: ignore[arg-type]  # a provider like any other
    async with working(slow, accumulator), asyncio.timeout(LONG_S):
        jobs = [job(colour, layouts=PAIRS) for colour in ("red", "green", "blue", "yellow")]
        outcomes = await asyncio.gather(*[await accumulator.enqueue(one) for one in jobs])
    assert all(isinstance(outcome.result, Answer) for outcome in outcomes)


async def test_stop_finishes_what_is_under_way(pixels: PixelPool) -> None:
    bench, accumulator = Bench(ColourProvider(), pixels), memory()
    begun, go_on = asyncio.Event(), asyncio.Event()
    look = bench.provider.infer

    class Held:
        capabilities = bench.provider.capabilities

        async def infer(self, image: bytes, inquiry: object, *, timeout_s: float) -> object:
            begun.set()
            await go_on.wait()
            return await look(image, inquiry, timeout_s=timeout_s)  # type: ignore[arg-type]  # the real one, later

    held = Bench(Held(), pixels)  # type: ignore[arg-type]  # a provider like any other
    async with working(held, accumulator) as worker, asyncio.timeout(LONG_S):
        future = await accumulator.enqueue(replace(job("red"), max_wait_s=0.0))
        await begun.wait()
        await worker.stop()
        assert worker.in_flight == 1
        go_on.set()
        assert isinstance((await future).result, Answer)


async def test_the_last_worker_sends_out_what_still_waits_for_company(pixels: PixelPool) -> None:
    """As many sheets as there are, though it may have only one under way."""
    bench, accumulator = Bench(ColourProvider(), pixels), memory()
    async with asyncio.timeout(LONG_S):
        async with working(bench, accumulator, max_inflight=1):
            futures = [await accumulator.enqueue(patient(colour)) for colour in ("red", "green", "blue")]
            lone = await accumulator.enqueue(patient("yellow", layouts=PAIRS))
        answered = await asyncio.gather(*futures, lone)
    assert all(isinstance(outcome.result, Answer) for outcome in answered)
    assert sorted(bench.tally.paid_kinds) == ["grid", "single"]


async def test_a_lost_lease_is_not_paid_for_and_nothing_is_delivered(pixels: PixelPool) -> None:
    bench, workshop = Bench(ColourProvider(), pixels), ScriptedWorkshop(deque([batch("red", "green")]), held=False)
    async with working(bench, workshop):
        await finished(workshop)
    assert (workshop.completed, bench.tally.paid_kinds, bench.tally.events) == ([], [], ["refused"])


@pytest.mark.parametrize("away", [False, True])
async def test_a_lease_is_renewed_as_long_as_the_vendor_takes(pixels: PixelPool, away: bool) -> None:
    """Also where the store is away for a moment: it may be back before the lease ends."""
    gate = asyncio.Event()
    provider = ColourProvider(gate=gate)
    renewals = itertools.count(1)

    class Renewed(ScriptedWorkshop):
        async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
            number = next(renewals) if provider.images else 0  # before, it may be the permit to pay
            if number == RENEWALS:
                gate.set()
            if away and number == 1:
                raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")
            return await super().extend(batch, lease_s, stay_s=stay_s)

    workshop = Renewed(deque([batch("red", "green")]))
    async with working(Bench(provider, pixels), workshop, renew_s=0.001):
        await finished(workshop)
    assert len(workshop.completed) == 2
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("keep ")] == []


async def test_a_refused_late_result_counts_nobody_as_answered(pixels: PixelPool) -> None:
    bench, workshop = Bench(ColourProvider(), pixels), ScriptedWorkshop(deque([batch("red", "green")]), stale=True)
    async with working(bench, workshop):
        await finished(workshop)
    assert (bench.tally.answered_images, bench.tally.events) == (0, ["refused"])


async def test_a_batch_that_failed_its_workers_is_asked_image_by_image(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    workshop = ScriptedWorkshop(deque([batch("red", "green", attempt=ALONE_FROM_ATTEMPT)]))
    async with working(bench, workshop):
        await finished(workshop)
    assert bench.tally.paid_kinds == ["single", "single"]
    assert bench.tally.events == ["reclaimed"]


async def test_a_batch_that_failed_too_often_is_given_up_with_an_outcome_for_every_job(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    workshop = ScriptedWorkshop(deque([batch("red", "green", attempt=LAST_ATTEMPT + 1)]))
    async with working(bench, workshop):
        await finished(workshop)
    assert bench.tally.paid_kinds == []
    assert sorted(outcome.job_id for outcome in workshop.completed) == ["green", "red"]
    assert all(isinstance(outcome.result, Failure) and outcome.result.kind is Kind.INTERNAL for outcome in workshop.completed)


async def test_a_bug_in_one_batch_ends_in_failures_for_its_jobs_and_the_next_batch_is_worked_on(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    broken = batch("red", "green")
    broken = replace(broken, items=tuple(replace(item, job=replace(item.job, lane=broken.lane)) for item in broken.items))
    strangers = replace(broken, items=(broken.items[0], Item(replace(job("green"), id="red"), 0.0, 30.0)))  # two of one id
    workshop = ScriptedWorkshop(deque([strangers, batch("blue", "yellow")]))
    async with working(bench, workshop):
        async with asyncio.timeout(LONG_S):
            while {outcome.job_id for outcome in workshop.completed} < {"red", "blue", "yellow"}:
                await workshop.done.wait()
                workshop.done.clear()
    by_id = {outcome.job_id: outcome.result for outcome in workshop.completed}
    assert isinstance(by_id["red"], Failure)
    assert isinstance(by_id["blue"], Answer)


async def test_an_accumulator_that_cannot_be_reached_is_tried_again(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    workshop = ScriptedWorkshop(deque([batch("red")]), claim_problem=Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no"))
    async with working(bench, workshop):
        await finished(workshop)
    assert [outcome.job_id for outcome in workshop.completed] == ["red"]


async def test_while_the_vendor_throttles_the_images_of_the_lane_are_asked_to_stay(pixels: PixelPool) -> None:
    """The API processes see nothing of it: they only talk to the vendor for images that have left already."""
    provider = ColourProvider(script=deque([Problem(Kind.THROTTLED, "slow down")]))
    bench = Bench(provider, pixels)
    workshop = ScriptedWorkshop(deque([batch("red", "green")]))
    async with working(bench, workshop):
        await finished(workshop)
    assert workshop.stays_s[0] == 0
    assert max(workshop.stays_s) > 0
    assert bench.tally.paid_kinds == ["grid"]
