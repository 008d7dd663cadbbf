"""Several processes' Redis accumulators in one test process, sharing lanes; all are closed when the fleet is."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from app.accumulator.keys import FORMAT, ShardKeys
from app.accumulator.limits import Limits
from app.accumulator.redis import RedisAccumulator
from app.core.model import Batch, Outcome
from app.errors import Problem
from tests.support.jobs import job, job_ids, lane, outcome, outcomes

_numbers = itertools.count(1)

# Long enough for a busy machine, short enough that tests of outages take seconds.
QUICK = Limits(
    call_s=1.0,
    connect_s=0.5,
    deliver_s=10.0,
    block_s=0.2,
    recheck_s=0.2,
    recall_s=0.3,
    beat_s=0.1,
    worker_ttl_s=3.0,
    longest_backoff_s=0.2,
)
# Longest that anything in these tests may take, seconds; reached only when something is broken.
PATIENCE_S = 20.0
# Pause between two looks at something that announces itself to nobody, seconds.
LOOK_S = 0.01


class Fleet(AsyncExitStack):
    """`api`, `worker` and `both` are started processes; `url` may be another way to the same server."""

    def __init__(
        self, url: str, *, limits: Limits = QUICK, lease_s: float = 30.0, shards: int = 1, namespace: str = "fleet"
    ) -> None:
        super().__init__()
        self.url = url
        self.namespace = f"{namespace}-{next(_numbers)}"
        self.tag = ShardKeys.of(self.namespace, 0).tag
        self._limits = limits
        self._lease_s = lease_s
        self._shards = shards

    def build(
        self, *, intake: bool = True, workshop: bool = True, limits: Limits | None = None, format_number: int = FORMAT
    ) -> RedisAccumulator:
        """A process that has not started yet; it is closed with the others."""
        number = next(_numbers)
        accumulator = RedisAccumulator(
            self.url,
            process_id=f"process-{number}",
            max_pending=1000,
            lease_s=self._lease_s,
            shards=self._shards,
            namespace=self.namespace,
            intake=intake,
            workshop=workshop,
            rng=random.Random(number),
            limits=limits or self._limits,
            format_number=format_number,
        )
        self.push_async_callback(accumulator.close)
        return accumulator

    async def api(self) -> RedisAccumulator:
        return await _started(self.build(workshop=False))

    async def worker(self) -> RedisAccumulator:
        return await _started(self.build(intake=False))

    async def both(self) -> RedisAccumulator:
        return await _started(self.build())


async def _started(accumulator: RedisAccumulator) -> RedisAccumulator:
    await accumulator.start()
    return accumulator


async def result_of(future: asyncio.Future[Outcome]) -> Outcome:
    return await asyncio.wait_for(future, PATIENCE_S)


async def claimed(accumulator: RedisAccumulator) -> Batch:
    """The next batch, which has to come."""
    batch = await accumulator.claim(PATIENCE_S)
    assert batch is not None
    return batch


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look until it holds. For what happens behind the scenes and sets no event."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():
            await asyncio.sleep(LOOK_S)


async def gathers_again(api: RedisAccumulator, worker: RedisAccumulator, tenant: str = "after") -> None:
    """After trouble: an image goes all the way, by itself, without anybody having been restarted."""
    futures: dict[str, asyncio.Future[Outcome]] = {}

    async def is_admitted() -> bool:
        name = f"after-{time.monotonic_ns()}"  # a try that failed without an answer is taken back later, by its name
        try:
            futures[name] = await api.enqueue(job(name, lane=lane(tenant, capacity=1)))
        except Problem:
            return False
        return True

    await eventually(is_admitted)
    ((name, future),) = futures.items()
    batch = await claimed(worker)
    while job_ids(batch) != [name]:  # what had been there before
        await worker.complete(batch, outcomes(batch))
        batch = await claimed(worker)
    await worker.complete(batch, outcomes(batch))
    assert await result_of(future) == outcome(name, label=name)
