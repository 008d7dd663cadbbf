"""How many images per second go through the accumulator and back, with images of 100 kB: memory, and Redis on loopback.

Run it with `python -m tests.bench.bench_accumulator [images]`. One process plays the API and the worker, so Redis figures are
what one Python process can do, both sides together; Redis itself is hardly busy. The worker answers at once, so the latency
is the accumulator's own: from `enqueue` to the outcome, with all images of a round enqueued CONCURRENT at a time.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from app.accumulator.contract import Accumulator
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clock import SystemClock
from tests.support.jobs import job, lane, outcomes
from tests.support.redis_server import RedisServer

IMAGES = 3000
IMAGE_BYTES = 100_000
# Clients at a time; enough to keep lanes of CAPACITY cells full, few enough that latency is not the queue's length.
CONCURRENT = 64
CAPACITY = 4
LANES = 4
WINDOW_S = 0.1
# Batches that are claimed at a time.
CLAIMERS = 4


async def measure(accumulator: Accumulator, images: int) -> tuple[float, list[float], int]:
    """Seconds for all images, latency of each, and the number of batches."""
    image = bytes(IMAGE_BYTES)
    latencies_s: list[float] = []
    numbers = iter(range(images))
    batches = 0

    async def client() -> None:
        for number in numbers:
            began_s = time.perf_counter()
            one = job(lane=lane(f"tenant-{number % LANES}", capacity=CAPACITY), max_wait_s=WINDOW_S, image=image)
            await (await accumulator.enqueue(one))
            latencies_s.append(time.perf_counter() - began_s)

    async def worker() -> None:
        nonlocal batches
        while True:
            batch = await accumulator.claim(1.0)
            if batch is not None:
                batches += 1
                await accumulator.complete(batch, outcomes(batch))

    workers = [asyncio.create_task(worker()) for _ in range(CLAIMERS)]
    began_s = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CONCURRENT)))
    took_s = time.perf_counter() - began_s
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return took_s, latencies_s, batches


async def report(name: str, accumulator: Accumulator, images: int) -> None:
    async with AsyncExitStack() as stack:
        stack.push_async_callback(accumulator.close)
        await accumulator.start()
        await measure(accumulator, images // 10)  # connections, scripts, the lanes' rates
        cpu_s = time.process_time()
        took_s, latencies_s, batches = await measure(accumulator, images)
        cpu_ms = (time.process_time() - cpu_s) / images * 1000
        cuts = statistics.quantiles(latencies_s, n=20)
        print(
            f"{name:16} {images / took_s:7.0f} images/s   {images / batches:4.2f} images/batch   "
            f"latency p50 {cuts[9] * 1000:6.1f} ms, p95 {cuts[18] * 1000:6.1f} ms   {cpu_ms:5.2f} ms of CPU here per image"
        )


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    asyncio.run(report("memory", MemoryAccumulator(SystemClock(), max_pending=10_000, lease_s=30.0), images))
    server = RedisServer.start()

    def redis(shards: int) -> Callable[[], RedisAccumulator]:
        return lambda: RedisAccumulator(
            server.url, process_id="bench", max_pending=10_000, lease_s=30.0, shards=shards, namespace=f"bench-{shards}"
        )

    try:
        for shards in (1, 3):
            asyncio.run(report(f"redis, {shards} shard(s)", redis(shards)(), images))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
