"""One shard's reply list: the one connection on which all outcomes for this process arrive, handed to their futures.

In: job ids on the list, outcomes under their own keys. Out: `Waiters.deliver`. The list keeps what arrives while nobody
listens; what was popped into a connection that broke is found by recalling: after every (re)connect, and once in a while,
the store is asked what became of the jobs that are still waited for. A store that came back empty has lost them, and their
futures are told so at once instead of waiting for their time-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Protocol

from app.accumulator.codec import CodecError, decode_outcome
from app.accumulator.limits import Limits
from app.accumulator.tasks import Backoff
from app.accumulator.waiters import Waiter, Waiters
from app.core.model import Failure, Outcome
from app.errors import Kind, Problem
from app.log import get_logger

# Jobs that are asked for in one call: a few milliseconds of the store's time.
RECALL_CHUNK = 500

log = get_logger(__name__)


class Recalled(Enum):
    """What the store says about a job without an outcome."""

    UNDER_WAY = auto()
    LOST = auto()


class ReplyList(Protocol):
    """A shard's reply list of this process."""

    async def next_replies(self, done: Sequence[str]) -> list[tuple[str, bytes | None]]: ...
    async def recall(self, job_ids: Sequence[str]) -> list[bytes | Recalled]: ...
    async def ping(self) -> None: ...


class Replies:
    """Listens to one shard; `run` until cancelled. `up` is set while the connection works. `told`: what else arrives."""

    def __init__(
        self,
        shard: ReplyList,
        waiters: Waiters,
        belongs: Callable[[Waiter], bool],
        limits: Limits,
        backoff: Backoff,
        told: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._shard = shard
        self._waiters = waiters
        self._belongs = belongs
        self._limits = limits
        self._backoff = backoff
        self._told = told
        self._recalled_s = 0.0
        self.up = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except Problem as problem:
                if self.up.is_set():
                    log.warning("lost the connection for replies", reason=problem.detail)
                self.up.clear()
                await self._backoff.wait()

    async def _listen(self) -> None:
        await self._shard.ping()
        await self._recall(older_than_s=0.0)
        self.up.set()
        self._backoff.reset()
        done: list[str] = []
        while True:
            replies = await self._shard.next_replies(done)
            for job_id, payload in replies:
                if payload is not None:
                    self._deliver(job_id, payload)
                else:  # no outcome of a job of ours: the end of a flight that somebody here waits for
                    self._told(job_id)
            done = [job_id for job_id, payload in replies if payload is not None]
            if asyncio.get_running_loop().time() - self._recalled_s > self._limits.recall_s:
                await self._recall(older_than_s=self._limits.recall_s)

    async def _recall(self, older_than_s: float) -> None:
        """Ask for the outcomes of what has waited for so long."""
        now_s = asyncio.get_running_loop().time()
        self._recalled_s = now_s
        waiting = [
            waiter.job_id
            for waiter in self._waiters.all()
            if waiter.admitted and self._belongs(waiter) and now_s - waiter.since_s >= older_than_s
        ]
        for start in range(0, len(waiting), RECALL_CHUNK):
            chunk = waiting[start : start + RECALL_CHUNK]
            for job_id, found in zip(chunk, await self._shard.recall(chunk), strict=True):
                if found is Recalled.LOST:
                    self._lost(job_id)
                elif isinstance(found, bytes):
                    self._deliver(job_id, found)

    def _deliver(self, job_id: str, payload: bytes) -> None:
        self._waiters.deliver(read_outcome(job_id, payload))

    def _lost(self, job_id: str) -> None:
        log.warning("job lost by the store", job_id=job_id)
        failure = Failure(Kind.ACCUMULATOR_UNAVAILABLE, "the image was lost with the store that it waited in")
        self._waiters.deliver(Outcome(job_id, failure))


def read_outcome(job_id: str, payload: bytes) -> Outcome:
    """What has come for this job. What cannot be read, or is another job's, is a failure: its image can still be sent alone."""
    try:
        outcome = decode_outcome(payload)
    except CodecError:
        log.error("cannot read an outcome", job_id=job_id, exc_info=True)
    else:
        if outcome.job_id == job_id:
            return outcome
        log.error("another job's outcome", job_id=job_id)
    return Outcome(job_id, Failure(Kind.ACCUMULATOR_UNAVAILABLE, "the outcome was damaged in the store"))
