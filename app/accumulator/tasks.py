"""Owners of the Redis accumulator's background work: tasks that end with it, calls that outlive their caller, debts.

A call to Redis is never cancelled half way, because then nobody would know whether it happened. It runs as a task of its own,
bounded by the sockets' time-outs; the caller waits for it as long as it may. If the caller leaves before the end (it was
cancelled, or its time was over), or if the call fails, `left_over` is told the result, or None where it is unknown, and
takes back what was done for nobody: usually by owing it to `Errands`.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from app.errors import Kind, Problem
from app.log import get_logger

T = TypeVar("T")

# Debts that are kept while Redis is away. Each is a job or a batch that would otherwise time out there by itself, so the
# oldest may be dropped: it has the least time left.
MOST_ERRANDS = 1000

# A cancelled task that has not ended after so long is cancelled again, seconds. redis-py sends with asyncio.wait_for, and up to
# Python 3.11 that swallows a cancellation that arrives together with its result.
RECANCEL_S = 0.05

log = get_logger(__name__)


class Tasks:
    """Tasks with a name and an owner; `close` ends them all."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def supervise(self, name: str, run: Callable[[], Coroutine[Any, Any, None]], backoff: Backoff) -> None:
        """Keep `run` running until `close`: a mistake in it is logged, and it begins anew after a pause."""

        async def watch() -> None:
            while True:
                try:
                    await run()
                    return
                except Exception:
                    log.error("background task failed", task=name, exc_info=True)
                    await backoff.wait()

        self.spawn(name, watch())

    async def within(
        self, limit_s: float, name: str, work: Coroutine[Any, Any, T], left_over: Callable[[T | None], None] | None = None
    ) -> T:
        """The result of `work`, or Problem(ACCUMULATOR_UNAVAILABLE) when it takes longer. See the module's docstring."""
        task = self.spawn(name, work)
        try:
            await asyncio.wait({task}, timeout=limit_s)
        except asyncio.CancelledError:
            _hand_over(task, left_over)
            raise
        if not task.done():
            _hand_over(task, left_over)
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "Redis did not answer in time")
        if task.cancelled():
            raise Problem(Kind.SHUTTING_DOWN, "the connection to Redis is being closed")
        if task.exception() is not None and left_over is not None:
            left_over(None)
        return task.result()

    async def close(self) -> None:
        """Cancel all tasks until they have ended: once may not do, see RECANCEL_S."""
        while tasks := [task for task in self._tasks if not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=RECANCEL_S)


def _hand_over(task: asyncio.Task[T], left_over: Callable[[T | None], None] | None) -> None:
    def ended(task: asyncio.Task[T]) -> None:
        if task.cancelled():  # closing
            return
        failed = task.exception() is not None
        if left_over is not None:
            left_over(None if failed else task.result())

    task.add_done_callback(ended)


class Backoff:
    """Growing pauses between tries, with jitter so that processes do not come back in step; ends at once when closing."""

    def __init__(self, first_s: float, longest_s: float, rng: random.Random, closing: asyncio.Event) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng
        self._closing = closing
        self._next_s = first_s

    def reset(self) -> None:
        self._next_s = self._first_s

    def next_s(self) -> float:
        """The next pause: half of it certain, half of it random."""
        pause_s = self._next_s
        self._next_s = min(self._longest_s, 2 * pause_s)
        return pause_s * (1 + self._rng.random()) / 2

    async def wait(self) -> None:
        await wait_for_event(self._closing, self.next_s())


async def wait_for_event(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether the event came within the time."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that is still to be done in Redis, and the time of the loop's clock after which it is pointless."""

    name: str
    act: Callable[[], Awaitable[object]]
    until_s: float


class Errands:
    """Debts, paid one after the other in the background, tried again until they succeed or are pointless."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._debts: deque[Errand] = deque(maxlen=MOST_ERRANDS)
        self._any = asyncio.Event()

    def __len__(self) -> int:
        return len(self._debts)

    def owe(self, errand: Errand) -> None:
        self._debts.append(errand)
        self._any.set()

    async def run(self) -> None:
        while True:
            await self._any.wait()
            self._any.clear()
            while self._debts:
                await self._pay(self._debts.popleft())

    async def _pay(self, errand: Errand) -> None:
        if asyncio.get_running_loop().time() >= errand.until_s:
            log.warning("gave up", errand=errand.name)
            return
        try:
            await errand.act()
        except Problem as problem:
            log.debug("will try again", errand=errand.name, reason=problem.detail)
            if len(self._debts) < MOST_ERRANDS:  # or it is the oldest of too many
                self._debts.appendleft(errand)
            await self._backoff.wait()
        else:
            self._backoff.reset()
