"""One job's way through the accumulator: enqueued, waited for, taken back where that is sooner. Called by the pipeline.

In: a job. Out: its outcome from a shared sheet, or why it has to go alone after all. Remembers when the accumulator fails, so
that not every image has to find out by waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.accumulator.contract import Intake, Withdrawal
from app.clock import Clock
from app.core.breaker import Breaker
from app.core.model import Bill, Bypass, Failure, Job, Outcome, Release
from app.errors import Fault, Kind, Problem
from app.fares import Fare
from app.log import get_logger

# So long after the end of its window an image that nobody has claimed goes alone, seconds; looked at again after as long. By
# far longer than a claim takes: then the workers and the store may be gone.
OVERDUE_S = 1.5
# The same while answers of grids come back: the workers are only busy, and whoever waits for them pays half.
BUSY_S = 5.0
# Shortest time between two such looks, seconds.
LOOK_AGAIN_S = 0.5
# Longest that taking an image back may take, seconds; a store that does not answer in that time is away.
WITHDRAW_S = 0.5
# What waits in a store that has been away for so long will not come back from it: workers try to deliver for less, seconds.
OUTAGE_PATIENCE_S = 7.0

log = get_logger(__name__)


class _Pulse:
    """Wakes whoever waits for it at that time; who comes later waits for the next one."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def next(self) -> asyncio.Future[None]:
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    def give(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)


@dataclass(frozen=True, slots=True)
class Missed:
    """Why an image has to go alone after all, and what its grid took."""

    reason: Bypass
    bill: Bill


