"""Intakes for the front half's tests: strict fakes at the accumulator's seam."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.accumulator.contract import Withdrawal
from app.core.geometry import UnitBox
from app.core.model import Answer, Bill, Detection, Feature, Job, Layout, Outcome, Release
from app.errors import Problem

GRID_BILL = Bill(Layout(2, 1), 0.5, "sheet-1", Release.FULL, waited_s=0.05, compose_s=0.01, provider_s=0.1, attempt_s=0.1)
WHOLE = UnitBox(0.0, 0.0, 1.0, 1.0)


def gridded(job: Job, label: str = "Thing", bill: Bill = GRID_BILL, box: UnitBox | None = WHOLE) -> Outcome:
    """The outcome that a worker would hand back for this job."""
    return Outcome(job.id, Answer((Detection(Feature.OBJECTS, label, 0.9, box),)), bill)


@dataclass(slots=True)
class FakeIntake:
    """Refuses with `problem`, answers at once when `answers`, and otherwise lets the job wait until the test delivers.

    `claimed`: what waits is in a batch. `hangs`: a withdrawal never ends. `bill`, `box`: of the answers.
    """

    problem: Problem | None = None
    answers: bool = False
    claimed: bool = False
    hangs: bool = False
    bill: Bill = GRID_BILL
    box: UnitBox | None = WHOLE
    jobs: dict[str, Job] = field(default_factory=dict)
    futures: dict[str, asyncio.Future[Outcome]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    tries: int = 0

    async def enqueue(self, job: Job) -> asyncio.Future[Outcome]:
        self.tries += 1
        if self.problem is not None:
            raise self.problem
        assert job.id not in self.jobs, "a job is enqueued once"
        self.jobs[job.id] = job
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.futures[job.id] = future
        if self.answers:
            future.set_result(gridded(job, bill=self.bill, box=self.box))
        self.arrived.set()
        return future

    async def withdraw(self, job_id: str, *, only_pending: bool = False) -> Withdrawal:
        future = self.futures[job_id]
        if self.hangs:
            await asyncio.Event().wait()
        if only_pending and self.claimed and not future.done():
            return Withdrawal.UNDER_WAY
        self.withdrawn.append(job_id)
        if future.done():
            return Withdrawal.GONE
        future.cancel()
        return Withdrawal.PENDING
