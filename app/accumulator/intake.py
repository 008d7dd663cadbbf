"""The API side of the Redis accumulator: jobs in, futures out. Part of `redis.RedisAccumulator`.

A future is registered before its job can be seen, and its outcome can only come over a reply list that is being listened to.
Whatever ends a call before its answer (time, cancellation, a broken connection) leaves a debt: the job is withdrawn later,
because it may have been admitted all the same, and would be paid for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.accumulator.codec import encode_job
from app.accumulator.contract import Withdrawal
from app.accumulator.keys import shard_of
from app.accumulator.replies import Replies, read_outcome
from app.accumulator.scripts import ShardCommands
from app.accumulator.shards import Shards
from app.accumulator.tasks import Backoff, Tasks
from app.accumulator.waiters import Waiter, Waiters
from app.clock import Clock
from app.core.lanes import Admission
from app.core.model import Job, Outcome
from app.errors import Kind, Problem


class RedisIntake:
    """Implements `contract.Intake` over Redis."""

    def __init__(
        self,
        shards: Shards,
        clock: Clock,
        max_pending: int,
        lease_s: float,
        backoffs: list[Backoff],
        told: Callable[[str], None],
    ) -> None:
        """`told`: what arrives on the reply lists and is no outcome."""
        self._shards = shards
        self._max_pending = max_pending
        self._lease_s = lease_s
        self._draining = False
        self._waiters = Waiters(clock, self._expired)
        self._replies = [
            Replies(commands, self._waiters, self._is_on(number), shards.limits, backoff, told)
            for number, (commands, backoff) in enumerate(zip(shards.commands, backoffs, strict=True))
        ]

    def listen(self, tasks: Tasks, backoff: Backoff) -> None:
        """Start a listener per shard."""
        for number, replies in enumerate(self._replies):
            tasks.supervise(f"redis replies {number}", replies.run, backoff)

    async def listening(self) -> None:
        """Return when all of them work."""
        for replies in self._replies:
            await replies.up.wait()

    @property
    def is_listening(self) -> bool:
        return all(replies.up.is_set() for replies in self._replies)

    async def enqueue(self, job: Job) -> asyncio.Future[Outcome]:
        known = self._waiters.get(job.id)
        if known is not None:
            return known.future
        if self._draining:
            raise Problem(Kind.SHUTTING_DOWN, "this process gathers no more images")
        if not self._replies[self._number(job.lane.key)].up.is_set():
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no connection on which the outcome could come back")
        waiter = self._waiters.add(job)
        try:
            await self._admit(self._shards.of(job.lane.key), job)
        except BaseException:
            self._waiters.cancel(job.id)
            raise
        waiter.admitted = True
        return waiter.future

    async def _admit(self, shard: ShardCommands, job: Job) -> None:
        def left_over(_admission: Admission | None) -> None:
            self._owe_withdrawal(shard, job.id, job.lane.key, job.time_left_s)

        work = shard.enqueue(job, encode_job(job), max_pending=self._max_pending)
        admission = await self._shards.call(work, left_over)
        if admission is None:
            raise Problem(Kind.NO_WORKER, "no worker is alive to claim the image")
        if admission is Admission.OVER_CAPACITY:
            raise Problem(Kind.OVER_CAPACITY, "too many images are waiting already")

    async def withdraw(self, job_id: str, *, only_pending: bool = False) -> Withdrawal:
        waiter = self._waiters.get(job_id)
        if waiter is None:
            return Withdrawal.GONE
        shard = self._shards.of(waiter.lane)

        def left_over(found: tuple[Withdrawal, bytes | None] | None) -> None:
            if found is None and not only_pending:
                self._owe_withdrawal(shard, job_id, waiter.lane, self._lease_s)
            elif found is not None:
                self._found(job_id, found)

        try:
            found = await self._shards.call(shard.withdraw(job_id, waiter.lane, only_pending=only_pending), left_over)
            self._found(job_id, found)
            return found[0]
        finally:
            if not only_pending:
                self._waiters.cancel(job_id)

    def _found(self, job_id: str, found: tuple[Withdrawal, bytes | None]) -> None:
        """A job that was pending is ours again; an outcome that came first may still be on its way to us, and is here now."""
        whereabouts, payload = found
        if payload is not None:
            self._waiters.deliver(read_outcome(job_id, payload))
        if whereabouts is Withdrawal.PENDING:
            self._waiters.cancel(job_id)

    async def drain(self) -> None:
        self._draining = True
        waiting: dict[int, list[str]] = {}
        for waiter in self._waiters.all():
            waiting.setdefault(self._number(waiter.lane), []).append(waiter.job_id)
        drains = (self._shards.commands[number].drain(job_ids) for number, job_ids in waiting.items())
        await asyncio.gather(*(self._shards.call(drain) for drain in drains))

    async def close(self) -> None:
        """Cancel what waits, and withdraw it where Redis still answers, so that nobody pays for it."""
        self._draining = True
        left = self._waiters.all()
        self._waiters.close()
        calls = (self._shards.call(self._shards.of(waiter.lane).withdraw(waiter.job_id, waiter.lane)) for waiter in left)
        await asyncio.gather(*calls, return_exceptions=True)

    def _expired(self, waiter: Waiter) -> None:
        self._owe_withdrawal(self._shards.of(waiter.lane), waiter.job_id, waiter.lane, self._lease_s)

    def _owe_withdrawal(self, shard: ShardCommands, job_id: str, lane: str, worth_s: float) -> None:
        self._shards.owe(f"withdraw {job_id}", shard, lambda: shard.withdraw(job_id, lane), worth_s)

    def _number(self, lane_key: str) -> int:
        return shard_of(lane_key, len(self._shards.commands))

    def _is_on(self, number: int) -> Callable[[Waiter], bool]:
        return lambda waiter: self._number(waiter.lane) == number
