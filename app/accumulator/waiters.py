"""The futures of the jobs that this process waits for, by job id. Used by both implementations, on the event loop only.

In: jobs as they are admitted, outcomes as they arrive in any order, once or twice. Out: each future gets at most one result,
and a job that nobody waits for is passed over. A future is never left alone: when the job's own time runs out without an
outcome it gets Failure(DEADLINE_EXCEEDED), and `expired` is called so that the store forgets the job as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.clock import Clock
from app.core.model import Failure, Job, Outcome
from app.errors import Kind


@dataclass(slots=True)
class Waiter:
    """One job, seen from the process that waits for it. `lane` is its lane's key; `admitted`: the store has said yes;
    `since_s`: since when, by the loop's clock.
    """

    job_id: str
    lane: str
    future: asyncio.Future[Outcome]
    deadline_s: float
    since_s: float
    timer: asyncio.TimerHandle | None = None
    admitted: bool = False


class Waiters:
    """All jobs of this process that have no outcome yet."""

    def __init__(self, clock: Clock, expired: Callable[[Waiter], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._by_id: dict[str, Waiter] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, job_id: str) -> Waiter | None:
        return self._by_id.get(job_id)

    def all(self) -> list[Waiter]:
        """A snapshot, oldest first."""
        return list(self._by_id.values())

    def add(self, job: Job) -> Waiter:
        """Begin to wait, before the job can be seen by anybody."""
        loop = asyncio.get_running_loop()
        deadline_s = self._clock.now_s() + job.time_left_s
        waiter = Waiter(job.id, job.lane.key, loop.create_future(), deadline_s, since_s=loop.time())
        waiter.timer = loop.call_later(job.time_left_s, self._look_at_clock, waiter)
        self._by_id[job.id] = waiter
        return waiter

    def deliver(self, outcome: Outcome) -> bool:
        """Hand an outcome to its waiter. False when nobody here waits for it (any more)."""
        waiter = self._leave(outcome.job_id)
        if waiter is None or waiter.future.done():
            return False
        waiter.future.set_result(outcome)
        return True

    def cancel(self, job_id: str) -> None:
        """End the wait without an outcome."""
        waiter = self._leave(job_id)
        if waiter is not None:
            waiter.future.cancel()

    def close(self) -> None:
        """Cancel everything that is not done."""
        for job_id in list(self._by_id):
            self.cancel(job_id)

    def _leave(self, job_id: str) -> Waiter | None:
        waiter = self._by_id.pop(job_id, None)
        if waiter is not None and waiter.timer is not None:
            waiter.timer.cancel()
        return waiter

    def _look_at_clock(self, waiter: Waiter) -> None:
        """The loop's timer has ended; only the clock says whether the job's time has."""
        left_s = waiter.deadline_s - self._clock.now_s()
        if left_s > 0:
            waiter.timer = asyncio.get_running_loop().call_later(left_s, self._look_at_clock, waiter)
            return
        failure = Failure(Kind.DEADLINE_EXCEEDED, "no outcome came back within the image's time")
        self.deliver(Outcome(waiter.job_id, failure))
        self._expired(waiter)