class Gatherer:
    """One per API process. `may_leave(job, leaving)`: whether going alone is sooner, with so many others about to."""

    def __init__(self, intake: Intake, clock: Clock, may_leave: Callable[[Job, int], bool]) -> None:
        self._intake = intake
        self._clock = clock
        self._may_leave = may_leave
        self._breaker = Breaker()
        self._outage = Bypass.ACCUMULATOR  # what the breaker last opened for
        self._outage_since_s: float | None = None
        self._hopeless = _Pulse()  # nobody need wait any longer
        self._unclaimed = _Pulse()  # whoever is not in a sheet need not: no worker is left to claim him
        self._gathered_s = float("-inf")  # when the last answer of a grid came back
        self._leaving = 0

    @property
    def is_degraded(self) -> bool:
        """Whether the accumulator failed the last time it was tried."""
        return not self._breaker.is_closed

    def outage_now(self) -> Bypass | None:
        """Why nobody gathers at present. Asked last: to be let in is a probe."""
        return None if self._breaker.may_try(self._clock.now_s()) else self._outage

    def give_up_waiting(self) -> None:
        """All who wait are withdrawn and sent alone: what is under way will not come back in time."""
        self._hopeless.give()

    async def gather(self, job: Job, fare: Fare) -> Outcome | Missed:
        """The job's outcome from a shared sheet, or the reason why it has to go alone after all."""
        gathered = await self._gather(job, fare)
        fare.waiting(None)
        if isinstance(gathered, Outcome):
            self._gathered_s = self._clock.now_s()
            fare.paid()
        return gathered

    async def _gather(self, job: Job, fare: Fare) -> Outcome | Missed:
        began_s = self._clock.now_s()
        try:
            future = await self._intake.enqueue(job)
        except Problem as problem:
            return Missed(self._not_admitted(problem), Bill())
        self._breaker.succeeded()
        self._outage_since_s = None
        fare.waiting(lambda: self._is_back(job))
        try:
            reason = await self._wait(job, future)
            if reason is None and not future.done():
                await self._withdraw(job)
        except asyncio.CancelledError:  # the client has left: its cell is free for somebody else
            if not fare.is_back and not await asyncio.shield(self._is_back(job)):
                fare.paid()
            raise
        if reason is not None or not future.done() or future.cancelled():
            return Missed(reason or Bypass.LATE, Bill(waited_s=self._clock.now_s() - began_s))
        return _unless_ours(future.result())

    async def _is_back(self, job: Job) -> bool:
        """Take the job back where nobody has claimed it."""
        return await self._withdraw(job, only_pending=True) is Withdrawal.PENDING

    async def _wait(self, job: Job, future: asyncio.Future[Outcome]) -> Bypass | None:
        """Wait for the outcome, to the end of the job's time. Why it was taken back before, or is lost: nobody had claimed it
        long after the end of its window, or nobody is left to claim it.
        """
        due_s = self._clock.now_s() + job.max_wait_s
        end_s = self._clock.now_s() + job.time_left_s
        look_s = due_s + OVERDUE_S
        before: Withdrawal | None = None
        hopeless, unclaimed = self._hopeless.next(), self._unclaimed.next()
        while not (future.done() or hopeless.done()) and (now_s := self._clock.now_s()) < end_s:
            ends: set[asyncio.Future[Any]] = {future, hopeless, unclaimed}
            until_s = min(end_s, max(look_s, now_s + LOOK_AGAIN_S))
            await asyncio.wait(ends, timeout=until_s - now_s, return_when=asyncio.FIRST_COMPLETED)
            if future.done() or hopeless.done():
                break
            nobody_claims, unclaimed = unclaimed.done(), self._unclaimed.next()
            if nobody_claims or (self._clock.now_s() >= look_s and self._may_leave_the_queue(job, due_s)):
                found = await self._leave_the_queue(job)
                twice_gone = found is Withdrawal.GONE and before is Withdrawal.GONE  # once, the outcome may be on its way
                if found is Withdrawal.PENDING or twice_gone:
                    return Bypass.NO_WORKER if nobody_claims else Bypass.OVERDUE
                before, look_s = found, self._clock.now_s() + OVERDUE_S
        return None

    def _may_leave_the_queue(self, job: Job, due_s: float) -> bool:
        """Only where going alone is sooner. And a queue that moves is given more time."""
        now_s = self._clock.now_s()
        if now_s - self._gathered_s < OVERDUE_S and now_s - due_s < BUSY_S:
            return False
        return self._may_leave(job, self._leaving)

    async def _leave_the_queue(self, job: Job) -> Withdrawal | None:
        self._leaving += 1
        try:
            return await self._withdraw(job, only_pending=True)
        finally:
            self._leaving -= 1

    def _not_admitted(self, problem: Problem) -> Bypass:
        if problem.kind is Kind.OVER_CAPACITY:
            return Bypass.CAPACITY
        if problem.kind is Kind.SHUTTING_DOWN:
            return Bypass.DRAINING
        log.warning("accumulator unavailable", reason=problem.detail)
        return self._trip(Bypass.NO_WORKER if problem.kind is Kind.NO_WORKER else Bypass.ACCUMULATOR)

    def _trip(self, outage: Bypass) -> Bypass:
        """For a while nobody tries to gather; whoever would have is counted under this reason."""
        now_s = self._clock.now_s()
        self._breaker.failed(now_s)
        self._outage = outage
        self._outage_since_s = now_s if self._outage_since_s is None else self._outage_since_s
        if outage is Bypass.NO_WORKER:
            self._unclaimed.give()
        elif now_s - self._outage_since_s > OUTAGE_PATIENCE_S:
            self._hopeless.give()
        return outage

    async def _withdraw(self, job: Job, *, only_pending: bool = False) -> Withdrawal | None:
        """Where it was; None where the store did not say so in time: then nothing can be delivered to us either."""
        try:
            async with asyncio.timeout(WITHDRAW_S):
                return await self._intake.withdraw(job.id, only_pending=only_pending)
        except (Problem, TimeoutError) as problem:
            log.warning("cannot withdraw", reason=str(problem) or "no answer in time")
            self._trip(Bypass.ACCUMULATOR)
            return None


def _unless_ours(outcome: Outcome) -> Outcome | Missed:
    """A failure of our own is no answer: the image is sent alone. The vendor's and the caller's failures stand.

    A time-out is ours, too: the last attempt of a grid ends with the grid's time, whatever the vendor would have done.
    """
    if not isinstance(outcome.result, Failure):
        return outcome
    kind = outcome.result.kind
    if kind.fault is Fault.TESSERA or kind is Kind.PROVIDER_TIMEOUT:
        return Missed(Bypass.LATE, replace(outcome.bill, release=Release.SINGLE))
    return outcome
